/* SPDX-License-Identifier: MIT
 * engine/vectors: made from files as users have them, searched, changed by
 * track, and whole again after a program died between index and table. */
#include "akin/vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "engine/vectors_int.h"
#include "interop/faiss.h"
#include "test.h"

enum { N = 500, DIM = 16, MAX_PATH = 512 };

static float vectors[N][DIM];

static const char *path_of(const char *name)
{
    static char paths[8][MAX_PATH];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(paths[turn], MAX_PATH, "%s/%s", test_dir(), name);
    return paths[turn];
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "wb");
    CHECK(f && fputs(text, f) >= 0);
    if (f) fclose(f);
}

/* A .npy of n vectors, or of one without a first axis (n = 0). */
static void write_npy(const char *name, const float *data, size_t n)
{
    char shape[40], header[64];
    FILE *f = fopen(path_of(name), "wb");
    CHECK(f != NULL);
    if (!f) return;
    if (n)
        snprintf(shape, sizeof shape, "(%zu, %d)", n, DIM);
    else
        snprintf(shape, sizeof shape, "(%d,)", DIM);
    int used = snprintf(header, sizeof header,
                        "{'descr': '<f4', 'fortran_order': False, 'shape': ");
    size_t length = (size_t)used + strlen(shape) + 3;
    size_t padded = (length + 10 + 63) / 64 * 64 - 10;
    fwrite("\x93NUMPY\1\0", 1, 8, f);
    fputc((int)(padded & 255), f);
    fputc((int)(padded >> 8), f);
    fprintf(f, "%s%s}%*s\n", header, shape, (int)(padded - length + 1), "");
    fwrite(data, sizeof(float) * DIM, n ? n : 1, f);
    fclose(f);
}

static void make_vectors(void)
{
    random_state r = {7};
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < DIM; j++)
            vectors[i][j] = (float)(random_unit(&r) - 0.5);
    write_npy("vectors.npy", vectors[0], N);
}

/* A config of this index type; gives its path. */
static const char *configure(const char *type)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{ // as users have it\n"
             "  \"paths\": {\"vector_file\": \"vectors.npy\","
             " \"index_path\": \"x.index\"},\n"
             "  \"faiss\": {\"dimension\": %d, \"index_type\": \"%s\"}\n}\n",
             DIM, type);
    make_vectors();
    remove(path_of("x.index"));
    remove(path_of("x.index.next"));
    remove(path_of("x.index.sqlite"));
    write_text("config.json", text);
    return path_of("config.json");
}

static akin_vectors *create(const char *type)
{
    akin_error e = {0};
    akin_vectors *v = NULL;
    const char *config = configure(type);
    akin_vectors_info info;
    CHECK_OK(akin_vectors_create(config, NULL, NULL, &v, &e), e);
    if (!v) return NULL;
    akin_vectors_get_info(v, &info);
    CHECK_EQ_INT(info.n, N);
    return v;
}

static akin_vectors *reopen(akin_vectors *v)
{
    akin_error e = {0};
    akin_vectors_close(v);
    v = NULL;
    CHECK_OK(akin_vectors_open(path_of("config.json"), NULL, &v, &e), e);
    return v;
}

/* The first answers to a vector, "574 12 ...". */
static const char *tracks_near(akin_vectors *v, const float *query, size_t k)
{
    static char text[512];
    akin_error e = {0};
    akin_vectors_results *results = NULL;
    akin_vectors_query q = {.vectors = query, .n = 1, .dim = DIM};
    akin_vectors_search_options opt = {.k = k, .recall = 1};
    text[0] = 0;
    CHECK_OK(akin_vectors_search(v, &q, &opt, &results, &e), e);
    for (size_t i = 0; i < akin_vectors_results_count(results); i++) {
        const akin_vectors_hit *hit = akin_vectors_results_at(results, i);
        size_t at = strlen(text);
        CHECK_EQ_INT(hit->rank, i + 1);
        snprintf(text + at, sizeof text - at, "%s%s", i ? " " : "",
                 hit->track ? hit->track : "?");
    }
    akin_vectors_results_free(results);
    return text;
}

/* By brute force, the row nearest to row i but itself. */
static size_t nearest_to(size_t i)
{
    size_t best = 0;
    double best_d = INFINITY;
    for (size_t j = 0; j < N; j++) {
        double d = 0;
        for (size_t x = 0; x < DIM && j != i; x++) {
            double step = (double)(vectors[i][x] - vectors[j][x]);
            d += step * step;
        }
        if (j != i && d < best_d) {
            best_d = d;
            best = j;
        }
    }
    return best;
}

