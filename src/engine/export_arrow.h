/* SPDX-License-Identifier: MIT
 * The vectors of a database as an Arrow file or stream. */
#ifndef ENGINE_EXPORT_ARROW_H
#define ENGINE_EXPORT_ARROW_H

#include "engine/snapshot.h"
#include "interop/arrow.h"

/* Every window that has a vector, by ascending id:
 *
 *   id         utf8, the window's
 *   recording  utf8; null of a window whose recording is gone
 *   start, end float64, seconds
 *   vector     fixed_size_list of float32 [dim]
 *
 * and the metadata model (unless nobody knows), dim and metric, by which akin
 * searches. *n_written counts. AKIN_EUSAGE: a recording's name is not UTF-8. */
akin_status export_arrow(snapshot *from, const char *path, arrow_format format,
                         size_t *n_written, akin_error *err) AKIN_NODISCARD;

#endif
