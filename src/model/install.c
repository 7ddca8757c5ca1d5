/* SPDX-License-Identifier: MIT
 * Installing a model: where its card and files come from, each file by copy or
 * download into a part, checked, and given its name; the card last. */
#define _GNU_SOURCE
#include "model/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/card.h"
#include "model/download.h"

enum { INSTALL_PIECE_BYTES = 1 << 16 };

/* One installation. */
typedef struct install {
    const install_options *options;
    char *folder;    /* that files are copied from, or NULL */
    char *base_url;  /* up to the last '/', that files lie beside, or NULL */
    bool local;      /* the card is this machine's: it may name file: URLs */
    char *card_text; /* of model.json; NULL for a layout without it */
    size_t n_card;
    model_card *card;
    char *into;
    akin_error *err;
} install;

static void install_clear(install *in)
{
    mem_free(in->folder);
    mem_free(in->base_url);
    mem_free(in->card_text);
    mem_free(in->card);
    mem_free(in->into);
}

static akin_status install_no_memory(const install *in)
{
    return AKIN_FAIL(in->err, AKIN_ENOMEM, "out of memory for a model");
}

/* ---- the source -------------------------------------------------------- */

/* The card's text is kept as it is, to be written at the end. */
static akin_status install_open_folder(install *in, const char *folder)
{
    akin_status status = AKIN_OK;
    char *path = file_join(folder, CARD_FILE_NAME);
    in->local = true;
    in->folder = file_absolute(folder);
    if (!path || !in->folder) {
        status = install_no_memory(in);
        goto done;
    }
    AKIN_TRYG(card_from_folder(folder, in->card, in->err));
    if (in->card->layout == CARD_LAYOUT_CARD)
        status = file_read(path, CARD_MAX_BYTES, &in->card_text, &in->n_card,
                           in->err);
done:
    mem_free(path);
    return status;
}

static akin_status install_open_url(install *in, const char *source)
{
    akin_status status = AKIN_OK;
    bool is_folder = text_ends_with(source, "/", false);
    char *url = text_format("%s%s", source, is_folder ? CARD_FILE_NAME : "");
    if (!url) return install_no_memory(in);
    in->local = strncasecmp(url, "file:", 5) == 0;
    in->base_url = mem_strdup(url);
    if (!in->base_url) {
        status = install_no_memory(in);
        goto done;
    }
    in->base_url[strcspn(in->base_url, "?#")] = 0;
    *(strrchr(in->base_url, '/') + 1) = 0;
    download d = {.url = url,
                  .name = CARD_FILE_NAME,
                  .size_bytes = -1,
                  .local = true,
                  .options = in->options};
    AKIN_TRYG(download_to_memory(&d, CARD_MAX_BYTES, &in->card_text,
                                 &in->n_card, in->err));
    status = card_parse(in->card_text, in->n_card, url, in->card, in->err);
done:
    mem_free(url);
    return status;
}

static akin_status install_open_name(install *in, const char *name)
{
    const char *cards = in->options->cards_folder;
    char *folder = cards && !strchr(name, '/') && name[0] != '.'
                       ? file_join(cards, name)
                       : NULL;
    akin_status status;
    if (folder && file_is_dir(folder))
        status = install_open_folder(in, folder);
    else
        status = AKIN_FAIL(in->err, AKIN_ENOTFOUND,
                           "there is no folder, URL or card of a model '%s'",
                           name);
    mem_free(folder);
    return status;
}

static akin_status install_open(install *in, const char *source)
{
    if (download_is_url(source)) return install_open_url(in, source);
    if (strstr(source, "://"))
        return AKIN_FAIL(in->err, AKIN_EUSAGE,
                         "'%s' is not an http, https or file URL", source);
    if (file_is_dir(source)) return install_open_folder(in, source);
    return install_open_name(in, source);
}

/* ---- where a file comes from ------------------------------------------- */

/* base_url + path with what is not plain as %XX; owned. */
static char *install_url_beside(const char *base_url, const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    text_buf buf;
    text_buf_init(&buf, 4096);
    text_buf_puts(&buf, base_url);
    for (const char *p = path; *p; p++)
        if (strchr(plain, *p))
            text_buf_put(&buf, p, 1);
        else
            text_buf_printf(&buf, "%%%02X", (unsigned char)*p);
    if (buf.status != AKIN_OK) text_buf_clear(&buf);
    return buf.data;
}

