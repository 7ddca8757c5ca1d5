/* SPDX-License-Identifier: MIT
 * Reading usearch files: sizes and bounds at once, nodes when asked for.
 *
 * Slots have nodes of several sizes; where one begins is the sum of those
 * before it, of which every 64th is kept. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "interop/usearch.h"
#include "interop/usearch_int.h"

enum { STRIDE = 64 };

struct usearch_file {
    file_map map;
    usearch_info info;
    char *path;
    const unsigned char *levels, *nodes;
    int max_level;
    uint32_t entry;
    size_t *node_at; /* [n_rows / STRIDE + 1] offset of every STRIDE-th node */
    bool ascending;  /* keys are, so that they can be bisected */
    bool has_table;  /* or a table was made */
    usearch_entry *table; /* live keys */
    size_t n_table;
};

#define BAD(file, ...)                                                         \
    error_prefix(err, AKIN_FAIL(err, AKIN_ECORRUPT, __VA_ARGS__), "'%s'",      \
                 (file)->path)

/* ---- header ---- */

/* Kinds of scalars before version 2.10, as of today. */
static int scalar_of_old(int kind)
{
    static const int today[] = {0,  1,  2,  3,  10, 11, 12, 13,
                                14, 15, 17, 20, 21, 22, 23};
    return kind < (int)(sizeof today / sizeof *today) ? today[kind] : kind;
}

/* Finds the head behind the vectors, or says what else the file is. */
static akin_status find_head(usearch_file *f, size_t *head_at, akin_error *err)
{
    const unsigned char *p = f->map.data;
    size_t n = f->map.n;
    if (n >= USEARCH_MAGIC_BYTES && memcmp(p, USEARCH_MAGIC,
                                           USEARCH_MAGIC_BYTES) == 0)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is a usearch file without vectors", f->path);
    if (n < USEARCH_MATRIX_BYTES + USEARCH_HEAD_BYTES + USEARCH_GRAPH_BYTES)
        return BAD(f, "too short for a usearch file, %zu bytes", n);
    uint64_t rows = usearch_u32(p), cols = usearch_u32(p + 4);
    uint64_t at = USEARCH_MATRIX_BYTES + rows * cols; /* below 2^64 */
    uint64_t last = n - USEARCH_HEAD_BYTES - USEARCH_GRAPH_BYTES;
    if (at <= last && memcmp(p + at, USEARCH_MAGIC, USEARCH_MAGIC_BYTES) == 0) {
        f->info.n_rows = rows;
        *head_at = at;
        return AKIN_OK;
    }
    uint64_t wide;
    if (!__builtin_mul_overflow(usearch_u64(p), usearch_u64(p + 8), &wide) &&
        last >= 16 && wide <= last - 16 &&
        memcmp(p + 16 + wide, USEARCH_MAGIC, USEARCH_MAGIC_BYTES) == 0)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is a usearch file with 64-bit sizes", f->path);
    return BAD(f, "not a usearch file, or cut off within its vectors");
}

static akin_status read_head(usearch_file *f, const unsigned char *p,
                             akin_error *err)
{
    usearch_info *info = &f->info;
    info->major = usearch_u16(p + 7);
    info->minor = usearch_u16(p + 9);
    info->patch = usearch_u16(p + 11);
    if (info->major != 2)
        return AKIN_FAIL(err, AKIN_EVERSION,
                         "'%s' is of usearch version %u.%u, not 2", f->path,
                         info->major, info->minor);
    int kinds[3] = {p[14], p[15], p[16]};
    for (int i = 0; i < 3 && info->minor < 10; i++)
        kinds[i] = scalar_of_old(kinds[i]);
    info->metric = (char)p[13];
    info->scalar = kinds[0];
    if (!p[13] || !strchr("icephdbtsj", p[13]))
        return BAD(f, "unknown metric %d", p[13]);
    if (info->scalar != USEARCH_F16)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' holds scalars of kind %d, not float16", f->path,
                         info->scalar);
    if (kinds[1] != USEARCH_U64 || kinds[2] != USEARCH_U32)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has keys of kind %d and slots of kind %d, not "
                         "u64 and u32", f->path, kinds[1], kinds[2]);
    if (p[41])
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has several vectors a key", f->path);
    uint64_t present = usearch_u64(p + 17), deleted = usearch_u64(p + 25);
    uint64_t dim = usearch_u64(p + 33), cols = usearch_u32(f->map.data + 4);
    if (dim == 0 || dim > USEARCH_MAX_DIM || cols != 2 * dim)
        return BAD(f, "%llu dimensions in rows of %llu bytes",
                   (unsigned long long)dim, (unsigned long long)cols);
    if (present > info->n_rows || deleted != info->n_rows - present)
        return BAD(f, "%llu present and %llu deleted of %zu rows",
                   (unsigned long long)present, (unsigned long long)deleted,
                   info->n_rows);
    info->dim = dim;
    info->n_present = present;
    return AKIN_OK;
}

