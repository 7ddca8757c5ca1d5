/* SPDX-License-Identifier: MIT
 * Metadata of items.
 *
 * Both kinds of files become records of cells, and a record is either learnt
 * from or made into a row. Learning first was chosen over guessing from the
 * first rows: a column of whole numbers may have its first fraction, or text, in
 * its last line. */
#define _GNU_SOURCE
#include "engine/dataset_metadata.h"

#include <string.h>
#include <strings.h>

#include "base/csv_read.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_schema.h"
#include "media/image.h"

#define METADATA_MAX_COLUMNS 4096
#define METADATA_MAX_FILES 4096
#define METADATA_LOOKS 8 /* files that are looked for before it is no view */
#define METADATA_TELL_ROWS 1024

/* ---- records ------------------------------------------------------------------ */

typedef struct metadata_cell {
    size_t column;
    item_kind kind; /* ITEM_TEXT, ITEM_INTEGER, ITEM_NUMBER or ITEM_BOOL */
    item_value value;
    const json_t *list; /* an array; value.text is its JSON */
} metadata_cell;

/* What a record holds beside its columns is kept here too. */
typedef struct metadata_scratch {
    metadata_cell *cells;
    size_t n_cells, cap_cells;
    size_t hint; /* the column that was found last */
    char **owned; /* texts made for this record */
    size_t n_owned, cap_owned;
    metadata_file *files;
    size_t n_files, cap_files;
    item_value *values; /* [n_values], one a column */
    size_t n_values;
    const char *id, *split, *created, *updated;
    const json_t *views;
    bool learning;
    size_t line;
    const metadata_visitor *visitor;
    bool (*tell)(void *user);
    void *user;
} metadata_scratch;

static akin_status metadata_no_memory(const metadata *m, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", m->path);
}

static akin_status metadata_has_changed(const metadata *m, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_EIO, "'%s' has changed while it was read",
                     m->path);
}

static void scratch_reset(metadata_scratch *s)
{
    for (size_t i = 0; i < s->n_owned; i++) mem_free(s->owned[i]);
    s->n_owned = s->n_cells = s->n_files = 0;
    s->id = s->split = s->created = NULL;
    s->views = NULL;
}

static void scratch_free(metadata_scratch *s)
{
    if (!s) return;
    scratch_reset(s);
    mem_free(s->cells);
    mem_free(s->owned);
    mem_free(s->files);
    mem_free(s->values);
    mem_free(s);
}

/* Keeps a text that was made for this record. */
static akin_status metadata_own(metadata *m, char *text, const char **out,
                                akin_error *err)
{
    metadata_scratch *s = m->scratch;
    void *p = s->owned;
    if (!text) return metadata_no_memory(m, err);
    akin_status status = mem_grow(&p, &s->cap_owned, s->n_owned + 1,
                                  sizeof *s->owned, SIZE_MAX / 16, err);
    s->owned = p;
    if (status != AKIN_OK) {
        mem_free(text);
        return status;
    }
    s->owned[s->n_owned++] = text;
    *out = text;
    return AKIN_OK;
}

/* ---- columns -------------------------------------------------------------------- */

item_kind metadata_wider(item_kind a, item_kind b)
{
    if (a == b) return a;
    bool numbers = (a == ITEM_INTEGER || a == ITEM_NUMBER) &&
                   (b == ITEM_INTEGER || b == ITEM_NUMBER);
    return numbers ? ITEM_NUMBER : ITEM_TEXT;
}

static akin_status column_add(metadata *m, const char *name, akin_error *err)
{
    void *p = m->columns;
    akin_status status = mem_grow(&p, &m->cap_columns, m->n_columns + 1,
                                  sizeof *m->columns, METADATA_MAX_COLUMNS,
                                  err);
    m->columns = p;
    AKIN_TRY(status);
    m->columns[m->n_columns] = (metadata_column){.name = mem_strdup(name)};
    if (!m->columns[m->n_columns].name) return metadata_no_memory(m, err);
    m->n_columns++;
    return AKIN_OK;
}