static const char *const types[] = {"FlatL2", "IVFFlat", "SQ8", "HNSW16",
                                    "IDMap,Flat", "IVF8,SQ8", "IDMap2,HNSW8"};
enum { N_TYPES = sizeof types / sizeof *types };

/* ---- the tests ------------------------------------------------------------------ */

static void every_type_is_made_and_searched(void)
{
    for (size_t t = 0; t < N_TYPES; t++) {
        akin_error e = {0};
        akin_vectors_results *results = NULL;
        akin_vectors *v = create(types[t]);
        if (!v) return;
        akin_vectors_search_options opt = {.k = 1, .recall = 1};
        CHECK_OK(akin_vectors_search(v, &(akin_vectors_query){.track = "17"},
                                     &opt, &results, &e), e);
        CHECK_EQ_INT(akin_vectors_results_count(results), 1);
        if (akin_vectors_results_count(results) == 1) {
            const akin_vectors_hit *hit = akin_vectors_results_at(results, 0);
            CHECK_EQ_INT(hit->vector_id, nearest_to(17));
        }
        akin_vectors_results_free(results);
        akin_vectors_close(v);
    }
}

static void the_query_may_be_anything(void)
{
    akin_error e = {0};
    akin_vectors_results *results = NULL;
    akin_vectors *v = create("FlatL2");
    float bad[DIM] = {NAN};
    akin_vectors_query many = {.vectors = vectors[0], .n = 3, .dim = DIM};
    akin_vectors_search_options all = {.k = N + 100};
    CHECK_OK(akin_vectors_search(v, &many, &all, &results, &e), e);
    CHECK_EQ_INT(akin_vectors_results_count(results), 3 * N);
    CHECK_EQ_INT(akin_vectors_results_at(results, N)->query, 1);
    CHECK_EQ_INT(akin_vectors_results_at(results, N)->rank, 1);
    CHECK_EQ_INT(akin_vectors_results_at(results, N)->vector_id, 1);
    CHECK_NEAR(akin_vectors_results_at(results, N)->distance, 0, 1e-6);
    akin_vectors_results_free(results);
    CHECK_STATUS(akin_vectors_search(
                     v, &(akin_vectors_query){.vectors = bad, .n = 1,
                                              .dim = DIM}, NULL, &results, &e),
                 AKIN_EUSAGE);
    CHECK_EQ_TEXT(e.text, "number 0 of query 0 is not finite");
    CHECK_STATUS(akin_vectors_search(
                     v, &(akin_vectors_query){.vectors = bad, .n = 1, .dim = 3},
                     NULL, &results, &e), AKIN_EUSAGE);
    CHECK_EQ_TEXT(e.text, "the query has dimension 3, the index 16");
    CHECK_STATUS(akin_vectors_search(v, &(akin_vectors_query){.track = "none"},
                                     NULL, &results, &e), AKIN_ENOTFOUND);
    CHECK_STATUS(akin_vectors_search(v, &(akin_vectors_query){0}, NULL,
                                     &results, &e), AKIN_EUSAGE);
    akin_vectors_close(v);
}

/* new.npy with two vectors: track 17 anew, and a track that was not there. */
static void put_two(akin_vectors *v, akin_vectors_change *change)
{
    akin_error e = {0};
    float two[2][DIM] = {{0.49f}, {0, 0.49f}};
    write_npy("new.npy", two[0], 2);
    write_text("new.csv", "track_id\n17\n1000\n");
    char path[MAX_PATH], csv[MAX_PATH];
    snprintf(path, sizeof path, "%s", path_of("new.npy"));
    snprintf(csv, sizeof csv, "%s", path_of("new.csv"));
    CHECK_OK(akin_vectors_put(v, &(akin_vectors_source){path, csv}, change, &e),
             e);
}

static void tracks_are_put_and_removed(void)
{
    const float x[DIM] = {0.49f}, y[DIM] = {0, 0.49f};
    for (size_t t = 0; t < N_TYPES; t++) {
        akin_error e = {0};
        akin_vectors_change change = {0};
        akin_vectors_info info;
        akin_vectors *v = create(types[t]);
        if (!v) return;
        put_two(v, &change);
        CHECK_EQ_INT(change.n_added, 1);
        CHECK_EQ_INT(change.n_replaced, 1);
        for (int again = 0; again < 2; again++) {
            CHECK_EQ_TEXT(tracks_near(v, x, 1), "17");
            CHECK_EQ_TEXT(tracks_near(v, y, 1), "1000");
            v = reopen(v);
            if (!v) return;
        }
        CHECK_OK(akin_vectors_remove(v, (const char *[]){"17", "3", "nobody"},
                                     3, &change, &e), e);
        CHECK_EQ_INT(change.n_removed, 2);
        v = reopen(v);
        if (!v) return;
        akin_vectors_get_info(v, &info);
        CHECK_EQ_INT(info.n, N - 1);
        CHECK_EQ_TEXT(tracks_near(v, y, 1), "1000");
        CHECK(strcmp(tracks_near(v, x, 1), "17") != 0);
        CHECK_EQ_TEXT(tracks_near(v, vectors[400], 1), "400");
        CHECK(strcmp(tracks_near(v, vectors[3], 1), "3") != 0);
        akin_vectors_close(v);
    }
}

