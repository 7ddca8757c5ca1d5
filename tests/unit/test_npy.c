/* SPDX-License-Identifier: MIT
 * interop/npy, interop/npy_ids: what numpy writes is read, what is broken or
 * another type is named, and no header makes it read past the file. */
#include "interop/npy.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "test.h"

enum { MAX_VALUES = 1000 };

static const char *file_path(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/v.npy", test_dir());
    return path;
}

/* Magic, version, header as numpy pads it, then n bytes. */
static void write_npy(int version, const char *dict, const void *data, size_t n)
{
    FILE *f = fopen(file_path(), "wb");
    CHECK(f != NULL);
    if (!f) return;
    size_t head = version == 1 ? 10 : 12, length = strlen(dict) + 1;
    while ((head + length) % 64) length++;
    unsigned char start[12] = {0x93, 'N', 'U', 'M', 'P', 'Y',
                               (unsigned char)version, 0,
                               (unsigned char)length,
                               (unsigned char)(length >> 8)};
    fwrite(start, 1, head, f);
    fprintf(f, "%s%*s\n", dict, (int)(length - strlen(dict) - 1), "");
    if (n) fwrite(data, 1, n, f);
    fclose(f);
}

static void write_bytes(const void *data, size_t n)
{
    FILE *f = fopen(file_path(), "wb");
    CHECK(f != NULL);
    if (!f) return;
    if (n) fwrite(data, 1, n, f);
    fclose(f);
}

static akin_status read_vectors(npy_vectors *out, akin_error *e)
{
    return npy_read_vectors(file_path(), MAX_VALUES, out, e);
}

static const float floats[6] = {1, -2, 0.5f, 3e38f, -0.0f, 6};

static void good_headers_are_read(void)
{
    static const struct {
        int version;
        const char *dict;
        size_t n, dim;
    } rows[] = {
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", 1, 6},
        {1, "{'descr': '<f4', 'fortran_order': False, "
            "'shape': (2, 3), }", 2, 3},
        {1, "{'descr': '<f4', 'fortran_order': False, "
            "'shape': (6, 1), }", 6, 1},
        {2, "{'descr': '<f4', 'fortran_order': False, "
            "'shape': (3, 2), }", 3, 2},
        {3, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", 1, 6},
        /* One axis is the same in both orders; any order of keys. */
        {1, "{'shape': (6,), 'fortran_order': True, 'descr': '<f4'}", 1, 6},
        {1, "{'descr':'<f4','fortran_order':False,'shape':(2,3)}", 2, 3},
        {1, "{\"descr\": \"<f4\", \"fortran_order\": False, "
            "\"shape\": (2, 3)}", 2, 3},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }",
         2, 3},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (6L,), }", 1, 6},
        {1, " { 'descr'\t: '<f4' ,\n'fortran_order' : False , "
            "'shape' : ( 2 , 3 , ) , } ", 2, 3},
        {1, "{'descr': '=f4', 'fortran_order': False, 'shape': (6,), }", 1, 6},
        /* Fewer numbers than there are bytes for: numpy reads it, too. */
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }", 1, 5},
        {1, "{'descr': '<f4', 'fortran_order': False, "
            "'shape': (0, 3), }", 0, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        npy_vectors v;
        akin_error e = {0};
        write_npy(rows[i].version, rows[i].dict, floats, sizeof floats);
        CHECK_OK(read_vectors(&v, &e), e);
        CHECK_EQ_INT(v.n, rows[i].n);
        CHECK_EQ_INT(v.dim, rows[i].dim);
        CHECK(v.data && memcmp(v.data, floats,
                               v.n * v.dim * sizeof(float)) == 0);
        mem_free(v.data);
    }
}

