/* SPDX-License-Identifier: MIT
 * model/builtin_tint: the reference's vectors, length 1, gain, mirror images,
 * odd inputs, the same bits everywhere, and how well it finds real pictures of
 * a kind. */
#include "model/builtin_tint.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "media/image_tensor.h"
#include "media/resize.h"
#include "test.h"

enum { PIXELS = TINT_SIDE * TINT_SIDE, FLOATS = 3 * PIXELS, CASES = 8 };

extern const unsigned char builtin_tint_data[];
extern const uint64_t builtin_tint_data_bytes;

static float item[FLOATS];

static tint *new_tint(void)
{
    tint *t = NULL;
    akin_error e = {0};
    CHECK_OK(tint_new(&t, &e), e);
    return t;
}

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < TINT_DIM; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Slopes, stripes and noise by whole numbers: the same on every machine, and
 * golden_input of tools/fit_tint.py. */
static void make_picture(uint32_t seed, float *out)
{
    uint32_t noise = seed * 2654435761u + 1;
    for (uint32_t i = 0; i < FLOATS; i++) {
        uint32_t c = i / PIXELS, y = i % PIXELS / TINT_SIDE, x = i % TINT_SIDE;
        noise = noise * 1664525u + 1013904223u;
        uint32_t v = (x * (c + seed) + y * (3 - c)) % 200 + noise % 40;
        if ((x * seed + y * 3) / 9 % 4 == c) v /= 2;
        out[i] = (float)(v % 256) / 255.0f;
    }
}

static void vectors_equal_the_reference(void)
{
    tint *t = new_tint();
    float wanted[CASES][TINT_DIM], got[TINT_DIM];
    uint32_t n = 0;
    FILE *f = fopen(test_data("tint_golden.bin"), "rb");
    CHECK(f && fread(&n, sizeof n, 1, f) == 1 && n == CASES &&
          fread(wanted, sizeof wanted, 1, f) == 1);
    if (f) fclose(f);
    float worst = 0;
    for (uint32_t c = 0; t && c < CASES && n == CASES; c++) {
        make_picture(c, item);
        tint_embed(t, item, got);
        for (int i = 0; i < TINT_DIM; i++)
            worst = fmaxf(worst, fabsf(got[i] - wanted[c][i]));
    }
    printf("    largest difference %.2g\n", (double)worst);
    CHECK(worst < 1e-5f);
    tint_free(t);
}

static void lengths_are_one(void)
{
    tint *t = new_tint();
    float v[TINT_DIM], w[TINT_DIM];
    for (uint32_t seed = 1; t && seed < 20; seed++) {
        make_picture(seed, item);
        tint_embed(t, item, v);
        CHECK_NEAR(dot(v, v), 1, 1e-6);
        tint_embed(t, item, w);
        CHECK(memcmp(v, w, sizeof v) == 0);
    }
    tint_free(t);
}

/* Half and a third of the light: still the nearest by far. */
static void gain_hardly_matters(void)
{
    tint *t = new_tint();
    float v[TINT_DIM], darker[TINT_DIM], other[TINT_DIM];
    for (uint32_t seed = 1; t && seed < 10; seed++) {
        make_picture(seed, item);
        tint_embed(t, item, v);
        for (int i = 0; i < FLOATS; i++) item[i] *= seed % 2 ? 0.5f : 0.33f;
        tint_embed(t, item, darker);
        make_picture(seed + 1, item);
        tint_embed(t, item, other);
        CHECK(dot(v, darker) > 0.99);
        CHECK(dot(v, other) < 0.96);
    }
    tint_free(t);
}

static void mirror_images_are_the_same(void)
{
    static float mirrored[FLOATS];
    tint *t = new_tint();
    float v[TINT_DIM], w[TINT_DIM];
    for (uint32_t seed = 1; t && seed < 5; seed++) {
        make_picture(seed, item);
        for (int i = 0; i < FLOATS; i++)
            mirrored[i] = item[i / TINT_SIDE * TINT_SIDE + TINT_SIDE - 1 -
                               i % TINT_SIDE];
        tint_embed(t, item, v);
        tint_embed(t, mirrored, w);
        CHECK_NEAR(dot(v, w), 1, 1e-5);
    }
    tint_free(t);
}

