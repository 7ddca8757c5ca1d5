/* SPDX-License-Identifier: MIT
 * Writing an index as a FAISS file. */
#include "base/file.h"
#include "index/vecs_int.h"
#include "interop/faiss.h"
#include "interop/faiss_int.h"

#define PUT(w, value) file_writer_put((w), &(value), sizeof(value), err)

static akin_status put_mark(file_writer *w, const char *mark, akin_error *err)
{
    return file_writer_put(w, mark, 4, err);
}

static akin_status put_u64(file_writer *w, uint64_t value, akin_error *err)
{
    return PUT(w, value);
}

static akin_status put_i32(file_writer *w, int32_t value, akin_error *err)
{
    return PUT(w, value);
}

static akin_status put_u8(file_writer *w, uint8_t value, akin_error *err)
{
    return PUT(w, value);
}

static akin_status put_array(file_writer *w, const void *data, size_t n,
                             size_t size, akin_error *err)
{
    AKIN_TRY(put_u64(w, n, err));
    return n ? file_writer_put(w, data, n * size, err) : AKIN_OK;
}

static akin_status put_header(file_writer *w, const char *mark, const vecs *v,
                              size_t n, bool trained, akin_error *err)
{
    AKIN_TRY(put_mark(w, mark, err));
    AKIN_TRY(put_i32(w, (int32_t)v->dim, err));
    AKIN_TRY(put_u64(w, n, err));
    AKIN_TRY(put_u64(w, FAISS_DUMMY, err));
    AKIN_TRY(put_u64(w, FAISS_DUMMY, err));
    AKIN_TRY(put_u8(w, trained, err));
    return put_i32(w, (int32_t)v->opt.metric, err);
}

static akin_status put_flat(file_writer *w, const vecs *v, const float *rows,
                            size_t n, akin_error *err)
{
    AKIN_TRY(put_header(w, v->opt.metric == METRIC_L2SQ ? "IxF2" : "IxFI", v,
                        n, true, err));
    return put_array(w, rows, n * v->dim, sizeof *rows, err);
}

static akin_status put_quantizer(file_writer *w, const vecs *v, const sq8 *sq,
                                 akin_error *err)
{
    const float argument = 0;
    AKIN_TRY(put_i32(w, FAISS_SQ_8BIT, err));
    AKIN_TRY(put_i32(w, 0, err));
    AKIN_TRY(PUT(w, argument));
    AKIN_TRY(put_u64(w, v->dim, err));
    AKIN_TRY(put_u64(w, v->dim, err));
    return put_array(w, sq->low, v->trained ? 2 * v->dim : 0,
                     sizeof *sq->low, err);
}

static akin_status put_sizes(file_writer *w, const ivf *v, akin_error *err)
{
    size_t n_filled = 0;
    for (size_t i = 0; i < v->n_lists; i++) n_filled += v->lists[i].n > 0;
    bool full = n_filled > v->n_lists / 2;
    AKIN_TRY(put_mark(w, full ? "full" : "sprs", err));
    AKIN_TRY(put_u64(w, full ? v->n_lists : 2 * n_filled, err));
    for (size_t i = 0; i < v->n_lists; i++) {
        if (!full && !v->lists[i].n) continue;
        if (!full) AKIN_TRY(put_u64(w, i, err));
        AKIN_TRY(put_u64(w, v->lists[i].n, err));
    }
    return AKIN_OK;
}

static akin_status put_lists(file_writer *w, const ivf *v, akin_error *err)
{
    AKIN_TRY(put_mark(w, "ilar", err));
    AKIN_TRY(put_u64(w, v->n_lists, err));
    AKIN_TRY(put_u64(w, v->code_bytes, err));
    AKIN_TRY(put_sizes(w, v, err));
    for (size_t i = 0; i < v->n_lists; i++) {
        const ivf_list *l = &v->lists[i];
        if (!l->n) continue;
        AKIN_TRY(file_writer_put(w, l->codes, l->n * v->code_bytes, err));
        AKIN_TRY(file_writer_put(w, l->ids, l->n * sizeof *l->ids, err));
    }
    return AKIN_OK;
}