/* Every type in every byte order and both orders of axes: the same numbers. */
static void every_type_is_read(void)
{
    static const struct {
        const char *descr;
        size_t item_bytes;
        const char *bytes; /* of 1, -2, 0.5 or, for bytes, 1, 254, 0 */
        float values[3];
    } rows[] = {
        {"<f2", 2, "\x00\x3c\x00\xc0\x00\x38", {1, -2, 0.5f}},
        {">f2", 2, "\x3c\x00\xc0\x00\x38\x00", {1, -2, 0.5f}},
        {"<f4", 4, "\0\0\x80\x3f\0\0\0\xc0\0\0\0\x3f", {1, -2, 0.5f}},
        {">f4", 4, "\x3f\x80\0\0\xc0\0\0\0\x3f\0\0\0", {1, -2, 0.5f}},
        {"<f8", 8, "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0"
                   "\0\0\0\0\0\0\xe0\x3f", {1, -2, 0.5f}},
        {">f8", 8, "\x3f\xf0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0"
                   "\x3f\xe0\0\0\0\0\0\0", {1, -2, 0.5f}},
        {"|i1", 1, "\x01\xfe\x00", {1, -2, 0}},
        {"<i1", 1, "\x7f\x80\xff", {127, -128, -1}},
        {">i1", 1, "\x7f\x80\xff", {127, -128, -1}},
        {"|u1", 1, "\x01\xfe\x00", {1, 254, 0}},
    };
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        bool fortran = i % 2;
        char dict[128];
        npy_vectors v;
        akin_error e = {0};
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': %s, "
                 "'shape': (3, 1), }", rows[i / 2].descr,
                 fortran ? "True" : "False");
        write_npy(1, dict, rows[i / 2].bytes, 3 * rows[i / 2].item_bytes);
        CHECK_OK(read_vectors(&v, &e), e);
        CHECK_EQ_INT(v.n, 3);
        CHECK_EQ_INT(v.dim, 1);
        if (v.data && memcmp(v.data, rows[i / 2].values, 3 * sizeof(float)))
            test_fail(__FILE__, __LINE__, "%s gave %g, %g, %g", dict,
                      v.data[0], v.data[1], v.data[2]);
        mem_free(v.data);
    }
}

static void doubles_are_rounded(void)
{
    static const double doubles[4] = {0.1, -1e-300, 2.5, 1e300};
    npy_vectors v;
    akin_error e = {0};
    write_npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }",
              doubles, sizeof doubles);
    CHECK_OK(read_vectors(&v, &e), e);
    CHECK_EQ_INT(v.dim, 4);
    if (!v.data) return;
    CHECK_NEAR(v.data[0], 0.1f, 0);
    CHECK_NEAR(v.data[1], 0, 0);
    CHECK_NEAR(v.data[2], 2.5, 0);
    CHECK(isinf(v.data[3]) && v.data[3] > 0);
    mem_free(v.data);
}

/* Sizes around the panels and blocks of columns, in every type that takes
 * another way through them. */
static void columns_become_rows(void)
{
    static const size_t sizes[][2] = {
        {2, 3}, {1, 7}, {5, 1}, {3, 8}, {255, 9}, {256, 16}, {257, 17},
        {513, 127}, {2, 300},
    };
    enum { MOST = 513 * 127 };
    float *columns = mem_array(MOST, sizeof *columns);
    CHECK(columns != NULL);
    for (size_t s = 0; columns && s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s][0], dim = sizes[s][1], n_wrong = 0;
        char dict[128];
        npy_vectors v;
        akin_error e = {0};
        for (size_t i = 0; i < n * dim; i++) columns[i] = (float)i;
        snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': True, "
                 "'shape': (%zu, %zu), }", n, dim);
        write_npy(1, dict, columns, n * dim * sizeof *columns);
        CHECK_OK(npy_read_vectors(file_path(), MOST, &v, &e), e);
        CHECK_EQ_INT(v.n, n);
        CHECK_EQ_INT(v.dim, dim);
        for (size_t i = 0; v.data && i < n * dim; i++)
            n_wrong += !(v.data[i] == (float)(i % dim * n + i / dim));
        CHECK_EQ_INT(n_wrong, 0);
        mem_free(v.data);
    }
    mem_free(columns);
}

