/* SPDX-License-Identifier: MIT
 * Distances of an index: from a probe to slots, by sketch, by code and by
 * vector.
 *
 * A code errs by about 2 |q| error / sqrt(n) in a squared distance. Far from a
 * vector that is nothing; among near duplicates it is more than all distances
 * there are, and a search by codes would stop anywhere among them. So a
 * distance that comes out smaller than a few such errors is measured by the
 * vector: codes decide at a distance, vectors close by. */
#include <float.h>
#include <string.h>

#include "base/memory.h"
#include "index/mesh_int.h"

enum { LINE = 64, TO_QUERY = 3 };

/* The step of 16 levels that loses least of a normal distribution, in standard
 * deviations. Max: Quantizing for minimum distortion, 1960, table II. */
static const float code_step = 0.335f;

static const float rounding = 2e-6f;

/* ---- probes -------------------------------------------------------------------- */

akin_status mesh_probe_init(const mesh *m, mesh_probe *p, akin_error *err)
{
    size_t n = m->shape.padded, bytes = 2 * m->shape.code_bytes;
    *p = (mesh_probe){.slot = MESH_NONE};
    p->vector = mem_aligned((m->opt.dim + 64) * sizeof *p->vector);
    p->rotated = mem_aligned(n * sizeof *p->rotated);
    p->bytes = mem_aligned(bytes);
    p->planes = mem_aligned(CODES_PLANES * m->shape.sketch_bytes);
    if (p->vector && p->rotated && p->bytes && p->planes) return AKIN_OK;
    mesh_probe_clear(p);
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a search");
}

void mesh_probe_clear(mesh_probe *p)
{
    mem_free_aligned(p->vector);
    mem_free_aligned(p->rotated);
    mem_free_aligned(p->bytes);
    mem_free_aligned(p->planes);
    *p = (mesh_probe){0};
}

static float square_sum(const float *x, size_t n)
{
    float sum[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++) sum[k] += x[i + k] * x[i + k];
    for (; i < n; i++) sum[0] += x[i] * x[i];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) +
           ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* What is rotated of a vector; lift is the value behind it for dot. */
static void rotate(const mesh *m, const float *vector, float lift, float *out)
{
    size_t dim = m->opt.dim;
    for (size_t i = 0; i < dim; i++) out[i] = vector[i] - m->mean[i];
    if (m->opt.metric == AKIN_METRIC_DOT) {
        out[dim] = lift - m->mean[dim];
        dim++;
    }
    memset(out + dim, 0, (m->shape.padded - dim) * sizeof *out);
    m->codes->rotate(out, m->signs, m->shape.padded);
}

void mesh_probe_prepare(const mesh *m, mesh_probe *p)
{
    size_t n = m->shape.padded;
    float max;
    rotate(m, p->vector, p->lift, p->rotated);
    m->codes->measure(p->rotated, n, &max, &p->normsq);
    p->norm = sqrtf(p->normsq);
    p->byte_scale = max > 0 ? max / 127 : 1;
    m->codes->to_bytes(p->rotated, n, 1 / p->byte_scale, p->bytes,
                       2 * m->shape.code_bytes, &p->byte_sum);
    if (!m->sketched) return;
    p->step = p->norm > 0 ? code_step * p->norm / sqrtf((float)n) : 1;
    m->codes->to_planes(p->rotated, m->sketch_dims, 1 / p->step, p->planes,
                        m->shape.sketch_bytes);
}

static void scale(float *x, size_t n, float by)
{
    for (size_t i = 0; i < n; i++) x[i] *= by;
}

/* 0 for what is zero, or as good as. */
static float inverse_norm(const float *x, size_t n, float normsq)
{
    double sum = 0; /* where the square is out of float's range */
    if (normsq > 1e-30f && normsq < 1e37f) return 1 / sqrtf(normsq);
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
    float inverse = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
    return inverse < INFINITY ? inverse : 0;
}

static float lift_of(const mesh *m, float longest, float normsq)
{
    if (m->opt.metric != AKIN_METRIC_DOT) return 0;
    return longest > normsq ? sqrtf(longest - normsq) : 0;
}

static void begin(const mesh *m, mesh_probe *p, uint32_t slot, bool by_code)
{
    p->slot = slot;
    p->has_vector = false;
    p->by_code = by_code;
    p->longest = m->longest;
    p->lift = 0;
    p->unscale = 1;
}

