/* SPDX-License-Identifier: MIT
 * akin: an embedding database for sounds, images and vectors.
 *
 * A database is a folder with `hoplite.sqlite` (rows) and `usearch.index`
 * (float16 vectors), the format that BirdNET-Analyzer, perch-hoplite and
 * OpenSoundscape share. It belongs to one model and one set of signal settings.
 * akin_extract cuts recordings into windows, embeds them and stores row and
 * vector together; akin_search ranks the windows by their likeness to a sound,
 * a vector or another window.
 *
 *     akin_error err;
 *     akin_db *db = NULL;
 *     akin_results *results = NULL;
 *     const char *inputs[] = {"recordings"};
 *     if (akin_open("birds.db", &(akin_db_options){.mode = AKIN_CREATE}, &db,
 *                   &err) != AKIN_OK ||
 *         akin_extract(db, inputs, 1, NULL, NULL, &err) != AKIN_OK ||
 *         akin_search(&db, 1, &(akin_query){.file = "call.wav"}, NULL,
 *                     &results, &err) != AKIN_OK)
 *         fprintf(stderr, "%s\n", err.text);
 *     for (size_t i = 0; i < akin_results_count(results); i++) {
 *         const akin_hit *hit = akin_results_at(results, i);
 *         printf("%.3f %s %.1f s\n", hit->score, hit->recording, hit->start_s);
 *     }
 *     akin_results_free(results);
 *     akin_close(db);
 *
 * Conventions are in akin/error.h. Threads: an akin_db takes any number of
 * searching threads at a time; calls that write (marked so) are serialised
 * inside, and between processes by a lock file. Every other object belongs to
 * one thread at a time. The library never prints, exits, or reads the
 * environment.
 */
#ifndef AKIN_AKIN_H
#define AKIN_AKIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "akin/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- version --------------------------------------------------------------- */

#define AKIN_VERSION "0.1.0"

AKIN_API const char *akin_version(void);

/* One line: version, the instruction set in use, libraries. Static. */
AKIN_API const char *akin_build_info(void);

/* Frees what a call says is yours by akin_free. */
AKIN_API void akin_free(void *p);

/* ---- models: where they are ---------------------------------------------------- */

typedef enum akin_device {
    AKIN_CPU,
    AKIN_CUDA, /* where the runtime and the machine have it; else the CPU, with a
                  warning */
} akin_device;

/* Where learned models are, and what runs them. All-zero: the built-in models,
 * and ONNX Runtime if it is among the system's libraries. */
typedef struct akin_model_options {
    const char *const *folders; /* [n_folders], each holding models as
                                   FOLDER/NAME; the first that has it counts */
    size_t n_folders;
    const char *cards;   /* folder of the cards that ship, CARDS/NAME/model.json:
                            what akin_model_install knows by name */
    const char *runtime; /* ONNX Runtime's library or the folder that holds it;
                            NULL: the system's, then runtime_folders */
    const char *const *runtime_folders; /* [n_runtime_folders] */
    size_t n_runtime_folders;
    akin_device device;
} akin_model_options;

/* ---- the database ------------------------------------------------------------ */

typedef struct akin_db akin_db;

typedef enum akin_mode {
    AKIN_READ,   /* nothing is written, not even a repair; the default */
    AKIN_WRITE,  /* an existing database; journaled vectors are replayed */
    AKIN_CREATE, /* as AKIN_WRITE, made if it is not there */
    AKIN_LABEL,  /* as AKIN_READ, but labels can be written, though another
                    handle or process is extracting */
} akin_mode;

/* Which fields of akin_settings are meant; the others come from the database
 * or, for a new one, are the defaults named beside them. */
enum {
    AKIN_SET_MODEL = 1 << 0,
    AKIN_SET_OVERLAP = 1 << 1,
    AKIN_SET_SPEED = 1 << 2,
    AKIN_SET_FMIN = 1 << 3,
    AKIN_SET_FMAX = 1 << 4,
    AKIN_SET_MIN_LENGTH = 1 << 5,
    AKIN_SET_AUDIO_ROOT = 1 << 6,
    AKIN_SET_EVERY = 1 << 7,
};

