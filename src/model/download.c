/* SPDX-License-Identifier: MIT
 * Transfers through libcurl. Each has an easy handle of its own, so that
 * downloads of several threads have nothing in common but libcurl's once-only
 * start. Bounds: five redirections, never from https to http nor to file; a
 * time to connect and a time without a byte, but none for the whole, as models
 * are large and lines are slow. */
#define _GNU_SOURCE
#include "model/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { DOWNLOAD_ETAG_BYTES = 200, DOWNLOAD_MAX_REDIRECTS = 5 };
#define DOWNLOAD_MAX_BYTES ((int64_t)1 << 40)

/* One transfer while it runs. */
typedef struct transfer {
    const download *d;
    CURL *curl;
    int fd;            /* of the part; -1: into memory */
    char *part_path, *etag_path;
    int64_t begin, n;  /* bytes that were there; bytes that are there */
    text_buf *memory;  /* when there is no part */
    char etag[DOWNLOAD_ETAG_BYTES]; /* of this answer; "": none */
    double last_progress_s;
    bool cancelled;
    akin_status status; /* of the callbacks */
    char message[CURL_ERROR_SIZE];
    akin_error *err;
} transfer;

static void transfer_clear(transfer *t)
{
    if (t->curl) curl_easy_cleanup(t->curl);
    if (t->fd >= 0) close(t->fd);
    mem_free(t->part_path);
    mem_free(t->etag_path);
}

bool download_is_url(const char *text)
{
    return strncasecmp(text, "http://", 7) == 0 ||
           strncasecmp(text, "https://", 8) == 0 ||
           strncasecmp(text, "file://", 7) == 0;
}

/* ---- callbacks --------------------------------------------------------- */

/* Keeps a strong ETag; a redirection's headers are forgotten. */
static size_t transfer_header(char *line, size_t size, size_t n, void *user)
{
    transfer *t = user;
    n *= size;
    if (n > 5 && strncasecmp(line, "HTTP/", 5) == 0) t->etag[0] = 0;
    if (n <= 5 || strncasecmp(line, "etag:", 5) != 0) return n;
    const char *p = line + 5, *end = line + n;
    while (p < end && (*p == ' ' || *p == '\t')) p++;
    while (end > p && (unsigned char)end[-1] <= ' ') end--;
    size_t length = (size_t)(end - p);
    if (length < 2 || length >= sizeof t->etag || *p != '"') return n;
    memcpy(t->etag, p, length);
    t->etag[length] = 0;
    return n;
}

static void transfer_save_etag(const transfer *t)
{
    file_writer *writer = NULL;
    file_remove(t->etag_path);
    if (!t->etag[0] || file_writer_open(t->etag_path, &writer, NULL) != AKIN_OK)
        return; /* without it the next time begins anew */
    if (file_writer_put(writer, t->etag, strlen(t->etag), NULL) == AKIN_OK)
        (void)!file_writer_finish(writer, NULL);
    else
        file_writer_discard(writer);
}

static akin_status transfer_write_part(transfer *t, const char *data, size_t n)
{
    if (t->n == 0) transfer_save_etag(t);
    while (n > 0) {
        ssize_t put = write(t->fd, data, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0)
            return AKIN_FAIL(t->err, AKIN_EIO, "cannot write '%s': %s",
                             t->part_path, strerror(errno));
        data += put;
        n -= (size_t)put;
        t->n += put;
    }
    return AKIN_OK;
}

static size_t transfer_write(char *data, size_t size, size_t n, void *user)
{
    transfer *t = user;
    int64_t max = t->d->size_bytes >= 0 ? t->d->size_bytes
                                        : DOWNLOAD_MAX_BYTES;
    n *= size;
    if (t->memory) {
        text_buf_put(t->memory, data, n);
        t->status = t->memory->status;
        if (t->status != AKIN_OK)
            AKIN_FAIL(t->err, t->status, "'%s' is larger than %zu bytes",
                      t->d->url, t->memory->max);
    } else if (t->n + (int64_t)n > max) {
        t->status = AKIN_FAIL(t->err, AKIN_EMODEL,
                              "'%s' has more than the %lld bytes of the card",
                              t->d->url, (long long)max);
    } else {
        t->status = transfer_write_part(t, data, n);
    }
    return t->status == AKIN_OK ? n : 0;
}

