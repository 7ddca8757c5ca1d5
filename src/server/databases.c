/* SPDX-License-Identifier: MIT
 * The databases that are open.
 *
 * As in library.c: an entry is shared by all readers and counted, and is closed
 * by whoever comes by after it was left alone for long. A handle sees what
 * others commit by itself (SQLite gives each read a snapshot, a replaced index
 * file is opened again), but settings are read once, and a folder may have been
 * taken away and made anew: an entry that somebody wrote to, or whose
 * hoplite.sqlite is another file, is taken off the list and closed by its last
 * user. */
#define _GNU_SOURCE
#include "server/databases.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/database_json.h"
#include "server/finder.h"

#define FMAX_OFF_HZ 15000
#define MAX_OPEN 64 /* that nobody uses, about */

typedef struct open_database {
    database_entry entry; /* first: an entry is its open_database */
    uint64_t inode;       /* of its hoplite.sqlite */
    size_t n_users;
    double used_s;
    bool stale;
    pthread_mutex_t info_lock; /* the texts of akin_info are one thread's */
    struct open_database *next;
} open_database;

struct databases {
    const akin_serve_options *opt;
    char *root;
    pthread_mutex_t lock;
    open_database *list;
};

/* ---- opening and closing ------------------------------------------------ */

static void close_database(open_database *d)
{
    akin_close(d->entry.db);
    mem_free(d->entry.path);
    mem_free(d->entry.id);
    mem_free(d->entry.audio_root);
    pthread_mutex_destroy(&d->info_lock);
    mem_free(d);
}

/* 0: there is none. */
static uint64_t inode_of(const char *path)
{
    file_stamp stamp = {0};
    char *rows = file_join(path, "hoplite.sqlite");
    bool ok = rows && file_stat(rows, &stamp, NULL) == AKIN_OK;
    mem_free(rows);
    return ok ? stamp.inode : 0;
}

/* With the lock held: the idle one that was used longest ago, if there are more
 * open than MAX_OPEN: a list of hundreds would use up the files that a process
 * may have open. */
static open_database **find_surplus(databases *all)
{
    size_t n = 0;
    open_database **oldest = NULL;
    for (open_database **at = &all->list; *at; at = &(*at)->next) {
        bool idle = (*at)->n_users == 0;
        if (idle && (!oldest || (*at)->used_s < (*oldest)->used_s)) oldest = at;
        n++;
    }
    return n > MAX_OPEN ? oldest : NULL;
}

/* With the lock held. */
static void sweep(databases *all)
{
    open_database **surplus;
    double now = clock_now_s();
    for (open_database **at = &all->list; *at;) {
        open_database *d = *at;
        bool idle = now - d->used_s > all->opt->limits.close_s;
        if (d->n_users == 0 && (idle || d->stale)) {
            *at = d->next;
            close_database(d);
        } else {
            at = &d->next;
        }
    }
    while ((surplus = find_surplus(all))) {
        open_database *d = *surplus;
        *surplus = d->next;
        close_database(d);
    }
}

/* With the lock held. */
static open_database *find_open(databases *all, const char *path)
{
    for (open_database *d = all->list; d; d = d->next) {
        if (d->stale || strcmp(d->entry.path, path) != 0) continue;
        if (inode_of(path) == d->inode) return d;
        d->stale = true;
    }
    return NULL;
}

/* The path from the root, which for the root itself is its name. */
static char *id_of(const databases *all, const char *path)
{
    size_t n = strlen(all->root);
    if (n > 0 && all->root[n - 1] == '/') n--;
    bool below = strncmp(path, all->root, n) == 0 && path[n] == '/' &&
                 path[n + 1];
    return mem_strdup(below ? path + n + 1 : file_name(path));
}

/* What the media of a database need of its settings. */
static akin_status learn_settings(database_entry *e, akin_error *err)
{
    akin_info info = {0};
    AKIN_TRY(akin_get_info(e->db, &info, err));
    const akin_settings *s = &info.settings;
    e->audio_root = mem_strdup(s->audio_root ? s->audio_root : "");
    e->dim = info.dim;
    e->is_image = strcmp(info.modality, "image") == 0;
    e->speed = s->audio_speed > 0 ? s->audio_speed : 1;
    e->fmin_hz = s->fmin_hz;
    e->fmax_hz = s->fmax_hz >= FMAX_OFF_HZ ? 0 : s->fmax_hz;
    if (e->audio_root && e->path && e->id) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a database");
}

static akin_status open_path(databases *all, const char *path,
                             open_database **out, akin_error *err)
{
    akin_db_options opt = {.models = all->opt->models, .warn = all->opt->warn,
                           .user = all->opt->user};
    open_database *d;
    AKIN_TRY(mem_new_array(1, sizeof *d, "a database", (void **)&d, err));
    pthread_mutex_init(&d->info_lock, NULL);
    d->entry.path = mem_strdup(path);
    d->entry.id = id_of(all, path);
    d->inode = inode_of(path);
    akin_status status = akin_open(path, &opt, &d->entry.db, err);
    if (status == AKIN_OK) status = learn_settings(&d->entry, err);
    if (status != AKIN_OK) {
        close_database(d);
        return status;
    }
    *out = d;
    return AKIN_OK;
}

/* With the lock held, so that a database is opened once: that takes
 * milliseconds. */
