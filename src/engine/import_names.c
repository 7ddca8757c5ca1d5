/* SPDX-License-Identifier: MIT
 * Names of imported vectors: collected, sorted, numbered. */
#include "engine/import_names.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/store.h"

#define NAMES_MAX ((size_t)1 << 36)
#define NAMES_MAX_BYTES ((size_t)1 << 40)

void import_names_init(import_names *names)
{
    *names = (import_names){0};
    text_buf_init(&names->texts, NAMES_MAX_BYTES);
}

void import_names_clear(import_names *names)
{
    text_buf_clear(&names->texts);
    mem_free(names->items);
    mem_free(names->sorted);
    *names = (import_names){0};
}

akin_status import_names_add(import_names *names, const char *name,
                             import_span span, const char *where,
                             akin_error *err)
{
    size_t length = strlen(name);
    if (length == 0 || !text_is_utf8(name, length))
        return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s': the name of vector %zu %s",
                         where, names->n,
                         length ? "is not UTF-8" : "is empty");
    if (!(0 <= span.start_s && span.start_s <= span.end_s &&
          isfinite(span.end_s)))
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s': vector %zu ('%s') cannot last from %g s to %g "
                         "s",
                         where, names->n, name, span.start_s, span.end_s);
    void *p = names->items;
    akin_status status = mem_grow(&p, &names->cap, names->n + 1,
                                  sizeof *names->items, NAMES_MAX, err);
    names->items = p;
    AKIN_TRY(status);
    size_t at = names->texts.n;
    text_buf_put(&names->texts, name, length + 1);
    if (names->texts.status != AKIN_OK)
        return AKIN_FAIL(err, names->texts.status, "out of memory for names");
    names->items[names->n++] = (import_name){.text_at = at, .span = span};
    return AKIN_OK;
}

/* ---- CSV ---------------------------------------------------------------------- */

akin_status import_csv_name(const csv_reader *csv, const char **name,
                            akin_error *err)
{
    static const char *const columns[] = {"recording", "file_path", "track_id",
                                          "name"};
    *name = NULL;
    for (size_t i = 0; i < sizeof columns / sizeof *columns && !*name; i++)
        *name = csv_get(csv, columns[i]);
    if (!*name && csv->n_header == 1) *name = csv->fields[0];
    if (*name && text_is_utf8(*name, strlen(*name))) return AKIN_OK;
    if (*name)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s', line %zu: the name is not UTF-8", csv->path,
                         csv->line);
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "'%s' has no column recording, file_path, track_id or "
                     "name, and more than one column",
                     csv->path);
}

akin_status import_csv_span(const csv_reader *csv, import_span *span,
                            akin_error *err)
{
    const char *start = csv_get(csv, "start"), *end = csv_get(csv, "end");
    *span = (import_span){.given = start || end};
    if (!span->given) return AKIN_OK;
    if (start && end && text_to_double(start, &span->start_s) &&
        text_to_double(end, &span->end_s))
        return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "'%s', line %zu: start and end must both be seconds",
                     csv->path, csv->line);
}

akin_status import_names_read(import_names *names, const char *path,
                              akin_error *err)
{
    csv_reader csv = {0};
    bool more = true;
    akin_status status = csv_open(&csv, path, err);
    while (status == AKIN_OK) {
        const char *name;
        import_span span;
        AKIN_TRYG(csv_next(&csv, &more, err));
        if (!more) break;
        AKIN_TRYG(import_csv_name(&csv, &name, err));
        AKIN_TRYG(import_csv_span(&csv, &span, err));
        AKIN_TRYG(import_names_add(names, name, span, path, err));
    }
done:
    csv_close(&csv);
    return status;
}

/* ---- sorting -------------------------------------------------------------------- */

/* A name with its text at hand. */
typedef struct sortable {
    const char *text;
    import_name *item;
} sortable;

static int compare_names(const void *a_, const void *b_)
{
    const sortable *a = a_, *b = b_;
    const import_span *s = &a->item->span, *t = &b->item->span;
    int order = strcmp(a->text, b->text);
    if (order) return order;
    if (s->start_s != t->start_s) return s->start_s < t->start_s ? -1 : 1;
    if (s->end_s != t->end_s) return s->end_s < t->end_s ? -1 : 1;
    return (a->item > b->item) - (a->item < b->item);
}

static bool is_same_span(const import_span *a, const import_span *b)
{
    return fabs(a->start_s - b->start_s) <= STORE_SAME_OFFSET_S &&
           fabs(a->end_s - b->end_s) <= STORE_SAME_OFFSET_S;
}

/* What is known once equal names stand together. */
static void number_names(import_names *names, const sortable *order)
{
    size_t number = 0; /* of the windows without a span of this name */
    const import_name *before = NULL; /* the last that stays */
    for (size_t i = 0; i < names->n; i++) {
        import_name *item = names->sorted[i] = order[i].item;
        bool fresh = i == 0 || strcmp(order[i - 1].text, order[i].text) != 0;
        item->first = fresh ? item : names->sorted[i - 1]->first;
        if (fresh) number = 0;
        if (!item->span.given) {
            item->span.start_s = item->span.end_s = (double)number++;
        } else {
            item->there = !fresh && is_same_span(&before->span, &item->span);
        }
        if (!item->there) before = item;
    }
}

akin_status import_names_sort(import_names *names, akin_error *err)
{
    void *p, *order;
    AKIN_TRY(mem_new_array(names->n, sizeof *names->sorted, "names", &p, err));
    names->sorted = p;
    AKIN_TRY(mem_new_array(names->n, sizeof(sortable), "names", &order, err));
    sortable *rows = order;
    for (size_t i = 0; i < names->n; i++)
        rows[i] = (sortable){import_names_text(names, &names->items[i]),
                             &names->items[i]};
    if (names->n) qsort(rows, names->n, sizeof *rows, compare_names);
    number_names(names, rows);
    mem_free(order);
    return AKIN_OK;
}
