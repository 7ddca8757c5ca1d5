/* SPDX-License-Identifier: MIT
 * Datasets: items with named views (images), and embedding tables by which they
 * are searched with texts, images and each other.
 *
 * A library is a folder of datasets, a dataset a folder with `info.json`,
 * `schema.json` and `features_values.json` as Pixano 0.6 has them, `items.sqlite`
 * (items and views) and `tables/NAME`, a database as akin_open opens it for each
 * embedding table. Media stay where they are.
 *
 *     akin_error err;
 *     akin_dataset *ds = NULL;
 *     akin_dataset_hits *hits = NULL;
 *     akin_dataset_options opt = {.write = true};
 *     akin_dataset_import_options import = {0};
 *     akin_dataset_table_options table = {.model = "tiny-clip", .exist_ok = true};
 *     akin_dataset_term term = {.text = "a red truck"};
 *     if (akin_dataset_import("library/cars", "pictures", &import, NULL,
 *                             &err) != AKIN_OK ||
 *         akin_dataset_open("library/cars", &opt, &ds, &err) != AKIN_OK ||
 *         akin_dataset_create_table(ds, "emb", &table, &err) != AKIN_OK ||
 *         akin_dataset_compute(ds, "emb", NULL, NULL, &err) != AKIN_OK ||
 *         akin_dataset_search(ds, "emb", &term, 1, NULL, &hits, &err) !=
 *             AKIN_OK)
 *         fprintf(stderr, "%s\n", err.text);
 *     for (size_t i = 0; i < akin_dataset_hits_count(hits); i++) {
 *         const akin_dataset_hit *hit = akin_dataset_hits_at(hits, i);
 *         printf("%.3f %s\n", hit->similarity, hit->url);
 *     }
 *     akin_dataset_hits_free(hits);
 *     akin_dataset_close(ds);
 *
 * Conventions are in akin/error.h. Threads: an akin_dataset takes any number of
 * reading threads (get, search, count); calls that write (marked so) are
 * serialised inside, and between processes by lock files.
 */
#ifndef AKIN_DATASET_H
#define AKIN_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "akin/akin.h"
#include "akin/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- values and rows --------------------------------------------------------- */

typedef enum akin_value_kind {
    AKIN_VALUE_NULL,
    AKIN_VALUE_BOOL,     /* integer: 0 or 1 */
    AKIN_VALUE_INTEGER,
    AKIN_VALUE_NUMBER,
    AKIN_VALUE_TEXT,
    AKIN_VALUE_TIME,     /* integer: microseconds since 1970, UTC */
    AKIN_VALUE_REF,      /* text: the row's id, table: its table; "" both if unset */
    AKIN_VALUE_VECTOR,   /* vector [n] */
    AKIN_VALUE_SHAPE,    /* integer: the one dimension of a vector */
} akin_value_kind;

typedef struct akin_value {
    akin_value_kind kind;
    int64_t integer;
    double number;
    const char *text;
    const char *table;
    const float *vector;
    size_t n;
} akin_value;

typedef struct akin_column {
    const char *name;
    akin_value_kind kind; /* of its values that are not NULL */
} akin_column;

/* Rows of one table: `id`, `created_at`, `updated_at`, then the table's own. */
typedef struct akin_rows akin_rows;

AKIN_API size_t akin_rows_count(const akin_rows *rows);
/* Those that match, before skip and limit; SIZE_MAX if they were not counted: of
 * views and embeddings without where and sort it is the table's own number. */
AKIN_API size_t akin_rows_total(const akin_rows *rows);
/* Borrowed until akin_rows_free: [*n] columns; values of row i in that order. */
AKIN_API const akin_column *akin_rows_columns(const akin_rows *rows, size_t *n);
AKIN_API const akin_value *akin_rows_at(const akin_rows *rows, size_t i);
AKIN_API void akin_rows_free(akin_rows *rows);

/* ---- datasets ------------------------------------------------------------------ */

typedef struct akin_dataset akin_dataset;

