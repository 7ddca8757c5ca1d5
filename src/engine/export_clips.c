/* SPDX-License-Identifier: MIT
 * The sounds of a result set as WAV files, or its pictures, and a manifest. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/export_picture.h"
#include "engine/results.h"
#include "media/clip_file.h"

#define EXPORT_MANIFEST_MAX ((size_t)1 << 30)

static const char export_header[] =
    "file,score,recording,start,end,window_id,deployment,project,datetime,"
    "problem\n";

/* {score:.5f}_{name}_{start}_{end}.wav, as BirdNET-Analyzer names them; from
 * the second equal name on with the rank in front of the extension. */
static char *export_name(const akin_results *r, size_t i, bool is_image,
                         bool unique)
{
    const akin_hit *hit = &r->hits[i];
    char start[32], end[32], score[32] = "", rank[32] = "";
    const char *dot = strrchr(file_name(hit->recording), '.');
    text_from_double(hit->start_s, start);
    text_from_double(hit->end_s, end);
    if (!r->unscored)
        snprintf(score, sizeof score, "%.5f_", (double)hit->score);
    if (!unique) snprintf(rank, sizeof rank, "_%zu", hit->rank);
    char *stem = file_stem(hit->recording);
    if (!stem) return NULL;
    char *name;
    if (!is_image)
        name = text_format("%s%s_%s_%s%s.wav", score, stem,
                           start, end, rank);
    else if (export_picture_is_frame(hit->recording))
        name = text_format("%s%s_%s%s.jpg", score, stem, start,
                           rank);
    else
        name = text_format("%s%s%s%s", score, stem, rank,
                           dot ? dot : "");
    mem_free(stem);
    return name;
}

static bool export_is_image(const akin_results *r, size_t i)
{
    return r->dbs[r->hits[i].db]->settings.image;
}

static void export_row(text_buf *csv, const akin_hit *hit, bool scored,
                       const char *name, const char *problem)
{
    char number[32];
    const char *const texts[] = {hit->deployment, hit->project, hit->datetime,
                                 problem};
    text_buf_put_csv(csv, name);
    text_buf_puts(csv, ",");
    if (scored) text_buf_printf(csv, "%.9g", (double)hit->score);
    text_buf_puts(csv, ",");
    text_buf_put_csv(csv, hit->recording);
    text_from_double(hit->start_s, number);
    text_buf_printf(csv, ",%s", number);
    text_from_double(hit->end_s, number);
    text_buf_printf(csv, ",%s,%lld", number, (long long)hit->window_id);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        text_buf_puts(csv, ",");
        text_buf_put_csv(csv, texts[i] ? texts[i] : "");
    }
    text_buf_puts(csv, "\n");
}

/* Two hits may come from files of one name in different folders. */
static bool export_is_taken(char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_equal(names[i], name)) return true;
    return false;
}

/* One hit's file, and its row in the manifest. */
static akin_status export_clip(const akin_results *r, size_t i, const char *dir,
                               const char *name, text_buf *csv,
                               akin_export_report *report, akin_error *err)
{
    const akin_hit *hit = &r->hits[i];
    akin_error why = {0};
    char *path = file_join(dir, name);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    media_span span = {hit->start_s, hit->end_s};
    akin_status status =
        export_is_image(r, i)
            ? export_picture_write(hit->path, span, path, &why)
            : clip_file_write(hit->path, span, path, &why);
    mem_free(path);
    if (status == AKIN_ENOMEM || status == AKIN_EIO)
        if (!file_is_dir(dir)) return AKIN_FAIL(err, status, "%s", why.text);
    report->n_written += status == AKIN_OK;
    report->n_failed += status != AKIN_OK;
    export_row(csv, hit, !r->unscored, status == AKIN_OK ? name : "",
               status == AKIN_OK ? "" : why.text);
    return AKIN_OK;
}

static akin_status export_manifest(const char *dir, const text_buf *csv,
                                   akin_error *err)
{
    file_writer *w = NULL;
    char *path = file_join(dir, "manifest.csv");
    if (!path || csv->status != AKIN_OK) {
        mem_free(path);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the manifest");
    }
    akin_status status = file_writer_open(path, &w, err);
    mem_free(path);
    AKIN_TRY(status);
    status = file_writer_put(w, csv->data, csv->n, err);
    if (status == AKIN_OK) return file_writer_commit(w, err);
    file_writer_discard(w);
    return status;
}

akin_status akin_export_clips(const akin_results *r, const char *dir,
                              akin_export_report *report, akin_error *err)
{
    akin_export_report unused;
    akin_status status = AKIN_OK;
    text_buf csv;
    void *array = NULL;
    if (!report) report = &unused;
    *report = (akin_export_report){0};
    text_buf_init(&csv, EXPORT_MANIFEST_MAX);
    text_buf_puts(&csv, export_header);
    AKIN_TRYG(file_make_dirs(dir, err));
    AKIN_TRYG(mem_new_array(r->n, sizeof(char *), "names", &array, err));
    char **names = array;
    for (size_t i = 0; i < r->n && status == AKIN_OK; i++) {
        bool is_image = export_is_image(r, i);
        names[i] = export_name(r, i, is_image, true);
        if (names[i] && export_is_taken(names, i, names[i])) {
            mem_free(names[i]);
            names[i] = export_name(r, i, is_image, false);
        }
        status = names[i] ? export_clip(r, i, dir, names[i], &csv, report, err)
                          : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < r->n; i++) mem_free(names[i]);
    if (status == AKIN_OK) status = export_manifest(dir, &csv, err);
done:
    mem_free(array);
    text_buf_clear(&csv);
    return status;
}

akin_status akin_export_windows(akin_db *db, const int64_t *ids, size_t n,
                                const char *dir, akin_export_report *report,
                                akin_error *err)
{
    akin_results *r = NULL;
    akin_list_options opt = {.ids = ids, .n_ids = n};
    size_t i = 0;
    if (n == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "there are no windows to export");
    AKIN_TRY(akin_list_windows(db, &opt, &r, NULL, err));
    while (i < r->n && r->hits[i].window_id == ids[i]) i++;
    akin_status status = AKIN_OK;
    if (i < n)
        status = AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no window %lld in '%s'",
                           (long long)ids[i], db->path);
    r->unscored = true;
    if (status == AKIN_OK) status = akin_export_clips(r, dir, report, err);
    akin_results_free(r);
    return status;
}
