/* SPDX-License-Identifier: MIT
 * Hunts for a where expression that reads past its end or a column's, makes the
 * stack too deep, or holds of a row together with its own NOT; and for one that
 * in parentheses is another. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/where.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_ROWS = 70 };

static where_table table;

static where_column *add(const char *name, item_kind kind)
{
    where_column *c;
    akin_error e = {0};
    if (where_table_add(&table, name, kind, &c, &e) != AKIN_OK) abort();
    return c;
}

static void fill_once(void)
{
    static const char *const texts[] = {"", "a", "a%b_c", "\xc3\xa4", "\xff"};
    akin_error e = {0};
    if (table.n_rows) return;
    where_table_init(&table, N_ROWS);
    where_column *t = add("t", ITEM_TEXT), *i = add("i", ITEM_INTEGER),
                 *n = add("n", ITEM_NUMBER), *b = add("b", ITEM_BOOL),
                 *w = add("item_ref.id", ITEM_TIME);
    add("empty", ITEM_TEXT);
    for (size_t row = 0; row < N_ROWS; row++) {
        if (row % 6 < 5 &&
            where_put_text(t, row, texts[row % 5], &e) != AKIN_OK)
            abort();
        if (row % 7) where_put_integer(i, row, (int64_t)row - 35);
        if (row % 5) where_put_number(n, row, (double)row / 4 - 8);
        if (row % 3) where_put_integer(b, row, row % 2);
        if (row % 4) where_put_integer(w, row, (int64_t)row * 1000000000);
    }
}

static uint64_t *ask(const char *head, const char *text, const char *tail)
{
    akin_error e = {0};
    uint64_t *bits = NULL;
    const where_source source = where_table_source(&table);
    char *whole = text_format("%s%s%s", head, text, tail);
    if (whole && where_ask(whole, &source, &bits, &e) != AKIN_OK &&
        (!e.text[0] || bits))
        abort();
    mem_free(whole);
    return bits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fill_once();
    char *text = mem_array(size + 1, 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    uint64_t *bits = ask("", text, ""),
             *same = bits ? ask("(", text, ")") : NULL,
             *not = bits ? ask("not (", text, ")") : NULL;
    for (int i = 0; bits && i < N_ROWS / 64 + 1; i++) {
        if (not &&(bits[i] & not [i])) abort();
        if (same && bits[i] != same[i]) abort();
    }
    if (bits && bits[N_ROWS / 64] >> N_ROWS % 64) abort();
    mem_free(bits);
    mem_free(same);
    mem_free(not );
    mem_free(text);
    return 0;
}
