/* SPDX-License-Identifier: MIT
 * Running an expression over rows: a block at a time through the whole tree, so
 * that what comes in between stays in the first cache, each value of SQL's
 * logic as two bits, true and unknown. */
#include <string.h>

#include "base/memory.h"
#include "store/where_int.h"

enum { BLOCK_WORDS = 64, BLOCK_ROWS = 64 * BLOCK_WORDS };

/* Neither bit: false. Never both. */
typedef struct where_bits {
    uint64_t yes[BLOCK_WORDS], unknown[BLOCK_WORDS];
} where_bits;

typedef struct where_block {
    const where *w;
    const where_leaf *leaves;
    size_t first_word, n_words;
} where_block;

/* ---- tests of values ---------------------------------------------------- */

/* These loops have no branch but their own. One comparison does for both ends
 * of a range: what is below it wraps around to more than its width. */
static void test_integers(const int64_t *values, const where_range *range,
                          size_t n_words, uint64_t *out)
{
    uint64_t lo = (uint64_t)range->lo, width = (uint64_t)range->hi - lo;
    for (size_t w = 0; w < n_words; w++, values += 64) {
        uint64_t word = 0;
#pragma GCC unroll 16
        for (int i = 0; i < 64; i++)
            word |= (uint64_t)((uint64_t)values[i] - lo <= width) << i;
        out[w] |= word;
    }
}

static void test_numbers(const double *values, const where_range *range,
                         size_t n_words, uint64_t *out)
{
    double lo = range->number_lo, hi = range->number_hi;
    for (size_t w = 0; w < n_words; w++, values += 64) {
        uint64_t word = 0;
#pragma GCC unroll 16
        for (int i = 0; i < 64; i++)
            word |= (uint64_t)((values[i] >= lo) & (values[i] <= hi)) << i;
        out[w] |= word;
    }
}

static void test_codes(const uint32_t *codes, const unsigned char *verdicts,
                       size_t n_words, uint64_t *out)
{
    for (size_t w = 0; w < n_words; w++, codes += 64) {
        uint64_t word = 0;
#pragma GCC unroll 16
        for (int i = 0; i < 64; i++) word |= (uint64_t)verdicts[codes[i]] << i;
        out[w] |= word;
    }
}

/* The largest of the list that is not above the value, without a branch. */
static bool is_among_integers(const int64_t *list, size_t n, int64_t value)
{
    for (; n > 1; n -= n / 2) list += list[n / 2] <= value ? n / 2 : 0;
    return *list == value;
}

static bool is_among_numbers(const double *list, size_t n, double value)
{
    for (; n > 1; n -= n / 2) list += list[n / 2] <= value ? n / 2 : 0;
    return *list == value;
}

static void test_set(const where_leaf *leaf, size_t first, size_t n_words,
                     uint64_t *out)
{
    const where_column *c = leaf->column;
    for (size_t i = 0; i < n_words * 64; i++) {
        bool among = leaf->integers
                         ? is_among_integers(leaf->integers, leaf->n_values,
                                             c->integers[first + i])
                         : is_among_numbers(leaf->numbers, leaf->n_values,
                                            c->numbers[first + i]);
        out[i / 64] |= (uint64_t)among << i % 64;
    }
}

static void test_ranges(const where_leaf *leaf, size_t first, size_t n_words,
                        uint64_t *out)
{
    const where_column *c = leaf->column;
    for (size_t i = 0; i < leaf->n_ranges; i++) {
        if (c->kind == ITEM_NUMBER)
            test_numbers(c->numbers + first, &leaf->ranges[i], n_words, out);
        else
            test_integers(c->integers + first, &leaf->ranges[i], n_words, out);
    }
}

/* ---- leaves ------------------------------------------------------------- */

static void eval_test(const where_block *b, const where_leaf *leaf,
                      uint64_t *yes)
{
    size_t first = b->first_word * 64;
    memset(yes, leaf->test == WHERE_ALWAYS ? 0xff : 0, b->n_words * 8);
    if (leaf->test == WHERE_CODES)
        test_codes(leaf->column->codes + first, leaf->verdicts, b->n_words,
                   yes);
    else if (leaf->test == WHERE_RANGES)
        test_ranges(leaf, first, b->n_words, yes);
    else if (leaf->test == WHERE_SET)
        test_set(leaf, first, b->n_words, yes);
}

