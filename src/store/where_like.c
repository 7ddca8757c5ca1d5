/* SPDX-License-Identifier: MIT
 * LIKE, as SQLite has it. */
#include "store/where_int.h"

/* The next character; of bytes that are no UTF-8, a byte. */
static uint32_t next_char(const char **p)
{
    const unsigned char *c = (const unsigned char *)*p;
    uint32_t value = *c++;
    if (value >= 0xc0) {
        value &= value >= 0xf0 ? 0x07 : value >= 0xe0 ? 0x0f : 0x1f;
        while ((*c & 0xc0) == 0x80) value = value << 6 | (*c++ & 0x3f);
    }
    *p = (const char *)c;
    return value;
}

bool where_one_char(const char *text, uint32_t *out)
{
    *out = *text ? next_char(&text) : 0;
    return *out && !*text;
}

static uint32_t folded(uint32_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

/* One character of the pattern against the text's next one. */
static bool matches_one(const char **pattern, const char **text,
                        uint32_t escape)
{
    if (!**text || !**pattern) return false;
    uint32_t wanted = next_char(pattern);
    if (wanted == '_' && escape != '_') {
        next_char(text);
        return true;
    }
    if (wanted == escape && escape) {
        if (!**pattern) return false;
        wanted = next_char(pattern);
    }
    return folded(wanted) == folded(next_char(text));
}

/* Only the last % has to be gone back to: what an earlier one could still take,
 * the last can take as well. So it is never more than length times length. */
bool where_like(const char *text, const char *pattern, uint32_t escape)
{
    const char *star = NULL, *star_text = NULL;
    for (;;) {
        if (*pattern == '%' && escape != '%') {
            star = ++pattern;
            star_text = text;
            continue;
        }
        if (!*text && !*pattern) return true;
        if (matches_one(&pattern, &text, escape)) continue;
        if (!star || !*star_text) return false;
        next_char(&star_text);
        pattern = star;
        text = star_text;
    }
}
