/* SPDX-License-Identifier: MIT
 * Opening tables, and keeping their maps as new as what they are about. */
#include "engine/dataset_table.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/database_open.h"
#include "engine/dataset_ranked.h"

akin_status dataset_table_check(akin_dataset *ds, const char *table,
                                akin_error *err)
{
    dataset_schema schema = {0};
    dataset_group group = DATASET_GROUP_OTHER;
    AKIN_TRY(dataset_read_schema(ds, &schema, err));
    bool found = dataset_schema_group(&schema, table, &group);
    dataset_schema_clear(&schema);
    if (!found)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "table '%s' not found in dataset", table);
    if (group != DATASET_GROUP_EMBEDDINGS)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "table '%s' is not a view embedding table", table);
    return AKIN_OK;
}

/* ---- opening ---------------------------------------------------------------- */

static akin_status table_open_db(akin_dataset *ds, const char *table,
                                 akin_mode mode, akin_db **out,
                                 akin_error *err)
{
    char *path = dataset_table_path(ds, table), *media = dataset_media(ds);
    akin_status status =
        path && media ? AKIN_OK
                      : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'",
                                  table);
    const akin_db_options opt = {
        .mode = mode,
        .settings = {.set = AKIN_SET_AUDIO_ROOT, .audio_root = media},
        .models = model_options_get(ds->models),
        .busy_s = ds->busy_s,
        .warn = ds->warn,
        .user = ds->user,
    };
    if (status == AKIN_OK) status = akin_open(path, &opt, out, err);
    mem_free(path);
    mem_free(media);
    return status;
}

akin_status dataset_table_open_writer(akin_dataset *ds, const char *table,
                                      akin_db **out, akin_error *err)
{
    AKIN_TRY(dataset_table_check(ds, table, err));
    return table_open_db(ds, table, AKIN_WRITE, out, err);
}

static void table_release_map(dataset_table_map *map)
{
    if (!map || --map->n_users > 0) return;
    dataset_map_clear(&map->map);
    mem_free(map);
}

static void table_free(dataset_table *t)
{
    if (!t) return;
    for (size_t i = 0; i < DATASET_TABLE_RANKED; i++)
        dataset_ranked_give(t->ranked[i]);
    table_release_map(t->map);
    store_close(t->watch);
    akin_close(t->db);
    pthread_mutex_destroy(&t->mutex);
    mem_free(t->name);
    mem_free(t);
}

static uint64_t table_inode(const akin_db *db)
{
    file_stamp stamp = {0};
    return file_stat(db->sqlite_path, &stamp, NULL) == AKIN_OK ? stamp.inode
                                                               : 0;
}