static akin_status use_path(databases *all, const char *path,
                            database_entry **out, akin_error *err)
{
    open_database *d = find_open(all, path);
    if (!d) {
        AKIN_TRY(open_path(all, path, &d, err));
        d->next = all->list;
        all->list = d;
    }
    d->n_users++;
    d->used_s = clock_now_s();
    *out = &d->entry;
    return AKIN_OK;
}

void databases_put(databases *all, database_entry *entry)
{
    open_database *d = (open_database *)entry;
    if (!entry) return;
    pthread_mutex_lock(&all->lock);
    d->n_users--;
    d->used_s = clock_now_s();
    sweep(all);
    pthread_mutex_unlock(&all->lock);
}

akin_status databases_info(databases *all, database_entry *entry, json_t **out,
                           akin_error *err)
{
    open_database *d = (open_database *)entry;
    akin_info info = {0};
    (void)all;
    *out = NULL;
    pthread_mutex_lock(&d->info_lock);
    akin_status status = akin_get_info(entry->db, &info, err);
    if (status == AKIN_OK) *out = database_json_info(entry->id, &info);
    pthread_mutex_unlock(&d->info_lock);
    if (status != AKIN_OK || *out) return status;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a database");
}

void databases_changed(databases *all, const char *path)
{
    pthread_mutex_lock(&all->lock);
    for (open_database *d = all->list; d; d = d->next)
        if (strcmp(d->entry.path, path) == 0) d->stale = true;
    sweep(all);
    pthread_mutex_unlock(&all->lock);
}

/* ---- finding ------------------------------------------------------------ */

/* Only what was found below the root can be named: an id is never made into a
 * path. Owned; NULL: there is none. */
static char *find_path(databases *all, const char *id)
{
    finder_paths paths;
    char *found = NULL;
    finder_list(all->root, finder_is_database, &paths);
    for (int by_name = 0; by_name < 2 && !found; by_name++)
        for (size_t i = 0; i < paths.n && !found; i++) {
            char *own = by_name ? mem_strdup(file_name(paths.items[i]))
                                : id_of(all, paths.items[i]);
            if (text_equal(own, id)) found = mem_strdup(paths.items[i]);
            mem_free(own);
        }
    finder_clear(&paths);
    return found;
}

/* With the lock held: the folder of an open one, which need not be looked
 * for. */
static char *open_path_of(databases *all, const char *id)
{
    for (open_database *d = all->list; d; d = d->next)
        if (!d->stale && strcmp(d->entry.id, id) == 0)
            return mem_strdup(d->entry.path);
    return NULL;
}

akin_status databases_get(databases *all, const char *id, database_entry **out,
                          akin_error *err)
{
    akin_status status = AKIN_OK;
    pthread_mutex_lock(&all->lock);
    char *path = open_path_of(all, id);
    if (!path || !finder_is_database(path)) {
        mem_free(path);
        path = find_path(all, id);
    }
    if (path)
        status = use_path(all, path, out, err);
    else
        status = AKIN_FAIL(err, AKIN_ENOTFOUND, "database '%s' not found", id);
    pthread_mutex_unlock(&all->lock);
    mem_free(path);
    return status;
}

void databases_each(databases *all,
                    bool (*visit)(void *user, const char *id, const char *path,
                                  database_entry *entry, const char *problem),
                    void *user)
{
    finder_paths paths;
    bool go_on = true;
    finder_list(all->root, finder_is_database, &paths);
    for (size_t i = 0; i < paths.n && go_on; i++) {
        database_entry *entry = NULL;
        akin_error problem = {0};
        char *id = id_of(all, paths.items[i]);
        pthread_mutex_lock(&all->lock);
        akin_status status = use_path(all, paths.items[i], &entry, &problem);
        pthread_mutex_unlock(&all->lock);
        go_on = visit(user, id ? id : "", paths.items[i], entry,
                      status == AKIN_OK ? NULL : problem.text);
        databases_put(all, entry);
        mem_free(id);
    }
    finder_clear(&paths);
}

akin_status databases_place(databases *all, const char *id, char **out,
                            bool *exists, akin_error *err)
{
    char *path = find_path(all, id);
    *exists = path != NULL;
    *out = path;
    if (path) return AKIN_OK;
    if (!*id || id[0] == '.' || strchr(id, '/') || strlen(id) > 200)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' cannot be the name of a database's folder", id);
    if (finder_is_database(all->root) || finder_is_dataset(all->root))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the server's folder is no place for a new database: "
                         "it is one itself, or a dataset");
    path = file_join(all->root, id);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    if (!file_exists(path)) {
        *out = path;
        return AKIN_OK;
    }
    mem_free(path);
    return AKIN_FAIL(err, AKIN_EEXISTS,
                     "there is something named '%s' already that is no "
                     "database", id);
}

/* ---- all of them -------------------------------------------------------- */

akin_status databases_new(const akin_serve_options *opt, databases **out,
                          akin_error *err)
{
    databases *all;
    AKIN_TRY(mem_new_array(1, sizeof *all, "databases", (void **)&all, err));
    pthread_mutex_init(&all->lock, NULL);
    all->opt = opt;
    all->root = file_absolute(opt->root);
    if (!all->root) {
        databases_free(all);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for databases");
    }
    *out = all;
    return AKIN_OK;
}

void databases_free(databases *all)
{
    if (!all) return;
    for (open_database *d = all->list, *next; d; d = next) {
        next = d->next;
        close_database(d);
    }
    pthread_mutex_destroy(&all->lock);
    mem_free(all->root);
    mem_free(all);
}
