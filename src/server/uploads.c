/* SPDX-License-Identifier: MIT
 * Uploads are files in memory (memfd), which libraries open by a name below
 * /proc and which leave nothing on any disk. Who uses one has a descriptor of
 * his own, so that it can be forgotten meanwhile. */
#define _GNU_SOURCE
#include "server/uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define MAX_UPLOADS 256

typedef struct kept_upload {
    char id[UPLOAD_ID_BYTES]; /* "" is free */
    upload file;
    double used_s;
} kept_upload;

struct uploads {
    pthread_mutex_t lock;
    kept_upload items[MAX_UPLOADS];
    size_t n_bytes, max_bytes;
    double age_s;
};

akin_status uploads_new(size_t max_bytes, double age_s, uploads **out,
                        akin_error *err)
{
    AKIN_TRY(mem_new_array(1, sizeof **out, "uploads", (void **)out, err));
    pthread_mutex_init(&(*out)->lock, NULL);
    (*out)->max_bytes = max_bytes;
    (*out)->age_s = age_s;
    return AKIN_OK;
}

/* With the lock held. */
static void drop(uploads *all, kept_upload *one)
{
    all->n_bytes -= one->file.n_bytes;
    close(one->file.fd);
    *one = (kept_upload){0};
}

void uploads_free(uploads *all)
{
    if (!all) return;
    for (size_t i = 0; i < MAX_UPLOADS; i++)
        if (all->items[i].id[0]) drop(all, &all->items[i]);
    pthread_mutex_destroy(&all->lock);
    mem_free(all);
}

/* ---- files -------------------------------------------------------------- */

static akin_status write_all(int fd, const char *data, size_t n,
                             akin_error *err)
{
    while (n > 0) {
        ssize_t m = write(fd, data, n);
        if (m < 0 && errno == EINTR) continue;
        if (m <= 0)
            return AKIN_FAIL(err, AKIN_EIO, "the file cannot be kept: %s",
                             strerror(errno));
        data += m;
        n -= (size_t)m;
    }
    return AKIN_OK;
}

static void name_path(upload *one)
{
    snprintf(one->path, sizeof one->path, "/proc/self/fd/%d", one->fd);
}

akin_status upload_make(upload *out, const char *name, const char *data,
                        size_t n, akin_error *err)
{
    *out = (upload){.fd = memfd_create("akin-upload", MFD_CLOEXEC),
                    .n_bytes = n};
    if (out->fd < 0) {
        *out = (upload){0};
        return AKIN_FAIL(err, AKIN_EIO, "the file cannot be kept: %s",
                         strerror(errno));
    }
    snprintf(out->name, sizeof out->name, "%s", name);
    name_path(out);
    akin_status status = write_all(out->fd, data, n, err);
    if (status != AKIN_OK) upload_close(out);
    return status;
}

/* A descriptor of 0 is nobody's: the server's input is not closed. */
void upload_close(upload *one)
{
    if (one->fd > 0) close(one->fd);
    *one = (upload){0};
}

/* ---- the list, with the lock held --------------------------------------- */

static kept_upload *find(uploads *all, const char *id)
{
    for (size_t i = 0; i < MAX_UPLOADS && *id; i++)
        if (strcmp(all->items[i].id, id) == 0) return &all->items[i];
    return NULL;
}

static void drop_old(uploads *all)
{
    double now = clock_now_s();
    for (size_t i = 0; i < MAX_UPLOADS; i++)
        if (all->items[i].id[0] && now - all->items[i].used_s > all->age_s)
            drop(all, &all->items[i]);
}

/* A free place and room for n bytes, n being no more than all may have. */
static kept_upload *make_room(uploads *all, size_t n)
{
    drop_old(all);
    for (;;) {
        kept_upload *oldest = NULL, *unused = NULL;
        for (size_t i = 0; i < MAX_UPLOADS; i++) {
            kept_upload *one = &all->items[i];
            if (!one->id[0])
                unused = one;
            else if (!oldest || one->used_s < oldest->used_s)
                oldest = one;
        }
        if (unused && all->n_bytes + n <= all->max_bytes) return unused;
        drop(all, oldest);
    }
}

/* ---- verbs -------------------------------------------------------------- */

/* Random and long: who does not know it does not get at the file. */
static akin_status make_id(char id[UPLOAD_ID_BYTES], akin_error *err)
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return AKIN_FAIL(err, AKIN_EIO, "there are no random numbers: %s",
                         strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return AKIN_OK;
}

akin_status uploads_add(uploads *all, const char *name, const char *data,
                        size_t n, char id[UPLOAD_ID_BYTES], akin_error *err)
{
    upload file;
    if (n == 0) return AKIN_FAIL(err, AKIN_EUSAGE, "the file is empty");
    if (n > all->max_bytes)
        return AKIN_FAIL(err, AKIN_ELIMIT, "a file may have %zu bytes",
                         all->max_bytes);
    AKIN_TRY(make_id(id, err));
    AKIN_TRY(upload_make(&file, name, data, n, err));
    pthread_mutex_lock(&all->lock);
    kept_upload *one = make_room(all, n);
    memcpy(one->id, id, UPLOAD_ID_BYTES);
    one->file = file;
    one->used_s = clock_now_s();
    all->n_bytes += n;
    pthread_mutex_unlock(&all->lock);
    return AKIN_OK;
}

akin_status uploads_open(uploads *all, const char *id, upload *out,
                         akin_error *err)
{
    *out = (upload){0};
    pthread_mutex_lock(&all->lock);
    drop_old(all);
    kept_upload *one = find(all, id);
    if (one) {
        one->used_s = clock_now_s();
        *out = one->file;
        out->fd = fcntl(one->file.fd, F_DUPFD_CLOEXEC, 3);
    }
    pthread_mutex_unlock(&all->lock);
    if (!one)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "upload '%s' not found; send the file again", id);
    if (out->fd < 0) {
        *out = (upload){0};
        return AKIN_FAIL(err, AKIN_EIO, "too many files are open");
    }
    name_path(out);
    return AKIN_OK;
}

bool uploads_remove(uploads *all, const char *id)
{
    pthread_mutex_lock(&all->lock);
    kept_upload *one = find(all, id);
    if (one) drop(all, one);
    pthread_mutex_unlock(&all->lock);
    return one != NULL;
}