typedef struct akin_dataset_options {
    bool write;        /* calls that write are going to be made */
    const char *media; /* the folder that urls of views are relative to; NULL:
                          where it was imported from, else PATH/media. Given
                          with write it is stored */
    const akin_model_options *models; /* copied; NULL: defaults */
    double busy_s;     /* how long to wait for another writer; 0: 5 */
    void (*warn)(void *user, const char *text);
    void *user;
} akin_dataset_options;

/* AKIN_ENOTFOUND: "no dataset found in 'PATH'". */
AKIN_API akin_status akin_dataset_open(const char *path,
                                       const akin_dataset_options *opt,
                                       akin_dataset **out, akin_error *err);
AKIN_API void akin_dataset_close(akin_dataset *ds);

typedef struct akin_dataset_info {
    const char *path, *media;
    const char *id, *name, *description, *size, *preview, *workspace;
    int64_t n_items, n_views;
} akin_dataset_info;

/* Borrowed from ds until its next akin_dataset_get_info or close. */
AKIN_API akin_status akin_dataset_get_info(akin_dataset *ds,
                                           akin_dataset_info *out,
                                           akin_error *err);

/* Calls visit for each dataset in the folder `library`, by folder name; one that
 * cannot be read has its reason in problem (else NULL) and only `path` in info.
 * Borrowed during the call; false ends it early. */
AKIN_API akin_status akin_dataset_each(
    const char *library,
    bool (*visit)(void *user, const akin_dataset_info *info,
                  const char *problem),
    void *user, akin_error *err);

/* Opens the dataset of a library that has this id, or lies in the sub-folder of
 * this name. AKIN_ENOTFOUND. */
AKIN_API akin_status akin_dataset_find(const char *library, const char *id,
                                       const akin_dataset_options *opt,
                                       akin_dataset **out, akin_error *err);

/* ---- import ------------------------------------------------------------------------ */

typedef struct akin_dataset_import_options {
    const char *id;          /* of a new dataset, without blanks; NULL: a short id */
    const char *name;        /* NULL: as it is; of a new one its folder's */
    const char *description; /* NULL: as it is; of a new one "" */
    const char *view;        /* name of views that metadata does not name; "image" */
    const char *metadata;    /* a .jsonl or .csv; NULL: metadata.jsonl or .csv in
                                FOLDER or in the folders of its splits, if there */
    bool names_as_ids;       /* an item's id is its first file's name, with '_'
                                for blanks */
    bool overwrite;          /* what the dataset held goes first, tables too; its
                                id and name stay */
    double busy_s;
    bool (*progress)(void *user, const akin_progress *progress);
    /* subject is a file, "FILE, line N" of metadata, or a missing view's url. */
    void (*problem)(void *user, const char *subject, const char *text);
    void *user;
} akin_dataset_import_options;

typedef struct akin_dataset_import_report {
    size_t n_items, n_views;         /* that are there now */
    size_t n_new_items, n_new_views; /* in this run */
    size_t n_changed_items;          /* their metadata, or a view's file */
    size_t n_failed;                 /* files and rows that could not be taken */
    size_t n_missing;                /* views whose file is gone */
} akin_dataset_import_report;

/* Writes: makes a dataset of a folder of images, or brings it up to date. Only
 * headers of files are read, and of those that were there already only size and
 * time. Folders directly below `folder` are the splits of what is in them; else
 * the split is "default".
 *
 * A row of metadata is an item: {"views": {VIEW: FILE, ...}, FIELD: VALUE, ...},
 * where FILE may be a list of files; or a column "file_name", "file" or "path",
 * "image", or of the name `view`, has the file; and so have columns all of whose
 * values are names of images, one of them there. "id", "split" and "created_at"
 * are the item's. Files are relative to where the metadata lie, else to `folder`.
 * Fields are of text, whole numbers, numbers, truth values or dates, as all of
 * their values allow; what is nested is kept as JSON text. Several items may
 * share a file. Without metadata each file is an item.
 *
 * An item is known again by its id, if it has one, else by its first view's file.
 * Fields that the metadata have not stay as they are. Files and rows that cannot
 * be taken are problems, and an item none of whose files can be is not added.
 *
 * AKIN_ENOTFOUND: no such folder, or no images in it; AKIN_EUSAGE: `folder` is
 * not in the folder that holds the dataset's media; AKIN_ECANCELLED: stopped,
 * the next run goes on from there. opt and report may be NULL. */