static int transfer_progress(void *user, curl_off_t total, curl_off_t now,
                             curl_off_t up_total, curl_off_t up_now)
{
    transfer *t = user;
    const install_options *o = t->d->options;
    double time_s = clock_now_s();
    (void)up_total;
    (void)up_now;
    if (!o || !o->progress || time_s - t->last_progress_s < 0.1) return 0;
    t->last_progress_s = time_s;
    int64_t whole = t->d->size_bytes;
    if (whole < 0 && total > 0) whole = t->begin + total;
    t->cancelled = !o->progress(o->user, t->d->name, t->begin + now, whole);
    return t->cancelled;
}

/* ---- one request ------------------------------------------------------- */

static void transfer_start_libcurl(void) { curl_global_init(CURL_GLOBAL_ALL); }

static void transfer_set_limits(transfer *t)
{
    const install_options *o = t->d->options;
    double connect_s = o && o->connect_timeout_s > 0 ? o->connect_timeout_s
                                                     : 30;
    double stall_s = o && o->stall_timeout_s > 0 ? o->stall_timeout_s : 60;
    bool secure = strncasecmp(t->d->url, "https:", 6) == 0;
    if (stall_s < 1) stall_s = 1;
    curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(connect_s * 1000));
    curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_TIME, (long)stall_s);
    curl_easy_setopt(t->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(t->curl, CURLOPT_MAXREDIRS, (long)DOWNLOAD_MAX_REDIRECTS);
    curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR,
                     t->d->local ? "http,https,file" : "http,https");
    curl_easy_setopt(t->curl, CURLOPT_REDIR_PROTOCOLS_STR,
                     secure ? "https" : "http,https");
}

static akin_status transfer_set_up(transfer *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, transfer_start_libcurl);
    t->curl = curl_easy_init();
    if (!t->curl)
        return AKIN_FAIL(t->err, AKIN_ENOMEM, "out of memory for a download");
    CURLcode code = curl_easy_setopt(t->curl, CURLOPT_URL, t->d->url);
    if (code != CURLE_OK)
        return AKIN_FAIL(t->err, AKIN_ENOMEM, "out of memory for a download");
    curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(t->curl, CURLOPT_USERAGENT, "akin");
    curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->message);
    curl_easy_setopt(t->curl, CURLOPT_HEADERFUNCTION, transfer_header);
    curl_easy_setopt(t->curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, transfer_write);
    curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->curl, CURLOPT_XFERINFOFUNCTION, transfer_progress);
    curl_easy_setopt(t->curl, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(t->curl, CURLOPT_NOPROGRESS, 0L);
    transfer_set_limits(t);
    return AKIN_OK;
}

/* What a finished transfer means, as a status with its message. */
static akin_status transfer_judge(const transfer *t, CURLcode code)
{
    long answer = 0;
    const char *url = t->d->url;
    if (t->cancelled)
        return AKIN_FAIL(t->err, AKIN_ECANCELLED, "stopped downloading '%s'",
                         url);
    if (t->status != AKIN_OK) return t->status; /* the message is there */
    if (code == CURLE_OK) return AKIN_OK;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &answer);
    if (code == CURLE_HTTP_RETURNED_ERROR)
        return AKIN_FAIL(t->err,
                         answer == 404 || answer == 410 ? AKIN_ENOTFOUND
                                                        : AKIN_EIO,
                         "the server answers %ld for '%s'", answer, url);
    if (code == CURLE_FILE_COULDNT_READ_FILE)
        return AKIN_FAIL(t->err, AKIN_ENOTFOUND, "cannot read '%s'", url);
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
        return AKIN_FAIL(t->err, AKIN_EUSAGE,
                         "'%s' is not a URL that can be downloaded from here: "
                         "%s",
                         url, t->message[0] ? t->message
                                            : curl_easy_strerror(code));
    return AKIN_FAIL(t->err, AKIN_EIO, "cannot download '%s': %s", url,
                     t->message[0] ? t->message : curl_easy_strerror(code));
}

/* ---- into memory ------------------------------------------------------- */

