/* SPDX-License-Identifier: MIT
 * The tables of a dataset: telling them, making and dropping embedding tables,
 * removing items, and the files of views. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_get.h"
#include "engine/dataset_table_rows.h"

#define TABLES_MODEL "tint"
#define TABLES_RELATION "one_to_one"

static akin_status tables_no_memory(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a table");
}


/* ---- telling ------------------------------------------------------------------- */

typedef struct tables_walk {
    akin_dataset *ds;
    item_store *s;
    dataset_schema schema;
    bool (*visit)(void *user, const akin_dataset_table *table);
    void *user;
    char **views; /* [n_views] */
    size_t n_views, cap_views;
    int64_t n_item_rows, n_view_rows;
    bool more;
} tables_walk;

static akin_status tables_add_view(tables_walk *w, const char *name,
                                   akin_error *err)
{
    void *p = w->views;
    for (size_t i = 0; i < w->n_views; i++)
        if (strcmp(w->views[i], name) == 0) return AKIN_OK;
    akin_status status = mem_grow(&p, &w->cap_views, w->n_views + 1,
                                  sizeof *w->views, 1 << 16, err);
    w->views = p;
    AKIN_TRY(status);
    w->views[w->n_views] = mem_strdup(name);
    if (!w->views[w->n_views]) return tables_no_memory(err);
    w->n_views++;
    for (size_t i = w->n_views - 1; i > 0; i--) { /* by name */
        if (strcmp(w->views[i - 1], w->views[i]) <= 0) break;
        char *kept = w->views[i - 1];
        w->views[i - 1] = w->views[i];
        w->views[i] = kept;
    }
    return AKIN_OK;
}

/* Those of the schema, and those that only the rows know of yet. */
static akin_status tables_list_views(tables_walk *w, akin_error *err)
{
    const char **of_schema = NULL;
    char **names = NULL;
    size_t n = 0, n_schema = 0;
    AKIN_TRY(dataset_schema_tables(&w->schema, DATASET_GROUP_VIEWS, &of_schema,
                                   &n_schema, err));
    akin_status status = items_view_names(w->s, &names, &n, err);
    for (size_t i = 0; i < n_schema && status == AKIN_OK; i++)
        status = tables_add_view(w, of_schema[i], err);
    for (size_t i = 0; i < n; i++) {
        if (status == AKIN_OK) status = tables_add_view(w, names[i], err);
        mem_free(names[i]);
    }
    mem_free(names);
    mem_free(of_schema);
    return status;
}

static akin_status tables_count_one(void *user, const view_row *row,
                                    akin_error *err)
{
    int64_t *n = user;
    (void)row, (void)err;
    ++*n;
    return AKIN_OK;
}

static akin_status tables_tell(tables_walk *w, akin_dataset_table *table,
                               bool views, akin_error *err)
{
    akin_rows *columns = NULL;
    AKIN_TRY(dataset_rows_new(&columns, err));
    akin_status status = dataset_get_columns(columns, w->s, views, err);
    table->columns = akin_rows_columns(columns, &table->n_columns);
    if (status == AKIN_OK) w->more = w->visit(w->user, table);
    akin_rows_free(columns);
    return status;
}

static akin_status tables_tell_item(tables_walk *w, akin_error *err)
{
    const char *base = dataset_schema_base(&w->schema, DATASET_ITEM);
    akin_dataset_table table = {
        .name = DATASET_ITEM,
        .group = "item",
        .base = base ? base : "Item",
        .n_rows = w->n_item_rows,
    };
    return tables_tell(w, &table, false, err);
}

static akin_status tables_tell_views(tables_walk *w, akin_error *err)
{
    AKIN_TRY(tables_list_views(w, err));
    for (size_t i = 0; i < w->n_views && w->more; i++) {
        const char *name = w->views[i];
        const char *base = dataset_schema_base(&w->schema, name);
        akin_dataset_table table = {
            .name = name,
            .group = "views",
            .base = base ? base : "Image",
            .relation = dataset_schema_relation(&w->schema, name),
            .n_rows = w->n_views == 1 ? w->n_view_rows : 0,
        };
        if (w->n_views > 1)
            AKIN_TRY(items_each_view(w->s, name, 0, tables_count_one,
                                     &table.n_rows, err));
        AKIN_TRY(tables_tell(w, &table, true, err));
    }
    return AKIN_OK;
}

