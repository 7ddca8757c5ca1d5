/* SPDX-License-Identifier: MIT
 * The search over --table: its terms, its answers as table, CSV and JSON. */
#define _GNU_SOURCE
#include "cli/search_dataset.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/print_rows.h"
#include "cli/print.h"

enum { MOST_TERMS = 64, MOST_SHOWN = 4 /* of the items' fields, in the table */ };

/* ---- terms -------------------------------------------------------------- */

typedef struct term_list {
    akin_dataset_term items[MOST_TERMS];
    char *texts[MOST_TERMS]; /* owned: values without their weights */
    size_t n;
} term_list;

static void term_list_clear(term_list *list)
{
    for (size_t i = 0; i < list->n; i++) mem_free(list->texts[i]);
}

/* "dog^0.5" is dog with a weight of 0.5. */
static akin_status term_list_add(term_list *list, const char *value, float sign,
                                 akin_dataset_term **term, const char **text,
                                 akin_error *err)
{
    const char *hat = strrchr(value, '^');
    double weight = 1;
    if (list->n == MOST_TERMS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "a search has at most %d terms",
                         MOST_TERMS);
    char *own = mem_strdup(value);
    if (!own) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a term");
    if (hat && text_to_double(hat + 1, &weight)) own[hat - value] = 0;
    if (hat && weight <= 0) {
        mem_free(own);
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the weight in '%s' must be above 0; for what is not "
                         "wanted there is --not-text and the like", value);
    }
    *term = &list->items[list->n];
    **term = (akin_dataset_term){.weight = sign * (float)weight};
    list->texts[list->n++] = own;
    *text = own;
    return AKIN_OK;
}

static akin_status term_list_add_all(term_list *list, const option_texts *values,
                                     float sign, size_t field, akin_error *err)
{
    for (size_t i = 0; i < values->n; i++) {
        akin_dataset_term *term = NULL;
        const char *text = NULL;
        AKIN_TRY(term_list_add(list, values->items[i], sign, &term, &text,
                               err));
        memcpy((char *)term + field, &text, sizeof text);
    }
    return AKIN_OK;
}

static akin_status term_list_take(term_list *list, const search_terms *terms,
                                  float sign, akin_error *err)
{
    AKIN_TRY(term_list_add_all(list, &terms->texts, sign,
                               offsetof(akin_dataset_term, text), err));
    AKIN_TRY(term_list_add_all(list, &terms->files, sign,
                               offsetof(akin_dataset_term, file), err));
    AKIN_TRY(term_list_add_all(list, &terms->views, sign,
                               offsetof(akin_dataset_term, view_id), err));
    return term_list_add_all(list, &terms->items, sign,
                             offsetof(akin_dataset_term, item_id), err);
}

static akin_status term_list_init(term_list *list,
                                  const search_dataset_args *args,
                                  akin_error *err)
{
    *list = (term_list){0};
    AKIN_TRY(term_list_take(list, args->with, 1, err));
    if (args->vector) {
        akin_dataset_term *term = NULL;
        const char *text = NULL;
        AKIN_TRY(term_list_add(list, args->vector, 1, &term, &text, err));
        term->vector_file = text;
    }
    if (list->n == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "one of --text, --file, --view, --item and --vector "
                         "is needed");
    return term_list_take(list, args->without, -1, err);
}

/* ---- answers ------------------------------------------------------------ */

typedef struct answers {
    const search_dataset_args *args;
    const akin_dataset_hits *hits;
    akin_dataset_hits_info info;
    akin_rows *items; /* rows of the items, in the table's order */
    size_t *row_of;   /* [hits] among items; SIZE_MAX: gone meanwhile */
    size_t n;
} answers;

/* Rows by id; there are few of them. */
static size_t find_row(const akin_rows *rows, const char *id)
{
    for (size_t i = 0; i < akin_rows_count(rows); i++)
        if (text_equal(akin_rows_at(rows, i)[0].text, id)) return i;
    return SIZE_MAX;
}

static akin_status get_items(akin_dataset *ds, answers *a, akin_error *err)
{
    void *ids, *row_of;
    AKIN_TRY(mem_new_array(a->n + 1, sizeof *a->row_of, "the answers", &row_of,
                           err));
    a->row_of = row_of;
    AKIN_TRY(mem_new_array(a->n + 1, sizeof(char *), "the answers", &ids, err));
    const char **texts = ids;
    for (size_t i = 0; i < a->n; i++)
        texts[i] = akin_dataset_hits_at(a->hits, i)->item_id;
    akin_dataset_get_options opt = {.ids = texts, .n_ids = a->n};
    akin_status status =
        a->n > 0 ? akin_dataset_get(ds, "item", &opt, &a->items, err) : AKIN_OK;
    for (size_t i = 0; i < a->n && status == AKIN_OK; i++)
        a->row_of[i] = find_row(a->items, texts[i]);
    mem_free(ids);
    return status;
}