/* *out: the file beside the card, owned, or NULL if it is not there. */
static akin_status install_local_path(const install *in, const card_file *file,
                                      char **out)
{
    *out = NULL;
    if (!in->folder) return AKIN_OK;
    char *path = file_join(in->folder, file->path);
    if (!path) return install_no_memory(in);
    if (file_exists(path))
        *out = path;
    else
        mem_free(path);
    return AKIN_OK;
}

/* Whether the file is in place and, as far as the card says, right. */
static bool install_is_right(const card_file *file, const char *path)
{
    file_stamp stamp;
    char digits[HASH_HEX_BYTES];
    if (file_stat(path, &stamp, NULL) != AKIN_OK || file_is_dir(path))
        return false;
    if (file->size_bytes >= 0 && stamp.size_bytes != file->size_bytes)
        return false;
    return !file->sha256[0] || (hash_file(path, digits, NULL) == AKIN_OK &&
                                strcmp(digits, file->sha256) == 0);
}

/* ---- copying ----------------------------------------------------------- */

static akin_status install_report(const install *in, const char *name,
                                  int64_t done, int64_t total)
{
    const install_options *o = in->options;
    if (!o->progress || o->progress(o->user, name, done, total))
        return AKIN_OK;
    return AKIN_FAIL(in->err, AKIN_ECANCELLED, "stopped installing '%s'",
                     in->card->name);
}

static akin_status install_copy_bytes(const install *in, const char *name,
                                      const int fd[2], int64_t total)
{
    char piece[INSTALL_PIECE_BYTES];
    int64_t done = 0;
    for (size_t round = 0;; round++) {
        ssize_t n = read(fd[0], piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return AKIN_FAIL(in->err, AKIN_EIO, "cannot read '%s': %s", name,
                             strerror(errno));
        if (n == 0) return AKIN_OK;
        for (ssize_t put, i = 0; i < n; i += put) {
            put = write(fd[1], piece + i, (size_t)(n - i));
            if (put < 0 && errno == EINTR) put = 0;
            if (put < 0)
                return AKIN_FAIL(in->err, AKIN_EIO,
                                 "cannot write '%s' in '%s': %s", name,
                                 in->into, strerror(errno));
        }
        done += n;
        if (round % 64 == 63) AKIN_TRY(install_report(in, name, done, total));
    }
}

static akin_status install_copy(const install *in, const char *from,
                                const char *part, const char *name)
{
    akin_status status = AKIN_OK;
    file_stamp stamp;
    int fd[2] = {-1, -1};
    AKIN_TRYG(file_stat(from, &stamp, in->err));
    fd[0] = open(from, O_RDONLY | O_CLOEXEC);
    fd[1] = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd[0] < 0 || fd[1] < 0) {
        status = AKIN_FAIL(in->err, AKIN_EIO, "cannot copy '%s' to '%s': %s",
                           from, part, strerror(errno));
        goto done;
    }
    AKIN_TRYG(install_copy_bytes(in, name, fd, stamp.size_bytes));
    if (fsync(fd[1]) != 0)
        status = AKIN_FAIL(in->err, AKIN_EIO, "cannot sync '%s': %s", part,
                           strerror(errno));
done:
    if (fd[0] >= 0) close(fd[0]);
    if (fd[1] >= 0) close(fd[1]);
    return status;
}

/* ---- one file ---------------------------------------------------------- */

/* Compares a whole part with the card. */
static akin_status install_check_part(const install *in, const card_file *file,
                                      const char *part)
{
    file_stamp stamp;
    char digits[HASH_HEX_BYTES];
    AKIN_TRY(file_stat(part, &stamp, in->err));
    if (file->size_bytes >= 0 && stamp.size_bytes != file->size_bytes)
        return AKIN_FAIL(in->err, AKIN_EMODEL,
                         "'%s' has %lld bytes, not the %lld of its card",
                         file->path, (long long)stamp.size_bytes,
                         (long long)file->size_bytes);
    if (!file->sha256[0]) return AKIN_OK;
    AKIN_TRY(hash_file(part, digits, in->err));
    if (strcmp(digits, file->sha256) == 0) return AKIN_OK;
    return AKIN_FAIL(in->err, AKIN_EMODEL,
                     "'%s' has the sha256 %.12s..., not the %.12s... of its "
                     "card",
                     file->path, digits, file->sha256);
}

