/* SPDX-License-Identifier: MIT
 * engine/when: dates in file names, dates moved by seconds. */
#include "engine/when.h"

#include "test.h"

static void recorders_names_are_read(void)
{
    static const char *const rows[][2] = {
        {"SITE_20230512_060000.wav", "2023-05-12T06:00:00"},
        {"20240229T235959.flac", "2024-02-29T23:59:59"},
        {"20230512060000.wav", "2023-05-12T06:00:00"},
        {"x-20230512-060000-y.wav", "2023-05-12T06:00:00"},
        {"1_20230512_060000.wav", "2023-05-12T06:00:00"},
        {"20230229_060000.wav", NULL}, /* no such day */
        {"20230512_250000.wav", NULL}, /* no such hour */
        {"120230512_060000.wav", NULL}, {"20230512_0600001.wav", NULL},
        {"call.wav", NULL}, {"", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[WHEN_TEXT_BYTES] = "";
        bool found = when_from_name(rows[i][0], out);
        CHECK(found == (rows[i][1] != NULL));
        if (found && rows[i][1]) CHECK_EQ_TEXT(out, rows[i][1]);
    }
}

static void seconds_carry_over_days_and_years(void)
{
    static const struct {
        const char *iso;
        double seconds;
        const char *out;
    } rows[] = {
        {"2023-12-31T23:59:58", 3, "2024-01-01T00:00:01"},
        {"2024-02-28T23:00:00", 7200, "2024-02-29T01:00:00"},
        {"2023-02-28 23:00", 7200, "2023-03-01T01:00:00"},
        {"2023-05-12T06:00:00.250000+02:00", 1.5, "2023-05-12T06:00:01+02:00"},
        {"2023-05-12", 86399.9999999, "2023-05-13T00:00:00"},
        {"1969-12-31T23:59:59", 1, "1970-01-01T00:00:00"},
        {"2000-01-01T00:00:00", -1, "1999-12-31T23:59:59"},
        {"noon", 1, NULL}, {"2023-13-01", 1, NULL}, {NULL, 1, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[WHEN_TEXT_BYTES] = "";
        bool good = when_add(rows[i].iso, rows[i].seconds, out);
        CHECK(good == (rows[i].out != NULL));
        if (good && rows[i].out) CHECK_EQ_TEXT(out, rows[i].out);
    }
}

const test_case test_when_cases[] = {
    {"when/recorders_names_are_read", recorders_names_are_read},
    {"when/seconds_carry_over_days_and_years",
     seconds_carry_over_days_and_years},
    {0},
};