/* How the media of a database became windows. Stored with it, applied again to
 * every query. */
typedef struct akin_settings {
    unsigned set;           /* AKIN_SET_... */
    const char *model;      /* a name, or a model's folder (with a '/'); "mel" */
    double overlap_s;       /* of playback, below the model's window; 0 */
    double audio_speed;     /* 0.01 .. 100: below 1 slower than recorded; 1 */
    int fmin_hz;            /* band-pass 0 .. 15000 Hz after the speed change; */
    int fmax_hz;            /*   0 and 15000 are off */
    double min_length_s;    /* leaves out shorter last windows; 0: keeps all */
    const char *audio_root; /* folder the recordings' names are relative to */
    double every_s;         /* of films, for image models: seconds between the
                               frames that are embedded, 0.001 .. 86400; 1 */
} akin_settings;

typedef struct akin_db_options {
    akin_mode mode;
    akin_settings settings; /* of a new database; for one that is there, those
                               set must equal the stored ones: AKIN_ESETTINGS
                               names both. audio_root may differ: a moved root
                               is used, and stored by a writer. */
    const akin_model_options *models; /* copied; NULL: defaults */
    double busy_s;          /* how long to wait for another writer; 0: 5 */
    void (*warn)(void *user, const char *text); /* things worth knowing */
    void *user;
} akin_db_options;

/* Opens the database in the folder `path`. AKIN_ENOTFOUND (none there),
 * AKIN_EBUSY (another writer), AKIN_ESETTINGS, AKIN_ECORRUPT, AKIN_EUNSUPPORTED
 * (a pre-1.0 hoplite database opened for writing), AKIN_EMODEL. */
AKIN_API akin_status akin_open(const char *path, const akin_db_options *opt,
                               akin_db **out, akin_error *err);

/* A writer checkpoints what is journaled. Use akin_flush first where a failure
 * of that must be seen. */
AKIN_API void akin_close(akin_db *db);

/* Writes: brings usearch.index up to date with the rows. */
AKIN_API akin_status akin_flush(akin_db *db, akin_error *err);

typedef struct akin_info {
    const char *path;
    const char *format;         /* "hoplite 1.x" or "hoplite pre-1.0" */
    const char *model;          /* "" if unknown */
    const char *model_identity; /* hash of its files; "" if unknown */
    bool model_available;       /* is here; its graphs were not loaded */
    const char *modality;       /* "sound", "image"; "" if unknown */
    bool text;                  /* the model is here and takes texts */
    uint32_t dim;
    uint32_t rate_hz;           /* of a sound model; 0 if unknown */
    double window_s;            /* of playback; 0 if unknown */
    akin_settings settings;     /* set = those that are stored */
    int64_t n_deployments, n_recordings, n_windows, n_annotations;
    int64_t n_vectors;          /* windows' vectors, journaled ones included */
    int64_t n_pending;          /* of them not yet in usearch.index */
    int64_t n_scores;           /* of classes, kept with windows */
    int64_t sqlite_bytes, index_bytes;
    const char *index_state;    /* "ok", "missing", "damaged: ..." */
    const char *graph_state;    /* by which it is searched: "none is needed",
                                   "ok", "missing" */
} akin_info;

/* Texts are borrowed from db until its next akin_get_info or close. */
AKIN_API akin_status akin_get_info(akin_db *db, akin_info *out,
                                   akin_error *err);

/* ---- extraction ---------------------------------------------------------------- */

