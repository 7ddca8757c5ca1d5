/* SPDX-License-Identifier: MIT
 * From a description such as "IDMap,IVF100,SQ8" to options. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "index/vecs_int.h"

#define SUPPORTED                                                              \
    "FlatL2, FlatIP, IVFFlat, Cosine, Flat, SQ8, IVFn, IVFn,Flat, IVFn,SQ8, "  \
    "HNSW, HNSWm, HNSWm,Flat, with IDMap, IDMap2 or L2norm in front"

enum { DEFAULT_M = 32, MOST_M = 1024, PARTS = 8 };

typedef struct part {
    const char *text;
    size_t n;
} part;

static bool is(part p, const char *word)
{
    return p.n == strlen(word) && memcmp(p.text, word, p.n) == 0;
}

/* "IVF100": the number behind the word; 0 without one. */
static bool is_numbered(part p, const char *word, size_t most, size_t *number)
{
    size_t n = strlen(word), value = 0;
    if (p.n < n || memcmp(p.text, word, n) != 0) return false;
    for (size_t i = n; i < p.n; i++) {
        if (p.text[i] < '0' || p.text[i] > '9') return false;
        value = value * 10 + (size_t)(p.text[i] - '0');
        if (value > most) return false;
    }
    if (p.n > n && value == 0) return false;
    *number = value;
    return true;
}

static bool parse_module_name(const char *text, vecs_options *out)
{
    if (text_equal(text, "FlatL2")) return true;
    if (text_equal(text, "FlatIP") || text_equal(text, "Cosine")) {
        out->metric = METRIC_DOT;
        out->normalise = text_equal(text, "Cosine");
        return true;
    }
    if (!text_equal(text, "IVFFlat")) return false;
    out->kind = VECS_IVF_FLAT;
    return true;
}

/* The index itself: one part, or two. */
static bool parse_core(const part *p, size_t n, vecs_options *out)
{
    size_t number = 0;
    bool flat = n == 1 || (n == 2 && is(p[1], "Flat"));
    if (n == 1 && is(p[0], "Flat")) return true;
    if (n == 1 && is(p[0], "SQ8")) {
        out->kind = VECS_SQ8;
        return true;
    }
    if (is_numbered(p[0], "HNSW", MOST_M, &number) && flat && number != 1) {
        out->kind = VECS_HNSW_FLAT;
        out->m = number ? number : DEFAULT_M;
        return true;
    }
    if (is_numbered(p[0], "IVF", VECS_MOST_LISTS, &number) && number &&
        (flat || (n == 2 && is(p[1], "SQ8")))) {
        out->kind = flat ? VECS_IVF_FLAT : VECS_IVF_SQ8;
        out->n_lists = number;
        return true;
    }
    return false;
}

static bool take_map(part p, vecs_options *out)
{
    if (out->map != VECS_NO_MAP) return false;
    out->map = is(p, "IDMap") ? VECS_MAP : is(p, "IDMap2") ? VECS_MAP2 : 0;
    out->map_inside = out->map && out->normalise;
    return out->map != VECS_NO_MAP;
}

static bool take_norm(part p, vecs_options *out)
{
    if (out->normalise) return false;
    out->normalise = is(p, "L2norm") || is(p, "L2Norm");
    return out->normalise;
}

static bool parse_parts(const part *p, size_t n, vecs_options *out)
{
    while (n > 1 && (take_map(*p, out) || take_norm(*p, out))) {
        p++;
        n--;
    }
    /* A map behind is around all, as one in front of all. */
    if (n > 1 && out->map == VECS_NO_MAP) {
        bool outside = out->normalise;
        out->normalise = false;
        if (take_map(p[n - 1], out)) n--;
        out->normalise = outside;
    }
    return n > 0 && parse_core(p, n, out);
}

akin_status vecs_parse(const char *text, vecs_options *out, akin_error *err)
{
    part parts[PARTS] = {{0}};
    size_t n = 0;
    vecs_options opt = {.metric = METRIC_L2SQ};
    bool good = true;
    *out = opt;
    if (parse_module_name(text, out)) return AKIN_OK;
    for (const char *at = text; good; n++) {
        size_t length = strcspn(at, ",");
        if (n < PARTS) parts[n] = (part){at, length};
        good = n < PARTS && length > 0;
        if (!at[length]) break;
        at += length + 1;
    }
    if (good && parse_parts(parts, n + 1, &opt)) {
        *out = opt;
        return AKIN_OK;
    }
    return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                     "index type '%.60s' is not supported; there are %s", text,
                     SUPPORTED);
}

size_t vecs_default_lists(size_t n)
{
    size_t lists = (size_t)(4 * sqrt((double)n));
    if (lists > n / 39) lists = n / 39;
    return lists < 1 ? 1 : lists > VECS_MOST_LISTS ? VECS_MOST_LISTS : lists;
}

size_t vecs_default_probes(size_t n_lists)
{
    size_t probes = n_lists / 12 > 8 ? n_lists / 12 : 8;
    return probes < n_lists ? probes : n_lists;
}
