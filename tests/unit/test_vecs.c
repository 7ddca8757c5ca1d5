/* SPDX-License-Identifier: MIT
 * Vector indexes: descriptions, every kind filled, searched, changed and read
 * back, as FAISS files too; broken files refused; and memory that runs out. */
#define _GNU_SOURCE
#include <float.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "interop/faiss.h"
#include "test.h"

enum { N = 1500, DIM = 24, N_QUERIES = 20, K = 5 };

static const char *const kinds[] = {
    "Flat",        "SQ8",          "IVF12,Flat",    "IVF12,SQ8",
    "HNSW8",       "IDMap,Flat",   "IDMap2,HNSW8",  "L2norm,Flat",
    "IDMap,SQ8",   "Cosine",       "FlatIP",        "IVFFlat",
    "L2Norm,IVF9", "IDMap,IVF12",  "IDMap,L2norm,Flat", "L2norm,IDMap,Flat",
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static float x[(N + N_QUERIES) * DIM];
static const float *const queries = x + N * DIM;

static void fill(void)
{
    random_state r = {11};
    for (size_t i = 0; i < N + N_QUERIES; i++)
        for (size_t d = 0; d < DIM; d++)
            x[i * DIM + d] = (float)((i * 7 + d * 13) % 11) / 4 - 1 +
                             (float)random_unit(&r);
}

static vecs *new_index(const char *kind)
{
    vecs_options opt;
    vecs *v = NULL;
    akin_error err;
    fill();
    CHECK_OK(vecs_parse(kind, &opt, &err), err);
    CHECK_OK(vecs_new(&opt, DIM, &v, &err), err);
    return v;
}

static vecs *new_filled(const char *kind, size_t threads)
{
    vecs *v = new_index(kind);
    akin_error err;
    vecs_train_options training = {.threads = threads};
    CHECK_OK(vecs_train(v, x, N, &training, &err), err);
    CHECK_OK(vecs_add(v, x, NULL, N - 400, threads, &err), err);
    CHECK_OK(vecs_add(v, x + (N - 400) * DIM, NULL, 400, threads, &err), err);
    CHECK_EQ_INT(vecs_size(v), N);
    return v;
}

typedef struct answer {
    int64_t ids[N_QUERIES * K];
    float distances[N_QUERIES * K];
} answer;

static answer ask(const vecs *v, const float *of, size_t n, size_t effort)
{
    answer a;
    akin_error err;
    vecs_query q = {.vectors = of, .n = n, .k = K, .effort = effort};
    memset(&a, 0, sizeof a);
    CHECK_OK(vecs_search(v, &q, a.ids, a.distances, &err), err);
    return a;
}

/* ---- descriptions ---- */

static void descriptions(void)
{
    vecs_options o;
    akin_error err;
    for (size_t i = 0; i < N_KINDS; i++)
        CHECK_OK(vecs_parse(kinds[i], &o, &err), err);
    CHECK_OK(vecs_parse("IDMap2,L2norm,IVF100,SQ8", &o, &err), err);
    CHECK(o.kind == VECS_IVF_SQ8 && o.n_lists == 100 && o.map == VECS_MAP2 &&
          o.normalise && !o.map_inside && o.metric == METRIC_L2SQ);
    CHECK_OK(vecs_parse("L2norm,IDMap,HNSW16,Flat", &o, &err), err);
    CHECK(o.kind == VECS_HNSW_FLAT && o.m == 16 && o.map_inside);
    CHECK_OK(vecs_parse("HNSW,IDMap", &o, &err), err);
    CHECK(o.m == 32 && o.map == VECS_MAP && !o.map_inside);
    CHECK_OK(vecs_parse("L2norm,Flat,IDMap", &o, &err), err);
    CHECK(o.normalise && o.map == VECS_MAP);
    CHECK_OK(vecs_parse("Cosine", &o, &err), err);
    CHECK(o.normalise && o.metric == METRIC_DOT);
    static const char *const bad[] = {
        "", ",", "Flat,", ",Flat", "IVF0,Flat", "HNSW0", "HNSW1", "IVF,Flat",
        "ivf10,flat", "IVF10, Flat", "PQ16", "IVF10,PQ4", "Flat,Flat", "SQ4",
        "IDMap", "IDMap,IDMap,Flat", "L2norm", "HNSW32,SQ8", "IVF99999999999",
        "HNSW99999", "Flat,IDMap,IDMap", "Cosine,IDMap",
        "IVF4,Flat,Flat,Flat,Flat,Flat,Flat,Flat,Flat"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err.text[0] = 0;
        CHECK_STATUS(vecs_parse(bad[i], &o, &err), AKIN_EUNSUPPORTED);
        CHECK(strstr(err.text, "IVFn,SQ8") != NULL);
    }
    CHECK_EQ_INT(vecs_default_lists(8000), 205);
    CHECK_EQ_INT(vecs_default_lists(100000), 1264);
    CHECK_EQ_INT(vecs_default_lists(3), 1);
    CHECK_EQ_INT(vecs_default_probes(205), 17);
    CHECK_EQ_INT(vecs_default_probes(5), 5);
}

/* ---- every kind ---- */

static void finds_itself(void)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        vecs *v = new_filled(kinds[i], 2);
        size_t n_found = 0;
        float row[DIM];
        akin_error err;
        answer a = ask(v, x, N_QUERIES, 0);
        for (size_t q = 0; q < N_QUERIES; q++)
            n_found += a.ids[q * K] == (int64_t)q;
        size_t floor = strcmp(kinds[i], "FlatIP") == 0 ? 0 : N_QUERIES - 2;
        CHECK(n_found >= floor);
        if (n_found < floor) printf("    %s: %zu\n", kinds[i], n_found);
        CHECK_OK(vecs_get(v, 77, row, &err), err);
        CHECK_STATUS(vecs_get(v, N + 5, row, &err), AKIN_ENOTFOUND);
        vecs_free(v);
    }
}

