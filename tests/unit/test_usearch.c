/* SPDX-License-Identifier: MIT
 * usearch files: golden ones read, searched and written back byte by byte;
 * broken ones refused; and everything failing on the way. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "index/distance.h"
#include "index/flat.h"
#include "interop/usearch.h"
#include "test.h"
#include "vectors.h"

#define MAX_BYTES ((size_t)1 << 24)

static const char *path_in_dir(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_dir(), name);
    return path[turn];
}

static const char *golden(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "usearch/%s", name);
    return test_data(path);
}

typedef struct bytes {
    char *data;
    size_t n;
} bytes;

static bytes read_all(const char *path)
{
    bytes b = {0};
    akin_error err;
    CHECK_OK(file_read(path, MAX_BYTES, &b.data, &b.n, &err), err);
    return b;
}

static void write_all(const char *path, const char *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n && fclose(f) == 0);
}

static usearch_file *open_file(const char *path)
{
    usearch_file *f = NULL;
    akin_error err;
    CHECK_OK(usearch_open(path, USEARCH_STRUCTURE, &f, &err), err);
    return f;
}

static graph *load(const usearch_file *f)
{
    graph *g = NULL;
    size_t dropped = 1;
    akin_error err;
    CHECK_OK(usearch_load_graph(f, 0, &g, &dropped, &err), err);
    CHECK_EQ_INT(dropped, 0);
    return g;
}

/* ---- golden files ---- */

static const struct {
    const char *name;
    size_t rows, present, dim;
} files[] = {
    {"empty_d4.index", 0, 0, 4},
    {"three_d4.index", 3, 3, 4},
    {"three_d4_removed2.index", 3, 2, 4},
    {"three_d4_reused9.index", 3, 3, 4},
    {"multi_d8.index", 400, 400, 8},
    {"multi_d8_removed.index", 400, 395, 8},
};

enum { N_FILES = sizeof files / sizeof *files };

static void reads_golden(void)
{
    for (size_t i = 0; i < N_FILES; i++) {
        usearch_file *f = open_file(golden(files[i].name));
        const usearch_info *info = usearch_get_info(f);
        CHECK_EQ_INT(info->n_rows, files[i].rows);
        CHECK_EQ_INT(info->n_present, files[i].present);
        CHECK_EQ_INT(info->dim, files[i].dim);
        CHECK(info->metric == 'i' && info->scalar == 12);
        CHECK(info->major == 2 && info->minor == 21 && info->patch == 0);
        CHECK(info->m == 16 && info->m0 == 32);
        CHECK(info->stamp.size_bytes > 100);
        usearch_close(f);
    }
    usearch_file *f = open_file(golden("three_d4_reused9.index"));
    static const unsigned char one_two[] = {0x00, 0x3c, 0x00, 0x40};
    CHECK_EQ_INT(usearch_key(f, 0), 1);
    CHECK_EQ_INT(usearch_key(f, 1), 9);
    CHECK(memcmp(usearch_vectors(f) + 8, one_two, sizeof one_two) == 0);
    usearch_close(f);
}

static uint64_t key_of(const void *user, size_t row)
{
    return usearch_key(user, row);
}

static uint64_t allow_of(const usearch_file *f, size_t word)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 64; i++) {
        size_t slot = word * 64 + i;
        if (slot < usearch_get_info(f)->n_rows &&
            usearch_key(f, slot) != GRAPH_FREE_KEY)
            bits |= (uint64_t)1 << i;
    }
    return bits;
}

static void search_flat(const usearch_file *f, const float *q, topk *top)
{
    akin_error err;
    uint64_t allow[8];
    for (size_t w = 0; w < 8; w++) allow[w] = allow_of(f, w);
    flat_rows rows = {.vectors = usearch_vectors(f), .n = 400, .dim = 8,
                      .allow = allow, .key = key_of, .user = f};
    flat_query query = {.vectors = q, .n = 1, .dim = 8, .score = FLAT_DOT};
    CHECK_OK(flat_scan(&rows, &query, top, &err), err);
}