static akin_status tables_tell_embedding(tables_walk *w, const char *name,
                                         akin_error *err)
{
    static const akin_column columns[] = {DATASET_EMBEDDING_COLUMNS};
    const char *base = dataset_schema_base(&w->schema, name);
    dataset_table_facts facts = {0};
    AKIN_TRY(dataset_table_describe(w->ds, name, &facts, err));
    akin_dataset_table table = {
        .name = name,
        .group = "embeddings",
        .base = base ? base : "ViewEmbedding",
        .relation = dataset_schema_relation(&w->schema, name),
        .columns = columns,
        .n_columns = sizeof columns / sizeof *columns,
        .n_rows = facts.n_rows,
        .model = facts.model ? facts.model : "",
        .text = facts.text,
        .state = facts.state,
        .dim = facts.dim,
    };
    w->more = w->visit(w->user, &table);
    mem_free(facts.model);
    return AKIN_OK;
}

static akin_status tables_tell_embeddings(tables_walk *w, akin_error *err)
{
    const char **names = NULL;
    size_t n = 0;
    AKIN_TRY(dataset_schema_tables(&w->schema, DATASET_GROUP_EMBEDDINGS, &names,
                                   &n, err));
    akin_status status = AKIN_OK;
    for (size_t i = 0; i < n && w->more && status == AKIN_OK; i++)
        status = tables_tell_embedding(w, names[i], err);
    mem_free(names);
    return status;
}

static akin_status tables_walk_all(tables_walk *w, akin_error *err)
{
    AKIN_TRY(dataset_read_schema(w->ds, &w->schema, err));
    AKIN_TRY(dataset_take_store(w->ds, &w->s, err));
    AKIN_TRY(items_count(w->s, &w->n_item_rows, &w->n_view_rows, err));
    AKIN_TRY(tables_tell_item(w, err));
    if (w->more) AKIN_TRY(tables_tell_views(w, err));
    return w->more ? tables_tell_embeddings(w, err) : AKIN_OK;
}

akin_status akin_dataset_each_table(
    akin_dataset *ds,
    bool (*visit)(void *user, const akin_dataset_table *table), void *user,
    akin_error *err)
{
    tables_walk w = {.ds = ds, .visit = visit, .user = user, .more = true};
    akin_status status = tables_walk_all(&w, err);
    dataset_give_store(ds, w.s);
    dataset_schema_clear(&w.schema);
    file_list_free(w.views, w.n_views);
    return status;
}

/* ---- dropping -------------------------------------------------------------------- */

/* The schema first: a folder without an entry is no table, and is removed when
 * one of its name is made. */
static akin_status tables_drop(akin_dataset *ds, dataset_schema *schema,
                               const char *table, akin_error *err)
{
    AKIN_TRY(dataset_table_forget(ds, table, err));
    AKIN_TRY(dataset_schema_remove(schema, table, err));
    AKIN_TRY(dataset_write_schema(ds, schema, err));
    char *path = dataset_table_path(ds, table);
    if (!path) return tables_no_memory(err);
    akin_status status = file_remove_tree(path, err);
    mem_free(path);
    return status;
}

static akin_status tables_need_embedding(const dataset_schema *schema,
                                         const char *table, akin_error *err)
{
    dataset_group group;
    if (!dataset_schema_group(schema, table, &group))
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "table '%s' not found in dataset",
                         table);
    if (group == DATASET_GROUP_EMBEDDINGS && dataset_name_is_legal(table))
        return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "table '%s' is not a view embedding table", table);
}

akin_status akin_dataset_drop_table(akin_dataset *ds, const char *table,
                                    akin_error *err)
{
    dataset_schema schema = {0};
    AKIN_TRY(dataset_need_writer(ds, err));
    pthread_mutex_lock(&ds->write_mutex);
    akin_status status = dataset_read_schema(ds, &schema, err);
    if (status == AKIN_OK) status = tables_need_embedding(&schema, table, err);
    if (status == AKIN_OK) status = tables_drop(ds, &schema, table, err);
    dataset_schema_clear(&schema);
    pthread_mutex_unlock(&ds->write_mutex);
    return status;
}

/* ---- making ------------------------------------------------------------------------ */

/* Opens the table's database, making it if create says so; *dim is its model's.
 * A model that differs from what is there is told by akin_open. */
