/* SPDX-License-Identifier: MIT
 * One item of an import: looked at, found among those that are there, and put
 * where something differs.
 *
 * An item is changed only where its files or metadata are others than at the
 * last import, so that a second run writes nothing and takes a look at each
 * file's size and time instead of its header. */
#define _GNU_SOURCE
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_import_int.h"

/* A file of the item. */
typedef struct item_file {
    const char *view;
    char *url;
    int64_t size_bytes, mtime_ns;
    bool good;    /* it is there */
    bool matched; /* by a view that is there */
} item_file;

/* A view that is there. */
typedef struct item_view {
    view_row row; /* texts below */
    char *id, *name, *url, *format;
    const item_file *file;
} item_view;

typedef struct item_put {
    dataset_import *x;
    const import_item *item;
    item_file *files; /* [item->n_files] */
    item_view *views;
    size_t n_views, cap_views;
    char **owned; /* [n fields] texts of values that stay */
    int64_t row;  /* 0: a new one */
    int64_t now_us;
    bool changed;
} item_put;

static akin_status item_no_memory(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for an item");
}

static void item_problem(const item_put *p, const char *text)
{
    import_problem(p->x, p->item->path, p->item->line, text);
}

/* What is wrong with one file or row is told; what stops all else is not. */
static akin_status item_complain(const item_put *p, akin_status status,
                                 const akin_error *why, akin_error *err)
{
    if (status == AKIN_OK) return AKIN_OK;
    if (status == AKIN_ENOMEM || status == AKIN_EDB || status == AKIN_EBUSY ||
        status == AKIN_EINTERNAL)
        return AKIN_FAIL(err, status, "%s", why->text);
    item_problem(p, why->text);
    return AKIN_OK;
}

/* ---- files --------------------------------------------------------------------- */

static void look_clear(import_look *look)
{
    mem_free(look->url);
    mem_free(look->path);
    *look = (import_look){0};
}

void import_forget_looks(dataset_import *x)
{
    for (size_t i = 0; i < IMPORT_LOOKS; i++) look_clear(&x->looks[i]);
}

static size_t look_slot(const char *url)
{
    uint64_t hash = 14695981039346656037u;
    for (; *url; url++) hash = (hash ^ (unsigned char)*url) * 1099511628211u;
    return (size_t)(hash >> 32) % IMPORT_LOOKS;
}

/* The file of a url, in a slot that the next call may take. */
static akin_status look_at(dataset_import *x, const char *url,
                           import_look **out, akin_error *err)
{
    import_look *look = &x->looks[look_slot(url)];
    file_stamp stamp;
    *out = look;
    if (look->url && strcmp(look->url, url) == 0) return AKIN_OK;
    look_clear(look);
    char *path = NULL;
    AKIN_TRY(dataset_url_path(x->media, url, &path, err));
    akin_status status = file_stat(path, &stamp, err);
    if (status == AKIN_OK && file_is_dir(path))
        status = AKIN_FAIL(err, AKIN_EUSAGE, "'%s' is a folder", path);
    look->url = status == AKIN_OK ? mem_strdup(url) : NULL;
    if (status == AKIN_OK && !look->url) status = item_no_memory(err);
    if (status != AKIN_OK) {
        mem_free(path);
        return status;
    }
    look->path = path;
    look->size_bytes = stamp.size_bytes;
    look->mtime_ns = stamp.mtime_ns;
    return AKIN_OK;
}

static akin_status look_read_head(dataset_import *x, const item_file *file,
                                  image_head *out, akin_error *err)
{
    import_look *look = NULL;
    AKIN_TRY(look_at(x, file->url, &look, err));
    if (!look->has_head)
        AKIN_TRY(image_read_head(look->path, &look->head, err));
    look->has_head = true;
    *out = look->head;
    return AKIN_OK;
}

/* Relative to its metadata, or already a whole path or url. */
static akin_status file_url(const item_put *p, const char *folder,
                            const char *file, char **out, akin_error *err)
{
    const char *media = p->x->media;
    if (!folder || *file == '/' || strstr(file, "://"))
        return dataset_url(media, file, out, err);
    char *path = file_join(folder, file);
    if (!path) return item_no_memory(err);
    akin_status status = dataset_url(media, path, out, err);
    mem_free(path);
    return status;
}

/* A table of embeddings, or of Pixano's, may have the name already. */
static akin_status view_check_name(const item_put *p, const char *name,
                                   akin_error *err)
{
    dataset_group group;
    if (!dataset_schema_group(&p->x->schema, name, &group) ||
        group == DATASET_GROUP_VIEWS)
        return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "view '%s' has the name of a table that is not of views",
                     name);
}