/* A change dies at its n-th write, sync or rename, for every n: what is opened
 * then is all of the old or all of the new. */
static void a_change_may_die_anywhere(void)
{
    const float y[DIM] = {0, 0.49f};
    bool done = false;
    for (int64_t n = 1; !done && n < 60; n++) {
        akin_error e = {0};
        akin_vectors_info info;
        akin_vectors *v = create("FlatL2");
        if (!v) return;
        float two[2][DIM] = {{0.49f}, {0, 0.49f}};
        write_npy("new.npy", two[0], 2);
        write_text("new.csv", "track_id\n17\n1000\n");
        char path[MAX_PATH], csv[MAX_PATH];
        snprintf(path, sizeof path, "%s", path_of("new.npy"));
        snprintf(csv, sizeof csv, "%s", path_of("new.csv"));
        file_fail_at(n);
        akin_status status = akin_vectors_put(
            v, &(akin_vectors_source){path, csv}, NULL, &e);
        done = file_fail_pending();
        file_fail_at(0);
        CHECK_STATUS(status, done ? AKIN_OK : AKIN_EIO);
        v = reopen(v);
        if (!v) return;
        akin_vectors_get_info(v, &info);
        bool is_new = strcmp(tracks_near(v, y, 1), "1000") == 0;
        CHECK_EQ_INT(info.n, is_new ? N + 1 : N);
        CHECK(is_new || !done);
        akin_vectors_close(v);
    }
    CHECK(done);
}

/* Killed after the commit, before the rename: the next one to open renames. */
static void a_commit_without_its_rename_is_finished(void)
{
    akin_error e = {0};
    char sum[CHECKSUM_HEX_BYTES];
    const float x[DIM] = {0.49f};
    akin_vectors *v = create("FlatL2");
    if (!v) return;
    CHECK_OK(vecs_update(v->index, (const int64_t[]){5}, x, 1, 1, &e), e);
    CHECK_OK(vectors_save_next(v, sum, &e), e);
    v = reopen(v); /* killed before the commit: nothing has happened */
    CHECK(v && strcmp(tracks_near(v, x, 1), "5") != 0);
    CHECK_OK(vecs_update(v->index, (const int64_t[]){5}, x, 1, 1, &e), e);
    CHECK_OK(vectors_save_next(v, sum, &e), e);
    CHECK_OK(vectors_need_tracks(v, TRACKS_WRITE, &e), e);
    CHECK_OK(tracks_set_state(v->tracks, VECTORS_STATE, sum, &e), e);
    v = reopen(v);
    if (!v) return;
    CHECK_EQ_TEXT(tracks_near(v, x, 1), "5");
    CHECK(!file_exists(path_of("x.index.next")));
    akin_vectors_close(v);
    write_text("x.index", "another one");
    CHECK_STATUS(akin_vectors_open(path_of("config.json"), NULL, &v, &e),
                 AKIN_ECORRUPT);
    CHECK(strstr(e.text, "is not the one that the table") != NULL);
}

/* Ids move up when a track goes: who opened before must not give the new
 * table's tracks to the old index's vectors. */
static void an_open_one_sees_what_others_change(void)
{
    akin_error e = {0};
    for (size_t t = 0; t < N_TYPES; t++) {
        akin_vectors *reader = create(types[t]), *writer = NULL;
        CHECK_OK(akin_vectors_open(path_of("config.json"), NULL, &writer, &e),
                 e);
        if (!reader || !writer) return;
        for (int turn = 0; turn < 2; turn++) { /* each by the other, in turn */
            const char *gone = turn ? "9" : "3";
            CHECK_EQ_TEXT(tracks_near(reader, vectors[400], 1), "400");
            CHECK_OK(akin_vectors_remove(turn ? reader : writer, &gone, 1, NULL,
                                         &e), e);
            CHECK_EQ_TEXT(tracks_near(reader, vectors[400], 1), "400");
            CHECK_EQ_TEXT(tracks_near(writer, vectors[400], 1), "400");
            CHECK(strcmp(tracks_near(reader, vectors[turn ? 9 : 3], 1), gone));
        }
        akin_vectors_close(reader);
        akin_vectors_close(writer);
    }
}