typedef struct akin_progress {
    const char *phase;    /* "extract" or "index"; of an import "read", "write"
                             or "index" */
    size_t files_done, files_total;      /* failed and skipped ones included */
    int64_t windows_done;                /* new ones */
    double audio_s;                      /* of original sound gone through */
    double elapsed_s, remaining_s;       /* remaining < 0: not known yet */
    double fraction;                     /* 0 .. 1 */
    const char *file;                    /* being written */
} akin_progress;

typedef enum akin_file_outcome {
    AKIN_FILE_DONE,
    AKIN_FILE_SKIPPED, /* complete from an earlier run */
    AKIN_FILE_FAILED,  /* its reason is in text; windows before the damage are
                          kept */
} akin_file_outcome;

typedef struct akin_file_report {
    const char *path;
    akin_file_outcome outcome;
    int64_t n_windows; /* new ones */
    const char *text;  /* why it failed; "" otherwise */
} akin_file_report;

typedef struct akin_extract_options {
    size_t batch_size;   /* windows a model call; 0: 8 */
    size_t threads;      /* 0: one per processor */
    const char *dataset; /* hoplite project; its deployments are the first
                            folders below the audio root. NULL: BirdNET-
                            Analyzer's one project and deployment */
    bool force;          /* redo files that are complete */
    size_t n_scores;     /* best classes kept with each window, of a model that
                            scores classes; 0: none */
    /* Called at most 10 times a second from the calling thread; false stops:
     * AKIN_ECANCELLED, with all that was written kept. Its answer does not
     * matter in the phase "index". */
    bool (*progress)(void *user, const akin_progress *progress);
    void (*file)(void *user, const akin_file_report *report);
    void *user;
} akin_extract_options;

typedef struct akin_extract_report {
    size_t n_files, n_done, n_skipped, n_failed;
    int64_t n_windows; /* new ones */
    double audio_s;    /* of original sound gone through */
    double elapsed_s;
    /* CPU seconds, by what they went into. */
    double decode_s, resample_s, filter_s, model_s, write_s, index_s;
} akin_extract_report;

/* Writes: embeds every file among inputs (files and folders, searched through)
 * that the model can take and that is not complete in the database: sounds and
 * sound tracks of films for a sound model; pictures (one window, 0 to 0) and
 * films (a window for each frame, from its time to its time) for an image
 * model. Row and vector of a window are
 * committed together; a run that is stopped or killed is taken up by the next.
 * Windows and ids are the same at any thread count, and so are the vectors of
 * built-in models; those of learned models may differ in the last bit with the
 * batches they were computed in. AKIN_OK with n_failed > 0 when some files
 * could not be read; AKIN_ENOTFOUND when there was no file to embed at all. opt
 * and report may be NULL. */
AKIN_API akin_status akin_extract(akin_db *db, const char *const *inputs,
                                  size_t n_inputs,
                                  const akin_extract_options *opt,
                                  akin_extract_report *report,
                                  akin_error *err);

typedef struct akin_input_counts {
    size_t n_sounds;   /* sound files; films are among them */
    size_t n_pictures; /* image files, without films */
    size_t n_films;
    size_t n_others;   /* given by name, whatever they hold */
} akin_input_counts;

/* What akin_extract would look at among inputs: to ask before a database is
 * made. AKIN_ENOTFOUND for a path that is not there, AKIN_EIO if nothing was
 * found and a folder could not be read. */
AKIN_API akin_status akin_count_inputs(const char *const *inputs,
                                       size_t n_inputs, akin_input_counts *out,
                                       akin_error *err);

/* ---- search ---------------------------------------------------------------------- */

typedef enum akin_score {
    AKIN_COSINE,    /* higher is closer, -1 .. 1; the default */
    AKIN_DOT,       /* higher is closer */
    AKIN_EUCLIDEAN, /* lower is closer, >= 0 */
} akin_score;

typedef enum akin_crop {
    AKIN_CENTER,   /* one window from the middle; the default */
    AKIN_FIRST,    /* one window from the start */
    AKIN_SEGMENTS, /* all windows; a row's score is its mean over them */
} akin_crop;