static void install_remove_part(const char *path)
{
    static const char *const endings[] = {".part", ".part.etag"};
    for (size_t i = 0; i < 2; i++) {
        char *part = text_format("%s%s", path, endings[i]);
        if (part) file_remove(part);
        mem_free(part);
    }
}

/* Downloads into path.part; a part that was gone on from and is wrong in the
 * end is downloaded once more as a whole. */
static akin_status install_download(const install *in, const card_file *file,
                                    const char *path, const char *part)
{
    akin_status status = AKIN_OK;
    if (!file->url[0] && !in->base_url)
        return AKIN_FAIL(in->err, AKIN_EMODEL,
                         "'%s' is not the file of its card, and no URL of the "
                         "right one is known",
                         path);
    char *url = file->url[0] ? mem_strdup(file->url)
                             : install_url_beside(in->base_url, file->path);
    if (!url) return install_no_memory(in);
    download d = {.url = url,
                  .path = path,
                  .name = file->path,
                  .size_bytes = file->size_bytes,
                  .local = in->local,
                  .options = in->options};
    for (int attempt = 0; attempt < 2; attempt++) {
        status = download_to_part(&d, in->err);
        if (status == AKIN_OK) status = install_check_part(in, file, part);
        if (status == AKIN_EMODEL) install_remove_part(path);
        if (status != AKIN_EMODEL || !d.resumed) break;
    }
    mem_free(url);
    return status;
}

/* Fills path.part from wherever the file comes from, and checks it. */
static akin_status install_get_part(const install *in, const card_file *file,
                                    const char *path, const char *part)
{
    akin_status status = AKIN_OK;
    char *from = NULL;
    char *folder = file_parent(path);
    AKIN_TRYG(install_local_path(in, file, &from));
    if (!folder) {
        status = install_no_memory(in);
        goto done;
    }
    AKIN_TRYG(file_make_dirs(folder, in->err));
    if (!from) {
        status = install_download(in, file, path, part);
        goto done;
    }
    AKIN_TRYG(install_copy(in, from, part, file->path));
    AKIN_TRYG(install_check_part(in, file, part));
done:
    if (from && status != AKIN_OK) install_remove_part(path);
    mem_free(folder);
    mem_free(from);
    return status;
}

/* Without a hash, a file that is there counts as right only when it was
 * downloaded: it got its name when it was whole. */
static akin_status install_may_keep(const install *in, const card_file *file,
                                    const char *path, bool *out)
{
    char *from = NULL;
    if (!file->sha256[0]) AKIN_TRY(install_local_path(in, file, &from));
    *out = !from && install_is_right(file, path);
    mem_free(from);
    return AKIN_OK;
}

static akin_status install_file(const install *in, const card_file *file)
{
    akin_status status = AKIN_OK;
    int64_t size = file->size_bytes;
    char *path = file_join(in->into, file->path);
    char *part = path ? text_format("%s.part", path) : NULL;
    if (!part) {
        status = install_no_memory(in);
        goto done;
    }
    bool keep = false;
    AKIN_TRYG(install_may_keep(in, file, path, &keep));
    if (keep) goto done;
    AKIN_TRYG(install_get_part(in, file, path, part));
    AKIN_TRYG(file_rename(part, path, in->err));
    install_remove_part(path); /* its ETag */
    file_stamp stamp;
    AKIN_TRYG(file_stat(path, &stamp, in->err));
    size = stamp.size_bytes;
done:
    if (status == AKIN_OK)
        status = install_report(in, file->path, size < 0 ? 0 : size, size);
    mem_free(part);
    mem_free(path);
    return status;
}

/* ---- the whole --------------------------------------------------------- */