static void odd_inputs(void)
{
    static const float values[] = {0, 1, 0.5f, -3, 100, NAN, INFINITY,
                                   -INFINITY, 1e-30f};
    tint *t = new_tint();
    float v[TINT_DIM];
    for (size_t k = 0; t && k < sizeof values / sizeof *values; k++) {
        for (int i = 0; i < FLOATS; i++) item[i] = values[k];
        tint_embed(t, item, v);
        CHECK_NEAR(dot(v, v), 1, 1e-6);
        make_picture(3, item);
        for (int i = 0; i < FLOATS; i += 7) item[i] = values[k];
        tint_embed(t, item, v);
        CHECK_NEAR(dot(v, v), 1, 1e-6);
    }
    tint_free(t);
}

/* Frozen: changes only with the version. */
static void the_same_bits_everywhere(void)
{
    static const char golden[] = "a96711106fd32f71";
    tint *t = new_tint();
    hash_sha256 hash;
    char hex[HASH_HEX_BYTES];
    hash_init(&hash);
    for (uint32_t seed = 0; t && seed < CASES; seed++) {
        float v[TINT_DIM];
        make_picture(seed, item);
        tint_embed(t, item, v);
        for (int i = 0; i < TINT_DIM; i++) {
            uint32_t bits;
            memcpy(&bits, &v[i], sizeof bits);
            for (int b = 0; b < 32; b += 8)
                hash_put(&hash, &(unsigned char){bits >> b & 255}, 1);
        }
    }
    hash_finish_hex(&hash, hex);
    hex[16] = 0;
    CHECK_EQ_TEXT(hex, golden);
    tint_free(t);
}

static void memory_out_is_an_error(void)
{
    tint *t = NULL;
    akin_error e = {0};
    mem_fail_at(1);
    CHECK_STATUS(tint_new(&t, &e), AKIN_ENOMEM);
    mem_fail_at(0);
    CHECK(t == NULL && *e.text);
    tint_free(t);
}

/* The identity is a hash of what follows it in the constants. */
static void the_identity_is_of_the_constants(void)
{
    uint64_t h = 0xcbf29ce484222325u;
    char wanted[32];
    for (uint64_t i = 32; i < builtin_tint_data_bytes; i++)
        h = (h ^ builtin_tint_data[i]) * 0x100000001b3u;
    snprintf(wanted, sizeof wanted, "tint-2-%016llx", (unsigned long long)h);
    CHECK_EQ_TEXT(tint_identity(), wanted);
}

/* ---- real pictures ------------------------------------------------------- */

/* The first ASKED of each class are asked for, the others answer. */
enum { CLASSES = 10, PER_CLASS = 1000, ASKED = 100 };
enum { QUERIES = CLASSES * ASKED, ANSWERS = CLASSES * (PER_CLASS - ASKED) };

static const char *const classes[CLASSES] = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse",
    "ship", "truck"};

static bool embed_file(tint *t, const char *path, float *out)
{
    static const image_tensor_spec spec = {.std = {1, 1, 1}};
    akin_error e = {0};
    image im = {0}, resized = {0};
    akin_status status = image_load(path, NULL, &im, &e);
    if (status == AKIN_OK)
        status = resize_image(&im, TINT_SIDE, TINT_SIDE, RESIZE_BICUBIC,
                              &resized, &e);
    CHECK_OK(status, e);
    if (status == AKIN_OK) image_tensor_write(&resized, &spec, item);
    if (status == AKIN_OK) tint_embed(t, item, out);
    image_clear(&im);
    image_clear(&resized);
    return status == AKIN_OK;
}

