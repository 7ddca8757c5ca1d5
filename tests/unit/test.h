/* SPDX-License-Identifier: MIT
 * The unit test runner's face: a table of named functions a file, and checks
 * that print what they saw. */
#ifndef TEST_H
#define TEST_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "akin/error.h"

typedef struct test_case {
    const char *name; /* "file/what_holds" */
    void (*run)(void);
} test_case;

/* Counts a failed check of the running test and prints it. */
void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The running test did not apply here; the reason is printed. */
void test_skip(const char *reason);

/* A fresh empty folder that is removed after the test; lives until its end. */
const char *test_dir(void);

/* tests/data/NAME and, for data outside the project, NULL when it is absent:
 * test_real_data("esc10") is AKIN_TEST_DATA/esc10. */
const char *test_data(const char *name);
const char *test_real_data(const char *name);

#define CHECK(cond)                                                            \
    do {                                                                       \
        if (!(cond)) test_fail(__FILE__, __LINE__, "%s", #cond);               \
    } while (0)

#define CHECK_EQ_INT(a, b)                                                     \
    do {                                                                       \
        long long a_ = (long long)(a), b_ = (long long)(b);                    \
        if (a_ != b_)                                                          \
            test_fail(__FILE__, __LINE__, "%s is %lld, not %s = %lld", #a, a_, \
                      #b, b_);                                                 \
    } while (0)

#define CHECK_EQ_TEXT(a, b)                                                    \
    do {                                                                       \
        const char *a_ = (a), *b_ = (b);                                       \
        if (!a_ || !b_ || strcmp(a_, b_) != 0)                                 \
            test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a,      \
                      a_ ? a_ : "(null)", b_ ? b_ : "(null)");                 \
    } while (0)

#define CHECK_NEAR(a, b, tolerance)                                            \
    do {                                                                       \
        double a_ = (a), b_ = (b);                                             \
        if (!(fabs(a_ - b_) <= (tolerance)))                                   \
            test_fail(__FILE__, __LINE__, "%s is %.9g, not %s = %.9g", #a, a_, \
                      #b, b_);                                                 \
    } while (0)

/* The call returns exactly this status. */
#define CHECK_STATUS(call, wanted)                                             \
    do {                                                                       \
        akin_status status_ = (call);                                          \
        if (status_ != (wanted))                                               \
            test_fail(__FILE__, __LINE__, "%s gave %s, not %s", #call,         \
                      akin_status_name(status_), #wanted);                     \
    } while (0)

/* The call succeeds; otherwise prints e's text. */
#define CHECK_OK(call, e)                                                      \
    do {                                                                       \
        akin_status status_ = (call);                                          \
        if (status_ != AKIN_OK)                                                \
            test_fail(__FILE__, __LINE__, "%s gave %s: %s", #call,             \
                      akin_status_name(status_), (e).text);                    \
    } while (0)

#endif
