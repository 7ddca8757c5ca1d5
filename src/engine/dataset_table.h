/* SPDX-License-Identifier: MIT
 * The embedding tables of a dataset that are open: each an akin database whose
 * recordings are named by the urls of views, found once and shared.
 *
 * A table is open for reading, by any number of threads; who writes opens it a
 * second time, for as long as it takes, so that a server that shows a dataset
 * does not keep other programs from filling it. */
#ifndef ENGINE_DATASET_TABLE_H
#define ENGINE_DATASET_TABLE_H

#include "engine/dataset_int.h"
#include "engine/dataset_map.h"
#include "engine/dataset_table_rows.h"

struct dataset_ranked; /* dataset_ranked.h */

enum { DATASET_TABLE_RANKED = 8 };

typedef struct dataset_table_map {
    dataset_map map;
    int64_t items_version, db_version;
    file_stamp index; /* that the map was made with */
    size_t n_users;   /* the table itself is one */
} dataset_table_map;

struct dataset_table {
    char *name;
    dataset_table *next;  /* under ds->mutex, as the users are */
    size_t n_users;       /* the list is one */
    akin_db *db;
    uint64_t inode;       /* of its rows when they were opened */
    pthread_mutex_t mutex; /* over what follows */
    store *watch;         /* asked for its version, nothing else */
    dataset_table_map *map;
    struct dataset_ranked *ranked[DATASET_TABLE_RANKED]; /* the last one first */
};

/* AKIN_ENOTFOUND: "table 'X' not found in dataset"; AKIN_EUSAGE: "table 'X' is
 * not a view embedding table". */
akin_status dataset_table_check(akin_dataset *ds, const char *table,
                                akin_error *err) AKIN_NODISCARD;

/* The table, opened if it is not; give it back. Those of _check. */
akin_status dataset_table_take(akin_dataset *ds, const char *table,
                               dataset_table **out, akin_error *err)
    AKIN_NODISCARD;
void dataset_table_give(akin_dataset *ds, dataset_table *t);

/* The same database for writing; akin_close it. AKIN_EBUSY. */
akin_status dataset_table_open_writer(akin_dataset *ds, const char *table,
                                      akin_db **out, akin_error *err)
    AKIN_NODISCARD;

/* Its map as it is now, made anew if the table or the items have changed; give
 * it back. */
akin_status dataset_table_take_map(dataset_table *t, item_store *s,
                                   dataset_table_map **out, akin_error *err)
    AKIN_NODISCARD;
void dataset_table_give_map(dataset_table *t, dataset_table_map *map);

#endif