static akin_status file_look(const item_put *p, const char *folder,
                             const char *name, item_file *file,
                             akin_error *err)
{
    import_look *look = NULL;
    mem_free(file->url);
    file->url = NULL;
    AKIN_TRY(view_check_name(p, file->view, err));
    AKIN_TRY(file_url(p, folder, name, &file->url, err));
    AKIN_TRY(look_at(p->x, file->url, &look, err));
    file->size_bytes = look->size_bytes;
    file->mtime_ns = look->mtime_ns;
    file->good = true;
    return AKIN_OK;
}

/* Of a view that is there and whose file is gone it is told at the end, once. */
static akin_status file_is_known(const item_put *p, const item_file *file,
                                 bool *out, akin_error *err)
{
    int64_t view = 0;
    if (file->url)
        AKIN_TRY(items_find_url(p->x->s, file->view, file->url, &view, err));
    *out = view != 0;
    return AKIN_OK;
}

static akin_status item_look(item_put *p, size_t i, akin_error *err)
{
    item_file *file = &p->files[i];
    const char *name = p->item->files[i].file;
    const metadata *m = p->item->m;
    akin_error why = {0};
    bool known = false;
    file->view = p->item->files[i].view;
    akin_status status = file_look(p, m ? m->folder : NULL, name, file, &why);
    if (status == AKIN_ENOTFOUND && m &&
        file_look(p, m->beside, name, file, NULL) == AKIN_OK)
        return AKIN_OK;
    if (status == AKIN_OK) return AKIN_OK;
    if (status == AKIN_ENOTFOUND) {
        mem_free(file->url); /* beside it would have been elsewhere */
        file->url = NULL;
        AKIN_TRY(file_url(p, m ? m->folder : NULL, name, &file->url, err));
        AKIN_TRY(file_is_known(p, file, &known, err));
    }
    return known ? AKIN_OK : item_complain(p, status, &why, err);
}

static akin_status item_look_all(item_put *p, akin_error *err)
{
    for (size_t i = 0; i < p->item->n_files; i++)
        AKIN_TRY(item_look(p, i, err));
    return AKIN_OK;
}

/* ---- finding ---------------------------------------------------------------------- */

static akin_status item_find_by_file(item_put *p, akin_error *err)
{
    for (size_t i = 0; i < p->item->n_files; i++) {
        const item_file *file = &p->files[i];
        int64_t view = 0;
        view_row row;
        if (!file->url) continue;
        AKIN_TRY(items_find_url(p->x->s, file->view, file->url, &view, err));
        if (!view) return AKIN_OK;
        AKIN_TRY(items_get_view(p->x->s, view, &row, err));
        p->row = row.item;
        return AKIN_OK;
    }
    return AKIN_OK;
}

static akin_status item_find(item_put *p, akin_error *err)
{
    const char *id = p->item->id;
    if (id) return items_find(p->x->s, id, &p->row, err);
    return item_find_by_file(p, err);
}

/* ---- values ----------------------------------------------------------------------- */

static bool value_is(const item_value *a, const item_value *b, item_kind kind)
{
    if (a->null || b->null) return a->null == b->null;
    if (kind == ITEM_TEXT) return strcmp(a->text, b->text) == 0;
    if (kind == ITEM_NUMBER) return a->number == b->number;
    return a->integer == b->integer;
}

/* Lays the row's values over those of x->values; true if one differs. Fields
 * that the metadata do not have stay as they are. */
static bool item_lay_values(item_put *p)
{
    const metadata *m = p->item->m;
    size_t n;
    bool changed = false;
    const item_field *fields = items_fields(p->x->s, &n);
    for (size_t i = 0; m && i < m->n_columns; i++) {
        const metadata_column *column = &m->columns[i];
        if (column->is_view || column->n_values == 0) continue;
        item_value *to = &p->x->values[column->field];
        const item_value *from = &p->item->row->values[i];
        if (value_is(to, from, fields[column->field].kind)) continue;
        *to = *from;
        changed = true;
    }
    return changed;
}

/* ---- views ------------------------------------------------------------------------ */

static akin_status view_keep(void *user, const view_row *row, akin_error *err)
{
    item_put *p = user;
    void *data = p->views;
    akin_status status = mem_grow(&data, &p->cap_views, p->n_views + 1,
                                  sizeof *p->views, SIZE_MAX / 1024, err);
    p->views = data;
    AKIN_TRY(status);
    item_view *view = &p->views[p->n_views++];
    *view = (item_view){
        .row = *row,
        .id = mem_strdup(row->id),
        .name = mem_strdup(row->name),
        .url = mem_strdup(row->url),
        .format = mem_strdup(row->format ? row->format : ""),
    };
    if (!view->id || !view->name || !view->url || !view->format)
        return item_no_memory(err);
    view->row.id = view->id;
    view->row.name = view->name;
    view->row.url = view->url;
    view->row.format = view->format;
    view->row.item_id = NULL;
    return AKIN_OK;
}

