/* SPDX-License-Identifier: MIT
 * Opening what a config.json describes, and seeing to it that index file and
 * table belong together. */
#include "engine/vectors_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"
#include "interop/faiss.h"

/* How often a reader looks again when it came in the middle of a change. */
#define VECTORS_TRIES 5
#define VECTORS_TRY_NS 100000000

void vectors_warn(const akin_vectors_options *opt, const char *fmt, ...)
{
    if (!opt->warn) return;
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    opt->warn(opt->user, text);
}

akin_status vectors_tell(const akin_vectors_options *opt, const char *phase,
                         double fraction, akin_error *err)
{
    if (!opt->progress || opt->progress(opt->user, phase, fraction))
        return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECANCELLED, "stopped; nothing was changed");
}

/* "'songs.sqlite'", "database 'songs' on localhost". */
static char *vectors_describe(const vector_database *db)
{
    if (db->engine == VECTOR_SQLITE) return text_format("'%s'", db->database);
    return text_format("database '%s' on %s", db->database,
                       db->host ? db->host : "this machine");
}

akin_status vectors_init(akin_vectors *v, const char *config,
                         const akin_vectors_options *opt, akin_error *err)
{
    if (opt) v->opt = *opt;
    AKIN_TRY(vector_config_load(config, &v->config, err));
    for (size_t i = 0; i < v->config.n_warnings; i++)
        vectors_warn(&v->opt, "%s", v->config.warnings[i]);
    v->next_path = text_format("%s.next", v->config.index_path);
    v->lock_path = text_format("%s.lock", v->config.index_path);
    v->place = vectors_describe(&v->config.database);
    if (!v->next_path || !v->lock_path || !v->place)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    return AKIN_OK;
}

akin_status vectors_need_tracks(akin_vectors *v, tracks_mode mode,
                                akin_error *err)
{
    if (v->tracks && v->mode == mode) return AKIN_OK;
    tracks_close(v->tracks);
    v->tracks = NULL;
    AKIN_TRY(tracks_open(&v->config.database, mode, &v->tracks, err));
    v->mode = mode;
    mem_free(v->server);
    v->server = mem_strdup(tracks_server(v->tracks));
    return v->server ? AKIN_OK
                     : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
}

/* ---- index and table together ------------------------------------------------ */

akin_status vectors_save_next(akin_vectors *v, char out[CHECKSUM_HEX_BYTES],
                              akin_error *err)
{
    AKIN_TRY(faiss_save(v->next_path, v->index, err));
    return checksum_file(v->next_path, out, err);
}

akin_status vectors_take_next(akin_vectors *v, akin_error *err)
{
    file_stamp stamp;
    AKIN_TRY(file_rename(v->next_path, v->config.index_path, err));
    AKIN_TRY(file_stat(v->config.index_path, &stamp, err));
    v->index_bytes = stamp.size_bytes;
    return AKIN_OK;
}

/* After a program died between commit and rename, in place of it. While another
 * holds the lock it is not dead. */
static akin_status vectors_finish_change(akin_vectors *v, const char *wanted,
                                         akin_error *err)
{
    char sum[CHECKSUM_HEX_BYTES];
    file_lock *lock = NULL;
    if (checksum_file(v->next_path, sum, NULL) != AKIN_OK ||
        !text_equal(sum, wanted))
        return AKIN_OK;
    if (!v->locked && file_lock_open(v->lock_path, 0, &lock, NULL) != AKIN_OK)
        return AKIN_OK;
    akin_status status = file_rename(v->next_path, v->config.index_path, err);
    file_lock_close(lock);
    return status;
}

/* One look: *found if the index file is the one that the table names. */
static akin_status vectors_look(akin_vectors *v, bool *found, akin_error *err)
{
    char *wanted = NULL, sum[CHECKSUM_HEX_BYTES];
    *found = false;
    AKIN_TRY(tracks_get_state(v->tracks, VECTORS_STATE, &wanted, err));
    akin_status status = AKIN_OK;
    akin_error why = {0};
    status = checksum_file(v->config.index_path, sum, &why);
    if (wanted && (status != AKIN_OK || !text_equal(sum, wanted))) {
        status = vectors_finish_change(v, wanted, err);
        if (status == AKIN_OK)
            status = checksum_file(v->config.index_path, sum, &why);
    }
    if (status == AKIN_ENOTFOUND)
        status = AKIN_FAIL(err, AKIN_ENOTFOUND,
                           "there is no index '%s'; `akin create` makes it",
                           v->config.index_path);
    else if (why.code != AKIN_OK && status != AKIN_OK)
        status = AKIN_FAIL(err, status, "%s", why.text);
    if (status == AKIN_OK) {
        *found = !wanted || text_equal(sum, wanted);
        snprintf(v->checksum, sizeof v->checksum, "%s", sum);
    }
    mem_free(wanted);
    return status;
}

