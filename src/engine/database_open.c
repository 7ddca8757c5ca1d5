/* SPDX-License-Identifier: MIT
 * Opening, making and closing a database. */
#include "engine/database_open.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/checkpoint.h"

#define DATABASE_BUSY_S 5.0

static akin_status database_not_there(const char *path, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOTFOUND,
                     "there is no database in '%s'; `akin extract` makes one",
                     path);
}

/* The settings and the folder of a new database; nothing is made before the
 * settings are known to be right. */
static akin_status database_create(akin_db *db, const akin_settings *asked,
                                   akin_error *err)
{
    AKIN_TRY(model_open(asked->set & AKIN_SET_MODEL ? asked->model : NULL,
                        model_options_get(db->models), &db->model, err));
    AKIN_TRY(model_load(db->model, MODEL_MEDIA, err));
    AKIN_TRY(settings_init(&db->settings, asked, model_get_info(db->model),
                           err));
    if (asked->set & AKIN_SET_AUDIO_ROOT)
        AKIN_TRY(settings_set_audio_root(&db->settings, asked->audio_root,
                                         err));
    return file_make_dirs(db->path, err);
}

/* The same for vectors that were made elsewhere. Only a name is taken for one
 * of a model that is here: in the user's own words a '/' is no folder. */
static akin_status database_create_vectors(akin_db *db, const char *name,
                                           size_t dim, akin_error *err)
{
    model *m = NULL;
    akin_status status = AKIN_EMODEL;
    if (!strchr(name, '/'))
        status = model_open(name, model_options_get(db->models), &m, NULL);
    if (status == AKIN_ENOMEM)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    if (status == AKIN_OK && model_get_info(m)->dim != dim) {
        database_warn(db,
                      "model %s makes vectors of dimension %u, these have %zu: "
                      "they can be searched by vectors and windows only",
                      name, model_get_info(m)->dim, dim);
        status = AKIN_EMODEL;
    }
    status = status == AKIN_OK
                 ? settings_init(&db->settings, &(akin_settings){0},
                                 model_get_info(m), err)
                 : settings_init_vectors(&db->settings, name, dim, err);
    model_close(m);
    AKIN_TRY(status);
    return file_make_dirs(db->path, err);
}

static akin_status database_save_settings(akin_db *db, akin_error *err)
{
    AKIN_TRY(store_begin(db->writer, err));
    akin_status status = settings_save(&db->settings, db->writer, err);
    if (status == AKIN_OK) status = store_commit(db->writer, err);
    if (status != AKIN_OK) store_rollback(db->writer);
    return status;
}

/* What is there must be whole before anything is added to it. */
static akin_status database_check_index(akin_db *db, akin_error *err)
{
    index_file *index = NULL;
    store_counts counts;
    AKIN_TRY(store_count(db->writer, &counts, err));
    akin_error why = {0};
    akin_status status = database_take_index(db, &index, &why);
    bool there = index != NULL;
    database_give_index(db, index);
    if (status == AKIN_ENOMEM || status == AKIN_EIO)
        return AKIN_FAIL(err, status, "%s", why.text);
    if (status != AKIN_OK)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "%s; run `akin verify --repair` first", why.text);
    if (!there && counts.windows > counts.pending)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s' is missing, with it the vectors of %lld "
                         "windows; put it back, or run `akin verify --repair` "
                         "to have those windows extracted again",
                         db->index_path,
                         (long long)(counts.windows - counts.pending));
    return AKIN_OK;
}

/* No settings and no windows: just made, or its making was killed. */
static akin_status database_is_new(akin_db *db, bool *out, akin_error *err)
{
    char *known = NULL;
    store_counts counts;
    AKIN_TRY(store_get_metadata(db->writer, "usearch_config", &known, err));
    *out = known == NULL;
    mem_free(known);
    if (!*out) return AKIN_OK;
    AKIN_TRY(store_count(db->writer, &counts, err));
    *out = counts.windows == 0;
    return AKIN_OK;
}

static akin_status database_lock(akin_db *db, akin_error *err)
{
    char *path = file_join(db->path, "akin.lock");
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = file_lock_open(path, db->busy_s, &db->lock, err);
    mem_free(path);
    return status;
}

