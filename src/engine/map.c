/* SPDX-License-Identifier: MIT
 * The map of a database: which windows are near which, a layout in which they
 * lie near each other, and the file that keeps it.
 *
 * The file is a header, then a window id and two floats for each point, in
 * order of the ids. It is made again whenever it does not fit, so there is no
 * older version to read. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "base/thread.h"
#include "engine/cache.h"
#include "index/layout.h"
#include "index/mesh_file.h"

#define MAP_MAGIC "akinmap1"
#define MAP_FILE "map.bin"
#define MAP_RECALL 0.9

enum {
    MAP_NEAR = 15, /* neighbours of a point, as UMAP has by default */
    MAP_CHUNK = 256,
};

typedef struct map_header { /* little-endian, as all of it */
    char magic[8];
    uint64_t n, origin;
    uint64_t checksum; /* of what follows */
} map_header;

typedef struct map_maker {
    akin_db *db;
    const akin_map_options *opt;
    index_file *index;
    const usearch_info *info;
    akin_index *mesh, *own; /* the graph, and the one that was made for it */
    uint32_t *rows, *place_of; /* [n] row of a point; [n_rows] and back */
    size_t n;
    uint32_t *points;   /* [n][MAP_NEAR] */
    float *distances;
    float *places;      /* [n][2] */
    size_t n_threads;
    _Atomic size_t next;
    _Atomic bool stop;
    akin_error *err;
    _Atomic int failed; /* the first error's code */
} map_maker;

/* ---- points --------------------------------------------------------------- */

static bool map_is_finite(const unsigned char *row, size_t dim)
{
    for (size_t i = 0; i < dim; i++)
        if ((row[2 * i + 1] & 0x7c) == 0x7c) return false;
    return true;
}

static akin_status map_find_points(map_maker *m, akin_error *err)
{
    void *p;
    size_t n_rows = m->info->n_rows;
    const unsigned char *vectors = usearch_vectors(m->index->file);
    AKIN_TRY(mem_new_array(n_rows, sizeof *m->rows, "a map", &p, err));
    m->rows = p;
    AKIN_TRY(mem_new_array(n_rows, sizeof *m->place_of, "a map", &p, err));
    m->place_of = p;
    for (size_t i = 0; i < n_rows; i++) {
        m->place_of[i] = LAYOUT_NONE;
        if (usearch_key(m->index->file, i) == GRAPH_FREE_KEY ||
            !map_is_finite(vectors + i * m->info->dim * 2, m->info->dim))
            continue;
        m->place_of[i] = (uint32_t)m->n;
        m->rows[m->n++] = (uint32_t)i;
    }
    return AKIN_OK;
}

static akin_status map_new_floats(map_maker *m, size_t each, float **out,
                                  akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(m->n, each * sizeof(float), "a map", &p, err));
    *out = p;
    return AKIN_OK;
}

/* ---- neighbours ----------------------------------------------------------- */

static akin_status map_new_graph(map_maker *m, akin_error *err)
{
    mesh_borrowed rows = {.vectors = usearch_vectors(m->index->file),
                          .n = m->info->n_rows};
    akin_index_options opt = {.dim = m->info->dim,
                              .metric = AKIN_METRIC_COSINE,
                              .type = AKIN_F16, .links = 16, .effort = 100};
    akin_index_work work = {.threads = m->opt->threads,
                            .progress = m->opt->progress,
                            .user = m->opt->user};
    void *p;
    AKIN_TRY(mesh_new_over(&opt, &rows, &m->own, err));
    AKIN_TRY(mem_new_array(m->n, sizeof(uint64_t), "a map", &p, err));
    uint64_t *numbers = p;
    for (size_t i = 0; i < m->n; i++) numbers[i] = m->rows[i];
    akin_status status = mesh_add_borrowed(m->own, numbers, m->n, &work, err);
    mem_free(numbers);
    m->mesh = m->own;
    return status;
}

