/* SPDX-License-Identifier: MIT
 * Pictures and frames to files. */
#include "engine/export_picture.h"

#include "base/file.h"
#include "base/memory.h"
#include "media/image_write.h"
#include "media/video.h"

#define EXPORT_JPEG_QUALITY 92

bool export_picture_is_frame(const char *path)
{
    return video_is_video_name(path);
}

/* Frames are asked for by time: the second of those that are start_s apart
 * begins there. */
akin_status export_picture_frame(const char *path, double start_s, video **out,
                                 const image **frame, akin_error *err)
{
    video_options opt = {.every_s = start_s};
    const image *im = NULL;
    double time_s = 0;
    AKIN_TRY(video_open(path, &opt, out, err));
    video *v = *out;
    akin_status status = video_next(v, &time_s, &im, err);
    if (status == AKIN_OK && im && start_s > 0 && time_s < start_s)
        status = video_next(v, &time_s, &im, err);
    if (status == AKIN_OK && !im)
        status = AKIN_FAIL(err, AKIN_ENOTFOUND,
                           "'%s' has no picture at %.3f s", path, start_s);
    *frame = im;
    return status;
}

static akin_status export_frame(const char *path, double start_s,
                                const char *out_path, akin_error *err)
{
    video *v = NULL;
    const image *im = NULL;
    akin_status status = export_picture_frame(path, start_s, &v, &im, err);
    if (status == AKIN_OK)
        status = image_write_jpeg(im, out_path, EXPORT_JPEG_QUALITY, err);
    video_close(v);
    return status;
}

static akin_status export_copy(const char *path, const char *out_path,
                               akin_error *err)
{
    char *data = NULL;
    size_t n;
    file_writer *w = NULL;
    AKIN_TRY(file_read(path, IMAGE_MAX_BYTES, &data, &n, err));
    akin_status status = file_writer_open(out_path, &w, err);
    if (status == AKIN_OK) {
        status = file_writer_put(w, data, n, err);
        if (status == AKIN_OK)
            status = file_writer_commit(w, err);
        else
            file_writer_discard(w);
    }
    mem_free(data);
    return status;
}

akin_status export_picture_write(const char *path, media_span span,
                                 const char *out_path, akin_error *err)
{
    if (export_picture_is_frame(path))
        return export_frame(path, span.start_s, out_path, err);
    return export_copy(path, out_path, err);
}
