/* SPDX-License-Identifier: MIT
 * JPEG through libjpeg-turbo.
 *
 * Not through FFmpeg: Pillow and most others use libjpeg, whose inverse DCT and
 * chroma interpolation decide the low bits of every pixel; with the same
 * library the pixels are the same. */
#include <stddef.h> /* jpeglib.h wants size_t and FILE */
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <string.h>

#include "base/memory.h"
#include "media/image_int.h"

/* A progressive file may repeat its scans without end; real ones have ten. */
#define JPEG_MAX_SCANS 500

typedef struct jpeg_state {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    const image_source *file;
    image *out;
    uint8_t *row; /* CMYK rows before they become RGB */
    bool begun;   /* the header was read */
    bool ended;   /* the data ended before the picture did */
    akin_status status;
    char text[JMSG_LENGTH_MAX];
} jpeg_state;

static void jpeg_fail(j_common_ptr jpeg)
{
    jpeg_state *s = jpeg->client_data;
    s->status = AKIN_EDECODE;
    if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY) s->status = AKIN_ENOMEM;
    if (!s->text[0]) jpeg->err->format_message(jpeg, s->text);
    longjmp(s->failed, 1);
}

/* Warnings are passed over, as everyone does, but for missing data. */
static void jpeg_note(j_common_ptr jpeg, int level)
{
    jpeg_state *s = jpeg->client_data;
    if (level >= 0) return;
    jpeg->err->num_warnings++;
    if (!s->ended) return;
    snprintf(s->text, sizeof s->text, "the data ends too early");
    jpeg_fail(jpeg);
}

static void jpeg_print(j_common_ptr jpeg) { (void)jpeg; }

static void jpeg_source_begin(j_decompress_ptr jpeg) { (void)jpeg; }

static void jpeg_source_end(j_decompress_ptr jpeg) { (void)jpeg; }

/* All bytes were there from the start. Behind them an end mark is made up,
 * which is all that may be missing; with several scans nothing would tell. */
static boolean jpeg_source_more(j_decompress_ptr jpeg)
{
    static const JOCTET end[] = {0xff, JPEG_EOI};
    jpeg_state *s = jpeg->client_data;
    if (s->ended || !s->begun || jpeg_has_multiple_scans(jpeg)) {
        snprintf(s->text, sizeof s->text, "the data ends too early");
        jpeg_fail((j_common_ptr)jpeg);
    }
    s->ended = true;
    jpeg->src->next_input_byte = end;
    jpeg->src->bytes_in_buffer = sizeof end;
    return TRUE;
}

static void jpeg_source_skip(j_decompress_ptr jpeg, long n)
{
    size_t there = jpeg->src->bytes_in_buffer;
    size_t skipped = n < 0 ? 0 : (size_t)n < there ? (size_t)n : there;
    jpeg->src->next_input_byte += skipped;
    jpeg->src->bytes_in_buffer -= skipped;
}

static void jpeg_watch(j_common_ptr common)
{
    jpeg_state *s = common->client_data;
    if (!common->is_decompressor || s->jpeg.input_scan_number <= JPEG_MAX_SCANS)
        return;
    snprintf(s->text, sizeof s->text, "more than %d scans", JPEG_MAX_SCANS);
    jpeg_fail(common);
}

static void jpeg_start(jpeg_state *s)
{
    struct jpeg_decompress_struct *jpeg = &s->jpeg;
    jpeg_create_decompress(jpeg);
    s->source.init_source = jpeg_source_begin;
    s->source.fill_input_buffer = jpeg_source_more;
    s->source.skip_input_data = jpeg_source_skip;
    s->source.resync_to_restart = jpeg_resync_to_restart;
    s->source.term_source = jpeg_source_end;
    s->source.next_input_byte = s->file->data;
    s->source.bytes_in_buffer = s->file->n;
    s->progress.progress_monitor = jpeg_watch;
    jpeg->src = &s->source;
    jpeg->progress = &s->progress;
}

/* Four channels come as the inks of CMYK, inverted as Adobe's programs write
 * them; three and one as RGB. */
static void jpeg_choose_colors(jpeg_state *s)
{
    struct jpeg_decompress_struct *jpeg = &s->jpeg;
    if (jpeg->num_components == 2) {
        s->status = AKIN_EUNSUPPORTED;
        snprintf(s->text, sizeof s->text, "it has two channels");
        longjmp(s->failed, 1);
    }
    bool inks = jpeg->num_components == 4;
    jpeg->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    if (inks) s->row = mem_array(jpeg->image_width, 4);
    if (!inks || s->row) return;
    s->status = AKIN_ENOMEM;
    longjmp(s->failed, 1);
}

/* Inks inverted: 255 is none. R = K - (255 - C) * K / 255, rounded. */
static void jpeg_inks_to_rgb(const uint8_t *inks, size_t n, uint8_t *rgb)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t light = inks[4 * i + 3];
        for (size_t c = 0; c < 3; c++) {
            uint32_t t = (255u - inks[4 * i + c]) * light + 128;
            uint32_t taken = ((t >> 8) + t) >> 8;
            rgb[3 * i + c] = (uint8_t)(light > taken ? light - taken : 0);
        }
    }
}

static void jpeg_read_rows(jpeg_state *s)
{
    struct jpeg_decompress_struct *jpeg = &s->jpeg;
    size_t width = jpeg->output_width;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *rgb = s->out->rgb + width * 3 * jpeg->output_scanline;
        JSAMPROW row = s->row ? s->row : rgb;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (s->row) jpeg_inks_to_rgb(s->row, width, rgb);
    }
}

static akin_status jpeg_report(const jpeg_state *s, akin_error *err)
{
    const char *name = s->file->name;
    if (s->status == AKIN_ENOMEM)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", name);
    if (s->status == AKIN_EUNSUPPORTED)
        return AKIN_FAIL(err, s->status,
                         "'%s' is a JPEG that cannot be read (%s); convert it, "
                         "to png for example",
                         name, s->text);
    return image_fail_damaged(s->file, "JPEG", s->text, err);
}

/* Everything that may jump back to `failed`; no local is changed after it. */
static akin_status jpeg_run(jpeg_state *s, akin_error *err)
{
    if (setjmp(s->failed)) return jpeg_report(s, err);
    jpeg_start(s);
    jpeg_read_header(&s->jpeg, TRUE);
    s->begun = true;
    AKIN_TRY(image_check_size(s->file, s->jpeg.image_width,
                              s->jpeg.image_height, err));
    jpeg_choose_colors(s);
    jpeg_calc_output_dimensions(&s->jpeg);
    AKIN_TRY(image_new(s->out, s->jpeg.output_width, s->jpeg.output_height,
                       err));
    jpeg_read_rows(s);
    return AKIN_OK;
}

akin_status image_jpeg_decode(const image_source *file, image *out,
                              akin_error *err)
{
    jpeg_state *s = mem_array(1, sizeof *s);
    if (!s)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'",
                         file->name);
    s->file = file;
    s->out = out;
    s->jpeg.err = jpeg_std_error(&s->errors);
    s->jpeg.client_data = s;
    s->errors.error_exit = jpeg_fail;
    s->errors.emit_message = jpeg_note;
    s->errors.output_message = jpeg_print;
    akin_status status = jpeg_run(s, err);
    jpeg_destroy_decompress(&s->jpeg);
    mem_free(s->row);
    mem_free(s);
    if (status != AKIN_OK) image_clear(out);
    return status;
}
