/* SPDX-License-Identifier: MIT
 * .npz: the array of a zip that holds the vectors (PKWARE's APPNOTE, with its
 * ZIP64). Members are found by the directory at the end and read in one pass,
 * stored ones where they lie in the map, deflated ones a piece at a time. What
 * the directory says of a size is compared with the file, and with what
 * deflate can do at best, before anything of that size is made. */
#define ZLIB_CONST
#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "interop/npy_int.h"

enum {
    NPZ_END_BYTES = 22, /* behind it a comment of 65535 bytes at most */
    NPZ_END64_BYTES = 56,
    NPZ_LOCATOR_BYTES = 20,
    NPZ_ENTRY_BYTES = 46,
    NPZ_LOCAL_BYTES = 30,
    NPZ_MAX_MEMBERS = 65535,
    NPZ_MAX_EXTRA = 1 << 20,  /* bytes of a member behind its array */
    NPZ_DEFLATE_RATIO = 1032, /* 258 bytes of 2 bits */
    NPZ_PIECE = 1 << 30,      /* zlib counts in unsigned int */
    NPZ_ENCRYPTED = 1,
    NPZ_STORED = 0,
    NPZ_DEFLATED = 8,
    NPZ_ZIP64 = 1, /* tag of an extra field */
};

typedef struct npz_file {
    const char *path;
    const unsigned char *data;
    size_t n;
    size_t dir_at, dir_end;
    uint64_t n_members;
} npz_file;

/* A member as the directory has it. */
typedef struct npz_member {
    const char *name; /* not ended */
    size_t n_name;
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed_bytes, bytes, local_at;
} npz_member;

static akin_status npz_corrupt(const npz_file *z, const char *what,
                               akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is not a .npz file: %s", z->path,
                     what);
}

static bool npz_is(const unsigned char *p, const char *mark)
{
    return memcmp(p, mark, 4) == 0;
}

/* ---- the directory ----------------------------------------------------- */

/* Where the end record is: the last one whose comment fits behind it. */
static bool npz_find_end(const npz_file *z, size_t *out)
{
    if (z->n < NPZ_END_BYTES) return false;
    size_t last = z->n - NPZ_END_BYTES;
    for (size_t back = 0; back <= npy_min(last, 65535); back++) {
        const unsigned char *p = z->data + last - back;
        if (!npz_is(p, "PK\5\6") || npy_u16(p + 20) > back) continue;
        *out = last - back;
        return true;
    }
    return false;
}

/* The ZIP64 record, if the locator in front of the end record has one. */
static const unsigned char *npz_find_end64(const npz_file *z, size_t end_at)
{
    if (end_at < NPZ_LOCATOR_BYTES + NPZ_END64_BYTES) return NULL;
    const unsigned char *locator = z->data + end_at - NPZ_LOCATOR_BYTES;
    if (!npz_is(locator, "PK\6\7")) return NULL;
    uint64_t at = npy_u64(locator + 8);
    if (at > end_at - NPZ_LOCATOR_BYTES - NPZ_END64_BYTES) return NULL;
    const unsigned char *p = z->data + at;
    return npz_is(p, "PK\6\6") ? p : NULL;
}

static akin_status npz_find_directory(npz_file *z, akin_error *err)
{
    size_t end_at = 0;
    if (!npz_find_end(z, &end_at))
        return npz_corrupt(z, "it has no directory", err);
    const unsigned char *p = z->data + end_at;
    uint64_t n = npy_u16(p + 10), bytes = npy_u32(p + 12);
    uint64_t at = npy_u32(p + 16);
    const unsigned char *p64 = npz_find_end64(z, end_at);
    if (p64) {
        n = npy_u64(p64 + 32);
        bytes = npy_u64(p64 + 40);
        at = npy_u64(p64 + 48);
    }
    if (at > end_at || bytes > end_at - at || n > bytes / NPZ_ENTRY_BYTES)
        return npz_corrupt(z, "its directory does not fit", err);
    if (n > NPZ_MAX_MEMBERS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "'%s' has more than %d members",
                         z->path, NPZ_MAX_MEMBERS);
    z->dir_at = (size_t)at;
    z->dir_end = (size_t)(at + bytes);
    z->n_members = n;
    return AKIN_OK;
}

