/* SPDX-License-Identifier: MIT
 * The failing VFS. A file of ours is a head followed by the real VFS's file. */
#include "fail_vfs.h"

#include <sqlite3.h>
#include <string.h>

typedef struct fail_file {
    sqlite3_file base;
    sqlite3_io_methods methods; /* a copy, of the real file's version */
    _Alignas(8) char real[]; /* as SQLite aligns its files */
} fail_file;

static sqlite3_vfs fail_vfs;
static sqlite3_vfs *real_vfs;
static int64_t countdown;
static bool stays, failed;
static fail_vfs_counts counts;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)((fail_file *)file)->real;
}

static const sqlite3_io_methods *methods_of(sqlite3_file *file)
{
    return real_of(file)->pMethods;
}

static bool fails_now(int64_t *count)
{
    ++*count;
    if (failed && stays) return true;
    if (countdown <= 0 || --countdown > 0) return false;
    failed = true;
    return true;
}

static int fail_close(sqlite3_file *f)
{
    return methods_of(f)->xClose(real_of(f));
}

static int fail_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return methods_of(f)->xRead(real_of(f), p, n, at);
}

static int fail_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (fails_now(&counts.writes)) return SQLITE_FULL;
    return methods_of(f)->xWrite(real_of(f), p, n, at);
}

static int fail_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    if (fails_now(&counts.truncates)) return SQLITE_IOERR_TRUNCATE;
    return methods_of(f)->xTruncate(real_of(f), n);
}

static int fail_sync(sqlite3_file *f, int flags)
{
    (void)f;
    (void)flags;
    return fails_now(&counts.syncs) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int fail_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return methods_of(f)->xFileSize(real_of(f), n);
}

static int fail_lock(sqlite3_file *f, int level)
{
    return methods_of(f)->xLock(real_of(f), level);
}

static int fail_unlock(sqlite3_file *f, int level)
{
    return methods_of(f)->xUnlock(real_of(f), level);
}

static int fail_check_lock(sqlite3_file *f, int *out)
{
    return methods_of(f)->xCheckReservedLock(real_of(f), out);
}

static int fail_control(sqlite3_file *f, int op, void *arg)
{
    return methods_of(f)->xFileControl(real_of(f), op, arg);
}

static int fail_sector(sqlite3_file *f)
{
    return methods_of(f)->xSectorSize(real_of(f));
}

static int fail_features(sqlite3_file *f)
{
    return methods_of(f)->xDeviceCharacteristics(real_of(f));
}

static int fail_shm_map(sqlite3_file *f, int page, int n, int extend,
                        void volatile **out)
{
    return methods_of(f)->xShmMap(real_of(f), page, n, extend, out);
}

static int fail_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return methods_of(f)->xShmLock(real_of(f), at, n, flags);
}

static void fail_shm_barrier(sqlite3_file *f)
{
    methods_of(f)->xShmBarrier(real_of(f));
}

static int fail_shm_unmap(sqlite3_file *f, int remove)
{
    return methods_of(f)->xShmUnmap(real_of(f), remove);
}

/* Version 2 at most: without xFetch SQLite does not map the file, and every
 * write comes through here. */
static int fail_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
                     int flags, int *out_flags)
{
    fail_file *f = (fail_file *)file;
    (void)vfs;
    f->base.pMethods = NULL;
    int code = real_vfs->xOpen(real_vfs, name, real_of(file), flags, out_flags);
    if (!methods_of(file)) return code;
    int version = methods_of(file)->iVersion;
    f->methods = (sqlite3_io_methods){
        .iVersion = version > 2 ? 2 : version,
        .xClose = fail_close,
        .xRead = fail_read,
        .xWrite = fail_write,
        .xTruncate = fail_truncate,
        .xSync = fail_sync,
        .xFileSize = fail_size,
        .xLock = fail_lock,
        .xUnlock = fail_unlock,
        .xCheckReservedLock = fail_check_lock,
        .xFileControl = fail_control,
        .xSectorSize = fail_sector,
        .xDeviceCharacteristics = fail_features,
        .xShmMap = fail_shm_map,
        .xShmLock = fail_shm_lock,
        .xShmBarrier = fail_shm_barrier,
        .xShmUnmap = fail_shm_unmap,
    };
    f->base.pMethods = &f->methods;
    return code;
}

void fail_vfs_install(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    fail_vfs = *real_vfs;
    fail_vfs.zName = "akin-fail";
    fail_vfs.szOsFile = (int)sizeof(fail_file) + real_vfs->szOsFile;
    fail_vfs.xOpen = fail_open;
    counts = (fail_vfs_counts){0};
    fail_vfs_at(0, false);
    sqlite3_vfs_register(&fail_vfs, 1);
}

void fail_vfs_uninstall(void)
{
    sqlite3_vfs_unregister(&fail_vfs);
    sqlite3_vfs_register(real_vfs, 1);
}

void fail_vfs_at(int64_t n, bool for_good)
{
    countdown = n;
    stays = for_good;
    failed = false;
}

bool fail_vfs_failed(void) { return failed; }

fail_vfs_counts fail_vfs_get_counts(void) { return counts; }