static akin_status tables_open(akin_dataset *ds, const char *path,
                               const char *made_by, bool create, uint32_t *dim,
                               akin_error *err)
{
    akin_db *db = NULL;
    akin_info info;
    char *media = dataset_media(ds);
    if (!media) return tables_no_memory(err);
    const akin_db_options opt = {
        .mode = create ? AKIN_CREATE : AKIN_READ,
        .settings = {.set = AKIN_SET_MODEL |
                            (create ? AKIN_SET_AUDIO_ROOT : 0),
                     .model = made_by,
                     .audio_root = media},
        .models = model_options_get(ds->models),
        .busy_s = ds->busy_s,
        .warn = ds->warn,
        .user = ds->user,
    };
    akin_status status = akin_open(path, &opt, &db, err);
    if (status == AKIN_OK) status = akin_get_info(db, &info, err);
    if (status == AKIN_OK && create && strcmp(info.modality, "image") != 0)
        status = AKIN_FAIL(err, AKIN_EUSAGE,
                           "model '%s' is for %s, not for images", made_by,
                           *info.modality ? info.modality : "something else");
    if (status == AKIN_OK) *dim = info.dim;
    akin_close(db);
    mem_free(media);
    return status;
}

static akin_status tables_make(akin_dataset *ds, dataset_schema *schema,
                               const char *table,
                               const akin_dataset_table_options *opt,
                               akin_error *err)
{
    uint32_t dim = 0;
    char *path = dataset_table_path(ds, table);
    if (!path) return tables_no_memory(err);
    akin_status status = file_remove_tree(path, err);
    if (status == AKIN_OK)
        status = tables_open(ds, path, opt->model ? opt->model : TABLES_MODEL,
                             true, &dim, err);
    if (status == AKIN_OK)
        status = dataset_schema_put_embedding(
            schema, table, dim,
            opt->relation ? opt->relation : TABLES_RELATION, err);
    if (status == AKIN_OK) status = dataset_write_schema(ds, schema, err);
    /* Nothing is left of a table that could not be made. */
    if (status != AKIN_OK && file_remove_tree(path, NULL) != AKIN_OK)
        dataset_warn(ds, "'%s' could not be removed", path);
    mem_free(path);
    return status;
}

static akin_status tables_exists(const char *table, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_EEXISTS, "table '%s' already exists", table);
}

static akin_status tables_keep(akin_dataset *ds, const char *table,
                               const akin_dataset_table_options *opt,
                               akin_error *err)
{
    uint32_t dim;
    char *path = dataset_table_path(ds, table);
    if (!path) return tables_no_memory(err);
    akin_status status =
        opt->model ? tables_open(ds, path, opt->model, false, &dim, err)
                   : AKIN_OK;
    mem_free(path);
    return status;
}

/* Also a view that only the rows know of is a table. */
static akin_status tables_create(akin_dataset *ds, dataset_schema *schema,
                                 const char *table,
                                 const akin_dataset_table_options *opt,
                                 akin_error *err)
{
    dataset_group group;
    akin_status status = dataset_get_group(ds, table, &group, NULL);
    if (status == AKIN_ENOTFOUND) return tables_make(ds, schema, table, opt, err);
    if (status == AKIN_ENOMEM) return tables_no_memory(err);
    if (status != AKIN_OK || group != DATASET_GROUP_EMBEDDINGS)
        return tables_exists(table, err);
    if (!opt->overwrite && !opt->exist_ok) return tables_exists(table, err);
    if (!opt->overwrite) return tables_keep(ds, table, opt, err);
    AKIN_TRY(tables_drop(ds, schema, table, err));
    return tables_make(ds, schema, table, opt, err);
}

akin_status akin_dataset_create_table(akin_dataset *ds, const char *table,
                                      const akin_dataset_table_options *opt,
                                      akin_error *err)
{
    static const akin_dataset_table_options defaults;
    dataset_schema schema = {0};
    if (!opt) opt = &defaults;
    AKIN_TRY(dataset_need_writer(ds, err));
    if (!dataset_name_is_legal(table))
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' cannot be the name of a table",
                         table);
    AKIN_TRY(dataset_schema_check_relation(opt->relation, err));
    pthread_mutex_lock(&ds->write_mutex);
    akin_status status = dataset_read_schema(ds, &schema, err);
    if (status == AKIN_OK)
        status = tables_create(ds, &schema, table, opt, err);
    dataset_schema_clear(&schema);
    pthread_mutex_unlock(&ds->write_mutex);
    return status;
}

