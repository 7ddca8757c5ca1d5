/* SPDX-License-Identifier: MIT
 * The datasets below the server's folder: found, opened once for all readers,
 * closed when nobody has asked for a while. Thread-safe. */
#ifndef SERVER_LIBRARY_H
#define SERVER_LIBRARY_H

#include "akin/dataset.h"
#include "base/error.h"
#include "base/json.h"

typedef struct library library;

/* An open dataset; its handle is for reading. */
typedef struct library_entry {
    akin_dataset *dataset;
    char *path; /* its folder */
    char *id;   /* info.json's */
} library_entry;

/* close_s: after which a dataset that nobody uses is closed. models are
 * borrowed. AKIN_ENOTFOUND: no such folder. */
akin_status library_new(const char *root, double close_s,
                        const akin_model_options *models, library **out,
                        akin_error *err) AKIN_NODISCARD;
void library_free(library *lib); /* when no entry is in use any more */

const char *library_root(const library *lib); /* absolute */

/* The dataset of this id, or in the folder of this name. Give it back with
 * library_put. AKIN_ENOTFOUND: "dataset 'ID' not found". */
akin_status library_get(library *lib, const char *id, library_entry **out,
                        akin_error *err) AKIN_NODISCARD;
void library_put(library *lib, library_entry *entry); /* NULL is fine */

/* {path, media, id, name, description, size, preview, workspace, num_items,
 * num_views}, for the texts of akin_dataset_get_info belong to one thread at a
 * time. */
akin_status library_info(library *lib, library_entry *entry, json_t **out,
                         akin_error *err) AKIN_NODISCARD;

/* Whoever has written to a dataset says so: those who come get a fresh handle,
 * those who read keep theirs. */
void library_changed(library *lib, const char *path);

/* Calls visit for each dataset by its path; entry is NULL where it cannot be
 * opened, and problem says why. false ends it early. */
akin_status library_each(library *lib,
                         bool (*visit)(void *user, const char *path,
                                       library_entry *entry,
                                       const char *problem),
                         void *user, akin_error *err) AKIN_NODISCARD;

/* The folder for a new dataset of this name, which must be usable as one and
 * not be there: owned. AKIN_EUSAGE, AKIN_EEXISTS. */
akin_status library_new_path(const library *lib, const char *name, char **out,
                             akin_error *err) AKIN_NODISCARD;

#endif
