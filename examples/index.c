/* SPDX-License-Identifier: MIT
 * A vector index: points are added, searched and removed, and the index is
 * saved and opened again. It needs libakinindex alone.
 *
 *     cc index.c $(pkg-config --cflags --libs akin-index) -o index
 *     ./index points.index
 */
#include <akin/index.h>
#include <stdio.h>

static const float points[][2] = {{0, 0}, {1, 0}, {0, 3}, {5, 5}, {6, 5}};

static akin_status show(akin_index *index, const char *when, akin_error *err)
{
    akin_index_hit hits[2];
    akin_index_query query = {.vector = (const float[]){5.25, 5}, .k = 2};
    size_t n = 0;
    akin_status status = akin_index_search(index, &query, hits, &n, err);
    printf("%s:", when);
    for (size_t i = 0; i < n; i++)
        printf(" %llu at %g", (unsigned long long)hits[i].id, hits[i].distance);
    printf("\n");
    return status;
}

static akin_status run(akin_index **index, const char *path, akin_error *err)
{
    akin_index_options options = {.dim = 2, .metric = AKIN_METRIC_L2SQ};
    akin_status status = akin_index_new(&options, index, err);
    if (!status)
        status = akin_index_add(*index, NULL, points[0], 5, NULL, err);
    if (!status) status = show(*index, "added", err);
    if (!status)
        status = akin_index_remove(*index, (const uint64_t[]){3}, 1, NULL, err);
    if (!status) status = akin_index_save(*index, path, err);
    akin_index_close(*index);
    *index = NULL;
    if (!status) status = akin_index_open(path, false, index, err);
    return status ? status : show(*index, "without 3", err);
}

int main(int argc, char **argv)
{
    akin_index *index = NULL;
    akin_error err;
    akin_status status =
        run(&index, argc > 1 ? argv[1] : "points.index", &err);
    if (status) fprintf(stderr, "%s: %s\n", akin_status_name(status), err.text);
    akin_index_close(index);
    return status ? 1 : 0;
}
