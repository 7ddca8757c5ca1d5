/* SPDX-License-Identifier: MIT
 * The rows of a database: deployments, recordings, windows, annotations and
 * metadata in hoplite.sqlite. Verbs typed to these nouns; no SQL leaves this
 * folder.
 *
 * Two schemas stand behind it: perch-hoplite 1.x (read and written) and its
 * pre-1.0 one (read only). A store belongs to one thread at a time. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define STORE_SAME_OFFSET_S 1e-6 /* hoplite's tolerance for equal offsets */

typedef struct store store;
typedef struct store_filter store_filter;

typedef enum store_mode {
    STORE_READ,   /* never writes, not even a WAL left over by others */
    STORE_WRITE,  /* AKIN_ENOTFOUND if there is none */
    STORE_CREATE, /* makes the 1.x schema if there is no file yet */
} store_mode;

typedef enum store_schema {
    STORE_HOPLITE_1,   /* tables windows, recordings, ... */
    STORE_HOPLITE_OLD, /* hoplite_embeddings, hoplite_sources; read only */
} store_schema;

/* path: the .sqlite file. Waits up to busy_s for other writers' locks.
 * AKIN_ENOTFOUND, AKIN_ECORRUPT (not a database), AKIN_EUNSUPPORTED (neither
 * schema, or an old one opened for writing), AKIN_EBUSY, AKIN_EDB. A writer
 * turns on WAL, synchronous FULL and foreign keys and makes akin's own tables.
 * A reader on a folder it cannot write opens the file as immutable. */
akin_status store_open(const char *path, store_mode mode, double busy_s,
                       store **out, akin_error *err) AKIN_NODISCARD;

/* Rolls back what is open; a writer folds the WAL into the file. */
void store_close(store *s);

/* "SQLite 3.40.1". Static. */
const char *store_library(void);

store_schema store_get_schema(const store *s);

/* Changes whenever another connection, of this process or another, has committed
 * something. To be compared with what the same store said earlier, only. */
akin_status store_version(store *s, int64_t *out, akin_error *err)
    AKIN_NODISCARD;

/* A read transaction: all reads until its end see one state. */
akin_status store_begin_read(store *s, akin_error *err) AKIN_NODISCARD;
void store_end_read(store *s);

/* A write transaction (BEGIN IMMEDIATE). AKIN_EBUSY after busy_s. A commit
 * that returned AKIN_OK is on the disk; one that failed has rolled back. */
akin_status store_begin(store *s, akin_error *err) AKIN_NODISCARD;
akin_status store_commit(store *s, akin_error *err) AKIN_NODISCARD;
void store_rollback(store *s); /* fine without a transaction */

/* ---- metadata: key -> JSON object ---------------------------------------- */

/* *json is owned (mem_free), NULL if the key is absent. */
akin_status store_get_metadata(store *s, const char *key, char **json,
                               akin_error *err) AKIN_NODISCARD;
akin_status store_set_metadata(store *s, const char *key, const char *json,
                               akin_error *err) AKIN_NODISCARD;

/* ---- recordings ---------------------------------------------------------- */

/* The id of the row, made if absent. datetime is ISO 8601 or NULL; a stored
 * one is kept. */
akin_status store_ensure_deployment(store *s, const char *name,
                                    const char *project, int64_t *id,
                                    akin_error *err) AKIN_NODISCARD;
akin_status store_ensure_recording(store *s, const char *filename,
                                   const char *datetime, int64_t deployment_id,
                                   int64_t *id, akin_error *err) AKIN_NODISCARD;

/* *id = 0 if there is none in this deployment (0: without one). A stored
 * "a\\b.wav" is found as "a/b.wav". */
akin_status store_find_recording(store *s, const char *filename,
                                 int64_t deployment_id, int64_t *id,
                                 akin_error *err) AKIN_NODISCARD;

/* What akin knows of a recording's file: table akin_files. */
typedef struct store_file {
    int64_t size_bytes, mtime_ns;
    double duration_s;
    int64_t n_windows; /* when complete */
    bool complete;     /* every window of it is in the database */
} store_file;

akin_status store_get_file(store *s, int64_t recording_id, bool *found,
                           store_file *out, akin_error *err) AKIN_NODISCARD;
akin_status store_set_file(store *s, int64_t recording_id,
                           const store_file *file, akin_error *err)
    AKIN_NODISCARD;

/* A recording with what belongs to it, borrowed during the call. */
typedef struct store_recording {
    int64_t id;
    const char *name; /* "\\" turned into "/" */
    const char *datetime, *deployment, *project; /* or NULL */
    double duration_s; /* 0: not known */
    int64_t n_windows, n_annotations;
} store_recording;