static akin_status read_graph_head(usearch_file *f, const unsigned char *p,
                                   akin_error *err)
{
    uint64_t size = usearch_u64(p), entry = usearch_u64(p + 32);
    uint64_t m = usearch_u64(p + 8), m0 = usearch_u64(p + 16);
    f->max_level = usearch_i16(p + 24);
    f->entry = (uint32_t)entry;
    f->info.m = m = m ? m : 16;
    f->info.m0 = m0 = m0 ? m0 : 2 * m;
    if (size != f->info.n_rows)
        return BAD(f, "a graph of %llu slots over %zu rows",
                   (unsigned long long)size, f->info.n_rows);
    if (m < 2 || m > USEARCH_MAX_LINKS || m0 < m ||
        m0 > 16 * USEARCH_MAX_LINKS)
        return BAD(f, "%llu and %llu links a list", (unsigned long long)m,
                   (unsigned long long)m0);
    if (size == 0) return AKIN_OK;
    if (entry >= size || f->max_level < 0)
        return BAD(f, "entry slot %llu at level %d of %llu slots",
                   (unsigned long long)entry, f->max_level,
                   (unsigned long long)size);
    return AKIN_OK;
}

/* Bounds every level, and with them the nodes. */
static akin_status read_levels(usearch_file *f, akin_error *err)
{
    size_t n = f->info.n_rows, end = f->map.n;
    size_t levels_at = (size_t)(f->levels - f->map.data);
    if (n > (end - levels_at) / 2) return BAD(f, "cut off within its levels");
    void *p;
    AKIN_TRY(mem_new_array(n / STRIDE + 1, sizeof *f->node_at, "offsets", &p,
                           err));
    f->node_at = p;
    size_t at = levels_at + 2 * n;
    f->nodes = f->map.data + at;
    for (size_t i = 0; i < n; i++) {
        int level = usearch_i16(f->levels + 2 * i);
        if (level < 0 || level > f->max_level)
            return BAD(f, "slot %zu at level %d of %d", i, level,
                       f->max_level);
        size_t bytes = usearch_node_bytes(f->info.m, f->info.m0, level);
        if (bytes > end - at) return BAD(f, "cut off at slot %zu of %zu", i, n);
        if (i % STRIDE == 0) f->node_at[i / STRIDE] = at;
        at += bytes;
    }
    if (n && usearch_i16(f->levels + 2 * (size_t)f->entry) != f->max_level)
        return BAD(f, "the entry slot %u is not at level %d", f->entry,
                   f->max_level);
    return AKIN_OK;
}

/* ---- nodes ---- */

static const unsigned char *node_of(const usearch_file *f, size_t slot)
{
    size_t at = f->node_at[slot / STRIDE], first = slot - slot % STRIDE;
    size_t levels = 0;
    for (size_t i = first; i < slot; i++)
        levels += usearch_u16(f->levels + 2 * i);
    at += (slot - first) * usearch_node_bytes(f->info.m, f->info.m0, 0) +
          levels * usearch_list_bytes(f->info.m);
    return f->map.data + at;
}

static int level_of(const usearch_file *f, size_t slot)
{
    return usearch_i16(f->levels + 2 * slot);
}

/* One list of a node; *p goes on to the next. */
typedef struct list {
    const unsigned char *slots;
    size_t n, cap;
} list;

static list next_list(const usearch_file *f, const unsigned char **p, int level)
{
    list l = {.cap = level == 0 ? f->info.m0 : f->info.m};
    l.n = usearch_u32(*p);
    l.slots = *p + 4;
    *p += usearch_list_bytes(l.cap);
    return l;
}

static bool is_good_link(const usearch_file *f, uint32_t slot, int level)
{
    return slot < f->info.n_rows && level_of(f, slot) >= level;
}

