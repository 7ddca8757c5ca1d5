/* SPDX-License-Identifier: MIT
 * Cutting a piece out of a sound file into a 16-bit WAV. */
#include "media/clip_file.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "media/decode.h"
#include "media/wav.h"

#define CLIP_BLOCK ((size_t)1 << 16)  /* frames read at a time */
#define CLIP_KEPT ((int64_t)1 << 22)  /* frames kept while counting: 8 MiB */

/* The WAV header needs the number of frames, which is known when the piece was
 * decoded. What fits is kept from that pass; a longer piece is read again. */
typedef struct clip {
    decoder *source;
    file_writer *out;
    float *mono;   /* [CLIP_BLOCK] */
    int16_t *kept; /* the first n_kept frames */
    size_t kept_cap;
    int64_t start, end; /* frames of the file */
    int64_t n_frames, n_kept;
} clip;

static akin_status clip_read(clip *c, int64_t at, size_t *n, akin_error *err)
{
    int64_t left = c->end - at;
    size_t max = left < (int64_t)CLIP_BLOCK ? (size_t)left : CLIP_BLOCK;
    return decoder_read(c->source, c->mono, max, n, err);
}

static akin_status clip_keep(clip *c, size_t n, akin_error *err)
{
    void *kept = c->kept;
    akin_status status = mem_grow(&kept, &c->kept_cap,
                                  (size_t)c->n_kept + n, sizeof *c->kept,
                                  CLIP_KEPT, err);
    c->kept = kept;
    if (status != AKIN_OK) return status;
    wav_from_float(c->mono, n, c->kept + c->n_kept);
    c->n_kept += (int64_t)n;
    return AKIN_OK;
}

/* First pass: how many frames there are; keeps the first ones. */
static akin_status clip_count(clip *c, akin_error *err)
{
    AKIN_TRY(decoder_seek(c->source, c->start, err));
    for (size_t n = 1; n > 0 && c->start + c->n_frames < c->end;) {
        AKIN_TRY(clip_read(c, c->start + c->n_frames, &n, err));
        bool fits = c->n_kept == c->n_frames &&
                    c->n_kept + (int64_t)n <= CLIP_KEPT;
        if (fits) AKIN_TRY(clip_keep(c, n, err));
        c->n_frames += (int64_t)n;
    }
    return AKIN_OK;
}

static akin_status clip_write_rest(clip *c, akin_error *err)
{
    int16_t pcm[1024];
    if (c->n_kept < c->n_frames)
        AKIN_TRY(decoder_seek(c->source, c->start + c->n_kept, err));
    for (int64_t done = c->n_kept; done < c->n_frames;) {
        size_t n = 0;
        AKIN_TRY(clip_read(c, c->start + done, &n, err));
        if (n == 0)
            return AKIN_FAIL(err, AKIN_EIO, "the file changed while it was "
                                            "read");
        for (size_t i = 0, m; i < n; i += m) {
            m = n - i < 1024 ? n - i : 1024;
            wav_from_float(c->mono + i, m, pcm);
            AKIN_TRY(file_writer_put(c->out, pcm, m * sizeof *pcm, err));
        }
        done += (int64_t)n;
    }
    return AKIN_OK;
}

static akin_status clip_check(const char *path, media_span span,
                              const char *out_path, akin_error *err)
{
    if (!(span.start_s >= 0 && span.end_s > span.start_s &&
          span.end_s < INFINITY))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a piece from %g s to %g s cannot be cut; its end "
                         "must lie behind its start",
                         span.start_s, span.end_s);
    file_stamp a, b;
    if (file_stat(path, &a, NULL) == AKIN_OK &&
        file_stat(out_path, &b, NULL) == AKIN_OK && a.inode == b.inode &&
        a.size_bytes == b.size_bytes && a.mtime_ns == b.mtime_ns)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a piece of '%s' cannot be written over it; choose "
                         "another name",
                         path);
    return AKIN_OK;
}

/* The piece in frames of the file, and whether it can be there at all. */
static akin_status clip_place(clip *c, media_span span, akin_error *err)
{
    double rate = decoder_get_info(c->source)->rate_hz;
    double start = span.start_s * rate, end = span.end_s * rate;
    if (end >= 0x1p62) end = 0x1p62;
    if (start > end) start = end;
    c->start = llround(start);
    c->end = llround(end);
    AKIN_TRY(clip_count(c, err));
    if (c->n_frames == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "there is no sound from %g s to %g s; the file ends "
                         "before",
                         span.start_s, span.end_s);
    if (c->n_frames > (int64_t)WAV_MAX_FRAMES)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "a piece from %g s to %g s is larger than the 4 GiB "
                         "of a WAV file; cut it in two",
                         span.start_s, span.end_s);
    return AKIN_OK;
}

static akin_status clip_write(clip *c, const char *out_path, akin_error *err)
{
    unsigned char header[WAV_HEADER_BYTES];
    wav_put_header(header, decoder_get_info(c->source)->rate_hz,
                     (uint32_t)c->n_frames);
    AKIN_TRY(file_writer_open(out_path, &c->out, err));
    AKIN_TRY(file_writer_put(c->out, header, sizeof header, err));
    AKIN_TRY(file_writer_put(c->out, c->kept,
                             (size_t)c->n_kept * sizeof *c->kept, err));
    AKIN_TRY(clip_write_rest(c, err));
    file_writer *out = c->out;
    c->out = NULL;
    return file_writer_commit(out, err);
}

akin_status clip_file_write(const char *path, media_span span,
                            const char *out_path, akin_error *err)
{
    clip c = {0};
    void *mono = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRYG(clip_check(path, span, out_path, err));
    AKIN_TRYG(decoder_open(path, &c.source, err));
    AKIN_TRYG(mem_new_array(CLIP_BLOCK, sizeof *c.mono, "a clip", &mono, err));
    c.mono = mono;
    status = clip_place(&c, span, err);
    if (status == AKIN_ENOTFOUND || status == AKIN_ELIMIT)
        error_prefix(err, status, "'%s'", path);
    if (status != AKIN_OK) goto done;
    AKIN_TRYG(clip_write(&c, out_path, err));
done:
    file_writer_discard(c.out);
    decoder_close(c.source);
    mem_free(mono);
    mem_free(c.kept);
    return status;
}
