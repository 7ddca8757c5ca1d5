/* SPDX-License-Identifier: MIT
 * The built-in image model `tint`.
 *
 * Four parts, each made to length 1 and weighted, so that the dot product of
 * two vectors is the weighted mean of how alike the parts are:
 *   edges   gradient orientations in 4 x 4 overlapping cells (histograms of
 *           oriented gradients, Dalal and Triggs 2005), square roots, less
 *           their mean;
 *   layout  low frequencies of brightness, and
 *   tones   of two opponent colours (MPEG-7's colour layout, by floats);
 *   colours a soft histogram of opponent colours and brightness, square roots
 *           (Hellinger's distance).
 * The picture is scaled to a mean brightness of 0.5 first, against exposure.
 *
 * The bits are the same on every machine: only + - * / and square roots, in a
 * fixed order and never fused (the build has -ffp-contract=off). */
#include "model/builtin_tint.h"

#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

enum {
    PIXELS = TINT_SIDE * TINT_SIDE,
    CELLS = 4,        /* a side */
    ORIENTATIONS = 8, /* over half a turn */
    EDGES = CELLS * CELLS * ORIENTATIONS,
    GRID = 8, /* means that layout and tones are made of */
    BLOCK = TINT_SIDE / GRID,
    LAYOUT_BANDS = 6,
    LAYOUT = LAYOUT_BANDS * (LAYOUT_BANDS + 1) / 2 - 1,
    TONE_BANDS = 4,
    TONES = 2 * TONE_BANDS * (TONE_BANDS + 1) / 2,
    HUES = 5,   /* steps of each opponent colour */
    LEVELS = 3, /* of brightness */
    COLORS = HUES * HUES * LEVELS,
    VERSION = 1
};

_Static_assert(EDGES + LAYOUT + TONES + COLORS == TINT_DIM, "parts");

/* ---- the constants ---- */

/* Shares of the parts in the dot product, the red, green and blue of
 * brightness, and the rest in the order of use. The shares were chosen by
 * retrieval on CIFAR-10's training pictures. */
static const struct tint_constants {
    float edges, layout, tones, colors;
    float luma[3];
    float mean, darkest; /* brightness is scaled to; but not from below */
    float hue_floor;     /* added to the divisor of opponent colours */
    float hue_range;     /* the outer steps stand for this and beyond */
    float level_range;
    float direction[ORIENTATIONS + 1][2]; /* cosine, sine; the last is -first */
    float sine;                           /* of the angle between two */
    float cosine[2 * GRID];               /* of k pi / 16 */
} tint_k = {
    .edges = 0.55f, .layout = 0.10f, .tones = 0.12f, .colors = 0.23f,
    .luma = {0.299f, 0.587f, 0.114f},
    .mean = 0.5f,
    .darkest = 0.02f,
    .hue_floor = 0.2f,
    .hue_range = 0.2f,
    .level_range = 1.0f,
    .direction = {{1, 0}, {0.9238795f, 0.3826834f}, {0.7071068f, 0.7071068f},
                  {0.3826834f, 0.9238795f}, {0, 1}, {-0.3826834f, 0.9238795f},
                  {-0.7071068f, 0.7071068f}, {-0.9238795f, 0.3826834f},
                  {-1, 0}},
    .sine = 0.3826834f,
    .cosine = {1, 0.9807853f, 0.9238795f, 0.8314696f, 0.7071068f, 0.5555702f,
               0.3826834f, 0.1950903f, 0, -0.1950903f, -0.3826834f, -0.5555702f,
               -0.7071068f, -0.8314696f, -0.9238795f, -0.9807853f},
};

struct tint {
    float luma[TINT_SIDE][TINT_SIDE]; /* brightness, scaled */
    float grid[3][GRID][GRID];        /* means: brightness, opponents */
};

static char tint_text[32];

static void tint_make_identity(void)
{
    const unsigned char version = VERSION;
    hash_sha256 hash;
    char hex[HASH_HEX_BYTES];
    float values[sizeof tint_k / sizeof(float)];
    memcpy(values, &tint_k, sizeof values);
    hash_init(&hash);
    hash_put(&hash, &version, 1);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        unsigned char le[4] = {bits & 255, bits >> 8 & 255, bits >> 16 & 255,
                               bits >> 24};
        hash_put(&hash, le, sizeof le);
    }
    hash_finish_hex(&hash, hex);
    snprintf(tint_text, sizeof tint_text, "tint-%d-%.16s", VERSION, hex);
}