static akin_status vectors_find_index(akin_vectors *v, akin_error *err)
{
    for (int i = 0; i < VECTORS_TRIES; i++) {
        bool found;
        AKIN_TRY(vectors_look(v, &found, err));
        if (found) return AKIN_OK;
        nanosleep(&(struct timespec){.tv_nsec = VECTORS_TRY_NS}, NULL);
    }
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "the index '%s' is not the one that the table in %s was "
                     "written with; put it back, or make both anew with `akin "
                     "create`",
                     v->config.index_path, v->place);
}

/* A table that akin did not write names no checksum; the numbers of rows tell
 * what can be told. */
static akin_status vectors_check_count(akin_vectors *v, akin_error *err)
{
    size_t n_rows;
    AKIN_TRY(tracks_count(v->tracks, &n_rows, err));
    if (n_rows != vecs_size(v->index))
        vectors_warn(&v->opt,
                     "the index has %zu vectors, the table %zu rows: tracks of "
                     "some are not known",
                     vecs_size(v->index), n_rows);
    return AKIN_OK;
}

akin_status vectors_load(akin_vectors *v, akin_error *err)
{
    file_stamp stamp;
    vecs_free(v->index);
    v->index = NULL;
    AKIN_TRY(vectors_find_index(v, err));
    AKIN_TRY(faiss_load(v->config.index_path, &v->index, err));
    AKIN_TRY(file_stat(v->config.index_path, &stamp, err));
    v->index_bytes = stamp.size_bytes;
    if (v->config.nprobe || v->config.ef) {
        vecs_effort effort = vecs_get_effort(v->index);
        size_t wanted = effort.name && text_equal(effort.name, "ef")
                            ? v->config.ef
                            : v->config.nprobe;
        if (effort.name && wanted)
            AKIN_TRY(vecs_set_effort(
                v->index, wanted < effort.most ? wanted : effort.most, err));
    }
    return AKIN_OK;
}

/* The table's checksum is that of the index in memory; a table that akin did not
 * write has none. */
static akin_status vectors_is_current(akin_vectors *v, bool *out,
                                      akin_error *err)
{
    char *wanted = NULL;
    AKIN_TRY(tracks_get_state(v->tracks, VECTORS_STATE, &wanted, err));
    *out = !wanted || text_equal(wanted, v->checksum);
    mem_free(wanted);
    return AKIN_OK;
}

/* What is to be loaded is looked for outside of the transaction, in which a
 * table that changes once more would not be seen. */
akin_status vectors_begin_read(akin_vectors *v, akin_error *err)
{
    AKIN_TRY(vectors_need_tracks(v, TRACKS_READ, err));
    for (int i = 0; i < VECTORS_TRIES; i++) {
        bool current = false;
        AKIN_TRY(tracks_begin(v->tracks, err));
        akin_status status = vectors_is_current(v, &current, err);
        if (status == AKIN_OK && current) return AKIN_OK;
        tracks_rollback(v->tracks);
        AKIN_TRY(status);
        AKIN_TRY(vectors_load(v, err));
    }
    return AKIN_FAIL(err, AKIN_EBUSY, "'%s' is changed all the time",
                     v->config.index_path);
}

/* ---- the public calls ---------------------------------------------------------- */

static akin_status vectors_open(akin_vectors *v, const char *config,
                                const akin_vectors_options *opt,
                                akin_error *err)
{
    AKIN_TRY(vectors_init(v, config, opt, err));
    AKIN_TRY(vectors_tell(&v->opt, "read", 0, err));
    AKIN_TRY(vectors_need_tracks(v, TRACKS_READ, err));
    AKIN_TRY(vectors_load(v, err));
    return vectors_check_count(v, err);
}

akin_status akin_vectors_open(const char *config,
                              const akin_vectors_options *opt,
                              akin_vectors **out, akin_error *err)
{
    akin_vectors *v = mem_array(1, sizeof *v);
    if (!v) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    akin_status status = vectors_open(v, config, opt, err);
    if (status != AKIN_OK) {
        akin_vectors_close(v);
        return status;
    }
    *out = v;
    return AKIN_OK;
}

void akin_vectors_close(akin_vectors *v)
{
    if (!v) return;
    tracks_close(v->tracks);
    vecs_free(v->index);
    vector_config_clear(&v->config);
    mem_free(v->next_path);
    mem_free(v->lock_path);
    mem_free(v->server);
    mem_free(v->place);
    mem_free(v);
}

void akin_vectors_get_info(const akin_vectors *v, akin_vectors_info *out)
{
    const vecs_options *o = vecs_get_options(v->index);
    vecs_effort effort = vecs_get_effort(v->index);
    *out = (akin_vectors_info){
        .n = vecs_size(v->index),
        .dim = (uint32_t)vecs_dim(v->index),
        .index_type = v->config.index_type,
        .metric = o->metric == METRIC_L2SQ ? "l2sq"
                  : o->normalise           ? "cosine"
                                           : "dot",
        .effort_name = effort.name,
        .effort = effort.name ? effort.now : 0,
        .index_path = v->config.index_path,
        .server = v->server,
        .index_bytes = v->index_bytes,
        .read_s = v->read_s,
        .build_s = v->build_s,
        .table_s = v->table_s,
        .save_s = v->save_s,
    };
}
