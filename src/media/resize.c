/* SPDX-License-Identifier: MIT
 * Resizing: the weights, the two passes, the geometry.
 *
 * Pillow's scheme: a filter as wide as the scale (so that downsizing averages),
 * horizontal first, 8 bits in between, weights in 22-bit fixed point. A pass
 * whose size does not change is left out there; its weights would be 1 and
 * change nothing here either. Only what the result shows is computed: of an
 * image whose sides are cut off, the middle. */
#include "media/resize.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "media/resize_int.h"

#define RESIZE_TALL 100 /* times as high as wide */

/* What is resized and how: the output's rectangle within the whole image
 * resized to width x height. */
typedef struct resize_job {
    const image *in;
    uint32_t width, height;
    uint32_t left, top, n_across, n_down;
    resize_filter filter;
} resize_job;

/* ---- The kernel ---------------------------------------------------------- */

static const resize_kernel *resize_forced;

const resize_kernel *resize_kernel_best(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) return &resize_kernel_avx2;
#endif
    return &resize_kernel_scalar;
}

void resize_kernel_use(const resize_kernel *kernel) { resize_forced = kernel; }

/* ---- Weights ------------------------------------------------------------- */

/* Keys: Cubic convolution interpolation, 1981, with a = -0.5. */
static double filter_bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static double filter_bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double filter_at(resize_filter filter, double x)
{
    return filter == RESIZE_BICUBIC ? filter_bicubic(x) : filter_bilinear(x);
}

static double filter_support(resize_filter filter)
{
    return filter == RESIZE_BICUBIC ? 2 : 1;
}

static void taps_clear(resize_taps *t)
{
    mem_free(t->first);
    mem_free(t->n_taps);
    mem_free(t->weights);
    mem_free(t->halves);
    *t = (resize_taps){0};
}

/* Room for n_out outputs of up to max_taps inputs. */
static akin_status taps_new(resize_taps *t, size_t n_out, size_t max_taps,
                            akin_error *err)
{
    size_t stride = (max_taps + 3) & ~(size_t)3, n = 0;
    if (!mem_mul(n_out, stride, &n) || !mem_mul(n, 2, &n))
        return AKIN_FAIL(err, AKIN_ELIMIT, "an image is too large to resize");
    *t = (resize_taps){.n_out = (uint32_t)n_out, .stride = (uint32_t)stride};
    t->first = mem_array(n_out, sizeof *t->first);
    t->n_taps = mem_array(n_out, sizeof *t->n_taps);
    t->weights = mem_array(n / 2, sizeof *t->weights);
    t->halves = mem_array(n, sizeof *t->halves);
    if (t->first && t->n_taps && t->weights && t->halves) return AKIN_OK;
    taps_clear(t);
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for resizing");
}