/* Before the lock file is made: nothing is left in a folder that cannot be
 * written to. What is not a database yet is the writer's affair. */
static akin_status database_refuse_old(akin_db *db, akin_error *err)
{
    store *s = NULL;
    bool old = store_open(db->sqlite_path, STORE_READ, db->busy_s, &s, NULL) ==
                   AKIN_OK &&
               store_get_schema(s) == STORE_HOPLITE_OLD;
    store_close(s);
    if (!old) return AKIN_OK;
    return store_open(db->sqlite_path, STORE_WRITE, db->busy_s, &db->writer,
                      err);
}

/* Annotations are SQLite's affair alone: its own locks keep two writers of rows
 * apart, and the lock file is for those who also write vectors. */
static akin_status database_open_labels(akin_db *db, akin_error *err)
{
    AKIN_TRY(database_refuse_old(db, err));
    return store_open(db->sqlite_path, STORE_WRITE, db->busy_s, &db->writer,
                      err);
}

/* What a database is opened for. */
typedef struct database_purpose {
    bool repair;
    size_t vectors_dim; /* of vectors from elsewhere; 0: the model makes them */
} database_purpose;

static akin_status database_make(akin_db *db, const akin_settings *asked,
                                 const database_purpose *purpose,
                                 akin_error *err)
{
    size_t dim = purpose->vectors_dim;
    return dim ? database_create_vectors(db, asked->model, dim, err)
               : database_create(db, asked, err);
}

static akin_status database_open_writer(akin_db *db, const akin_db_options *opt,
                                        const database_purpose *purpose,
                                        akin_error *err)
{
    bool create = opt->mode == AKIN_CREATE, fresh;
    if (!file_exists(db->sqlite_path)) {
        if (!create)
            return database_not_there(db->path, err);
        AKIN_TRY(database_make(db, &opt->settings, purpose, err));
    }
    AKIN_TRY(database_refuse_old(db, err));
    AKIN_TRY(database_lock(db, err));
    AKIN_TRY(store_open(db->sqlite_path, create ? STORE_CREATE : STORE_WRITE,
                        db->busy_s, &db->writer, err));
    AKIN_TRY(database_is_new(db, &fresh, err));
    if (!fresh) return AKIN_OK;
    if (!db->settings.model)
        AKIN_TRY(database_make(db, &opt->settings, purpose, err));
    return database_save_settings(db, err);
}

/* Compares what was asked for with what is stored; a model's folder counts as
 * the model in it. */
static akin_status database_match(akin_db *db, const akin_settings *asked,
                                  akin_error *err)
{
    akin_settings wanted = *asked;
    model *m = NULL;
    bool is_folder = (asked->set & AKIN_SET_MODEL) && strchr(asked->model, '/');
    if (is_folder) {
        AKIN_TRY(model_open(asked->model, model_options_get(db->models), &m,
                            err));
        wanted.model = model_get_info(m)->name;
    }
    akin_status status = settings_match(&db->settings, &wanted, err);
    if (status == AKIN_OK && m && !db->model) {
        status = database_check_model(db, m, err);
        db->model = m;
    } else {
        model_close(m);
    }
    return status;
}

static akin_status database_load(akin_db *db, const akin_db_options *opt,
                                 const database_purpose *purpose,
                                 akin_error *err)
{
    store *s = db->writer;
    if (!s) AKIN_TRY(database_take_store(db, &s, err));
    db->schema = store_get_schema(s);
    settings loaded = {0};
    akin_status status = settings_load(&loaded, s, err);
    if (s != db->writer) database_give_store(db, s);
    AKIN_TRY(status);
    settings_clear(&db->settings);
    db->settings = loaded;
    if (purpose->vectors_dim)
        return settings_match_vectors(&db->settings, db->path,
                                      opt->settings.model,
                                      purpose->vectors_dim, err);
    AKIN_TRY(database_match(db, &opt->settings, err));
    const char *root = opt->settings.audio_root;
    if (!(opt->settings.set & AKIN_SET_AUDIO_ROOT) ||
        text_equal(root, db->settings.audio_root))
        return AKIN_OK;
    AKIN_TRY(settings_set_audio_root(&db->settings, root, err));
    return db->writer ? database_save_settings(db, err) : AKIN_OK;
}

