/* SPDX-License-Identifier: MIT
 * The built-in image model `tint`; tools/fit_tint.py is its specification.
 *
 * Patches of the picture and of the picture at half its size are filtered by
 * centres of a k-means (Coates, Ng and Lee 2011); what exceeds a threshold is
 * averaged over parts of the picture, and projected to what tells pictures
 * apart. Each filter has a mirror image, whose answers count in the mirrored
 * part: so a picture and its mirror image have the same embedding but for
 * rounding.
 *
 * The bits are the same on every machine: the filters are sums of whole
 * numbers, whose order does not matter; the rest is + - * / and square roots,
 * in a fixed order and never fused (the build has -ffp-contract=off). */
#include "model/builtin_tint.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

enum {
    VERSION = 2,
    HALF = TINT_SIDE / 2,
    PATCH = 6, /* a side */
    ROW = PATCH * 3,
    VALUES = PATCH * ROW,
    LANES = 112, /* VALUES, and zeros for whole vector registers */
    PAIRS = 128,
    FILTERS = 2 * PAIRS,
    WHOLE_STEP = 2, /* between patches; 1 in the half-sized picture */
    WHOLE_CELLS = 3,
    HALF_CELLS = 2,
    FEATURES = PAIRS * (WHOLE_CELLS * WHOLE_CELLS + HALF_CELLS * HALF_CELLS)
};

/* XXX: a patch of one grey answers nothing, so empty pictures of any lightness
 * are the same; measures of lightness beside the filters would tell them
 * apart. */
static const float threshold = 1;
static const float contrast_floor = 10; /* of a patch's variance */

/* ---- the constants ---- */

extern const unsigned char builtin_tint_data[];
extern const uint64_t builtin_tint_data_bytes;

/* The head of tint.bin. */
typedef struct tint_header {
    char magic[8];
    char identity[24];
    uint32_t version, side, patch, pairs, features, dim, bytes, reserved;
} tint_header;

struct tint {
    int16_t filters[FILTERS][LANES]; /* the second half mirrors the first */
    int32_t filter_sum[FILTERS];
    float filter_scale[FILTERS];
    float scale[TINT_DIM], bias[TINT_DIM];
    const int8_t *projection; /* [FEATURES][TINT_DIM] */

    uint8_t whole[TINT_SIDE * TINT_SIDE * 3], half[HALF * HALF * 3];
    int16_t patch[LANES];
    int32_t products[FILTERS];
    float features[FEATURES];
};

static bool tint_header_fits(const tint_header *h)
{
    return memcmp(h->magic, "AKTINT\0", 8) == 0 && h->version == VERSION &&
           h->side == TINT_SIDE && h->patch == PATCH && h->pairs == PAIRS &&
           h->features == FEATURES && h->dim == TINT_DIM &&
           h->bytes == builtin_tint_data_bytes;
}

static void tint_set_filter(tint *t, int k, const int8_t *filter)
{
    for (int i = 0; i < VALUES; i++) {
        int pixel = i % ROW / 3;
        int mirrored = i + 3 * (PATCH - 1 - 2 * pixel);
        t->filters[k][i] = filter[i];
        t->filters[k + PAIRS][mirrored] = filter[i];
        t->filter_sum[k] += filter[i];
        t->filter_sum[k + PAIRS] += filter[i];
    }
}

static const unsigned char *tint_take(void *to, const unsigned char *from,
                                      size_t n)
{
    memcpy(to, from, n);
    return from + n;
}

static bool tint_load(tint *t)
{
    tint_header h;
    const size_t scales = PAIRS * sizeof *t->filter_scale;
    const unsigned char *at = tint_take(&h, builtin_tint_data, sizeof h);
    if (!tint_header_fits(&h)) return false;
    at = tint_take(t->filter_scale, at, scales);
    memcpy(t->filter_scale + PAIRS, t->filter_scale, scales);
    at = tint_take(t->scale, at, sizeof t->scale);
    at = tint_take(t->bias, at, sizeof t->bias);
    for (int k = 0; k < PAIRS; k++, at += VALUES)
        tint_set_filter(t, k, (const int8_t *)at);
    t->projection = (const int8_t *)at;
    return at + sizeof(int8_t[FEATURES][TINT_DIM]) ==
           builtin_tint_data + builtin_tint_data_bytes;
}

const char *tint_identity(void)
{
    return (const char *)builtin_tint_data + offsetof(tint_header, identity);
}

akin_status tint_new(tint **out, akin_error *err)
{
    tint *t = mem_array(1, sizeof *t);
    *out = NULL;
    if (!t)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for model 'tint'");
    if (!tint_load(t)) {
        tint_free(t);
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "the constants of the built-in model 'tint' don't fit "
                         "this version of akin");
    }
    *out = t;
    return AKIN_OK;
}

void tint_free(tint *t) { mem_free(t); }

/* ---- the pictures ---- */

/* Not a number is 0. */
static float tint_clamp(float x) { return x > 0 ? x < 1 ? x : 1 : 0; }

static void tint_take_pixels(tint *t, const float *item)
{
    const int n = TINT_SIDE * TINT_SIDE;
    for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
            t->whole[3 * i + c] =
                (uint8_t)(tint_clamp(item[c * n + i]) * 255 + 0.5f);
}

