/* SPDX-License-Identifier: MIT
 * The 1.x schema and its metadata, deployments and recordings, and what akin
 * notes of the recordings' files. */
#include "store/store_int.h"

/* What perch-hoplite 1.0.2 creates. Its Python reads columns by these declared
 * types, FLOAT_LIST above all, so nothing here may change. */
static const char CREATE_HOPLITE[] =
    "CREATE TABLE hoplite_metadata ("
    " key TEXT PRIMARY KEY,"
    " value TEXT NOT NULL);"
    "CREATE TABLE deployments ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL,"
    " project TEXT NOT NULL,"
    " latitude REAL,"
    " longitude REAL,"
    " UNIQUE (name, project));"
    "CREATE TABLE recordings ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " filename TEXT NOT NULL,"
    " datetime TEXT,"
    " deployment_id INTEGER REFERENCES deployments(id) ON DELETE CASCADE,"
    " UNIQUE (id, deployment_id),"
    " UNIQUE (filename, deployment_id));"
    "CREATE TABLE windows ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " recording_id INTEGER NOT NULL"
    " REFERENCES recordings(id) ON DELETE CASCADE,"
    " offsets FLOAT_LIST NOT NULL,"
    " UNIQUE (id, recording_id, offsets));"
    "CREATE TABLE annotations ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " recording_id INTEGER NOT NULL"
    " REFERENCES recordings(id) ON DELETE CASCADE,"
    " offsets FLOAT_LIST NOT NULL,"
    " label TEXT NOT NULL,"
    " label_type INTEGER NOT NULL,"
    " provenance TEXT NOT NULL,"
    " UNIQUE (id, recording_id, offsets));"
    "CREATE INDEX idx_annotations ON annotations("
    "recording_id, offsets, label, label_type, provenance);"
    "CREATE INDEX idx_labels ON annotations(label, label_type, provenance);";

/* The indexes came with hoplite 1.0.2, which does not add them to the
 * databases of 1.0.0 and 1.0.1. */
static const char CREATE_MISSING[] =
    "CREATE INDEX IF NOT EXISTS idx_recordings_deployment_id"
    " ON recordings(deployment_id);"
    "CREATE INDEX IF NOT EXISTS idx_windows_recording_id"
    " ON windows(recording_id);"
    "CREATE TABLE IF NOT EXISTS akin_pending ("
    " window_id INTEGER PRIMARY KEY,"
    " vector BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS akin_files ("
    " recording_id INTEGER PRIMARY KEY,"
    " size_bytes INTEGER NOT NULL,"
    " mtime_ns INTEGER NOT NULL,"
    " duration_s REAL NOT NULL,"
    " n_windows INTEGER NOT NULL,"
    " complete INTEGER NOT NULL);";

static const char GET_METADATA[] =
    "SELECT value FROM hoplite_metadata WHERE key = ?1";
static const char SET_METADATA[] =
    "INSERT INTO hoplite_metadata (key, value) VALUES (?1, ?2) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value";

static const char FIND_DEPLOYMENT[] =
    "SELECT id FROM deployments WHERE name = ?1 AND project = ?2";
static const char ADD_DEPLOYMENT[] =
    "INSERT INTO deployments (name, project) VALUES (?1, ?2)";

/* BirdNET-Analyzer on Windows stores names with backslashes. */
static const char FIND_RECORDING[] =
    "SELECT id, datetime IS NULL FROM recordings"
    " WHERE filename IN (?1, replace(?1, '/', '\\')) AND deployment_id IS ?2"
    " ORDER BY filename = ?1 DESC, id LIMIT 1";
static const char ADD_RECORDING[] =
    "INSERT INTO recordings (filename, datetime, deployment_id) "
    "VALUES (?1, ?2, ?3)";
static const char SET_DATETIME[] =
    "UPDATE recordings SET datetime = ?2 WHERE id = ?1";

static const char GET_FILE[] =
    "SELECT size_bytes, mtime_ns, duration_s, n_windows, complete"
    " FROM main.akin_files WHERE recording_id = ?1";
static const char SET_FILE[] =
    "INSERT OR REPLACE INTO main.akin_files (recording_id, size_bytes,"
    " mtime_ns, duration_s, n_windows, complete) VALUES (?1,?2,?3,?4,?5,?6)";

akin_status hoplite_create(store *s, akin_error *err)
{
    return store_exec(s, CREATE_HOPLITE, "create the tables", err);
}

akin_status hoplite_complete(store *s, akin_error *err)
{
    return store_exec(s, CREATE_MISSING, "create the tables", err);
}

/* ---- metadata ----------------------------------------------------------- */

akin_status store_get_metadata(store *s, const char *key, char **json,
                               akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    *json = NULL;
    AKIN_TRYG(store_ask(s, GET_METADATA, STORE_VALUES(store_text(key)), &q,
                        err));
    AKIN_TRYG(store_step(s, q, "read the metadata", &row, err));
    if (row) status = store_copy_text(q, 0, json, err);
done:
    store_release(q);
    return status;
}

