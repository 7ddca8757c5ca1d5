/* SPDX-License-Identifier: MIT
 * interop/npy_write: the bytes of numpy.save, whole or in pieces, and nothing
 * where a write failed. */
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "interop/npy.h"
#include "test.h"

static const float floats[6] = {1, -2, 0.5f, 3e38f, -0.0f, 6};

static const char *file_path(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/w.npy", test_dir());
    return path;
}

/* The file is the dict, filled up to 128 bytes, and the numbers. */
static void check_file(const char *dict, const float *data, size_t n_values)
{
    char *bytes = NULL, wanted[128];
    size_t n = 0;
    akin_error e = {0};
    memset(wanted, ' ', sizeof wanted);
    memcpy(wanted, "\x93NUMPY\1\0\x76\0", 10);
    memcpy(wanted + 10, dict, strlen(dict));
    wanted[127] = '\n';
    CHECK_OK(file_read(file_path(), 1 << 20, &bytes, &n, &e), e);
    CHECK_EQ_INT(n, 128 + n_values * sizeof *data);
    CHECK(n >= 128 && memcmp(bytes, wanted, 128) == 0);
    CHECK(n == 128 || memcmp(bytes + 128, data, n - 128) == 0);
    mem_free(bytes);
}

static void bytes_are_those_of_numpy(void)
{
    static const struct {
        size_t n, dim;
        const char *dict;
    } rows[] = {
        {2, 3, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"},
        {6, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1), }"},
        {0, 9, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9), }"},
        {5, 0, "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 0), }"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        npy_vectors v;
        akin_error e = {0};
        size_t n = rows[i].n, dim = rows[i].dim;
        CHECK_OK(npy_write_vectors(file_path(), n ? floats : NULL, n, dim, &e),
                 e);
        check_file(rows[i].dict, floats, n * dim);
        CHECK_OK(npy_read_vectors(file_path(), 9, &v, &e), e);
        CHECK(v.n == n && v.dim == dim);
        CHECK(v.data && memcmp(v.data, floats, n * dim * sizeof(float)) == 0);
        mem_free(v.data);
    }
}

static void pieces_make_the_same_file(void)
{
    npy_writer *w = NULL;
    akin_error e = {0};
    CHECK_OK(npy_writer_open(file_path(), 3, 2, &w, &e), e);
    if (!w) return;
    CHECK_OK(npy_writer_put(w, floats, 1, &e), e);
    CHECK_OK(npy_writer_put(w, NULL, 0, &e), e);
    CHECK_OK(npy_writer_put(w, floats + 2, 2, &e), e);
    CHECK_OK(npy_writer_commit(w, &e), e);
    check_file("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
               floats, 6);
}

static void a_wrong_count_of_rows_is_no_file(void)
{
    npy_writer *w = NULL;
    akin_error e = {0};
    CHECK_OK(npy_writer_open(file_path(), 2, 2, &w, &e), e);
    CHECK_OK(npy_writer_put(w, floats, 1, &e), e);
    CHECK_STATUS(npy_writer_put(w, floats, 2, &e), AKIN_EINTERNAL);
    CHECK(strstr(e.text, "3 rows, not 2") != NULL);
    CHECK_STATUS(npy_writer_commit(w, &e), AKIN_EINTERNAL);
    CHECK(strstr(e.text, "1 rows, not 2") != NULL);
    CHECK(!file_exists(file_path()));
    npy_writer_discard(NULL);
    CHECK_OK(npy_writer_open(file_path(), 2, 2, &w, &e), e);
    npy_writer_discard(w);
    CHECK(!file_exists(file_path()));
    CHECK_STATUS(npy_writer_open(file_path(), SIZE_MAX, 2, &w, &e),
                 AKIN_ELIMIT);
    CHECK_STATUS(npy_writer_open(file_path(), SIZE_MAX / 2, 2, &w, &e),
                 AKIN_ELIMIT);
    CHECK_STATUS(npy_writer_open("/nowhere/w.npy", 2, 2, &w, &e),
                 AKIN_ENOTFOUND);
}

/* Whatever write or allocation fails, the file is the old or the new one: what
 * fails behind the rename is the folder's sync. */
static void failures_leave_a_whole_file(void)
{
    static const float old[1] = {7};
    akin_error e = {0};
    int n_old = 0;
    for (int i = 0; i < 40; i++) {
        CHECK_OK(npy_write_vectors(file_path(), old, 1, 1, &e), e);
        if (i % 2)
            file_fail_at(i / 2 + 1);
        else
            mem_fail_at(i / 2 + 1);
        akin_status status = npy_write_vectors(file_path(), floats, 2, 3,
                                               NULL);
        bool failed = i % 2 ? !file_fail_pending() : !mem_fail_pending();
        file_fail_at(0);
        mem_fail_at(0);
        CHECK((status != AKIN_OK) == failed);
        npy_vectors v;
        CHECK_OK(npy_read_vectors(file_path(), 6, &v, &e), e);
        CHECK(v.n == 2 || (failed && v.n == 1));
        n_old += v.n == 1;
        mem_free(v.data);
    }
    CHECK(n_old >= 7); /* four allocations, write, sync, rename */
}

const test_case test_npy_write_cases[] = {
    {"npy_write/bytes_are_those_of_numpy", bytes_are_those_of_numpy},
    {"npy_write/pieces_make_the_same_file", pieces_make_the_same_file},
    {"npy_write/a_wrong_count_of_rows_is_no_file",
     a_wrong_count_of_rows_is_no_file},
    {"npy_write/failures_leave_a_whole_file", failures_leave_a_whole_file},
    {0},
};
