/* SPDX-License-Identifier: MIT
 * base/text: strict numbers, patterns, UTF-8, buffers, CSV. */
#include "base/text.h"

#include "base/memory.h"
#include "test.h"

static void only_whole_numbers_parse(void)
{
    static const char *const bad[] = {"",   " 1",  "1 ", "1x", "nan",
                                      "inf", "0x", "--1", NULL};
    double d;
    int64_t i;
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        CHECK(!text_to_double(bad[n], &d));
    CHECK(text_to_double("-2.5e3", &d) && d == -2500);
    CHECK(text_to_int64("-42", &i) && i == -42);
    CHECK(!text_to_int64("4.2", &i) && !text_to_int64("", &i));
    CHECK(!text_to_int64("99999999999999999999", &i));
}

static void patterns_match_whole_texts(void)
{
    CHECK(text_matches("site1/a.wav", "site1/*"));
    CHECK(text_matches("site1/a.wav", "*.wav"));
    CHECK(text_matches("abcabc", "*abc"));
    CHECK(text_matches("", "*") && text_matches("", ""));
    CHECK(text_matches("ab", "?b") && !text_matches("b", "?b"));
    CHECK(!text_matches("a.wave", "*.wav"));
}

static void utf8_is_checked_strictly(void)
{
    CHECK(text_is_utf8("na\xc3\xafve \xf0\x9f\x90\xa6", 11));
    CHECK(!text_is_utf8("\xc0\xaf", 2));     /* overlong */
    CHECK(!text_is_utf8("\xed\xa0\x80", 3)); /* surrogate */
    CHECK(!text_is_utf8("\xf4\x90\x80\x80", 4));
    CHECK(!text_is_utf8("\xc3", 1));
    CHECK(!text_is_utf8("a\0b", 3));
}

static void doubles_print_shortest(void)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{3, "3.0"}, {0.1, "0.1"}, {1e22, "1e+22"}, {-2.5, "-2.5"},
                {1.0 / 3, "0.3333333333333333"}, {0, "0.0"},
                {30, "30.0"}, {100, "100.0"}, {-250, "-250.0"},
                {86400, "86400.0"}, {1234567.875, "1234567.875"},
                {9007199254740992, "9007199254740992.0"},
                {1e15, "1000000000000000.0"}, {1e16, "1e+16"},
                {1.5e300, "1.5e+300"}, {0.0001, "0.0001"}, {0.00001, "1e-05"},
                {-0.00012345, "-0.00012345"}, {5e-324, "5e-324"},
                {-2.2250738585072014e-308, "-2.2250738585072014e-308"},
                {-0.00012345678901234567, "-0.00012345678901234567"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        text_from_double(rows[i].value, text);
        CHECK_EQ_TEXT(text, rows[i].text);
    }
}

static void buffers_grow_and_stop(void)
{
    text_buf buf;
    text_buf_init(&buf, 16);
    text_buf_printf(&buf, "%s-%d", "abc", 7);
    CHECK_EQ_TEXT(buf.data, "abc-7");
    text_buf_puts(&buf, "0123456789abcdef");
    CHECK_STATUS(buf.status, AKIN_ELIMIT);
    CHECK_EQ_TEXT(buf.data, "abc-7");
    text_buf_clear(&buf);
}

static void csv_fields_are_quoted_when_needed(void)
{
    text_buf buf;
    text_buf_init(&buf, 1000);
    text_buf_put_csv(&buf, "plain");
    text_buf_puts(&buf, ",");
    text_buf_put_csv(&buf, "a,\"b\"\n");
    CHECK_EQ_TEXT(buf.data, "plain,\"a,\"\"b\"\"\n\"");
    text_buf_clear(&buf);
}

const test_case test_text_cases[] = {
    {"text/only_whole_numbers_parse", only_whole_numbers_parse},
    {"text/patterns_match_whole_texts", patterns_match_whole_texts},
    {"text/utf8_is_checked_strictly", utf8_is_checked_strictly},
    {"text/doubles_print_shortest", doubles_print_shortest},
    {"text/buffers_grow_and_stop", buffers_grow_and_stop},
    {"text/csv_fields_are_quoted_when_needed",
     csv_fields_are_quoted_when_needed},
    {0},
};
