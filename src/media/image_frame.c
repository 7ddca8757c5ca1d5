/* SPDX-License-Identifier: MIT
 * FFmpeg's decoded frames to RGB, row by row, for any layout of 8 to 16 bits.
 *
 * Not by swscale: its shortcuts differ from libwebp's and libjpeg's pixels by
 * up to 50 levels, mostly for want of chroma interpolation. Here chroma of half
 * the size is interpolated with weights 3/4 and 1/4, as both do. More than
 * 8 bits lose the lowest ones, fewer are scaled with truncation: so does
 * Pillow. */
#include <libavutil/pixdesc.h>
#include <string.h>

#include "base/memory.h"
#include "media/image_int.h"

/* The scratch rows of one frame. Components are R, G, B, A or Y, U, V, A. */
typedef struct frame_job {
    const AVFrame *frame;
    const AVPixFmtDescriptor *desc;
    size_t width;
    uint8_t *line[4];
    uint8_t *near_row, *far_row;
    uint16_t *wide, *blend;
    bool has_alpha, is_yuv, full_range;
    int32_t to_rgb[5]; /* of 2^16: Y, V to R, U to G, V to G, U to B */
} frame_job;

#define FRAME_SCRATCH_ROWS 10

void frame_reader_clear(frame_reader *r)
{
    mem_free(r->rows);
    *r = (frame_reader){0};
}

/* ---- One component ------------------------------------------------------- */

static void component_bytes(const frame_job *job, int c, size_t y, size_t n,
                            uint8_t *out)
{
    const AVComponentDescriptor *comp = &job->desc->comp[c];
    const uint8_t *in = job->frame->data[comp->plane] +
                        (ptrdiff_t)y * job->frame->linesize[comp->plane] +
                        comp->offset;
    size_t step = (size_t)comp->step;
    for (size_t x = 0; x < n; x++) out[x] = in[x * step];
}

static void component_other(const frame_job *job, int c, size_t y, size_t n,
                            uint8_t *out)
{
    int depth = job->desc->comp[c].depth, max = (1 << depth) - 1;
    uint8_t flip = job->frame->format == AV_PIX_FMT_MONOWHITE ? 255 : 0;
    const uint8_t *data[4];
    for (int i = 0; i < 4; i++) data[i] = job->frame->data[i];
    av_read_image_line2(job->wide, data, job->frame->linesize, job->desc, 0,
                        (int)y, c, (int)n, 0, sizeof *job->wide);
    for (size_t x = 0; x < n; x++) {
        int v = job->wide[x];
        v = depth > 8 ? v >> (depth - 8) : v * 255 / max;
        out[x] = (uint8_t)v ^ flip;
    }
}

/* n values of component c in row y of its plane, as 8 bits. */
static void component_row(const frame_job *job, int c, size_t y, size_t n,
                          uint8_t *out)
{
    const AVComponentDescriptor *comp = &job->desc->comp[c];
    bool bytes = comp->depth == 8 && comp->shift == 0 &&
                 !(job->desc->flags & AV_PIX_FMT_FLAG_BITSTREAM);
    if (bytes)
        component_bytes(job, c, y, n, out);
    else
        component_other(job, c, y, n, out);
}

/* ---- Chroma to full size ------------------------------------------------- */

/* Four times the value between the two rows that are nearest to row y. */
static void chroma_blend_rows(const frame_job *job, int c, size_t y, size_t n)
{
    int shift = job->desc->log2_chroma_h;
    size_t last = (((size_t)job->frame->height + (1u << shift) - 1) >> shift);
    size_t near = y >> shift, far = near;
    last -= 1;
    if (shift == 1 && (y & 1)) far = near < last ? near + 1 : last;
    if (shift == 1 && !(y & 1)) far = near ? near - 1 : 0;
    component_row(job, c, near, n, job->near_row);
    const uint8_t *b = job->near_row;
    if (far != near) {
        component_row(job, c, far, n, job->far_row);
        b = job->far_row;
    }
    for (size_t x = 0; x < n; x++)
        job->blend[x] = (uint16_t)(3 * job->near_row[x] + b[x]);
}

/* Columns of twice the number; chroma lies between two columns or, in most
 * films, on the left one. */
static void chroma_spread(const frame_job *job, size_t n, uint8_t *out)
{
    const uint16_t *v = job->blend;
    enum AVChromaLocation at = job->frame->chroma_location;
    bool left = at == AVCHROMA_LOC_LEFT || at == AVCHROMA_LOC_TOPLEFT ||
                at == AVCHROMA_LOC_BOTTOMLEFT;
    int even_own = left ? 4 : 3, odd_own = left ? 2 : 3;
    for (size_t x = 0; x < job->width; x++) {
        size_t i = x >> 1, other = x & 1 ? i + 1 : i ? i - 1 : 0;
        int own = x & 1 ? odd_own : even_own;
        if (other >= n) other = n - 1;
        out[x] = (uint8_t)((own * v[i] + (4 - own) * v[other] + 8) >> 4);
    }
}