static void bad_headers_are_named(void)
{
    static const struct {
        const char *dict;
        akin_status status;
        const char *words;
    } rows[] = {
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "integers ('<i4')"},
        {"{'descr': '<u8', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "integers ('<u8')"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "booleans"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "complex numbers ('<c8')"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "long floats ('<f16')"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "Python objects ('|O')"},
        {"{'descr': '<U2', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "texts"},
        {"{'descr': '|S2', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "texts"},
        {"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "times"},
        {"{'descr': '|V8', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "records"},
        {"{'descr': '', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "unknown type"},
        {"{'descr': '<', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "unknown type"},
        {"{'descr': '<f4-and-much-too-long', 'fortran_order': False, "
         "'shape': (6,), }",
         AKIN_EUNSUPPORTED, "'<f4-and-much-too-long'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "records ('[('a', '<f4')]')"},
        {"{'descr': [('])', '<i8'), ('v', '<f4', (3,))], "
         "'fortran_order': False, "
         "'shape': (6,), }",
         AKIN_EUNSUPPORTED, "records"},
        {"{'descr': ('<f4', (3,)), 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "records"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
         AKIN_EUNSUPPORTED, "the shape (), not"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }",
         AKIN_EUNSUPPORTED, "the shape (1, 2, 3), not"},
        {"{'descr': '<f4', 'fortran_order': False, "
         "'shape': (1,1,1,1,1,1,1,1,1), }", AKIN_EUNSUPPORTED,
         "(1,1,1,1,1,1,1,1,1)"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }",
         AKIN_ECORRUPT, "shorter than its shape (7,): it ends after 6 of 7"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }",
         AKIN_ECORRUPT, "shorter than its shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1001,), }",
         AKIN_ELIMIT, "(1001,), more than 1000"},
        {"{'descr': '<f4', 'fortran_order': False, "
         "'shape': (4294967296, 4294967296), }", AKIN_ELIMIT, "more than"},
        {"{'descr': '<f4', 'fortran_order': False, "
         "'shape': (99999999999999999999999,), }", AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, "
         "'shape': (4294967296, 0), }", AKIN_ELIMIT, "more than"},
        {"{'descr': '<f4', 'fortran_order': False, "
         "'shape': (0, 4294967296), }", AKIN_ELIMIT, "more than"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }",
         AKIN_ECORRUPT, "negative shape (-2, 3)"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-, 3), }",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6), }",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3), }",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, , 3), }",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3], }",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (6,), }",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), } + {}",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': 1}",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), "
         "'shape': (5,)}", AKIN_ECORRUPT, "damaged"},
        {"{'descr': [('a', '<f4', 'fortran_order': False, 'shape': (6,), }",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': 4, 'fortran_order': False, 'shape': (6,), }",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6", AKIN_ECORRUPT,
         "damaged"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (6,), }",
         AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'shape': (6,), }", AKIN_ECORRUPT, "damaged"},
        {"{'fortran_order': False, 'shape': (6,), }", AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4', 'fortran_order': False}", AKIN_ECORRUPT, "damaged"},
        {"{'descr': '<f4", AKIN_ECORRUPT, "damaged"},
        {"", AKIN_ECORRUPT, "damaged"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        npy_vectors v;
        akin_error e = {0};
        write_npy(1, rows[i].dict, floats, sizeof floats);
        CHECK_STATUS(read_vectors(&v, &e), rows[i].status);
        CHECK(v.data == NULL);
        if (!strstr(e.text, rows[i].words) || !strstr(e.text, "v.npy"))
            test_fail(__FILE__, __LINE__, "%s gave: %s", rows[i].dict, e.text);
    }
}

static void other_files_are_named(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        akin_status status;
    } rows[] = {
        {"", 0, AKIN_ECORRUPT},
        {"\x93NUMPY", 6, AKIN_ECORRUPT},
        {"\x93NUMPY\1\0\x76", 9, AKIN_ECORRUPT},
        {"\x93NUMPY\1\0\x76\0", 10, AKIN_ECORRUPT},
        {"\x93NUMPY\2\0\x76\0\0", 11, AKIN_ECORRUPT},
        {"\x93NUMPY\2\0\xff\xff\xff\xff", 12, AKIN_ELIMIT},
        {"\x93NUMPY\0\0\0\0\0\0", 12, AKIN_EVERSION},
        {"\x93NUMPY\4\0\0\0\0\0", 12, AKIN_EVERSION},
        {"PK\3\4 a .npz is a zip", 20, AKIN_ECORRUPT},
        {"0.1,0.2,0.3\n0.4,0.5,0.6\n", 24, AKIN_ECORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        npy_vectors v;
        akin_error e = {0};
        write_bytes(rows[i].bytes, rows[i].n);
        CHECK_STATUS(read_vectors(&v, &e), rows[i].status);
        CHECK(strstr(e.text, "v.npy") != NULL);
    }
    npy_vectors v;
    CHECK_STATUS(npy_read_vectors("/nowhere/v.npy", 1, &v, NULL),
                 AKIN_ENOTFOUND);
    CHECK_STATUS(npy_read_vectors(test_dir(), 1, &v, NULL), AKIN_EIO);
}