static int32_t taps_fixed(double weight)
{
    double scaled = weight * (1 << RESIZE_BITS);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

static void taps_split(resize_taps *t, size_t i)
{
    const int32_t *w = t->weights + i * t->stride;
    int16_t *h = t->halves + i * t->stride * 2;
    for (uint32_t k = 0; k < t->stride; k++) {
        size_t at = k / 4 * 8 + k % 4;
        h[at] = (int16_t)(w[k] & ((1 << RESIZE_HALF_BITS) - 1));
        h[at + 4] = (int16_t)(w[k] >> RESIZE_HALF_BITS);
    }
}

/* One direction: inputs [0, n_in) to outputs [from, from + t->n_out) of
 * n_whole. `row` is scratch for the weights of one output. */
static void taps_fill(resize_taps *t, size_t n_in, size_t n_whole, size_t from,
                      resize_filter filter, double *row)
{
    double scale = (double)n_in / (double)n_whole;
    double stretch = scale > 1 ? scale : 1;
    double support = filter_support(filter) * stretch, inverse = 1 / stretch;
    for (size_t i = 0; i < t->n_out; i++) {
        double center = ((double)(from + i) + 0.5) * scale, sum = 0;
        double low = center - support + 0.5, high = center + support + 0.5;
        uint32_t first = low > 0 ? (uint32_t)low : 0;
        uint32_t end = high < (double)n_in ? (uint32_t)high : (uint32_t)n_in;
        for (uint32_t k = 0; k < end - first; k++) {
            row[k] = filter_at(filter, (k + first - center + 0.5) * inverse);
            sum += row[k];
        }
        for (uint32_t k = 0; k < end - first; k++)
            t->weights[i * t->stride + k] =
                taps_fixed(sum != 0 ? row[k] / sum : row[k]);
        t->first[i] = first;
        t->n_taps[i] = end - first;
        taps_split(t, i);
    }
}

static akin_status taps_make(resize_taps *t, size_t n_in, size_t n_whole,
                             size_t from, size_t n_out, resize_filter filter,
                             akin_error *err)
{
    double scale = (double)n_in / (double)n_whole;
    double support = filter_support(filter) * (scale > 1 ? scale : 1);
    size_t max_taps = (size_t)ceil(support) * 2 + 1;
    if (max_taps > n_in) max_taps = n_in;
    void *row = NULL;
    AKIN_TRY(mem_new_array(max_taps, sizeof(double), "resizing", &row, err));
    akin_status status = taps_new(t, n_out, max_taps, err);
    if (status == AKIN_OK) taps_fill(t, n_in, n_whole, from, filter, row);
    mem_free(row);
    return status;
}

/* ---- The two passes ------------------------------------------------------ */

/* The horizontal pass over rows [from, from + n_rows) of in. A kernel may read
 * a little beyond its rows; the last ones are left to the plain one, which
 * does not. */
static void resize_across(const resize_taps *t, const image *in, size_t from,
                          size_t n_rows, uint8_t *out)
{
    const resize_kernel *kernel =
        resize_forced ? resize_forced : resize_kernel_best();
    size_t stride = (size_t)in->width * 3, out_stride = (size_t)t->n_out * 3;
    size_t end = (size_t)in->height * stride, done = 0;
    while (done < n_rows) {
        size_t n = n_rows - done < RESIZE_ROWS ? n_rows - done : RESIZE_ROWS;
        bool inside = (from + done + n) * stride + RESIZE_PADDING * 3 <= end;
        resize_rows rows = {in->rgb + (from + done) * stride, stride,
                            out + done * out_stride, out_stride, n};
        (inside ? kernel : &resize_kernel_scalar)->across(t, &rows);
        done += n;
    }
}

static void resize_down(const resize_taps *t, const uint8_t *rows,
                        uint32_t first_row, image *out)
{
    const resize_kernel *kernel =
        resize_forced ? resize_forced : resize_kernel_best();
    size_t stride = (size_t)out->width * 3;
    for (size_t i = 0; i < t->n_out; i++)
        kernel->down(t, i, rows + (t->first[i] - first_row) * stride, stride,
                     out->rgb + i * stride, stride);
}

/* Writes into the rectangle of job; out has its size. */
static akin_status resize_run(const resize_job *job, image *out,
                              akin_error *err)
{
    akin_status status = AKIN_OK;
    resize_taps across = {0}, down = {0};
    void *rows = NULL;
    AKIN_TRYG(taps_make(&across, job->in->width, job->width, job->left,
                        job->n_across, job->filter, err));
    AKIN_TRYG(taps_make(&down, job->in->height, job->height, job->top,
                        job->n_down, job->filter, err));
    uint32_t first = down.first[0], last = down.n_out - 1;
    size_t n_rows = down.first[last] + down.n_taps[last] - first;
    AKIN_TRYG(mem_new_array(n_rows, (size_t)job->n_across * 3, "resizing",
                            &rows, err));
    resize_across(&across, job->in, first, n_rows, rows);
    resize_down(&down, rows, first, out);
done:
    mem_free(rows);
    taps_clear(&across);
    taps_clear(&down);
    return status;
}

/* Pillow (to version 12; 13 has another rule) takes the vertical pass first for
 * very tall pictures that get lower, as two resizings. */
static bool resize_is_down_first(const resize_job *job)
{
    return job->in->height > (uint64_t)job->in->width * RESIZE_TALL &&
           job->height < job->in->height;
}

static akin_status resize_down_first(const resize_job *job, image *out,
                                     akin_error *err)
{
    image lower = {0};
    resize_job first = *job, second = *job;
    first.width = first.n_across = job->in->width;
    first.left = 0;
    AKIN_TRY(image_new(&lower, first.n_across, first.n_down, err));
    akin_status status = resize_run(&first, &lower, err);
    second.in = &lower;
    second.height = second.n_down;
    second.top = 0;
    if (status == AKIN_OK) status = resize_run(&second, out, err);
    image_clear(&lower);
    return status;
}

/* ---- Nearest ------------------------------------------------------------- */

/* The input that is under the middle of each output [from, from + n) of
 * n_whole. Pillow adds step to step; so do we, for the same roundings. */
static void nearest_places(uint32_t n_in, uint32_t n_whole, uint32_t from,
                           uint32_t n, uint32_t *out)
{
    double step = (double)n_in / n_whole, at = step * 0.5;
    for (uint32_t i = 0; i < from; i++) at += step;
    for (uint32_t i = 0; i < n; i++, at += step)
        out[i] = at < n_in ? (uint32_t)at : n_in - 1;
}

static akin_status resize_nearest(const resize_job *job, image *out,
                                  akin_error *err)
{
    void *places = NULL;
    AKIN_TRY(mem_new_array((size_t)job->n_across + job->n_down,
                           sizeof(uint32_t), "resizing", &places, err));
    uint32_t *across = places, *down = across + job->n_across;
    nearest_places(job->in->width, job->width, job->left, job->n_across,
                   across);
    nearest_places(job->in->height, job->height, job->top, job->n_down, down);
    uint8_t *to = out->rgb;
    for (uint32_t y = 0; y < job->n_down; y++) {
        const uint8_t *row = job->in->rgb +
                             (size_t)down[y] * job->in->width * 3;
        for (uint32_t x = 0; x < job->n_across; x++, to += 3)
            memcpy(to, row + (size_t)across[x] * 3, 3);
    }
    mem_free(places);
    return AKIN_OK;
}

static akin_status resize_new(const resize_job *job, image *out,
                              akin_error *err)
{
    akin_status status;
    AKIN_TRY(image_new(out, job->n_across, job->n_down, err));
    if (job->filter == RESIZE_NEAREST)
        status = resize_nearest(job, out, err);
    else if (resize_is_down_first(job))
        status = resize_down_first(job, out, err);
    else
        status = resize_run(job, out, err);
    if (status != AKIN_OK) image_clear(out);
    return status;
}

akin_status resize_image(const image *in, uint32_t width, uint32_t height,
                         resize_filter filter, image *out, akin_error *err)
{
    resize_job job = {in, width, height, 0, 0, width, height, filter};
    return resize_new(&job, out, err);
}

/* ---- Geometry ------------------------------------------------------------ */

/* Half the difference, halves to even, as Python's round gives it. */
static int64_t plan_center(int64_t whole, int64_t part)
{
    return (int64_t)rint((double)(whole - part) / 2);
}

/* Width and height of the whole image resized; 2^20 times a side may be. */
typedef struct plan_size {
    uint64_t width, height;
} plan_size;

/* Both sides at least as large as the target; a side, or a square target,
 * truncates where another rounds, as torchvision's and open_clip's own
 * transforms do. */
static plan_size plan_shortest(uint32_t width, uint32_t height,
                               const resize_spec *spec)
{
    uint64_t shorter = width < height ? width : height, side = spec->side;
    if (!side && spec->width == spec->height) side = spec->width;
    if (side)
        return (plan_size){side * width / shorter, side * height / shorter};
    double ratio_x = (double)width / spec->width;
    double ratio_y = (double)height / spec->height;
    double ratio = ratio_x < ratio_y ? ratio_x : ratio_y;
    return (plan_size){(uint64_t)rint(width / ratio),
                       (uint64_t)rint(height / ratio)};
}

/* Both sides at most as large as the target. */
static plan_size plan_longest(uint32_t width, uint32_t height,
                              const resize_spec *spec)
{
    double ratio_x = (double)width / (spec->side ? spec->side : spec->width);
    double ratio_y = (double)height / (spec->side ? spec->side : spec->height);
    double ratio = ratio_x > ratio_y ? ratio_x : ratio_y;
    plan_size size = {(uint64_t)rint(width / ratio),
                      (uint64_t)rint(height / ratio)};
    if (size.width < 1) size.width = 1;
    if (size.height < 1) size.height = 1;
    return size;
}

static plan_size plan_squash(const resize_spec *spec)
{
    if (spec->side) return (plan_size){spec->side, spec->side};
    return (plan_size){spec->width, spec->height};
}

/* Where a part begins in what is whole in one direction; a negative offset is a
 * margin, whose odd pixel goes to the end as Pillow's pad puts it. */
static int64_t plan_offset(uint32_t whole, uint32_t part)
{
    if (whole < part) return -(int64_t)((part - whole) / 2);
    return plan_center(whole, part);
}

static akin_status plan_check(uint32_t width, uint32_t height,
                              const resize_spec *spec, akin_error *err)
{
    if (!spec->width || !spec->height || spec->width > RESIZE_MAX_SIDE ||
        spec->height > RESIZE_MAX_SIDE || spec->side > RESIZE_MAX_SIDE)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "images cannot be resized to %u x %u; sides are 1 to "
                         "%d pixels",
                         spec->width, spec->height, RESIZE_MAX_SIDE);
    if (spec->side && spec->mode != RESIZE_LONGEST &&
        (spec->side < spec->width || spec->side < spec->height))
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "%u x %u pixels cannot be cut out of images resized "
                         "to %u",
                         spec->width, spec->height, spec->side);
    if (!width || !height || width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "an image of %u x %u pixels cannot be resized", width,
                         height);
    return AKIN_OK;
}