/* Whether a file can come from nowhere and is not in place. */
static akin_status install_is_needed(const install *in, const card_file *file,
                                     bool *out)
{
    char *from = NULL;
    *out = false;
    if (file->url[0] || in->base_url) return AKIN_OK;
    AKIN_TRY(install_local_path(in, file, &from));
    if (from) {
        mem_free(from);
        return AKIN_OK;
    }
    char *path = file_join(in->into, file->path);
    if (!path) return install_no_memory(in);
    *out = !file_exists(path);
    mem_free(path);
    return AKIN_OK;
}

/* Files that nobody knows a URL for must be in place already. All of them are
 * named at once, before anything large is downloaded. */
static akin_status install_check_sources(const install *in)
{
    char names[256] = "";
    for (size_t i = 0; i < in->card->n_files; i++) {
        const card_file *file = &in->card->files[i];
        bool needed = false;
        AKIN_TRY(install_is_needed(in, file, &needed));
        size_t n = strlen(names);
        if (needed)
            snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "",
                     file->path);
    }
    if (!names[0]) return AKIN_OK;
    return AKIN_FAIL(in->err, AKIN_ENOTFOUND,
                     "'%s' needs files that must be downloaded by hand (%s); "
                     "put them into '%s' and install again%s%s",
                     in->card->name, names, in->into,
                     in->card->source[0] ? "; they are described at " : "",
                     in->card->source);
}

static akin_status install_write_card(const install *in)
{
    akin_status status = AKIN_OK;
    file_writer *writer = NULL;
    if (!in->card_text) return AKIN_OK;
    char *path = file_join(in->into, CARD_FILE_NAME);
    if (!path) return install_no_memory(in);
    AKIN_TRYG(file_writer_open(path, &writer, in->err));
    status = file_writer_put(writer, in->card_text, in->n_card, in->err);
    if (status == AKIN_OK)
        status = file_writer_commit(writer, in->err);
    else
        file_writer_discard(writer);
done:
    mem_free(path);
    return status;
}

/* A model that is where it belongs is only checked. */
static bool install_is_in_place(const install *in)
{
    char *into = file_absolute(in->into);
    bool same = into && in->folder && text_equal(into, in->folder);
    mem_free(into);
    return same;
}

/* Another version's card must not stand beside this one's files. */
static void install_drop_other_card(const install *in)
{
    char *path = file_join(in->into, CARD_FILE_NAME), *text = NULL;
    size_t n = 0;
    if (path && file_read(path, CARD_MAX_BYTES, &text, &n, NULL) == AKIN_OK &&
        (n != in->n_card || !in->card_text ||
         memcmp(text, in->card_text, n) != 0))
        file_remove(path);
    mem_free(text);
    mem_free(path);
}

static akin_status install_files(const install *in)
{
    if (install_is_in_place(in))
        return card_check_files(in->card, in->into, true, in->err);
    AKIN_TRY(install_check_sources(in));
    install_drop_other_card(in);
    for (size_t i = 0; i < in->card->n_files; i++)
        AKIN_TRY(install_file(in, &in->card->files[i]));
    return install_write_card(in);
}

/* Two installations at a time would write into one part. */
static akin_status install_locked(const install *in)
{
    file_lock *lock = NULL;
    AKIN_TRY(file_make_dirs(in->into, in->err));
    char *path = file_join(in->into, ".install-lock");
    if (!path) return install_no_memory(in);
    akin_status status = file_lock_open(path, 0, &lock, in->err);
    if (status == AKIN_OK) {
        status = install_files(in);
        file_remove(path);
        file_lock_close(lock);
    }
    mem_free(path);
    return status;
}

akin_status model_install(const char *source, const char *models_folder,
                          const install_options *options, char **out,
                          akin_error *err)
{
    static const install_options defaults = {0};
    install in = {.options = options ? options : &defaults, .err = err};
    akin_status status = AKIN_OK;
    in.card = mem_array(1, sizeof *in.card);
    if (!in.card) {
        status = install_no_memory(&in);
        goto done;
    }
    AKIN_TRYG(install_open(&in, source));
    in.into = file_join(models_folder, in.card->name);
    if (!in.into) {
        status = install_no_memory(&in);
        goto done;
    }
    AKIN_TRYG(install_locked(&in));
    if (out) {
        *out = in.into;
        in.into = NULL;
    }
done:
    install_clear(&in);
    return status;
}