/* What is asked for: the first of these that is given. */
typedef struct akin_query {
    const char *file;        /* a sound, cut and filtered as stored; for an image
                                database a picture or a film */
    const char *text;        /* for a model with a text tower */
    const char *vector_file; /* .npy or .npz, [dim] or [n, dim] */
    const float *vectors;    /* [n_vectors, dim] */
    size_t n_vectors, dim;
    int64_t window_id;       /* of the first database; not among its answers */
} akin_query;

typedef struct akin_search_options {
    size_t k;         /* answers; 0: 10 */
    size_t offset;    /* best ones passed over, for paging */
    akin_score score;
    akin_crop crop;   /* of a query file */
    double overlap_s; /* of its segments */
    const char *filter; /* expression, see docs/CLI.md; NULL: all windows */
    size_t threads;   /* 0: one per processor */
    bool exact;       /* score every window, though there is a graph */
    double recall;    /* with a graph: the share of the true answers to be found
                         on average, 0 < r < 1; 0: 0.99 */
    size_t ef;        /* with a graph: candidates kept; sets recall aside */
} akin_search_options;

typedef struct akin_class_score {
    const char *name;
    float score;
} akin_class_score;

typedef struct akin_hit {
    size_t rank;             /* from 1, the offset included */
    size_t db;               /* which of the databases */
    int64_t window_id, recording_id;
    float score;
    const char *recording;   /* as stored, relative to the audio root */
    const char *path;        /* the file, by the audio root known here */
    double start_s, end_s;   /* in the original file */
    bool imprecise;          /* an old database's rounded offsets */
    const char *datetime;    /* of the window's start, ISO 8601; or NULL */
    const char *deployment;  /* or NULL */
    const char *project;     /* or NULL */
    const char *const *labels;
    size_t n_labels;
    const akin_class_score *classes; /* kept at extraction, best first */
    size_t n_classes;
} akin_hit;

typedef struct akin_results akin_results;

/* Ranks the windows of one or more databases that share model, dimension and
 * settings. Exact: every allowed window is scored in float32 against its stored
 * float16 vector; ties go to the first database, then the smaller window id.
 * k answers if k exist. AKIN_EUSAGE, AKIN_ENOTFOUND (file or window),
 * AKIN_EMODEL (the model is not here, or differs), AKIN_ESETTINGS. */
AKIN_API akin_status akin_search(akin_db *const *dbs, size_t n_dbs,
                                 const akin_query *query,
                                 const akin_search_options *opt,
                                 akin_results **out, akin_error *err);

AKIN_API size_t akin_results_count(const akin_results *results);

/* Borrowed until akin_results_free; i < count. */
AKIN_API const akin_hit *akin_results_at(const akin_results *results, size_t i);

typedef struct akin_span {
    double start_s, end_s; /* in the original file */
} akin_span;

typedef struct akin_results_info {
    const char *mode;   /* "exact", or "graph" if one was used */
    double took_ms;     /* embedding the query included */
    size_t n_searched;  /* windows scored */
    size_t n_queries;   /* query vectors */
    const akin_span *spans; /* [n_queries] what was cut out of a query file;
                               NULL: it was none. Lives as the results do */
} akin_results_info;

AKIN_API void akin_results_get_info(const akin_results *results,
                                    akin_results_info *out);
AKIN_API void akin_results_free(akin_results *results);

typedef struct akin_graph_options {
    size_t threads; /* 0: one per processor */
    /* phase: "link", "save"; false stops: AKIN_ECANCELLED */
    bool (*progress)(void *user, const char *phase, double fraction);
    void *user;
} akin_graph_options;

typedef struct akin_graph_report {
    bool worth_it;     /* false: a look at each vector is as fast; no graph */
    size_t n_vectors;  /* in it */
    int64_t bytes;     /* of its file, akin.cache/cosine.index */
} akin_graph_report;

