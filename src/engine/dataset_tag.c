/* SPDX-License-Identifier: MIT
 * akin_dataset_tag: a text for each label, an item's best view for each text, and
 * a softmax over the labels; written into two fields of the items. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "engine/dataset_filter.h"
#include "engine/dataset_query.h"
#include "index/distance.h"
#include "index/distance_f32.h"

#define TAG_FIELD "tag"
#define TAG_PROMPT "a photo of a {}"
#define TAG_SCALE 100.0
#define TAG_MAX_LABELS 100000

enum { TAG_STRETCH = 256 };

/* A vector of an item. */
typedef struct tag_row {
    uint32_t item, row;
} tag_row;

/* An item's rows, and what was found. */
typedef struct tag_item {
    size_t first, n;
    uint32_t label;
    double score;
} tag_item;

typedef struct tagging {
    akin_dataset *ds;
    const akin_dataset_tag_options *opt;
    const char *const *labels;
    size_t n_labels, dim;
    dataset_table *table;
    dataset_table_map *map;
    item_store *s;
    uint64_t *items_bits;
    float *vectors; /* [n_labels, dim] of length 1 */
    tag_row *rows;
    size_t n_rows;
    tag_item *items;
    size_t n_items, n_tagged;
    size_t fields[2]; /* label, score */
    atomic_size_t next;
    atomic_bool no_memory;
} tagging;

static const char *tag_field(const tagging *t)
{
    return t->opt->field ? t->opt->field : TAG_FIELD;
}

/* ---- labels ----------------------------------------------------------------- */

static akin_status tag_check(const tagging *t, akin_error *err)
{
    const akin_dataset_tag_options *opt = t->opt;
    if (t->n_labels == 0 || t->n_labels > TAG_MAX_LABELS)
        return AKIN_FAIL(err, AKIN_EUSAGE, "give 1 to %d labels",
                         TAG_MAX_LABELS);
    for (size_t i = 0; i < t->n_labels; i++)
        if (!t->labels[i] || !*t->labels[i])
            return AKIN_FAIL(err, AKIN_EUSAGE, "label %zu is empty", i + 1);
    if (opt->prompt && !strstr(opt->prompt, "{}"))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the prompt '%s' has no {} for the label",
                         opt->prompt);
    if (!(opt->scale >= 0) || !isfinite(opt->scale))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the scale is a positive number, not %g", opt->scale);
    if (isnan(opt->min_score))
        return AKIN_FAIL(err, AKIN_EUSAGE, "the least score is no number");
    return AKIN_OK;
}

static akin_status tag_embed(const tagging *t, model *m, size_t i,
                             akin_error *err)
{
    const char *prompt = t->opt->prompt ? t->opt->prompt : TAG_PROMPT;
    const char *at = strstr(prompt, "{}");
    float *vector = t->vectors + i * t->dim;
    char *text = text_format("%.*s%s%s", (int)(at - prompt), prompt,
                             t->labels[i], at + 2);
    if (!text) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a label");
    akin_status status = model_embed_text(m, text, vector, err);
    mem_free(text);
    AKIN_TRY(status);
    if (dataset_unit(vector, t->dim)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EMODEL, "the vector of label '%s' is zero",
                     t->labels[i]);
}

static akin_status tag_embed_labels(tagging *t, akin_error *err)
{
    model *m = NULL;
    size_t values;
    void *p;
    akin_db *db = t->table->db;
    t->dim = db->settings.dim;
    AKIN_TRY(database_model(db, &m, err));
    if (!model_get_info(m)->text)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "model %s, which made the vectors of table '%s', "
                         "knows no texts; labels need one that does",
                         db->settings.model, t->table->name);
    AKIN_TRY(database_load_model(db, MODEL_TEXT, &m, err));
    if (!mem_mul(t->n_labels, t->dim, &values)) values = SIZE_MAX;
    AKIN_TRY(mem_new_array(values, sizeof(float), "the labels", &p, err));
    t->vectors = p;
    for (size_t i = 0; i < t->n_labels; i++)
        AKIN_TRY(tag_embed(t, m, i, err));
    return AKIN_OK;
}

/* ---- items ------------------------------------------------------------------ */