typedef struct store_recording_query {
    int64_t id;        /* 0: all */
    const char *match; /* within the name, ASCII letters in any case; NULL: all */
    size_t limit, offset; /* limit 0: all */
} store_recording_query;

/* By name, then id. */
akin_status store_each_recording(store *s, const store_recording_query *query,
                                 akin_status (*visit)(
                                     void *user,
                                     const store_recording *recording,
                                     akin_error *err),
                                 void *user, akin_error *err) AKIN_NODISCARD;
/* How many there are whatever limit and offset say. */
akin_status store_count_recordings(store *s, const store_recording_query *query,
                                   size_t *out, akin_error *err)
    AKIN_NODISCARD;

/* ---- windows --------------------------------------------------------------- */

typedef struct store_window {
    int64_t id;
    int64_t recording_id;
    double start_s, end_s;
    bool imprecise; /* offsets of an old database, rounded to float16 */
} store_window;

/* One window and its vector (n_bytes of float16, into akin_pending), in the
 * open write transaction. */
akin_status store_add_window(store *s, const store_window *window,
                             const void *vector, size_t n_bytes, int64_t *id,
                             akin_error *err) AKIN_NODISCARD;

/* The windows of a recording by start, then id; owned array (mem_free). */
akin_status store_recording_windows(store *s, int64_t recording_id,
                                    store_window **out, size_t *n,
                                    akin_error *err) AKIN_NODISCARD;

/* Deletes the row, its pending vector, its scores and (as hoplite does) nothing
 * else. */
akin_status store_remove_window(store *s, int64_t id, akin_error *err)
    AKIN_NODISCARD;

/* What a model said of a window, table akin_scores. */
typedef struct store_score {
    char *name; /* of the class */
    double score;
} store_score;

/* A window with what belongs to it; texts are owned, clear it. */
typedef struct store_row {
    store_window window;
    char *recording;  /* file name as stored, "\\" turned into "/" */
    char *datetime;   /* or NULL */
    char *deployment; /* or NULL */
    char *project;    /* or NULL */
    char **labels;    /* of annotations that overlap it (or have its very
                         offsets: still images), distinct, sorted;
                         negative ones with "-" in front, uncertain with "?" */
    size_t n_labels;
    store_score *scores; /* best first; labels are what somebody means, these
                            are what the model said */
    size_t n_scores;
} store_row;

/* *found = false if there is no such window. */
akin_status store_get_row(store *s, int64_t id, bool *found, store_row *out,
                          akin_error *err) AKIN_NODISCARD;
void store_row_clear(store_row *row);

/* Calls visit for every window id (ascending) that passes the filter (NULL:
 * all). */
akin_status store_each_window(store *s, const store_filter *filter,
                              akin_status (*visit)(void *user,
                                                   const store_window *window,
                                                   akin_error *err),
                              void *user, akin_error *err) AKIN_NODISCARD;

/* Calls visit for every window id (ascending) with its recording's file name as
 * stored; much faster than store_get_row for each. The name is borrowed during
 * the call. Windows without a recording are passed over. */
akin_status store_each_name(store *s,
                            akin_status (*visit)(void *user, int64_t id,
                                                 const char *recording,
                                                 akin_error *err),
                            void *user, akin_error *err) AKIN_NODISCARD;

typedef struct store_counts {
    int64_t deployments, recordings, windows, annotations, pending, scores;
    int64_t max_window_id;
} store_counts;

akin_status store_count(store *s, store_counts *out, akin_error *err)
    AKIN_NODISCARD;

/* ---- pending vectors: rows whose vector is not in usearch.index yet -------- */

/* By ascending id. AKIN_OK and no call without the table. The vector is
 * borrowed during the call. */
akin_status store_each_pending(store *s,
                               akin_status (*visit)(void *user, int64_t id,
                                                    const void *vector,
                                                    size_t n_bytes,
                                                    akin_error *err),
                               void *user, akin_error *err) AKIN_NODISCARD;
/* Journals a vector; none (NULL, 0) journals that the window's vector is to
 * leave the index, which store_each_pending tells with n_bytes = 0. */
akin_status store_put_pending(store *s, int64_t id, const void *vector,
                              size_t n_bytes, akin_error *err) AKIN_NODISCARD;
akin_status store_clear_pending(store *s, akin_error *err) AKIN_NODISCARD;

/* ---- scores of classes --------------------------------------------------------- */

