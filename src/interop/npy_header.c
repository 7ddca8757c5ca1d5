/* SPDX-License-Identifier: MIT
 * The header of an array: a Python dict as text. numpy evaluates it, so all
 * that Python takes for the same dict is read: either quote, any blanks, a
 * trailing comma or none, longs of Python 2. */
#include <string.h>

#include "interop/npy_int.h"

/* The rest of a text; at == end when nothing is left. */
typedef struct npy_text {
    const char *at, *end;
} npy_text;

/* The dict's values. */
typedef struct npy_dict {
    bool has_descr, has_order, has_shape;
    bool records; /* descr is a list of fields */
    bool fortran_order, negative;
    npy_text descr, shape;
    uint64_t axes[2]; /* the first two of n_axes */
    int n_axes;
} npy_dict;

void npy_show(const char *text, size_t n, char out[NPY_SHOWN])
{
    size_t n_out = npy_min(n, NPY_SHOWN - 1);
    for (size_t i = 0; i < n_out; i++)
        out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    if (n > n_out) memcpy(out + n_out - 3, "...", 3);
    out[n_out] = 0;
}

static void npy_skip_blanks(npy_text *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' ||
                              *p->at == '\n' || *p->at == '\r'))
        p->at++;
}

/* Takes c and the blanks around it, if it is next. */
static bool npy_accept(npy_text *p, char c)
{
    npy_skip_blanks(p);
    if (p->at == p->end || *p->at != c) return false;
    p->at++;
    npy_skip_blanks(p);
    return true;
}

static bool npy_accept_word(npy_text *p, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0)
        return false;
    p->at += n;
    return true;
}

static bool npy_equal(const npy_text *text, const char *word)
{
    size_t n = (size_t)(text->end - text->at);
    return n == strlen(word) && memcmp(text->at, word, n) == 0;
}

/* 'text' or "text"; a backslash keeps the quote behind it. */
static bool npy_accept_string(npy_text *p, npy_text *out)
{
    npy_skip_blanks(p);
    if (p->at == p->end || (*p->at != '\'' && *p->at != '"')) return false;
    char quote = *p->at++;
    out->at = p->at;
    for (; p->at < p->end && *p->at != quote; p->at++)
        if (*p->at == '\\' && p->at + 1 < p->end) p->at++;
    if (p->at == p->end) return false;
    out->end = p->at++;
    return true;
}

/* A value in brackets, with all that is inside. */
static bool npy_accept_nested(npy_text *p, npy_text *out)
{
    npy_text string;
    size_t depth = 0;
    out->at = p->at;
    do {
        if (p->at == p->end) return false;
        if (npy_accept_string(p, &string)) continue;
        if (p->at == p->end) return false;
        if (*p->at == '(' || *p->at == '[') depth++;
        if (*p->at == ')' || *p->at == ']') {
            if (depth == 0) return false;
            depth--;
        }
        p->at++;
    } while (depth > 0);
    out->end = p->at;
    return true;
}

static bool npy_parse_descr(npy_text *p, npy_dict *d)
{
    d->has_descr = true;
    if (npy_accept_string(p, &d->descr)) return true;
    d->records = true;
    return p->at < p->end && (*p->at == '[' || *p->at == '(') &&
           npy_accept_nested(p, &d->descr);
}

static bool npy_parse_order(npy_text *p, npy_dict *d)
{
    d->has_order = true;
    d->fortran_order = npy_accept_word(p, "True");
    return d->fortran_order || npy_accept_word(p, "False");
}

static bool npy_parse_axis(npy_text *p, npy_dict *d)
{
    uint64_t value = 0;
    bool minus = npy_accept(p, '-');
    const char *first = p->at;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) {
        if (value > (UINT64_MAX - 9) / 10) return false;
        value = value * 10 + (uint64_t)(*p->at - '0');
    }
    if (p->at == first) return false;
    if (p->at < p->end && *p->at == 'L') p->at++;
    if (d->n_axes < 2) d->axes[d->n_axes] = value;
    d->n_axes++;
    if (minus && value > 0) d->negative = true;
    return true;
}

/* A tuple: "()", "(3,)", "(2, 3)"; "(3)" would be a number in brackets. */
static bool npy_parse_shape(npy_text *p, npy_dict *d)
{
    bool comma = true;
    d->has_shape = true;
    d->shape.at = p->at;
    if (!npy_accept(p, '(')) return false;
    while (p->at < p->end && *p->at != ')') {
        if (!comma || !npy_parse_axis(p, d)) return false;
        comma = npy_accept(p, ',');
    }
    if (p->at == p->end || (d->n_axes == 1 && !comma)) return false;
    d->shape.end = ++p->at;
    return true;
}

static bool npy_parse_value(npy_text *p, const npy_text *key, npy_dict *d)
{
    if (!d->has_descr && npy_equal(key, "descr")) return npy_parse_descr(p, d);
    if (!d->has_order && npy_equal(key, "fortran_order"))
        return npy_parse_order(p, d);
    if (!d->has_shape && npy_equal(key, "shape")) return npy_parse_shape(p, d);
    return false;
}

static bool npy_parse_dict(npy_text *p, npy_dict *d)
{
    bool comma = true;
    if (!npy_accept(p, '{')) return false;
    while (!npy_accept(p, '}')) {
        npy_text key;
        if (!comma || !npy_accept_string(p, &key) || !npy_accept(p, ':') ||
            !npy_parse_value(p, &key, d))
            return false;
        comma = npy_accept(p, ',');
    }
    return p->at == p->end && d->has_descr && d->has_order && d->has_shape;
}

