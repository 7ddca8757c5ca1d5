/* SPDX-License-Identifier: MIT
 * Civil dates in the proleptic Gregorian calendar, without time zones: what a
 * recorder wrote is what is kept. */
#include "engine/when.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct when_time {
    int year, month, day, hour, minute, second;
} when_time;

static bool when_digits(const char *text, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)text[i])) return false;
        *out = *out * 10 + text[i] - '0';
    }
    return true;
}

static int when_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool when_valid(const when_time *t)
{
    return t->year >= 1 && t->month >= 1 && t->month <= 12 && t->day >= 1 &&
           t->day <= when_month_days(t->year, t->month) && t->hour < 24 &&
           t->minute < 60 && t->second < 60;
}

/* Days since 1970-01-01; years counted from March so that leap days are last. */
static int64_t when_to_days(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 +
                      day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static void when_from_days(int64_t days, when_time *t)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    t->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    t->month = (int)(month < 10 ? month + 3 : month - 9);
    t->year = (int)(year + era * 400 + (t->month <= 2));
}

bool when_from_name(const char *name, char out[WHEN_TEXT_BYTES])
{
    size_t n = strlen(name);
    for (size_t i = 0; i + 14 <= n; i++) {
        when_time t;
        int date;
        if (i > 0 && isdigit((unsigned char)name[i - 1])) continue;
        if (!when_digits(name + i, 8, &date)) continue;
        size_t gap = strchr("_-T ", name[i + 8]) ? 1 : 0, end = i + gap + 14;
        int clock;
        if (end > n || !when_digits(name + i + 8 + gap, 6, &clock)) continue;
        if (isdigit((unsigned char)name[end])) continue;
        t = (when_time){date / 10000,       date / 100 % 100,  date % 100,
                        clock / 10000,      clock / 100 % 100, clock % 100};
        if (!when_valid(&t) || t.year < 1900) continue;
        snprintf(out, WHEN_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d", t.year,
                 t.month, t.day, t.hour, t.minute, t.second);
        return true;
    }
    return false;
}

/* Reads YYYY-MM-DD[(T| )HH:MM[:SS[.f]]]; *rest is what follows (an offset). */
static bool when_parse(const char *iso, when_time *t, const char **rest)
{
    *t = (when_time){0};
    if (strlen(iso) < 10 || iso[4] != '-' || iso[7] != '-') return false;
    if (!when_digits(iso, 4, &t->year) || !when_digits(iso + 5, 2, &t->month) ||
        !when_digits(iso + 8, 2, &t->day))
        return false;
    *rest = iso + 10;
    if (**rest == 'T' || **rest == ' ') {
        const char *p = *rest + 1;
        if (strlen(p) < 5 || p[2] != ':' || !when_digits(p, 2, &t->hour) ||
            !when_digits(p + 3, 2, &t->minute))
            return false;
        p += 5;
        if (*p == ':') {
            if (strlen(p) < 3 || !when_digits(p + 1, 2, &t->second))
                return false;
            p += 3;
            if (*p == '.')
                for (p++; isdigit((unsigned char)*p); p++) {}
        }
        *rest = p;
    }
    return when_valid(t);
}

bool when_add(const char *iso, double seconds, char out[WHEN_TEXT_BYTES])
{
    when_time t;
    const char *rest;
    if (!iso || !when_parse(iso, &t, &rest) || strlen(rest) > 8 ||
        !(fabs(seconds) < 1e10))
        return false;
    int64_t total = when_to_days(t.year, t.month, t.day) * 86400 +
                    t.hour * 3600 + t.minute * 60 + t.second +
                    (int64_t)floor(seconds + 1e-6);
    int64_t days = total / 86400, of_day = total % 86400;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }
    when_from_days(days, &t);
    if (t.year < 1 || t.year > 9999) return false;
    snprintf(out, WHEN_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d%s", t.year,
             t.month, t.day, (int)(of_day / 3600), (int)(of_day / 60 % 60),
             (int)(of_day % 60), rest);
    return true;
}