/* Records mostly have the same columns in the same order: the search begins
 * behind the one that was found last. */
static akin_status column_find(metadata *m, const char *name, size_t *out,
                               akin_error *err)
{
    metadata_scratch *s = m->scratch;
    for (size_t i = 0; i < m->n_columns; i++) {
        size_t at = (s->hint + 1 + i) % m->n_columns;
        if (strcasecmp(m->columns[at].name, name) != 0) continue;
        *out = s->hint = at;
        return AKIN_OK;
    }
    AKIN_TRY(column_add(m, name, err));
    *out = s->hint = m->n_columns - 1;
    return AKIN_OK;
}

/* ---- values ---------------------------------------------------------------------- */

static bool text_to_bool(const char *text, int64_t *out)
{
    *out = strcasecmp(text, "true") == 0;
    return *out || strcasecmp(text, "false") == 0;
}

/* "007" and "+49" are codes, not numbers. */
static bool text_is_code(const char *text)
{
    const char *p = *text == '-' ? text + 1 : text;
    return *p == '+' || (*p == '0' && p[1] >= '0' && p[1] <= '9');
}

/* Of a CSV's text. */
static item_kind text_kind(const char *text)
{
    int64_t integer;
    double number;
    if (text_is_code(text)) return ITEM_TEXT;
    if (text_to_int64(text, &integer)) return ITEM_INTEGER;
    if (text_to_double(text, &number)) return ITEM_NUMBER;
    if (text_to_bool(text, &integer)) return ITEM_BOOL;
    return items_parse_time(text, &integer) ? ITEM_TIME : ITEM_TEXT;
}

static item_kind cell_kind(const metadata *m, const metadata_cell *cell)
{
    int64_t us;
    if (cell->kind != ITEM_TEXT || cell->list) return cell->kind;
    if (m->csv) return text_kind(cell->value.text);
    return items_parse_time(cell->value.text, &us) ? ITEM_TIME : ITEM_TEXT;
}

static akin_status cell_to_text(metadata *m, const metadata_cell *cell,
                                item_value *out, akin_error *err)
{
    char number[32];
    switch (cell->kind) {
    case ITEM_INTEGER:
        return metadata_own(m, text_format("%lld",
                                           (long long)cell->value.integer),
                            &out->text, err);
    case ITEM_NUMBER:
        text_from_double(cell->value.number, number);
        return metadata_own(m, mem_strdup(number), &out->text, err);
    case ITEM_BOOL:
        out->text = cell->value.integer ? "true" : "false";
        return AKIN_OK;
    default: out->text = cell->value.text; return AKIN_OK;
    }
}

/* What was learnt of the column says that this can be done. */
static akin_status cell_to_kind(metadata *m, const metadata_cell *cell,
                                item_kind kind, item_value *out,
                                akin_error *err)
{
    const char *text = cell->kind == ITEM_TEXT ? cell->value.text : NULL;
    bool done = true;
    *out = (item_value){0};
    if (kind == ITEM_TEXT) return cell_to_text(m, cell, out, err);
    if (kind == ITEM_TIME)
        done = text && items_parse_time(text, &out->integer);
    else if (kind == ITEM_NUMBER && text)
        done = text_to_double(text, &out->number);
    else if (kind == ITEM_NUMBER)
        out->number = cell->kind == ITEM_NUMBER ? cell->value.number
                                                : (double)cell->value.integer;
    else if (kind == ITEM_BOOL && text)
        done = text_to_bool(text, &out->integer);
    else if (text)
        done = text_to_int64(text, &out->integer);
    else
        out->integer = cell->value.integer;
    return done ? AKIN_OK : metadata_has_changed(m, err);
}

/* ---- files ------------------------------------------------------------------------- */

