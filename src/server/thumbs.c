/* SPDX-License-Identifier: MIT
 * The cache of what is made of files: a ring of slots by the hash of file, version and
 * size. A page of results asks for the same dozens again and again, and making
 * one takes some milliseconds.
 *
 * What goes first is what was not asked for the longest; found by a look at all
 * slots, of which there are few thousand. Making a picture takes no lock: two
 * who ask at once make it twice, and a turnstile lets no more do so at a time
 * than there are processors, for a large image takes much memory. */
#define _GNU_SOURCE
#include "server/thumbs.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "akin/media.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"

#define N_SLOTS 4096
#define LARGEST 16 /* one thing has at most such a part of the room */

typedef struct thumb {
    char key[HASH_HEX_BYTES]; /* "" is free */
    char *bytes;
    size_t n;
    uint64_t used; /* by the cache's own clock */
} thumb;

struct thumbs {
    pthread_mutex_t lock;
    sem_t turnstile;
    thumb slots[N_SLOTS];
    size_t n_bytes, max_bytes;
    uint64_t clock;
};

akin_status thumbs_new(size_t max_bytes, thumbs **out, akin_error *err)
{
    AKIN_TRY(mem_new_array(1, sizeof **out, "small pictures", (void **)out,
                           err));
    pthread_mutex_init(&(*out)->lock, NULL);
    sem_init(&(*out)->turnstile, 0, (unsigned)thread_count());
    (*out)->max_bytes = max_bytes;
    return AKIN_OK;
}

void thumbs_free(thumbs *t)
{
    if (!t) return;
    for (size_t i = 0; i < N_SLOTS; i++) mem_free(t->slots[i].bytes);
    sem_destroy(&t->turnstile);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

/* The path is left aside: the same file may be open under several names. */
static akin_status make_key(const thumbs_wish *wish, char key[HASH_HEX_BYTES],
                            akin_error *err)
{
    char text[128];
    file_stamp stamp = {0};
    hash_sha256 hash;
    AKIN_TRY(file_stat(wish->path, &stamp, err));
    snprintf(text, sizeof text, "%" PRId64 " %" PRId64 " %" PRIu64,
             stamp.size_bytes, stamp.mtime_ns, stamp.inode);
    hash_init(&hash);
    hash_put(&hash, text, strlen(text) + 1);
    hash_put(&hash, wish->what, strlen(wish->what));
    hash_finish_hex(&hash, key);
    return AKIN_OK;
}

/* ---- slots, with the lock held ------------------------------------------ */

static thumb *find(thumbs *t, const char *key)
{
    for (size_t i = 0; i < N_SLOTS; i++)
        if (strcmp(t->slots[i].key, key) == 0) return &t->slots[i];
    return NULL;
}

static void drop(thumbs *t, thumb *slot)
{
    t->n_bytes -= slot->n;
    mem_free(slot->bytes);
    *slot = (thumb){0};
}

/* A free slot and room for n bytes, by dropping what was not used longest. */
static thumb *make_room(thumbs *t, size_t n)
{
    if (n > t->max_bytes) return NULL;
    for (;;) {
        thumb *oldest = NULL, *unused = NULL;
        for (size_t i = 0; i < N_SLOTS; i++) {
            thumb *slot = &t->slots[i];
            if (!slot->bytes)
                unused = slot;
            else if (!oldest || slot->used < oldest->used)
                oldest = slot;
        }
        if (unused && t->n_bytes + n <= t->max_bytes) return unused;
        drop(t, oldest);
    }
}

/* ---- pictures ----------------------------------------------------------- */

static char *copy_bytes(const char *bytes, size_t n)
{
    char *copy = mem_array(n + 1, 1);
    if (copy) memcpy(copy, bytes, n);
    return copy;
}

/* An owned copy, or NULL. */
static char *recall(thumbs *t, const char *key, size_t *n)
{
    char *copy = NULL;
    pthread_mutex_lock(&t->lock);
    thumb *slot = find(t, key);
    if (slot) {
        slot->used = ++t->clock;
        *n = slot->n;
        copy = copy_bytes(slot->bytes, slot->n);
    }
    pthread_mutex_unlock(&t->lock);
    return copy;
}

static void keep(thumbs *t, const char *key, const char *bytes, size_t n)
{
    char *copy = n > t->max_bytes / LARGEST ? NULL : copy_bytes(bytes, n);
    if (!copy) return;
    pthread_mutex_lock(&t->lock);
    thumb *slot = find(t, key) ? NULL : make_room(t, n);
    if (slot) {
        memcpy(slot->key, key, HASH_HEX_BYTES);
        slot->bytes = copy;
        slot->n = n;
        slot->used = ++t->clock;
        t->n_bytes += n;
        copy = NULL;
    }
    pthread_mutex_unlock(&t->lock);
    mem_free(copy);
}

akin_status thumbs_get(thumbs *t, const thumbs_wish *wish,
                       const http_request *req, http_response *res,
                       char etag[THUMBS_TAG_BYTES], char **bytes, size_t *n,
                       akin_error *err)
{
    char key[HASH_HEX_BYTES];
    *bytes = NULL;
    AKIN_TRY(make_key(wish, key, err));
    snprintf(etag, THUMBS_TAG_BYTES, "\"%.32s\"", key);
    if (http_not_modified(req, res, etag)) return AKIN_OK;
    *bytes = recall(t, key, n);
    if (*bytes) return AKIN_OK;
    while (sem_wait(&t->turnstile) != 0) continue;
    akin_status status = wish->make(wish->user, bytes, n, err);
    sem_post(&t->turnstile);
    AKIN_TRY(status);
    keep(t, key, *bytes, *n);
    return AKIN_OK;
}

/* ---- small pictures ----------------------------------------------------- */

typedef struct small_picture {
    const char *path;
    double time_s;
    uint32_t max_side;
} small_picture;

static akin_status make_picture(void *user, char **out, size_t *n,
                                akin_error *err)
{
    const small_picture *wanted = user;
    unsigned char *bytes = NULL;
    AKIN_TRY(akin_picture_make(wanted->path, wanted->time_s, wanted->max_side,
                               &bytes, n, err));
    *out = copy_bytes((const char *)bytes, *n);
    akin_free(bytes);
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a picture");
}

akin_status thumbs_answer(thumbs *t, const char *path, double time_s,
                          uint32_t max_side, const http_request *req,
                          http_response *res, akin_error *err)
{
    small_picture wanted = {path, time_s, max_side};
    char what[80], etag[THUMBS_TAG_BYTES], *bytes;
    size_t n = 0;
    snprintf(what, sizeof what, "picture %.17g %" PRIu32, time_s, max_side);
    thumbs_wish wish = {path, what, make_picture, &wanted};
    AKIN_TRY(thumbs_get(t, &wish, req, res, etag, &bytes, &n, err));
    if (bytes) http_answer_bytes(res, "image/jpeg", bytes, n);
    return AKIN_OK;
}
