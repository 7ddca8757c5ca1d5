/* SPDX-License-Identifier: MIT
 * What check_images.py drives: reads lines "decode FLAGS PATH", "resize W H
 * FILTER PATH", "spec W H MODE FILTER PATH", "mel NAME PATH" (float32 samples)
 * and "video EVERY FLAGS PATH", and answers each with a line "ok WIDTH HEIGHT"
 * and the bytes, or "error TEXT". FLAGS: - none, u upright, w on white. MODE:
 * shortest, squash or longest, and ":SIDE" if the spec has one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "media/image.h"
#include "media/log_mel.h"
#include "media/resize.h"
#include "media/video.h"

#define MAX_LINE 8192

static void answer_error(const akin_error *e) { printf("error %s\n", e->text); }

static void answer_image(const image *im)
{
    printf("ok %u %u\n", im->width, im->height);
    fwrite(im->rgb, 3, (size_t)im->width * im->height, stdout);
}

static image_options options_of(const char *flags)
{
    return (image_options){.upright = strchr(flags, 'u') != NULL,
                           .on_white = strchr(flags, 'w') != NULL};
}

static void run_decode(const char *flags, const char *path)
{
    akin_error e = {0};
    image im = {0};
    image_options options = options_of(flags);
    if (image_load(path, &options, &im, &e) == AKIN_OK)
        answer_image(&im);
    else
        answer_error(&e);
    image_clear(&im);
}

static resize_filter filter_of(const char *name)
{
    if (strcmp(name, "nearest") == 0) return RESIZE_NEAREST;
    return strcmp(name, "bilinear") == 0 ? RESIZE_BILINEAR : RESIZE_BICUBIC;
}

static void run_resize(unsigned width, unsigned height, const char *mode,
                       const char *filter, const char *path)
{
    akin_error e = {0};
    image im = {0}, out = {0};
    resize_spec spec = {.width = width, .height = height,
                        .filter = filter_of(filter)};
    const char *side = strchr(mode, ':');
    if (side) spec.side = (uint32_t)strtoul(side + 1, NULL, 10);
    if (strncmp(mode, "squash", 6) == 0) spec.mode = RESIZE_SQUASH;
    if (strncmp(mode, "longest", 7) == 0) spec.mode = RESIZE_LONGEST;
    akin_status status = image_load(path, NULL, &im, &e);
    if (status == AKIN_OK && strcmp(mode, "whole") == 0)
        status = resize_image(&im, width, height, spec.filter, &out, &e);
    else if (status == AKIN_OK)
        status = resize_to_spec(&im, &spec, &out, &e);
    if (status == AKIN_OK)
        answer_image(&out);
    else
        answer_error(&e);
    image_clear(&im);
    image_clear(&out);
}

static void run_mel(const char *name, const char *path)
{
    akin_error e = {0};
    char *data = NULL;
    size_t n = 0;
    log_mel *m = NULL;
    float *patch = NULL;
    const log_mel_spec *spec =
        strcmp(name, "yamnet") == 0 ? &log_mel_yamnet : &log_mel_vggish;
    if (file_read(path, 1 << 28, &data, &n, &e) != AKIN_OK ||
        log_mel_new(spec, &m, &e) != AKIN_OK) {
        answer_error(&e);
    } else {
        patch = mem_array(log_mel_patch_size(m), sizeof *patch);
        if (!patch) abort();
        log_mel_write(m, (const float *)(const void *)data, n / sizeof(float),
                      patch);
        printf("ok %u %u\n", spec->n_mels, spec->n_frames);
        fwrite(patch, sizeof *patch, log_mel_patch_size(m), stdout);
    }
    log_mel_free(m);
    mem_free(patch);
    mem_free(data);
}

/* Each frame as "frame TIME WIDTH HEIGHT" and its bytes, then "ok 0 0". */
static void run_video(double every_s, const char *flags, const char *path)
{
    akin_error e = {0};
    video *v = NULL;
    const image *im = NULL;
    double time_s = 0;
    video_options options = {.every_s = every_s,
                             .upright = strchr(flags, 'u') != NULL};
    akin_status status = video_open(path, &options, &v, &e);
    while (status == AKIN_OK) {
        status = video_next(v, &time_s, &im, &e);
        if (status != AKIN_OK || !im) break;
        printf("frame %.6f %u %u\n", time_s, im->width, im->height);
        fwrite(im->rgb, 3, (size_t)im->width * im->height, stdout);
    }
    if (status == AKIN_OK)
        printf("ok 0 0\n");
    else
        answer_error(&e);
    video_close(v);
}

static bool run_line(const char *line)
{
    char a[32], b[32], path[MAX_LINE];
    unsigned width = 0, height = 0;
    double every_s = 0;
    if (sscanf(line, "decode %31s %8191[^\n]", a, path) == 2)
        run_decode(a, path);
    else if (sscanf(line, "resize %u %u %31s %8191[^\n]", &width, &height, a,
                    path) == 4)
        run_resize(width, height, "whole", a, path);
    else if (sscanf(line, "spec %u %u %31s %31s %8191[^\n]", &width, &height, a,
                    b, path) == 5)
        run_resize(width, height, a, b, path);
    else if (sscanf(line, "mel %31s %8191[^\n]", a, path) == 2)
        run_mel(a, path);
    else if (sscanf(line, "video %lf %31s %8191[^\n]", &every_s, a, path) == 3)
        run_video(every_s, a, path);
    else
        return false;
    return true;
}

int main(void)
{
    static char line[MAX_LINE];
    while (fgets(line, sizeof line, stdin)) {
        if (!run_line(line)) {
            fprintf(stderr, "image_tool: not understood: %s", line);
            return 2;
        }
        fflush(stdout);
    }
    return 0;
}