static void print_json_of(const answers *a)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < a->n; i++) {
        const akin_dataset_hit *hit = akin_dataset_hits_at(a->hits, i);
        json_t *item = a->row_of[i] == SIZE_MAX
                           ? json_pack("{s:s}", "id", hit->item_id)
                           : print_rows_to_json(a->items, a->row_of[i]);
        json_array_append_new(
            rows, json_pack("{s:I, s:o, s:o, s:{s:o, s:o}, s:o, s:f, s:f}",
                            "rank", (json_int_t)hit->rank, "item", item, "view",
                            json_text(hit->view), "view_ref", "name",
                            json_text(hit->view), "id",
                            json_text(hit->view_id), "recording",
                            json_text(hit->url), "similarity",
                            (double)hit->similarity, "distance",
                            (double)hit->distance));
    }
    print_json(json_pack("{s:s, s:s, s:s, s:f, s:I, s:I, s:o}", "table",
                         a->args->table, "model", a->info.model, "mode",
                         a->info.mode, "took_ms", a->info.took_ms, "total",
                         (json_int_t)a->info.n_items, "total_matching",
                         (json_int_t)a->info.n_matching, "results", rows));
}

/* The user's own fields come behind id, created_at, updated_at and split. */
static size_t choose_fields(const answers *a, size_t shown[MOST_SHOWN])
{
    size_t n, n_shown = 0;
    if (!a->items) return 0;
    akin_rows_columns(a->items, &n);
    for (size_t c = 4; c < n && n_shown < MOST_SHOWN; c++) shown[n_shown++] = c;
    return n_shown;
}

static void print_table_of(const answers *a)
{
    print_column columns[4 + MOST_SHOWN] = {
        {.head = "rank", .right = true},
        {.head = "similarity", .right = true},
        {.head = "item"},
        {.head = "file", .elide = true}};
    size_t shown[MOST_SHOWN], n_shown = choose_fields(a, shown), n;
    print_table table;
    for (size_t c = 0; c < n_shown; c++)
        columns[4 + c] = (print_column){
            .head = akin_rows_columns(a->items, &n)[shown[c]].name,
            .elide_end = true};
    print_table_init(&table, columns, 4 + n_shown);
    for (size_t i = 0; i < a->n; i++) {
        const akin_dataset_hit *hit = akin_dataset_hits_at(a->hits, i);
        print_table_put(&table, "%zu", hit->rank);
        print_table_put(&table, "%.4f", (double)hit->similarity);
        print_table_put(&table, "%s", hit->item_id);
        print_table_put(&table, "%s", hit->url);
        for (size_t c = 0; c < n_shown; c++)
            print_rows_cell(&table, a->items, a->row_of[i], shown[c]);
    }
    if (a->n > 0) print_table_write(&table);
}

static void print_csv_of(const answers *a)
{
    print_csv csv = {0};
    puts("rank,similarity,distance,item,view,view_id,file");
    for (size_t i = 0; i < a->n; i++) {
        const akin_dataset_hit *hit = akin_dataset_hits_at(a->hits, i);
        csv = (print_csv){0};
        print_csv_field(&csv, "%zu", hit->rank);
        print_csv_field(&csv, "%.9g", (double)hit->similarity);
        print_csv_field(&csv, "%.9g", (double)hit->distance);
        print_csv_field(&csv, "%s", hit->item_id);
        print_csv_field(&csv, "%s", hit->view);
        print_csv_field(&csv, "%s", hit->view_id);
        print_csv_field(&csv, "%s", hit->url);
        print_csv_end(&csv);
    }
}

static void print_notes(const answers *a)
{
    if (a->args->quiet) return;
    if (a->n == 0) print_note("no answers");
    print_note("%zu of %zu items searched (%s, %s) in %.1f ms",
               a->info.n_matching, a->info.n_items, a->info.model,
               a->info.mode, a->info.took_ms);
}

static void print_answers(const answers *a)
{
    switch (a->args->format) {
    case FORMAT_JSON: print_json_of(a); break;
    case FORMAT_CSV: print_csv_of(a); break;
    default: print_table_of(a); break;
    }
    fflush(stdout); /* before the lines on stderr */
    print_notes(a);
}

/* ---- the search --------------------------------------------------------- */

static akin_status search(akin_dataset *ds, const search_dataset_args *args,
                          const term_list *terms, akin_error *err)
{
    akin_dataset_hits *hits = NULL;
    akin_dataset_search_options opt = {
        .limit = (size_t)args->n_results, .skip = (size_t)args->skip,
        .where = args->where, .view = args->only_view,
        .min_similarity = args->min_similarity, .exact = args->exact};
    AKIN_TRY(akin_dataset_search(ds, args->table, terms->items, terms->n, &opt,
                                 &hits, err));
    answers a = {.args = args, .hits = hits,
                 .n = akin_dataset_hits_count(hits)};
    akin_dataset_hits_get_info(hits, &a.info);
    akin_status status = get_items(ds, &a, err);
    if (status == AKIN_OK) print_answers(&a);
    mem_free(a.row_of);
    akin_rows_free(a.items);
    akin_dataset_hits_free(hits);
    return status;
}

int search_dataset(const options *parsed, const search_dataset_args *args)
{
    akin_dataset *ds = NULL;
    akin_error err = {0};
    term_list terms;
    akin_dataset_options open = {.media = args->media};
    if (parsed->n_operands != 1)
        return command_misused(parsed, "one dataset is needed with --table");
    akin_status status = term_list_init(&terms, args, &err);
    if (status == AKIN_OK)
        status = command_open_dataset(parsed->operands[0], &open,
                                      (akin_device)args->device, &ds, &err);
    if (status == AKIN_OK) status = search(ds, args, &terms, &err);
    akin_dataset_close(ds);
    term_list_clear(&terms);
    return status == AKIN_OK ? EXIT_DONE : print_failure(&err);
}
