/* SPDX-License-Identifier: MIT
 * Reading FAISS files: each part is a header and arrays, whose lengths are
 * compared with what is left of the file before any memory is taken for
 * them. */
#include <math.h>

#include "base/file.h"
#include "base/memory.h"
#include "index/vecs_int.h"
#include "interop/faiss.h"
#include "interop/faiss_int.h"

typedef struct reader {
    const char *path;
    const unsigned char *data;
    size_t n, at;
} reader;

/* The common header. */
typedef struct head {
    uint32_t mark;
    size_t dim, n;
    bool trained;
    panels_metric metric;
} head;

#define BAD(r, ...)                                                            \
    ((void)error_prefix(err, AKIN_FAIL(err, AKIN_ECORRUPT, __VA_ARGS__),       \
                        "'%s' at byte %zu", (r)->path, (r)->at),               \
     AKIN_ECORRUPT)

/* ---- values and arrays ---- */

static akin_status get(reader *r, void *out, size_t n, akin_error *err)
{
    if (n > r->n - r->at)
        return BAD(r, "%zu bytes are missing", n - (r->n - r->at));
    memcpy(out, r->data + r->at, n);
    r->at += n;
    return AKIN_OK;
}

#define GET(r, value) get((r), &(value), sizeof(value), err)

static akin_status get_flag(reader *r, bool *out, akin_error *err)
{
    unsigned char byte;
    AKIN_TRY(GET(r, byte));
    if (byte > 1) return BAD(r, "a flag of %d", byte);
    *out = byte;
    return AKIN_OK;
}

/* n values of `size` bytes lie behind; goes past them. */
static akin_status take(reader *r, uint64_t n, size_t size,
                        const unsigned char **out, akin_error *err)
{
    if (n > (r->n - r->at) / size)
        return BAD(r, "%llu values do not fit the file",
                   (unsigned long long)n);
    *out = r->data + r->at;
    r->at += n * size;
    return AKIN_OK;
}

/* An array with its count before it. */
static akin_status take_array(reader *r, size_t size, uint64_t *n,
                              const unsigned char **out, akin_error *err)
{
    AKIN_TRY(GET(r, *n));
    return take(r, *n, size, out, err);
}

/* The same, which must have n values. */
static akin_status take_exactly(reader *r, size_t size, uint64_t n,
                                const char *what, const unsigned char **out,
                                akin_error *err)
{
    uint64_t there;
    AKIN_TRY(take_array(r, size, &there, out, err));
    if (there != n)
        return BAD(r, "%llu %s, not %llu", (unsigned long long)there, what,
                   (unsigned long long)n);
    return AKIN_OK;
}

static void copy(void *to, const unsigned char *from, size_t n)
{
    if (n) memcpy(to, from, n);
}

static akin_status get_mark(reader *r, uint32_t *mark, akin_error *err)
{
    return GET(r, *mark);
}

static bool is(uint32_t mark, const char *text)
{
    return mark == faiss_mark(text);
}

static akin_status get_head(reader *r, uint32_t mark, head *h, akin_error *err)
{
    int32_t dim, metric;
    int64_t n, dummy[2];
    AKIN_TRY(GET(r, dim));
    AKIN_TRY(GET(r, n));
    AKIN_TRY(GET(r, dummy));
    *h = (head){.mark = mark};
    AKIN_TRY(get_flag(r, &h->trained, err));
    AKIN_TRY(GET(r, metric));
    if (dim < 1 || dim > VECS_MOST_DIM) return BAD(r, "%d dimensions", dim);
    if (n < 0) return BAD(r, "%lld vectors", (long long)n);
    if (metric != METRIC_DOT && metric != METRIC_L2SQ)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is for metric %d, neither inner product nor L2",
                         r->path, metric);
    h->dim = (size_t)dim;
    h->n = (size_t)n;
    h->metric = (panels_metric)metric;
    return AKIN_OK;
}

static akin_status get_same_head(reader *r, const head *outer, head *h,
                                 akin_error *err)
{
    uint32_t mark;
    AKIN_TRY(get_mark(r, &mark, err));
    AKIN_TRY(get_head(r, mark, h, err));
    if (h->dim != outer->dim || h->metric != outer->metric)
        return BAD(r, "an index of %zu dimensions, metric %d within one of "
                   "%zu, metric %d", h->dim, h->metric, outer->dim,
                   outer->metric);
    return AKIN_OK;
}