static akin_status database_init(akin_db *db, const char *path,
                                 const akin_db_options *opt, akin_error *err)
{
    pthread_mutex_init(&db->mutex, NULL);
    pthread_mutex_init(&db->write_mutex, NULL);
    db->path = mem_strdup(path);
    db->sqlite_path = file_join(path, "hoplite.sqlite");
    db->index_path = file_join(path, "usearch.index");
    if (!db->path || !db->sqlite_path || !db->index_path)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    db->busy_s = opt->busy_s > 0 ? opt->busy_s : DATABASE_BUSY_S;
    db->asked = opt->settings;
    db->asked.model = db->asked.audio_root = NULL;
    AKIN_TRY(model_options_new(opt->models, &db->models, err));
    db->warn = opt->warn;
    db->user = opt->user;
    db->writable = opt->mode == AKIN_WRITE || opt->mode == AKIN_CREATE;
    if (!db->writable && !file_exists(db->sqlite_path))
        return database_not_there(path, err);
    return AKIN_OK;
}

static akin_status database_open_for(const char *path,
                                     const akin_db_options *opt,
                                     const database_purpose *purpose,
                                     akin_db **out, akin_error *err)
{
    akin_db *db = mem_array(1, sizeof *db);
    if (!db) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    akin_status status = database_init(db, path, opt, err);
    if (status == AKIN_OK && db->writable)
        status = database_open_writer(db, opt, purpose, err);
    if (status == AKIN_OK && opt->mode == AKIN_LABEL)
        status = database_open_labels(db, err);
    if (status == AKIN_OK) status = database_load(db, opt, purpose, err);
    if (status == AKIN_OK && db->writable && !purpose->repair) {
        status = database_check_index(db, err);
        if (status == AKIN_OK) status = checkpoint_run(db, NULL, err);
    }
    if (status != AKIN_OK) {
        db->writable = false; /* nothing to checkpoint */
        akin_close(db);
        return status;
    }
    *out = db;
    return AKIN_OK;
}

akin_status database_open(const char *path, const akin_db_options *opt,
                          bool repair, akin_db **out, akin_error *err)
{
    return database_open_for(path, opt, &(database_purpose){.repair = repair},
                             out, err);
}

akin_status database_open_vectors(const char *path, const akin_db_options *opt,
                                  size_t dim, akin_db **out, akin_error *err)
{
    assert(dim > 0 && opt->mode == AKIN_CREATE && opt->settings.model);
    return database_open_for(path, opt, &(database_purpose){.vectors_dim = dim},
                             out, err);
}

akin_status akin_open(const char *path, const akin_db_options *opt,
                      akin_db **out, akin_error *err)
{
    static const akin_db_options defaults;
    return database_open(path, opt ? opt : &defaults, false, out, err);
}

akin_status akin_flush(akin_db *db, akin_error *err)
{
    AKIN_TRY(database_need_writer(db, err));
    pthread_mutex_lock(&db->write_mutex);
    akin_status status = checkpoint_run(db, NULL, err);
    pthread_mutex_unlock(&db->write_mutex);
    return status;
}

void akin_close(akin_db *db)
{
    if (!db) return;
    akin_error err = {0};
    if (db->writable && akin_flush(db, &err) != AKIN_OK)
        database_warn(db, "%s; nothing is lost, the next run goes on from here",
                      err.text);
    for (size_t i = 0; i < db->n_pool; i++) store_close(db->pool[i]);
    database_give_index(db, db->index);
    store_close(db->writer);
    file_lock_close(db->lock);
    model_close(db->model);
    model_options_free(db->models);
    settings_clear(&db->settings);
    mem_free(db->info_text);
    mem_free(db->index_path);
    mem_free(db->sqlite_path);
    mem_free(db->path);
    pthread_mutex_destroy(&db->write_mutex);
    pthread_mutex_destroy(&db->mutex);
    mem_free(db);
}
