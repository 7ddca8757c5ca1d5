/* SPDX-License-Identifier: MIT
 * akin_open with a way past the damage that it refuses. */
#ifndef ENGINE_DATABASE_OPEN_H
#define ENGINE_DATABASE_OPEN_H

#include "engine/database.h"

/* akin_open; with repair a damaged or missing index is let through and the
 * journal is left alone. */
akin_status database_open(const char *path, const akin_db_options *opt,
                          bool repair, akin_db **out, akin_error *err)
    AKIN_NODISCARD;

#endif