akin_status download_to_memory(const download *d, size_t max_bytes, char **out,
                               size_t *n_out, akin_error *err)
{
    text_buf buf;
    transfer t = {.d = d, .fd = -1, .memory = &buf, .err = err};
    akin_status status = AKIN_OK;
    text_buf_init(&buf, max_bytes);
    AKIN_TRYG(transfer_set_up(&t));
    AKIN_TRYG(transfer_judge(&t, curl_easy_perform(t.curl)));
    *n_out = buf.n;
    *out = buf.data ? buf.data : mem_strdup("");
    if (!*out)
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", d->url);
    buf = (text_buf){0};
done:
    text_buf_clear(&buf);
    transfer_clear(&t);
    return status;
}

/* ---- into a part ------------------------------------------------------- */

static akin_status transfer_open_part(transfer *t)
{
    struct stat st;
    t->part_path = text_format("%s.part", t->d->path);
    t->etag_path = text_format("%s.part.etag", t->d->path);
    if (!t->part_path || !t->etag_path)
        return AKIN_FAIL(t->err, AKIN_ENOMEM, "out of memory for a path");
    t->fd = open(t->part_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (t->fd < 0 || fstat(t->fd, &st) != 0)
        return AKIN_FAIL(t->err, AKIN_EIO, "cannot create '%s': %s",
                         t->part_path, strerror(errno));
    t->begin = t->n = st.st_size;
    return AKIN_OK;
}

static akin_status transfer_seek(transfer *t, int64_t to)
{
    t->begin = t->n = to;
    if (ftruncate(t->fd, to) == 0 && lseek(t->fd, to, SEEK_SET) == to)
        return AKIN_OK;
    return AKIN_FAIL(t->err, AKIN_EIO, "cannot write '%s': %s", t->part_path,
                     strerror(errno));
}

/* Asks for the rest, if the server still has what the part came from. Sets
 * *list, which lives until the transfer's end. false: it must begin anew. */
static bool transfer_ask_rest(transfer *t, struct curl_slist **list)
{
    char *etag = NULL;
    size_t n = 0;
    bool is_file = strncasecmp(t->d->url, "file:", 5) == 0;
    if (t->begin == 0) return false;
    if (t->d->size_bytes >= 0 && t->begin > t->d->size_bytes) return false;
    if (!is_file) {
        char header[DOWNLOAD_ETAG_BYTES + 16];
        if (file_read(t->etag_path, DOWNLOAD_ETAG_BYTES, &etag, &n, NULL) !=
            AKIN_OK)
            return false;
        snprintf(header, sizeof header, "If-Range: %s", etag);
        mem_free(etag);
        *list = curl_slist_append(NULL, header);
        if (!*list) return false;
        curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, *list);
    }
    curl_easy_setopt(t->curl, CURLOPT_RESUME_FROM_LARGE,
                     (curl_off_t)t->begin);
    return true;
}

/* Whether the rest was refused: another version, no ranges, beyond the end. */
static bool transfer_is_refused(const transfer *t, CURLcode code)
{
    long answer = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &answer);
    return code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME ||
           (code == CURLE_HTTP_RETURNED_ERROR && answer == 416);
}

static akin_status transfer_run(transfer *t, download *d)
{
    struct curl_slist *list = NULL;
    akin_status status = AKIN_OK;
    d->resumed = transfer_ask_rest(t, &list);
    AKIN_TRYG(transfer_seek(t, d->resumed ? t->begin : 0));
    CURLcode code = curl_easy_perform(t->curl);
    if (d->resumed && !t->cancelled && transfer_is_refused(t, code)) {
        d->resumed = false;
        curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, NULL);
        curl_easy_setopt(t->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)0);
        AKIN_TRYG(transfer_seek(t, 0));
        code = curl_easy_perform(t->curl);
    }
    AKIN_TRYG(transfer_judge(t, code));
    if (fsync(t->fd) != 0)
        status = AKIN_FAIL(t->err, AKIN_EIO, "cannot sync '%s': %s",
                           t->part_path, strerror(errno));
done:
    curl_slist_free_all(list);
    return status;
}

akin_status download_to_part(download *d, akin_error *err)
{
    transfer t = {.d = d, .fd = -1, .err = err};
    akin_status status = AKIN_OK;
    d->resumed = false;
    AKIN_TRYG(transfer_open_part(&t));
    if (d->size_bytes > 0 && t.begin == d->size_bytes) {
        d->resumed = true; /* all but its new name was done */
        goto done;
    }
    AKIN_TRYG(transfer_set_up(&t));
    status = transfer_run(&t, d);
done:
    transfer_clear(&t);
    return status;
}
