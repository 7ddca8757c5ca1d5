/* SPDX-License-Identifier: MIT
 * ISO 8601 dates and clocks as seconds on the wall clock. A filter's date may
 * stop at the year, month, day, hour or minute and then means all of it. */
#include <stdio.h>

#include "store/item_store.h"
#include "store/store_int.h"

typedef struct time_fields {
    int year, month, day, hour, minute, second;
    double fraction;
    int n; /* how many of the six were given */
} time_fields;

/* Exactly `width` digits. */
static bool read_digits(const char **p, int width, int *out)
{
    int value = 0;
    for (int i = 0; i < width; i++, (*p)++) {
        if (**p < '0' || **p > '9') return false;
        value = 10 * value + (**p - '0');
    }
    *out = value;
    return true;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* From 1970-01-01; month may be 13 for the next January. */
static int64_t days_before(int year, int month, int day)
{
    if (month > 12) {
        year++;
        month -= 12;
    }
    int64_t past = year - 1;
    int64_t days = 365 * past + past / 4 - past / 100 + past / 400 - 719162;
    for (int m = 1; m < month; m++) days += month_days(year, m);
    return days + day - 1;
}

static bool read_date(const char **p, time_fields *t)
{
    t->month = t->day = 1;
    if (!read_digits(p, 4, &t->year) || t->year < 1) return false;
    t->n = 1;
    if (**p != '-') return true;
    ++*p;
    if (!read_digits(p, 2, &t->month) || t->month < 1 || t->month > 12)
        return false;
    t->n = 2;
    if (**p != '-') return true;
    ++*p;
    t->n = 3;
    return read_digits(p, 2, &t->day) && t->day >= 1 &&
           t->day <= month_days(t->year, t->month);
}

static bool read_clock(const char **p, time_fields *t)
{
    if (!read_digits(p, 2, &t->hour) || t->hour > 23) return false;
    t->n = 4;
    if (**p != ':') return true;
    ++*p;
    if (!read_digits(p, 2, &t->minute) || t->minute > 59) return false;
    t->n = 5;
    if (**p != ':') return true;
    ++*p;
    t->n = 6;
    return read_digits(p, 2, &t->second) && t->second <= 59;
}

static bool read_fraction(const char **p, time_fields *t)
{
    if (**p != '.' && **p != ',') return true;
    double scale = 0.1;
    const char *first = ++*p;
    for (; **p >= '0' && **p <= '9'; ++*p, scale /= 10)
        t->fraction += scale * (**p - '0');
    return *p > first;
}

/* Z, +HH, +HH:MM or +HH:MM:SS; checked, then left aside. */
static bool read_zone(const char **p)
{
    time_fields zone = {0};
    if (**p == 'Z') ++*p;
    if (**p != '+' && **p != '-') return true;
    ++*p;
    return read_clock(p, &zone) && read_fraction(p, &zone);
}

static double clock_s(const time_fields *t)
{
    return t->hour * 3600.0 + t->minute * 60.0 + t->second + t->fraction;
}

static double fields_s(const time_fields *t)
{
    return 86400.0 * (double)days_before(t->year, t->month, t->day) +
           clock_s(t);
}

bool store_parse_date(const char *text, store_span *out)
{
    time_fields t = {0};
    const char *p = text;
    if (!read_date(&p, &t)) return false;
    if (t.n == 3 && (*p == 'T' || *p == ' ')) {
        p++;
        if (!read_clock(&p, &t)) return false;
    }
    if (*p) return false;
    out->lo = fields_s(&t);
    switch (t.n) {
    case 1: out->hi = 86400.0 * (double)days_before(t.year + 1, 1, 1); break;
    case 2:
        out->hi = 86400.0 * (double)days_before(t.year, t.month + 1, 1);
        break;
    case 3: out->hi = out->lo + 86400; break;
    case 4: out->hi = out->lo + 3600; break;
    case 5: out->hi = out->lo + 60; break;
    default: out->hi = out->lo + 1;
    }
    return true;
}

bool store_parse_clock(const char *text, store_span *out)
{
    time_fields t = {0};
    const char *p = text;
    if (!read_clock(&p, &t) || *p) return false;
    out->lo = clock_s(&t);
    out->hi = out->lo + (t.n == 4 ? 3600 : t.n == 5 ? 60 : 1);
    return true;
}

bool store_parse_datetime(const char *text, double *wall_s)
{
    time_fields t = {0};
    const char *p = text;
    if (!read_date(&p, &t) || t.n < 3) return false;
    if (*p == 'T' || *p == ' ') {
        p++;
        if (!read_clock(&p, &t) || (t.n == 6 && !read_fraction(&p, &t)) ||
            !read_zone(&p))
            return false;
    }
    if (*p) return false;
    *wall_s = fields_s(&t);
    return true;
}

/* ---- microseconds of UTC ------------------------------------------------ */

/* A fraction to microseconds; what is finer is cut off. */
static bool read_micros(const char **p, int64_t *us)
{
    int64_t unit = 100000;
    *us = 0;
    if (**p != '.' && **p != ',') return true;
    const char *first = ++*p;
    for (; **p >= '0' && **p <= '9'; ++*p, unit /= 10)
        *us += unit * (**p - '0');
    return *p > first;
}

/* How far the zone is ahead of UTC. */
static bool read_offset(const char **p, int64_t *seconds)
{
    time_fields zone = {0};
    *seconds = 0;
    if (**p == 'Z') {
        ++*p;
        return true;
    }
    if (**p != '+' && **p != '-') return true;
    int sign = *(*p)++ == '-' ? -1 : 1;
    if (!read_clock(p, &zone)) return false;
    *seconds = sign * (zone.hour * 3600 + zone.minute * 60 + zone.second);
    return true;
}

bool items_parse_time(const char *text, int64_t *us)
{
    time_fields t = {0};
    const char *p = text;
    int64_t micros = 0, ahead_s = 0;
    if (!read_date(&p, &t) || t.n < 3) return false;
    if (*p == 'T' || *p == ' ') {
        p++;
        if (!read_clock(&p, &t) || t.n < 5) return false;
        if (t.n == 6 && !read_micros(&p, &micros)) return false;
        if (!read_offset(&p, &ahead_s)) return false;
    }
    if (*p) return false;
    int64_t seconds = 86400 * days_before(t.year, t.month, t.day) +
                      t.hour * 3600 + t.minute * 60 + t.second - ahead_s;
    *us = seconds * 1000000 + micros;
    return true;
}

/* The date of a day since 1970: eras of 400 years, years that begin in
 * March. */
static void date_of_day(int64_t day, time_fields *t)
{
    int64_t z = day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097, in_era = z - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) /
                   365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;
    t->day = (int)(in_year - (153 * month + 2) / 5 + 1);
    t->month = (int)(month < 10 ? month + 3 : month - 9);
    t->year = (int)(year + era * 400 + (t->month <= 2));
}

void items_format_time(int64_t us, char out[ITEMS_TIME_BYTES])
{
    time_fields t = {0};
    int64_t day_us = (int64_t)86400 * 1000000;
    int64_t in_day = us % day_us, day = us / day_us - (in_day < 0);
    if (in_day < 0) in_day += day_us;
    int64_t seconds = in_day / 1000000, micros = in_day % 1000000;
    date_of_day(day, &t);
    int n = snprintf(out, ITEMS_TIME_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d",
                     t.year, t.month, t.day, (int)(seconds / 3600),
                     (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (micros == 0 || n < 0 || n >= ITEMS_TIME_BYTES) return;
    snprintf(out + n, (size_t)(ITEMS_TIME_BYTES - n), ".%06d", (int)micros);
}
