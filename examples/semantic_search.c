/* SPDX-License-Identifier: MIT
 * Semantic search in a dataset of images, step by step.
 *
 * usage: semantic_search DATASET MODEL QUERY [MODELS]
 *   DATASET  as akin dataset import makes it
 *   MODEL    one that takes texts: tiny-clip
 *   QUERY    what to look for: "a ship on the sea"
 *   MODELS   a folder of models */
#include <stdio.h>

#include <akin/dataset.h>

#define TABLE "emb_open-clip"

static int fail(const akin_error *err)
{
    fprintf(stderr, "%s\n", err->text);
    return 1;
}

/* The first hundred views, by their ids. */
static akin_status get_view_ids(akin_dataset *dataset, akin_rows **rows,
                                const char **ids, size_t *n, akin_error *err)
{
    akin_dataset_get_options first = {.limit = 100};
    akin_status status = akin_dataset_get(dataset, "image", &first, rows, err);
    if (status != AKIN_OK) return status;
    *n = akin_rows_count(*rows);
    for (size_t i = 0; i < *n; i++) ids[i] = akin_rows_at(*rows, i)[0].text;
    return AKIN_OK;
}

static void print_hits(const akin_dataset_hits *hits)
{
    for (size_t i = 0; i < akin_dataset_hits_count(hits); i++) {
        const akin_dataset_hit *hit = akin_dataset_hits_at(hits, i);
        printf("%zu. %s distance %.5f\n", hit->rank, hit->url,
               (double)hit->distance);
    }
}

static akin_status search(akin_dataset *dataset, const char *query,
                          akin_error *err)
{
    akin_dataset_hits *hits = NULL;
    akin_dataset_term term = {.text = query};
    akin_dataset_search_options page = {.limit = 5, .skip = 0};
    akin_status status =
        akin_dataset_search(dataset, TABLE, &term, 1, &page, &hits, err);
    if (status == AKIN_OK) print_hits(hits);
    akin_dataset_hits_free(hits);
    return status;
}

static akin_status run(akin_dataset *dataset, const char *model,
                       const char *query, akin_error *err)
{
    akin_rows *views = NULL;
    const char *ids[100];
    size_t n = 0;
    akin_dataset_table_options table = {
        .model = model, .relation = "one_to_one", .exist_ok = true};
    akin_status status =
        akin_dataset_create_table(dataset, TABLE, &table, err);
    if (status == AKIN_OK)
        status = get_view_ids(dataset, &views, ids, &n, err);
    if (status == AKIN_OK) {
        akin_dataset_compute_options these = {.view_ids = ids,
                                              .n_view_ids = n};
        status = akin_dataset_compute(dataset, TABLE, &these, NULL, err);
    }
    akin_rows_free(views);
    return status == AKIN_OK ? search(dataset, query, err) : status;
}

int main(int argc, char **argv)
{
    akin_error err;
    akin_dataset *dataset = NULL;
    if (argc < 4) {
        fprintf(stderr, "usage: semantic_search DATASET MODEL QUERY [MODELS]\n");
        return 2;
    }
    const char *folders[] = {argv[argc > 4 ? 4 : 0]};
    akin_model_options models = {.folders = folders, .n_folders = argc > 4};
    akin_dataset_options options = {.write = true, .models = &models};
    if (akin_dataset_open(argv[1], &options, &dataset, &err) != AKIN_OK)
        return fail(&err);
    akin_status status = run(dataset, argv[2], argv[3], &err);
    akin_dataset_close(dataset);
    return status == AKIN_OK ? 0 : fail(&err);
}
