/* SPDX-License-Identifier: MIT
 * akin_open with a way past the damage that it refuses, and for vectors that
 * were not made here. */
#ifndef ENGINE_DATABASE_OPEN_H
#define ENGINE_DATABASE_OPEN_H

#include "engine/database.h"

/* akin_open; with repair a damaged or missing index is let through and the
 * journal is left alone. */
akin_status database_open(const char *path, const akin_db_options *opt,
                          bool repair, akin_db **out, akin_error *err)
    AKIN_NODISCARD;

/* Opens for writing, and makes if it is not there, a database for vectors of
 * dimension dim that what opt->settings.model names has made; no other setting
 * is looked at. The model need not be here: if it is, a new database can be
 * asked with media. AKIN_ESETTINGS: it has vectors of another model or
 * dimension. */
akin_status database_open_vectors(const char *path, const akin_db_options *opt,
                                  size_t dim, akin_db **out, akin_error *err)
    AKIN_NODISCARD;

#endif
