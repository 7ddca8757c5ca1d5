/* SPDX-License-Identifier: MIT
 * Folders of small images, imported into datasets. */
#include "dataset_files.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "db_files.h"
#include "media/image_write.h"
#include "test.h"

#define MAX_TEXT ((size_t)1 << 20)

static text_buf problems, dumped, read_text;

static void make_parent(const char *path)
{
    char *parent = file_parent(path);
    CHECK_STATUS(file_make_dirs(parent, NULL), AKIN_OK);
    mem_free(parent);
}

void dataset_make_image(const char *name, unsigned width, unsigned height,
                        unsigned seed)
{
    akin_error e = {0};
    image im = {0};
    const char *path = db_path(name);
    make_parent(path);
    CHECK_OK(image_new(&im, width, height, &e), e);
    /* Stripes, as many as the seed says: a plain picture is like any other. */
    for (size_t i = 0; im.rgb && i < (size_t)width * height * 3; i++) {
        bool light = i / 3 % width * (seed % 8 + 2) / width % 2 == 0;
        im.rgb[i] = (uint8_t)(seed * 67 + i % 3 * 50 + (light ? 90 : 0));
    }
    CHECK_OK(image_write_jpeg(&im, path, 90, &e), e);
    image_clear(&im);
}

void dataset_make_text(const char *name, const char *text)
{
    const char *path = db_path(name);
    make_parent(path);
    FILE *f = fopen(path, "wb");
    CHECK(f && fputs(text, f) >= 0);
    if (f) fclose(f);
}

static void restart(text_buf *buf)
{
    text_buf_clear(buf);
    text_buf_init(buf, MAX_TEXT);
    text_buf_puts(buf, "");
}

/* Without the folder, which is another each time. */
static void put_short(text_buf *buf, const char *text)
{
    size_t n = strlen(test_dir());
    for (const char *at; (at = strstr(text, test_dir())); text = at + n + 1)
        text_buf_put(buf, text, (size_t)(at - text));
    text_buf_puts(buf, text);
}

static void keep_problem(void *user, const char *subject, const char *text)
{
    (void)user;
    put_short(&problems, subject);
    text_buf_puts(&problems, ": ");
    put_short(&problems, text);
    text_buf_puts(&problems, "\n");
}

akin_dataset_import_report dataset_import_pics(akin_dataset_import_options opt,
                                               akin_status wanted)
{
    akin_error e = {0};
    akin_dataset_import_report report;
    restart(&problems);
    opt.problem = keep_problem;
    akin_status status = akin_dataset_import(db_path("ds"), db_path("pics"),
                                             &opt, &report, &e);
    if (status != wanted)
        test_fail(__FILE__, __LINE__, "import gave %s: %s",
                  akin_status_name(status), e.text);
    if (status != AKIN_OK) put_short(&problems, e.text);
    return report;
}

const char *dataset_problems(void) { return problems.data; }

void dataset_check_report(int line, akin_dataset_import_report r,
                          const size_t wanted[7])
{
    const size_t got[7] = {r.n_items,         r.n_views,  r.n_new_items,
                           r.n_new_views,     r.n_changed_items,
                           r.n_failed,        r.n_missing};
    static const char *const names[7] = {"n_items",     "n_views",
                                         "n_new_items", "n_new_views",
                                         "n_changed_items", "n_failed",
                                         "n_missing"};
    for (int i = 0; i < 7; i++)
        if (got[i] != wanted[i])
            test_fail(__FILE__, __LINE__, "line %d: %s is %zu, not %zu", line,
                      names[i], got[i], wanted[i]);
}

akin_dataset *dataset_open_ds(bool write)
{
    akin_error e = {0};
    akin_dataset *ds = NULL;
    akin_dataset_options opt = {.write = write};
    CHECK_OK(akin_dataset_open(db_path("ds"), &opt, &ds, &e), e);
    return ds;
}

static bool in_list(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; p; p = strchr(p, ','), p = p ? p + 1 : p)
        if (strncmp(p, name, n) == 0 && (p[n] == ',' || !p[n])) return true;
    return false;
}

static void put_value(const akin_value *v)
{
    char number[32];
    text_from_double(v->number, number);
    switch (v->kind) {
    case AKIN_VALUE_NULL: text_buf_puts(&dumped, "null"); break;
    case AKIN_VALUE_TEXT: text_buf_puts(&dumped, v->text); break;
    case AKIN_VALUE_NUMBER: text_buf_puts(&dumped, number); break;
    case AKIN_VALUE_BOOL:
        text_buf_puts(&dumped, v->integer ? "true" : "false");
        break;
    case AKIN_VALUE_REF:
        text_buf_printf(&dumped, "%s:%s", v->table, v->text);
        break;
    default: text_buf_printf(&dumped, "%lld", (long long)v->integer);
    }
}

static void put_rows(const akin_rows *rows, const char *columns)
{
    size_t n = 0;
    const akin_column *all = akin_rows_columns(rows, &n);
    bool star = strcmp(columns, "*") == 0;
    for (size_t i = 0; i < akin_rows_count(rows); i++) {
        const akin_value *values = akin_rows_at(rows, i);
        const char *between = "";
        for (size_t c = 0; c < n; c++) {
            if (star ? c < 3 : !in_list(columns, all[c].name)) continue;
            text_buf_puts(&dumped, between);
            put_value(&values[c]);
            between = " ";
        }
        text_buf_puts(&dumped, "\n");
    }
}

const char *dataset_dump(akin_dataset *ds, const char *table,
                         const char *columns,
                         const akin_dataset_get_options *opt)
{
    akin_error e = {0};
    akin_rows *rows = NULL;
    restart(&dumped);
    if (!ds) return "";
    if (akin_dataset_get(ds, table, opt, &rows, &e) == AKIN_OK)
        put_rows(rows, columns);
    else
        put_short(&dumped, e.text);
    akin_rows_free(rows);
    return dumped.data;
}

const char *dataset_read_text(const char *name)
{
    akin_error e = {0};
    char *text = NULL;
    size_t n = 0;
    restart(&read_text);
    CHECK_OK(file_read(db_path(name), MAX_TEXT, &text, &n, &e), e);
    text_buf_put(&read_text, text, n);
    mem_free(text);
    return read_text.data;
}
