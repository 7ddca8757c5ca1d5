/* SPDX-License-Identifier: MIT
 * engine/dataset_tag: labels of items whose vectors are those of texts. */
#include "dataset_help.h"
#include "db_files.h"
#include "onnx_help.h"
#include "test.h"

enum { TEXT_DIM = 4, N_TAGGED = 6 };

/* A dataset whose even items have the vector of the text "a", the odd ones that of
 * "xyz"; NULL if no runtime is here. */
static akin_dataset *make_tagged(void)
{
    static const char *const texts[] = {"a", "xyz"};
    akin_error e = {0};
    const char *folders[] = {test_data("models")};
    const akin_model_options models = {.folders = folders, .n_folders = 1};
    akin_model *m = NULL;
    float vectors[2][TEXT_DIM];
    char ids[N_TAGGED][16];
    akin_dataset_vector put[N_TAGGED];
    if (!onnx_help_runtime()) return NULL;
    CHECK_OK(akin_model_open("pictures", &models, &m, &e), e);
    for (size_t i = 0; m && i < 2; i++)
        CHECK_OK(akin_model_embed_text(m, texts[i], vectors[i], &e), e);
    akin_model_close(m);
    akin_dataset_close(dataset_make(N_TAGGED, 1));
    akin_dataset *ds = NULL;
    const akin_dataset_options opt = {.write = true, .models = &models};
    CHECK_OK(akin_dataset_open(db_path("ds"), &opt, &ds, &e), e);
    for (size_t i = 0; i < N_TAGGED; i++) {
        snprintf(ids[i], sizeof ids[i], "i%03zuv0", i);
        put[i] = (akin_dataset_vector){ids[i], vectors[i % 2]};
    }
    CHECK_OK(akin_dataset_put_vectors(ds, "emb", "pictures", TEXT_DIM, put,
                                      N_TAGGED, false, NULL, NULL, &e), e);
    return ds;
}

static void take_tag(void *user, const char *item_id, const char *label,
                     double score)
{
    char *text = user;
    size_t n = strlen(text);
    CHECK(score > 0.5 && score <= 1);
    snprintf(text + n, 400 - n, "%s=%s ", item_id, label);
}

static void check_found(akin_dataset *ds, const char *where, size_t wanted)
{
    akin_error e = {0};
    akin_rows *found = NULL;
    const akin_dataset_get_options opt = {.where = where};
    CHECK_OK(akin_dataset_get(ds, "item", &opt, &found, &e), e);
    CHECK_EQ_INT(akin_rows_count(found), wanted);
    akin_rows_free(found);
}

static void labels_are_found_and_kept(void)
{
    static const char *const labels[] = {"xyz", "a"};
    akin_error e = {0};
    char text[400] = "";
    size_t n_tagged = 0;
    akin_dataset *ds = make_tagged();
    if (!ds) return;
    akin_dataset_tag_options opt = {.prompt = "{}", .scale = 1e5,
                                    .tagged = take_tag, .user = text};
    CHECK_OK(akin_dataset_tag(ds, "emb", labels, 2, &opt, &n_tagged, &e), e);
    CHECK_EQ_INT(n_tagged, N_TAGGED);
    CHECK_EQ_TEXT(text, "i000=a i001=xyz i002=a i003=xyz i004=a i005=xyz ");
    check_found(ds, "tag = 'a'", 3);
    check_found(ds, "tag_score > 0.5", N_TAGGED);
    /* Nothing is as sure as that: labels of these items go. */
    opt = (akin_dataset_tag_options){.prompt = "{}", .scale = 1e-9,
                                     .min_score = 0.9, .where = "number < 3"};
    CHECK_OK(akin_dataset_tag(ds, "emb", labels, 2, &opt, &n_tagged, &e), e);
    CHECK_EQ_INT(n_tagged, 0);
    check_found(ds, "tag IS NULL", 3);
    check_found(ds, "tag = 'a'", 1);
    opt = (akin_dataset_tag_options){.field = "number"};
    CHECK_STATUS(akin_dataset_tag(ds, "emb", labels, 2, &opt, NULL, &e),
                 AKIN_EUSAGE);
    akin_dataset_close(ds);
}

const test_case test_dataset_tag_cases[] = {
    {"dataset_tag/labels_are_found_and_kept", labels_are_found_and_kept},
    {0},
};