static akin_status check_node(const usearch_file *f, size_t slot,
                              const unsigned char **p, akin_error *err)
{
    int level = usearch_i16(*p + 8);
    if (level != level_of(f, slot))
        return BAD(f, "slot %zu at levels %d and %d", slot, level,
                   level_of(f, slot));
    *p += USEARCH_NODE_BYTES;
    for (int l = 0; l <= level; l++) {
        list links = next_list(f, p, l);
        if (links.n > links.cap)
            return BAD(f, "slot %zu has %zu links in a list of %zu", slot,
                       links.n, links.cap);
        for (size_t i = 0; i < links.n; i++) {
            uint32_t to = usearch_u32(links.slots + 4 * i);
            if (!is_good_link(f, to, l))
                return BAD(f, "slot %zu has a bad link to %u at level %d",
                           slot, to, l);
        }
    }
    return AKIN_OK;
}

static akin_status make_table(usearch_file *f, akin_error *err);

static akin_status check_keys(usearch_file *f, akin_error *err)
{
    AKIN_TRY(make_table(f, err));
    if (f->ascending) return AKIN_OK;
    for (size_t i = 1; i < f->n_table; i++)
        if (f->table[i].key == f->table[i - 1].key)
            return BAD(f, "key %llu in slots %u and %u",
                       (unsigned long long)f->table[i].key,
                       f->table[i - 1].slot, f->table[i].slot);
    return AKIN_OK;
}

static akin_status check_structure(usearch_file *f, akin_error *err)
{
    const unsigned char *p = f->nodes;
    size_t n_free = 0;
    for (size_t i = 0; i < f->info.n_rows; i++) {
        n_free += usearch_u64(p) == GRAPH_FREE_KEY;
        AKIN_TRY(check_node(f, i, &p, err));
    }
    if (n_free != f->info.n_rows - f->info.n_present)
        return BAD(f, "%zu of %zu slots are free, not %zu", n_free,
                   f->info.n_rows, f->info.n_rows - f->info.n_present);
    return check_keys(f, err);
}

/* ---- the file ---- */

akin_status usearch_open(const char *path, usearch_level level,
                         usearch_file **out, akin_error *err)
{
    akin_status status = AKIN_OK;
    size_t head_at = 0;
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof(usearch_file), "an index file", &p, err));
    usearch_file *f = p;
    AKIN_TRYG(file_map_open(&f->map, path, err));
    f->info.stamp = f->map.stamp;
    f->path = mem_strdup(path);
    if (!f->path) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
        goto done;
    }
    AKIN_TRYG(find_head(f, &head_at, err));
    AKIN_TRYG(read_head(f, f->map.data + head_at, err));
    head_at += USEARCH_HEAD_BYTES;
    AKIN_TRYG(read_graph_head(f, f->map.data + head_at, err));
    f->levels = f->map.data + head_at + USEARCH_GRAPH_BYTES;
    AKIN_TRYG(read_levels(f, err));
    if (level == USEARCH_STRUCTURE) AKIN_TRYG(check_structure(f, err));
    *out = f;
    f = NULL;
done:
    usearch_close(f);
    return status;
}

void usearch_close(usearch_file *f)
{
    if (!f) return;
    mem_free(f->table);
    mem_free(f->node_at);
    mem_free(f->path);
    file_map_close(&f->map);
    mem_free(f);
}

const usearch_info *usearch_get_info(const usearch_file *f)
{
    return &f->info;
}

const unsigned char *usearch_vectors(const usearch_file *f)
{
    return f->map.data + USEARCH_MATRIX_BYTES;
}

uint64_t usearch_key(const usearch_file *f, size_t slot)
{
    assert(slot < f->info.n_rows);
    return usearch_u64(node_of(f, slot));
}

/* ---- looking up keys ---- */