bool metadata_view_is_good(const char *name)
{
    return dataset_name_is_legal(name) && strcmp(name, "item") != 0;
}

static akin_status file_is_there(const metadata *m, const char *file, bool *out,
                                 akin_error *err)
{
    const char *const folders[] = {m->folder, m->beside};
    *out = false;
    for (size_t i = 0; i < 2 && !*out && folders[i]; i++) {
        char *path = file_join(folders[i], file);
        if (!path) return metadata_no_memory(m, err);
        *out = file_exists(path) && !file_is_dir(path);
        mem_free(path);
    }
    return AKIN_OK;
}

/* Whether all values of a column may be files, and one of the first is. */
static akin_status column_look(const metadata *m, metadata_column *column,
                               const metadata_cell *cell, akin_error *err)
{
    const char *file = cell->kind == ITEM_TEXT ? cell->value.text : NULL;
    if (cell->list) file = json_string_value(json_array_get(cell->list, 0));
    if (!file || !image_is_image_name(file)) return AKIN_OK;
    column->n_files++;
    if (column->found || column->n_looks >= METADATA_LOOKS) return AKIN_OK;
    column->n_looks++;
    return file_is_there(m, file, &column->found, err);
}

static akin_status files_add(metadata *m, const char *view, const json_t *value,
                             const char *text, akin_error *err)
{
    metadata_scratch *s = m->scratch;
    void *p = s->files;
    const char *file = value ? json_string_value(value) : text;
    if (!file || !*file)
        return AKIN_FAIL(err, AKIN_ECORRUPT, "view '%s' is no file's name",
                         view);
    akin_status status = mem_grow(&p, &s->cap_files, s->n_files + 1,
                                  sizeof *s->files, METADATA_MAX_FILES, err);
    s->files = p;
    AKIN_TRY(status);
    s->files[s->n_files++] = (metadata_file){view, file};
    return AKIN_OK;
}

static akin_status files_add_json(metadata *m, const char *view,
                                  const json_t *value, akin_error *err)
{
    size_t i;
    json_t *one;
    if (json_is_null(value)) return AKIN_OK;
    if (!json_is_array(value)) return files_add(m, view, value, NULL, err);
    json_array_foreach(value, i, one)
    {
        AKIN_TRY(files_add(m, view, one, NULL, err));
    }
    return AKIN_OK;
}

static akin_status files_of_views(metadata *m, const json_t *views,
                                  akin_error *err)
{
    const char *view;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)views, view, value)
    {
        if (!metadata_view_is_good(view))
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "'%s' cannot be the name of a view", view);
        AKIN_TRY(files_add_json(m, view, value, err));
    }
    return AKIN_OK;
}

static akin_status files_of_cell(metadata *m, const metadata_cell *cell,
                                 akin_error *err)
{
    const char *view = m->columns[cell->column].view;
    if (cell->list) return files_add_json(m, view, cell->list, err);
    if (cell->kind != ITEM_TEXT)
        return AKIN_FAIL(err, AKIN_ECORRUPT, "view '%s' is no file's name",
                         view);
    return files_add(m, view, NULL, cell->value.text, err);
}

/* ---- learning ----------------------------------------------------------------------- */

static akin_status metadata_learn_record(metadata *m, akin_error *err)
{
    metadata_scratch *s = m->scratch;
    if (s->views) m->has_views = true;
    for (size_t i = 0; i < s->n_cells; i++) {
        metadata_column *column = &m->columns[s->cells[i].column];
        bool settled = column->n_values && column->kind == ITEM_TEXT;
        item_kind kind = settled ? ITEM_TEXT : cell_kind(m, &s->cells[i]);
        column->kind = column->n_values ? metadata_wider(column->kind, kind)
                                        : kind;
        column->n_values++;
        AKIN_TRY(column_look(m, column, &s->cells[i], err));
    }
    return AKIN_OK;
}

/* The first of these that is a column names the files of the view that nobody
 * names. */
