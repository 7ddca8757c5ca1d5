/* SPDX-License-Identifier: MIT
 * /api/databases/{db}/export: windows that somebody marked, as files in a folder
 * of the server's or as a zip that is downloaded.
 *
 * A zip is made of a folder that lives as long as the answer: the files are
 * written first, so that what goes wrong is told before a download begins, and
 * read again as they are sent. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "server/api_database.h"
#include "server/places.h"
#include "server/zip.h"

#define PIECE ((size_t)256 * 1024)

/* ---- the download ------------------------------------------------------- */

typedef struct zip_file {
    uint32_t size, crc;
} zip_file;

typedef struct zip_stream {
    zip_writer zip;
    char *folder;     /* owned; removed with all that is in it */
    char **names;     /* of its files */
    zip_file *files;  /* [n] */
    size_t n, at;
    int fd;           /* of the file that is sent; -1: none */
    char piece[PIECE];
} zip_stream;

static void zip_stream_free(void *user)
{
    zip_stream *s = user;
    if (!s) return;
    if (s->fd >= 0) close(s->fd);
    if (s->folder && file_remove_tree(s->folder, NULL) != AKIN_OK)
        file_remove(s->folder);
    file_list_free(s->names, s->n);
    mem_free(s->files);
    mem_free(s->folder);
    zip_clear(&s->zip);
    mem_free(s);
}

static int open_file(const zip_stream *s, size_t i)
{
    char *path = file_join(s->folder, s->names[i]);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    mem_free(path);
    return fd;
}

static akin_status sum_file(zip_stream *s, size_t i, akin_error *err)
{
    uint64_t size = 0;
    ssize_t n;
    int fd = open_file(s, i);
    if (fd < 0)
        return AKIN_FAIL(err, AKIN_EIO, "'%s' cannot be read", s->names[i]);
    while ((n = read(fd, s->piece, PIECE)) > 0) {
        s->files[i].crc = zip_crc(s->files[i].crc, s->piece, (size_t)n);
        size += (uint64_t)n;
    }
    close(fd);
    if (n < 0)
        return AKIN_FAIL(err, AKIN_EIO, "'%s' cannot be read", s->names[i]);
    if (size > ZIP_MAX_BYTES)
        return AKIN_FAIL(err, AKIN_ELIMIT, "'%s' is too large for an archive",
                         s->names[i]);
    s->files[i].size = (uint32_t)size;
    return AKIN_OK;
}

/* Makes the whole archive without its files, to see that they fit. */
static akin_status rehearse(const zip_stream *s, akin_error *err)
{
    zip_writer z = {0};
    akin_status status = AKIN_OK;
    for (size_t i = 0; i < s->n && status == AKIN_OK; i++) {
        text_buf nothing;
        text_buf_init(&nothing, PIECE);
        status = zip_begin(&z, s->names[i], s->files[i].size, s->files[i].crc,
                           &nothing, err);
        z.offset += s->files[i].size;
        z.n_left = 0;
        text_buf_clear(&nothing);
    }
    zip_clear(&z);
    return status;
}

static bool send_next(zip_stream *s, text_buf *out)
{
    if (s->at == s->n) {
        zip_finish(&s->zip, out);
        return false;
    }
    s->fd = open_file(s, s->at);
    if (s->fd < 0 ||
        zip_begin(&s->zip, s->names[s->at], s->files[s->at].size,
                  s->files[s->at].crc, out, NULL) != AKIN_OK)
        out->status = AKIN_EIO; /* ends the connection: the client sees it */
    return true;
}

static bool zip_next(void *user, text_buf *out)
{
    zip_stream *s = user;
    if (s->fd < 0) return send_next(s, out);
    ssize_t n = read(s->fd, s->piece,
                     s->zip.n_left < PIECE ? s->zip.n_left : PIECE);
    if (n > 0) zip_put(&s->zip, s->piece, (size_t)n, out);
    if (n <= 0 && s->zip.n_left > 0) out->status = AKIN_EIO;
    if (s->zip.n_left > 0) return true;
    close(s->fd);
    s->fd = -1;
    s->at++;
    return s->at < s->n || send_next(s, out);
}

static akin_status stream_new(zip_stream **out, akin_error *err)
{
    zip_stream *s;
    AKIN_TRY(mem_new_array(1, sizeof *s, "a download", (void **)&s, err));
    s->fd = -1;
    s->folder = text_format("%s/akin-zip-XXXXXX", P_tmpdir);
    if (s->folder && mkdtemp(s->folder)) {
        *out = s;
        return AKIN_OK;
    }
    mem_free(s->folder);
    s->folder = NULL;
    zip_stream_free(s);
    return AKIN_FAIL(err, AKIN_EIO, "there is no room for a download");
}

static akin_status fill_stream(zip_stream *s, akin_error *err)
{
    void *p;
    AKIN_TRY(file_list_new(s->folder, &s->names, &s->n, err));
    AKIN_TRY(mem_new_array(s->n, sizeof *s->files, "a download", &p, err));
    s->files = p;
    for (size_t i = 0; i < s->n; i++) AKIN_TRY(sum_file(s, i, err));
    return rehearse(s, err);
}

