/* SPDX-License-Identifier: MIT
 * Writing a graph as a usearch file. */
#include <string.h>

#include "base/memory.h"
#include "interop/usearch.h"
#include "interop/usearch_int.h"

/* The version whose files these are, byte for byte. */
enum { VERSION_MAJOR = 2, VERSION_MINOR = 21, VERSION_PATCH = 0 };

static void put_u16(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
}

static void put_u32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> 8 * i);
}

static void put_u64(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) p[i] = (unsigned char)(v >> 8 * i);
}

static akin_status write_rows(file_writer *w, const graph *g, akin_error *err)
{
    unsigned char head[USEARCH_MATRIX_BYTES];
    size_t n = graph_size(g), row_bytes = 2 * graph_dim(g);
    put_u32(head, (uint32_t)n);
    put_u32(head + 4, (uint32_t)row_bytes);
    AKIN_TRY(file_writer_put(w, head, sizeof head, err));
    for (size_t i = 0; i < n; i++)
        AKIN_TRY(file_writer_put(w, graph_vector(g, (uint32_t)i), row_bytes,
                                 err));
    return AKIN_OK;
}

static akin_status write_heads(file_writer *w, const graph *g, akin_error *err)
{
    unsigned char head[USEARCH_HEAD_BYTES + USEARCH_GRAPH_BYTES] = {0};
    size_t n = graph_size(g);
    memcpy(head, USEARCH_MAGIC, USEARCH_MAGIC_BYTES);
    put_u16(head + 7, VERSION_MAJOR);
    put_u16(head + 9, VERSION_MINOR);
    put_u16(head + 11, VERSION_PATCH);
    head[13] = 'i';
    head[14] = USEARCH_F16;
    head[15] = USEARCH_U64;
    head[16] = USEARCH_U32;
    put_u64(head + 17, n - graph_n_removed(g));
    put_u64(head + 25, graph_n_removed(g));
    put_u64(head + 33, graph_dim(g));
    unsigned char *p = head + USEARCH_HEAD_BYTES;
    put_u64(p, n);
    put_u64(p + 8, graph_m(g));
    put_u64(p + 16, graph_m0(g));
    put_u64(p + 24, (uint64_t)(int64_t)graph_max_level(g));
    put_u64(p + 32, graph_entry(g));
    return file_writer_put(w, head, sizeof head, err);
}

static akin_status write_levels(file_writer *w, const graph *g, akin_error *err)
{
    for (size_t i = 0; i < graph_size(g); i++) {
        unsigned char level[2];
        put_u16(level, (unsigned)graph_level(g, (uint32_t)i));
        AKIN_TRY(file_writer_put(w, level, sizeof level, err));
    }
    return AKIN_OK;
}

static akin_status write_list(file_writer *w, const graph *g, uint32_t slot,
                              int level, unsigned char *buf, akin_error *err)
{
    size_t n, cap = level == 0 ? graph_m0(g) : graph_m(g);
    const uint32_t *links = graph_links(g, slot, level, &n);
    memset(buf, 0, 4 + 4 * cap);
    put_u32(buf, (uint32_t)n);
    for (size_t i = 0; i < n; i++) put_u32(buf + 4 + 4 * i, links[i]);
    return file_writer_put(w, buf, 4 + 4 * cap, err);
}

static akin_status write_nodes(file_writer *w, const graph *g,
                               unsigned char *buf, akin_error *err)
{
    for (uint32_t slot = 0; slot < graph_size(g); slot++) {
        unsigned char head[USEARCH_NODE_BYTES];
        put_u64(head, graph_key(g, slot));
        put_u16(head + 8, (unsigned)graph_level(g, slot));
        AKIN_TRY(file_writer_put(w, head, sizeof head, err));
        for (int l = 0; l <= graph_level(g, slot); l++)
            AKIN_TRY(write_list(w, g, slot, l, buf, err));
    }
    return AKIN_OK;
}

akin_status usearch_save(const char *path, const graph *g, akin_error *err)
{
    akin_status status = AKIN_OK;
    file_writer *w = NULL;
    void *buf = NULL;
    if (graph_dim(g) > USEARCH_MAX_DIM)
        return AKIN_FAIL(err, AKIN_ELIMIT, "vectors of %zu dimensions",
                         graph_dim(g));
    AKIN_TRYG(mem_new_array(1 + graph_m0(g), 4, "a list", &buf, err));
    AKIN_TRYG(file_writer_open(path, &w, err));
    AKIN_TRYG(write_rows(w, g, err));
    AKIN_TRYG(write_heads(w, g, err));
    AKIN_TRYG(write_levels(w, g, err));
    AKIN_TRYG(write_nodes(w, g, buf, err));
    file_writer *whole = w;
    w = NULL;
    AKIN_TRYG(file_writer_commit(whole, err));
done:
    file_writer_discard(w);
    mem_free(buf);
    return status;
}