AKIN_API akin_status akin_dataset_import(const char *path, const char *folder,
                                         const akin_dataset_import_options *opt,
                                         akin_dataset_import_report *report,
                                         akin_error *err);

/* ---- tables ------------------------------------------------------------------------ */

typedef struct akin_dataset_table {
    const char *name;
    const char *group; /* "item", "views" or "embeddings" */
    const char *base;  /* Pixano's: "Item", "Image", "ViewEmbedding" */
    const char *relation; /* to item: "one_to_one", "many_to_one", ... */
    const akin_column *columns; /* as akin_rows has them */
    size_t n_columns;
    int64_t n_rows;
    const char *model; /* of embeddings; else NULL */
    bool text;         /* the model is here and takes texts */
    const char *state; /* of embeddings: "ready", "partial", "empty",
                          "missing model", "damaged"; else NULL */
    uint32_t dim;      /* 0: not known before the first vector */
} akin_dataset_table;

/* Calls visit for item, then views, then embedding tables, by name. Borrowed
 * during the call. */
AKIN_API akin_status akin_dataset_each_table(
    akin_dataset *ds,
    bool (*visit)(void *user, const akin_dataset_table *table), void *user,
    akin_error *err);

typedef struct akin_dataset_table_options {
    const char *model;    /* a name, or a model's folder (with a '/'); "tint" */
    const char *relation; /* to item; "one_to_one" */
    bool overwrite;       /* a table of this name goes first */
    bool exist_ok;        /* one that is there, of this model, stays as it is */
} akin_dataset_table_options;

/* Writes: makes an empty embedding table. AKIN_EEXISTS: "table 'X' already
 * exists"; AKIN_EUSAGE: a bad name or relation; AKIN_EMODEL. */
AKIN_API akin_status
akin_dataset_create_table(akin_dataset *ds, const char *table,
                          const akin_dataset_table_options *opt,
                          akin_error *err);

/* Writes: takes an embedding table away. */
AKIN_API akin_status akin_dataset_drop_table(akin_dataset *ds, const char *table,
                                             akin_error *err);

typedef struct akin_dataset_get_options {
    const char *const *ids; /* [n_ids] rows with these; in the table's order,
                               unknown ones left out */
    size_t n_ids;
    const char *const *item_ids; /* [n_item_ids] rows of these items */
    size_t n_item_ids;
    size_t limit;      /* 0: all */
    size_t skip;
    const char *where; /* see docs/DATASETS.md; on the table's own columns */
    const char *sort;  /* a column; NULL: as they came */
    bool descending;
} akin_dataset_get_options;

/* Rows of a table. AKIN_ENOTFOUND: "table 'X' not found in dataset";
 * AKIN_EUSAGE: "ids and item_ids cannot be set at the same time", "ids and
 * limit cannot be set at the same time", a wrong where or sort;
 * AKIN_EUNSUPPORTED: a table of Pixano's that akin has no rows of. With ids sort
 * is left aside; on "item" item_ids are ids. where names the parts of a
 * reference NAME.id and NAME.name. Vectors are as they are stored, from
 * float16. */
AKIN_API akin_status akin_dataset_get(akin_dataset *ds, const char *table,
                                      const akin_dataset_get_options *opt,
                                      akin_rows **out, akin_error *err);

/* Writes: removes items, their views and their embeddings. *n_removed (may be
 * NULL) counts items; ids that are not there are passed over. */
AKIN_API akin_status akin_dataset_remove_items(akin_dataset *ds,
                                               const char *const *ids,
                                               size_t n_ids, size_t *n_removed,
                                               akin_error *err);

/* The file of a view, inside the media folder. AKIN_ENOTFOUND, AKIN_EUSAGE (an
 * url that leads out of it). out is yours: akin_free. */