/* Replaces each number that did not fit into 32 bits. */
static bool npz_parse_zip64(const unsigned char *p, size_t n, npz_member *m)
{
    uint64_t *fields[] = {&m->bytes, &m->packed_bytes, &m->local_at};
    for (size_t i = 0; i < 3; i++) {
        if (*fields[i] != UINT32_MAX) continue;
        if (n < 8) return false;
        *fields[i] = npy_u64(p);
        p += 8;
        n -= 8;
    }
    return true;
}

/* Other extra fields are skipped; one that is cut ends them. */
static bool npz_parse_extra(const unsigned char *p, size_t n, npz_member *m)
{
    while (n >= 4) {
        unsigned tag = npy_u16(p);
        size_t bytes = npy_u16(p + 2);
        if (bytes > n - 4) break;
        if (tag == NPZ_ZIP64) return npz_parse_zip64(p + 4, bytes, m);
        p += 4 + bytes;
        n -= 4 + bytes;
    }
    return true;
}

/* Sizes are as the directory says, and not compared with anything. */
static akin_status npz_next(const npz_file *z, size_t *at, npz_member *m,
                            akin_error *err)
{
    const unsigned char *p = z->data + *at;
    if (z->dir_end - *at < NPZ_ENTRY_BYTES || !npz_is(p, "PK\1\2"))
        return npz_corrupt(z, "its directory is damaged", err);
    size_t n_name = npy_u16(p + 28), n_extra = npy_u16(p + 30);
    size_t n = NPZ_ENTRY_BYTES + n_name + n_extra + npy_u16(p + 32);
    *m = (npz_member){
        .name = (const char *)p + NPZ_ENTRY_BYTES,
        .n_name = n_name,
        .flags = npy_u16(p + 8),
        .method = npy_u16(p + 10),
        .crc = npy_u32(p + 16),
        .packed_bytes = npy_u32(p + 20),
        .bytes = npy_u32(p + 24),
        .local_at = npy_u32(p + 42),
    };
    if (n > z->dir_end - *at ||
        !npz_parse_extra(p + NPZ_ENTRY_BYTES + n_name, n_extra, m))
        return npz_corrupt(z, "its directory is damaged", err);
    *at += n;
    return AKIN_OK;
}

/* ---- the bytes of a member --------------------------------------------- */

typedef struct npz_stream {
    npy_stream base; /* first, so that take finds the rest */
    const npz_member *member;
    char *subject;
    const unsigned char *packed;
    size_t packed_left;
    uint32_t crc; /* of what was taken */
    bool inflating, ended;
    z_stream zlib;
    unsigned char *buffer;
    size_t cap;
} npz_stream;

static void *npz_zlib_alloc(void *user, unsigned n, unsigned size)
{
    (void)user;
    return mem_array(n, size);
}

static void npz_zlib_free(void *user, void *p)
{
    (void)user;
    mem_free(p);
}

static akin_status npz_damaged(const npz_stream *s, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ECORRUPT, "%s is damaged", s->base.subject);
}

/* Up to n bytes; fewer only where the deflated data ends. */
static akin_status npz_inflate(npz_stream *s, size_t n, unsigned char *out,
                               size_t *n_out, akin_error *err)
{
    int code = Z_OK;
    size_t n_done = 0;
    while (n_done < n && code == Z_OK) {
        unsigned in = (unsigned)npy_min(s->packed_left, NPZ_PIECE);
        unsigned room = (unsigned)npy_min(n - n_done, NPZ_PIECE);
        s->zlib.next_in = s->packed;
        s->zlib.avail_in = in;
        s->zlib.next_out = out + n_done;
        s->zlib.avail_out = room;
        code = inflate(&s->zlib, Z_NO_FLUSH);
        s->packed += in - s->zlib.avail_in;
        s->packed_left -= in - s->zlib.avail_in;
        n_done += room - s->zlib.avail_out;
    }
    *n_out = n_done;
    s->ended = code == Z_STREAM_END;
    if (code == Z_MEM_ERROR)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %s",
                         s->base.subject);
    return code == Z_OK || s->ended ? AKIN_OK : npz_damaged(s, err);
}

static akin_status npz_take_deflated(npz_stream *s, size_t n,
                                     const unsigned char **out, akin_error *err)
{
    size_t n_got = 0;
    if (n > s->cap) {
        void *p;
        mem_free(s->buffer);
        s->buffer = NULL;
        s->cap = 0;
        AKIN_TRY(mem_new_array(n, 1, s->base.subject, &p, err));
        s->buffer = p;
        s->cap = n;
    }
    *out = s->buffer;
    AKIN_TRY(npz_inflate(s, n, s->buffer, &n_got, err));
    return n_got == n ? AKIN_OK : npz_damaged(s, err);
}