void mesh_probe_plain(const mesh *m, mesh_probe *p, const float *vector)
{
    begin(m, p, MESH_NONE, false);
    p->has_vector = true;
    memcpy(p->vector, vector, m->opt.dim * sizeof *vector);
    p->vector_norm = square_sum(vector, m->opt.dim);
    if (m->opt.metric == AKIN_METRIC_COSINE)
        scale(p->vector, m->opt.dim,
              inverse_norm(vector, m->opt.dim, p->vector_norm));
}

/* By a power of two, which changes no digit of a dot. */
static void scale_to_longest(const mesh *m, mesh_probe *p)
{
    enum { MOST = 60 };
    int exponent;
    if (!(p->longest > 0 && p->longest < INFINITY) ||
        !(p->vector_norm > 0 && p->vector_norm < INFINITY))
        return;
    double ratio = sqrt((double)p->longest / (double)p->vector_norm);
    if (frexp(ratio, &exponent) < 0.70710678) exponent--;
    exponent = exponent > MOST ? MOST : exponent < -MOST ? -MOST : exponent;
    if (exponent == 0) return;
    scale(p->vector, m->opt.dim, ldexpf(1, exponent));
    p->unscale = ldexpf(1, -exponent);
    p->vector_norm = square_sum(p->vector, m->opt.dim);
}

void mesh_probe_vector(const mesh *m, mesh_probe *p, const float *vector)
{
    mesh_probe_plain(m, p, vector);
    if (m->opt.metric == AKIN_METRIC_DOT) scale_to_longest(m, p);
    p->by_code = mesh_uses_codes(m);
    if (p->by_code) mesh_probe_prepare(m, p);
}

void mesh_decode(const mesh *m, uint32_t slot, float *out)
{
    const unsigned char *row = mesh_row(m, slot);
    if (m->opt.type == AKIN_F16)
        m->halves->from_half(row, m->opt.dim, out);
    else
        memcpy(out, row, m->opt.dim * sizeof *out);
}

static float norm_of(const mesh *m, uint32_t slot)
{
    return mesh_chunk_of(m, slot)->norms[mesh_place(slot)];
}

static void need_vector(const mesh *m, mesh_probe *p)
{
    if (p->has_vector) return;
    p->has_vector = true;
    mesh_decode(m, p->slot, p->vector);
    if (m->opt.metric == AKIN_METRIC_COSINE)
        scale(p->vector, m->opt.dim, norm_of(m, p->slot));
    if (m->opt.metric == AKIN_METRIC_DOT) {
        p->vector_norm = norm_of(m, p->slot);
        p->lift = lift_of(m, p->longest, p->vector_norm);
    }
}

void mesh_probe_slot(const mesh *m, mesh_probe *p, uint32_t slot)
{
    begin(m, p, slot, mesh_uses_codes(m));
    need_vector(m, p);
    if (p->by_code) mesh_probe_prepare(m, p);
}

void mesh_probe_code(const mesh *m, mesh_probe *p, uint32_t slot)
{
    begin(m, p, slot, mesh_uses_codes(m));
    if (!p->by_code) {
        need_vector(m, p);
        return;
    }
    const mesh_chunk *c = mesh_chunk_of(m, slot);
    const mesh_factors *f = mesh_factors_of(m, c, mesh_place(slot));
    m->codes->expand(c->codes + mesh_place(slot) * m->shape.code_bytes,
                     m->shape.padded, p->bytes, 2 * m->shape.code_bytes,
                     &p->byte_sum);
    p->byte_scale = f->code / 2;
    p->normsq = f->normsq;
    p->norm = sqrtf(f->normsq);
}

/* ---- codes --------------------------------------------------------------------- */

/* Where the code of a vector goes. */
typedef struct coding {
    uint8_t *code, *sketch;
    mesh_tail tail;
    float norm, inverse, along, across;
} coding;

/* Factors of what has no code: a vector that is too long gets some by which it
 * is always measured. Zeros, which have no direction, are as far as what is at
 * a right angle, for as the point 0 they would be nearer to everything than
 * most vectors are; an exact search measures them, too. */