/* "NAME qN KIND KEY:DISTANCE x 5", as usearch answered. */
static void check_line(const char *name, int q, const char *kind,
                       const char *hits)
{
    float query[8];
    char file_name[64];
    topk top;
    akin_error err;
    snprintf(file_name, sizeof file_name, "%s.index", name);
    usearch_file *f = open_file(golden(file_name));
    graph *g = load(f);
    for (int d = 0; d < 8; d++)
        query[d] = (float)((d + q) % 3) - 0.75f * (float)q;
    CHECK_OK(topk_init(&top, 5, false, &err), err);
    if (strcmp(kind, "exact") == 0)
        search_flat(f, query, &top);
    else
        CHECK_OK(graph_search(g, query, 64, &top, &err), err);
    topk_sort(&top);
    CHECK_EQ_INT(top.n, 5);
    for (size_t i = 0; i < top.n; i++) {
        unsigned long long key = 0;
        double distance = 0;
        int used = 0;
        CHECK(sscanf(hits, "%llu:%lf%n", &key, &distance, &used) == 2);
        CHECK_EQ_INT(top.hits[i].key, key);
        CHECK_NEAR(1 - top.hits[i].score, distance, 1e-5);
        hits += used;
    }
    topk_clear(&top);
    graph_free(g);
    usearch_close(f);
}

static void answers_as_usearch(void)
{
    bytes text = read_all(golden("expected.txt"));
    int lines = 0;
    for (char *line = text.data; *line; lines++) {
        char name[32], kind[16];
        int q, used = 0;
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        CHECK(sscanf(line, "%31s q%d %15s%n", name, &q, kind, &used) == 3);
        check_line(name, q, kind, line + used);
        line = end ? end + 1 : line + strlen(line);
    }
    CHECK_EQ_INT(lines, 12);
    mem_free(text.data);
}

static void writes_the_same_bytes(void)
{
    for (size_t i = 0; i < N_FILES; i++) {
        usearch_file *f = open_file(golden(files[i].name));
        graph *g = load(f);
        akin_error err;
        const char *path = path_in_dir("copy.index");
        CHECK_OK(usearch_save(path, g, &err), err);
        bytes a = read_all(golden(files[i].name)), b = read_all(path);
        CHECK_EQ_INT(a.n, b.n);
        CHECK(a.n == b.n && memcmp(a.data, b.data, a.n) == 0);
        mem_free(a.data);
        mem_free(b.data);
        graph_free(g);
        usearch_close(f);
    }
}