static akin_status unsupported(const reader *r, uint32_t mark, const char *as,
                               akin_error *err)
{
    char text[5] = {0};
    memcpy(text, &mark, 4);
    for (size_t i = 0; i < 4; i++)
        if (text[i] < ' ' || text[i] > '~') text[i] = '?';
    return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                     "'%s' has a part of kind '%s' as %s; akin reads Flat, "
                     "SQ8, IVF and HNSW over Flat, IDMap and L2norm",
                     r->path, text, as);
}

/* ---- parts ---- */

/* The rows of a flat index whose header was read. */
static akin_status take_flat(reader *r, const head *h,
                             const unsigned char **rows, akin_error *err)
{
    uint64_t n_values;
    if (!is(h->mark, h->metric == METRIC_L2SQ ? "IxF2" : "IxFI"))
        return unsupported(r, h->mark, "rows", err);
    AKIN_TRY(take_array(r, sizeof(float), &n_values, rows, err));
    if (n_values / h->dim != h->n || n_values % h->dim)
        return BAD(r, "%llu values for %zu vectors of %zu",
                   (unsigned long long)n_values, h->n, h->dim);
    return AKIN_OK;
}

static akin_status load_rows(reader *r, vecs *v, const head *h,
                             akin_error *err)
{
    const unsigned char *rows = NULL;
    AKIN_TRY(take_flat(r, h, &rows, err));
    AKIN_TRY(vecs_reserve(v, h->n, err));
    copy(v->rows, rows, h->n * h->dim * sizeof(float));
    return AKIN_OK;
}

static akin_status load_quantizer(reader *r, sq8 *sq, const head *h,
                                  akin_error *err)
{
    int32_t kind, range;
    float argument;
    uint64_t dim, code_bytes;
    const unsigned char *ranges;
    AKIN_TRY(GET(r, kind));
    AKIN_TRY(GET(r, range));
    AKIN_TRY(GET(r, argument));
    AKIN_TRY(GET(r, dim));
    AKIN_TRY(GET(r, code_bytes));
    if (kind != FAISS_SQ_8BIT)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has scalar codes of kind %d; akin reads those "
                         "of 8 bits", r->path, kind);
    if (dim != h->dim || code_bytes != h->dim)
        return BAD(r, "codes of %llu bytes for %llu dimensions",
                   (unsigned long long)code_bytes, (unsigned long long)dim);
    if (range != 0 || argument != 0)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has ranges of kind %d", r->path, range);
    AKIN_TRY(take_exactly(r, sizeof(float), h->trained ? 2 * h->dim : 0,
                          "range values", &ranges, err));
    copy(sq->low, ranges, h->trained ? 2 * h->dim * sizeof(float) : 0);
    return AKIN_OK;
}

static akin_status load_sq8(reader *r, vecs *v, const head *h, akin_error *err)
{
    const unsigned char *codes;
    uint64_t n_bytes;
    AKIN_TRY(load_quantizer(r, &v->sq, h, err));
    AKIN_TRY(take_array(r, 1, &n_bytes, &codes, err));
    if (n_bytes / h->dim != h->n || n_bytes % h->dim)
        return BAD(r, "%llu bytes of codes for %zu vectors",
                   (unsigned long long)n_bytes, h->n);
    AKIN_TRY(vecs_reserve(v, h->n, err));
    copy(v->codes, codes, n_bytes);
    return AKIN_OK;
}

/* ---- inverted lists ---- */

static akin_status skip_direct_map(reader *r, akin_error *err)
{
    unsigned char kind;
    uint64_t n;
    const unsigned char *map;
    AKIN_TRY(GET(r, kind));
    if (kind > 2) return BAD(r, "a direct map of kind %d", kind);
    AKIN_TRY(take_array(r, sizeof(int64_t), &n, &map, err));
    if (kind < 2) return AKIN_OK;
    return take_array(r, 2 * sizeof(int64_t), &n, &map, err);
}

/* Sizes of lists by their numbers, in ascending order. */
typedef struct sizes {
    const unsigned char *data;
    uint64_t n;
    bool full;
} sizes;

static uint64_t u64_at(const unsigned char *data, uint64_t i)
{
    uint64_t value;
    memcpy(&value, data + i * sizeof value, sizeof value);
    return value;
}

static akin_status get_sizes(reader *r, const vecs *v, sizes *s,
                             akin_error *err)
{
    uint32_t mark;
    AKIN_TRY(get_mark(r, &mark, err));
    s->full = is(mark, "full");
    if (!s->full && !is(mark, "sprs")) return BAD(r, "no sizes of lists");
    AKIN_TRY(take_array(r, sizeof(uint64_t), &s->n, &s->data, err));
    if (s->full ? s->n != v->opt.n_lists
                : s->n % 2 || s->n / 2 > v->opt.n_lists)
        return BAD(r, "sizes of %llu lists, not %zu",
                   (unsigned long long)s->n, v->opt.n_lists);
    return AKIN_OK;
}

