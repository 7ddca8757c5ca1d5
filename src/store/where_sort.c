/* SPDX-License-Identifier: MIT
 * Sorting rows by a column: values become keys of 64 bits in their order, and
 * the keys are sorted by bytes, from the lowest, which leaves equal ones in the
 * order of their rows. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/where.h"

typedef struct sort_row {
    uint64_t key;
    uint64_t row;
} sort_row;

typedef struct sort_text {
    const char *text;
    uint32_t number;
} sort_text;

/* ---- keys --------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(((const sort_text *)a)->text, ((const sort_text *)b)->text);
}

/* places[number]: of a distinct text among all. */
static akin_status sort_places(const where_texts *texts, uint32_t **out,
                               akin_error *err)
{
    void *places, *p;
    *out = NULL;
    AKIN_TRY(mem_new_array(texts->n, sizeof(sort_text), "a sort", &p, err));
    sort_text *list = p;
    akin_status status =
        mem_new_array(texts->n, sizeof **out, "a sort", &places, err);
    if (status == AKIN_OK) {
        *out = places;
        for (size_t i = 0; i < texts->n; i++)
            list[i] = (sort_text){where_texts_at(texts, i), (uint32_t)i};
        qsort(list, texts->n, sizeof *list, compare_texts);
        for (size_t i = 0; i < texts->n; i++)
            (*out)[list[i].number] = (uint32_t)i;
    }
    mem_free(list);
    return status;
}

/* The bits of a double, made to rise with it. */
static uint64_t number_key(double value)
{
    uint64_t bits;
    value += 0.0; /* -0 is 0 */
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static uint64_t sort_key(const where_order *o, const uint32_t *places,
                         size_t row)
{
    if (o->rank) return o->rank[row];
    switch (o->column->kind) {
    case ITEM_TEXT: return places[o->column->codes[row]];
    case ITEM_NUMBER: return number_key(o->column->numbers[row]);
    default: return (uint64_t)o->column->integers[row] ^ (uint64_t)1 << 63;
    }
}

/* ---- sorting ------------------------------------------------------------ */

/* One pass by one byte; false if it is the same in all. */
static bool sort_pass(const sort_row *from, sort_row *to, size_t n, int shift)
{
    size_t starts[257] = {0};
    for (size_t i = 0; i < n; i++) starts[(from[i].key >> shift & 0xff) + 1]++;
    if (n && starts[(from[0].key >> shift & 0xff) + 1] == n) return false;
    for (size_t i = 0; i < 256; i++) starts[i + 1] += starts[i];
    for (size_t i = 0; i < n; i++)
        to[starts[from[i].key >> shift & 0xff]++] = from[i];
    return true;
}

/* Sorted rows lie in what it returns. */
static sort_row *sort_rows(sort_row *rows, sort_row *other, size_t n)
{
    for (int shift = 0; shift < 64; shift += 8) {
        if (!sort_pass(rows, other, n, shift)) continue;
        sort_row *sorted = other;
        other = rows;
        rows = sorted;
    }
    return rows;
}

/* Rows with a value from the front of `rows`, the others behind *n_known of
 * them; how many there are. */
static size_t sort_collect(const where_order *o, const uint32_t *places,
                           sort_row *rows, size_t *n_known, int64_t *nulls)
{
    size_t n_nulls = 0;
    uint64_t flip = o->descending ? ~(uint64_t)0 : 0;
    *n_known = 0;
    for (size_t w = 0; w <= o->n_rows / 64; w++) {
        for (uint64_t bits = o->of[w]; bits; bits &= bits - 1) {
            size_t row = w * 64 + (size_t)__builtin_ctzll(bits);
            if (o->rank || (o->column->known[w] >> row % 64 & 1))
                rows[(*n_known)++] =
                    (sort_row){sort_key(o, places, row) ^ flip, row};
            else
                nulls[n_nulls++] = o->first + (int64_t)row;
        }
    }
    return *n_known + n_nulls;
}

static size_t count_rows(const where_order *o)
{
    size_t n = 0;
    for (size_t w = 0; w <= o->n_rows / 64; w++)
        n += (size_t)__builtin_popcountll(o->of[w]);
    return n;
}

akin_status where_sort(const where_order *o, int64_t **out, size_t *n,
                       akin_error *err)
{
    uint32_t *places = NULL;
    void *rows = NULL, *other = NULL, *result = NULL, *nulls = NULL;
    size_t n_known;
    akin_status status = AKIN_OK;
    *n = count_rows(o);
    AKIN_TRYG(mem_new_array(*n, sizeof(sort_row), "a sort", &rows, err));
    AKIN_TRYG(mem_new_array(*n, sizeof(sort_row), "a sort", &other, err));
    AKIN_TRYG(mem_new_array(*n, sizeof **out, "a sort", &nulls, err));
    AKIN_TRYG(mem_new_array(*n, sizeof **out, "a sort", &result, err));
    if (!o->rank && o->column->kind == ITEM_TEXT)
        AKIN_TRYG(sort_places(&o->column->texts, &places, err));
    *n = sort_collect(o, places, rows, &n_known, nulls);
    const sort_row *sorted = sort_rows(rows, other, n_known);
    int64_t *list = result;
    for (size_t i = 0; i < n_known; i++)
        list[i] = o->first + (int64_t)sorted[i].row;
    memcpy(list + n_known, nulls, (*n - n_known) * sizeof *list);
done:
    mem_free(rows);
    mem_free(other);
    mem_free(nulls);
    mem_free(places);
    if (status != AKIN_OK) {
        mem_free(result);
        result = NULL;
        *n = 0;
    }
    *out = result;
    return status;
}
