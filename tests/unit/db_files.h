/* SPDX-License-Identifier: MIT
 * Recordings and databases for the engine's tests. */
#ifndef DB_FILES_H
#define DB_FILES_H

#include "akin/akin.h"

/* A path below test_dir(); eight live at a time. */
const char *db_path(const char *name);

/* Writes a mono 16-bit WAV at 48 kHz of tones and noise; same seed, same bytes.
 * Folders are made. */
void db_make_wav(const char *name, double seconds, unsigned seed);

/* Three recordings below rec/: a.wav (7 s: 3 windows), b/c.wav (3 s: 1) and
 * b/d_20230512_235958.wav (6.5 s: 3). */
void db_make_recordings(void);

/* The database db/ of rec/, opened as said; fails the test if it cannot be. */
akin_db *db_extract(const akin_extract_options *opt);
akin_db *db_open(akin_mode mode);

/* Windows of a database, or -1. */
long long db_count_windows(akin_db *db);

/* A hash over all ids, spans and vectors. */
unsigned long long db_hash(akin_db *db);

#endif