static void chroma_row(const frame_job *job, int c, size_t y, uint8_t *out)
{
    int shift = job->desc->log2_chroma_w;
    size_t n = (job->width + (1u << shift) - 1) >> shift;
    chroma_blend_rows(job, c, y, n);
    if (shift == 1) {
        chroma_spread(job, n, out);
        return;
    }
    for (size_t x = 0; x < job->width; x++)
        out[x] = (uint8_t)((job->blend[x >> shift] + 2) >> 2);
}

/* ---- Brightness and colour to RGB ---------------------------------------- */

static uint8_t yuv_clip(int32_t v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* libwebp's integers (BT.601, limited range); products keep 6 bits. */
static void yuv_webp(const frame_job *job)
{
    for (size_t x = 0; x < job->width; x++) {
        int32_t y = job->line[0][x] * 19077 >> 8;
        int32_t u = job->line[1][x], v = job->line[2][x];
        int32_t r = y + (v * 26149 >> 8) - 14234;
        int32_t g = y - (u * 6419 >> 8) - (v * 13320 >> 8) + 8708;
        int32_t b = y + (u * 33050 >> 8) - 17685;
        job->line[0][x] = yuv_clip(r >> 6);
        job->line[1][x] = yuv_clip(g >> 6);
        job->line[2][x] = yuv_clip(b >> 6);
    }
}

static void yuv_matrix(const frame_job *job)
{
    const int32_t *m = job->to_rgb;
    int32_t black = job->full_range ? 0 : 16;
    for (size_t x = 0; x < job->width; x++) {
        int32_t y = (job->line[0][x] - black) * m[0] + (1 << 15);
        int32_t u = job->line[1][x] - 128, v = job->line[2][x] - 128;
        job->line[0][x] = yuv_clip((y + v * m[1]) >> 16);
        job->line[1][x] = yuv_clip((y - u * m[2] - v * m[3]) >> 16);
        job->line[2][x] = yuv_clip((y + u * m[4]) >> 16);
    }
}

/* Weights of red and blue in the brightness. Where nothing is stated, large
 * pictures are taken for BT.709, as players do. */
static void yuv_weights(const AVFrame *f, double *red, double *blue)
{
    bool large = f->width >= 1280 || f->height > 576;
    enum AVColorSpace space = f->colorspace;
    if (space == AVCOL_SPC_UNSPECIFIED)
        space = large ? AVCOL_SPC_BT709 : AVCOL_SPC_BT470BG;
    *red = 0.299;
    *blue = 0.114;
    if (space == AVCOL_SPC_BT709) {
        *red = 0.2126;
        *blue = 0.0722;
    } else if (space == AVCOL_SPC_BT2020_NCL || space == AVCOL_SPC_BT2020_CL) {
        *red = 0.2627;
        *blue = 0.0593;
    } else if (space == AVCOL_SPC_SMPTE240M) {
        *red = 0.212;
        *blue = 0.087;
    }
}

static bool yuv_is_full_range(const AVFrame *f)
{
    return f->color_range == AVCOL_RANGE_JPEG ||
           f->format == AV_PIX_FMT_YUVJ420P ||
           f->format == AV_PIX_FMT_YUVJ422P ||
           f->format == AV_PIX_FMT_YUVJ444P ||
           f->format == AV_PIX_FMT_YUVJ440P || f->format == AV_PIX_FMT_YUVJ411P;
}

static void yuv_prepare(frame_job *job)
{
    double red = 0, blue = 0;
    yuv_weights(job->frame, &red, &blue);
    job->full_range = yuv_is_full_range(job->frame);
    double green = 1 - red - blue;
    double chroma = 65536.0 * (job->full_range ? 1 : 255.0 / 224);
    double luma = 65536.0 * (job->full_range ? 1 : 255.0 / 219);
    job->to_rgb[0] = (int32_t)(luma + 0.5);
    job->to_rgb[1] = (int32_t)(2 * (1 - red) * chroma + 0.5);
    job->to_rgb[2] = (int32_t)(2 * (1 - blue) * blue / green * chroma + 0.5);
    job->to_rgb[3] = (int32_t)(2 * (1 - red) * red / green * chroma + 0.5);
    job->to_rgb[4] = (int32_t)(2 * (1 - blue) * chroma + 0.5);
}

/* ---- Rows ---------------------------------------------------------------- */

static void row_from_palette(const frame_job *job, size_t y)
{
    const uint8_t *in = job->frame->data[0] +
                        (ptrdiff_t)y * job->frame->linesize[0];
    for (size_t x = 0; x < job->width; x++) {
        uint32_t argb = 0;
        memcpy(&argb, job->frame->data[1] + 4 * in[x], 4);
        job->line[0][x] = (uint8_t)(argb >> 16);
        job->line[1][x] = (uint8_t)(argb >> 8);
        job->line[2][x] = (uint8_t)argb;
        job->line[3][x] = (uint8_t)(argb >> 24);
    }
}

static void row_from_components(const frame_reader *r, const frame_job *job,
                                size_t y)
{
    int n = job->desc->nb_components - (job->has_alpha ? 1 : 0);
    component_row(job, 0, y, job->width, job->line[0]);
    for (int c = 1; c < 3; c++) {
        if (n < 3)
            memcpy(job->line[c], job->line[0], job->width);
        else if (job->is_yuv)
            chroma_row(job, c, y, job->line[c]);
        else
            component_row(job, c, y, job->width, job->line[c]);
    }
    if (job->has_alpha) component_row(job, n, y, job->width, job->line[3]);
    if (!job->is_yuv) return;
    if (r->yuv == FRAME_YUV_WEBP)
        yuv_webp(job);
    else
        yuv_matrix(job);
}

static void row_put(const frame_reader *r, const frame_job *job, uint8_t *rgb)
{
    bool white = r->on_white && job->has_alpha;
    for (size_t x = 0; x < job->width; x++) {
        for (size_t c = 0; c < 3; c++) {
            unsigned v = job->line[c][x], alpha = job->line[3][x];
            if (white) v = (v * alpha + 255 * (255 - alpha) + 127) / 255;
            rgb[3 * x + c] = (uint8_t)v;
        }
    }
}

static bool frame_is_picture(const AVPixFmtDescriptor *desc)
{
    const uint64_t bad = AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_FLOAT |
                         AV_PIX_FMT_FLAG_BAYER;
    if (!desc || (desc->flags & bad) || strncmp(desc->name, "xyz", 3) == 0)
        return false;
    for (int c = 0; c < desc->nb_components; c++)
        if (desc->comp[c].depth > 16) return false;
    return desc->nb_components >= 1;
}

static akin_status frame_prepare(frame_reader *r, const AVFrame *f,
                                 frame_job *job, akin_error *err)
{
    void *rows = r->rows;
    size_t width = (size_t)f->width;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(f->format);
    if (!frame_is_picture(desc))
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "its pixels are of a kind that is not known (%s)",
                         desc ? desc->name : "none");
    akin_status status = mem_grow(&rows, &r->cap, width * FRAME_SCRATCH_ROWS, 1,
                                  IMAGE_MAX_PIXELS * FRAME_SCRATCH_ROWS, err);
    r->rows = rows;
    AKIN_TRY(status);
    *job = (frame_job){.frame = f, .desc = desc, .width = width};
    job->wide = (uint16_t *)rows;
    job->blend = job->wide + width;
    uint8_t *bytes = (uint8_t *)(job->blend + width);
    for (int c = 0; c < 4; c++) job->line[c] = bytes + (size_t)c * width;
    job->near_row = bytes + 4 * width;
    job->far_row = bytes + 5 * width;
    job->has_alpha = desc->flags & AV_PIX_FMT_FLAG_ALPHA;
    job->is_yuv = !(desc->flags & AV_PIX_FMT_FLAG_RGB) &&
                  desc->nb_components >= 3;
    if (job->is_yuv) yuv_prepare(job);
    return AKIN_OK;
}

akin_status frame_reader_read(frame_reader *r, const AVFrame *frame,
                              uint8_t *rgb, akin_error *err)
{
    frame_job job = {0};
    AKIN_TRY(frame_prepare(r, frame, &job, err));
    bool palette = job.desc->flags & AV_PIX_FMT_FLAG_PAL;
    for (size_t y = 0; y < (size_t)frame->height; y++) {
        uint8_t *out = rgb + y * job.width * 3;
        if (frame->format == AV_PIX_FMT_RGB24) {
            const uint8_t *in = frame->data[0];
            memcpy(out, in + (ptrdiff_t)y * frame->linesize[0], job.width * 3);
            continue;
        }
        if (palette)
            row_from_palette(&job, y);
        else
            row_from_components(r, &job, y);
        row_put(r, &job, out);
    }
    return AKIN_OK;
}