static void folders_and_parts_give_their_tracks(void)
{
    akin_error e = {0};
    akin_vectors *v = NULL;
    make_vectors();
    remove(path_of("x.index"));
    remove(path_of("x.index.sqlite"));
    CHECK_OK(file_make_dirs(path_of("genre"), &e), e);
    CHECK_OK(file_make_dirs(path_of("mood"), &e), e);
    static const char *const names[] = {"000574", "2", "ten"};
    for (size_t i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "genre/%s.npy", names[i]);
        write_npy(name, vectors[i], 0);
        snprintf(name, sizeof name, "mood/%s.npy", names[i]);
        if (i != 1) write_npy(name, vectors[i], 1);
    }
    write_text("config.json",
               "{\"paths\": {\"vector_file\": \"genre\", \"index_path\": "
               "\"x.index\"}, \"faiss\": {\"dimension\": 16}}");
    CHECK_OK(akin_vectors_create(path_of("config.json"), NULL, NULL, NULL, &e),
             e);
    CHECK_OK(akin_vectors_open(path_of("config.json"), NULL, &v, &e), e);
    if (v) CHECK(strncmp(tracks_near(v, vectors[0], 3), "574 ", 4) == 0);
    if (v) CHECK(strncmp(tracks_near(v, vectors[2], 3), "ten ", 4) == 0);
    akin_vectors_close(v);
    v = NULL;
    write_text("config.json",
               "{\"paths\": {\"index_path\": \"x.index\", "
               "\"embeddings_folder\": {\"genre_classification_embeddings\": "
               "\"genre\", \"instrument_classification_embeddings\": "
               "\"mood\"}}, \"combinator\": {\"genre\": true, \"instrument\": "
               "true, \"emotion\": false}, \"faiss\": {\"dimension\": 16, "
               "\"index_type\": \"Cosine\"}}");
    akin_vectors_info info;
    CHECK_OK(akin_vectors_create(path_of("config.json"), NULL, NULL, &v, &e),
             e);
    if (!v) return;
    akin_vectors_get_info(v, &info);
    CHECK_EQ_INT(info.n, 2);
    CHECK_EQ_INT(info.dim, 2 * DIM);
    akin_vectors_close(v);
}

static void what_is_wrong_is_said(void)
{
    akin_error e = {0};
    static const struct {
        const char *config, *words;
    } rows[] = {
        {"{\"paths\": {\"vector_file\": \"vectors.npy\", \"index_path\": "
         "\"x.index\"}, \"faiss\": {\"dimension\": 17}}",
         "have dimension 16, the config says 17"},
        {"{\"paths\": {\"vector_file\": \"gone.npy\", \"index_path\": "
         "\"x.index\"}}", "gone.npy"},
        {"{\"paths\": {\"vector_file\": \"vectors.npy\", \"index_path\": "
         "\"x.index\"}, \"faiss\": {\"index_type\": \"PQ16\"}}", "IVF"},
        {"{\"paths\": {\"vector_file\": \"nan.npy\", \"index_path\": "
         "\"x.index\"}}", "vector 1 of"},
    };
    make_vectors();
    float bad[2][DIM] = {{1}, {0, NAN}};
    write_npy("nan.npy", bad[0], 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_text("config.json", rows[i].config);
        akin_status status = akin_vectors_create(path_of("config.json"), NULL,
                                                 NULL, NULL, &e);
        if (status == AKIN_OK || !strstr(e.text, rows[i].words))
            test_fail(__FILE__, __LINE__, "row %zu: %s", i, e.text);
    }
}

const test_case test_vectors_cases[] = {
    {"vectors/every_type_is_made_and_searched",
     every_type_is_made_and_searched},
    {"vectors/the_query_may_be_anything", the_query_may_be_anything},
    {"vectors/tracks_are_put_and_removed", tracks_are_put_and_removed},
    {"vectors/a_change_may_die_anywhere", a_change_may_die_anywhere},
    {"vectors/a_commit_without_its_rename_is_finished",
     a_commit_without_its_rename_is_finished},
    {"vectors/an_open_one_sees_what_others_change",
     an_open_one_sees_what_others_change},
    {"vectors/folders_and_parts_give_their_tracks",
     folders_and_parts_give_their_tracks},
    {"vectors/what_is_wrong_is_said", what_is_wrong_is_said},
    {0},
};