const char *tint_identity(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, tint_make_identity);
    return tint_text;
}

akin_status tint_new(tint **out, akin_error *err)
{
    *out = mem_array(1, sizeof **out);
    return *out ? AKIN_OK
                : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for model 'tint'");
}

void tint_free(tint *t) { mem_free(t); }

/* ---- the parts ---- */

/* Not a number is 0. */
static float tint_clamp(float x) { return x > 0 ? x < 1 ? x : 1 : 0; }

/* Where x lies among `n` steps over [low, high]: *at and, of *at + 1, the
 * returned part. */
static float tint_place(float x, float low, float high, int n, int *at)
{
    float t = (x - low) / (high - low);
    t = (t > 0 ? t < 1 ? t : 1 : 0) * (float)(n - 1);
    *at = (int)t < n - 1 ? (int)t : n - 2;
    return t - (float)*at;
}

/* Makes a part's length the square root of its share. */
static void tint_scale(float *part, int n, float share)
{
    float sum = 0;
    for (int i = 0; i < n; i++) sum += part[i] * part[i];
    if (!(sum > 1e-20f)) {
        for (int i = 0; i < n; i++) part[i] = 0;
        return;
    }
    float factor = sqrtf(share / sum);
    for (int i = 0; i < n; i++) part[i] *= factor;
}

/* Brightness without its gain; returns the gain. */
static float tint_take_luma(tint *t, const float *item)
{
    float sum = 0, *luma = &t->luma[0][0];
    for (int i = 0; i < PIXELS; i++) {
        luma[i] = tint_k.luma[0] * tint_clamp(item[i]) +
                  tint_k.luma[1] * tint_clamp(item[PIXELS + i]) +
                  tint_k.luma[2] * tint_clamp(item[2 * PIXELS + i]);
        sum += luma[i];
    }
    float mean = sum / PIXELS;
    float gain = tint_k.mean / (mean > tint_k.darkest ? mean : tint_k.darkest);
    for (int i = 0; i < PIXELS; i++) luma[i] *= gain;
    return gain;
}

/* Splits the gradient between the two directions beside it: a parallelogram,
 * so neither an angle nor its length is needed. */
static void tint_add_gradient(float dx, float dy, const float weight[4],
                              float *const cell[4])
{
    if (dy < 0 || (dy == 0 && dx < 0)) dx = -dx, dy = -dy;
    int k = 0;
    const float(*d)[2] = tint_k.direction;
    while (k < ORIENTATIONS - 1 && d[k + 1][0] * dy - d[k + 1][1] * dx >= 0)
        k++;
    int next = (k + 1) % ORIENTATIONS;
    float here = (dx * d[k + 1][1] - dy * d[k + 1][0]) / tint_k.sine;
    float there = (d[k][0] * dy - d[k][1] * dx) / tint_k.sine;
    for (int c = 0; c < 4; c++) {
        cell[c][k] += weight[c] * here;
        cell[c][next] += weight[c] * there;
    }
}

/* The two cells about a row or column, and the second one's part; beyond the
 * outer cells' middles they are alone. */
static float tint_cell(int pixel, int *cell)
{
    float middle = ((float)pixel + 0.5f) * CELLS / TINT_SIDE;
    return tint_place(middle, 0.5f, CELLS - 0.5f, CELLS, cell);
}

static void tint_make_edges(const tint *t, float *out)
{
    memset(out, 0, EDGES * sizeof *out);
    for (int y = 0; y < TINT_SIDE; y++) {
        int row, column, up = y ? y - 1 : 0;
        int down = y + 1 < TINT_SIDE ? y + 1 : y;
        float low = tint_cell(y, &row);
        for (int x = 0; x < TINT_SIDE; x++) {
            int left = x ? x - 1 : 0, right = x + 1 < TINT_SIDE ? x + 1 : x;
            float far = tint_cell(x, &column);
            float *first = out + (row * CELLS + column) * ORIENTATIONS;
            float *below = first + CELLS * ORIENTATIONS;
            const float weight[4] = {(1 - low) * (1 - far), (1 - low) * far,
                                     low * (1 - far), low * far};
            tint_add_gradient(t->luma[y][right] - t->luma[y][left],
                              t->luma[down][x] - t->luma[up][x], weight,
                              (float *const[4]){first, first + ORIENTATIONS,
                                                below, below + ORIENTATIONS});
        }
    }
    float sum = 0;
    for (int i = 0; i < EDGES; i++) {
        out[i] = sqrtf(out[i] > 0 ? out[i] : 0);
        sum += out[i];
    }
    for (int i = 0; i < EDGES; i++) out[i] -= sum / EDGES;
}