static int compare_tag_rows(const void *a_, const void *b_)
{
    const tag_row *a = a_, *b = b_;
    if (a->item != b->item) return a->item < b->item ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static akin_status tag_collect_rows(tagging *t, akin_error *err)
{
    const dataset_map *map = &t->map->map;
    dataset_filter filter = {0};
    void *p;
    if (t->opt->where) {
        AKIN_TRY(dataset_item_bits(t->ds, t->opt->where, &t->items_bits,
                                   &filter.n_item_bits, err));
        filter.items = t->items_bits;
    }
    AKIN_TRY(mem_new_array(map->n_entries, sizeof *t->rows, "rows", &p, err));
    t->rows = p;
    for (size_t row = 0; row < map->n_rows; row++)
        for (uint32_t i = map->first[row]; i < map->first[row + 1]; i++)
            if (dataset_filter_has(&filter, &map->entries[i]))
                t->rows[t->n_rows++] =
                    (tag_row){map->entries[i].item, (uint32_t)row};
    qsort(t->rows, t->n_rows, sizeof *t->rows, compare_tag_rows);
    return AKIN_OK;
}

static akin_status tag_collect(tagging *t, akin_error *err)
{
    void *p;
    AKIN_TRY(tag_collect_rows(t, err));
    AKIN_TRY(mem_new_array(t->n_rows, sizeof *t->items, "items", &p, err));
    t->items = p;
    for (size_t i = 0, end; i < t->n_rows; i = end) {
        for (end = i; end < t->n_rows && t->rows[end].item == t->rows[i].item;)
            end++;
        t->items[t->n_items++] = (tag_item){.first = i, .n = end - i};
    }
    return AKIN_OK;
}

/* ---- the nearest label ------------------------------------------------------ */

/* Of each label the cosine of the item's best view into best [n_labels]. */
static void tag_measure(const tagging *t, const tag_item *item, float *vector,
                        float *best, float *dots)
{
    for (size_t i = 0; i < t->n_labels; i++) best[i] = -1;
    for (size_t k = 0; k < item->n; k++) {
        uint32_t row = t->rows[item->first + k].row;
        distance_from_half(dataset_map_vector(&t->map->map, row), t->dim,
                           vector);
        if (!dataset_unit(vector, t->dim)) continue;
        const distance_query q = {vector, t->dim};
        distance_f32_get()->dot_rows(&q, t->vectors, t->n_labels, dots);
        for (size_t i = 0; i < t->n_labels; i++)
            if (dots[i] > best[i]) best[i] = dots[i];
    }
}

/* Of equal ones the first label. */
static void tag_choose(const tagging *t, const float *best, tag_item *item)
{
    double scale = t->opt->scale > 0 ? t->opt->scale : TAG_SCALE, sum = 0;
    for (uint32_t i = 1; i < t->n_labels; i++)
        if (best[i] > best[item->label]) item->label = i;
    for (size_t i = 0; i < t->n_labels; i++)
        sum += exp(scale * ((double)best[i] - best[item->label]));
    item->score = 1 / sum;
}

static void tag_work(void *user, size_t thread)
{
    tagging *t = user;
    (void)thread;
    float *vector = mem_array(t->dim, sizeof *vector);
    float *best = mem_array(t->n_labels, sizeof *best);
    float *dots = mem_array(t->n_labels, sizeof *dots);
    if (!vector || !best || !dots) atomic_store(&t->no_memory, true);
    while (vector && best && dots) {
        size_t first = atomic_fetch_add(&t->next, TAG_STRETCH);
        if (first >= t->n_items) break;
        for (size_t i = first; i < first + TAG_STRETCH && i < t->n_items; i++) {
            tag_measure(t, &t->items[i], vector, best, dots);
            tag_choose(t, best, &t->items[i]);
        }
    }
    mem_free(vector);
    mem_free(best);
    mem_free(dots);
}

static akin_status tag_find(tagging *t, akin_error *err)
{
    thread_each(thread_count(), tag_work, t);
    if (atomic_load(&t->no_memory))
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %zu labels",
                         t->n_labels);
    return AKIN_OK;
}

/* ---- writing ---------------------------------------------------------------- */

static akin_status tag_need_field(tagging *t, const char *name, item_kind kind,
                                  size_t *out, akin_error *err)
{
    size_t n;
    item_store *writer = t->ds->writer;
    const item_field *fields = items_fields(writer, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(fields[i].name, name) != 0) continue;
        *out = i;
        if (fields[i].kind == kind) return AKIN_OK;
        if (kind == ITEM_NUMBER && fields[i].kind == ITEM_INTEGER)
            return items_widen_field(writer, i, kind, err);
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "field '%s' of the items is there for something else; "
                         "choose another name",
                         name);
    }
    *out = n;
    return items_add_field(writer, &(item_field){name, kind}, err);
}

static bool tag_is_sure(const tagging *t, const tag_item *item)
{
    return item->score >= t->opt->min_score;
}