static const metadata_column *metadata_file_column(const metadata *m)
{
    static const char *const names[] = {"file_name", "file", "path"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (size_t i = 0; i < m->n_columns; i++)
            if (strcasecmp(m->columns[i].name, names[n]) == 0)
                return &m->columns[i];
    return NULL;
}

/* Where some records have "views", others may still name their file in the other
 * shape; but a column that only looks like one is a field then. */
static void metadata_choose_views(metadata *m)
{
    const metadata_column *files =
        m->has_views ? NULL : metadata_file_column(m);
    for (size_t i = 0; i < m->n_columns; i++) {
        metadata_column *c = &m->columns[i];
        bool named = strcasecmp(c->name, "image") == 0 ||
                     strcasecmp(c->name, m->view) == 0;
        bool all = c->n_files > 0 && c->n_files == c->n_values && c->found;
        c->is_view = m->has_views ? named && all
                     : c == files || named ||
                           (all && metadata_view_is_good(c->name));
        c->view = c == files || strcasecmp(c->name, m->view) == 0 ? m->view
                  : named ? "image" : c->name;
    }
}

/* ---- rows ------------------------------------------------------------------------------ */

bool metadata_id_is_good(const char *id)
{
    size_t n = strlen(id);
    if (n == 0 || n > ITEMS_MAX_ID_BYTES || !text_is_utf8(id, n)) return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)id[i] <= 32 || id[i] == 127) return false;
    return true;
}

static akin_status metadata_fill_row(metadata *m, metadata_row *row,
                                     akin_error *err)
{
    metadata_scratch *s = m->scratch;
    if (s->id && !metadata_id_is_good(s->id))
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "id '%s' has a blank in it, or is empty or too long",
                         s->id);
    if (s->n_values != m->n_columns) return metadata_has_changed(m, err);
    for (size_t i = 0; i < m->n_columns; i++)
        s->values[i] = (item_value){.null = true};
    if (s->views) AKIN_TRY(files_of_views(m, s->views, err));
    for (size_t i = 0; i < s->n_cells; i++) {
        const metadata_cell *cell = &s->cells[i];
        const metadata_column *column = &m->columns[cell->column];
        if (column->is_view)
            AKIN_TRY(files_of_cell(m, cell, err));
        else
            AKIN_TRY(cell_to_kind(m, cell, column->kind,
                                  &s->values[cell->column], err));
    }
    if (s->n_files == 0)
        return AKIN_FAIL(err, AKIN_ECORRUPT, "it names no file");
    *row = (metadata_row){
        .line = s->line,
        .id = s->id,
        .split = s->split,
        .files = s->files,
        .n_files = s->n_files,
        .values = s->values,
    };
    row->has_created = s->created &&
                       items_parse_time(s->created, &row->created_us);
    return AKIN_OK;
}

/* What is wrong with a record, and only with it. */
static akin_status metadata_complain(metadata *m, akin_status status,
                                     const akin_error *why, akin_error *err)
{
    metadata_scratch *s = m->scratch;
    if (status != AKIN_ECORRUPT && status != AKIN_ELIMIT)
        return AKIN_FAIL(err, status, "%s", why->text);
    if (!s->learning) s->visitor->problem(s->visitor->user, s->line, why->text);
    return AKIN_OK;
}

static akin_status metadata_record(metadata *m, akin_error *err)
{
    metadata_scratch *s = m->scratch;
    if (s->learning) return metadata_learn_record(m, err);
    akin_error why = {0};
    metadata_row row;
    akin_status status = metadata_fill_row(m, &row, &why);
    if (status != AKIN_OK) return metadata_complain(m, status, &why, err);
    return s->visitor->visit(s->visitor->user, &row, err);
}