static void threads_do_not_show(void)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        vecs *a = new_filled(kinds[i], 1), *b = new_filled(kinds[i], 3);
        answer p = ask(a, queries, N_QUERIES, 0);
        answer q = ask(b, queries, N_QUERIES, 0);
        CHECK(memcmp(&p, &q, sizeof p) == 0);
        for (size_t k = 0; k < N_QUERIES; k++) {
            answer one = ask(a, queries + k * DIM, 1, 0);
            CHECK(memcmp(one.ids, p.ids + k * K, K * 8) == 0);
            CHECK(memcmp(one.distances, p.distances + k * K, K * 4) == 0);
        }
        vecs_free(a);
        vecs_free(b);
    }
}

static void all_effort_is_exact(void)
{
    vecs *flat = new_filled("Flat", 1);
    answer truth = ask(flat, queries, N_QUERIES, 0);
    static const char *const same[] = {"IVF12,Flat", "HNSW8", "IDMap2,HNSW8",
                                       "IDMap,IVF12"};
    for (size_t i = 0; i < 4; i++) {
        vecs *v = new_filled(same[i], 2);
        answer a = ask(v, queries, N_QUERIES, 1000);
        CHECK(memcmp(&a, &truth, sizeof a) == 0);
        vecs_free(v);
    }
    vecs_free(flat);
}

