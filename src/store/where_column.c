/* SPDX-License-Identifier: MIT
 * Columns in memory, their distinct texts, and tables of them. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "store/where.h"

#define WHERE_MAX_COLUMNS 2048
#define WHERE_MIN_SLOTS 64

/* ---- texts -------------------------------------------------------------- */

/* FNV-1a, its halves mixed as slots are taken by the low bits. */
static uint32_t text_hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *c = text; *c; c++)
        h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    return (uint32_t)(h ^ h >> 32);
}

const char *where_texts_at(const where_texts *t, size_t number)
{
    return t->bytes + t->starts[number];
}

static size_t slot_number(uint64_t slot) { return (uint32_t)slot - 1; }

/* The slot of this text, or the free one where it belongs. That slots have
 * hashes keeps other texts from being read on the way. */
static size_t texts_slot(const where_texts *t, const char *text, uint32_t hash)
{
    size_t i = hash & (t->n_slots - 1);
    while (t->slots[i] &&
           (t->slots[i] >> 32 != hash ||
            strcmp(where_texts_at(t, slot_number(t->slots[i])), text) != 0))
        i = (i + 1) & (t->n_slots - 1);
    return i;
}

size_t where_texts_find(const where_texts *t, const char *text)
{
    if (t->n == 0) return 0;
    uint64_t slot = t->slots[texts_slot(t, text, text_hash(text))];
    return slot ? slot_number(slot) : t->n;
}

/* Half of the slots are always free. */
static akin_status texts_grow_slots(where_texts *t, akin_error *err)
{
    void *p;
    if (t->n < t->n_slots / 2) return AKIN_OK;
    size_t n = t->n_slots ? t->n_slots * 2 : WHERE_MIN_SLOTS;
    AKIN_TRY(mem_new_array(n, sizeof *t->slots, "texts", &p, err));
    uint64_t *slots = p;
    for (size_t k = 0; k < t->n_slots; k++) {
        if (!t->slots[k]) continue;
        size_t i = (size_t)(t->slots[k] >> 32) & (n - 1);
        while (slots[i]) i = (i + 1) & (n - 1);
        slots[i] = t->slots[k];
    }
    mem_free(t->slots);
    t->slots = slots;
    t->n_slots = n;
    return AKIN_OK;
}

static akin_status texts_add(where_texts *t, const char *text, akin_error *err)
{
    size_t n = strlen(text) + 1;
    void *bytes = t->bytes, *starts = t->starts;
    AKIN_TRY(
        mem_grow(&bytes, &t->cap_bytes, t->n_bytes + n, 1, SIZE_MAX / 4, err));
    t->bytes = bytes;
    AKIN_TRY(mem_grow(&starts, &t->cap, t->n + 1, sizeof *t->starts,
                      UINT32_MAX - 1, err));
    t->starts = starts;
    memcpy(t->bytes + t->n_bytes, text, n);
    t->starts[t->n++] = t->n_bytes;
    t->n_bytes += n;
    return AKIN_OK;
}

static void texts_clear(where_texts *t)
{
    mem_free(t->bytes);
    mem_free(t->starts);
    mem_free(t->slots);
}

/* ---- columns ------------------------------------------------------------ */

akin_status where_column_new(item_kind kind, size_t n_rows, where_column **out,
                             akin_error *err)
{
    void *p;
    *out = NULL;
    AKIN_TRY(mem_new_array(1, sizeof(where_column), "a column", &p, err));
    where_column *c = p;
    size_t n_words = n_rows / 64 + 1;
    c->kind = kind;
    c->n_rows = n_rows;
    c->known = mem_array(n_words, sizeof *c->known);
    if (kind == ITEM_TEXT)
        p = c->codes = mem_array(n_words, 64 * sizeof *c->codes);
    else if (kind == ITEM_NUMBER)
        p = c->numbers = mem_array(n_words, 64 * sizeof *c->numbers);
    else
        p = c->integers = mem_array(n_words, 64 * sizeof *c->integers);
    if (!c->known || !p) {
        where_column_free(c);
        return AKIN_FAIL(err, AKIN_ENOMEM,
                         "out of memory for a column of %zu rows", n_rows);
    }
    *out = c;
    return AKIN_OK;
}

void where_column_free(where_column *c)
{
    if (!c) return;
    texts_clear(&c->texts);
    mem_free(c->known);
    mem_free(c->integers);
    mem_free(c->numbers);
    mem_free(c->codes);
    mem_free(c);
}

void where_put_integer(where_column *c, size_t row, int64_t value)
{
    c->integers[row] = value;
    c->known[row / 64] |= (uint64_t)1 << row % 64;
}

void where_put_number(where_column *c, size_t row, double value)
{
    if (value != value) return;
    c->numbers[row] = value;
    c->known[row / 64] |= (uint64_t)1 << row % 64;
}

akin_status where_put_text(where_column *c, size_t row, const char *text,
                           akin_error *err)
{
    where_texts *t = &c->texts;
    AKIN_TRY(texts_grow_slots(t, err));
    uint32_t hash = text_hash(text);
    size_t slot = texts_slot(t, text, hash);
    if (!t->slots[slot]) {
        AKIN_TRY(texts_add(t, text, err));
        t->slots[slot] = (uint64_t)hash << 32 | t->n;
    }
    c->codes[row] = (uint32_t)slot_number(t->slots[slot]);
    c->known[row / 64] |= (uint64_t)1 << row % 64;
    return AKIN_OK;
}

/* ---- tables ------------------------------------------------------------- */

void where_table_init(where_table *t, size_t n_rows)
{
    *t = (where_table){.n_rows = n_rows};
}

void where_table_drop_last(where_table *t)
{
    struct where_named *last = &t->columns[--t->n_columns];
    mem_free(last->name);
    where_column_free(last->column);
}

void where_table_clear(where_table *t)
{
    while (t->n_columns > 0) where_table_drop_last(t);
    mem_free(t->columns);
    *t = (where_table){.n_rows = 0};
}

akin_status where_table_add(where_table *t, const char *name, item_kind kind,
                            where_column **out, akin_error *err)
{
    void *columns = t->columns;
    *out = NULL;
    AKIN_TRY(mem_grow(&columns, &t->cap, t->n_columns + 1, sizeof *t->columns,
                      WHERE_MAX_COLUMNS, err));
    t->columns = columns;
    char *copy = mem_strdup(name);
    if (!copy) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a column");
    akin_status status = where_column_new(kind, t->n_rows, out, err);
    if (status != AKIN_OK) {
        mem_free(copy);
        return status;
    }
    t->columns[t->n_columns++] =
        (struct where_named){.name = copy, .column = *out};
    return AKIN_OK;
}

const where_column *where_table_find(const where_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcasecmp(t->columns[i].name, name) == 0)
            return t->columns[i].column;
    return NULL;
}

static akin_status table_find(void *user, const char *name,
                              const where_column **out, akin_error *err)
{
    (void)err;
    *out = where_table_find(user, name);
    return AKIN_OK;
}

static const char *table_name(void *user, size_t i)
{
    const where_table *t = user;
    return i < t->n_columns ? t->columns[i].name : NULL;
}

where_source where_table_source(where_table *t)
{
    return (where_source){
        .n_rows = t->n_rows, .find = table_find, .name = table_name, .user = t};
}