AKIN_API akin_status akin_dataset_view_path(akin_dataset *ds, const char *view_id,
                                            char **out, akin_error *err);

/* An image file in small, as the bytes of a JPEG: upright, transparent parts on
 * white, no side longer than max_side (1 .. 4096); a smaller image keeps its
 * size. The file's format is found by its content. *out [*n] is yours:
 * akin_free. Thread-safe. AKIN_ENOTFOUND, AKIN_EDECODE, AKIN_EUNSUPPORTED,
 * AKIN_ELIMIT. */
AKIN_API akin_status akin_image_thumbnail(const char *path, uint32_t max_side,
                                          unsigned char **out, size_t *n,
                                          akin_error *err);

/* ---- computing ---------------------------------------------------------------------- */

typedef struct akin_dataset_compute_options {
    const char *view;            /* only views of this name; NULL: all */
    const char *const *view_ids; /* [n_view_ids] only these; NULL: all */
    size_t n_view_ids;
    bool force;                  /* also what is embedded already */
    size_t batch_size, threads;  /* as akin_extract_options */
    bool (*progress)(void *user, const akin_progress *progress);
    void (*file)(void *user, const akin_file_report *report);
    void *user;
} akin_dataset_compute_options;

/* Writes: embeds views that are not in the table yet, or whose file has changed
 * since; stopped or killed, the next call goes on. One view that cannot be read
 * is one report with AKIN_FILE_FAILED. AKIN_EUSAGE: "table 'X' is not a view
 * embedding table". opt and report may be NULL. */
AKIN_API akin_status
akin_dataset_compute(akin_dataset *ds, const char *table,
                     const akin_dataset_compute_options *opt,
                     akin_extract_report *report, akin_error *err);

typedef struct akin_dataset_vector {
    const char *view_id;
    const float *vector; /* [dim] */
} akin_dataset_vector;

/* Writes: puts vectors that were made elsewhere into a table, which is made if
 * it is not there, for `model` (NULL: "imported"). Those of unknown views are
 * counted in *n_unknown; those that are there are left unless force. */
AKIN_API akin_status akin_dataset_put_vectors(
    akin_dataset *ds, const char *table, const char *model, size_t dim,
    const akin_dataset_vector *vectors, size_t n, bool force, size_t *n_added,
    size_t *n_unknown, akin_error *err);

/* ---- search ----------------------------------------------------------------------------- */

/* One part of what is asked for: the first of these that is given. */
typedef struct akin_dataset_term {
    float weight;         /* 0: 1; negative: unlike this */
    const char *text;     /* for a model with a text tower */
    const char *file;     /* an image */
    const char *view_id;  /* a view in the table; not among the answers */
    const char *item_id;  /* the mean of its views; not among the answers */
    const char *vector_file; /* .npy [dim] */
    const float *vector;  /* [dim] */
    size_t dim;
} akin_dataset_term;

typedef struct akin_dataset_search_options {
    size_t limit;      /* items; 0: 10 */
    size_t skip;
    const char *where; /* over item's columns; applied before ranking */
    const char *view;  /* only views of this name; NULL: all */
    double min_similarity; /* 0: none; below it no item is an answer */
    bool all_ids;      /* fill akin_dataset_hits_info.item_ids */
    bool exact;        /* score all, though there is a graph */
} akin_dataset_search_options;

typedef struct akin_dataset_hit {
    size_t rank;            /* from 1, the skipped included */
    const char *item_id;
    const char *view_id;    /* of the item's best view */
    const char *view;       /* its name: "image" */
    const char *url;        /* as stored */
    float similarity;       /* cosine, -1 .. 1 */
    float distance;         /* squared, between vectors of length 1:
                               2 - 2 * similarity, as LanceDB's l2 */
} akin_dataset_hit;

typedef struct akin_dataset_hits_info {
    size_t n_matching;  /* items that passed where and have an embedding */
    size_t n_items;     /* in the dataset */
    const char *const *item_ids; /* [n_item_ids] all, best first; or NULL */
    size_t n_item_ids;
    const char *mode;   /* "exact" or "graph" */
    const char *model;
    double took_ms;
} akin_dataset_hits_info;