/* Cut anywhere, a file is an error or shorter data than its shape. */
static void every_truncation_is_seen(void)
{
    char whole[512];
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }",
              floats, sizeof floats);
    FILE *f = fopen(file_path(), "rb");
    size_t n = f ? fread(whole, 1, sizeof whole, f) : 0;
    if (f) fclose(f);
    CHECK(n == 128 + sizeof floats);
    for (size_t i = 0; i < n; i++) {
        npy_vectors v;
        write_bytes(whole, i);
        CHECK_STATUS(read_vectors(&v, NULL), AKIN_ECORRUPT);
    }
}

static void no_memory_is_said(void)
{
    npy_vectors v;
    write_npy(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
              floats, sizeof floats);
    for (int64_t i = 1;; i++) {
        mem_fail_at(i);
        akin_status status = read_vectors(&v, NULL);
        bool ended = mem_fail_pending();
        mem_fail_at(0);
        CHECK_STATUS(status, ended ? AKIN_OK : AKIN_ENOMEM);
        CHECK((v.data != NULL) == ended);
        mem_free(v.data);
        if (ended || i > 100) break;
    }
}

/* ---- ids ---- */

static akin_status read_ids(npy_ids *out, akin_error *e)
{
    return npy_read_ids(file_path(), MAX_VALUES, out, e);
}

static void every_type_of_ids_is_read(void)
{
    static const struct {
        const char *descr;
        size_t item_bytes;
        const char *bytes; /* of three numbers */
        uint64_t values[3];
    } rows[] = {
        {"<i4", 4, "\1\0\0\0\0\0\0\0\xff\xff\xff\x7f", {1, 0, INT32_MAX}},
        {">i4", 4, "\0\0\0\1\0\0\0\0\x7f\xff\xff\xff", {1, 0, INT32_MAX}},
        {"<u4", 4, "\1\0\0\0\0\2\0\0\xff\xff\xff\xff",
         {1, 512, UINT32_MAX}},
        {">u4", 4, "\0\0\0\1\0\0\2\0\xff\xff\xff\xfe",
         {1, 512, UINT32_MAX - 1}},
        {"<i8", 8, "\1\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0"
                   "\xff\xff\xff\xff\xff\xff\xff\x7f",
         {1, (uint64_t)1 << 32, INT64_MAX}},
        {">i8", 8, "\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\0"
                   "\x7f\xff\xff\xff\xff\xff\xff\xff",
         {1, (uint64_t)1 << 32, INT64_MAX}},
        {"<u8", 8, "\1\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0"
                   "\xff\xff\xff\xff\xff\xff\xff\xff",
         {1, (uint64_t)1 << 32, UINT64_MAX}},
        {">u8", 8, "\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\0"
                   "\xff\xff\xff\xff\xff\xff\xff\xfe",
         {1, (uint64_t)1 << 32, UINT64_MAX - 1}},
    };
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        char dict[128];
        npy_ids ids;
        akin_error e = {0};
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': %s, "
                 "'shape': (3, 1), }", rows[i / 2].descr,
                 i % 2 ? "True" : "False");
        write_npy(1, dict, rows[i / 2].bytes, 3 * rows[i / 2].item_bytes);
        CHECK_OK(read_ids(&ids, &e), e);
        CHECK_EQ_INT(ids.n, 3);
        CHECK_EQ_INT(ids.dim, 1);
        if (ids.data && memcmp(ids.data, rows[i / 2].values, 24) != 0)
            test_fail(__FILE__, __LINE__, "%s gave %llu, %llu, %llu", dict,
                      (unsigned long long)ids.data[0],
                      (unsigned long long)ids.data[1],
                      (unsigned long long)ids.data[2]);
        mem_free(ids.data);
    }
}

