/* SPDX-License-Identifier: MIT
 * Tests of the CSV reader: quotes, line ends, and what it refuses. */
#include "test.h"

#include "base/csv_read.h"
#include "base/file.h"
#include "base/memory.h"

static const char *put_csv(const char *text, size_t n)
{
    static char path[512];
    akin_error err = {0};
    file_writer *writer = NULL;
    snprintf(path, sizeof path, "%s/x.csv", test_dir());
    CHECK_OK(file_writer_open(path, &writer, &err), err);
    CHECK_OK(file_writer_put(writer, text, n, &err), err);
    CHECK_OK(file_writer_commit(writer, &err), err);
    return path;
}

static void test_fields(void)
{
    static const char text[] = "\xef\xbb\xbfName,Start,note\r\n"
                               "a.wav,1.5,\"say \"\"hi\"\", twice\"\r\n"
                               "\r\n"
                               "\"two\nlines\",,\"\"\n"
                               "last,2,x";
    csv_reader csv = {0};
    akin_error err = {0};
    bool more = false;
    CHECK_OK(csv_open(&csv, put_csv(text, sizeof text - 1), &err), err);
    CHECK_OK(csv_next(&csv, &more, &err), err);
    CHECK_EQ_TEXT(csv_get(&csv, "name"), "a.wav");
    CHECK_EQ_TEXT(csv_get(&csv, "NOTE"), "say \"hi\", twice");
    CHECK(!csv_get(&csv, "end"));
    CHECK_EQ_INT(csv.line, 2);
    CHECK_OK(csv_next(&csv, &more, &err), err);
    CHECK_EQ_TEXT(csv_get(&csv, "name"), "two\nlines");
    CHECK_EQ_TEXT(csv_get(&csv, "start"), "");
    CHECK_EQ_TEXT(csv_get(&csv, "note"), "");
    CHECK_EQ_INT(csv.line, 4);
    CHECK_OK(csv_next(&csv, &more, &err), err);
    CHECK(more);
    CHECK_EQ_TEXT(csv_get(&csv, "note"), "x");
    CHECK_EQ_INT(csv.line, 6);
    CHECK_OK(csv_next(&csv, &more, &err), err);
    CHECK(!more);
    csv_close(&csv);
}

static void test_refused(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a,b\n1\n", "line 2: 1 fields, but the header has 2"},
        {"a,b\n1,2,3\n", "line 2: 3 fields, but the header has 2"},
        {"a,b\n\"1,2\n", "line 2: a quoted field does not end"},
        {"a,b\n\"1\"2,3\n", "line 2: text behind a closing quote"},
        {"a,b\n1\"2,3\n", "line 2: a quote inside an unquoted field"},
        {"a,b\r1,2\n", "line 1: a carriage return alone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        csv_reader csv = {0};
        akin_error err = {0};
        bool more = true;
        akin_status status = csv_open(
            &csv, put_csv(cases[i].text, strlen(cases[i].text)), &err);
        while (status == AKIN_OK && more) status = csv_next(&csv, &more, &err);
        CHECK_STATUS(status, AKIN_ECORRUPT);
        if (!strstr(err.text, cases[i].message))
            test_fail(__FILE__, __LINE__, "'%s' lacks '%s'", err.text,
                      cases[i].message);
        csv_close(&csv);
    }
}

static void test_binary(void)
{
    csv_reader csv = {0};
    akin_error err = {0};
    CHECK_STATUS(csv_open(&csv, put_csv("a,b\n\0,1\n", 8), &err),
                 AKIN_ECORRUPT);
    csv_close(&csv);
    CHECK_STATUS(csv_open(&csv, "/nonexistent/x.csv", &err), AKIN_ENOTFOUND);
    csv_close(&csv);
}

/* Behind a record that is refused the next one is read. */
static void test_going_on(void)
{
    static const char text[] = "a,b\n1\n2,3\nx\"y,4\n5,6\n\"p\"q,7\n8,9\n";
    csv_reader csv = {0};
    akin_error err = {0};
    bool more = true;
    char seen[64] = "";
    CHECK_OK(csv_open(&csv, put_csv(text, strlen(text)), &err), err);
    while (more) {
        akin_status status = csv_next(&csv, &more, &err);
        size_t n = strlen(seen);
        if (status != AKIN_OK)
            snprintf(seen + n, sizeof seen - n, "-%zu ", csv.line);
        else if (more)
            snprintf(seen + n, sizeof seen - n, "%s%s ", csv.fields[0],
                     csv.fields[1]);
    }
    CHECK_EQ_TEXT(seen, "-2 23 -4 56 -6 89 ");
    csv_close(&csv);
}

const test_case test_csv_read_cases[] = {
    {"csv_read/fields", test_fields},
    {"csv_read/refused", test_refused},
    {"csv_read/binary", test_binary},
    {"csv_read/going_on", test_going_on},
    {0},
};