static void removes_and_updates(void)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        vecs *v = new_filled(kinds[i], 2);
        const vecs_options *o = vecs_get_options(v);
        akin_error err;
        int64_t ids[300];
        size_t n_removed;
        for (size_t k = 0; k < 300; k++) ids[k] = (int64_t)k * 2;
        CHECK_OK(vecs_remove(v, ids, 300, &n_removed, &err), err);
        CHECK_EQ_INT(n_removed, 300);
        CHECK_EQ_INT(vecs_size(v), N - 300);
        bool keeps = o->map || o->kind == VECS_IVF_FLAT ||
                     o->kind == VECS_IVF_SQ8;
        answer a = ask(v, x, N_QUERIES, 500);
        for (size_t q = 1; keeps && q < N_QUERIES; q += 2)
            CHECK(o->metric == METRIC_DOT || a.ids[q * K] == (int64_t)q);
        for (size_t k = 0; keeps && k < N_QUERIES * K; k++)
            CHECK(a.ids[k] >= 600 || a.ids[k] % 2 == 1);
        ids[0] = 701;
        ids[1] = 703;
        if (o->kind == VECS_HNSW_FLAT && !o->map) {
            CHECK_STATUS(vecs_update(v, ids, queries, 2, 1, &err),
                         AKIN_EUNSUPPORTED);
        } else {
            float row[DIM], wanted[DIM];
            CHECK_OK(vecs_update(v, ids, queries, 2, 1, &err), err);
            CHECK_OK(vecs_get(v, 703, row, &err), err);
            memcpy(wanted, queries + DIM, sizeof wanted);
            if (!o->normalise)
                for (size_t d = 0; d < DIM; d++)
                    CHECK_NEAR(row[d], wanted[d], 0.05);
            CHECK_EQ_INT(vecs_size(v), N - 300);
            ids[1] = N + 77;
            CHECK_STATUS(vecs_update(v, ids, queries, 2, 1, &err),
                         AKIN_ENOTFOUND);
        }
        for (size_t k = 0; k < 300; k++) ids[k] = (int64_t)k;
        for (int round = 0; round < 12; round++) {
            CHECK_OK(vecs_remove(v, ids, 300, &n_removed, &err), err);
            for (size_t k = 0; k < 300; k++) ids[k] += keeps ? 300 : 0;
        }
        CHECK_EQ_INT(vecs_size(v), 0);
        a = ask(v, queries, N_QUERIES, 0);
        CHECK_EQ_INT(a.ids[0], -1);
        CHECK_OK(vecs_add(v, x, NULL, 50, 1, &err), err);
        a = ask(v, x, N_QUERIES, 50);
        CHECK(a.ids[0] >= 0);
        vecs_free(v);
    }
}

static void misuse_is_refused(void)
{
    vecs *v = new_index("IVF50,Flat");
    akin_error err;
    int64_t ids[3] = {5, 6, 5};
    CHECK_STATUS(vecs_add(v, x, NULL, 3, 1, &err), AKIN_EUSAGE);
    CHECK_STATUS(vecs_train(v, x, 49, NULL, &err), AKIN_EUSAGE);
    CHECK_STATUS(faiss_save("/nowhere/x", v, &err), AKIN_EUSAGE);
    vecs_free(v);
    v = new_filled("Flat", 1);
    CHECK_STATUS(vecs_add(v, x, ids, 3, 1, &err), AKIN_EUSAGE);
    CHECK_STATUS(vecs_update(v, ids, x, 3, 1, &err), AKIN_EUSAGE);
    CHECK_STATUS(vecs_set_effort(v, 1, &err), AKIN_EUSAGE);
    vecs_free(v);
    v = new_filled("IVF12,Flat", 1);
    CHECK_EQ_INT(vecs_get_effort(v).now, 8);
    CHECK_EQ_INT(vecs_get_effort(v).most, 12);
    CHECK_STATUS(vecs_set_effort(v, 13, &err), AKIN_EUSAGE);
    CHECK_OK(vecs_set_effort(v, 12, &err), err);
    vecs_free(v);
}

/* ---- files ---- */

static const char *path_of(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_dir(), name);
    return path[turn];
}

static char *read_all(const char *path, size_t *n)
{
    char *data = NULL;
    akin_error err;
    CHECK_OK(file_read(path, (size_t)1 << 24, &data, n, &err), err);
    return data;
}

static void files_come_back(void)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        vecs *v = new_filled(kinds[i], 2), *w = NULL;
        akin_error err;
        CHECK_OK(faiss_save(path_of("a"), v, &err), err);
        CHECK_OK(faiss_load(path_of("a"), &w, &err), err);
        CHECK_OK(faiss_save(path_of("b"), w, &err), err);
        size_t n, m;
        char *a = read_all(path_of("a"), &n), *b = read_all(path_of("b"), &m);
        CHECK(n == m && memcmp(a, b, n) == 0);
        answer p = ask(v, queries, N_QUERIES, 0);
        answer q = ask(w, queries, N_QUERIES, 0);
        CHECK(memcmp(&p, &q, sizeof p) == 0);
        mem_free(a);
        mem_free(b);
        vecs_free(v);
        vecs_free(w);
    }
}

