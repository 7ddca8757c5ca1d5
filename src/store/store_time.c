/* SPDX-License-Identifier: MIT
 * ISO 8601 dates and clocks as seconds on the wall clock. A filter's date may
 * stop at the year, month, day, hour or minute and then means all of it. */
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
