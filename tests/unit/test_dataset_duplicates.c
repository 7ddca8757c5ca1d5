/* SPDX-License-Identifier: MIT
 * engine/dataset_duplicates and engine/dataset_pairs: groups against those of all
 * pairs, with and without a graph. */
#include "base/text.h"
#include "dataset_help.h"
#include "db_files.h"
#include "engine/cache.h"
#include "engine/dataset_pairs.h"
#include "test.h"

enum { DIM = 16, N_ITEMS = 300 };

static float values[N_ITEMS][DIM];

/* Items in groups of ten that are near each other, next to others; and views of
 * the first item that are equal. */
static akin_dataset *make_duplicates(void)
{
    static char ids[N_ITEMS][16];
    static akin_dataset_vector put[N_ITEMS];
    akin_error e = {0};
    akin_dataset *ds = dataset_make(N_ITEMS, 1);
    for (size_t i = 0; i < N_ITEMS; i++) {
        float noise[DIM];
        dataset_values((unsigned)(i < 100 ? i / 10 : i) + 1, values[i], DIM);
        dataset_values((unsigned)i + 1000, noise, DIM);
        for (size_t k = 0; k < DIM; k++) values[i][k] += 0.03f * noise[k];
        snprintf(ids[i], sizeof ids[i], "i%03zuv0", i);
        put[i] = (akin_dataset_vector){ids[i], values[i]};
    }
    CHECK_OK(akin_dataset_put_vectors(ds, "emb", NULL, DIM, put, N_ITEMS, false,
                                      NULL, NULL, &e), e);
    dataset_add_view(ds, 201, "shared", "f202_0.jpg"); /* of another's file */
    return ds;
}

static double cosine(const float *a, const float *b)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < DIM; i++) {
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return dot / sqrt(aa * bb);
}

/* Groups by brute force, the smallest member standing for all. */
static void link_items(double least, size_t *root)
{
    for (size_t i = 0; i < N_ITEMS; i++) root[i] = i;
    for (size_t i = 0; i < N_ITEMS; i++)
        for (size_t j = 0; j < i; j++) {
            size_t a = root[i], b = root[j];
            bool linked = cosine(values[i], values[j]) >= least ||
                          (i == 202 && j == 201);
            for (size_t k = 0; linked && k < N_ITEMS; k++)
                if (root[k] == a || root[k] == b) root[k] = a < b ? a : b;
        }
}

typedef struct seen {
    size_t group_of[N_ITEMS]; /* 0: none */
    size_t n, last_group, last_size, size;
} seen;

static bool take_duplicate(void *user, const akin_dataset_duplicate *d)
{
    seen *s = user;
    int64_t item = -1;
    CHECK(text_to_int64(d->item_id + 1, &item) || item >= 0);
    if (d->group != s->last_group) {
        CHECK_EQ_INT(d->group, s->last_group + 1);
        CHECK(s->last_group < 2 || s->size <= s->last_size);
        s->last_size = s->size;
        s->size = 0;
        CHECK_NEAR(d->similarity, 1, 0);
    }
    s->last_group = d->group;
    s->size++;
    s->n++;
    if (item >= 0 && item < N_ITEMS) s->group_of[item] = d->group;
    return true;
}

static void check_groups(akin_dataset *ds, akin_dataset_duplicates_options opt)
{
    static seen s;
    static size_t root[N_ITEMS];
    akin_error e = {0};
    size_t n_groups = 0;
    s = (seen){0};
    opt.visit = take_duplicate;
    opt.user = &s;
    CHECK_OK(akin_dataset_each_duplicate(ds, "emb", &opt, &n_groups, &e), e);
    link_items(opt.min_similarity ? opt.min_similarity : 0.98, root);
    for (size_t i = 0; i < N_ITEMS; i++)
        for (size_t j = 0; j < i; j++) {
            bool together = s.group_of[i] && s.group_of[i] == s.group_of[j];
            if (together != (root[i] == root[j]))
                test_fail(__FILE__, __LINE__, "%zu and %zu", i, j);
        }
    CHECK_EQ_INT(n_groups, s.last_group);
}

static void groups_are_those_of_all_pairs(void)
{
    akin_dataset *ds = make_duplicates();
    for (size_t threads = 1; threads <= 3; threads += 2)
        check_groups(ds, (akin_dataset_duplicates_options){.threads = threads});
    check_groups(ds, (akin_dataset_duplicates_options){.min_similarity = 0.7});
    akin_error e = {0};
    static seen s;
    size_t n_groups = 0;
    s = (seen){0};
    const akin_dataset_duplicates_options cut = {
        .max_group = 2, .where = "number < 100", .visit = take_duplicate,
        .user = &s};
    CHECK_OK(akin_dataset_each_duplicate(ds, "emb", &cut, &n_groups, &e), e);
    CHECK_EQ_INT(n_groups, 10);
    CHECK_EQ_INT(s.n, 20);
    const akin_dataset_duplicates_options wrong = {.min_similarity = 2};
    CHECK_STATUS(akin_dataset_each_duplicate(ds, "emb", &wrong, NULL, &e),
                 AKIN_EUSAGE);
    CHECK_STATUS(akin_dataset_each_duplicate(ds, "none", NULL, NULL, &e),
                 AKIN_ENOTFOUND);
    akin_dataset_close(ds);
}

/* In groups of ten nobody has more equals than are looked for. */
static void a_graph_links_the_same(void)
{
    cache_set_min_bytes(1);
    dataset_pairs_set_exact_max(1);
    akin_dataset *ds = make_duplicates();
    check_groups(ds, (akin_dataset_duplicates_options){.threads = 2});
    dataset_pairs_set_exact_max(0);
    cache_set_min_bytes(0);
    akin_dataset_close(ds);
}

const test_case test_dataset_duplicates_cases[] = {
    {"dataset_duplicates/groups_are_those_of_all_pairs",
     groups_are_those_of_all_pairs},
    {"dataset_duplicates/a_graph_links_the_same", a_graph_links_the_same},
    {0},
};
