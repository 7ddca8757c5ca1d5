/* SPDX-License-Identifier: MIT
 * Databases of hoplite before 1.0, read only: temporary views show them in the
 * shape of 1.x, so that every verb and filter is written once.
 *
 * Their type STRING has NUMERIC affinity, so names that look like numbers are
 * stored as numbers: all are cast to text. Offsets had three encodings, told
 * apart by length: 8 bytes are two float32; 4 are two float16 if BirdNET
 * wrote them, else one float32; 2 are one float16. 16 bytes, which no release
 * wrote, are two float64. One value is a start: the end is a window's length
 * later. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "store/store_int.h"

#define HOPLITE_OLD_WINDOW_S 5.0 /* hoplite's default length */

static const char VIEW_METADATA[] =
    "CREATE TEMP VIEW hoplite_metadata AS "
    "SELECT rowid AS rowid, CAST(key AS TEXT) AS key,"
    " CAST(data AS TEXT) AS value FROM main.hoplite_metadata";

/* A table, as each recording looks its dataset up by name. */
static const char TABLE_DEPLOYMENTS[] =
    "CREATE TEMP TABLE deployments (id INTEGER PRIMARY KEY,"
    " name TEXT UNIQUE, project TEXT)";
static const char FILL_DEPLOYMENTS[] =
    "INSERT INTO temp.deployments (name, project) "
    "SELECT DISTINCT CAST(dataset AS TEXT), CAST(dataset AS TEXT)"
    " FROM main.hoplite_sources ORDER BY 1";

static const char VIEW_RECORDINGS[] =
    "CREATE TEMP VIEW recordings AS "
    "SELECT s.id AS id, CAST(s.source AS TEXT) AS filename, NULL AS datetime,"
    " (SELECT d.id FROM temp.deployments d"
    "  WHERE d.name = CAST(s.dataset AS TEXT)) AS deployment_id"
    " FROM main.hoplite_sources s";
static const char VIEW_WINDOWS[] =
    "CREATE TEMP VIEW windows AS "
    "SELECT id, source_idx AS recording_id,"
    " akin_old_offsets(offsets) AS offsets FROM main.hoplite_embeddings";
static const char VIEW_ANNOTATIONS[] =
    "CREATE TEMP VIEW annotations AS "
    "SELECT l.id AS id, e.source_idx AS recording_id,"
    " akin_old_offsets(e.offsets) AS offsets, CAST(l.label AS TEXT) AS label,"
    " l.type AS label_type, CAST(l.provenance AS TEXT) AS provenance"
    " FROM main.hoplite_labels l"
    " LEFT JOIN main.hoplite_embeddings e ON e.id = l.embedding_id";

static double get_f16(const unsigned char *p)
{
    unsigned bits = p[0] | (unsigned)p[1] << 8;
    int exponent = bits >> 10 & 0x1f;
    double fraction = bits & 0x3ff;
    double value = exponent == 0 ? ldexp(fraction, -24)
                   : exponent == 31
                       ? (fraction == 0 ? (double)INFINITY : (double)NAN)
                       : ldexp(fraction + 1024, exponent - 25);
    return bits & 0x8000 ? -value : value;
}

static double get_f32(const unsigned char *p)
{
    uint32_t bits = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                    (uint32_t)p[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Two float64 and one byte: 1 if the source was rounded to float16. */
static void func_old_offsets(sqlite3_context *context, int n,
                             sqlite3_value **values)
{
    const store *s = sqlite3_user_data(context);
    const unsigned char *p = sqlite3_value_blob(values[0]);
    unsigned char out[STORE_OFFSETS_BYTES + 1] = {0};
    int n_bytes = sqlite3_value_bytes(values[0]);
    double start, end;
    (void)n;
    if (!p) return;
    if (n_bytes == 16) {
        sqlite3_result_blob(context, p, n_bytes, SQLITE_TRANSIENT);
        return;
    } else if (n_bytes == 8) {
        start = get_f32(p);
        end = get_f32(p + 4);
    } else if (n_bytes == 4 && s->old_pairs) {
        start = get_f16(p);
        end = get_f16(p + 2);
    } else if (n_bytes == 4 || n_bytes == 2) {
        start = n_bytes == 4 ? get_f32(p) : get_f16(p);
        end = start + s->old_end_s;
    } else {
        return;
    }
    out[STORE_OFFSETS_BYTES] = n_bytes == 2 || (n_bytes == 4 && s->old_pairs);
    store_put_offsets(start, end, out);
    sqlite3_result_blob(context, out, sizeof out, SQLITE_TRANSIENT);
}

/* model_config.model_config.window_size_s, where Perch's notebooks put it. */
static double old_window_s(const char *json)
{
    json_t *root = NULL;
    double window_s = HOPLITE_OLD_WINDOW_S;
    if (!json || json_parse(json, strlen(json), "model_config", &root, NULL))
        return window_s;
    double found;
    const json_t *inner = json_object_get(root, "model_config");
    if (json_get_double(inner, "window_size_s", &found) && found > 0 &&
        isfinite(found))
        window_s = found;
    json_decref(root);
    return window_s;
}

static akin_status old_read_settings(store *s, akin_error *err)
{
    char *json = NULL;
    AKIN_TRY(store_get_metadata(s, "birdnet_analyzer_settings", &json, err));
    s->old_pairs = json != NULL;
    mem_free(json);
    AKIN_TRY(store_get_metadata(s, "model_config", &json, err));
    s->old_end_s = old_window_s(json);
    mem_free(json);
    return AKIN_OK;
}

akin_status hoplite_old_attach(store *s, akin_error *err)
{
    static const char *const statements[] = {
        VIEW_METADATA,   TABLE_DEPLOYMENTS, FILL_DEPLOYMENTS,
        VIEW_RECORDINGS, VIEW_WINDOWS,      VIEW_ANNOTATIONS,
    };
    const int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC;
    AKIN_TRY(store_exec(s, "PRAGMA temp_store = MEMORY", "open the database",
                        err));
    if (sqlite3_create_function_v2(s->db, "akin_old_offsets", 1, flags, s,
                                   func_old_offsets, NULL, NULL,
                                   NULL) != SQLITE_OK)
        return store_fail(s, "add an SQL function", err);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        AKIN_TRY(store_exec(s, statements[i], "read the old tables", err));
    return old_read_settings(s, err);
}