akin_status resize_plan(uint32_t width, uint32_t height,
                        const resize_spec *spec, resize_layout *out,
                        akin_error *err)
{
    AKIN_TRY(plan_check(width, height, spec, err));
    plan_size size = plan_squash(spec);
    if (spec->mode == RESIZE_SHORTEST)
        size = plan_shortest(width, height, spec);
    if (spec->mode == RESIZE_LONGEST) size = plan_longest(width, height, spec);
    if (size.width > UINT32_MAX || size.height > UINT32_MAX)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "an image of %u x %u pixels is too long to resize",
                         width, height);
    *out = (resize_layout){.width = (uint32_t)size.width,
                           .height = (uint32_t)size.height};
    out->left = plan_offset(out->width, spec->width);
    out->top = plan_offset(out->height, spec->height);
    return AKIN_OK;
}

static void resize_fill(image *im, const uint8_t color[3])
{
    size_t n = (size_t)im->width * im->height;
    for (size_t i = 0; i < n; i++) memcpy(im->rgb + 3 * i, color, 3);
}

static void resize_paste(const image *in, size_t left, size_t top, image *out)
{
    for (size_t y = 0; y < in->height; y++)
        memcpy(out->rgb + ((top + y) * out->width + left) * 3,
               in->rgb + y * in->width * 3, (size_t)in->width * 3);
}