static int compare_entries(const void *a, const void *b)
{
    const usearch_entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

void usearch_sort_entries(usearch_entry *entries, size_t n)
{
    if (n) qsort(entries, n, sizeof *entries, compare_entries);
}

/* Keys in ascending order, as an importer writes them, need no table. */
static akin_status make_table(usearch_file *f, akin_error *err)
{
    size_t n = f->info.n_rows, n_live = 0;
    uint64_t last = 0;
    bool ascending = true;
    const unsigned char *p = f->nodes;
    for (size_t i = 0; i < n; i++) {
        uint64_t key = usearch_u64(p);
        if (key == GRAPH_FREE_KEY || (i && key <= last)) ascending = false;
        n_live += key != GRAPH_FREE_KEY;
        last = key;
        p += usearch_node_bytes(f->info.m, f->info.m0, level_of(f, i));
    }
    f->ascending = ascending;
    if (!ascending) {
        void *table;
        AKIN_TRY(mem_new_array(n_live, sizeof *f->table, "keys", &table, err));
        f->table = table;
        p = f->nodes;
        for (size_t i = 0; i < n; i++) {
            uint64_t key = usearch_u64(p);
            if (key != GRAPH_FREE_KEY)
                f->table[f->n_table++] =
                    (usearch_entry){.key = key, .slot = (uint32_t)i};
            p += usearch_node_bytes(f->info.m, f->info.m0, level_of(f, i));
        }
        usearch_sort_entries(f->table, f->n_table);
    }
    f->has_table = true;
    return AKIN_OK;
}

static uint64_t nth_key(const usearch_file *f, size_t i)
{
    return f->ascending ? usearch_key(f, i) : f->table[i].key;
}

akin_status usearch_find(usearch_file *f, uint64_t key, bool *found,
                         size_t *slot, akin_error *err)
{
    if (!f->has_table) AKIN_TRY(make_table(f, err));
    size_t n = f->ascending ? f->info.n_rows : f->n_table;
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (nth_key(f, middle) < key)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < n && nth_key(f, low) == key;
    if (*found) *slot = f->ascending ? low : f->table[low].slot;
    return AKIN_OK;
}

/* ---- the graph ---- */

/* Copies the good links of a node; returns how many were not. */
static size_t load_links(const usearch_file *f, graph *g, uint32_t slot,
                         const unsigned char **p, uint32_t *links)
{
    size_t n_dropped = 0;
    *p += USEARCH_NODE_BYTES;
    for (int l = 0; l <= level_of(f, slot); l++) {
        list from = next_list(f, p, l);
        size_t n = 0;
        if (from.n > from.cap) {
            n_dropped += from.n - from.cap;
            from.n = from.cap;
        }
        for (size_t i = 0; i < from.n; i++) {
            links[n] = usearch_u32(from.slots + 4 * i);
            if (is_good_link(f, links[n], l)) n++;
        }
        n_dropped += from.n - n;
        graph_set_links(g, slot, l, links, n);
    }
    return n_dropped;
}

static akin_status restore_slots(const usearch_file *f, graph *g,
                                 akin_error *err)
{
    akin_status status = AKIN_OK;
    size_t n = f->info.n_rows;
    void *keys = NULL, *levels = NULL;
    AKIN_TRYG(mem_new_array(n, sizeof(uint64_t), "keys", &keys, err));
    AKIN_TRYG(mem_new_array(n, sizeof(int16_t), "levels", &levels, err));
    const unsigned char *p = f->nodes;
    for (size_t i = 0; i < n; i++) {
        int level = level_of(f, i);
        ((uint64_t *)keys)[i] = usearch_u64(p);
        ((int16_t *)levels)[i] = (int16_t)level;
        p += usearch_node_bytes(f->info.m, f->info.m0, level);
    }
    AKIN_TRYG(graph_restore(g, keys, levels, usearch_vectors(f), n, f->entry,
                            err));
done:
    mem_free(keys);
    mem_free(levels);
    return status;
}

akin_status usearch_load_graph(const usearch_file *f, uint64_t seed,
                               graph **out, size_t *n_dropped,
                               akin_error *err)
{
    akin_status status = AKIN_OK;
    graph *g = NULL;
    void *links = NULL;
    graph_options opt = {.dim = f->info.dim, .m = f->info.m,
                         .m0 = f->info.m0, .seed = seed};
    if (f->info.metric != 'i')
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "the graph in '%s' is for metric '%c', not inner "
                         "product", f->path, f->info.metric);
    AKIN_TRYG(graph_new(&opt, &g, err));
    AKIN_TRYG(mem_new_array(f->info.m0, sizeof(uint32_t), "links", &links,
                            err));
    AKIN_TRYG(restore_slots(f, g, err));
    *n_dropped = 0;
    const unsigned char *p = f->nodes;
    for (size_t i = 0; i < f->info.n_rows; i++)
        *n_dropped += load_links(f, g, (uint32_t)i, &p, links);
    *out = g;
    g = NULL;
done:
    mem_free(links);
    graph_free(g);
    return status;
}
