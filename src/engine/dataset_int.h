/* SPDX-License-Identifier: MIT
 * The open dataset behind akin_dataset, shared by dataset_*.c.
 *
 * Threads. A call that writes holds write_mutex and works with `writer`, which
 * holds a lock file against other processes as well. Reading calls take a
 * reading store out of a pool, and the columns under `columns_lock`: shared
 * while they read, alone while they are refreshed. Tables are opened once and
 * counted (dataset_table.h). */
#ifndef ENGINE_DATASET_INT_H
#define ENGINE_DATASET_INT_H

#include <pthread.h>
#include <stdbool.h>

#include "akin/dataset.h"
#include "base/file.h"
#include "engine/dataset_schema.h"
#include "model/model_options.h"
#include "store/item_store.h"

#define DATASET_ITEM "item"       /* the item table's name */
#define DATASET_VIEW "image"      /* a view's where nobody says another */
#define DATASET_TABLES "tables"   /* folder of embedding tables */
#define DATASET_ITEMS "items.sqlite"
#define DATASET_POOL_SIZE 16

typedef struct dataset_table dataset_table;

struct akin_dataset {
    char *path;
    char *media; /* absolute; under mutex */
    bool writable;
    double busy_s;
    void (*warn)(void *user, const char *text);
    void *user;
    model_options *models;
    pthread_mutex_t write_mutex;
    file_lock *lock;    /* writers only */
    item_store *writer; /* writers only, under write_mutex */
    pthread_mutex_t mutex; /* over what follows */
    item_store *pool[DATASET_POOL_SIZE];
    size_t n_pool;
    dataset_table *tables; /* a list of those that are open */
    dataset_info_file info;
    char *info_media; /* what the last akin_dataset_get_info gave out */
    pthread_rwlock_t columns_lock;
    item_columns *columns;
    int64_t columns_version; /* items_version that they are of */
};

void dataset_warn(akin_dataset *ds, const char *fmt, ...) AKIN_PRINTF(2, 3);

/* AKIN_EUSAGE unless ds was opened for writing. */
akin_status dataset_need_writer(akin_dataset *ds, akin_error *err)
    AKIN_NODISCARD;

/* A reading store out of the pool, or a new one; give it back. */
akin_status dataset_take_store(akin_dataset *ds, item_store **out,
                               akin_error *err) AKIN_NODISCARD;
void dataset_give_store(akin_dataset *ds, item_store *s);

/* The columns as they are now; read them until they are given back. Columns that
 * an expression or an order names are loaded by dataset_where and dataset_select,
 * which must not be called while they are taken. */
akin_status dataset_take_columns(akin_dataset *ds, item_columns **out,
                                 akin_error *err) AKIN_NODISCARD;
void dataset_give_columns(akin_dataset *ds);

/* Items for which an expression holds, as item_columns_where; of NULL all that
 * are there. */
akin_status dataset_where(akin_dataset *ds, const char *expression,
                          uint64_t **out, akin_error *err) AKIN_NODISCARD;

typedef struct dataset_selection {
    const char *where; /* NULL: all */
    const char *sort;  /* a column; NULL: by row number */
    bool descending;
} dataset_selection;

/* Row numbers of items, in order, all of one moment; *out is [*n] (mem_free). */
akin_status dataset_select(akin_dataset *ds, const dataset_selection *selection,
                           int64_t **out, size_t *n, akin_error *err)
    AKIN_NODISCARD;

/* The media folder as it is now (owned); NULL when memory is out. */
char *dataset_media(akin_dataset *ds);

/* The url of `file` below the folder `media`: without "./" and "//", "a/../b"
 * as "b"; owned. "/x" and "file:///media/x" are "x". AKIN_EUSAGE for what leads
 * out of it and for other schemes; links are not looked at. */
akin_status dataset_url(const char *media, const char *file, char **out,
                        akin_error *err) AKIN_NODISCARD;

/* The file of a url in the folder `media`, links followed (owned).
 * AKIN_ENOTFOUND, AKIN_EUSAGE. */
akin_status dataset_url_path(const char *media, const char *url, char **out,
                             akin_error *err) AKIN_NODISCARD;

/* The file of a url (owned): below the media folder, whatever the url holds. */
akin_status dataset_media_path(akin_dataset *ds, const char *url, char **out,
                               akin_error *err) AKIN_NODISCARD;

/* The folder of an embedding table (owned). */
char *dataset_table_path(const akin_dataset *ds, const char *table);

/* schema.json as it is on the disk now (dataset_schema_clear), and writing it. */
akin_status dataset_read_schema(akin_dataset *ds, dataset_schema *out,
                                akin_error *err) AKIN_NODISCARD;
akin_status dataset_write_schema(akin_dataset *ds, const dataset_schema *schema,
                                 akin_error *err) AKIN_NODISCARD;

/* ---- dataset_open.c ---------------------------------------------------------- */

/* Where a dataset that is made or filled has its media, and what it is called.
 * NULL: as it is, or as the public header has it. */
typedef struct dataset_making {
    const char *media;
    const char *id, *name, *description;
    bool overwrite;
} dataset_making;

/* Opens a dataset for writing and makes it if it is not there; with overwrite
 * all but its id and name goes first. */
akin_status dataset_open_making(const char *path, const dataset_making *making,
                                const akin_dataset_options *opt,
                                akin_dataset **out, akin_error *err)
    AKIN_NODISCARD;

#endif