/* Makes the tables, which a database without scores does not have. */
akin_status store_need_scores(store *s, akin_error *err) AKIN_NODISCARD;
akin_status store_ensure_class(store *s, const char *name, int64_t *id,
                               akin_error *err) AKIN_NODISCARD;
akin_status store_add_score(store *s, int64_t window_id, int64_t class_id,
                            double score, akin_error *err) AKIN_NODISCARD;

/* ---- annotations ------------------------------------------------------------ */

typedef enum store_label_type {
    STORE_NEGATIVE = 0,
    STORE_POSITIVE = 1,
    STORE_UNCERTAIN = 2,
} store_label_type;

typedef struct store_annotation {
    int64_t id;
    int64_t recording_id;
    double start_s, end_s;
    const char *recording;  /* borrowed; its file name, told by each, not read
                               by add; "" if there is no such row */
    const char *label;      /* borrowed */
    const char *provenance; /* borrowed; who or what said so */
    store_label_type type;
} store_annotation;

/* An equal one (recording, offsets within 1e-6, label, type, provenance) is
 * left as it is: *added = false. */
akin_status store_add_annotation(store *s, const store_annotation *annotation,
                                 bool *added, akin_error *err) AKIN_NODISCARD;
akin_status store_each_annotation(store *s,
                                  akin_status (*visit)(
                                      void *user,
                                      const store_annotation *annotation,
                                      akin_error *err),
                                  void *user, akin_error *err) AKIN_NODISCARD;

/* The id of the row that this store added last. */
int64_t store_last_id(const store *s);

/* The same for the annotations of one recording. */
akin_status store_each_annotation_of(store *s, int64_t recording_id,
                                     akin_status (*visit)(
                                         void *user,
                                         const store_annotation *annotation,
                                         akin_error *err),
                                     void *user, akin_error *err)
    AKIN_NODISCARD;
/* *removed = false if there is none of this id. */
akin_status store_remove_annotation(store *s, int64_t id, bool *removed,
                                    akin_error *err) AKIN_NODISCARD;

/* ---- checking ---------------------------------------------------------------- */

/* One inconsistency of the rows: "orphan window 12: recording 3 is missing". */
typedef enum store_problem_kind {
    STORE_SQLITE_DAMAGE,    /* PRAGMA integrity_check says so; not mendable */
    STORE_ORPHAN_WINDOW,    /* no recording */
    STORE_ORPHAN_RECORDING, /* deployment row missing */
    STORE_ORPHAN_ANNOTATION,
    STORE_ORPHAN_PENDING,   /* no window */
    STORE_DUPLICATE_WINDOW, /* same recording, offsets within 1e-6; the one
                               with the smaller id stays */
    STORE_BAD_OFFSETS,      /* not 16 bytes, or not 0 <= start <= end */
    STORE_BAD_METADATA,     /* value is no JSON object */
} store_problem_kind;

typedef struct store_problem {
    store_problem_kind kind;
    int64_t id;  /* of the row; 0 where it has none */
    char text[200];
} store_problem;

akin_status store_check(store *s,
                        akin_status (*report)(void *user,
                                              const store_problem *problem,
                                              akin_error *err),
                        void *user, akin_error *err) AKIN_NODISCARD;

/* Removes the row that a problem names (in the open write transaction). The
 * windows among them are what their vectors must follow. An orphan recording
 * stays, without its deployment: its windows are sound. AKIN_EUNSUPPORTED for
 * kinds that cannot be mended by removing. */
akin_status store_mend(store *s, const store_problem *problem,
                       akin_error *err) AKIN_NODISCARD;

/* ---- filters -------------------------------------------------------------------
 *
 *   expr   = term { "or" term }     term = factor { "and" factor }
 *   factor = "not" factor | "(" expr ")" | field op value
 *   field  = recording | deployment | project | date | time | label | class
 *            | id | recording_id
 *   op     = "=" "!=" "<" "<=" ">" ">=" ; "=" and "!=" on recording,
 *            deployment, project, label and class take the patterns * and ?
 *   value  = a bare word or 'single quoted' ('' is a quote) or "double quoted"
 *
 * date compares the recording's datetime moved to the window's start
 * (2023-05-12, 2023-05, 2023 or 2023-05-12T06:00); an equal date means the
 * whole day, month, year or minute. time is the time of day (06:00). label
 * looks at positive annotations that overlap the window, class at the classes
 * whose scores were kept with it. Words of the grammar
 * are case-blind. */
akin_status store_filter_parse(const char *text, store_filter **out,
                               akin_error *err) AKIN_NODISCARD;
void store_filter_free(store_filter *filter);

#endif