static void view_match(item_put *p, bool by_url)
{
    for (size_t i = 0; i < p->item->n_files; i++) {
        item_file *file = &p->files[i];
        for (size_t v = 0; v < p->n_views && file->good && !file->matched; v++) {
            item_view *view = &p->views[v];
            if (view->file || strcmp(view->name, file->view) != 0) continue;
            if (by_url && strcmp(view->url, file->url) != 0) continue;
            view->file = file;
            file->matched = true;
        }
    }
}

/* Writes a view of a file whose header can be read. */
static akin_status view_put(item_put *p, const item_file *file, view_row *row,
                            bool *put, akin_error *err)
{
    akin_error why = {0};
    image_head head;
    *put = false;
    akin_status status = look_read_head(p->x, file, &head, &why);
    if (status != AKIN_OK) return item_complain(p, status, &why, err);
    row->url = file->url;
    row->width = head.width;
    row->height = head.height;
    row->format = head.format;
    row->size_bytes = file->size_bytes;
    row->mtime_ns = file->mtime_ns;
    row->updated_us = p->now_us;
    int64_t at;
    AKIN_TRY(items_put_view(p->x->s, row, &at, err));
    AKIN_TRY(import_rows_add(&p->x->seen_views, at, err));
    *put = true;
    return AKIN_OK;
}

static akin_status view_update(item_put *p, item_view *view, akin_error *err)
{
    const item_file *file = view->file;
    bool put = false;
    AKIN_TRY(import_rows_add(&p->x->seen_views, view->row.row, err));
    if (strcmp(view->url, file->url) == 0 &&
        view->row.size_bytes == file->size_bytes &&
        view->row.mtime_ns == file->mtime_ns)
        return AKIN_OK;
    AKIN_TRY(view_put(p, file, &view->row, &put, err));
    p->changed = p->changed || put;
    return AKIN_OK;
}

static akin_status view_add(item_put *p, const item_file *file, akin_error *err)
{
    char id[ITEMS_ID_CHARS + 1];
    bool put = false;
    AKIN_TRY(items_new_id(id, err));
    view_row row = {.item = p->row, .id = id, .name = file->view,
                    .created_us = p->now_us};
    AKIN_TRY(view_put(p, file, &row, &put, err));
    p->x->report.n_new_views += put;
    return AKIN_OK;
}

static akin_status item_put_views(item_put *p, akin_error *err)
{
    view_match(p, true);
    view_match(p, false);
    for (size_t v = 0; v < p->n_views; v++)
        if (p->views[v].file) AKIN_TRY(view_update(p, &p->views[v], err));
    for (size_t i = 0; i < p->item->n_files; i++)
        if (p->files[i].good && !p->files[i].matched)
            AKIN_TRY(view_add(p, &p->files[i], err));
    return AKIN_OK;
}

/* ---- items that are there ------------------------------------------------------------ */

static void item_drop_values(item_put *p)
{
    size_t n = 0;
    items_fields(p->x->s, &n);
    for (size_t i = 0; p->owned && i < n; i++) mem_free(p->owned[i]);
    mem_free(p->owned);
    p->owned = NULL;
}

/* Copies the values that are there into x->values: they are read from a row that
 * is gone once another is asked for. */
static akin_status item_keep_values(item_put *p, const item_row *row,
                                    akin_error *err)
{
    size_t n;
    const item_field *fields = items_fields(p->x->s, &n);
    p->owned = mem_array(n, sizeof *p->owned);
    if (!p->owned) return item_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        p->x->values[i] = row->values[i];
        if (row->values[i].null || fields[i].kind != ITEM_TEXT) continue;
        p->owned[i] = mem_strdup(row->values[i].text);
        if (!p->owned[i]) return item_no_memory(err);
        p->x->values[i].text = p->owned[i];
    }
    return AKIN_OK;
}

static akin_status item_update_row(item_put *p, akin_error *err)
{
    const import_item *item = p->item;
    item_row row;
    AKIN_TRY(items_get(p->x->s, p->row, &row, err));
    akin_status status = item_keep_values(p, &row, err);
    if (status != AKIN_OK) {
        item_drop_values(p);
        return status;
    }
    char *id = mem_strdup(row.id);
    char *split = mem_strdup(item->split ? item->split : row.split);
    bool changed = item->split && !text_equal(item->split, row.split);
    changed = item_lay_values(p) || changed;
    if (item->has_created && item->created_us != row.created_us) {
        row.created_us = item->created_us;
        changed = true;
    }
    if (!id || !split) status = item_no_memory(err);
    if (status == AKIN_OK && changed) {
        row.id = id;
        row.split = split;
        row.updated_us = p->now_us;
        row.values = p->x->values;
        status = items_put(p->x->s, &row, NULL, err);
    }
    p->changed = p->changed || changed;
    mem_free(split);
    mem_free(id);
    item_drop_values(p);
    return status;
}