/* Makes the graph by which large databases are searched, or brings it up to
 * date; extractions and imports of akin do so themselves. db may be open for
 * reading; its folder must be writable. opt and report may be NULL. */
AKIN_API akin_status akin_make_graph(akin_db *db, const akin_graph_options *opt,
                                     akin_graph_report *report,
                                     akin_error *err);

typedef struct akin_export_report {
    size_t n_written, n_failed;
} akin_export_report;

/* Writes each hit's sound to dir as `{score:.5f}_{name}_{start}_{end}.wav`:
 * original rate and speed, unfiltered, mono 16-bit; of an image database the
 * file itself as `{score:.5f}_{name}.{extension}`, a film's frame as
 * `{score:.5f}_{name}_{time}.jpg`; and `manifest.csv` beside them. A hit whose file is gone is named in the manifest and counted as
 * failed. The databases must still be open. */
AKIN_API akin_status akin_export_clips(const akin_results *results,
                                       const char *dir,
                                       akin_export_report *report,
                                       akin_error *err);

/* The same for windows that somebody chose, ids [n]: names begin without a
 * score. AKIN_ENOTFOUND: one of them is not there, and nothing was written. */
AKIN_API akin_status akin_export_windows(akin_db *db, const int64_t *ids,
                                         size_t n, const char *dir,
                                         akin_export_report *report,
                                         akin_error *err);

/* ---- windows and vectors ------------------------------------------------------------ */

typedef struct akin_list_options {
    const int64_t *ids; /* [n_ids] these windows, in this order; what is not
                           there is left out */
    size_t n_ids;
    const char *filter; /* without ids: those that pass, by ascending id; NULL:
                           all */
    size_t limit;       /* 0: all */
    size_t offset;      /* first ones passed over */
} akin_list_options;

/* Windows with what a search tells of its hits, without a score (0). *n_total,
 * which may be NULL: how many there are whatever limit and offset say. */
AKIN_API akin_status akin_list_windows(akin_db *db,
                                       const akin_list_options *opt,
                                       akin_results **out, size_t *n_total,
                                       akin_error *err);

typedef struct akin_recording {
    int64_t id;
    const char *name;       /* as stored, relative to the audio root */
    const char *path;       /* the file, by the audio root known here */
    const char *datetime;   /* of its start, ISO 8601; or NULL */
    const char *deployment; /* or NULL */
    const char *project;    /* or NULL */
    double duration_s;      /* 0: not known */
    int64_t n_windows, n_annotations;
} akin_recording;

typedef struct akin_recording_options {
    int64_t id;        /* this one only; 0: all */
    const char *match; /* in the name, in any case of ASCII letters; NULL: all */
    size_t limit;      /* 0: all */
    size_t offset;     /* first ones passed over */
} akin_recording_options;

/* Calls visit for each recording by name; false ends it early. *n_total as
 * above. Borrowed during the call. opt and n_total may be NULL. */
AKIN_API akin_status akin_each_recording(
    akin_db *db, const akin_recording_options *opt,
    bool (*visit)(void *user, const akin_recording *recording), void *user,
    size_t *n_total, akin_error *err);

typedef struct akin_window {
    int64_t id;
    double start_s, end_s;
    const char *recording;
} akin_window;

/* Calls visit for every window that passes filter (NULL: all), by ascending
 * id, with its vector [dim]; vector is NULL for a window that has none. false
 * from visit ends it early (AKIN_OK). Both are borrowed during the call. */
AKIN_API akin_status akin_each(akin_db *db, const char *filter,
                               bool (*visit)(void *user,
                                             const akin_window *window,
                                             const float *vector),
                               void *user, akin_error *err);

/* The stored vector of a window into out [dim]. AKIN_ENOTFOUND. */
AKIN_API akin_status akin_get_vector(akin_db *db, int64_t window_id, float *out,
                                     akin_error *err);