static akin_status npz_take(npy_stream *base, size_t n,
                            const unsigned char **out, akin_error *err)
{
    npz_stream *s = (npz_stream *)base;
    assert(n <= base->left);
    if (s->inflating) {
        AKIN_TRY(npz_take_deflated(s, n, out, err));
    } else {
        *out = s->packed;
        s->packed += n;
    }
    if (n > 0) s->crc = (uint32_t)crc32_z(s->crc, *out, n);
    base->left -= n;
    return AKIN_OK;
}

/* Where the member's data begins: the local header has a name and extra fields
 * of its own. */
static akin_status npz_find_data(const npz_file *z, const npz_member *m,
                                 npz_stream *s, akin_error *err)
{
    if (m->local_at > z->dir_at || z->dir_at - m->local_at < NPZ_LOCAL_BYTES)
        return npz_damaged(s, err);
    const unsigned char *p = z->data + m->local_at;
    uint64_t at = m->local_at + NPZ_LOCAL_BYTES + npy_u16(p + 26) +
                  npy_u16(p + 28);
    if (!npz_is(p, "PK\3\4") || at > z->dir_at ||
        m->packed_bytes > z->dir_at - at || m->bytes > SIZE_MAX)
        return npz_damaged(s, err);
    bool possible = m->method == NPZ_STORED
                        ? m->bytes == m->packed_bytes
                        : m->bytes / NPZ_DEFLATE_RATIO <= m->packed_bytes;
    if (!possible) return npz_damaged(s, err);
    s->packed = z->data + at;
    s->packed_left = (size_t)m->packed_bytes;
    s->base.left = (size_t)m->bytes;
    return AKIN_OK;
}

static void npz_close(npz_stream *s)
{
    if (s->inflating) inflateEnd(&s->zlib);
    mem_free(s->buffer);
    mem_free(s->subject);
}

/* Opened or not, s is to be closed. */
static akin_status npz_open(const npz_file *z, const npz_member *m,
                            npz_stream *s, akin_error *err)
{
    char shown[NPY_SHOWN];
    npy_show(m->name, m->n_name, shown);
    *s = (npz_stream){.base.take = npz_take, .member = m};
    s->base.subject = s->subject = text_format("'%s' in '%s'", shown, z->path);
    if (!s->subject)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", z->path);
    if (m->flags & NPZ_ENCRYPTED)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED, "%s is encrypted", s->subject);
    if (m->method != NPZ_STORED && m->method != NPZ_DEFLATED)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "%s is compressed by method %u, not deflated",
                         s->subject, m->method);
    AKIN_TRY(npz_find_data(z, m, s, err));
    if (m->method == NPZ_STORED) return AKIN_OK;
    s->zlib.zalloc = npz_zlib_alloc;
    s->zlib.zfree = npz_zlib_free;
    if (inflateInit2(&s->zlib, -MAX_WBITS) != Z_OK)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %s", s->subject);
    s->inflating = true;
    return AKIN_OK;
}

/* The numbers are read: what is behind them counts for the checksum, and the
 * deflated data has to end there. */
static akin_status npz_finish(npz_stream *s, akin_error *err)
{
    const unsigned char *rest;
    unsigned char more;
    size_t n_more = 0;
    if (s->base.left > NPZ_MAX_EXTRA)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "%s has %zu bytes behind its array", s->subject,
                         s->base.left);
    AKIN_TRY(npz_take(&s->base, s->base.left, &rest, err));
    if (s->inflating && !s->ended)
        AKIN_TRY(npz_inflate(s, 1, &more, &n_more, err));
    if (n_more > 0) return npz_damaged(s, err);
    if (s->crc != s->member->crc)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "%s is damaged: its checksum differs", s->subject);
    return AKIN_OK;
}

/* ---- which member ------------------------------------------------------ */

static bool npz_is_array(const npz_member *m)
{
    return m->n_name >= 4 && memcmp(m->name + m->n_name - 4, ".npy", 4) == 0;
}