static akin_status load_list(reader *r, vecs *v, uint64_t list, uint64_t n,
                             akin_error *err)
{
    const unsigned char *codes, *ids;
    if (list >= v->opt.n_lists)
        return BAD(r, "list %llu of %zu", (unsigned long long)list,
                   v->opt.n_lists);
    if (n == 0) return AKIN_OK;
    ivf_list *l = &v->lists.lists[list];
    if (l->n) return BAD(r, "list %llu twice", (unsigned long long)list);
    AKIN_TRY(take(r, n, v->lists.code_bytes, &codes, err));
    AKIN_TRY(take(r, n, sizeof(int64_t), &ids, err));
    AKIN_TRY(ivf_reserve(&v->lists, l, n, err));
    copy(l->codes, codes, n * v->lists.code_bytes);
    copy(l->ids, ids, n * sizeof(int64_t));
    l->n = n;
    v->lists.n += n;
    return AKIN_OK;
}

static akin_status load_lists(reader *r, vecs *v, const head *h,
                              akin_error *err)
{
    uint32_t mark;
    uint64_t n_lists, code_bytes;
    sizes s;
    AKIN_TRY(get_mark(r, &mark, err));
    if (is(mark, "il00")) {
        if (h->n) return BAD(r, "no lists for %zu vectors", h->n);
        return AKIN_OK;
    }
    if (!is(mark, "ilar")) return unsupported(r, mark, "lists", err);
    AKIN_TRY(GET(r, n_lists));
    AKIN_TRY(GET(r, code_bytes));
    if (n_lists != v->opt.n_lists || code_bytes != v->lists.code_bytes)
        return BAD(r, "%llu lists of %llu bytes a vector",
                   (unsigned long long)n_lists,
                   (unsigned long long)code_bytes);
    AKIN_TRY(get_sizes(r, v, &s, err));
    for (uint64_t i = 0; i < (s.full ? s.n : s.n / 2); i++)
        AKIN_TRY(load_list(r, v, s.full ? i : u64_at(s.data, 2 * i),
                           u64_at(s.data, s.full ? i : 2 * i + 1), err));
    if (v->lists.n != h->n)
        return BAD(r, "%zu vectors in the lists, not %zu", v->lists.n, h->n);
    return AKIN_OK;
}

static akin_status load_ivf(reader *r, vecs *v, const head *h, akin_error *err)
{
    uint64_t n_lists, n_probes, code_bytes;
    const unsigned char *centroids;
    head inner;
    AKIN_TRY(GET(r, n_lists));
    AKIN_TRY(GET(r, n_probes));
    if (n_lists < 1 || n_lists > VECS_MOST_LISTS)
        return BAD(r, "%llu lists", (unsigned long long)n_lists);
    AKIN_TRY(get_same_head(r, h, &inner, err));
    AKIN_TRY(take_flat(r, &inner, &centroids, err));
    if (inner.n != n_lists && (inner.n || h->trained || h->n))
        return BAD(r, "%zu centroids of %llu lists", inner.n,
                   (unsigned long long)n_lists);
    if (inner.n == 0) /* then the file does not hold as much as will be made */
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED, "'%s' is not trained",
                         r->path);
    v->opt.n_lists = n_lists;
    AKIN_TRY(vecs_make_lists(v, err));
    copy(v->lists.centroids, centroids, n_lists * h->dim * sizeof(float));
    v->n_probes = n_probes < 1 ? 1 : n_probes < n_lists ? n_probes : n_lists;
    AKIN_TRY(skip_direct_map(r, err));
    if (v->opt.kind == VECS_IVF_SQ8) {
        AKIN_TRY(load_quantizer(r, &v->lists.sq, h, err));
        AKIN_TRY(GET(r, code_bytes));
        AKIN_TRY(get_flag(r, &v->lists.by_residual, err));
    }
    return load_lists(r, v, h, err);
}

/* ---- graph ---- */

