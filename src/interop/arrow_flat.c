/* SPDX-License-Identifier: MIT
 * FlatBuffers: every access is compared with the bounds of the buffer and of
 * its table, so that no separate pass has to verify a buffer first. */
#include "interop/arrow_flat.h"

#include <assert.h>
#include <string.h>

enum { VTABLE_HEAD = 4 }; /* its own bytes and the table's, u16 each */

int64_t arrow_load(const unsigned char *p, size_t n_bytes)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n_bytes; i++) bits |= (uint64_t)p[i] << 8 * i;
    switch (n_bytes) {
    case 1: return (int8_t)bits;
    case 2: return (int16_t)bits;
    case 4: return (int32_t)bits;
    default: return (int64_t)bits;
    }
}

/* ---- reading ---- */

static bool inside(arrow_flat *flat, size_t at, size_t n)
{
    if (at <= flat->n && n <= flat->n - at) return true;
    flat->bad = true;
    return false;
}

static size_t unsigned_at(const arrow_flat *flat, size_t at, size_t n_bytes)
{
    size_t value = 0;
    for (size_t i = 0; i < n_bytes; i++)
        value |= (size_t)flat->data[at + i] << 8 * i;
    return value;
}

/* Where the link that stands at `at` leads; 0: nowhere. */
static size_t follow(arrow_flat *flat, size_t at)
{
    if (!inside(flat, at, 4)) return 0;
    size_t distance = unsigned_at(flat, at, 4);
    if (distance == 0 || !inside(flat, at, distance)) {
        flat->bad = true;
        return 0;
    }
    return at + distance;
}

static arrow_table absent_table(arrow_flat *flat)
{
    return (arrow_table){.flat = flat};
}

static arrow_table table_at(arrow_flat *flat, size_t at)
{
    arrow_table t = {.flat = flat, .at = at};
    if (at == 0 || !inside(flat, at, 4)) return absent_table(flat);
    int64_t vtable = (int64_t)at - arrow_load(flat->data + at, 4);
    if (vtable < 0 || !inside(flat, (size_t)vtable, VTABLE_HEAD)) {
        flat->bad = true;
        return absent_table(flat);
    }
    t.vtable = (size_t)vtable;
    t.n_vtable = unsigned_at(flat, t.vtable, 2);
    t.n = unsigned_at(flat, t.vtable + 2, 2);
    if (t.n_vtable < VTABLE_HEAD || t.n < 4 ||
        !inside(flat, t.vtable, t.n_vtable) || !inside(flat, at, t.n)) {
        flat->bad = true;
        return absent_table(flat);
    }
    return t;
}

/* Where a field of n_bytes is; 0: it is absent. */
static size_t field_at(const arrow_table *t, unsigned slot, size_t n_bytes)
{
    size_t entry = VTABLE_HEAD + 2 * (size_t)slot;
    if (t->at == 0 || entry + 2 > t->n_vtable) return 0;
    size_t offset = unsigned_at(t->flat, t->vtable + entry, 2);
    if (offset == 0) return 0;
    if (offset < 4 || offset > t->n || n_bytes > t->n - offset) {
        t->flat->bad = true;
        return 0;
    }
    return t->at + offset;
}

arrow_table arrow_flat_root(arrow_flat *flat)
{
    return table_at(flat, follow(flat, 0));
}

arrow_table arrow_flat_table(const arrow_table *t, unsigned slot)
{
    size_t at = field_at(t, slot, 4);
    return at ? table_at(t->flat, follow(t->flat, at)) : absent_table(t->flat);
}

int64_t arrow_flat_int(const arrow_table *t, unsigned slot, size_t n_bytes,
                       int64_t absent)
{
    size_t at = field_at(t, slot, n_bytes);
    return at ? arrow_load(t->flat->data + at, n_bytes) : absent;
}

arrow_vector arrow_flat_vector(const arrow_table *t, unsigned slot,
                               size_t item_bytes)
{
    arrow_vector v = {.flat = t->flat, .item_bytes = item_bytes};
    size_t at = field_at(t, slot, 4);
    if (at) at = follow(t->flat, at);
    if (at == 0 || !inside(t->flat, at, 4)) return v;
    size_t n = unsigned_at(t->flat, at, 4);
    if (n > (t->flat->n - at - 4) / item_bytes) {
        t->flat->bad = true;
        return v;
    }
    v.at = at + 4;
    v.n = n;
    return v;
}

