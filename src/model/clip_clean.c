/* SPDX-License-Identifier: MIT
 * Two ways to clean a text. Hugging Face's tokenizer.json: NFC, runs of blanks
 * to one, lower case of each character by itself. open_clip: before that
 * ftfy's repairs but for mojibake (quotes, ligatures, widths, C1 and control
 * characters, terminal escapes) and HTML's character references, after that
 * Python's lower case, in which a sigma depends on its neighbours.
 *
 * XXX: of HTML's 2231 named characters only seven are known, those that occur
 * in captions; a table of all would cure it. Text that is mojibake stays so. */
#include "model/clip_clean.h"

#include <string.h>
#include <utf8proc.h>

/* Code points with a place for no more than CLIP_MAX_CODES; more are cut. */
typedef struct clean_buf {
    int32_t *codes;
    size_t n;
} clean_buf;

static void clean_put(clean_buf *buf, int32_t code)
{
    if (buf->n < CLIP_MAX_CODES) buf->codes[buf->n++] = code;
}

/* ---- classes ----------------------------------------------------------- */

/* The property White_Space, which is what \s means to both. */
bool clip_is_space(int32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool clip_is_letter(int32_t code)
{
    utf8proc_category_t category = utf8proc_category(code);
    return category >= UTF8PROC_CATEGORY_LU &&
           category <= UTF8PROC_CATEGORY_LO;
}

bool clip_is_number(int32_t code)
{
    utf8proc_category_t category = utf8proc_category(code);
    return category >= UTF8PROC_CATEGORY_ND &&
           category <= UTF8PROC_CATEGORY_NO;
}

/* ---- reading ----------------------------------------------------------- */

/* The first CLIP_MAX_CHARACTERS code points, a run of blanks counting as one.
 * To open_clip, U+0085 is a windows-1252 ellipsis and U+000B a control. */
static void clean_read(const char *text, size_t n_bytes, bool open_clip,
                       clean_buf *buf)
{
    const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text;
    bool blank = false;
    for (size_t i = 0; i < n_bytes && buf->n < CLIP_MAX_CHARACTERS;) {
        utf8proc_int32_t code = -1;
        utf8proc_ssize_t n =
            utf8proc_iterate(p + i, (utf8proc_ssize_t)(n_bytes - i), &code);
        i += n > 0 ? (size_t)n : 1;
        if (n <= 0) code = 0xfffd;
        bool space = clip_is_space(code) &&
                     !(open_clip && (code == 0x85 || code == 0x0b));
        if (!space) clean_put(buf, code);
        if (space && !blank) clean_put(buf, ' ');
        blank = space;
    }
}

/* ---- NFC --------------------------------------------------------------- */

static int clean_class(int32_t code)
{
    return utf8proc_get_property(code)->combining_class;
}

/* Unicode's canonical ordering: combining marks by class, stable. */
static void clean_order(int32_t *codes, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int32_t code = codes[i];
        int class = clean_class(code);
        size_t j = i;
        for (; class && j > 0 && clean_class(codes[j - 1]) > class; j--)
            codes[j] = codes[j - 1];
        codes[j] = code;
    }
}

/* Puts a code point's decomposition. */
static void clean_decompose(clean_buf *buf, int32_t code, bool compatible)
{
    utf8proc_int32_t parts[32];
    int boundary = 0;
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    if (compatible) options |= UTF8PROC_COMPAT;
    utf8proc_ssize_t n =
        utf8proc_decompose_char(code, parts, 32, options, &boundary);
    if (n < 0 || n > 32) {
        clean_put(buf, code);
        return;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++) clean_put(buf, parts[i]);
}

/* From `in` to `out`, another buffer. */
static void clean_nfc(const clean_buf *in, clean_buf *out)
{
    bool simple = true;
    for (size_t i = 0; i < in->n && simple; i++) simple = in->codes[i] < 0x300;
    out->n = 0;
    for (size_t i = 0; i < in->n; i++)
        if (simple)
            clean_put(out, in->codes[i]);
        else
            clean_decompose(out, in->codes[i], false);
    if (simple) return;
    clean_order(out->codes, out->n);
    utf8proc_ssize_t n = utf8proc_normalize_utf32(
        out->codes, (utf8proc_ssize_t)out->n, UTF8PROC_STABLE |
                                                  UTF8PROC_COMPOSE);
    if (n >= 0) out->n = (size_t)n;
}

/* ---- HTML's character references --------------------------------------- */

