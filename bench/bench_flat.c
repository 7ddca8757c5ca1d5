/* SPDX-License-Identifier: MIT
 * Exact cosine search over float16 rows against the time in which the machine
 * reads the same bytes: CSV on stdout, one row a size, storage and number of
 * threads. Both are timed in turn, so that a busy neighbour hits both.
 *
 * usage: bench_flat [DIM [MAX_ROWS]] */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "base/thread.h"
#include "index/distance.h"
#include "index/flat.h"
#include "index/isa.h"

enum { REPETITIONS = 15, ROWS_OFFSET = 8, K = 10 };

#define N_READERS 4

/* One pass over the bytes of a block; the sum keeps the loads alive. Three
 * widths are tried, and one that asks ahead; the fastest is the machine's. */
typedef uint64_t words __attribute__((vector_size(64), aligned(1)));

#define READER(name, STREAMS, AHEAD)                                           \
    static uint64_t name(const unsigned char *p, size_t n)                     \
    {                                                                          \
        words sum[STREAMS] = {0};                                              \
        size_t i = 0, step = sizeof(words) * STREAMS;                          \
        for (; i + step <= n; i += step)                                       \
            for (size_t s = 0; s < STREAMS; s++) {                             \
                const unsigned char *at = p + i + s * sizeof(words);           \
                if (AHEAD) __builtin_prefetch(at + AHEAD);                     \
                sum[s] += *(const words *)(const void *)at;                    \
            }                                                                  \
        uint64_t total = 0;                                                    \
        for (size_t s = 0; s < STREAMS; s++)                                   \
            for (size_t k = 0; k < 8; k++) total += sum[s][k];                 \
        for (; i < n; i++) total += p[i];                                      \
        return total;                                                          \
    }

#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif
CLONES READER(read_2, 2, 0)
CLONES READER(read_4, 4, 0)
CLONES READER(read_8, 8, 0)
CLONES READER(read_ahead, 4, 4096)

static uint64_t (*const readers[N_READERS])(const unsigned char *, size_t) = {
    read_2, read_4, read_8, read_ahead};

typedef struct bench {
    const unsigned char *rows;
    size_t n, dim, threads;
    const float *query;
    size_t reader;
    uint64_t sums[64];
} bench;

static void read_part(void *user, size_t i)
{
    bench *b = user;
    size_t bytes = b->n * b->dim * 2, from = bytes / b->threads * i;
    size_t to = i + 1 == b->threads ? bytes : bytes / b->threads * (i + 1);
    b->sums[i] = readers[b->reader](b->rows + from, to - from);
}

static double time_read(bench *b)
{
    double best = 1e30;
    for (b->reader = 0; b->reader < N_READERS; b->reader++) {
        double start = clock_now_s();
        thread_each(b->threads, read_part, b);
        double took = clock_now_s() - start;
        if (took < best) best = took;
    }
    return best;
}

static uint64_t key_of(const void *user, size_t row)
{
    (void)user;
    return row;
}

static double time_scan(const bench *b)
{
    topk top;
    flat_rows rows = {.vectors = b->rows, .n = b->n, .dim = b->dim,
                      .key = key_of};
    flat_query query = {.vectors = b->query, .n = 1, .dim = b->dim,
                        .score = FLAT_COSINE, .threads = b->threads};
    double start = clock_now_s();
    if (topk_init(&top, K, false, NULL) != AKIN_OK ||
        flat_scan(&rows, &query, &top, NULL) != AKIN_OK)
        abort();
    topk_sort(&top);
    double took = clock_now_s() - start;
    topk_clear(&top);
    return took;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return values[n / 2];
}

static void report(bench *b, const char *storage)
{
    double scan[REPETITIONS], read[REPETITIONS], ratio[REPETITIONS];
    time_read(b);
    time_scan(b);
    for (size_t i = 0; i < REPETITIONS; i++) {
        read[i] = time_read(b);
        scan[i] = time_scan(b);
        ratio[i] = read[i] / scan[i];
    }
    double bytes = (double)b->n * (double)b->dim * 2;
    double scan_s = median(scan, REPETITIONS);
    double read_s = median(read, REPETITIONS);
    printf("%s,%s,%zu,%zu,%zu,%.4f,%.4f,%.2f,%.2f,%.3f\n",
           isa_name(isa_get()), storage, b->n, b->dim, b->threads, scan_s * 1e3, read_s * 1e3,
           bytes / scan_s / 1e9, bytes / read_s / 1e9,
           median(ratio, REPETITIONS));
    fflush(stdout);
}

/* Rows on disk and mapped, at the offset they have in a usearch file. */
static void report_mapped(bench *b)
{
    char path[] = "/tmp/bench_flat_XXXXXX";
    int fd = mkstemp(path);
    file_map map = {0};
    const unsigned char *kept = b->rows;
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
    if (f && fwrite(b->rows - ROWS_OFFSET, 1, ROWS_OFFSET + b->n * b->dim * 2,
                    f) == ROWS_OFFSET + b->n * b->dim * 2 &&
        fclose(f) == 0 && file_map_open(&map, path, NULL) == AKIN_OK) {
        b->rows = map.data + ROWS_OFFSET;
        for (b->threads = 1; b->threads <= thread_count() && b->threads <= 2;
             b->threads++)
            report(b, "mapped");
    }
    file_map_close(&map);
    unlink(path);
    b->rows = kept;
}

static void fill(float *v, size_t n, random_state *r)
{
    for (size_t i = 0; i < n; i++) v[i] = (float)(random_unit(r) * 2 - 1);
}

int main(int argc, char **argv)
{
    int64_t dim = 256, max_rows = 1000000;
    if ((argc > 1 && !text_to_int64(argv[1], &dim)) ||
        (argc > 2 && !text_to_int64(argv[2], &max_rows)) || dim < 1 ||
        max_rows < 1) {
        fprintf(stderr, "usage: bench_flat [DIM [MAX_ROWS]]\n");
        return 2;
    }
    size_t row_bytes = (size_t)dim * 2;
    unsigned char *data =
        mem_aligned(ROWS_OFFSET + (size_t)max_rows * row_bytes);
    float *v = mem_array((size_t)dim, sizeof *v);
    if (!data || !v) return 3;
    random_state random = {1};
    for (size_t i = 0; i < (size_t)max_rows; i++) {
        fill(v, (size_t)dim, &random);
        distance_to_half(v, (size_t)dim, data + ROWS_OFFSET + i * row_bytes);
    }
    bench b = {.rows = data + ROWS_OFFSET, .dim = (size_t)dim, .query = v};
    printf("isa,storage,rows,dim,threads,scan_ms,read_ms,scan_gb_s,read_gb_s,"
           "ratio\n");
    for (b.n = 10000; b.n <= (size_t)max_rows; b.n *= 10) {
        for (b.threads = 1; b.threads <= thread_count() && b.threads <= 2;
             b.threads++)
            report(&b, "memory");
        report_mapped(&b);
    }
    mem_free(v);
    mem_free_aligned(data);
    return 0;
}