/* The colours of the pixels into the histogram and the grid. */
static void tint_make_colors(tint *t, const float *item, float gain, float *out)
{
    memset(out, 0, COLORS * sizeof *out);
    memset(t->grid, 0, sizeof t->grid);
    for (int i = 0; i < PIXELS; i++) {
        int y = i / TINT_SIDE, x = i % TINT_SIDE, a, b, l;
        float red = gain * tint_clamp(item[i]);
        float green = gain * tint_clamp(item[PIXELS + i]);
        float blue = gain * tint_clamp(item[2 * PIXELS + i]);
        float divisor = red + green + blue + tint_k.hue_floor;
        float first = red - green, second = 0.5f * (red + green) - blue;
        t->grid[0][y / BLOCK][x / BLOCK] += t->luma[y][x];
        t->grid[1][y / BLOCK][x / BLOCK] += first;
        t->grid[2][y / BLOCK][x / BLOCK] += second;
        float range = tint_k.hue_range;
        float ta = tint_place(first / divisor, -range, range, HUES, &a);
        float tb = tint_place(second / divisor, -range, range, HUES, &b);
        float tl = tint_place(t->luma[y][x], 0, tint_k.level_range, LEVELS, &l);
        for (int corner = 0; corner < 8; corner++) {
            int da = corner & 1, db = corner >> 1 & 1, dl = corner >> 2;
            out[((a + da) * HUES + b + db) * LEVELS + l + dl] +=
                (da ? ta : 1 - ta) * (db ? tb : 1 - tb) * (dl ? tl : 1 - tl);
        }
    }
    for (int i = 0; i < COLORS; i++) out[i] = sqrtf(out[i]);
}

/* One frequency of the cosine transform of the grid; higher ones are raised,
 * as they are rarer. */
static float tint_wave(float grid[GRID][GRID], int down, int across)
{
    float sum = 0;
    for (int y = 0; y < GRID; y++)
        for (int x = 0; x < GRID; x++) {
            int a = (2 * y + 1) * down % (4 * GRID);
            int b = (2 * x + 1) * across % (4 * GRID);
            float ca = tint_k.cosine[a < 2 * GRID ? a : a - 2 * GRID];
            float cb = tint_k.cosine[b < 2 * GRID ? b : b - 2 * GRID];
            sum += grid[y][x] * (a < 2 * GRID ? ca : -ca) *
                   (b < 2 * GRID ? cb : -cb);
        }
    return sum * sqrtf((float)(1 + down + across));
}

/* The frequencies below `bands`, from `first` on (0 with the mean, 1 without);
 * returns how many. */
static int tint_waves(float grid[GRID][GRID], int bands, int first, float *out)
{
    int n = 0;
    for (int sum = first; sum < bands; sum++)
        for (int down = 0; down <= sum; down++)
            out[n++] = tint_wave(grid, down, sum - down);
    return n;
}

void tint_embed(tint *t, const float *item, float out[TINT_DIM])
{
    float *edges = out, *layout = edges + EDGES, *tones = layout + LAYOUT;
    float *colors = tones + TONES;
    float gain = tint_take_luma(t, item);
    tint_make_edges(t, edges);
    tint_make_colors(t, item, gain, colors);
    tint_waves(t->grid[0], LAYOUT_BANDS, 1, layout);
    int n = tint_waves(t->grid[1], TONE_BANDS, 0, tones);
    tint_waves(t->grid[2], TONE_BANDS, 0, tones + n);
    tint_scale(edges, EDGES, tint_k.edges);
    tint_scale(layout, LAYOUT, tint_k.layout);
    tint_scale(tones, TONES, tint_k.tones);
    tint_scale(colors, COLORS, tint_k.colors);
    tint_scale(out, TINT_DIM, 1); /* a part may be empty */
}