static akin_status table_open(akin_dataset *ds, const char *name,
                              dataset_table **out, akin_error *err)
{
    akin_status status = AKIN_OK;
    dataset_table *t = mem_array(1, sizeof *t);
    if (!t) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", name);
    pthread_mutex_init(&t->mutex, NULL);
    t->n_users = 1;
    t->name = mem_strdup(name);
    if (!t->name)
        AKIN_TRYG(AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", name));
    AKIN_TRYG(table_open_db(ds, name, AKIN_READ, &t->db, err));
    t->inode = table_inode(t->db);
    AKIN_TRYG(store_open(t->db->sqlite_path, STORE_READ, t->db->busy_s,
                         &t->watch, err));
    *out = t;
    t = NULL;
done:
    table_free(t);
    return status;
}

/* ---- the list --------------------------------------------------------------- */

/* Under ds->mutex: takes the table out of the list; its place in the list is the
 * caller's to give back. */
static dataset_table *list_remove(akin_dataset *ds, const char *name)
{
    for (dataset_table **at = &ds->tables; *at; at = &(*at)->next) {
        dataset_table *t = *at;
        if (strcmp(t->name, name) != 0) continue;
        *at = t->next;
        return t;
    }
    return NULL;
}

/* The open table of this name; one that was replaced on the disk by another since
 * (dropped and made again by another program) is let go. */
static dataset_table *list_find(akin_dataset *ds, const char *name)
{
    dataset_table *old = NULL;
    pthread_mutex_lock(&ds->mutex);
    dataset_table *t = ds->tables;
    while (t && strcmp(t->name, name) != 0) t = t->next;
    if (t && table_inode(t->db) != t->inode) {
        old = list_remove(ds, name);
        t = NULL;
    }
    if (t) t->n_users++;
    pthread_mutex_unlock(&ds->mutex);
    dataset_table_give(ds, old);
    return t;
}

akin_status dataset_table_take(akin_dataset *ds, const char *table,
                               dataset_table **out, akin_error *err)
{
    dataset_table *fresh = NULL, *t = list_find(ds, table);
    *out = t;
    if (t) return AKIN_OK;
    AKIN_TRY(dataset_table_check(ds, table, err));
    AKIN_TRY(table_open(ds, table, &fresh, err));
    pthread_mutex_lock(&ds->mutex);
    for (t = ds->tables; t && strcmp(t->name, table) != 0;) t = t->next;
    if (!t) { /* else another thread was faster */
        t = fresh;
        t->next = ds->tables;
        ds->tables = t;
        fresh = NULL;
    }
    t->n_users++;
    pthread_mutex_unlock(&ds->mutex);
    dataset_table_give(ds, fresh);
    *out = t;
    return AKIN_OK;
}

void dataset_table_give(akin_dataset *ds, dataset_table *t)
{
    if (!t) return;
    pthread_mutex_lock(&ds->mutex);
    bool last = --t->n_users == 0;
    pthread_mutex_unlock(&ds->mutex);
    if (last) table_free(t);
}

/* Who is still reading it goes on with files that have no name any more. */
akin_status dataset_table_forget(akin_dataset *ds, const char *table,
                                 akin_error *err)
{
    (void)err;
    pthread_mutex_lock(&ds->mutex);
    dataset_table *t = list_remove(ds, table);
    pthread_mutex_unlock(&ds->mutex);
    dataset_table_give(ds, t);
    return AKIN_OK;
}

void dataset_table_close_all(akin_dataset *ds)
{
    while (ds->tables) {
        dataset_table *t = ds->tables;
        ds->tables = t->next;
        table_free(t);
    }
}

/* ---- the map ---------------------------------------------------------------- */

static bool table_same_stamp(const file_stamp *a, const file_stamp *b)
{
    return a->inode == b->inode && a->mtime_ns == b->mtime_ns &&
           a->size_bytes == b->size_bytes;
}

/* Under mutex: what the map is to be of. Read before the map is made: what is
 * committed in between makes the next search make another one. */
static akin_status table_version(dataset_table *t, item_store *s,
                                 dataset_table_map *out, akin_error *err)
{
    AKIN_TRY(items_version(s, &out->items_version, err));
    AKIN_TRY(store_version(t->watch, &out->db_version, err));
    if (file_stat(t->db->index_path, &out->index, NULL) != AKIN_OK)
        out->index = (file_stamp){0};
    return AKIN_OK;
}

/* Under mutex. */
static akin_status table_make_map(dataset_table *t, item_store *s,
                                  const dataset_table_map *now, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof *t->map, "a map of views", &p, err));
    dataset_table_map *fresh = p;
    *fresh = *now;
    fresh->n_users = 1;
    akin_status status = dataset_map_init(&fresh->map, t->db, s, err);
    if (status != AKIN_OK) {
        table_release_map(fresh);
        return status;
    }
    table_release_map(t->map);
    t->map = fresh;
    return AKIN_OK;
}

akin_status dataset_table_take_map(dataset_table *t, item_store *s,
                                   dataset_table_map **out, akin_error *err)
{
    dataset_table_map now = {0};
    pthread_mutex_lock(&t->mutex);
    akin_status status = table_version(t, s, &now, err);
    bool fits = status == AKIN_OK && t->map &&
                t->map->items_version == now.items_version &&
                t->map->db_version == now.db_version &&
                table_same_stamp(&t->map->index, &now.index);
    if (status == AKIN_OK && !fits) status = table_make_map(t, s, &now, err);
    if (status == AKIN_OK) {
        t->map->n_users++;
        *out = t->map;
    }
    pthread_mutex_unlock(&t->mutex);
    return status;
}

void dataset_table_give_map(dataset_table *t, dataset_table_map *map)
{
    if (!map) return;
    pthread_mutex_lock(&t->mutex);
    table_release_map(map);
    pthread_mutex_unlock(&t->mutex);
}