static akin_status metadata_begin_record(metadata *m, size_t line,
                                         akin_error *err)
{
    metadata_scratch *s = m->scratch;
    scratch_reset(s);
    s->line = line;
    s->hint = m->n_columns ? m->n_columns - 1 : 0;
    if (s->learning) m->n_rows++;
    if (s->tell && m->n_rows % METADATA_TELL_ROWS == 0 && !s->tell(s->user))
        return AKIN_FAIL(err, AKIN_ECANCELLED, "stopped; nothing was written");
    return AKIN_OK;
}

static akin_status metadata_add_cell(metadata *m, const char *name,
                                     const metadata_cell *cell, akin_error *err)
{
    metadata_scratch *s = m->scratch;
    void *p = s->cells;
    akin_status status = mem_grow(&p, &s->cap_cells, s->n_cells + 1,
                                  sizeof *s->cells, METADATA_MAX_COLUMNS, err);
    s->cells = p;
    AKIN_TRY(status);
    s->cells[s->n_cells] = *cell;
    AKIN_TRY(column_find(m, name, &s->cells[s->n_cells].column, err));
    s->n_cells++;
    return AKIN_OK;
}

/* What every item has, and is no column: where its text goes. */
static const char **metadata_own_text(metadata_scratch *s, const char *name)
{
    if (strcasecmp(name, "id") == 0) return &s->id;
    if (strcasecmp(name, "split") == 0) return &s->split;
    if (strcasecmp(name, "created_at") == 0) return &s->created;
    return strcasecmp(name, "updated_at") == 0 ? &s->updated : NULL;
}

/* ---- JSON lines ------------------------------------------------------------------------- */

static akin_status jsonl_cell(metadata *m, const json_t *value,
                              metadata_cell *cell, akin_error *err)
{
    *cell = (metadata_cell){0};
    switch (json_typeof(value)) {
    case JSON_STRING: cell->value.text = json_string_value(value); break;
    case JSON_INTEGER:
        cell->kind = ITEM_INTEGER;
        cell->value.integer = json_integer_value(value);
        break;
    case JSON_REAL:
        cell->kind = ITEM_NUMBER;
        cell->value.number = json_real_value(value);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        cell->kind = ITEM_BOOL;
        cell->value.integer = json_is_true(value);
        break;
    default:
        cell->list = json_is_array(value) ? value : NULL;
        return metadata_own(m, json_to_text(value), &cell->value.text, err);
    }
    return AKIN_OK;
}

static akin_status jsonl_take(metadata *m, const char *name,
                              const json_t *value, akin_error *err)
{
    metadata_scratch *s = m->scratch;
    metadata_cell cell;
    if (strcmp(name, "views") == 0 && json_is_object(value)) {
        s->views = value;
        return AKIN_OK;
    }
    if (json_is_null(value)) return AKIN_OK;
    AKIN_TRY(jsonl_cell(m, value, &cell, err));
    const char **own = metadata_own_text(s, name);
    if (!own) return metadata_add_cell(m, name, &cell, err);
    item_value text = {0};
    AKIN_TRY(cell_to_text(m, &cell, &text, err));
    *own = text.text;
    return AKIN_OK;
}

static akin_status jsonl_line(metadata *m, const char *text, size_t n,
                              size_t line, akin_error *err)
{
    akin_error why = {0};
    json_t *record = NULL, *value;
    const char *name;
    AKIN_TRY(metadata_begin_record(m, line, err));
    akin_status status = json_parse_line(text, n, &record, &why);
    if (status == AKIN_OK && !json_is_object(record))
        status = AKIN_FAIL(&why, AKIN_ECORRUPT, "it is no JSON object");
    if (status == AKIN_OK) {
        json_object_foreach(record, name, value)
        {
            status = jsonl_take(m, name, value, &why);
            if (status != AKIN_OK) break;
        }
    }
    status = status == AKIN_OK ? metadata_record(m, err)
                               : metadata_complain(m, status, &why, err);
    json_decref(record);
    return status;
}

static bool jsonl_is_blank(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \t\r", text[i]) || !text[i]) return false;
    return true;
}