static void finds_keys(void)
{
    static const struct {
        const char *name;
        uint64_t key;
        bool found;
        size_t slot;
    } cases[] = {
        {"three_d4.index", 1, true, 0},
        {"three_d4.index", 3, true, 2},
        {"three_d4.index", 0, false, 0},
        {"three_d4.index", 4, false, 0},
        {"three_d4_removed2.index", 2, false, 0},
        {"three_d4_removed2.index", 3, true, 2},
        {"three_d4_removed2.index", GRAPH_FREE_KEY, false, 0},
        {"three_d4_reused9.index", 9, true, 1},
        {"three_d4_reused9.index", 2, false, 0},
        {"empty_d4.index", 1, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        usearch_file *f = open_file(golden(cases[i].name));
        bool found;
        size_t slot = 0;
        akin_error err;
        CHECK_OK(usearch_find(f, cases[i].key, &found, &slot, &err), err);
        CHECK_EQ_INT(found, cases[i].found);
        if (found) CHECK_EQ_INT(slot, cases[i].slot);
        usearch_close(f);
    }
    usearch_file *f = open_file(golden("multi_d8_removed.index"));
    for (size_t i = 0; i < 400; i++) {
        bool found;
        size_t slot;
        akin_error err;
        uint64_t key = usearch_key(f, i);
        if (key == GRAPH_FREE_KEY) continue;
        CHECK_OK(usearch_find(f, key, &found, &slot, &err), err);
        CHECK(found && slot == i);
    }
    usearch_close(f);
}

/* ---- broken files ---- */

static akin_status take_count(void *user, uint64_t key,
                              const unsigned char *vector, akin_error *err)
{
    (void)err;
    size_t *n = user;
    CHECK(key != GRAPH_FREE_KEY && vector != NULL);
    ++*n;
    return AKIN_OK;
}

/* Uses all that is offered of a file which was opened in spite of its bytes. */
static void use_everything(usearch_file *f)
{
    const usearch_info *info = usearch_get_info(f);
    graph *g = NULL;
    topk top = {0};
    size_t slot, dropped;
    bool found;
    for (size_t i = 0; i < info->n_rows; i++) (void)usearch_key(f, i);
    (void)!usearch_find(f, 3, &found, &slot, NULL);
    if (usearch_load_graph(f, 0, &g, &dropped, NULL) == AKIN_OK &&
        info->dim <= 64 && topk_init(&top, 3, false, NULL) == AKIN_OK) {
        float query[64] = {1, 2};
        (void)!graph_search(g, query, 16, &top, NULL);
    }
    topk_clear(&top);
    graph_free(g);
}

static void check_broken(const char *data, size_t n)
{
    const char *path = path_in_dir("broken.index");
    write_all(path, data, n);
    for (int level = USEARCH_HEADER; level <= USEARCH_STRUCTURE; level++) {
        usearch_file *f = NULL;
        akin_error err = {0};
        akin_status status = usearch_open(path, (usearch_level)level, &f, &err);
        if (status == AKIN_OK) {
            use_everything(f);
        } else {
            CHECK(status == AKIN_ECORRUPT || status == AKIN_EVERSION ||
                  status == AKIN_EUNSUPPORTED);
            CHECK(err.text[0] != 0);
        }
        usearch_close(f);
    }
    size_t taken = 0;
    (void)!usearch_salvage(path, 4, take_count, &taken, NULL);
}

static void every_byte_flipped(void)
{
    bytes b = read_all(golden("three_d4_reused9.index"));
    static const unsigned char flips[] = {0x01, 0x80, 0xff, 0x12};
    for (size_t i = 0; i < b.n; i++) {
        for (size_t k = 0; k < sizeof flips; k++) {
            char kept = b.data[i];
            b.data[i] = (char)(kept ^ (char)flips[k]);
            check_broken(b.data, b.n);
            b.data[i] = kept;
        }
    }
    mem_free(b.data);
}

static void every_length(void)
{
    bytes b = read_all(golden("three_d4.index"));
    for (size_t n = 0; n < b.n; n++) {
        check_broken(b.data, n);
        usearch_file *f = NULL;
        CHECK(usearch_open(path_in_dir("broken.index"), USEARCH_HEADER, &f,
                           NULL) != AKIN_OK);
    }
    mem_free(b.data);
}

static void many_bytes_flipped(void)
{
    bytes b = read_all(golden("multi_d8.index"));
    char *copy = mem_array(b.n, 1);
    random_state r = {11};
    size_t graph_at = 8 + 400 * 16;
    for (int round = 0; round < 400; round++) {
        memcpy(copy, b.data, b.n);
        for (uint32_t k = 0; k <= random_below(&r, 6); k++) {
            size_t at = graph_at + random_below(&r, (uint32_t)(b.n - graph_at));
            copy[at] = (char)random_u64(&r);
        }
        check_broken(copy, b.n);
    }
    mem_free(copy);
    mem_free(b.data);
}

/* One field of three_d4.index changed, and what is said about it. */
static void says_what_is_wrong(void)
{
    static const struct {
        size_t at;
        unsigned char value;
        akin_status status;
        const char *says;
    } cases[] = {
        {0x20, 'x', AKIN_ECORRUPT, "not a usearch file"},
        {0x27, 3, AKIN_EVERSION, "version 3"},
        {0x2d, 'z', AKIN_ECORRUPT, "metric"},
        {0x2e, 11, AKIN_EUNSUPPORTED, "kind 11"},
        {0x2f, 13, AKIN_EUNSUPPORTED, "keys of kind 13"},
        {0x30, 14, AKIN_EUNSUPPORTED, "slots of kind 14"},
        {0x31, 2, AKIN_ECORRUPT, "2 present"},
        {0x41, 5, AKIN_ECORRUPT, "5 dimensions"},
        {0x49, 1, AKIN_EUNSUPPORTED, "several vectors"},
        {0x60, 4, AKIN_ECORRUPT, "graph of 4 slots"},
        {0x68, 1, AKIN_ECORRUPT, "1 and 32 links"},
        {0x70, 8, AKIN_ECORRUPT, "16 and 8 links"},
        {0x78, 1, AKIN_ECORRUPT, "entry slot"},
        {0x80, 3, AKIN_ECORRUPT, "entry slot 3"},
        {0x88, 1, AKIN_ECORRUPT, "slot 0 at level 1"},
        {0x8e, 2, AKIN_ECORRUPT, "key 2 in slots 0 and 1"},
        {0x96, 1, AKIN_ECORRUPT, "levels 1 and 0"},
        {0x98, 33, AKIN_ECORRUPT, "33 links"},
        {0x9c, 3, AKIN_ECORRUPT, "bad link to 3"},
    };
    bytes b = read_all(golden("three_d4.index"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        usearch_file *f = NULL;
        akin_error err = {0};
        char kept = b.data[cases[i].at];
        b.data[cases[i].at] = (char)cases[i].value;
        const char *path = path_in_dir("wrong.index");
        write_all(path, b.data, b.n);
        b.data[cases[i].at] = kept;
        CHECK_STATUS(usearch_open(path, USEARCH_STRUCTURE, &f, &err),
                     cases[i].status);
        if (!strstr(err.text, cases[i].says) || !strstr(err.text, path))
            test_fail(__FILE__, __LINE__, "'%s' not in '%s'", cases[i].says,
                      err.text);
        usearch_close(f);
    }
    mem_free(b.data);
    usearch_file *f = NULL;
    CHECK_STATUS(usearch_open(path_in_dir("none"), USEARCH_HEADER, &f, NULL),
                 AKIN_ENOTFOUND);
}

/* 2.0 to 2.9 numbered the kinds of scalars otherwise. */
static void reads_old_kinds(void)
{
    bytes b = read_all(golden("three_d4.index"));
    b.data[0x29] = 9; /* version 2.9 */
    b.data[0x2e] = 6; /* float16, u64 and u32 of then */
    b.data[0x2f] = 8;
    b.data[0x30] = 9;
    const char *path = path_in_dir("old.index");
    write_all(path, b.data, b.n);
    usearch_file *f = open_file(path);
    CHECK_EQ_INT(usearch_get_info(f)->scalar, 12);
    CHECK_EQ_INT(usearch_get_info(f)->minor, 9);
    usearch_close(f);
    mem_free(b.data);
}

static void bad_links_are_dropped(void)
{
    bytes b = read_all(golden("three_d4.index"));
    b.data[0x9c] = 7; /* node 0: 1, 2 becomes 7, 2 */
    const char *path = path_in_dir("links.index");
    write_all(path, b.data, b.n);
    usearch_file *f = NULL;
    graph *g = NULL;
    size_t dropped = 0, n;
    akin_error err;
    CHECK_OK(usearch_open(path, USEARCH_HEADER, &f, &err), err);
    CHECK_OK(usearch_load_graph(f, 0, &g, &dropped, &err), err);
    CHECK_EQ_INT(dropped, 1);
    const uint32_t *links = graph_links(g, 0, 0, &n);
    CHECK(n == 1 && links[0] == 2);
    graph_free(g);
    usearch_close(f);
    mem_free(b.data);
}

/* ---- salvage ---- */

static size_t salvage(const char *path, size_t dim, akin_status wanted)
{
    size_t n = 0;
    akin_error err;
    CHECK_STATUS(usearch_salvage(path, dim, take_count, &n, &err), wanted);
    return n;
}

static void salvages_what_is_whole(void)
{
    static const struct {
        size_t at;       /* where bytes of multi_d8.index are spoilt, */
        size_t n;        /* how many, */
        size_t cut;      /* how many are missing at the end, */
        size_t expected; /* and how many keys come out at least */
    } cases[] = {
        {0, 0, 0, 400},
        {0, 8, 0, 400},              /* sizes of the matrix */
        {8 + 6400 + 33, 8, 0, 400},  /* dimensions */
        {8 + 6400 + 64, 40, 0, 400}, /* graph header */
        {8 + 6400 + 104, 1, 0, 400}, /* a level */
        {8 + 6400 + 104 + 800 + 8, 2, 0, 400}, /* the same in its node */
        {0, 0, 100, 399},
        {0, 0, 20000, 250},
        {8, 2, 0, 399}, /* a vector that becomes NaN */
    };
    bytes b = read_all(golden("multi_d8.index"));
    char *copy = mem_array(b.n, 1);
    const char *path = path_in_dir("wreck.index");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(copy, b.data, b.n);
        memset(copy + cases[i].at, 0xff, cases[i].n);
        write_all(path, copy, b.n - cases[i].cut);
        size_t n = salvage(path, 8, AKIN_OK);
        if (n < cases[i].expected || n > 400)
            test_fail(__FILE__, __LINE__, "case %zu gave %zu keys", i, n);
    }
    write_all(path, b.data, 6000);
    CHECK_EQ_INT(salvage(path, 8, AKIN_ECORRUPT), 0);
    CHECK_EQ_INT(salvage(golden("three_d4_removed2.index"), 4, AKIN_OK), 2);
    CHECK_EQ_INT(salvage(golden("empty_d4.index"), 4, AKIN_OK), 0);
    mem_free(copy);
    mem_free(b.data);
}

/* ---- writing ---- */

static vectors make(void)
{
    return vectors_new(&(vectors_options){
        .n = 600, .dim = 19, .clusters = 20, .noise = 0.5, .seed = 5});
}

static graph *build(const vectors *v)
{
    graph *g = NULL;
    akin_error err;
    CHECK_OK(graph_new(&(graph_options){.dim = v->dim}, &g, &err), err);
    CHECK_OK(graph_add(g, v->keys, v->half, v->n, 1, &err), err);
    return g;
}

static void saves_and_reads_back(void)
{
    vectors v = make();
    graph *g = build(&v);
    akin_error err;
    graph_remove(g, 17);
    const char *path = path_in_dir("saved.index");
    CHECK_OK(usearch_save(path, g, &err), err);
    usearch_file *f = open_file(path);
    CHECK_EQ_INT(usearch_get_info(f)->n_rows, 600);
    CHECK_EQ_INT(usearch_get_info(f)->n_present, 599);
    CHECK(memcmp(usearch_vectors(f), v.half, 600 * 19 * 2) == 0);
    for (size_t i = 0; i < 600; i++)
        CHECK_EQ_INT(usearch_key(f, i), i == 17 ? GRAPH_FREE_KEY : v.keys[i]);
    graph *again = load(f);
    const char *second = path_in_dir("again.index");
    CHECK_OK(usearch_save(second, again, &err), err);
    bytes a = read_all(path_in_dir("saved.index"));
    bytes b = read_all(path_in_dir("again.index"));
    CHECK(a.n == b.n && memcmp(a.data, b.data, a.n) == 0);
    mem_free(a.data);
    mem_free(b.data);
    graph_free(again);
    usearch_close(f);
    graph_free(g);
    vectors_clear(&v);
}

static akin_status whole_cycle(const char *in, const char *out, akin_error *err)
{
    akin_status status = AKIN_OK;
    usearch_file *f = NULL;
    graph *g = NULL;
    size_t dropped, slot;
    bool found;
    AKIN_TRYG(usearch_open(in, USEARCH_STRUCTURE, &f, err));
    AKIN_TRYG(usearch_find(f, 1003, &found, &slot, err));
    AKIN_TRYG(usearch_load_graph(f, 0, &g, &dropped, err));
    AKIN_TRYG(usearch_save(out, g, err));
    size_t n = 0;
    AKIN_TRYG(usearch_salvage(in, 8, take_count, &n, err));
done:
    graph_free(g);
    usearch_close(f);
    return status;
}

static void survives_no_memory(void)
{
    static char in[512];
    snprintf(in, sizeof in, "%s", golden("multi_d8_removed.index"));
    for (int64_t n = 1;; n++) {
        akin_error err;
        mem_fail_at(n);
        akin_status status = whole_cycle(in, path_in_dir("out.index"), &err);
        bool over = mem_fail_pending();
        mem_fail_at(0);
        CHECK(over ? status == AKIN_OK : status == AKIN_ENOMEM);
        if (over) break;
        CHECK(n < 1000);
    }
}

/* Whatever fails before the rename, the file is the old one. */
static void failed_writes_leave_the_old(void)
{
    vectors v = make();
    graph *g = build(&v);
    static char path[512];
    snprintf(path, sizeof path, "%s", path_in_dir("kept.index"));
    bytes old = read_all(golden("three_d4.index"));
    for (int64_t n = 1;; n++) {
        akin_error err;
        write_all(path, old.data, old.n);
        file_fail_at(n);
        akin_status status = usearch_save(path, g, &err);
        bool over = file_fail_pending();
        file_fail_at(0);
        usearch_file *f = open_file(path);
        size_t rows = usearch_get_info(f)->n_rows;
        CHECK(over ? status == AKIN_OK : status == AKIN_EIO);
        CHECK(over ? rows == 600 : rows == 3 || rows == 600);
        usearch_close(f);
        if (over) break;
        CHECK(n < 1000);
    }
    mem_free(old.data);
    graph_free(g);
    vectors_clear(&v);
}

const test_case test_usearch_cases[] = {
    {"usearch/reads_golden", reads_golden},
    {"usearch/answers_as_usearch", answers_as_usearch},
    {"usearch/writes_the_same_bytes", writes_the_same_bytes},
    {"usearch/finds_keys", finds_keys},
    {"usearch/every_byte_flipped", every_byte_flipped},
    {"usearch/every_length", every_length},
    {"usearch/many_bytes_flipped", many_bytes_flipped},
    {"usearch/says_what_is_wrong", says_what_is_wrong},
    {"usearch/reads_old_kinds", reads_old_kinds},
    {"usearch/bad_links_are_dropped", bad_links_are_dropped},
    {"usearch/salvages_what_is_whole", salvages_what_is_whole},
    {"usearch/saves_and_reads_back", saves_and_reads_back},
    {"usearch/survives_no_memory", survives_no_memory},
    {"usearch/failed_writes_leave_the_old", failed_writes_leave_the_old},
    {0},
};
