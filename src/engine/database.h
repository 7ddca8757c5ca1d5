/* SPDX-License-Identifier: MIT
 * The open database behind akin_db, shared by the engine's verbs.
 *
 * Threading: a database has one writer's store, used under write_mutex by the
 * calls that write, and a pool of reading stores, one taken by each search for
 * as long as it runs. The mapped index file is shared by reference counts.
 * Searching through the writer's store was rejected: a long extraction would
 * hold it. Between processes a lock file keeps writers apart; readers need
 * none, since SQLite gives each a snapshot and usearch.index is only ever
 * replaced by rename. */
#ifndef ENGINE_DATABASE_H
#define ENGINE_DATABASE_H

#include <pthread.h>
#include <stdbool.h>

#include "akin/akin.h"
#include "akin/index.h"
#include "base/file.h"
#include "engine/settings.h"
#include "interop/usearch.h"
#include "model/model_options.h"
#include "store/store.h"

#define DATABASE_POOL_SIZE 16

/* The mapped index file; shared, freed with its last user. */
typedef struct index_file {
    usearch_file *file;
    akin_index *graph; /* over its vectors (cache.h); NULL: none */
    bool graph_tried;  /* it was looked for */
    int n_users;
} index_file;

struct akin_db {
    char *path, *sqlite_path, *index_path;
    bool writable;
    double busy_s;
    void (*warn)(void *user, const char *text);
    void *user;

    file_lock *lock; /* writers only */
    store *writer;   /* writers only, under write_mutex */
    pthread_mutex_t write_mutex;

    pthread_mutex_t mutex; /* over what follows */
    store *pool[DATABASE_POOL_SIZE];
    size_t n_pool;
    index_file *index; /* NULL until first used */
    settings settings; /* its audio root changes under mutex only */
    akin_settings asked; /* when it was opened; without the texts */
    model_options *models;
    model *model;      /* NULL until first used */
    bool model_told;   /* its notice was given */
    char *info_text;   /* index_state of the last akin_get_info */

    store_schema schema;
};

void database_warn(akin_db *db, const char *fmt, ...) AKIN_PRINTF(2, 3);

/* A reading store out of the pool, or a new one; give it back. */
akin_status database_take_store(akin_db *db, store **out, akin_error *err)
    AKIN_NODISCARD;
void database_give_store(akin_db *db, store *s);

/* The index file as it is on the disk now: opened again if it was replaced.
 * *out = NULL if there is none. Release with database_give_index. */
akin_status database_take_index(akin_db *db, index_file **out, akin_error *err)
    AKIN_NODISCARD;
void database_give_index(akin_db *db, index_file *index);

/* The model whose vectors the database holds, checked by name, identity and
 * dimension. AKIN_EMODEL says what is missing. Lives as long as db. */
akin_status database_model(akin_db *db, model **out, akin_error *err)
    AKIN_NODISCARD;

/* AKIN_EMODEL unless m makes the vectors that the database holds. */
akin_status database_check_model(const akin_db *db, const model *m,
                                 akin_error *err) AKIN_NODISCARD;

/* The same with one part of it loaded, and its notice told. */
akin_status database_load_model(akin_db *db, model_part part, model **out,
                                akin_error *err) AKIN_NODISCARD;

/* Under write_mutex: writes what the metadata of another program's database do
 * not say and this extraction needs. */
akin_status database_complete_settings(akin_db *db, akin_error *err)
    AKIN_NODISCARD;

/* The file of a recording by the audio root known here (owned). */
char *database_media_path(akin_db *db, const char *recording);

/* AKIN_EUSAGE unless db was opened for writing. */
akin_status database_need_writer(akin_db *db, akin_error *err) AKIN_NODISCARD;

#endif