/* The place of the name in our order of preference; 0 is not in it. */
static int npz_rank(const npz_member *m)
{
    static const char *const names[] = {"arr_0", "embeddings", "vectors"};
    if (!npz_is_array(m)) return 0;
    for (int i = 0; i < 3; i++)
        if (m->n_name - 4 == strlen(names[i]) &&
            memcmp(m->name, names[i], m->n_name - 4) == 0)
            return i + 1;
    return 0;
}

/* Of two members with one name the later counts, as in Python. */
static akin_status npz_choose_by_name(const npz_file *z, npz_member *out,
                                      bool *found, akin_error *err)
{
    size_t at = z->dir_at;
    int best = 1;
    for (uint64_t i = 0; i < z->n_members; i++) {
        npz_member m;
        AKIN_TRY(npz_next(z, &at, &m, err));
        int rank = npz_rank(&m);
        if (rank < best) continue;
        best = rank;
        *out = m;
        *found = true;
    }
    return AKIN_OK;
}

/* A member whose header cannot be read is no matrix, except for want of
 * memory. */
static akin_status npz_is_matrix(const npz_file *z, const npz_member *m,
                                 bool *out, akin_error *err)
{
    npz_stream s;
    npy_header h = {0};
    akin_error why = {0};
    *out = false;
    if (!npz_is_array(m)) return AKIN_OK;
    akin_status status = npz_open(z, m, &s, &why);
    if (status == AKIN_OK)
        status = npy_header_read(&s.base, NPY_VECTORS, &h, &why);
    npz_close(&s);
    *out = status == AKIN_OK && h.n_axes == 2;
    if (status != AKIN_ENOMEM) return AKIN_OK;
    return AKIN_FAIL(err, status, "%s", why.text);
}

static akin_status npz_choose_matrix(const npz_file *z, npz_member *out,
                                     bool *found, akin_error *err)
{
    size_t at = z->dir_at;
    int n_found = 0;
    for (uint64_t i = 0; i < z->n_members && n_found < 2; i++) {
        npz_member m;
        bool matrix = false;
        AKIN_TRY(npz_next(z, &at, &m, err));
        AKIN_TRY(npz_is_matrix(z, &m, &matrix, err));
        if (!matrix) continue;
        *out = m;
        n_found++;
    }
    *found = n_found == 1;
    return AKIN_OK;
}

/* Names as they fit into a message, then "...". */
static void npz_list(const npz_file *z, char *out, size_t room)
{
    size_t at = z->dir_at, n_out = 0;
    out[0] = 0;
    for (uint64_t i = 0; i < z->n_members; i++) {
        npz_member m;
        char shown[NPY_SHOWN];
        if (npz_next(z, &at, &m, NULL) != AKIN_OK) return;
        npy_show(m.name, m.n_name - (npz_is_array(&m) ? 4 : 0), shown);
        size_t n = strlen(shown);
        if (n_out + 2 + n + 5 >= room) {
            memcpy(out + n_out, ", ...", 6);
            return;
        }
        if (i > 0) {
            memcpy(out + n_out, ", ", 2);
            n_out += 2;
        }
        memcpy(out + n_out, shown, n + 1);
        n_out += n;
    }
}

static akin_status npz_choose(const npz_file *z, npz_member *out,
                              akin_error *err)
{
    char list[200];
    bool found = false;
    AKIN_TRY(npz_choose_by_name(z, out, &found, err));
    if (!found) AKIN_TRY(npz_choose_matrix(z, out, &found, err));
    if (found) return AKIN_OK;
    if (z->n_members == 0)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED, "'%s' holds no arrays",
                         z->path);
    npz_list(z, list, sizeof list);
    return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                     "'%s' has no array 'vectors', 'embeddings' or 'arr_0', "
                     "nor exactly one of numbers with two axes: it holds %s",
                     z->path, list);
}

akin_status npz_read_vectors(const char *path, const file_map *map,
                             size_t max_values, npy_vectors *out,
                             akin_error *err)
{
    npz_file z = {.path = path, .data = map->data, .n = map->n};
    npz_member m;
    npz_stream s;
    AKIN_TRY(npz_find_directory(&z, err));
    AKIN_TRY(npz_choose(&z, &m, err));
    akin_status status = npz_open(&z, &m, &s, err);
    if (status == AKIN_OK)
        status = npy_stream_read(&s.base, max_values, out, err);
    if (status == AKIN_OK) status = npz_finish(&s, err);
    npz_close(&s);
    if (status != AKIN_OK) {
        mem_free(out->data);
        *out = (npy_vectors){0};
    }
    return status;
}