/* The first PER_CLASS files by name; false if there are fewer. */
static bool embed_class(tint *t, const char *folder, float *out)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort), found = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        bool take = found < PER_CLASS && entries[i]->d_name[0] != '.';
        if (take && embed_file(t, path, out + (size_t)found * TINT_DIM))
            found++;
        free(entries[i]);
    }
    free(entries);
    return found == PER_CLASS;
}

typedef struct hit {
    float score;
    int class;
} hit;

static int by_score(const void *a, const void *b)
{
    const hit *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

typedef struct quality {
    double at_1, at_10, mean_average;
} quality;

static void add_query(const hit *hits, int class, quality *sum)
{
    int found = 0;
    double precisions = 0;
    for (int k = 0; k < ANSWERS; k++) {
        bool same = hits[k].class == class;
        found += same;
        if (same) precisions += (double)found / (k + 1);
        if (k == 0) sum->at_1 += same / (double)QUERIES;
        if (k < 10) sum->at_10 += same / (10.0 * QUERIES);
    }
    sum->mean_average += precisions / found / QUERIES;
}

/* vectors [CLASSES, PER_CLASS, TINT_DIM], hits [ANSWERS] */
static quality measure(const float *vectors, hit *hits)
{
    quality sum = {0};
    for (int q = 0; q < QUERIES; q++) {
        int class = q / ASKED, n = 0;
        const float *a = vectors + (class * PER_CLASS + q % ASKED) * TINT_DIM;
        for (int i = 0; i < CLASSES * PER_CLASS; i++) {
            const float *b = vectors + i * TINT_DIM;
            float lanes[8] = {0}, score = 0;
            if (i % PER_CLASS < ASKED) continue;
            for (int d = 0; d < TINT_DIM; d++) lanes[d % 8] += a[d] * b[d];
            for (int d = 0; d < 8; d++) score += lanes[d];
            hits[n++] = (hit){score, i / PER_CLASS};
        }
        qsort(hits, ANSWERS, sizeof *hits, by_score);
        add_query(hits, class, &sum);
    }
    return sum;
}

/* CIFAR-10's test pictures; chance is 0.1 for each. */
static void pictures_of_a_kind_are_found(void)
{
    if (!test_real_data("cifar10/test")) {
        test_skip("cifar10/test is not there");
        return;
    }
    tint *t = new_tint();
    float *vectors = mem_array(CLASSES * PER_CLASS, TINT_DIM * sizeof *vectors);
    hit *hits = mem_array(ANSWERS, sizeof *hits);
    bool whole = t && vectors && hits;
    for (int c = 0; whole && c < CLASSES; c++) {
        char name[64];
        snprintf(name, sizeof name, "cifar10/test/%s", classes[c]);
        const char *folder = test_real_data(name);
        whole = folder && embed_class(t, folder, vectors + (size_t)c *
                                                 PER_CLASS * TINT_DIM);
    }
    CHECK(whole);
    if (whole) {
        quality q = measure(vectors, hits);
        printf("    P@1 %.3f, P@10 %.3f, mAP %.3f\n", q.at_1, q.at_10,
               q.mean_average);
        CHECK(q.at_1 > 0.56);
        CHECK(q.at_10 > 0.48);
        CHECK(q.mean_average > 0.21);
    }
    mem_free(hits);
    mem_free(vectors);
    tint_free(t);
}

const test_case test_builtin_tint_cases[] = {
    {"builtin_tint/vectors_equal_the_reference", vectors_equal_the_reference},
    {"builtin_tint/lengths_are_one", lengths_are_one},
    {"builtin_tint/gain_hardly_matters", gain_hardly_matters},
    {"builtin_tint/mirror_images_are_the_same", mirror_images_are_the_same},
    {"builtin_tint/odd_inputs", odd_inputs},
    {"builtin_tint/the_same_bits_everywhere", the_same_bits_everywhere},
    {"builtin_tint/the_identity_is_of_the_constants",
     the_identity_is_of_the_constants},
    {"builtin_tint/memory_out_is_an_error", memory_out_is_an_error},
    {"builtin_tint/pictures_of_a_kind_are_found",
     pictures_of_a_kind_are_found},
    {NULL, NULL},
};