static void columns_of_ids_become_rows(void)
{
    static const uint32_t columns[6] = {1, 4, 2, 5, 3, 6};
    npy_ids ids;
    akin_error e = {0};
    write_npy(1, "{'descr': '<u4', 'fortran_order': True, 'shape': (2, 3), }",
              columns, sizeof columns);
    CHECK_OK(read_ids(&ids, &e), e);
    CHECK_EQ_INT(ids.n, 2);
    CHECK_EQ_INT(ids.dim, 3);
    for (size_t i = 0; ids.data && i < 6; i++)
        CHECK_EQ_INT(ids.data[i], i + 1);
    mem_free(ids.data);
    write_npy(1, "{'descr': '<u4', 'fortran_order': True, 'shape': (0, 3), }",
              columns, 0);
    CHECK_OK(read_ids(&ids, &e), e);
    CHECK_EQ_INT(ids.n, 0);
    mem_free(ids.data);
}

static void what_is_no_id_is_named(void)
{
    static const struct {
        const char *dict;
        akin_status status;
        const char *words;
    } rows[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "holds floats ('<f4'), not int32"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }",
         AKIN_EUNSUPPORTED, "holds integers ('|u1'), not int32"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (3, 2), }",
         AKIN_EUNSUPPORTED, "the negative id -1 in row 2"},
        {"{'descr': '<i4', 'fortran_order': True, 'shape': (3, 2), }",
         AKIN_EUNSUPPORTED, "the negative id -1 in row 1"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }",
         AKIN_EUNSUPPORTED, "the negative id -30064771073 in row 0"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (7,), }",
         AKIN_ECORRUPT, "shorter than its shape"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }",
         AKIN_ECORRUPT, "shorter than its shape"},
        {"{'descr': '<u8', 'fortran_order': False, 'shape': (1001, 1), }",
         AKIN_ELIMIT, "more than 1000"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (6", AKIN_ECORRUPT,
         "damaged"},
    };
    static const int32_t numbers[6] = {0, 1, 2, 3, -1, -8};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        npy_ids ids;
        akin_error e = {0};
        write_npy(1, rows[i].dict, numbers, sizeof numbers);
        CHECK_STATUS(read_ids(&ids, &e), rows[i].status);
        CHECK(ids.data == NULL);
        if (!strstr(e.text, rows[i].words) || !strstr(e.text, "v.npy"))
            test_fail(__FILE__, __LINE__, "%s gave: %s", rows[i].dict, e.text);
    }
    npy_ids ids;
    write_bytes("PK\3\4 a .npz is a zip", 20);
    CHECK_STATUS(read_ids(&ids, NULL), AKIN_ECORRUPT);
    CHECK_STATUS(npy_read_ids("/nowhere/v.npy", 1, &ids, NULL),
                 AKIN_ENOTFOUND);
}

static void no_memory_for_ids_is_said(void)
{
    static const int64_t numbers[6] = {1, 2, 3, 4, 5, 6};
    npy_ids ids;
    write_npy(1, "{'descr': '<i8', 'fortran_order': True, 'shape': (2, 3), }",
              numbers, sizeof numbers);
    for (int64_t i = 1;; i++) {
        mem_fail_at(i);
        akin_status status = read_ids(&ids, NULL);
        bool ended = mem_fail_pending();
        mem_fail_at(0);
        CHECK_STATUS(status, ended ? AKIN_OK : AKIN_ENOMEM);
        CHECK((ids.data != NULL) == ended);
        mem_free(ids.data);
        if (ended || i > 100) break;
    }
}

const test_case test_npy_cases[] = {
    {"npy/good_headers_are_read", good_headers_are_read},
    {"npy/every_type_is_read", every_type_is_read},
    {"npy/doubles_are_rounded", doubles_are_rounded},
    {"npy/columns_become_rows", columns_become_rows},
    {"npy/bad_headers_are_named", bad_headers_are_named},
    {"npy/other_files_are_named", other_files_are_named},
    {"npy/every_truncation_is_seen", every_truncation_is_seen},
    {"npy/no_memory_is_said", no_memory_is_said},
    {"npy/every_type_of_ids_is_read", every_type_of_ids_is_read},
    {"npy/columns_of_ids_become_rows", columns_of_ids_become_rows},
    {"npy/what_is_no_id_is_named", what_is_no_id_is_named},
    {"npy/no_memory_for_ids_is_said", no_memory_for_ids_is_said},
    {0},
};