/* What 0x80 to 0x9f are in windows-1252; 0: nothing else. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
    0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
    0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

static int32_t clean_from_1252(int32_t code)
{
    if (code < 0x80 || code > 0x9f || !windows_1252[code - 0x80]) return code;
    return windows_1252[code - 0x80];
}

/* HTML's rules for the number of a reference; -1: it stands for nothing. */
static int32_t clean_reference(int64_t number)
{
    int32_t c = number > 0x10ffff ? 0xfffd : (int32_t)number;
    if (c == 0 || (c >= 0xd800 && c <= 0xdfff)) return 0xfffd;
    if (c >= 0x80 && c <= 0x9f) return clean_from_1252(c);
    if (c < 0x20 && (c < 9 || c == 0x0b || c > 0x0d)) return -1;
    if (c == 0x7f || (c >= 0xfdd0 && c <= 0xfdef)) return -1;
    return (c & 0xfffe) == 0xfffe ? -1 : c;
}

static int clean_digit(int32_t c, int base)
{
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    return digit < base ? digit : -1;
}

/* "&#N" or "&#xN" at p with or without ';': its length, or 0. */
static size_t clean_number(const int32_t *p, size_t n, int32_t *code)
{
    int base = n > 2 && (p[2] == 'x' || p[2] == 'X') ? 16 : 10;
    size_t first = base == 16 ? 3 : 2, i = first;
    int64_t number = 0;
    if (n < 3 || p[1] != '#') return 0;
    for (int digit; i < n && (digit = clean_digit(p[i], base)) >= 0; i++)
        if (number <= 0x10ffff) number = number * base + digit;
    if (i == first) return 0;
    *code = clean_reference(number);
    return i < n && p[i] == ';' ? i + 1 : i;
}

/* "&name;" at p: its length, or 0. HTML's oldest go without the ';', too. */
static size_t clean_name(const int32_t *p, size_t n, int32_t *code)
{
    static const struct {
        const char *name;
        int32_t code;
    } names[] = {{"&amp;", '&'},       {"&lt;", '<'},    {"&gt;", '>'},
                 {"&quot;", '"'},      {"&apos;", '\''}, {"&nbsp;", 0xa0},
                 {"&hellip;", 0x2026}, {"&amp", '&'},    {"&lt", '<'},
                 {"&gt", '>'},         {"&quot", '"'},   {"&nbsp", 0xa0}};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t length = strlen(names[k].name), i = 0;
        while (i < length && i < n && p[i] == names[k].name[i]) i++;
        if (i < length) continue;
        *code = names[k].code;
        return length;
    }
    return 0;
}

/* In place: references only shrink. `closed` wants them to end with ';'. */
static void clean_unescape(clean_buf *buf, bool closed)
{
    size_t n = 0;
    for (size_t i = 0; i < buf->n;) {
        int32_t code = buf->codes[i];
        size_t length = 0;
        if (code == '&') {
            int32_t found = code;
            length = clean_number(buf->codes + i, buf->n - i, &found);
            if (!length)
                length = clean_name(buf->codes + i, buf->n - i, &found);
            if (closed && length && buf->codes[i + length - 1] != ';')
                length = 0;
            if (length) code = found;
        }
        if (code >= 0) buf->codes[n++] = code;
        i += length ? length : 1;
    }
    buf->n = n;
}

/* ---- ftfy's repairs ---------------------------------------------------- */

/* "ESC [ digits and semicolons letter" at p: its length, or 0. */
static size_t clean_terminal_escape(const int32_t *p, size_t n)
{
    size_t i = 2;
    if (n < 3 || p[0] != 0x1b || p[1] != '[') return 0;
    while (i < n && (clean_digit(p[i], 10) >= 0 || p[i] == ';')) i++;
    if (i == n) return 0;
    int32_t letter = p[i] | 0x20;
    return letter >= 'a' && letter <= 'z' ? i + 1 : 0;
}

static bool clean_is_control(int32_t c)
{
    return c < 9 || c == 0x0b || (c >= 0x0e && c < 0x20) || c == 0x7f ||
           (c >= 0x206a && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffc);
}

/* Latin ligatures and digraphs, by their compatible parts. */
static bool clean_is_ligature(int32_t c)
{
    return c == 0x132 || c == 0x133 || c == 0x149 ||
           (c >= 0x1c4 && c <= 0x1cc) || (c >= 0x1f1 && c <= 0x1f3) ||
           (c >= 0xfb00 && c <= 0xfb06);
}

static void clean_repair_code(clean_buf *out, int32_t code)
{
    code = clean_from_1252(code);
    if (code == 0xfb05) { /* long s and t: its compatible form is "st" */
        clean_put(out, 0x17f);
        clean_put(out, 't');
    } else if (clean_is_ligature(code) ||
               (code >= 0xff01 && code < 0xfff0)) {
        clean_decompose(out, code, true);
    } else if (code == 0x2bc || (code >= 0x2018 && code <= 0x201b)) {
        clean_put(out, '\'');
    } else if (code >= 0x201c && code <= 0x201f) {
        clean_put(out, '"');
    } else if (!clean_is_control(code)) {
        clean_put(out, code);
    }
}