static bool is_special(const mesh *m, coding *out)
{
    mesh_factors *f = &out->tail.factors;
    if (!(f->normsq < INFINITY)) {
        *f = (mesh_factors){.normsq = NAN};
        return true;
    }
    if (m->opt.metric != AKIN_METRIC_COSINE || out->norm != 0) return false;
    float mean = square_sum(m->mean, m->opt.dim);
    *f = (mesh_factors){.normsq = mean < 1 ? 1 - mean : 0};
    return true;
}

static float kept_norm(const mesh *m, const float *vector)
{
    float normsq = square_sum(vector, m->opt.dim);
    if (m->opt.metric != AKIN_METRIC_COSINE) return normsq;
    return inverse_norm(vector, m->opt.dim, normsq);
}

static void count_bits(mesh_tail *tail)
{
    uint32_t words[3];
    memcpy(words, tail, sizeof words);
    int n = __builtin_popcount(words[0]) + __builtin_popcount(words[1]) +
            __builtin_popcount(words[2]);
    tail->n_bits = (uint16_t)n;
    tail->rest = (uint16_t)~n; /* 16 bits with those of n_bits */
}

/* Of the vector in p->vector. */
static void encode(const mesh *m, mesh_probe *p, coding *out)
{
    size_t n = m->shape.padded, bytes = m->shape.code_bytes;
    float max, dot, norm1;
    int32_t sum, squares;
    mesh_factors *f = &out->tail.factors;
    out->tail = (mesh_tail){0};
    out->norm = kept_norm(m, p->vector);
    if (m->opt.metric == AKIN_METRIC_COSINE)
        scale(p->vector, m->opt.dim, out->norm);
    rotate(m, p->vector, lift_of(m, m->longest, out->norm), p->rotated);
    m->codes->measure(p->rotated, n, &max, &f->normsq);
    if (is_special(m, out)) {
        out->inverse = out->along = out->across = NAN;
        memset(out->code, 0, bytes);
        if (m->sketched) memset(out->sketch, 0, m->shape.sketch_bytes);
        return;
    }
    float step = f->normsq > 0 ? code_step * sqrtf(f->normsq / (float)n) : 1;
    m->codes->encode_code(p->rotated, n, 1 / step, out->code, bytes, &dot);
    f->code = dot > 0 ? f->normsq / dot : 0;
    m->codes->expand(out->code, n, p->bytes, 2 * bytes, &sum);
    m->codes->code_scan(p->bytes, out->code, 1, bytes, &squares);
    out->inverse = 1 / sqrtf(((float)squares - 7.5f * (float)sum) / 2);
    out->along = dot * out->inverse;
    /* What float32 rounds off in here lies across, too. */
    out->across = sqrtf(fmaxf(0, f->normsq - out->along * out->along) +
                        rounding * f->normsq);
    if (!m->sketched) return;
    m->codes->encode_sketch(p->rotated, m->sketch_dims, out->sketch,
                            m->shape.sketch_bytes, &norm1);
    out->tail.sketch = norm1 > 0 ? f->normsq / norm1 : 0;
    count_bits(&out->tail);
}

void mesh_encode(const mesh *m, mesh_scratch *s, uint32_t slot)
{
    mesh_decode(m, slot, s->other.vector);
    mesh_chunk_of(m, slot)->norms[mesh_place(slot)] =
        kept_norm(m, s->other.vector);
    if (atomic_load(&m->coded)) mesh_encode_code(m, s, slot);
}

void mesh_encode_code(const mesh *m, mesh_scratch *s, uint32_t slot)
{
    mesh_chunk *c = mesh_chunk_of(m, slot);
    size_t at = mesh_place(slot);
    coding out = {.code = c->codes + at * m->shape.code_bytes};
    if (m->sketched) out.sketch = c->sketches + at * m->shape.sketch_bytes;
    mesh_decode(m, slot, s->other.vector);
    encode(m, &s->other, &out);
    c->inverses[at] = out.inverse;
    c->alongs[at] = out.along;
    c->acrosses[at] = out.across;
    if (m->sketched)
        *mesh_tail_of(m, c, at) = out.tail;
    else
        c->factors[at] = out.tail.factors;
}