const unsigned char *arrow_flat_item(const arrow_vector *v, size_t i)
{
    assert(i < v->n);
    return v->flat->data + v->at + i * v->item_bytes;
}

arrow_table arrow_flat_item_table(const arrow_vector *v, size_t i)
{
    assert(i < v->n && v->item_bytes == 4);
    return table_at(v->flat, follow(v->flat, v->at + 4 * i));
}

const char *arrow_flat_text(const arrow_table *t, unsigned slot)
{
    arrow_vector v = arrow_flat_vector(t, slot, 1);
    if (v.at == 0) return NULL;
    const unsigned char *text = v.flat->data + v.at;
    if (!inside(v.flat, v.at, v.n + 1) || text[v.n] != 0 ||
        memchr(text, 0, v.n)) {
        v.flat->bad = true;
        return NULL;
    }
    return (const char *)text;
}

/* ---- building ---- */

static void put_zeros(text_buf *buf, size_t n)
{
    static const char zeros[64];
    for (size_t some; n > 0 && buf->status == AKIN_OK; n -= some) {
        some = n < sizeof zeros ? n : sizeof zeros;
        text_buf_put(buf, zeros, some);
    }
}

/* So that what comes `ahead` bytes later is aligned. */
static void put_padding(text_buf *buf, size_t ahead, size_t align)
{
    put_zeros(buf, (align - (buf->n + ahead) % align) % align);
}

void arrow_flat_set(text_buf *buf, size_t at, size_t n_bytes, int64_t value)
{
    if (buf->status != AKIN_OK) return;
    assert(at + n_bytes <= buf->n);
    for (size_t i = 0; i < n_bytes; i++)
        buf->data[at + i] = (char)((uint64_t)value >> 8 * i);
}

/* Lets the link lead to the end of the buffer. */
static void set_link(text_buf *buf, size_t link)
{
    arrow_flat_set(buf, link, 4, (int64_t)(buf->n - link));
}

void arrow_flat_start(text_buf *buf, size_t max_bytes)
{
    text_buf_init(buf, max_bytes);
    put_zeros(buf, 4);
}

arrow_places arrow_flat_put_table(text_buf *buf, size_t link,
                                  const char *sizes)
{
    arrow_places places = {0};
    size_t n_slots = strlen(sizes), n = 4, n_vtable = VTABLE_HEAD + 2 * n_slots;
    assert(n_slots <= sizeof places.at / sizeof *places.at);
    for (size_t i = 0; i < n_slots; i++) {
        size_t size = (size_t)(sizes[i] - '0');
        if (size == 0) continue;
        n = (n + size - 1) / size * size;
        places.at[i] = n;
        n += size;
    }
    put_padding(buf, n_vtable, 8);
    size_t vtable = buf->n;
    put_zeros(buf, n_vtable);
    arrow_flat_set(buf, vtable, 2, (int64_t)n_vtable);
    arrow_flat_set(buf, vtable + 2, 2, (int64_t)n);
    set_link(buf, link);
    size_t table = buf->n;
    put_zeros(buf, n);
    arrow_flat_set(buf, table, 4, (int64_t)n_vtable);
    for (size_t i = 0; i < n_slots; i++) {
        arrow_flat_set(buf, vtable + VTABLE_HEAD + 2 * i, 2,
                       (int64_t)places.at[i]);
        places.at[i] += table;
    }
    return places;
}

size_t arrow_flat_put_vector(text_buf *buf, size_t link, size_t n,
                             size_t item_bytes)
{
    put_padding(buf, 4, item_bytes == 4 ? 4 : 8);
    set_link(buf, link);
    size_t count = buf->n;
    put_zeros(buf, 4);
    arrow_flat_set(buf, count, 4, (int64_t)n);
    size_t at = buf->n;
    put_zeros(buf, n * item_bytes);
    return at;
}

void arrow_flat_put_text(text_buf *buf, size_t link, const char *text)
{
    put_padding(buf, 0, 4);
    set_link(buf, link);
    size_t n = strlen(text), count = buf->n;
    put_zeros(buf, 4);
    arrow_flat_set(buf, count, 4, (int64_t)n);
    text_buf_put(buf, text, n + 1);
}
