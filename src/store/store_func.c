/* SPDX-License-Identifier: MIT
 * Offsets as bytes and back, and the functions that SQL calls on them. */
#include <math.h>
#include <string.h>

#include "store/store_int.h"

static void put_f64(unsigned char *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++) out[i] = (unsigned char)(bits >> (8 * i));
}

static double get_f64(const unsigned char *bytes)
{
    uint64_t bits = 0;
    double value;
    for (int i = 0; i < 8; i++) bits |= (uint64_t)bytes[i] << (8 * i);
    memcpy(&value, &bits, sizeof value);
    return value;
}

void store_put_offsets(double start_s, double end_s,
                       unsigned char out[STORE_OFFSETS_BYTES])
{
    put_f64(out, start_s);
    put_f64(out + 8, end_s);
}

/* Hoplite stores a list: of one value it is the start, of more than two the
 * first two count. */
bool store_get_offsets(const void *bytes, size_t n_bytes, store_window *out)
{
    const unsigned char *p = bytes;
    bool flagged = n_bytes == STORE_OFFSETS_BYTES + 1;
    out->start_s = out->end_s = 0;
    out->imprecise = true;
    if (!p || n_bytes < 8 || (n_bytes % 8 != 0 && !flagged)) return false;
    double start = get_f64(p);
    double end = n_bytes >= STORE_OFFSETS_BYTES ? get_f64(p + 8) : start;
    if (!(isfinite(start) && isfinite(end) && 0 <= start && start <= end))
        return false;
    out->start_s = start;
    out->end_s = end;
    out->imprecise = flagged && p[STORE_OFFSETS_BYTES] != 0;
    return true;
}

void store_get_window(sqlite3_stmt *q, store_window *out)
{
    const void *bytes = sqlite3_column_blob(q, 2);
    out->id = sqlite3_column_int64(q, 0);
    out->recording_id = sqlite3_column_int64(q, 1);
    store_get_offsets(bytes, (size_t)sqlite3_column_bytes(q, 2), out);
}

static bool value_offsets(sqlite3_value *value, store_window *out)
{
    const void *bytes = sqlite3_value_blob(value);
    return store_get_offsets(bytes, (size_t)sqlite3_value_bytes(value), out);
}

static void func_start(sqlite3_context *context, int n, sqlite3_value **values)
{
    store_window w;
    (void)n;
    if (value_offsets(values[0], &w)) sqlite3_result_double(context, w.start_s);
}

/* Hoplite's rule is a.start < b.end and a.end > b.start. Equal offsets count
 * too, or the label of a still image (0, 0) would belong to nothing. */
static void func_overlap(sqlite3_context *context, int n,
                         sqlite3_value **values)
{
    store_window a, b;
    (void)n;
    bool ok = value_offsets(values[0], &a) && value_offsets(values[1], &b);
    sqlite3_result_int(context,
                       ok && ((a.start_s < b.end_s && a.end_s > b.start_s) ||
                              (a.start_s == b.start_s && a.end_s == b.end_s)));
}

static bool value_wall(sqlite3_value *value, double *wall_s)
{
    const unsigned char *text = sqlite3_value_text(value);
    return text && store_parse_datetime((const char *)text, wall_s);
}

static void func_wall(sqlite3_context *context, int n, sqlite3_value **values)
{
    double wall_s;
    (void)n;
    if (value_wall(values[0], &wall_s)) sqlite3_result_double(context, wall_s);
}

/* Rounded to microseconds: a start of 2.9999999999 s is three seconds. */
static void func_moment(sqlite3_context *context, int n, sqlite3_value **values)
{
    double wall_s;
    store_window w;
    (void)n;
    if (value_wall(values[0], &wall_s) && value_offsets(values[1], &w))
        sqlite3_result_double(context,
                              round((wall_s + w.start_s) * 1e6) / 1e6);
}

static void func_clock(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    double moment_s = sqlite3_value_double(values[0]);
    sqlite3_result_double(context,
                          moment_s - 86400 * floor(moment_s / 86400));
}

/* Not GLOB: that takes exponential time on patterns of many stars. */
static void func_matches(sqlite3_context *context, int n,
                         sqlite3_value **values)
{
    const unsigned char *text = sqlite3_value_text(values[0]);
    const unsigned char *pattern = sqlite3_value_text(values[1]);
    (void)n;
    sqlite3_result_int(context, text && pattern &&
                                    text_matches((const char *)text,
                                                 (const char *)pattern));
}

akin_status store_add_functions(store *s, akin_error *err)
{
    static const struct {
        const char *name;
        int n_values;
        void (*call)(sqlite3_context *, int, sqlite3_value **);
    } table[] = {
        {"akin_start", 1, func_start},       {"akin_overlap", 2, func_overlap},
        {"akin_wall_s", 1, func_wall},       {"akin_moment_s", 2, func_moment},
        {"akin_clock_s", 1, func_clock},     {"akin_matches", 2, func_matches},
    };
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (sqlite3_create_function_v2(s->db, table[i].name, table[i].n_values,
                                       flags, NULL, table[i].call, NULL, NULL,
                                       NULL) != SQLITE_OK)
            return store_fail(s, "add an SQL function", err);
    return AKIN_OK;
}
