/* SPDX-License-Identifier: MIT
 * Tests of what people read: times, and the exit codes' one table. */
#include "test.h"

#include "cli/print.h"

static void test_time(void)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0:00.0"},       {3, "0:03.0"},
                 {59.96, "1:00.0"},   {75.25, "1:15.3"},
                 {3599.9, "59:59.9"}, {3600, "1:00:00.0"},
                 {-1, "0:00.0"},      {90061.5, "25:01:01.5"}};
    char text[PRINT_PIECE_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_time(cases[i].seconds, text);
        CHECK_EQ_TEXT(text, cases[i].text);
    }
}

static void test_exit_codes(void)
{
    CHECK_EQ_INT(print_exit_code(AKIN_OK), 0);
    CHECK_EQ_INT(print_exit_code(AKIN_EUSAGE), 2);
    CHECK_EQ_INT(print_exit_code(AKIN_ENOTFOUND), 3);
    CHECK_EQ_INT(print_exit_code(AKIN_EBUSY), 3);
    CHECK_EQ_INT(print_exit_code(AKIN_ESETTINGS), 3);
    CHECK_EQ_INT(print_exit_code(AKIN_ECORRUPT), 4);
    CHECK_EQ_INT(print_exit_code(AKIN_EDECODE), 4);
    CHECK_EQ_INT(print_exit_code(AKIN_ECANCELLED), 130);
}

const test_case test_print_cases[] = {
    {"print/time", test_time},
    {"print/exit_codes", test_exit_codes},
    {0},
};