/* Writes all embeddings as text: to one CSV (`file_path,start,end,embedding`)
 * if path ends in ".csv", else to a folder, one file a window, named
 * `{name}_{start}_{end}.{model}.embeddings.txt`, the recordings' sub-folders
 * kept. n_written may be NULL. */
AKIN_API akin_status akin_export_embeddings(akin_db *db, const char *path,
                                            size_t *n_written,
                                            akin_error *err);

/* Writes the vectors as a file that others read, one row or entry a window by
 * ascending id: ".npy" (float32 [n, dim], and `PATH.csv` with window_id,
 * recording, start, end of each row), ".faiss" (a flat index by inner product
 * whose ids are the window ids), ".arrow" (Arrow IPC: the columns id, recording,
 * start, end, vector) or ".arrows" (the same as a stream), ".csv" (as
 * akin_export_embeddings). format: "npy", "faiss", "arrow", "arrow-stream",
 * "csv"; NULL: by the path's ending. n_written may be NULL. */
AKIN_API akin_status akin_export_vectors(akin_db *db, const char *path,
                                         const char *format, size_t *n_written,
                                         akin_error *err);

typedef struct akin_import_options {
    const char *model;   /* what made the vectors, in your own words; NULL: what
                            an Arrow file says of it, else "imported". Should it
                            be the name of a model that is here, with this
                            dimension, media can be queries */
    const char *tracks;  /* a CSV with a name for each vector in order: column
                            recording, track_id, name or the only one, and if
                            there are columns start and end these too; NULL: the
                            names in the file, else row numbers */
    const char *dataset; /* hoplite project; NULL: BirdNET-Analyzer's */
    const akin_model_options *models;
    double busy_s; /* how long to wait for another writer; 0: 5 */
    bool (*progress)(void *user, const akin_progress *progress);
    void (*warn)(void *user, const char *text);
    void *user;
} akin_import_options;

/* Writes vectors that were made elsewhere into the database in folder `db`,
 * which is made if it is not there: a recording and a window (0 to 0 unless
 * given) for each. path: .npy, .npz, a folder of NAME.npy, a FAISS index, an
 * Arrow file or stream, or a CSV as akin_export_embeddings writes it. Of an Arrow
 * file, vectors are its column vector or embedding, or its only lists of floats;
 * names are its column recording, file_path, view_ref.id, view_id, track_id, name
 * or id; columns start and end count too. Windows that are there (same name and
 * offsets) are left as they are. Queries are vectors and windows. n_added may
 * be NULL. AKIN_ESETTINGS: the database has vectors of another model or
 * dimension. */
AKIN_API akin_status akin_import_vectors(const char *db, const char *path,
                                         const akin_import_options *opt,
                                         size_t *n_added, akin_error *err);

/* ---- labels --------------------------------------------------------------------------- */

typedef enum akin_label_type {
    AKIN_NEGATIVE = 0,
    AKIN_POSITIVE = 1,
    AKIN_UNCERTAIN = 2,
} akin_label_type;

typedef struct akin_annotation {
    const char *recording; /* given back by akin_each_annotation */
    double start_s, end_s;
    const char *label;
    const char *by; /* hoplite's provenance */
    akin_label_type type;
    int64_t id, recording_id; /* given back by akin_each_annotation, too */
} akin_annotation;

/* Writes: labels a window. An equal label is left as it is: *added = false. */
AKIN_API akin_status akin_label(akin_db *db, int64_t window_id,
                                const akin_annotation *annotation, bool *added,
                                akin_error *err);

/* Writes: labels n windows at once, all or none. ids [n] become those of the
 * new annotations, 0 where an equal one was there already. AKIN_ENOTFOUND: one of
 * the windows is not there. */
AKIN_API akin_status akin_label_windows(akin_db *db, const int64_t *window_ids,
                                        size_t n,
                                        const akin_annotation *annotation,
                                        int64_t *ids, akin_error *err);

/* Writes: takes an annotation away, by its id. *removed = false: there is none
 * of this id (any more). */