static void eval_leaf(const where_block *b, const where_leaf *leaf,
                      where_bits *out)
{
    eval_test(b, leaf, out->yes);
    for (size_t i = 0; i < b->n_words; i++) {
        uint64_t known = leaf->column ? leaf->column->known[b->first_word + i]
                                      : ~(uint64_t)0;
        uint64_t yes = out->yes[i] & known, unknown = ~known;
        if (leaf->else_unknown) unknown = ~yes;
        if (leaf->true_is_unknown) {
            unknown |= yes;
            yes = 0;
        }
        out->yes[i] = leaf->of_null ? ~known : yes;
        out->unknown[i] = leaf->of_null ? 0 : unknown;
    }
}

/* ---- nodes -------------------------------------------------------------- */

static void join_and(const where_block *b, where_bits *a, const where_bits *c)
{
    for (size_t i = 0; i < b->n_words; i++) {
        uint64_t maybe =
            (a->yes[i] | a->unknown[i]) & (c->yes[i] | c->unknown[i]);
        a->yes[i] &= c->yes[i];
        a->unknown[i] = maybe & ~a->yes[i];
    }
}

static void join_or(const where_block *b, where_bits *a, const where_bits *c)
{
    for (size_t i = 0; i < b->n_words; i++) {
        a->yes[i] |= c->yes[i];
        a->unknown[i] = (a->unknown[i] | c->unknown[i]) & ~a->yes[i];
    }
}

static void turn_not(const where_block *b, where_bits *a)
{
    for (size_t i = 0; i < b->n_words; i++)
        a->yes[i] = ~(a->yes[i] | a->unknown[i]);
}

/* Recursion is bounded by the parser's depth. */
static void eval_node(const where_block *b, size_t index, where_bits *out)
{
    const where_node *node = &b->w->nodes[index];
    where_bits other;
    if (node->kind > WHERE_NOT) {
        eval_leaf(b, &b->leaves[index], out);
        return;
    }
    eval_node(b, node->first, out);
    if (node->kind == WHERE_NOT) {
        turn_not(b, out);
        return;
    }
    for (size_t i = b->w->nodes[node->first].next; i != WHERE_NONE;
         i = b->w->nodes[i].next) {
        eval_node(b, i, &other);
        if (node->kind == WHERE_AND)
            join_and(b, out, &other);
        else
            join_or(b, out, &other);
    }
}

static void where_eval(const where *w, const where_leaf *leaves, size_t n_rows,
                       uint64_t *out)
{
    where_bits bits;
    size_t n_words = n_rows / 64 + 1;
    for (size_t word = 0; word < n_words; word += BLOCK_WORDS) {
        size_t left = n_words - word;
        const where_block b = {.w = w,
                               .leaves = leaves,
                               .first_word = word,
                               .n_words =
                                   left < BLOCK_WORDS ? left : BLOCK_WORDS};
        eval_node(&b, w->root, &bits);
        memcpy(out + word, bits.yes, b.n_words * sizeof *out);
    }
    out[n_rows / 64] &= ((uint64_t)1 << n_rows % 64) - 1;
}

akin_status where_run(const where *w, const where_source *source,
                      uint64_t **out, akin_error *err)
{
    where_leaf *leaves;
    void *p;
    *out = NULL;
    AKIN_TRY(where_bind(w, source, &leaves, err));
    akin_status status = mem_new_array(source->n_rows / 64 + 1, sizeof **out,
                                       "a set of rows", &p, err);
    if (status == AKIN_OK) {
        *out = p;
        where_eval(w, leaves, source->n_rows, *out);
    }
    where_free_leaves(leaves, w->n_nodes);
    return status;
}

akin_status where_ask(const char *text, const where_source *source,
                      uint64_t **out, akin_error *err)
{
    where *w;
    *out = NULL;
    AKIN_TRY(where_parse(text, &w, err));
    akin_status status = where_run(w, source, out, err);
    where_free(w);
    return status;
}