typedef struct akin_dataset_hits akin_dataset_hits;

/* Ranks items by their best view's cosine with the sum of the terms, each of
 * length 1 times its weight. Ties go to the smaller item id. AKIN_EUSAGE,
 * AKIN_ENOTFOUND (a table, view, item or file; "table 'X' has no embeddings
 * yet"), AKIN_EMODEL. opt may be NULL. */
AKIN_API akin_status akin_dataset_search(akin_dataset *ds, const char *table,
                                         const akin_dataset_term *terms,
                                         size_t n_terms,
                                         const akin_dataset_search_options *opt,
                                         akin_dataset_hits **out,
                                         akin_error *err);
AKIN_API size_t akin_dataset_hits_count(const akin_dataset_hits *hits);
/* Borrowed until akin_dataset_hits_free. */
AKIN_API const akin_dataset_hit *akin_dataset_hits_at(
    const akin_dataset_hits *hits, size_t i);
AKIN_API void akin_dataset_hits_get_info(const akin_dataset_hits *hits,
                                         akin_dataset_hits_info *out);
AKIN_API void akin_dataset_hits_free(akin_dataset_hits *hits);

typedef struct akin_dataset_tag_options {
    const char *field;     /* text field for the label, FIELD_score for its
                              share, are added to item if need be; "tag" */
    const char *prompt;    /* with {} for the label; "a photo of a {}" */
    const char *where;     /* only these items */
    double scale;          /* cosine times this goes into the softmax; 0: 100 */
    double min_score;      /* lower ones get no label */
    void (*tagged)(void *user, const char *item_id, const char *label,
                   double score);
    void *user;
} akin_dataset_tag_options;

/* Writes: gives each item with an embedding the label whose text is nearest,
 * and how sure that is among the labels (softmax). *n_tagged may be NULL. */
AKIN_API akin_status akin_dataset_tag(akin_dataset *ds, const char *table,
                                      const char *const *labels, size_t n_labels,
                                      const akin_dataset_tag_options *opt,
                                      size_t *n_tagged, akin_error *err);

typedef struct akin_dataset_duplicate {
    size_t group;          /* from 1 */
    const char *item_id, *view_id, *view, *url;
    float similarity;      /* to the group's first; 1 for that itself */
} akin_dataset_duplicate;

typedef struct akin_dataset_duplicates_options {
    double min_similarity; /* 0: 0.98 */
    const char *where;
    size_t max_group;      /* larger groups are told cut to it; 0: all of it */
    size_t threads;
    bool (*progress)(void *user, const akin_progress *progress);
    /* Largest group first, then by first item id; false ends it. */
    bool (*visit)(void *user, const akin_dataset_duplicate *duplicate);
    void *user;
} akin_dataset_duplicates_options;

/* Groups of views (of different items) that are linked by pairs at least so
 * similar. *n_groups may be NULL. */
AKIN_API akin_status akin_dataset_each_duplicate(
    akin_dataset *ds, const char *table,
    const akin_dataset_duplicates_options *opt, size_t *n_groups,
    akin_error *err);

/* ---- exchange --------------------------------------------------------------------------- */

/* Writes an embedding table as an Arrow IPC file (".arrow", or a stream with
 * `stream`): the columns id, created_at, updated_at, item_ref, vector, shape,
 * view_ref, as LanceDB holds Pixano's. n_written may be NULL. */
AKIN_API akin_status akin_dataset_export_arrow(akin_dataset *ds,
                                               const char *table,
                                               const char *path, bool stream,
                                               size_t *n_written,
                                               akin_error *err);

/* Writes: reads such a file (file or stream) into a table, as
 * akin_dataset_put_vectors. */
AKIN_API akin_status akin_dataset_import_arrow(akin_dataset *ds,
                                               const char *table,
                                               const char *path,
                                               const char *model, bool force,
                                               size_t *n_added,
                                               size_t *n_unknown,
                                               akin_error *err);

#ifdef __cplusplus
}
#endif
#endif