AKIN_API akin_status akin_unlabel(akin_db *db, int64_t annotation_id,
                                  bool *removed, akin_error *err);

/* Calls visit for each annotation by id; texts are borrowed during the call. */
AKIN_API akin_status akin_each_annotation(
    akin_db *db,
    bool (*visit)(void *user, const akin_annotation *annotation),
    void *user, akin_error *err);

/* The same for those of one recording. */
AKIN_API akin_status akin_each_annotation_of(
    akin_db *db, int64_t recording_id,
    bool (*visit)(void *user, const akin_annotation *annotation),
    void *user, akin_error *err);

/* ---- the map ------------------------------------------------------------- */

typedef struct akin_map_options {
    size_t threads; /* 0: one per processor; the map does not depend on it */
    uint64_t seed;
    /* phase: "link", "near", "axes", "layout"; false stops: AKIN_ECANCELLED */
    bool (*progress)(void *user, const char *phase, double fraction);
    void *user;
} akin_map_options;

typedef struct akin_map_point {
    int64_t window_id;
    float x, y; /* without unit; near points are windows that are alike */
} akin_map_point;

/* Makes a two-dimensional map of all windows in usearch.index, by which of them
 * are near each other (UMAP's layout), and keeps it as akin.cache/map.bin. db
 * may be open for reading; its folder must be writable. opt may be NULL. */
AKIN_API akin_status akin_make_map(akin_db *db, const akin_map_options *opt,
                                   akin_error *err);

typedef struct akin_map {
    akin_map_point *points; /* [n] by ascending window id */
    size_t n;
    bool stale; /* made of other vectors than are in the database now */
} akin_map;

/* The map that was made last. AKIN_ENOTFOUND: none was. */
AKIN_API akin_status akin_get_map(akin_db *db, akin_map *out, akin_error *err);
AKIN_API void akin_map_clear(akin_map *map);

typedef enum akin_colour_by {
    AKIN_BY_LABEL,     /* positive ones; of several on a window the one that the
                          fewest windows have */
    AKIN_BY_RECORDING, /* those with the most windows */
    AKIN_BY_TIME,      /* the hour of the day, "00" to "23" */
} akin_colour_by;

#define AKIN_MAX_COLOURS 255

typedef struct akin_colours {
    uint8_t *codes; /* [n] of the map's points: 0 is none of the names, else
                       names[code - 1] */
    size_t n;
    char **names;   /* [n_names], n_names <= AKIN_MAX_COLOURS */
    size_t *counts; /* [n_names] of points */
    size_t n_names;
} akin_colours;

/* What the points of a map have in common, to be coloured by. */
AKIN_API akin_status akin_map_colours(akin_db *db, const akin_map *map,
                                      akin_colour_by by, akin_colours *out,
                                      akin_error *err);
AKIN_API void akin_colours_clear(akin_colours *colours);

/* The score of each of the map's points to a query into out [map->n], as a search
 * would have it; NaN where the window is gone. Of opt score, crop and overlap
 * count; NULL: defaults. */
AKIN_API akin_status akin_map_scores(akin_db *db, const akin_map *map,
                                     const akin_query *query,
                                     const akin_search_options *opt, float *out,
                                     akin_error *err);

/* ---- verification ------------------------------------------------------------------------ */

typedef struct akin_verify_options {
    bool repair; /* mends what is found, under the writer's lock */
    double busy_s;
    /* Called for each finding; `mended` tells what repair did about it. */
    void (*finding)(void *user, const char *text, bool mended);
    void *user;
} akin_verify_options;

typedef struct akin_verify_report {
    size_t n_findings, n_mended;
    int64_t n_windows, n_vectors; /* when it ended */
} akin_verify_report;

/* Compares rows, vectors and the index file of the database in the folder
 * `path` with each other and with their formats. AKIN_OK whatever it finds;
 * n_findings - n_mended tells what is left. */
