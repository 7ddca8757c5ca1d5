/* SPDX-License-Identifier: MIT
 * base/json: Python's dialect is read, odd bytes are written. */
#include "base/json.h"

#include "base/file.h"
#include "base/memory.h"
#include "test.h"

static void python_nan_reads_as_null(void)
{
    const char *text = "{\"a\": NaN, \"b\": [-Infinity, \"NaN\\\"NaN\"]}";
    json_t *root;
    akin_error e = {0};
    CHECK_OK(json_parse(text, strlen(text), "test", &root, &e), e);
    char *out = json_to_text(root);
    CHECK_EQ_TEXT(out, "{\"a\": null, \"b\": [null, \"NaN\\\"NaN\"]}");
    mem_free(out);
    json_decref(root);
    CHECK_STATUS(json_parse("{", 1, "test", &root, &e), AKIN_ECORRUPT);
}

static void look_ups_are_typed(void)
{
    const char *text = "{\"i\":3,\"d\":3.5,\"w\":2.0,\"s\":\"x\",\"t\":true}";
    json_t *root;
    akin_error e = {0};
    CHECK_OK(json_parse(text, strlen(text), "test", &root, &e), e);
    int64_t i;
    double d;
    const char *s;
    bool t;
    CHECK(json_get_int64(root, "i", &i) && i == 3);
    CHECK(json_get_int64(root, "w", &i) && i == 2);
    CHECK(!json_get_int64(root, "d", &i) && !json_get_int64(root, "s", &i));
    CHECK(json_get_double(root, "i", &d) && d == 3);
    CHECK(json_get_text(root, "s", &s) && strcmp(s, "x") == 0);
    CHECK(json_get_bool(root, "t", &t) && t && !json_get_bool(root, "i", &t));
    CHECK(!json_get_text(root, "none", &s));
    json_decref(root);
}

static void bytes_that_are_no_utf8_become_replacements(void)
{
    json_t *value = json_text("a\xff\xc3\xa4z");
    CHECK_EQ_TEXT(json_string_value(value), "a\xef\xbf\xbd\xc3\xa4z");
    json_decref(value);
}

static void files_are_written_as_python_does(void)
{
    static const char text[] = "{\n"
                               "    \"b\": [\n"
                               "        1,\n"
                               "        \"\xc3\xa9/\"\n"
                               "    ],\n"
                               "    \"a\": {},\n"
                               "    \"c\": []\n"
                               "}";
    akin_error e = {0};
    char *path = file_join(test_dir(), "x.json"), *back = NULL;
    json_t *value = NULL;
    size_t n = 0;
    CHECK_OK(json_parse(text, strlen(text), "test", &value, &e), e);
    CHECK_OK(json_write(value, path, &e), e);
    json_decref(value);
    CHECK_OK(file_read(path, 1000, &back, &n, &e), e);
    CHECK_EQ_TEXT(back, text);
    CHECK_OK(json_read(path, &value, &e), e);
    json_decref(value);
    CHECK_STATUS(json_read(test_dir(), &value, &e), AKIN_EIO);
    CHECK_STATUS(json_parse_line("{\"a\"}", 5, &value, &e), AKIN_ECORRUPT);
    CHECK(strncmp(e.text, "not JSON: ", 10) == 0);
    mem_free(back);
    mem_free(path);
}

const test_case test_json_cases[] = {
    {"json/python_nan_reads_as_null", python_nan_reads_as_null},
    {"json/look_ups_are_typed", look_ups_are_typed},
    {"json/bytes_that_are_no_utf8_become_replacements",
     bytes_that_are_no_utf8_become_replacements},
    {"json/files_are_written_as_python_does",
     files_are_written_as_python_does},
    {0},
};