/* The chances follow from m, which follows from the room. */
static akin_status load_shape(reader *r, vecs *v, akin_error *err)
{
    uint64_t n_chances, n_room;
    const unsigned char *chances, *room;
    int32_t m[3] = {0};
    AKIN_TRY(take_array(r, sizeof(double), &n_chances, &chances, err));
    AKIN_TRY(take_array(r, sizeof(int32_t), &n_room, &room, err));
    if (n_chances < 1 || n_chances > HNSW_LEVELS || n_room != n_chances + 1)
        return BAD(r, "a graph of %llu levels", (unsigned long long)n_chances);
    copy(m, room, (n_room < 3 ? n_room : 3) * sizeof *m);
    if (m[0] != 0 || m[1] < 4 || m[1] % 2 || m[1] > 2048)
        return BAD(r, "a graph of %d links a node", m[1]);
    hnsw *h = &v->graph;
    hnsw_clear(h);
    AKIN_TRY(hnsw_init(h, (size_t)m[1] / 2, err));
    v->opt.m = h->m;
    copy(h->chances, chances, n_chances * sizeof *h->chances);
    copy(h->room, room, n_room * sizeof *h->room);
    h->n_levels = n_chances;
    for (size_t l = 0; l < n_chances; l++) {
        if (!(h->chances[l] >= 0 && h->chances[l] <= 1))
            return BAD(r, "a level's chance of %g", h->chances[l]);
        if (l && h->room[l + 1] - (int64_t)h->room[l] != (int64_t)h->m)
            return BAD(r, "%d links at level %zu", h->room[l + 1], l);
    }
    return AKIN_OK;
}

static akin_status load_nodes(reader *r, hnsw *h, const head *of,
                              akin_error *err)
{
    const unsigned char *levels, *offsets, *links;
    uint64_t end = 0;
    AKIN_TRY(take_exactly(r, sizeof(int32_t), of->n, "levels", &levels, err));
    AKIN_TRY(take_exactly(r, sizeof(uint64_t), (uint64_t)of->n + 1, "offsets",
                          &offsets, err));
    for (size_t i = 0; i < of->n; i++) {
        int32_t level;
        memcpy(&level, levels + i * sizeof level, sizeof level);
        if (level < 1 || (size_t)level > h->n_levels)
            return BAD(r, "node %zu of %d levels", i, level);
        if (u64_at(offsets, i) != end)
            return BAD(r, "node %zu is not where its levels say", i);
        end += (uint64_t)h->room[level];
    }
    if (u64_at(offsets, of->n) != end)
        return BAD(r, "%llu links, not %llu",
                   (unsigned long long)u64_at(offsets, of->n),
                   (unsigned long long)end);
    AKIN_TRY(take_exactly(r, sizeof(int32_t), end, "links", &links, err));
    AKIN_TRY(hnsw_reserve(h, of->n, end, err));
    h->n = of->n;
    copy(h->levels, levels, h->n * sizeof *h->levels);
    copy(h->offsets, offsets, (h->n + 1) * sizeof *h->offsets);
    copy(h->links, links, end * sizeof *h->links);
    return AKIN_OK;
}

/* Every link goes to a node that has the level. */
static akin_status check_links(const reader *r, const hnsw *h, akin_error *err)
{
    for (size_t i = 0; i < h->n; i++)
        for (int32_t l = 0; l < h->levels[i]; l++)
            for (int32_t k = h->room[l]; k < h->room[l + 1]; k++) {
                int32_t to = h->links[h->offsets[i] + (uint64_t)k];
                if (to == -1) continue;
                if (to < 0 || (size_t)to >= h->n || h->levels[to] <= l)
                    return BAD(r, "node %zu has a link to %d at level %d", i,
                               to, l);
            }
    return AKIN_OK;
}

static akin_status load_graph(reader *r, vecs *v, const head *h,
                              akin_error *err)
{
    hnsw *g = &v->graph;
    int32_t tail[5];
    head inner;
    AKIN_TRY(load_shape(r, v, err));
    AKIN_TRY(load_nodes(r, g, h, err));
    AKIN_TRY(GET(r, tail));
    g->entry = tail[0];
    g->max_level = tail[1];
    if (h->n == 0 ? g->entry != -1
                  : g->entry < 0 || (size_t)g->entry >= h->n ||
                        g->max_level != g->levels[g->entry] - 1)
        return BAD(r, "entry node %d at level %d", g->entry, g->max_level);
    if (tail[2] < 1 || tail[3] < 1 || tail[2] > 1 << 20 || tail[3] > 1 << 20)
        return BAD(r, "efConstruction %d, efSearch %d", tail[2], tail[3]);
    g->ef_construction = (size_t)tail[2];
    g->ef_search = (size_t)tail[3];
    AKIN_TRY(check_links(r, g, err));
    AKIN_TRY(get_same_head(r, h, &inner, err));
    if (inner.n != h->n)
        return BAD(r, "%zu rows for %zu nodes", inner.n, h->n);
    return load_rows(r, v, &inner, err);
}

