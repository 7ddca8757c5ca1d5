/* SPDX-License-Identifier: MIT
 * For check_npy.py: reads and writes NumPy files.
 *
 *   npy_tool read IN.npy|IN.npz OUT.f32          prints "N DIM"
 *   npy_tool write IN.f32 N DIM OUT.npy [ROWS]   ROWS rows at a time */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "interop/npy.h"

#define MAX_VALUES ((size_t)1 << 31)

static akin_status number(const char *text, size_t *out, akin_error *err)
{
    int64_t value;
    if (!text_to_int64(text, &value) || value < 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' is no number", text);
    *out = (size_t)value;
    return AKIN_OK;
}

static akin_status read_array(char **args, akin_error *err)
{
    npy_vectors v;
    file_writer *w = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRY(npy_read_vectors(args[0], MAX_VALUES, &v, err));
    AKIN_TRYG(file_writer_open(args[1], &w, err));
    AKIN_TRYG(file_writer_put(w, v.data, v.n * v.dim * sizeof *v.data, err));
    status = file_writer_finish(w, err);
    w = NULL;
    printf("%zu %zu\n", v.n, v.dim);
done:
    file_writer_discard(w);
    mem_free(v.data);
    return status;
}

static akin_status write_pieces(const char *path, const float *x, size_t n,
                                size_t dim, size_t n_rows, akin_error *err)
{
    npy_writer *w = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRY(npy_writer_open(path, n, dim, &w, err));
    for (size_t i = 0; i < n; i += n_rows)
        AKIN_TRYG(npy_writer_put(w, x + i * dim,
                                 n - i < n_rows ? n - i : n_rows, err));
    return npy_writer_commit(w, err);
done:
    npy_writer_discard(w);
    return status;
}

static akin_status write_array(char **args, int n_args, akin_error *err)
{
    size_t n, dim, n_rows = 0, n_bytes;
    char *data = NULL;
    akin_status status;
    AKIN_TRY(number(args[1], &n, err));
    AKIN_TRY(number(args[2], &dim, err));
    if (n_args > 4) AKIN_TRY(number(args[4], &n_rows, err));
    AKIN_TRY(file_read(args[0], MAX_VALUES * 4, &data, &n_bytes, err));
    const float *x = (const float *)(const void *)data;
    if (n_bytes != n * dim * sizeof *x)
        status = AKIN_FAIL(err, AKIN_EUSAGE, "'%s' is of another size",
                           args[0]);
    else if (n_rows > 0)
        status = write_pieces(args[3], x, n, dim, n_rows, err);
    else
        status = npy_write_vectors(args[3], x, n, dim, err);
    mem_free(data);
    return status;
}

int main(int argc, char **argv)
{
    akin_error err = {0};
    akin_status status = AKIN_EUSAGE;
    const char *verb = argc > 1 ? argv[1] : "";
    if (argc == 4 && strcmp(verb, "read") == 0)
        status = read_array(argv + 2, &err);
    else if ((argc == 6 || argc == 7) && strcmp(verb, "write") == 0)
        status = write_array(argv + 2, argc - 2, &err);
    if (status != AKIN_OK)
        fprintf(stderr, "%s %s\n", akin_status_name(status), err.text);
    return status == AKIN_OK ? 0 : 1;
}
