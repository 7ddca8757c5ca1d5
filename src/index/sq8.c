/* SPDX-License-Identifier: MIT
 * Eight-bit codes: x = low + span * (code + 1/2) / 255. */
#include "index/sq8.h"

#include <string.h>

#include "base/memory.h"

enum { CHUNK_ROWS = 64 };

akin_status sq8_init(sq8 *s, size_t dim, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(dim, 2 * sizeof(float), "a quantizer", &p, err));
    *s = (sq8){.low = p, .span = (float *)p + dim, .dim = dim};
    return AKIN_OK;
}

void sq8_clear(sq8 *s)
{
    mem_free(s->low);
    *s = (sq8){0};
}

void sq8_train(sq8 *s, const float *rows, size_t n, bool fresh)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < s->dim; d++) {
            float x = rows[i * s->dim + d], low = s->low[d];
            float high = low + s->span[d];
            if ((fresh && i == 0) || x < low) low = x;
            if ((fresh && i == 0) || x > high) high = x;
            s->low[d] = low;
            s->span[d] = high - low;
        }
    }
}

void sq8_encode(const sq8 *s, const float *row, uint8_t *code)
{
    for (size_t d = 0; d < s->dim; d++) {
        float t = s->span[d] != 0 ? (row[d] - s->low[d]) / s->span[d] : 0;
        t = t > 0 ? t : 0; /* NaN, too */
        code[d] = (uint8_t)(255 * (t < 1 ? t : 1));
    }
}

void sq8_decode(const sq8 *s, const uint8_t *code, float *row)
{
    for (size_t d = 0; d < s->dim; d++)
        row[d] = s->low[d] + s->span[d] * (((float)code[d] + 0.5f) / 255);
}

void sq8_prepare(const sq8 *s, const float *query, const float *origin,
                 sq8_query *out)
{
    double bias = 0;
    for (size_t d = 0; d < s->dim; d++) {
        float scale = s->span[d] / 255, middle = s->low[d] + scale / 2;
        float from = origin ? origin[d] : 0;
        out->scales[d] = scale;
        if (out->metric == METRIC_L2SQ) {
            out->values[d] = query[d] - from - middle;
        } else {
            out->values[d] = query[d] * scale;
            bias += (double)query[d] * ((double)middle + from);
        }
    }
    out->bias = (float)bias;
}

void sq8_scan(const sq8 *s, const sq8_query *q, const uint8_t *codes, size_t n,
              const int64_t *ids, size_t first, topk *top)
{
    const distance_f32_table *kernels = distance_f32_get();
    distance_query query = {.vector = q->values, .dim = s->dim};
    float distances[CHUNK_ROWS];
    for (size_t i = 0; i < n; i += CHUNK_ROWS) {
        size_t rows = n - i < CHUNK_ROWS ? n - i : CHUNK_ROWS;
        const uint8_t *at = codes + i * s->dim;
        if (q->metric == METRIC_L2SQ) {
            kernels->l2sq_bytes(&query, q->scales, at, rows, distances);
        } else {
            kernels->dot_bytes(&query, at, rows, distances);
            for (size_t r = 0; r < rows; r++) distances[r] += q->bias;
        }
        nearest_push(top, distances, rows, ids ? ids + i : NULL, first + i);
    }
}
