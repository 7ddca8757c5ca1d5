/* SPDX-License-Identifier: MIT
 * Zip, by PKWARE's APPNOTE: local header and bytes of each file, then the
 * central directory. Files are stored: sounds and pictures shrink little, and
 * whoever waits for them waits for the disk. Sizes and sums stand in the local
 * headers, so that readers need no data descriptors. */
#include "server/zip.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    VERSION = 20,
    UTF8_NAMES = 0x0800,
    DOS_DATE = (1980 - 1980) << 9 | 1 << 5 | 1, /* the same bytes every time */
    MAX_NAME = 1000,
};

static void put16(unsigned char *p, uint32_t value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
}

static void put32(unsigned char *p, uint32_t value)
{
    put16(p, value);
    put16(p + 2, value >> 16);
}

uint32_t zip_crc(uint32_t crc, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t part; n > 0; n -= part, p += part) {
        part = n < (1u << 30) ? n : 1u << 30;
        crc = (uint32_t)crc32(crc, p, (uInt)part);
    }
    return crc;
}

static bool is_safe_part(const char *part, size_t n)
{
    size_t dots = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)part[i];
        if (c < 0x20 || c == 0x7f || c == '\\' || c == ':') return false;
        dots += c == '.';
    }
    return n > 0 && dots < n;
}

bool zip_name_is_safe(const char *name)
{
    size_t n_name = strlen(name);
    if (n_name > MAX_NAME || !text_is_utf8(name, n_name)) return false;
    for (;;) {
        size_t n = strcspn(name, "/");
        if (!is_safe_part(name, n)) return false;
        if (!name[n]) return true;
        name += n + 1;
    }
}

static akin_status check(const zip_writer *z, const char *name, uint32_t size,
                         akin_error *err)
{
    if (!zip_name_is_safe(name))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' cannot be the name of a file in an archive",
                         name);
    for (size_t i = 0; i < z->n; i++)
        if (strcmp(z->entries[i].name, name) == 0)
            return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' is in the archive already",
                             name);
    uint64_t more = LOCAL_BYTES + CENTRAL_BYTES + 2 * strlen(name) + size;
    if (z->n < ZIP_MAX_FILES &&
        z->offset + z->n_directory + END_BYTES + more <= ZIP_MAX_BYTES)
        return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ELIMIT,
                     "an archive has at most %d files and 4 GiB", ZIP_MAX_FILES);
}

/* What local and central headers share, from the version on: 26 bytes. */
static void put_facts(unsigned char *p, const zip_entry *e)
{
    put16(p, VERSION);
    put16(p + 2, UTF8_NAMES);
    put16(p + 4, 0); /* stored */
    put16(p + 6, 0); /* midnight */
    put16(p + 8, DOS_DATE);
    put32(p + 10, e->crc);
    put32(p + 14, e->size);
    put32(p + 18, e->size);
    put16(p + 22, (uint32_t)strlen(e->name));
    put16(p + 24, 0);
}

static void put_out(zip_writer *z, const void *data, size_t n, text_buf *out)
{
    text_buf_put(out, data, n);
    z->offset += n;
}

akin_status zip_begin(zip_writer *z, const char *name, uint32_t size,
                      uint32_t crc, text_buf *out, akin_error *err)
{
    unsigned char head[LOCAL_BYTES] = "PK\3\4";
    void *p = z->entries;
    assert(z->n_left == 0);
    AKIN_TRY(check(z, name, size, err));
    akin_status status = mem_grow(&p, &z->cap, z->n + 1, sizeof *z->entries,
                                  ZIP_MAX_FILES, err);
    z->entries = p;
    AKIN_TRY(status);
    zip_entry e = {mem_strdup(name), crc, size, (uint32_t)z->offset};
    if (!e.name) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a zip");
    z->entries[z->n++] = e;
    z->n_left = size;
    z->n_directory += CENTRAL_BYTES + strlen(name);
    put_facts(head + 4, &e);
    put_out(z, head, sizeof head, out);
    put_out(z, name, strlen(name), out);
    return AKIN_OK;
}

void zip_put(zip_writer *z, const char *data, size_t n, text_buf *out)
{
    assert(n <= z->n_left);
    z->n_left -= (uint32_t)n;
    put_out(z, data, n, out);
}

void zip_finish(zip_writer *z, text_buf *out)
{
    uint64_t start = z->offset;
    unsigned char end[END_BYTES] = "PK\5\6";
    for (size_t i = 0; i < z->n; i++) {
        const zip_entry *e = &z->entries[i];
        unsigned char head[CENTRAL_BYTES] = "PK\1\2";
        put16(head + 4, VERSION);
        put_facts(head + 6, e);
        put32(head + 42, e->offset);
        put_out(z, head, sizeof head, out);
        put_out(z, e->name, strlen(e->name), out);
    }
    put16(end + 8, (uint32_t)z->n);
    put16(end + 10, (uint32_t)z->n);
    put32(end + 12, (uint32_t)(z->offset - start));
    put32(end + 16, (uint32_t)start);
    put_out(z, end, sizeof end, out);
}

void zip_clear(zip_writer *z)
{
    for (size_t i = 0; i < z->n; i++) mem_free(z->entries[i].name);
    mem_free(z->entries);
    *z = (zip_writer){0};
}