/* ---- exporting ---------------------------------------------------------- */

/* The header's quotes and what is no ASCII would need an encoding that clients
 * understand differently. */
static void set_download(http_response *res, const char *name)
{
    char text[300], safe[200];
    size_t n = 0;
    for (; name[n] && n < sizeof safe - 1; n++) {
        unsigned char c = (unsigned char)name[n];
        safe[n] = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '/'
                      ? (char)c : '_';
    }
    safe[n] = 0;
    snprintf(text, sizeof text, "attachment; filename=\"%s.zip\"", safe);
    http_set(res, "Content-Disposition", text);
}

typedef struct export_wish {
    int64_t *windows;
    size_t n;
    const char *folder; /* NULL: a download */
} export_wish;

static akin_status export_zip(database_entry *entry, const export_wish *wish,
                              http_response *res, akin_error *err)
{
    zip_stream *s = NULL;
    akin_export_report report = {0};
    AKIN_TRY(stream_new(&s, err));
    akin_status status = akin_export_windows(entry->db, wish->windows, wish->n,
                                             s->folder, &report, err);
    if (status == AKIN_OK) status = fill_stream(s, err);
    if (status != AKIN_OK) {
        zip_stream_free(s);
        return status;
    }
    char failed[32];
    snprintf(failed, sizeof failed, "%zu", report.n_failed);
    http_answer_stream(res, "application/zip",
                       (http_stream){zip_next, zip_stream_free, s});
    http_set(res, "X-Failed", failed);
    set_download(res, file_name(entry->path));
    return AKIN_OK;
}

static akin_status export_folder(api *a, database_entry *entry,
                                 const export_wish *wish, http_response *res,
                                 akin_error *err)
{
    char *path;
    akin_export_report report = {0};
    AKIN_TRY(places_new(a->exports, wish->folder, false, &path, err));
    akin_status status = akin_export_windows(entry->db, wish->windows, wish->n,
                                             path, &report, err);
    if (status == AKIN_OK)
        http_answer_json(res, 201,
                         json_pack("{s:o, s:I, s:I}", "folder", json_text(path),
                                   "written", (json_int_t)report.n_written,
                                   "failed", (json_int_t)report.n_failed));
    mem_free(path);
    return status;
}

/* A file that may not be told may not be copied either. */
static akin_status check_files(const api *a, database_entry *entry,
                               const export_wish *wish, akin_error *err)
{
    akin_list_options opt = {.ids = wish->windows, .n_ids = wish->n};
    akin_results *rows = NULL;
    akin_status status =
        akin_list_windows(entry->db, &opt, &rows, NULL, err);
    for (size_t i = 0; status == AKIN_OK && i < akin_results_count(rows); i++) {
        const akin_hit *hit = akin_results_at(rows, i);
        media_source source;
        if (!file_exists(hit->path)) continue; /* named in the manifest */
        status = media_source_open(a, entry, hit->recording, hit->path, &source,
                                   err);
        if (status == AKIN_OK) media_source_clear(&source);
    }
    akin_results_free(rows);
    return status;
}

static akin_status answer_export(api *a, database_entry *entry,
                                 const http_request *req, http_response *res,
                                 akin_error *err)
{
    export_wish wish = {.folder = body_text(req, "folder")};
    akin_status status =
        body_integers(req, "windows", &wish.windows, &wish.n, err);
    if (status == AKIN_OK && wish.n > a->options.limits.rows)
        status = AKIN_FAIL(err, AKIN_ELIMIT,
                           "at most %zu windows are exported at a time, not %zu",
                           a->options.limits.rows, wish.n);
    if (status == AKIN_OK && wish.n == 0)
        status = AKIN_FAIL(err, AKIN_EUSAGE, "there are no windows to export");
    if (status == AKIN_OK) status = check_files(a, entry, &wish, err);
    if (status == AKIN_OK)
        status = wish.folder ? export_folder(a, entry, &wish, res, err)
                             : export_zip(entry, &wish, res, err);
    mem_free(wish.windows);
    return status;
}

static akin_status post_export(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_export, err);
}

/* ---- the table ---------------------------------------------------------- */

static const route_value export_fields[] = {
    {.name = "windows", .kind = ROUTE_INTEGER, .many = true, .required = true,
     .about = "ids of windows"},
    {.name = "folder", .about = "a name for a new folder below the export "
                                "folder; a zip is downloaded if none is given"},
    {.name = NULL},
};

const route api_export_routes[] = {
    {.method = HTTP_POST, .pattern = "/api/databases/{db}/export",
     .handle = post_export, .name = "export_windows", .fields = export_fields,
     .type = "application/zip",
     .about = "Files of windows with a manifest: a zip, or with a folder 201 "
              "and where they are."},
    {.pattern = NULL},
};
