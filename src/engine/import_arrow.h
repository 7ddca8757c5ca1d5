/* SPDX-License-Identifier: MIT
 * Vectors out of an Arrow file or stream, whoever wrote it: which of its
 * columns are meant, and what their rows say. */
#ifndef ENGINE_IMPORT_ARROW_H
#define ENGINE_IMPORT_ARROW_H

#include "engine/import_source.h"

typedef struct import_arrow import_arrow;

/* Chooses the columns:
 *
 *   vector      the one called vector or embedding, which must be lists of
 *               numbers, else the only one of lists of floats
 *   name        recording, file_path, view_ref.id, view_id, track_id, name or
 *               id, the first of them that is text or integers; else names are
 *               row numbers
 *   start, end  numbers, if they are there
 *
 * AKIN_ECORRUPT if there is no such vector column, or no choice between two. */
akin_status import_arrow_open(const char *path, import_arrow **out,
                              akin_error *err) AKIN_NODISCARD;
void import_arrow_close(import_arrow *a); /* accepts NULL */
size_t import_arrow_rows(const import_arrow *a);
/* What the file's metadata say made the vectors; NULL: nothing. */
const char *import_arrow_model(const import_arrow *a);

/* Calls visit for every row, again from the first at each call; v and all in it
 * are borrowed for the call. AKIN_ECORRUPT for a vector that is null or has no
 * values, a name that is not UTF-8, a start without an end. */
typedef akin_status import_arrow_visit(void *user, const import_vector *v,
                                       size_t dim, akin_error *err);
akin_status import_arrow_each(import_arrow *a, import_arrow_visit *visit,
                              void *user, akin_error *err) AKIN_NODISCARD;

#endif