/* ftfy looks for escapes before control characters go; from in to out. */
static void clean_repair(const clean_buf *in, clean_buf *out)
{
    out->n = 0;
    for (size_t i = 0; i < in->n;) {
        size_t escape = clean_terminal_escape(in->codes + i, in->n - i);
        if (!escape) clean_repair_code(out, in->codes[i]);
        i += escape ? escape : 1;
    }
}

static bool clean_equal(const clean_buf *a, const clean_buf *b)
{
    return a->n == b->n &&
           memcmp(a->codes, b->codes, a->n * sizeof *a->codes) == 0;
}

/* Repairs may uncover others: ftfy goes on until nothing changes. The result
 * is in a. */
static void clean_fix(clean_buf *a, clean_buf *b)
{
    enum { MAX_ROUNDS = 8 };
    int32_t kept[CLIP_MAX_CHARACTERS];
    bool has_tag = false;
    for (size_t i = 0; i < a->n && !has_tag; i++)
        has_tag = a->codes[i] == '<';
    for (int round = 0; round < MAX_ROUNDS; round++) {
        clean_buf before = {.codes = kept, .n = a->n};
        bool comparable = a->n <= CLIP_MAX_CHARACTERS;
        if (comparable) memcpy(kept, a->codes, a->n * sizeof *kept);
        if (!has_tag) clean_unescape(a, true);
        clean_repair(a, b);
        clean_nfc(b, a);
        if (comparable && clean_equal(&before, a)) break;
    }
    clean_unescape(a, false);
    clean_unescape(a, false);
}

/* ---- lower case -------------------------------------------------------- */

/* The property Case_Ignorable: marks, and what stands inside words. */
static bool clean_is_case_ignorable(int32_t c)
{
    static const int32_t inside[] = {0x27,   0x2e,   0x3a,   0xb7,   0x387,
                                     0x55f,  0x5f4,  0x2018, 0x2019, 0x2024,
                                     0x2027, 0xfe13, 0xfe52, 0xfe55, 0xff07,
                                     0xff0e, 0xff1a};
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: break;
    }
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (c == inside[i]) return true;
    return false;
}

/* The property Cased, of characters that are not Case_Ignorable. */
static bool clean_is_cased(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT: return true;
    default: break;
    }
    return c == 0xaa || c == 0xba || (c >= 0x2160 && c <= 0x217f) ||
           (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
           (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
}

/* Unicode's Final_Sigma: behind a letter with case, and none behind it. */
static bool clean_is_final(const clean_buf *in, size_t i)
{
    size_t j = i, k = i + 1;
    while (j > 0 && clean_is_case_ignorable(in->codes[j - 1])) j--;
    while (k < in->n && clean_is_case_ignorable(in->codes[k])) k++;
    return j > 0 && clean_is_cased(in->codes[j - 1]) &&
           !(k < in->n && clean_is_cased(in->codes[k]));
}

static void clean_lower(const clean_buf *in, bool final_sigma, clean_buf *out)
{
    out->n = 0;
    for (size_t i = 0; i < in->n; i++) {
        int32_t code = in->codes[i];
        if (code == 0x130) { /* the one whose lower case is two */
            clean_put(out, 'i');
            clean_put(out, 0x307);
        } else if (code == 0x3a3 && final_sigma && clean_is_final(in, i)) {
            clean_put(out, 0x3c2);
        } else {
            clean_put(out, utf8proc_tolower(code));
        }
    }
}

/* ---- the whole --------------------------------------------------------- */

/* Python's split takes U+001C to U+001F for blanks as well. */
static void clean_collapse(clean_buf *buf)
{
    size_t n = 0;
    for (size_t i = 0; i < buf->n; i++) {
        int32_t code = buf->codes[i];
        bool space = clip_is_space(code) || (code >= 0x1c && code <= 0x1f);
        if (!space)
            buf->codes[n++] = code;
        else if (n > 0 && buf->codes[n - 1] != ' ')
            buf->codes[n++] = ' ';
    }
    buf->n = n;
}

size_t clip_clean(const char *text, size_t n_bytes, card_clean mode,
                  bool lower_case, int32_t *codes)
{
    int32_t other[CLIP_MAX_CODES];
    clean_buf a = {.codes = codes}, b = {.codes = other};
    bool open_clip = mode == CARD_CLEAN_OPEN_CLIP;
    clean_read(text, n_bytes, open_clip, &a);
    if (open_clip) {
        clean_fix(&a, &b);
        clean_collapse(&a);
    } else {
        clean_nfc(&a, &b);
        memcpy(a.codes, b.codes, b.n * sizeof *b.codes);
        a.n = b.n;
    }
    if (!lower_case) return a.n;
    clean_lower(&a, open_clip, &b);
    memcpy(a.codes, b.codes, b.n * sizeof *b.codes);
    return b.n;
}