static akin_status map_find_near(map_maker *m, size_t i, float *vector,
                                 akin_error *err)
{
    akin_index_hit hits[MAP_NEAR + 1];
    akin_index_query query = {.vector = vector, .k = MAP_NEAR + 1,
                              .recall = MAP_RECALL};
    size_t n = 0, taken = 0, dim = m->info->dim;
    akin_f16_to_f32(usearch_vectors(m->index->file) + m->rows[i] * dim * 2, dim,
                    vector);
    AKIN_TRY(akin_index_search(m->mesh, &query, hits, &n, err));
    for (size_t j = 0; j < n && taken < MAP_NEAR; j++) {
        uint32_t place = hits[j].id < m->info->n_rows
                             ? m->place_of[hits[j].id]
                             : LAYOUT_NONE;
        if (place == i || place == LAYOUT_NONE) continue;
        m->points[i * MAP_NEAR + taken] = place;
        m->distances[i * MAP_NEAR + taken++] = fmaxf(hits[j].distance, 0);
    }
    for (; taken < MAP_NEAR; taken++)
        m->points[i * MAP_NEAR + taken] = LAYOUT_NONE;
    return AKIN_OK;
}

static void map_find_chunks(void *user, size_t thread)
{
    map_maker *m = user;
    akin_error err = {0};
    akin_status status = AKIN_OK;
    size_t first = 0;
    float *vector = mem_array(m->info->dim, sizeof *vector);
    if (!vector) status = AKIN_FAIL(&err, AKIN_ENOMEM, "out of memory for a map");
    while (status == AKIN_OK && !m->stop &&
           (first = atomic_fetch_add(&m->next, MAP_CHUNK)) < m->n) {
        for (size_t i = first; i < m->n && i < first + MAP_CHUNK; i++)
            if (status == AKIN_OK) status = map_find_near(m, i, vector, &err);
        if (thread == 0 && m->opt->progress &&
            !m->opt->progress(m->opt->user, "near",
                              (double)first / (double)m->n))
            m->stop = true;
    }
    int none = 0;
    if (status != AKIN_OK &&
        atomic_compare_exchange_strong(&m->failed, &none, status) && m->err)
        *m->err = err;
    if (status != AKIN_OK) m->stop = true;
    mem_free(vector);
}

static akin_status map_find_neighbours(map_maker *m, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(m->n, MAP_NEAR * sizeof *m->points, "a map", &p,
                           err));
    m->points = p;
    AKIN_TRY(map_new_floats(m, MAP_NEAR, &m->distances, err));
    m->mesh = cache_graph(m->db, m->index);
    if (!m->mesh) AKIN_TRY(map_new_graph(m, err));
    m->err = err;
    thread_each(m->n_threads, map_find_chunks, m);
    if (m->failed) return (akin_status)m->failed;
    if (m->stop)
        return AKIN_FAIL(err, AKIN_ECANCELLED, "the map was stopped");
    return AKIN_OK;
}

/* ---- the file ------------------------------------------------------------- */

static int map_compare(const void *a, const void *b)
{
    int64_t x = ((const akin_map_point *)a)->window_id;
    int64_t y = ((const akin_map_point *)b)->window_id;
    return (x > y) - (x < y);
}

static uint64_t map_sum(const akin_map_point *points, size_t n)
{
    checksum c;
    checksum_init(&c);
    checksum_put(&c, points, n * sizeof *points);
    return checksum_finish(&c);
}

static akin_status map_write(const char *path, const map_header *header,
                             const akin_map_point *points, akin_error *err)
{
    file_writer *writer = NULL;
    AKIN_TRY(file_writer_open(path, &writer, err));
    akin_status status =
        file_writer_put(writer, header, sizeof *header, err);
    if (status == AKIN_OK)
        status = file_writer_put(writer, points,
                                 (size_t)header->n * sizeof *points, err);
    if (status == AKIN_OK) return file_writer_finish(writer, err);
    file_writer_discard(writer);
    return status;
}