static akin_status jsonl_walk(metadata *m, akin_error *err)
{
    file_map map;
    AKIN_TRY(file_map_open(&map, m->path, err));
    const char *text = (const char *)map.data;
    akin_status status = AKIN_OK;
    size_t at = map.n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (size_t line = 1; at < map.n && status == AKIN_OK; line++) {
        const char *end = memchr(text + at, '\n', map.n - at);
        size_t n = end ? (size_t)(end - text) - at : map.n - at;
        if (!jsonl_is_blank(text + at, n))
            status = jsonl_line(m, text + at, n, line, err);
        at += n + 1;
    }
    file_map_close(&map);
    return status;
}

/* ---- CSV ------------------------------------------------------------------------------------ */

static akin_status csv_take(metadata *m, const csv_reader *csv, akin_error *err)
{
    for (size_t i = 0; i < csv->n_fields; i++) {
        const char *text = csv->fields[i], *name = csv->header[i];
        metadata_cell cell = {.kind = ITEM_TEXT, .value = {.text = text}};
        if (!*text || !*name) continue;
        if (!text_is_utf8(text, strlen(text)))
            return AKIN_FAIL(err, AKIN_ECORRUPT, "column '%s' is not UTF-8",
                             name);
        const char **own = metadata_own_text(m->scratch, name);
        if (own)
            *own = text;
        else
            AKIN_TRY(metadata_add_cell(m, name, &cell, err));
    }
    return AKIN_OK;
}

/* The reason without the file and line that a problem names anyway. */
static void csv_shorten(akin_error *why)
{
    char *colon = strstr(why->text, "', line ");
    colon = colon ? strstr(colon, ": ") : NULL;
    if (colon) memmove(why->text, colon + 2, strlen(colon + 2) + 1);
}

static akin_status csv_walk(metadata *m, akin_error *err)
{
    csv_reader csv;
    bool more = true;
    akin_status status = csv_open(&csv, m->path, err);
    while (status == AKIN_OK) {
        akin_error why = {0};
        akin_status read = csv_next(&csv, &more, &why);
        if (read == AKIN_OK && !more) break;
        csv_shorten(&why);
        status = metadata_begin_record(m, csv.line, err);
        if (status == AKIN_OK && read == AKIN_OK)
            read = csv_take(m, &csv, &why);
        if (status == AKIN_OK)
            status = read == AKIN_OK ? metadata_record(m, err)
                                     : metadata_complain(m, read, &why, err);
    }
    csv_close(&csv);
    return status;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static akin_status metadata_walk(metadata *m, akin_error *err)
{
    return m->csv ? csv_walk(m, err) : jsonl_walk(m, err);
}

akin_status metadata_learn(metadata *m, bool (*tell)(void *user), void *user,
                           akin_error *err)
{
    m->scratch = mem_array(1, sizeof *m->scratch);
    if (!m->scratch) return metadata_no_memory(m, err);
    m->scratch->learning = true;
    m->scratch->tell = tell;
    m->scratch->user = user;
    AKIN_TRY(metadata_walk(m, err));
    metadata_choose_views(m);
    m->scratch->learning = false;
    m->scratch->tell = NULL;
    return AKIN_OK;
}

akin_status metadata_each(metadata *m, const metadata_visitor *visitor,
                          akin_error *err)
{
    m->scratch->visitor = visitor;
    mem_free(m->scratch->values);
    m->scratch->n_values = m->n_columns;
    m->scratch->values = mem_array(m->n_columns, sizeof(item_value));
    if (!m->scratch->values) return metadata_no_memory(m, err);
    return metadata_walk(m, err);
}

void metadata_clear(metadata *m)
{
    for (size_t i = 0; i < m->n_columns; i++) mem_free(m->columns[i].name);
    scratch_free(m->scratch);
    mem_free(m->columns);
    mem_free(m->path);
    mem_free(m->folder);
    mem_free(m->beside);
    *m = (metadata){0};
}
