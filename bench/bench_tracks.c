/* SPDX-License-Identifier: MIT
 * How fast the metadata of vectors goes into a database and comes out: CSV on
 * stdout, one row a verb. Replaces the table vector_metadata there.
 *
 * usage: bench_tracks [CONFIG [N]]
 *   CONFIG  a config.json; without one, an SQLite file in $TMPDIR
 *   N       rows, a million by default
 * tests/mariadb/run --bench BENCH_TRACKS runs it on a server of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "store/tracks_int.h"

enum { RUNS = 3, ASKED = 1000 };

typedef struct bench {
    tracks *t;
    tracks_row *rows;
    char (*names)[24];
    size_t n;
} bench;

static void must(akin_status status, const akin_error *e)
{
    if (status == AKIN_OK) return;
    fprintf(stderr, "bench_tracks: %s\n", e->text);
    exit(3);
}

static void make_rows(bench *b, bool texts)
{
    random_state random = {1};
    for (size_t i = 0; i < b->n; i++) {
        uint32_t track = random_below(&random, 10000000);
        b->rows[i] = (tracks_row){(int64_t)i, {NULL, track}};
        snprintf(b->names[i], sizeof b->names[i], "track-%u", track);
        if (texts) b->rows[i].track.text = b->names[i];
    }
}

static void replace(bench *b)
{
    akin_error e = {0};
    const tracks_table table = {
        .rows = b->rows, .n = b->n, .dim = 128, .index_type = "IVFFlat"};
    must(tracks_replace(b->t, &table, NULL, &e), &e);
}

static akin_status count_row(void *user, const tracks_row *row,
                             akin_error *err)
{
    (void)err;
    *(int64_t *)user += row->vector_id;
    return AKIN_OK;
}

static void each(bench *b)
{
    int64_t sum = 0;
    akin_error e = {0};
    must(tracks_each(b->t, count_row, &sum, &e), &e);
}

static void get(bench *b)
{
    int64_t ids[ASKED];
    tracks_list list;
    random_state random = {2};
    akin_error e = {0};
    for (size_t i = 0; i < ASKED; i++)
        ids[i] = random_below(&random, (uint32_t)b->n);
    must(tracks_get(b->t, ids, ASKED, &list, &e), &e);
    tracks_list_clear(&list);
}

/* The best of RUNS, as the machine may be busy with something else. */
static void measure(bench *b, const char *what, void (*run)(bench *b),
                    size_t n_rows)
{
    double best_s = 1e30;
    for (int i = 0; i < RUNS; i++) {
        double start_s = clock_now_s();
        run(b);
        double took_s = clock_now_s() - start_s;
        if (took_s < best_s) best_s = took_s;
    }
    printf("\"%s\",%s,%zu,%.4f,%.0f\n", tracks_server(b->t), what, n_rows,
           best_s, (double)n_rows / best_s);
    fflush(stdout);
}

static void run_all(bench *b, bool server)
{
    printf("server,what,rows,seconds,rows_per_s\n");
    make_rows(b, true);
    measure(b, "replace texts", replace, b->n);
    make_rows(b, false);
    measure(b, "replace numbers", replace, b->n);
    measure(b, "each", each, b->n);
    measure(b, "get 1000", get, ASKED);
    if (!server) return;
    tracks_mariadb_without_bulk(b->t);
    measure(b, "replace numbers as for MySQL", replace, b->n);
}

int main(int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");
    char *file = file_join(tmp ? tmp : "/tmp", "akin-bench-tracks.sqlite");
    vector_config config = {.database = {.database = file}};
    akin_error e = {0};
    int64_t n = 1000000;
    if (argc > 1) must(vector_config_load(argv[1], &config, &e), &e);
    if (argc > 2 && (!text_to_int64(argv[2], &n) || n < 1)) return 2;
    bench b = {.n = (size_t)n};
    b.rows = mem_array(b.n, sizeof *b.rows);
    b.names = mem_array(b.n, sizeof *b.names);
    if (!b.rows || !b.names) return 3;
    must(tracks_open(&config.database, TRACKS_WRITE, &b.t, &e), &e);
    run_all(&b, config.database.engine == VECTOR_MARIADB);
    tracks_close(b.t);
    mem_free(b.rows);
    mem_free(b.names);
    if (argc > 1)
        vector_config_clear(&config);
    else
        file_remove(file);
    mem_free(file);
    return 0;
}
