/* SPDX-License-Identifier: MIT
 * The graph in akin.cache: its ids are the row numbers of usearch.index, its
 * vectors the rows themselves.
 *
 * What is found by it is scored by the rows of the index file, so that a graph
 * that does not fit them costs recall and nothing else. For a search it fits
 * if as many rows are there and a sample of them is the same; when it is
 * brought up to date every row is compared with its code. */
#include "engine/cache.h"

#include <string.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "index/mesh_file.h"

/* A scan of so much takes some milliseconds, as opening the graph does. */
#define CACHE_MIN_BYTES ((size_t)64 << 20)
#define CACHE_FOLDER "akin.cache"
#define CACHE_FILE "cosine.index"

enum { SAMPLED_ROWS = 1024 };

static _Atomic size_t cache_min_bytes;

void cache_set_min_bytes(size_t bytes) { cache_min_bytes = bytes; }

bool cache_is_worth(size_t n_rows, size_t dim)
{
    size_t bytes, least = cache_min_bytes ? cache_min_bytes : CACHE_MIN_BYTES;
    return mem_mul(n_rows, dim * 2, &bytes) && bytes >= least;
}

static mesh_borrowed cache_rows(const index_file *index)
{
    return (mesh_borrowed){.vectors = usearch_vectors(index->file),
                           .n = usearch_get_info(index->file)->n_rows};
}

static mesh_origin cache_origin(const index_file *index)
{
    const usearch_info *info = usearch_get_info(index->file);
    const unsigned char *rows = usearch_vectors(index->file);
    mesh_origin origin = {.size_bytes = info->stamp.size_bytes,
                          .mtime_ns = info->stamp.mtime_ns,
                          .inode = info->stamp.inode,
                          .n_rows = info->n_rows};
    checksum c;
    checksum_init(&c);
    size_t n = info->n_rows < SAMPLED_ROWS ? info->n_rows : SAMPLED_ROWS;
    for (size_t i = 0; i < n; i++) {
        size_t row = (size_t)((uint64_t)i * info->n_rows / n);
        uint64_t key = usearch_key(index->file, row);
        checksum_put(&c, &key, sizeof key);
        checksum_put(&c, rows + row * info->dim * 2, info->dim * 2);
    }
    origin.keys = checksum_finish(&c);
    return origin;
}

/* Of a sample. */
uint64_t cache_rows_sum(const index_file *index)
{
    return cache_origin(index).keys + usearch_get_info(index->file)->n_rows;
}

static bool cache_fits(const mesh_origin *a, const mesh_origin *b)
{
    return a->n_rows == b->n_rows && a->keys == b->keys;
}

static bool cache_is_same_file(const mesh_origin *a, const mesh_origin *b)
{
    return cache_fits(a, b) && a->size_bytes == b->size_bytes &&
           a->mtime_ns == b->mtime_ns && a->inode == b->inode;
}

char *cache_path(const akin_db *db, const char *name)
{
    char *folder = file_join(db->path, CACHE_FOLDER);
    char *path = folder && name ? file_join(folder, name) : NULL;
    if (!name) return folder;
    mem_free(folder);
    return path;
}

/* ---- reading ------------------------------------------------------------ */

/* Under mutex. */
static void cache_open(akin_db *db, index_file *index)
{
    char *path = cache_path(db, CACHE_FILE);
    mesh_borrowed rows = cache_rows(index);
    mesh_origin origin, now;
    akin_index *mesh = NULL;
    akin_error err = {0};
    index->graph_tried = true;
    if (!path || !file_exists(path)) {
        mem_free(path);
        return;
    }
    akin_status status = mesh_open(path, &rows, &origin, &mesh, &err);
    mem_free(path);
    if (status != AKIN_OK) {
        database_warn(db, "%s; searches are exact, `akin index %s` makes it "
                      "anew", err.text, db->path);
        return;
    }
    now = cache_origin(index);
    akin_index_stats stats;
    akin_index_get_stats(mesh, &stats);
    if (cache_fits(&origin, &now) && stats.dim == db->settings.dim &&
        stats.metric == AKIN_METRIC_COSINE)
        index->graph = mesh;
    else
        akin_index_close(mesh);
}

akin_index *cache_graph(akin_db *db, index_file *index)
{
    const usearch_info *info = usearch_get_info(index->file);
    if (!cache_is_worth(info->n_rows, info->dim)) return NULL;
    pthread_mutex_lock(&db->mutex);
    if (!index->graph_tried) cache_open(db, index);
    pthread_mutex_unlock(&db->mutex);
    return index->graph;
}

/* ---- writing ------------------------------------------------------------ */

typedef struct cache_change {
    index_file *index;
    uint8_t *there;  /* [n_rows] */
    uint64_t *gone, *fresh;
    size_t n_gone, n_fresh;
} cache_change;

static void cache_see(void *user, uint64_t row, bool same)
{
    cache_change *c = user;
    bool live = usearch_key(c->index->file, row) != GRAPH_FREE_KEY;
    if (live && same)
        c->there[row] = 1;
    else
        c->gone[c->n_gone++] = row;
}

static bool cache_is_finite(const unsigned char *row, size_t dim)
{
    for (size_t i = 0; i < dim; i++)
        if ((row[2 * i + 1] & 0x7c) == 0x7c) return false;
    return true;
}

static akin_status cache_change_init(cache_change *c, index_file *index,
                                     akin_error *err)
{
    size_t n = usearch_get_info(index->file)->n_rows;
    void *p;
    *c = (cache_change){.index = index};
    AKIN_TRY(mem_new_array(n, 1, "the search graph", &p, err));
    c->there = p;
    AKIN_TRY(mem_new_array(n, sizeof *c->gone, "the search graph", &p, err));
    c->gone = p;
    AKIN_TRY(mem_new_array(n, sizeof *c->fresh, "the search graph", &p, err));
    c->fresh = p;
    return AKIN_OK;
}