akin_status store_set_metadata(store *s, const char *key, const char *json,
                               akin_error *err)
{
    AKIN_TRY(store_may_write(s, err));
    return store_run(s, SET_METADATA,
                     STORE_VALUES(store_text(key), store_text(json)),
                     "store metadata", err);
}

/* ---- deployments and recordings ----------------------------------------- */

akin_status store_ensure_deployment(store *s, const char *name,
                                    const char *project, int64_t *id,
                                    akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    *id = 0;
    AKIN_TRYG(store_may_write(s, err));
    AKIN_TRYG(store_ask(s, FIND_DEPLOYMENT,
                        STORE_VALUES(store_text(name), store_text(project)), &q,
                        err));
    AKIN_TRYG(store_step(s, q, "find a deployment", &row, err));
    if (row) {
        *id = sqlite3_column_int64(q, 0);
        goto done;
    }
    AKIN_TRYG(store_run(s, ADD_DEPLOYMENT,
                        STORE_VALUES(store_text(name), store_text(project)),
                        "add a deployment", err));
    *id = sqlite3_last_insert_rowid(s->db);
done:
    store_release(q);
    return status;
}

static store_value deployment_value(int64_t deployment_id)
{
    return deployment_id > 0 ? store_integer(deployment_id) : store_text(NULL);
}

static akin_status find_recording(store *s, const char *filename,
                                  int64_t deployment_id, int64_t *id,
                                  bool *undated, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    *id = 0;
    AKIN_TRYG(store_ask(s, FIND_RECORDING,
                        STORE_VALUES(store_text(filename),
                                     deployment_value(deployment_id)),
                        &q, err));
    AKIN_TRYG(store_step(s, q, "find a recording", &row, err));
    if (row) {
        *id = sqlite3_column_int64(q, 0);
        *undated = sqlite3_column_int(q, 1) != 0;
    }
done:
    store_release(q);
    return status;
}

akin_status store_find_recording(store *s, const char *filename,
                                 int64_t deployment_id, int64_t *id,
                                 akin_error *err)
{
    bool undated;
    return find_recording(s, filename, deployment_id, id, &undated, err);
}

akin_status store_ensure_recording(store *s, const char *filename,
                                   const char *datetime, int64_t deployment_id,
                                   int64_t *id, akin_error *err)
{
    bool undated = false;
    double wall_s;
    AKIN_TRY(store_may_write(s, err));
    /* Hoplite fails on every recording if one date cannot be read. */
    if (datetime && !store_parse_datetime(datetime, &wall_s))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' is no ISO 8601 date and time such as "
                         "2023-05-12T06:00:00",
                         datetime);
    AKIN_TRY(find_recording(s, filename, deployment_id, id, &undated, err));
    if (*id && datetime && undated)
        return store_run(s, SET_DATETIME,
                         STORE_VALUES(store_integer(*id), store_text(datetime)),
                         "date a recording", err);
    if (*id) return AKIN_OK;
    AKIN_TRY(store_run(s, ADD_RECORDING,
                       STORE_VALUES(store_text(filename), store_text(datetime),
                                    deployment_value(deployment_id)),
                       "add a recording", err));
    *id = sqlite3_last_insert_rowid(s->db);
    return AKIN_OK;
}

/* ---- files -------------------------------------------------------------- */

akin_status store_get_file(store *s, int64_t recording_id, bool *found,
                           store_file *out, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    akin_status status = AKIN_OK;
    *found = false;
    *out = (store_file){0};
    AKIN_TRYG(store_has_table(s, "akin_files", found, err));
    if (!*found) goto done;
    AKIN_TRYG(store_ask(s, GET_FILE, STORE_VALUES(store_integer(recording_id)),
                        &q, err));
    AKIN_TRYG(store_step(s, q, "find a file", found, err));
    if (!*found) goto done;
    *out = (store_file){
        .size_bytes = sqlite3_column_int64(q, 0),
        .mtime_ns = sqlite3_column_int64(q, 1),
        .duration_s = sqlite3_column_double(q, 2),
        .n_windows = sqlite3_column_int64(q, 3),
        .complete = sqlite3_column_int(q, 4) != 0,
    };
done:
    store_release(q);
    return status;
}

akin_status store_set_file(store *s, int64_t recording_id,
                           const store_file *file, akin_error *err)
{
    AKIN_TRY(store_may_write(s, err));
    return store_run(s, SET_FILE,
                     STORE_VALUES(store_integer(recording_id),
                                  store_integer(file->size_bytes),
                                  store_integer(file->mtime_ns),
                                  store_real(file->duration_s),
                                  store_integer(file->n_windows),
                                  store_integer(file->complete)),
                     "note a file", err);
}