AKIN_API akin_status akin_verify(const char *path,
                                 const akin_verify_options *opt,
                                 akin_verify_report *report, akin_error *err);

/* ---- models: what they are ------------------------------------------------------------------- */

typedef struct akin_model_info {
    const char *name, *version, *licence, *source, *about; /* "" if not said */
    const char *identity; /* changes when any vector would; "" while it is not
                             known (akin_model_each) */
    const char *modality; /* "sound" or "image" */
    const char *folder;   /* NULL: built in */
    uint32_t dim;         /* 0: only the graph says, and it is not loaded */
    uint32_t rate_hz;     /* of a sound model */
    double window_s;
    uint32_t width, height; /* pixels that enter an image model */
    size_t n_classes;       /* that it scores; 0: none */
    bool text, builtin;
} akin_model_info;

/* Calls visit for the built-in models, then for those in opt's folders, by
 * name; one that cannot be used has its reason in problem (else NULL). Borrowed
 * during the call; false ends it early. */
AKIN_API akin_status akin_model_each(
    const akin_model_options *opt,
    bool (*visit)(void *user, const akin_model_info *info, const char *problem),
    void *user, akin_error *err);

typedef struct akin_model akin_model;

/* Opens a model by name or by its folder (with a '/'). Thread-safe to use.
 * AKIN_EMODEL says how to get what is missing. */
AKIN_API akin_status akin_model_open(const char *name,
                                     const akin_model_options *opt,
                                     akin_model **out, akin_error *err);
AKIN_API void akin_model_close(akin_model *model);

/* Lives as long as the model. */
AKIN_API const akin_model_info *akin_model_get_info(const akin_model *model);

/* samples [n, rate_hz * window_s] mono, full scale 1.0 -> vectors [n, dim]. */
AKIN_API akin_status akin_model_embed_sound(akin_model *model,
                                            const float *samples, size_t n,
                                            float *vectors, akin_error *err);

/* rgb [height, width, 3] -> vector [dim]. */
AKIN_API akin_status akin_model_embed_image(akin_model *model,
                                            const uint8_t *rgb, uint32_t width,
                                            uint32_t height, float *vector,
                                            akin_error *err);

/* UTF-8 -> vector [dim], for a model with a text tower. */
AKIN_API akin_status akin_model_embed_text(akin_model *model, const char *text,
                                           float *vector, akin_error *err);

typedef enum akin_finding {
    AKIN_FINDING_FACT,    /* a tensor, a size, a time */
    AKIN_FINDING_WARNING, /* works, but look at it */
    AKIN_FINDING_PROBLEM, /* cannot be used like this */
} akin_finding;

/* Loads every part of a model, tells its inputs and outputs with their shapes,
 * runs it on noise and on silence, and says what is wrong. AKIN_OK whatever it
 * finds; *n_problems counts. */
AKIN_API akin_status akin_model_check(
    const char *name, const akin_model_options *opt,
    void (*say)(void *user, akin_finding kind, const char *text), void *user,
    size_t *n_problems, akin_error *err);

typedef struct akin_install_options {
    const char *cards;   /* as in akin_model_options */
    /* At most ten times a second; total is -1 while it is not known. false
     * stops (AKIN_ECANCELLED); the next install goes on from there. */
    bool (*progress)(void *user, const char *file, int64_t done_bytes,
                     int64_t total_bytes);
    void (*installed)(void *user, const char *folder); /* once, at the end */
    void *user;
} akin_install_options;

/* Copies or downloads a model into folder/NAME: source is the name of a card in
 * opt->cards, the URL of a model.json, or a folder. AKIN_ENOTFOUND,
 * AKIN_EMODEL (a wrong card, size or hash), AKIN_EIO. */
AKIN_API akin_status akin_model_install(const char *source, const char *folder,
                                        const akin_install_options *opt,
                                        akin_error *err);

#ifdef __cplusplus
}
#endif
#endif