/* ---- the whole ---- */

static const struct {
    const char *mark;
    vecs_kind kind;
    akin_status (*load)(reader *r, vecs *v, const head *h, akin_error *err);
} kinds[] = {
    {"IxF2", VECS_FLAT, load_rows},      {"IxFI", VECS_FLAT, load_rows},
    {"IxSQ", VECS_SQ8, load_sq8},        {"IwFl", VECS_IVF_FLAT, load_ivf},
    {"IwSq", VECS_IVF_SQ8, load_ivf},    {"IHNf", VECS_HNSW_FLAT, load_graph},
};

static akin_status load_core(reader *r, const head *h, vecs_options *opt,
                             vecs **out, akin_error *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!is(h->mark, kinds[i].mark)) continue;
        opt->kind = kinds[i].kind;
        opt->metric = h->metric;
        AKIN_TRY(vecs_new(opt, h->dim, out, err));
        AKIN_TRY(kinds[i].load(r, *out, h, err));
        (*out)->n = h->n;
        (*out)->trained = h->trained;
        return AKIN_OK;
    }
    return unsupported(r, h->mark, "an index", err);
}

static akin_status get_norm(reader *r, const head *h, akin_error *err)
{
    int32_t n, dims[2];
    uint32_t mark;
    float norm;
    bool trained;
    AKIN_TRY(GET(r, n));
    if (n != 1)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has %d transforms; akin reads one, L2norm",
                         r->path, n);
    AKIN_TRY(get_mark(r, &mark, err));
    if (!is(mark, "VNrm")) return unsupported(r, mark, "a transform", err);
    AKIN_TRY(GET(r, norm));
    AKIN_TRY(GET(r, dims));
    AKIN_TRY(get_flag(r, &trained, err));
    if (norm != FAISS_NORM)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' normalises by the norm %g, not 2", r->path,
                         (double)norm);
    if (dims[0] != dims[1] || (size_t)dims[0] != h->dim || !trained)
        return BAD(r, "a normalisation of %d to %d dimensions", dims[0],
                   dims[1]);
    return AKIN_OK;
}

static akin_status load_map(reader *r, vecs *v, akin_error *err)
{
    const unsigned char *ids;
    AKIN_TRY(take_exactly(r, sizeof(int64_t), v->n, "ids", &ids, err));
    AKIN_TRY(vecs_reserve(v, v->n, err));
    copy(v->map, ids, v->n * sizeof(int64_t));
    if (!vecs_is_ivf(v)) return AKIN_OK;
    for (size_t l = 0; l < v->lists.n_lists; l++) /* which name rows then */
        for (size_t i = 0; i < v->lists.lists[l].n; i++) {
            int64_t row = v->lists.lists[l].ids[i];
            if (row < 0 || (uint64_t)row >= v->n)
                return BAD(r, "row %lld of %zu in list %zu", (long long)row,
                           v->n, l);
        }
    return AKIN_OK;
}

/* A map and a normalisation may stand before the index, in either order. */
static akin_status load_all(reader *r, vecs **out, akin_error *err)
{
    vecs_options opt = {0};
    head h, outer;
    uint32_t mark;
    AKIN_TRY(get_mark(r, &mark, err));
    AKIN_TRY(get_head(r, mark, &h, err));
    for (outer = h;;) {
        if ((is(h.mark, "IxMp") || is(h.mark, "IxM2")) && !opt.map) {
            opt.map = is(h.mark, "IxMp") ? VECS_MAP : VECS_MAP2;
            opt.map_inside = opt.normalise;
        } else if (is(h.mark, "IxPT") && !opt.normalise) {
            opt.normalise = true;
            AKIN_TRY(get_norm(r, &h, err));
        } else {
            break;
        }
        AKIN_TRY(get_same_head(r, &outer, &h, err));
        if (h.n != outer.n)
            return BAD(r, "an index of %zu vectors within one of %zu", h.n,
                       outer.n);
    }
    AKIN_TRY(load_core(r, &h, &opt, out, err));
    return opt.map ? load_map(r, *out, err) : AKIN_OK;
}

akin_status faiss_load(const char *path, vecs **out, akin_error *err)
{
    akin_status status = AKIN_OK;
    file_map map = {0};
    vecs *v = NULL;
    AKIN_TRYG(file_map_open(&map, path, err));
    reader r = {.path = path, .data = map.data, .n = map.n};
    AKIN_TRYG(load_all(&r, &v, err));
    *out = v;
    v = NULL;
done:
    vecs_free(v);
    file_map_close(&map);
    return status;
}
