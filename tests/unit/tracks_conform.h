/* SPDX-License-Identifier: MIT
 * What every back-end of store/tracks.h must answer, run by the unit tests on
 * SQLite and by tests/mariadb on MariaDB. */
#ifndef TRACKS_CONFORM_H
#define TRACKS_CONFORM_H

#include "store/tracks.h"

typedef struct conform_database {
    const vector_database *db;
    void (*sql)(void *user, const char *statement); /* as the user would */
    void *user;
    bool without_bulk; /* MariaDB as MySQL */
} conform_database;

typedef struct conform_case {
    const char *name;
    void (*run)(const conform_database *d);
} conform_case;

extern const conform_case conform_cases[]; /* ends with name NULL */

#endif