static akin_status map_save(map_maker *m, akin_error *err)
{
    void *p = NULL;
    akin_status status = AKIN_OK;
    char *folder = cache_path(m->db, NULL), *path = cache_path(m->db, MAP_FILE);
    if (!folder || !path)
        AKIN_TRYG(AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map"));
    AKIN_TRYG(mem_new_array(m->n, sizeof(akin_map_point), "a map", &p, err));
    akin_map_point *points = p;
    for (size_t i = 0; i < m->n; i++)
        points[i] = (akin_map_point){
            .window_id = (int64_t)usearch_key(m->index->file, m->rows[i]),
            .x = m->places[2 * i], .y = m->places[2 * i + 1]};
    qsort(points, m->n, sizeof *points, map_compare);
    map_header header = {.n = m->n, .origin = cache_rows_sum(m->index),
                         .checksum = map_sum(points, m->n)};
    memcpy(header.magic, MAP_MAGIC, sizeof header.magic);
    AKIN_TRYG(file_make_dirs(folder, err));
    AKIN_TRYG(map_write(path, &header, points, err));
done:
    mem_free(p);
    mem_free(folder);
    mem_free(path);
    return status;
}

/* ---- making --------------------------------------------------------------- */

static akin_status map_make(map_maker *m, akin_error *err)
{
    layout_options opt = {.threads = m->opt->threads, .seed = m->opt->seed,
                          .progress = m->opt->progress, .user = m->opt->user};
    layout_rows rows = {.vectors = usearch_vectors(m->index->file),
                        .dim = m->info->dim};
    AKIN_TRY(map_find_points(m, err));
    rows.rows = m->rows;
    rows.n = m->n;
    AKIN_TRY(map_find_neighbours(m, err));
    AKIN_TRY(map_new_floats(m, 2, &m->places, err));
    AKIN_TRY(layout_axes(&rows, &opt, m->places, err));
    layout_neighbours near = {.points = m->points, .distances = m->distances,
                              .n = m->n, .k = MAP_NEAR};
    AKIN_TRY(layout_move(&near, &opt, m->places, err));
    return map_save(m, err);
}

akin_status akin_make_map(akin_db *db, const akin_map_options *opt,
                          akin_error *err)
{
    static const akin_map_options defaults;
    map_maker m = {.db = db, .opt = opt ? opt : &defaults};
    m.n_threads = m.opt->threads ? m.opt->threads : thread_count();
    AKIN_TRY(database_take_index(db, &m.index, err));
    if (!m.index)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "there are no vectors in '%s' to make a map of",
                         db->path);
    m.info = usearch_get_info(m.index->file);
    akin_status status = map_make(&m, err);
    akin_index_close(m.own);
    mem_free(m.rows);
    mem_free(m.place_of);
    mem_free(m.points);
    mem_free(m.distances);
    mem_free(m.places);
    database_give_index(db, m.index);
    return status;
}

/* ---- reading -------------------------------------------------------------- */

static akin_status map_read(const char *path, map_header *header, akin_map *out,
                            akin_error *err)
{
    file_map file;
    void *p = NULL;
    AKIN_TRY(file_map_open(&file, path, err));
    akin_status status = AKIN_OK;
    size_t n = file.n < sizeof *header
                   ? 0 : (file.n - sizeof *header) / sizeof *out->points;
    if (file.n >= sizeof *header) memcpy(header, file.data, sizeof *header);
    if (file.n < sizeof *header ||
        memcmp(header->magic, MAP_MAGIC, sizeof header->magic) != 0 ||
        header->n != n || file.n != sizeof *header + n * sizeof *out->points)
        AKIN_TRYG(AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is no map", path));
    AKIN_TRYG(mem_new_array(n, sizeof *out->points, "a map", &p, err));
    memcpy(p, file.data + sizeof *header, n * sizeof *out->points);
    if (map_sum(p, n) != header->checksum) {
        mem_free(p);
        AKIN_TRYG(AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is damaged", path));
    }
    *out = (akin_map){.points = p, .n = n};
done:
    file_map_close(&file);
    return status;
}

akin_status akin_get_map(akin_db *db, akin_map *out, akin_error *err)
{
    map_header header = {0};
    index_file *index = NULL;
    char *path = cache_path(db, MAP_FILE);
    akin_status status = AKIN_OK;
    *out = (akin_map){0};
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map");
    if (!file_exists(path))
        AKIN_TRYG(AKIN_FAIL(err, AKIN_ENOTFOUND,
                            "no map was made of '%s' yet", db->path));
    AKIN_TRYG(database_take_index(db, &index, err));
    AKIN_TRYG(map_read(path, &header, out, err));
    out->stale = !index || cache_rows_sum(index) != header.origin;
done:
    database_give_index(db, index);
    mem_free(path);
    return status;
}

void akin_map_clear(akin_map *map)
{
    mem_free(map->points);
    *map = (akin_map){0};
}