/* The resized image, or what is to be seen of it, on a filled one. */
static akin_status resize_framed(const resize_job *job, const resize_spec *spec,
                                 const resize_layout *at, image *out,
                                 akin_error *err)
{
    image inner = {0};
    AKIN_TRY(resize_new(job, &inner, err));
    akin_status status = image_new(out, spec->width, spec->height, err);
    if (status == AKIN_OK) {
        resize_fill(out, spec->fill);
        resize_paste(&inner, at->left < 0 ? (size_t)-at->left : 0,
                     at->top < 0 ? (size_t)-at->top : 0, out);
    }
    image_clear(&inner);
    return status;
}

static uint32_t resize_shown(uint32_t whole, uint32_t part)
{
    return whole < part ? whole : part;
}

akin_status resize_to_spec(const image *in, const resize_spec *spec, image *out,
                           akin_error *err)
{
    resize_layout at = {0};
    AKIN_TRY(resize_plan(in->width, in->height, spec, &at, err));
    resize_job job = {
        .in = in,
        .width = at.width,
        .height = at.height,
        .left = at.left > 0 ? (uint32_t)at.left : 0,
        .top = at.top > 0 ? (uint32_t)at.top : 0,
        .n_across = resize_shown(at.width, spec->width),
        .n_down = resize_shown(at.height, spec->height),
        .filter = spec->filter,
    };
    if (job.n_across < spec->width || job.n_down < spec->height)
        return resize_framed(&job, spec, &at, out, err);
    return resize_new(&job, out, err);
}