bool mesh_is_encoded(const mesh *m, mesh_scratch *s, uint32_t slot)
{
    const mesh_chunk *c = mesh_chunk_of(m, slot);
    size_t at = mesh_place(slot), bytes = m->shape.code_bytes;
    coding out = {.code = (uint8_t *)s->probe.bytes, .sketch = s->probe.planes};
    if (!atomic_load(&m->coded)) return false;
    mesh_decode(m, slot, s->other.vector);
    encode(m, &s->other, &out);
    return memcmp(&out.tail.factors, mesh_factors_of(m, c, at),
                  sizeof out.tail.factors) == 0 &&
           memcmp(out.code, c->codes + at * bytes, bytes) == 0;
}

/* ---- distances ----------------------------------------------------------------- */

/* Dots or squared distances between the probe's vector and rows as they are
 * kept. */
static void measure_rows(const mesh *m, const mesh_probe *p,
                         const uint8_t *const *rows, size_t n, float *out)
{
    distance_query q = {.vector = p->vector, .dim = m->opt.dim};
    bool l2sq = m->opt.metric == AKIN_METRIC_L2SQ;
    if (m->opt.type == AKIN_F16) {
        (l2sq ? m->halves->l2sq_gather : m->halves->dot_gather)(&q, rows, n,
                                                                out);
        return;
    }
    const float *floats[2 * MESH_MAX_LINKS];
    for (size_t i = 0; i < n; i++)
        floats[i] = (const float *)(const void *)rows[i];
    (l2sq ? m->floats->l2sq_gather : m->floats->dot_gather)(&q, floats, n,
                                                            out);
}

/* A squared distance out of a dot. */
static float from_dot(const mesh *m, const mesh_probe *p, uint32_t slot,
                      float dot)
{
    float norm = norm_of(m, slot), d;
    if (m->opt.metric == AKIN_METRIC_COSINE) {
        d = 2 - 2 * dot * norm;
    } else {
        float lift = lift_of(m, p->longest, norm);
        d = p->vector_norm + p->lift * p->lift + norm + lift * lift -
            2 * (dot + p->lift * lift);
    }
    return d <= 0 ? 0 : d;
}

static void measure_vectors(const mesh *m, mesh_scratch *s, mesh_probe *p,
                            const uint32_t *slots, size_t n, float *out)
{
    need_vector(m, p);
    measure_rows(m, p, s->rows, n, out);
    if (m->opt.metric == AKIN_METRIC_L2SQ) return;
    for (size_t i = 0; i < n; i++) out[i] = from_dot(m, p, slots[i], out[i]);
}

float mesh_exact(const mesh *m, mesh_probe *p, uint32_t slot)
{
    const uint8_t *row = mesh_row(m, slot);
    float d;
    need_vector(m, p);
    measure_rows(m, p, &row, 1, &d);
    return m->opt.metric == AKIN_METRIC_L2SQ ? d : from_dot(m, p, slot, d);
}

float mesh_public_distance(const mesh *m, const mesh_probe *p, uint32_t slot)
{
    const uint8_t *row = mesh_row(m, slot);
    float d;
    measure_rows(m, p, &row, 1, &d);
    if (m->opt.metric == AKIN_METRIC_COSINE) return 1 - d * norm_of(m, slot);
    return d * p->unscale;
}

bool mesh_larger_is_closer(const mesh *m)
{
    return m->opt.metric == AKIN_METRIC_DOT;
}

/* Into the second cache (the 2), which waits for twice as many lines at once as
 * the first does: on Zen 4 searches of 200,000 vectors of 1024 dimensions are
 * half as fast again. */
static void prefetch_line(const void *p) { __builtin_prefetch(p, 0, 2); }

static void prefetch_lines(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i += LINE) prefetch_line((const char *)p + i);
}

void mesh_prefetch_rows(const mesh *m, const uint32_t *slots, size_t n)
{
    for (size_t i = 0; i < n; i++)
        prefetch_lines(mesh_row(m, slots[i]), m->row_bytes);
}

void mesh_prefetch_hit(const mesh *m, uint32_t slot)
{
    const mesh_chunk *c = mesh_chunk_of(m, slot);
    __builtin_prefetch((const void *)(uintptr_t)&c->states[mesh_place(slot)]);
    __builtin_prefetch(&c->ids[mesh_place(slot)]);
}

