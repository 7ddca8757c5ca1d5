/* SPDX-License-Identifier: MIT
 * Shared by the tests of store/: opening a fresh database, raw SQL on it, and
 * collecting what the each-verbs visit. */
#ifndef STORE_HELP_H
#define STORE_HELP_H

#include "store/store.h"

/* test_dir()/NAME; lives until the next call but three. */
const char *help_path(const char *name);

/* Fails the test and returns NULL if it cannot be opened. */
store *help_open(const char *path, store_mode mode);

/* Runs SQL on a file by itself; fails the test if SQLite does. */
void help_sql(const char *path, const char *sql);

/* The first column of all rows as text, joined by '|'. */
const char *help_query(const char *path, const char *sql);

/* A window with an 8-byte vector made of its start; returns the id. */
int64_t help_add_window(store *s, int64_t recording_id, double start_s,
                        double end_s);

/* The ids that pass the filter as "1 2 5"; an error's text if it fails. */
const char *help_ids(store *s, const char *filter);

/* SQLite's own memory: its n-th allocation from now fails (0: none). Install
 * and uninstall while no database is open. */
void help_fail_memory_install(void);
void help_fail_memory_uninstall(void);
void help_fail_memory_at(int64_t n);
bool help_fail_memory_failed(void); /* since the last _at */

#endif
