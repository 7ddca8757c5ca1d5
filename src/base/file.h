/* SPDX-License-Identifier: MIT
 * Files: read whole, map, replace atomically, walk a tree, lock, and a counter
 * by which tests make the n-th write, fsync or rename fail. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What identifies the content of a file without reading it. */
typedef struct file_stamp {
    int64_t size_bytes;
    int64_t mtime_ns;
    uint64_t inode;
} file_stamp;

bool file_exists(const char *path);
bool file_is_dir(const char *path);
akin_status file_stat(const char *path, file_stamp *out, akin_error *err)
    AKIN_NODISCARD;

/* The whole file as owned bytes (mem_free) with a NUL behind them; AKIN_ELIMIT
 * over max_bytes. */
akin_status file_read(const char *path, size_t max_bytes, char **out,
                      size_t *n_out, akin_error *err) AKIN_NODISCARD;

/* At most cap bytes from the front of a regular file, and its stamp; *n_out is
 * how many there were. */
akin_status file_read_head(const char *path, void *out, size_t cap,
                           size_t *n_out, file_stamp *stamp, akin_error *err)
    AKIN_NODISCARD;

/* Creates path and its parents; fine if it is there. */
akin_status file_make_dirs(const char *path, akin_error *err) AKIN_NODISCARD;

akin_status file_rename(const char *from, const char *to, akin_error *err)
    AKIN_NODISCARD;
void file_remove(const char *path); /* fine if it is not there */

/* Removes a folder with all that is in it; links are not followed. Fine if it
 * is not there. */
akin_status file_remove_tree(const char *path, akin_error *err) AKIN_NODISCARD;

/* Names in a folder in byte order, but those that begin with '.'; release with
 * file_list_free. */
akin_status file_list_new(const char *path, char ***out, size_t *n,
                          akin_error *err) AKIN_NODISCARD;
void file_list_free(char **names, size_t n);

/* Owned strings (mem_free), NULL when memory is out. file_absolute resolves
 * links where the path exists and cleans "." and ".." where it does not. */
char *file_join(const char *dir, const char *name);
char *file_parent(const char *path);
char *file_absolute(const char *path);
char *file_cleaned(const char *path); /* without ".", ".." and "//"; by text */
const char *file_name(const char *path);      /* behind the last '/' */
char *file_stem(const char *path);            /* name without its extension */

/* A read-only mapping. An empty file gives data = NULL, n = 0. */
typedef struct file_map {
    const unsigned char *data;
    size_t n;
    file_stamp stamp;
} file_map;

akin_status file_map_open(file_map *map, const char *path, akin_error *err)
    AKIN_NODISCARD;
void file_map_close(file_map *map);

/* Writes "PATH.tmp" through a buffer; commit flushes, fsyncs, renames it over
 * PATH and fsyncs the folder, so that PATH is the old or the new, never a part.
 * commit and discard both end the writer; discard accepts NULL. */
typedef struct file_writer file_writer;
akin_status file_writer_open(const char *path, file_writer **out,
                             akin_error *err) AKIN_NODISCARD;
akin_status file_writer_put(file_writer *writer, const void *data, size_t n,
                            akin_error *err) AKIN_NODISCARD;
akin_status file_writer_commit(file_writer *writer, akin_error *err)
    AKIN_NODISCARD;
void file_writer_discard(file_writer *writer);

/* commit without the two syncs: whole or not at all while the machine runs; for
 * files that can be made again. */
akin_status file_writer_finish(file_writer *writer, akin_error *err)
    AKIN_NODISCARD;

/* Calls visit for each regular file below root in byte order of its path
 * (links to files are followed, links to folders are not; names that begin
 * with '.' are skipped). unreadable is called for folders that cannot be read;
 * the walk goes on. */
typedef struct file_visitor {
    akin_status (*visit)(void *user, const char *path, akin_error *err);
    void (*unreadable)(void *user, const char *path, const char *reason);
    void *user;
} file_visitor;
akin_status file_walk(const char *root, const file_visitor *visitor,
                      akin_error *err) AKIN_NODISCARD;

/* An exclusive lock that dies with the process; waits up to wait_s seconds,
 * then AKIN_EBUSY naming the holder's process id. */
typedef struct file_lock file_lock;
akin_status file_lock_open(const char *path, double wait_s, file_lock **out,
                           akin_error *err) AKIN_NODISCARD;
void file_lock_close(file_lock *lock);

/* Tests only: the n-th write, fsync or rename of a file_writer from now fails
 * as on a full disk (0: none). */
void file_fail_at(int64_t n);
bool file_fail_pending(void);

#endif
