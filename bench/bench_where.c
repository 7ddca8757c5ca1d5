/* SPDX-License-Identifier: MIT
 * How fast `where` is answered over the items of a dataset: CSV on stdout, one
 * row for what is loaded and one for each expression. All is of one thread and
 * in CPU time, so that a busy machine says the same.
 *
 * usage: bench_where [N]
 *   N  items, a million by default; made in $TMPDIR, removed at the end */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "store/where.h"

enum { RUNS = 7, LABELS = 1000 };

static const char *const expressions[] = {
    "(split = 'test' and width > 100) or label in ('label 7', 'label 70', "
    "'label 700')",
    "split = 'test'",
    "width > 100",
    "width between 100 and 200 and not score < 0.5",
    "score >= 0.25",
    "label like '%9_'",
    "label is null",
    "checked and taken >= '2021-06-01'",
    "width in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377)",
    "id > 'm'",
};

static void must(akin_status status, const akin_error *e)
{
    if (status == AKIN_OK) return;
    fprintf(stderr, "bench_where: %s\n", e->text);
    exit(3);
}

static void add_fields(item_store *s)
{
    static const item_field fields[] = {{"label", ITEM_TEXT},
                                        {"width", ITEM_INTEGER},
                                        {"score", ITEM_NUMBER},
                                        {"checked", ITEM_BOOL},
                                        {"taken", ITEM_TIME}};
    akin_error e = {0};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        must(items_add_field(s, &fields[i], &e), &e);
}

static void add_item(item_store *s, random_state *random)
{
    static const char *const splits[] = {"train", "train", "val", "test"};
    char id[ITEMS_ID_CHARS + 1], label[32];
    akin_error e = {0};
    snprintf(label, sizeof label, "label %u", random_below(random, LABELS));
    const item_value values[] = {
        {.text = label, .null = random_below(random, 10) == 0},
        {.integer = random_below(random, 1000)},
        {.number = random_unit(random)},
        {.integer = random_below(random, 2)},
        {.integer = 1577836800000000 +
                    (int64_t)random_below(random, 100000000) * 1000000}};
    must(items_new_id(id, &e), &e);
    const item_row row = {
        .id = id, .split = splits[random_below(random, 4)], .values = values};
    must(items_put(s, &row, NULL, &e), &e);
}

static void make(item_store *s, int64_t n)
{
    random_state random = {1};
    akin_error e = {0};
    must(items_begin(s, &e), &e);
    add_fields(s);
    for (int64_t i = 0; i < n; i++) add_item(s, &random);
    must(items_commit(s, &e), &e);
}

static void print(const char *what, double seconds, int64_t n)
{
    printf("\"%s\",%.3f,%lld\n", what, seconds * 1e3, (long long)n);
    fflush(stdout);
}

static int64_t count(const uint64_t *bits, size_t n_rows)
{
    int64_t n = 0;
    for (size_t i = 0; i <= n_rows / 64; i++)
        n += __builtin_popcountll(bits[i]);
    return n;
}

/* The first run loads; of the others, the best. */
static void ask(item_columns *c, item_store *s, const char *expression)
{
    double best_s = 1e30;
    int64_t n = 0;
    akin_error e = {0};
    for (int i = 0; i < RUNS; i++) {
        uint64_t *bits;
        double start_s = clock_thread_cpu_s();
        must(item_columns_where(c, s, expression, &bits, &e), &e);
        double took_s = clock_thread_cpu_s() - start_s;
        if (took_s < best_s) best_s = took_s;
        n = count(bits, item_columns_rows(c));
        mem_free(bits);
    }
    print(expression, best_s, n);
}

static void load(item_columns *c, item_store *s, const char *column)
{
    char expression[64], what[64];
    uint64_t *bits;
    akin_error e = {0};
    snprintf(expression, sizeof expression, "%s is null", column);
    snprintf(what, sizeof what, "load %s", column);
    double start_s = clock_thread_cpu_s();
    must(item_columns_where(c, s, expression, &bits, &e), &e);
    print(what, clock_thread_cpu_s() - start_s,
          count(bits, item_columns_rows(c)));
    mem_free(bits);
}

static void sort(item_columns *c, item_store *s, const char *column)
{
    char what[64];
    int64_t *rows;
    size_t n;
    akin_error e = {0};
    snprintf(what, sizeof what, "sort by %s", column);
    double start_s = clock_thread_cpu_s();
    must(item_columns_sort(c, s, item_columns_present(c), column, false, &rows,
                           &n, &e),
         &e);
    print(what, clock_thread_cpu_s() - start_s, (int64_t)n);
    mem_free(rows);
}

static void measure(item_store *s)
{
    static const char *const columns[] = {"split", "label",   "width", "score",
                                          "taken", "checked", "id"};
    item_columns *c;
    akin_error e = {0};
    must(item_columns_new(&c, &e), &e);
    double start_s = clock_thread_cpu_s();
    must(item_columns_refresh(c, s, &e), &e);
    print("load rows and ranks", clock_thread_cpu_s() - start_s,
          (int64_t)item_columns_count(c));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        load(c, s, columns[i]);
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++)
        ask(c, s, expressions[i]);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sort(c, s, columns[i]);
    item_columns_free(c);
}

int main(int argc, char **argv)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    const char *tmp = getenv("TMPDIR");
    char *path = file_join(tmp ? tmp : "/tmp", "akin-bench-where.sqlite");
    item_store *s;
    int64_t n = 1000000;
    akin_error e = {0};
    if (argc > 1 && (!text_to_int64(argv[1], &n) || n < 1)) return 2;
    must(items_open(path, ITEMS_CREATE, 0, &s, &e), &e);
    printf("what,cpu_ms,rows\n");
    double start_s = clock_thread_cpu_s();
    make(s, n);
    print("make the items", clock_thread_cpu_s() - start_s, n);
    measure(s);
    items_close(s);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *file = text_format("%s%s", path, ends[i]);
        if (file) file_remove(file);
        mem_free(file);
    }
    mem_free(path);
    return 0;
}