/* Cut at many places, and with words changed: an error or a usable index. */
static void broken_files(void)
{
    random_state r = {3};
    for (size_t i = 0; i < N_KINDS; i++) {
        vecs *v = new_index(kinds[i]);
        akin_error err;
        size_t n;
        CHECK_OK(vecs_train(v, x, 60, NULL, &err), err);
        CHECK_OK(vecs_add(v, x, NULL, 60, 1, &err), err);
        CHECK_OK(faiss_save(path_of("a"), v, &err), err);
        vecs_free(v);
        char *data = read_all(path_of("a"), &n);
        for (int round = 0; round < 150; round++) {
            size_t cut = round < 75 ? random_below(&r, (uint32_t)n) : n;
            char kept[8];
            size_t at = random_below(&r, (uint32_t)(n < 900 ? n : 900) - 8);
            memcpy(kept, data + at, 8);
            if (cut == n)
                memset(data + at, round % 2 ? 0xff : 0, 1 + (size_t)round % 8);
            FILE *f = fopen(path_of("b"), "wb");
            CHECK(f && fwrite(data, 1, cut, f) == cut && fclose(f) == 0);
            v = NULL;
            akin_status status = faiss_load(path_of("b"), &v, &err);
            CHECK(status == AKIN_OK ? v != NULL : v == NULL);
            if (cut < n) CHECK_STATUS(status, AKIN_ECORRUPT);
            if (v && vecs_dim(v) == DIM) ask(v, queries, N_QUERIES, 0);
            vecs_free(v);
            memcpy(data + at, kept, 8);
        }
        mem_free(data);
    }
    vecs *v = NULL;
    akin_error err;
    CHECK_STATUS(faiss_load(path_of("none"), &v, &err), AKIN_ENOTFOUND);
}

/* Each allocation in turn fails: an error, no leak, and the index as before. */
static void memory_runs_out(void)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        vecs *v = new_filled(kinds[i], 1);
        akin_error err;
        answer before = ask(v, queries, N_QUERIES, 0);
        int n = 0;
        for (; n < 200; n++) {
            mem_fail_at(n + 1);
            akin_status status = vecs_add(v, x, NULL, 5, 1, &err);
            bool pending = mem_fail_pending();
            mem_fail_at(0);
            if (pending && status == AKIN_OK) break;
            CHECK_STATUS(status, AKIN_ENOMEM);
            if (status == AKIN_OK) break;
            CHECK_EQ_INT(vecs_size(v), N);
        }
        CHECK(n > 0 && n < 200);
        int64_t ids[5];
        size_t n_removed;
        for (int k = 0; k < 5; k++) ids[k] = N + k;
        CHECK_OK(vecs_remove(v, ids, 5, &n_removed, &err), err);
        CHECK_EQ_INT(n_removed, 5);
        answer after = ask(v, queries, N_QUERIES, 0);
        if (vecs_get_options(v)->kind != VECS_HNSW_FLAT)
            CHECK(memcmp(&before, &after, sizeof before) == 0);
        for (n = 0; n < 200; n++) {
            vecs_query q = {.vectors = queries, .n = N_QUERIES, .k = K,
                            .threads = 1};
            mem_fail_at(n + 1);
            akin_status status = vecs_search(v, &q, after.ids,
                                             after.distances, &err);
            bool pending = mem_fail_pending();
            mem_fail_at(0);
            if (pending) break;
            CHECK_STATUS(status, AKIN_ENOMEM);
        }
        vecs_free(v);
    }
}

const test_case test_vecs_cases[] = {
    {"vecs/descriptions", descriptions},
    {"vecs/finds_itself", finds_itself},
    {"vecs/threads_do_not_show", threads_do_not_show},
    {"vecs/all_effort_is_exact", all_effort_is_exact},
    {"vecs/removes_and_updates", removes_and_updates},
    {"vecs/misuse_is_refused", misuse_is_refused},
    {"vecs/files_come_back", files_come_back},
    {"vecs/broken_files", broken_files},
    {"vecs/memory_runs_out", memory_runs_out},
    {NULL, NULL},
};