/* ---- removing items ------------------------------------------------------------------ */

typedef struct tables_removal {
    akin_dataset *ds;
    char **views; /* [n_views] ids of views that went */
    size_t n_views, cap_views;
    size_t n_items;
} tables_removal;

static akin_status removal_keep(void *user, const view_row *row,
                                akin_error *err)
{
    tables_removal *r = user;
    void *p = r->views;
    akin_status status = mem_grow(&p, &r->cap_views, r->n_views + 1,
                                  sizeof *r->views, SIZE_MAX / 16, err);
    r->views = p;
    AKIN_TRY(status);
    r->views[r->n_views] = mem_strdup(row->id);
    if (!r->views[r->n_views]) return tables_no_memory(err);
    r->n_views++;
    return AKIN_OK;
}

static akin_status removal_rows(tables_removal *r, const char *const *ids,
                                size_t n, akin_error *err)
{
    item_store *s = r->ds->writer;
    for (size_t i = 0; i < n; i++) {
        int64_t item;
        AKIN_TRY(items_find(s, ids[i], &item, err));
        if (!item) continue;
        AKIN_TRY(items_each_view(s, NULL, item, removal_keep, r, err));
        AKIN_TRY(items_remove(s, item, err));
        r->n_items++;
    }
    return AKIN_OK;
}

/* Without its row an embedding is no answer any more: one that cannot be removed
 * takes up space, and nothing else. */
static akin_status removal_embeddings(tables_removal *r, akin_error *err)
{
    dataset_schema schema = {0};
    const char **names = NULL;
    size_t n = 0;
    if (r->n_views == 0) return AKIN_OK;
    AKIN_TRY(dataset_read_schema(r->ds, &schema, err));
    akin_status status = dataset_schema_tables(
        &schema, DATASET_GROUP_EMBEDDINGS, &names, &n, err);
    for (size_t i = 0; i < n; i++) {
        akin_error why = {0};
        if (dataset_table_remove_views(r->ds, names[i],
                                       (const char *const *)r->views,
                                       r->n_views, &why) != AKIN_OK)
            dataset_warn(r->ds, "embeddings of removed items stay in table "
                                "'%s': %s",
                         names[i], why.text);
    }
    mem_free(names);
    dataset_schema_clear(&schema);
    return status;
}

akin_status akin_dataset_remove_items(akin_dataset *ds, const char *const *ids,
                                      size_t n_ids, size_t *n_removed,
                                      akin_error *err)
{
    tables_removal r = {.ds = ds};
    if (n_removed) *n_removed = 0;
    AKIN_TRY(dataset_need_writer(ds, err));
    pthread_mutex_lock(&ds->write_mutex);
    akin_status status = items_begin(ds->writer, err);
    if (status == AKIN_OK) status = removal_rows(&r, ids, n_ids, err);
    if (status == AKIN_OK)
        status = items_commit(ds->writer, err);
    if (status != AKIN_OK)
        items_rollback(ds->writer);
    else if (n_removed)
        *n_removed = r.n_items;
    if (status == AKIN_OK) status = removal_embeddings(&r, err);
    pthread_mutex_unlock(&ds->write_mutex);
    file_list_free(r.views, r.n_views);
    return status;
}

/* ---- files of views ------------------------------------------------------------------- */

static akin_status view_find_url(item_store *s, const char *id, char **out,
                                 akin_error *err)
{
    int64_t number;
    view_row row;
    AKIN_TRY(items_find_view(s, id, &number, err));
    if (!number)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "view '%s' not found in dataset",
                         id);
    AKIN_TRY(items_get_view(s, number, &row, err));
    *out = mem_strdup(row.url);
    return *out ? AKIN_OK : tables_no_memory(err);
}

akin_status akin_dataset_view_path(akin_dataset *ds, const char *view_id,
                                   char **out, akin_error *err)
{
    item_store *s = NULL;
    char *url = NULL;
    AKIN_TRY(dataset_take_store(ds, &s, err));
    akin_status status = view_find_url(s, view_id, &url, err);
    dataset_give_store(ds, s);
    if (status == AKIN_OK) status = dataset_media_path(ds, url, out, err);
    mem_free(url);
    return status;
}