static akin_status item_update(item_put *p, akin_error *err)
{
    if (import_rows_has(&p->x->seen_items, p->row)) {
        item_problem(p, "an item with this id, or with this first file, has "
                        "come before");
        return AKIN_OK;
    }
    if (p->item->m) AKIN_TRY(item_update_row(p, err));
    AKIN_TRY(items_each_view(p->x->s, NULL, p->row, view_keep, p, err));
    AKIN_TRY(item_put_views(p, err));
    p->x->report.n_changed_items += p->changed;
    return import_rows_add(&p->x->seen_items, p->row, err);
}

/* ---- new items ------------------------------------------------------------------------- */

/* A file's header is read before there is a row, since an item without any view
 * is not wanted. */
static akin_status item_has_view(item_put *p, bool *out, akin_error *err)
{
    *out = false;
    for (size_t i = 0; i < p->item->n_files; i++) {
        akin_error why = {0};
        image_head head;
        if (!p->files[i].good) continue;
        akin_status status = look_read_head(p->x, &p->files[i], &head, &why);
        p->files[i].good = status == AKIN_OK;
        *out = *out || status == AKIN_OK;
        AKIN_TRY(item_complain(p, status, &why, err));
    }
    return AKIN_OK;
}

static const char *item_new_id(const item_put *p, char made[ITEMS_MAX_ID_BYTES +
                                                            1])
{
    const char *name = file_name(p->files[0].url ? p->files[0].url : "");
    size_t n = strlen(name);
    if (p->item->id) return p->item->id;
    if (!p->x->opt->names_as_ids || n > ITEMS_MAX_ID_BYTES) return NULL;
    memcpy(made, name, n + 1);
    for (char *c = made; *c; c++)
        if ((unsigned char)*c <= 32 || *c == 127) *c = '_';
    return metadata_id_is_good(made) ? made : NULL;
}

static char *item_split(const item_put *p)
{
    const import_item *item = p->item;
    const char *given = item->split ? item->split : item->new_split;
    const item_file *file = p->files;
    while (!file->good) file++; /* there is one */
    return given ? mem_strdup(given) : import_split(p->x, file->url);
}

static akin_status item_add_row(item_put *p, akin_error *err)
{
    const import_item *item = p->item;
    char made[ITEMS_MAX_ID_BYTES + 1], fresh[ITEMS_ID_CHARS + 1];
    const char *id = item_new_id(p, made);
    size_t n;
    items_fields(p->x->s, &n);
    if (!id) AKIN_TRY(items_new_id(fresh, err));
    for (size_t i = 0; i < n; i++) p->x->values[i] = (item_value){.null = true};
    item_lay_values(p);
    char *split = item_split(p);
    if (!split) return item_no_memory(err);
    item_row row = {
        .id = id ? id : fresh,
        .split = split,
        .created_us = item->has_created ? item->created_us : p->now_us,
        .updated_us = p->now_us,
        .values = p->x->values,
    };
    akin_status status = items_put(p->x->s, &row, &p->row, err);
    mem_free(split);
    return status;
}

static akin_status item_add(item_put *p, akin_error *err)
{
    akin_error why = {0};
    bool has_view;
    AKIN_TRY(item_has_view(p, &has_view, err));
    if (!has_view) return AKIN_OK;
    akin_status status = item_add_row(p, &why);
    if (status != AKIN_OK) return item_complain(p, status, &why, err);
    p->x->report.n_new_items++;
    AKIN_TRY(import_rows_add(&p->x->seen_items, p->row, err));
    return item_put_views(p, err);
}

/* ---- one item ---------------------------------------------------------------------------- */

static void item_clear(item_put *p)
{
    for (size_t i = 0; p->files && i < p->item->n_files; i++)
        mem_free(p->files[i].url);
    for (size_t i = 0; i < p->n_views; i++) {
        mem_free(p->views[i].id);
        mem_free(p->views[i].name);
        mem_free(p->views[i].url);
        mem_free(p->views[i].format);
    }
    mem_free(p->files);
    mem_free(p->views);
}

akin_status import_put(dataset_import *x, const import_item *item,
                       akin_error *err)
{
    item_put p = {.x = x, .item = item, .now_us = clock_wall_us()};
    p.files = mem_array(item->n_files, sizeof *p.files);
    akin_status status = p.files ? AKIN_OK : item_no_memory(err);
    if (status == AKIN_OK) status = item_look_all(&p, err);
    if (status == AKIN_OK) status = item_find(&p, err);
    if (status == AKIN_OK)
        status = p.row ? item_update(&p, err) : item_add(&p, err);
    item_clear(&p);
    return status;
}