/* For people who know their array, but not numpy's short names. */
static const char *npy_kind_name(char kind, npy_content content)
{
    switch (kind) {
    case 'O': return "Python objects";
    case 'U': case 'S': case 'a': return "texts";
    case 'c': return "complex numbers";
    case 'b': case '?': return "booleans";
    case 'i': case 'u': return "integers";
    case 'M': case 'm': return "times";
    case 'V': return "records";
    case 'f': return content == NPY_IDS ? "floats" : "long floats";
    default: return "numbers of an unknown type";
    }
}

/* Finds the type by its short name, without the byte order. */
static bool npy_find_type(const npy_text *name, npy_content content,
                          npy_header *h)
{
    static const struct {
        const char *name;
        size_t item_bytes;
        npy_content content;
        npy_type type;
    } types[] = {
        {"f2", 2, NPY_VECTORS, NPY_F2}, {"f4", 4, NPY_VECTORS, NPY_F4},
        {"f8", 8, NPY_VECTORS, NPY_F8}, {"i1", 1, NPY_VECTORS, NPY_I1},
        {"u1", 1, NPY_VECTORS, NPY_U1}, {"i4", 4, NPY_IDS, NPY_I4},
        {"i8", 8, NPY_IDS, NPY_I8},     {"u4", 4, NPY_IDS, NPY_U4},
        {"u8", 8, NPY_IDS, NPY_U8},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].content != content || !npy_equal(name, types[i].name))
            continue;
        h->type = types[i].type;
        h->item_bytes = types[i].item_bytes;
        return true;
    }
    return false;
}

static akin_status npy_check_type(const npy_stream *s, const npy_dict *d,
                                  npy_content content, npy_header *h,
                                  akin_error *err)
{
    npy_text name = d->descr;
    char shown[NPY_SHOWN];
    if (!d->records && name.at < name.end && strchr("<>=|", *name.at))
        h->big_endian = *name.at++ == '>';
    if (!d->records && npy_find_type(&name, content, h)) return AKIN_OK;
    npy_show(d->descr.at, (size_t)(d->descr.end - d->descr.at), shown);
    char kind = d->records ? 'V' : name.at < name.end ? *name.at : 0;
    return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                     "%s holds %s ('%s'), not %s", s->subject,
                     npy_kind_name(kind, content), shown,
                     content == NPY_IDS
                         ? "int32, int64, uint32 or uint64"
                         : "float16, float32, float64, int8 or uint8");
}

static akin_status npy_check_shape(const npy_stream *s, const npy_dict *d,
                                   npy_header *h, akin_error *err)
{
    npy_show(d->shape.at, (size_t)(d->shape.end - d->shape.at), h->shape);
    if (d->negative)
        return AKIN_FAIL(err, AKIN_ECORRUPT, "%s has the negative shape %s",
                         s->subject, h->shape);
    if (d->n_axes < 1 || d->n_axes > 2)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "%s has the shape %s, not (n, dim) or (dim,)",
                         s->subject, h->shape);
    uint64_t n = d->n_axes == 2 ? d->axes[0] : 1, dim = d->axes[d->n_axes - 1];
    if (n > SIZE_MAX || dim > SIZE_MAX)
        return AKIN_FAIL(err, AKIN_ELIMIT, "%s has the shape %s", s->subject,
                         h->shape);
    h->n_axes = d->n_axes;
    h->n = (size_t)n;
    h->dim = (size_t)dim;
    h->fortran_order = d->fortran_order && d->n_axes == 2;
    return AKIN_OK;
}

static akin_status npy_corrupt(const npy_stream *s, const char *what,
                               akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ECORRUPT, "%s is not a .npy file: %s",
                     s->subject, what);
}

/* Magic, version and the length of the text. */
static akin_status npy_read_start(npy_stream *s, size_t *n_text,
                                  akin_error *err)
{
    const unsigned char *p;
    if (s->left < NPY_MAGIC_BYTES + 2)
        return npy_corrupt(s, "it is too short", err);
    AKIN_TRY(s->take(s, NPY_MAGIC_BYTES + 2, &p, err));
    if (memcmp(p, NPY_MAGIC, NPY_MAGIC_BYTES) != 0)
        return npy_corrupt(s, "its first bytes differ", err);
    unsigned major = p[6], minor = p[7];
    if (major < 1 || major > 3)
        return AKIN_FAIL(err, AKIN_EVERSION, "%s is .npy version %u.%u",
                         s->subject, major, minor);
    size_t n_length = major == 1 ? 2 : 4;
    if (s->left < n_length) return npy_corrupt(s, "it is too short", err);
    AKIN_TRY(s->take(s, n_length, &p, err));
    *n_text = n_length == 2 ? npy_u16(p) : npy_u32(p);
    if (*n_text > NPY_MAX_HEADER)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "the header of %s is longer than %d bytes",
                         s->subject, NPY_MAX_HEADER);
    if (*n_text > s->left)
        return npy_corrupt(s, "its header does not fit", err);
    return AKIN_OK;
}

akin_status npy_header_read(npy_stream *s, npy_content content, npy_header *h,
                            akin_error *err)
{
    npy_dict d = {0};
    const unsigned char *p;
    size_t n_text = 0;
    *h = (npy_header){0};
    AKIN_TRY(npy_read_start(s, &n_text, err));
    AKIN_TRY(s->take(s, n_text, &p, err));
    npy_text text = {(const char *)p, (const char *)p + n_text};
    if (!npy_parse_dict(&text, &d))
        return npy_corrupt(s, "its header is damaged", err);
    AKIN_TRY(npy_check_type(s, &d, content, h, err));
    return npy_check_shape(s, &d, h, err);
}
