/* SPDX-License-Identifier: MIT
 * Embeddings as one CSV, whatever the file is called. */
#ifndef ENGINE_EXPORT_TEXT_H
#define ENGINE_EXPORT_TEXT_H

#include "akin/akin.h"
#include "base/error.h"

/* `file_path,start,end,embedding` of every window that has a vector, by
 * ascending id; *n_written counts. */
akin_status export_text_csv(akin_db *db, const char *path, size_t *n_written,
                            akin_error *err) AKIN_NODISCARD;

#endif