/* Means of four, rounded. */
static void tint_halve(tint *t)
{
    const int row = 3 * TINT_SIDE;
    for (int y = 0; y < HALF; y++)
        for (int i = 0; i < 3 * HALF; i++) {
            const uint8_t *p = t->whole + 2 * y * row + i / 3 * 6 + i % 3;
            t->half[y * 3 * HALF + i] =
                (uint8_t)((p[0] + p[3] + p[row] + p[row + 3] + 2) >> 2);
        }
}

/* ---- the filters ---- */

/* Copies the patch at `from`, and gives its sum and the inverse of VALUES
 * times its deviation. */
static float tint_take_patch(tint *t, const uint8_t *from, int row,
                             int32_t *total)
{
    int32_t sum = 0, squares = 0;
    for (int y = 0; y < PATCH; y++)
        for (int i = 0; i < ROW; i++) {
            int v = from[y * row + i];
            t->patch[y * ROW + i] = (int16_t)v;
            sum += v;
            squares += v * v;
        }
    *total = sum;
    float variance = (float)(VALUES * squares - sum * sum);
    return 1 / sqrtf(variance + contrast_floor * VALUES * VALUES);
}

/* The hot loop, of 256 x 108 products a patch; in 16 bits, as every processor
 * multiplies and adds pairs of these at once. */
static void tint_multiply(tint *t)
{
    for (int k = 0; k < FILTERS; k++) {
        int32_t sum = 0;
        for (int i = 0; i < LANES; i++) sum += t->filters[k][i] * t->patch[i];
        t->products[k] = sum;
    }
}

/* Adds what exceeds the threshold, from filter `first` on. A filter's own sum
 * is taken off as often as the patch's mean is in it. */
static void tint_add_answers(const tint *t, int first, int32_t total,
                             float inverse, float *cell)
{
    for (int k = 0; k < PAIRS; k++) {
        int32_t product =
            VALUES * t->products[first + k] - total * t->filter_sum[first + k];
        float x = (float)product * inverse * t->filter_scale[first + k];
        x -= threshold;
        cell[k] += x > 0 ? x : 0;
    }
}

typedef struct plane {
    const uint8_t *pixels;
    int side, step, cells;
    int places; /* a side, that patches are taken from */
} plane;

static int tint_cell(const plane *p, int place)
{
    return place * p->cells / p->places;
}

/* How many places a cell has across or down. */
static int tint_cell_size(const plane *p, int cell)
{
    int n = 0;
    for (int i = 0; i < p->places; i++) n += tint_cell(p, i) == cell;
    return n;
}

/* Sums to square roots of means: each cell has answers of both of a pair. */
static void tint_finish_cells(const plane *p, float *out)
{
    for (int row = 0; row < p->cells; row++)
        for (int column = 0; column < p->cells; column++)
            for (int k = 0; k < PAIRS; k++, out++) {
                int n = tint_cell_size(p, row) * tint_cell_size(p, column);
                *out = sqrtf(*out / (float)(2 * n));
            }
}

/* [cells, cells, PAIRS] of one plane; returns the place after them. */
static float *tint_filter(tint *t, plane p, float *out)
{
    const int n = p.cells * p.cells * PAIRS, row = 3 * p.side;
    p.places = (p.side - PATCH) / p.step + 1;
    memset(out, 0, (size_t)n * sizeof *out);
    for (int y = 0; y < p.places; y++)
        for (int x = 0; x < p.places; x++) {
            float *cells = out + tint_cell(&p, y) * p.cells * PAIRS;
            int left = tint_cell(&p, x),
                right = tint_cell(&p, p.places - 1 - x);
            int32_t total;
            float inverse = tint_take_patch(
                t, p.pixels + (y * row + 3 * x) * p.step, row, &total);
            tint_multiply(t);
            tint_add_answers(t, 0, total, inverse, cells + left * PAIRS);
            tint_add_answers(t, PAIRS, total, inverse, cells + right * PAIRS);
        }
    tint_finish_cells(&p, out);
    return out + n;
}

/* ---- the embedding ---- */

static void tint_project(const tint *t, float *out)
{
    memset(out, 0, TINT_DIM * sizeof *out);
    for (int i = 0; i < FEATURES; i++)
        for (int d = 0; d < TINT_DIM; d++)
            out[d] += t->features[i] * (float)t->projection[i * TINT_DIM + d];
    float sum = 0;
    for (int d = 0; d < TINT_DIM; d++) {
        out[d] = out[d] * t->scale[d] - t->bias[d];
        sum += out[d] * out[d];
    }
    float length = sqrtf(sum);
    for (int d = 0; d < TINT_DIM; d++) out[d] /= length;
}

void tint_embed(tint *t, const float *item, float out[TINT_DIM])
{
    const plane whole = {.pixels = t->whole,
                         .side = TINT_SIDE,
                         .step = WHOLE_STEP,
                         .cells = WHOLE_CELLS};
    const plane half = {
        .pixels = t->half, .side = HALF, .step = 1, .cells = HALF_CELLS};
    tint_take_pixels(t, item);
    tint_halve(t);
    tint_filter(t, half, tint_filter(t, whole, t->features));
    tint_project(t, out);
}