static void cache_change_clear(cache_change *c)
{
    mem_free(c->there);
    mem_free(c->gone);
    mem_free(c->fresh);
}

static void cache_find_fresh(cache_change *c)
{
    const usearch_info *info = usearch_get_info(c->index->file);
    const unsigned char *rows = usearch_vectors(c->index->file);
    for (size_t i = 0; i < info->n_rows; i++)
        if (!c->there[i] && usearch_key(c->index->file, i) != GRAPH_FREE_KEY &&
            cache_is_finite(rows + i * info->dim * 2, info->dim))
            c->fresh[c->n_fresh++] = i;
}

static akin_status cache_new_graph(const index_file *index, akin_index **out,
                                   akin_error *err)
{
    mesh_borrowed rows = cache_rows(index);
    akin_index_options opt = {.dim = usearch_get_info(index->file)->dim,
                              .metric = AKIN_METRIC_COSINE,
                              .type = AKIN_F16};
    return mesh_new_over(&opt, &rows, out, err);
}

/* The graph that is there with what no longer holds taken out of it, or a new
 * one. *done: there is nothing to do. */
static akin_status cache_begin(akin_db *db, const char *path, cache_change *c,
                               akin_index **mesh, bool *done, akin_error *err)
{
    mesh_borrowed rows = cache_rows(c->index);
    mesh_origin origin, now = cache_origin(c->index);
    *done = false;
    if (mesh_open(path, &rows, &origin, mesh, NULL) != AKIN_OK)
        return cache_new_graph(c->index, mesh, err);
    *done = cache_is_same_file(&origin, &now);
    if (*done) return AKIN_OK;
    AKIN_TRY(mesh_each(*mesh, cache_see, c, err));
    akin_index_stats stats;
    akin_index_get_stats(*mesh, &stats);
    if (2 * c->n_gone <= stats.n && stats.dim == db->settings.dim)
        return akin_index_remove(*mesh, c->gone, c->n_gone, NULL, err);
    akin_index_close(*mesh);
    *mesh = NULL;
    memset(c->there, 0, usearch_get_info(c->index->file)->n_rows);
    return cache_new_graph(c->index, mesh, err);
}

static akin_status cache_write(akin_db *db, index_file *index,
                               const akin_index_work *work, akin_error *err)
{
    akin_status status = AKIN_OK;
    akin_index *mesh = NULL;
    bool done = false;
    cache_change c;
    char *folder = cache_path(db, NULL), *path = cache_path(db, CACHE_FILE);
    AKIN_TRYG(cache_change_init(&c, index, err));
    if (!folder || !path)
        AKIN_TRYG(AKIN_FAIL(err, AKIN_ENOMEM, "out of memory"));
    AKIN_TRYG(cache_begin(db, path, &c, &mesh, &done, err));
    if (done) goto done;
    cache_find_fresh(&c);
    AKIN_TRYG(mesh_add_borrowed(mesh, c.fresh, c.n_fresh, work, err));
    AKIN_TRYG(file_make_dirs(folder, err));
    mesh_origin origin = cache_origin(index);
    AKIN_TRYG(mesh_save(mesh, path, &origin, err));
done:
    akin_index_close(mesh);
    cache_change_clear(&c);
    mem_free(folder);
    mem_free(path);
    return status;
}

akin_status cache_update(akin_db *db, const akin_index_work *work,
                         akin_error *err)
{
    index_file *index = NULL;
    AKIN_TRY(database_take_index(db, &index, err));
    if (!index) return AKIN_OK;
    const usearch_info *info = usearch_get_info(index->file);
    akin_status status = AKIN_OK;
    if (cache_is_worth(info->n_rows, info->dim))
        status = cache_write(db, index, work, err);
    pthread_mutex_lock(&db->mutex);
    if (!index->graph) index->graph_tried = false;
    pthread_mutex_unlock(&db->mutex);
    database_give_index(db, index);
    return status;
}

akin_status akin_make_graph(akin_db *db, const akin_graph_options *opt,
                            akin_graph_report *report, akin_error *err)
{
    static const akin_graph_options defaults;
    akin_graph_report unused;
    if (!opt) opt = &defaults;
    if (!report) report = &unused;
    *report = (akin_graph_report){0};
    akin_index_work work = {.threads = opt->threads,
                            .progress = opt->progress,
                            .user = opt->user};
    AKIN_TRY(cache_update(db, &work, err));
    index_file *index = NULL;
    AKIN_TRY(database_take_index(db, &index, err));
    akin_index *mesh = index ? cache_graph(db, index) : NULL;
    if (mesh) {
        akin_index_stats stats;
        file_stamp stamp = {0};
        char *path = cache_path(db, CACHE_FILE);
        akin_index_get_stats(mesh, &stats);
        if (path) (void)!file_stat(path, &stamp, NULL);
        mem_free(path);
        *report = (akin_graph_report){.worth_it = true,
                                      .n_vectors = stats.n,
                                      .bytes = stamp.size_bytes};
    }
    database_give_index(db, index);
    return AKIN_OK;
}

void cache_keep_up(akin_db *db, const akin_index_work *work)
{
    akin_error err = {0};
    akin_status status = cache_update(db, work, &err);
    if (status != AKIN_OK && status != AKIN_ECANCELLED)
        database_warn(db, "searches stay exact: %s", err.text);
}