/* An item that gets no label loses the one that it had. */
static akin_status tag_write_item(tagging *t, const tag_item *item,
                                  akin_error *err)
{
    bool sure = tag_is_sure(t, item);
    int64_t row = t->rows[item->first].item;
    const item_value label = {.null = !sure, .text = t->labels[item->label]};
    const item_value score = {.null = !sure, .number = item->score};
    item_store *writer = t->ds->writer;
    AKIN_TRY(items_set_value(writer, row, t->fields[0], &label, err));
    AKIN_TRY(items_set_value(writer, row, t->fields[1], &score, err));
    t->n_tagged += sure;
    return AKIN_OK;
}

static akin_status tag_write_rows(tagging *t, const char *score,
                                  akin_error *err)
{
    AKIN_TRY(tag_need_field(t, tag_field(t), ITEM_TEXT, &t->fields[0], err));
    AKIN_TRY(tag_need_field(t, score, ITEM_NUMBER, &t->fields[1], err));
    for (size_t i = 0; i < t->n_items; i++)
        AKIN_TRY(tag_write_item(t, &t->items[i], err));
    return items_commit(t->ds->writer, err);
}

static akin_status tag_write_schema(tagging *t, const char *score,
                                    akin_error *err)
{
    dataset_schema schema = {0};
    AKIN_TRY(dataset_read_schema(t->ds, &schema, err));
    akin_status status =
        dataset_schema_put_field(&schema, tag_field(t), "str", err);
    if (status == AKIN_OK)
        status = dataset_schema_put_field(&schema, score, "float", err);
    if (status == AKIN_OK) status = dataset_write_schema(t->ds, &schema, err);
    dataset_schema_clear(&schema);
    return status;
}

static akin_status tag_write(tagging *t, akin_error *err)
{
    char *score = text_format("%s_score", tag_field(t));
    if (!score) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a field");
    akin_status status = items_begin(t->ds->writer, err);
    if (status == AKIN_OK) {
        status = tag_write_rows(t, score, err);
        if (status != AKIN_OK) items_rollback(t->ds->writer);
    }
    if (status == AKIN_OK) status = tag_write_schema(t, score, err);
    mem_free(score);
    return status;
}

static akin_status tag_tell(tagging *t, akin_error *err)
{
    for (size_t i = 0; t->opt->tagged && i < t->n_items; i++) {
        const tag_item *item = &t->items[i];
        item_row row;
        if (!tag_is_sure(t, item)) continue;
        AKIN_TRY(items_get(t->s, t->rows[item->first].item, &row, err));
        t->opt->tagged(t->opt->user, row.id, t->labels[item->label],
                       item->score);
    }
    return AKIN_OK;
}

/* ---- the whole -------------------------------------------------------------- */

static akin_status tag_run(tagging *t, const char *table, akin_error *err)
{
    AKIN_TRY(tag_check(t, err));
    AKIN_TRY(dataset_table_take(t->ds, table, &t->table, err));
    AKIN_TRY(dataset_take_store(t->ds, &t->s, err));
    AKIN_TRY(dataset_table_take_map(t->table, t->s, &t->map, err));
    if (t->map->map.n_entries == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "table '%s' has no embeddings yet", table);
    AKIN_TRY(tag_embed_labels(t, err));
    AKIN_TRY(tag_collect(t, err));
    AKIN_TRY(tag_find(t, err));
    AKIN_TRY(tag_write(t, err));
    return tag_tell(t, err);
}

akin_status akin_dataset_tag(akin_dataset *ds, const char *table,
                             const char *const *labels, size_t n_labels,
                             const akin_dataset_tag_options *opt,
                             size_t *n_tagged, akin_error *err)
{
    static const akin_dataset_tag_options defaults;
    tagging t = {.ds = ds, .opt = opt ? opt : &defaults, .labels = labels,
                 .n_labels = n_labels};
    if (n_tagged) *n_tagged = 0;
    AKIN_TRY(dataset_need_writer(ds, err));
    pthread_mutex_lock(&ds->write_mutex);
    akin_status status = tag_run(&t, table, err);
    pthread_mutex_unlock(&ds->write_mutex);
    if (status == AKIN_OK && n_tagged) *n_tagged = t.n_tagged;
    mem_free(t.items);
    mem_free(t.rows);
    mem_free(t.items_bits);
    mem_free(t.vectors);
    if (t.table) dataset_table_give_map(t.table, t.map);
    dataset_give_store(ds, t.s);
    dataset_table_give(ds, t.table);
    return status;
}