void mesh_prefetch_code(const mesh *m, uint32_t slot)
{
    const mesh_chunk *c = mesh_chunk_of(m, slot);
    size_t at = mesh_place(slot), bytes = m->shape.code_bytes;
    prefetch_lines(c->codes + at * bytes, bytes);
    prefetch_line(mesh_factors_of(m, c, at));
}

void mesh_prefetch_sketch(const mesh *m, uint32_t slot)
{
    size_t bytes = m->shape.sketch_bytes;
    prefetch_lines(mesh_chunk_of(m, slot)->sketches + mesh_place(slot) * bytes,
                   bytes);
}

void mesh_fetch(const mesh *m, mesh_scratch *s, const mesh_probe *p,
                const uint32_t *slots, size_t n)
{
    size_t bytes = p->by_code ? m->shape.code_bytes : m->row_bytes;
    for (size_t i = 0; i < n; i++) {
        if (p->by_code) {
            const mesh_chunk *c = mesh_chunk_of(m, slots[i]);
            size_t at = mesh_place(slots[i]);
            s->rows[i] = c->codes + at * bytes;
            s->factors[i] = mesh_factors_of(m, c, at);
            prefetch_line(s->factors[i]);
        } else {
            s->rows[i] = mesh_row(m, slots[i]);
        }
        prefetch_lines(s->rows[i], bytes);
    }
}

void mesh_measure_fetched(const mesh *m, mesh_scratch *s, mesh_probe *p,
                          const uint32_t *slots, size_t n, float *out)
{
    if (!p->by_code) {
        measure_vectors(m, s, p, slots, n, out);
        return;
    }
    m->codes->code(p->bytes, s->rows, n, m->shape.code_bytes, s->sums);
    float offset = 7.5f * (float)p->byte_sum, scale = 2 * p->byte_scale;
    float error = TO_QUERY * 2 * p->norm * m->mean_share;
    float near = error * error / (float)m->shape.padded;
    for (size_t i = 0; i < n; i++) {
        const mesh_factors *f = s->factors[i];
        float d = p->normsq + f->normsq -
                  f->code * scale * ((float)s->sums[i] - offset);
        bool is_near = !(d >= 0 && d * d >= near * f->normsq);
        out[i] = is_near ? mesh_exact(m, p, slots[i]) : d;
    }
}

void mesh_measure(const mesh *m, mesh_scratch *s, mesh_probe *p,
                  const uint32_t *slots, size_t n, float *out)
{
    mesh_fetch(m, s, p, slots, n);
    mesh_measure_fetched(m, s, p, slots, n, out);
}

void mesh_fetch_sketches(const mesh *m, mesh_scratch *s, const uint32_t *slots,
                         size_t n)
{
    size_t bytes = m->shape.sketch_bytes;
    for (size_t i = 0; i < n; i++) {
        s->rows[i] = mesh_chunk_of(m, slots[i])->sketches +
                     mesh_place(slots[i]) * bytes;
        prefetch_lines(s->rows[i], bytes);
    }
}

void mesh_guess_fetched(const mesh *m, mesh_scratch *s, const mesh_probe *p,
                        size_t n, float *out)
{
    size_t bytes = m->shape.sketch_bytes;
    uint32_t *sums = (uint32_t *)s->sums;
    m->codes->sketch(p->planes, s->rows, n, bytes, sums);
    float most = 7.5f * (float)m->sketch_dims, scale = 2 * p->step;
    for (size_t i = 0; i < n; i++) {
        const mesh_tail *tail =
            (const mesh_tail *)(const void *)(s->rows[i] + bytes) - 1;
        /* bits of the tail count against all planes, which are zero there */
        float sum = (float)(sums[i] - 15 * (tail->n_bits + 16u));
        out[i] = p->normsq + tail->factors.normsq -
                 tail->sketch * scale * (most - sum);
    }
}

size_t mesh_sieve(const mesh *m, mesh_scratch *s, const mesh_probe *p,
                  uint32_t *slots, size_t n, float farthest)
{
    size_t n_left = 0;
    mesh_guess_fetched(m, s, p, n, s->distances);
    for (size_t i = 0; i < n; i++) {
        slots[n_left] = slots[i];
        n_left += !(s->distances[i] > farthest); /* NaN: not known */
    }
    return n_left;
}
