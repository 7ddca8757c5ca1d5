/* SPDX-License-Identifier: MIT
 * The checkpoint: journal -> graph -> usearch.index -> journal cleared.
 *
 * The order makes it safe to be killed anywhere: the journal is cleared only
 * after the new file has been renamed into place and synced, and replaying a
 * journal into a file that has its rows already changes nothing. */
#include "engine/checkpoint.h"

#include <string.h>

#include "base/memory.h"
#include "engine/rows.h"
#include "index/graph.h"

#define CHECKPOINT_SEED 20240229
#define CHECKPOINT_STRETCH ((size_t)4096)

/* A journal is moved when it is half of the index, and not below this: the
 * sizes written then grow by half each time, three times the last in all. */
#define CHECKPOINT_MIN_BYTES ((int64_t)64 << 20)
#define CHECKPOINT_FRACTION 0.5

/* With more free slots than this share the graph is made anew. */
#define CHECKPOINT_MAX_FREE 0.25

bool checkpoint_due(akin_db *db, int64_t n_pending)
{
    file_stamp stamp = {0};
    if (file_stat(db->index_path, &stamp, NULL) != AKIN_OK) stamp.size_bytes = 0;
    double bytes = (double)n_pending * db->settings.dim * 2;
    return bytes > (double)CHECKPOINT_MIN_BYTES &&
           bytes > CHECKPOINT_FRACTION * (double)stamp.size_bytes;
}

static akin_status checkpoint_new_graph(const akin_db *db, graph **out,
                                        akin_error *err)
{
    graph_options opt = {.dim = db->settings.dim, .seed = CHECKPOINT_SEED};
    return graph_new(&opt, out, err);
}

/* Adds rows stretch by stretch so that progress can be told. */
static akin_status checkpoint_add(graph *g, const rows *r,
                                  const checkpoint_options *opt,
                                  akin_error *err)
{
    for (size_t i = 0; i < r->n; i += CHECKPOINT_STRETCH) {
        size_t n = r->n - i < CHECKPOINT_STRETCH ? r->n - i : CHECKPOINT_STRETCH;
        if (opt && opt->progress && !opt->progress(opt->user, i, r->n))
            return AKIN_FAIL(err, AKIN_ECANCELLED, "stopped");
        AKIN_TRY(graph_add(g, r->ids + i, rows_vector(r, i), n,
                           opt ? opt->threads : 0, err));
    }
    return AKIN_OK;
}

static akin_status checkpoint_free_slot(usearch_file *file, graph *g,
                                        uint64_t id, akin_error *err)
{
    bool found;
    size_t slot;
    AKIN_TRY(usearch_find(file, id, &found, &slot, err));
    if (found) graph_remove(g, (uint32_t)slot);
    return AKIN_OK;
}

/* Takes out of the journal what the file has already (a checkpoint that was
 * killed before it could clear the journal), frees the slots of what is removed
 * or comes with another vector. */
static akin_status checkpoint_reconcile(usearch_file *file, graph *g, rows *r,
                                        akin_error *err)
{
    size_t bytes = r->dim * 2, kept = 0;
    const unsigned char *vectors = usearch_vectors(file);
    for (size_t i = 0; i < r->n; i++) {
        bool found;
        size_t slot;
        AKIN_TRY(usearch_find(file, r->ids[i], &found, &slot, err));
        if (found && memcmp(vectors + slot * bytes, rows_vector(r, i),
                            bytes) == 0)
            continue;
        if (found) graph_remove(g, (uint32_t)slot);
        r->ids[kept] = r->ids[i];
        memmove(r->vectors + kept * bytes, rows_vector(r, i), bytes);
        kept++;
    }
    r->n = kept;
    for (size_t i = 0; i < r->n_removed; i++)
        AKIN_TRY(checkpoint_free_slot(file, g, r->removed[i], err));
    return AKIN_OK;
}

/* A fresh graph of the live rows of *g, which it replaces. */
static akin_status checkpoint_compact(const akin_db *db, graph **g,
                                      const checkpoint_options *opt,
                                      akin_error *err)
{
    graph *fresh = NULL;
    akin_status status = checkpoint_new_graph(db, &fresh, err);
    size_t n = graph_size(*g), bytes = db->settings.dim * 2;
    for (size_t i = 0; i < n && status == AKIN_OK;) {
        uint64_t keys[64]; /* rows that lie together, so they can be borrowed */
        const unsigned char *first = graph_vector(*g, (uint32_t)i);
        size_t run = 0;
        while (i < n && run < 64) {
            uint64_t key = graph_key(*g, (uint32_t)i);
            if (key == GRAPH_FREE_KEY ||
                graph_vector(*g, (uint32_t)i) != first + run * bytes)
                break;
            keys[run++] = key;
            i++;
        }
        if (run == 0) i++;
        if (run > 0)
            status = graph_add(fresh, keys, first, run,
                               opt ? opt->threads : 0, err);
    }
    if (status != AKIN_OK) {
        graph_free(fresh);
        return status;
    }
    graph_free(*g);
    *g = fresh;
    return AKIN_OK;
}

static akin_status checkpoint_build(akin_db *db, index_file *index, rows *r,
                                    const checkpoint_options *opt, graph **g,
                                    akin_error *err)
{
    if (!index) return checkpoint_new_graph(db, g, err);
    size_t n_dropped = 0;
    AKIN_TRY(usearch_load_graph(index->file, CHECKPOINT_SEED, g, &n_dropped,
                                err));
    if (n_dropped)
        database_warn(db, "'%s' had %zu bad links; they were dropped",
                      db->index_path, n_dropped);
    AKIN_TRY(checkpoint_reconcile(index->file, *g, r, err));
    if ((double)graph_n_removed(*g) >
        CHECKPOINT_MAX_FREE * (double)graph_size(*g))
        return checkpoint_compact(db, g, opt, err);
    return AKIN_OK;
}

static akin_status checkpoint_clear_journal(akin_db *db, akin_error *err)
{
    AKIN_TRY(store_begin(db->writer, err));
    akin_status status = store_clear_pending(db->writer, err);
    if (status == AKIN_OK) status = store_commit(db->writer, err);
    if (status != AKIN_OK) store_rollback(db->writer);
    return status;
}

akin_status checkpoint_run(akin_db *db, const checkpoint_options *opt,
                           akin_error *err)
{
    akin_status status = AKIN_OK;
    index_file *index = NULL;
    graph *g = NULL;
    rows r;
    rows_init(&r, db->settings.dim);
    AKIN_TRYG(database_take_index(db, &index, err));
    AKIN_TRYG(rows_load_pending(&r, db->writer, err));
    if (index && r.n == 0 && r.n_removed == 0) goto done;
    AKIN_TRYG(checkpoint_build(db, index, &r, opt, &g, err));
    AKIN_TRYG(checkpoint_add(g, &r, opt, err));
    AKIN_TRYG(usearch_save(db->index_path, g, err));
    AKIN_TRYG(checkpoint_clear_journal(db, err));
done:
    graph_free(g);
    database_give_index(db, index);
    rows_clear(&r);
    return status;
}