static akin_status put_ivf(file_writer *w, const vecs *v, akin_error *err)
{
    bool coded = v->opt.kind == VECS_IVF_SQ8;
    AKIN_TRY(put_header(w, coded ? "IwSq" : "IwFl", v, v->n, v->trained, err));
    AKIN_TRY(put_u64(w, v->lists.n_lists, err));
    AKIN_TRY(put_u64(w, v->n_probes, err));
    AKIN_TRY(put_flat(w, v, v->lists.centroids,
                      v->trained ? v->lists.n_lists : 0, err));
    AKIN_TRY(put_u8(w, 0, err));
    AKIN_TRY(put_u64(w, 0, err));
    if (coded) {
        AKIN_TRY(put_quantizer(w, v, &v->lists.sq, err));
        AKIN_TRY(put_u64(w, v->lists.code_bytes, err));
        AKIN_TRY(put_u8(w, v->lists.by_residual, err));
    }
    return put_lists(w, &v->lists, err);
}

static akin_status put_graph(file_writer *w, const vecs *v, akin_error *err)
{
    const hnsw *h = &v->graph;
    AKIN_TRY(put_header(w, "IHNf", v, v->n, true, err));
    AKIN_TRY(put_array(w, h->chances, h->n_levels, sizeof *h->chances, err));
    AKIN_TRY(put_array(w, h->room, h->n_levels + 1, sizeof *h->room, err));
    AKIN_TRY(put_array(w, h->levels, h->n, sizeof *h->levels, err));
    AKIN_TRY(put_array(w, h->offsets, h->n + 1, sizeof *h->offsets, err));
    AKIN_TRY(put_array(w, h->links, h->offsets[h->n], sizeof *h->links, err));
    AKIN_TRY(put_i32(w, h->entry, err));
    AKIN_TRY(put_i32(w, h->max_level, err));
    AKIN_TRY(put_i32(w, (int32_t)h->ef_construction, err));
    AKIN_TRY(put_i32(w, (int32_t)h->ef_search, err));
    AKIN_TRY(put_i32(w, 1, err));
    return put_flat(w, v, v->rows, v->n, err);
}

static akin_status put_core(file_writer *w, const vecs *v, akin_error *err)
{
    switch (v->opt.kind) {
    case VECS_FLAT: return put_flat(w, v, v->rows, v->n, err);
    case VECS_SQ8:
        AKIN_TRY(put_header(w, "IxSQ", v, v->n, v->trained, err));
        AKIN_TRY(put_quantizer(w, v, &v->sq, err));
        return put_array(w, v->codes, v->n * v->dim, 1, err);
    case VECS_HNSW_FLAT: return put_graph(w, v, err);
    default: return put_ivf(w, v, err);
    }
}

static akin_status put_norm(file_writer *w, const vecs *v, akin_error *err)
{
    const float norm = FAISS_NORM;
    AKIN_TRY(put_header(w, "IxPT", v, v->n, v->trained, err));
    AKIN_TRY(put_i32(w, 1, err));
    AKIN_TRY(put_mark(w, "VNrm", err));
    AKIN_TRY(PUT(w, norm));
    AKIN_TRY(put_i32(w, (int32_t)v->dim, err));
    AKIN_TRY(put_i32(w, (int32_t)v->dim, err));
    return put_u8(w, true, err);
}

static akin_status put_all(file_writer *w, const vecs *v, akin_error *err)
{
    bool outside = v->opt.map && !v->opt.map_inside;
    const char *mark = v->opt.map == VECS_MAP2 ? "IxM2" : "IxMp";
    if (outside) AKIN_TRY(put_header(w, mark, v, v->n, v->trained, err));
    if (v->opt.normalise) AKIN_TRY(put_norm(w, v, err));
    if (v->opt.map && !outside)
        AKIN_TRY(put_header(w, mark, v, v->n, v->trained, err));
    AKIN_TRY(put_core(w, v, err));
    if (!v->opt.map) return AKIN_OK;
    return put_array(w, v->map, v->n, sizeof *v->map, err);
}

akin_status faiss_save(const char *path, const vecs *v, akin_error *err)
{
    akin_status status = AKIN_OK;
    file_writer *w = NULL;
    if (vecs_is_ivf(v) && !v->lists.lists)
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s': the index is not trained",
                         path);
    AKIN_TRYG(file_writer_open(path, &w, err));
    AKIN_TRYG(put_all(w, v, err));
    file_writer *whole = w;
    w = NULL;
    AKIN_TRYG(file_writer_commit(whole, err));
done:
    file_writer_discard(w);
    return status;
}
