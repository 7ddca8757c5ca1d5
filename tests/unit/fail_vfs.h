/* SPDX-License-Identifier: MIT
 * A default SQLite VFS for tests: passes everything on to the real one, counts
 * what writes, and makes the n-th of it fail. Syncs are counted but not done:
 * the tests end processes at most, and a busy disk takes minutes for them. */
#ifndef FAIL_VFS_H
#define FAIL_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* Becomes the default for databases opened from now; uninstall when none of
 * them is open any more. */
void fail_vfs_install(void);
void fail_vfs_uninstall(void);

/* The n-th xWrite, xSync or xTruncate from now fails (0: none): a write with
 * SQLITE_FULL, the others with SQLITE_IOERR. for_good: all later ones too, as
 * when the power is gone. */
void fail_vfs_at(int64_t n, bool for_good);

/* true once the failure has happened. */
bool fail_vfs_failed(void);

typedef struct fail_vfs_counts {
    int64_t writes, syncs, truncates;
} fail_vfs_counts;

/* Of all calls since fail_vfs_install. */
fail_vfs_counts fail_vfs_get_counts(void);

#endif
