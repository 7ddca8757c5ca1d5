/* SPDX-License-Identifier: MIT
 * Files on POSIX. */
#define _GNU_SOURCE
#include "base/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#define FILE_BUFFER_BYTES ((size_t)1 << 20)
#define FILE_MAX_DEPTH 64
#define FILE_MAX_ENTRIES ((size_t)1 << 26)

static akin_status file_error(akin_error *err, const char *verb,
                              const char *path, int error)
{
    akin_status code = error == ENOENT || error == ENOTDIR ? AKIN_ENOTFOUND
                       : error == ENOMEM                   ? AKIN_ENOMEM
                                                           : AKIN_EIO;
    return AKIN_FAIL(err, code, "cannot %s '%s': %s", verb, path,
                     strerror(error));
}

static void file_stamp_of(const struct stat *st, file_stamp *out)
{
    *out = (file_stamp){
        .size_bytes = st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
                    st->st_mtim.tv_nsec,
        .inode = st->st_ino,
    };
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

akin_status file_stat(const char *path, file_stamp *out, akin_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0) return file_error(err, "read", path, errno);
    file_stamp_of(&st, out);
    return AKIN_OK;
}

akin_status file_read(const char *path, size_t max_bytes, char **out,
                      size_t *n_out, akin_error *err)
{
    akin_status status = AKIN_OK;
    char *data = NULL;
    size_t n = 0, cap = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return file_error(err, "open", path, errno);
    for (;;) {
        void *p = data;
        status = mem_grow(&p, &cap, n + 4096 + 1, 1, SIZE_MAX / 4, err);
        data = p;
        if (status != AKIN_OK) goto done;
        ssize_t got = read(fd, data + n, cap - n - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            status = file_error(err, "read", path, errno);
            goto done;
        }
        if (got == 0) break;
        n += (size_t)got;
        if (n > max_bytes) {
            status = AKIN_FAIL(err, AKIN_ELIMIT,
                               "'%s' is larger than %zu bytes", path,
                               max_bytes);
            goto done;
        }
    }
    data[n] = 0;
    *out = data;
    *n_out = n;
    data = NULL;
done:
    close(fd);
    mem_free(data);
    return status;
}

/* Without O_NONBLOCK, opening a pipe that nobody writes to would wait. */
static akin_status file_open_regular(const char *path, int *fd_out,
                                     file_stamp *stamp, akin_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return file_error(err, "open", path, errno);
    akin_status status = AKIN_OK;
    if (fstat(fd, &st) != 0)
        status = file_error(err, "read", path, errno);
    else if (!S_ISREG(st.st_mode))
        status = AKIN_FAIL(err, AKIN_EIO, "'%s' is not a regular file", path);
    if (status != AKIN_OK) {
        close(fd);
        return status;
    }
    file_stamp_of(&st, stamp);
    *fd_out = fd;
    return AKIN_OK;
}

akin_status file_read_head(const char *path, void *out, size_t cap,
                           size_t *n_out, file_stamp *stamp, akin_error *err)
{
    int fd = -1;
    size_t n = 0;
    AKIN_TRY(file_open_regular(path, &fd, stamp, err));
    akin_status status = AKIN_OK;
    while (n < cap) {
        ssize_t got = read(fd, (char *)out + n, cap - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) status = file_error(err, "read", path, errno);
        if (got <= 0) break;
        n += (size_t)got;
    }
    close(fd);
    *n_out = n;
    return status;
}

akin_status file_make_dirs(const char *path, akin_error *err)
{
    char *copy = mem_strdup(path);
    if (!copy) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = AKIN_OK;
    for (char *p = copy + 1; *copy; p++) {
        if (*p != '/' && *p != 0) continue;
        char kept = *p;
        *p = 0;
        if (mkdir(copy, 0777) != 0 && !(errno == EEXIST && file_is_dir(copy))) {
            status = file_error(err, "create folder", copy, errno);
            break;
        }
        *p = kept;
        if (!kept) break;
    }
    mem_free(copy);
    return status;
}

akin_status file_rename(const char *from, const char *to, akin_error *err)
{
    if (rename(from, to) == 0) return AKIN_OK;
    return file_error(err, "rename", from, errno);
}

void file_remove(const char *path) { unlink(path); }

char *file_join(const char *dir, const char *name)
{
    if (!*dir || *name == '/') return mem_strdup(name);
    size_t n = strlen(dir);
    return text_format(dir[n - 1] == '/' ? "%s%s" : "%s/%s", dir, name);
}

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *file_stem(const char *path)
{
    char *stem = mem_strdup(file_name(path));
    char *dot = stem ? strrchr(stem, '.') : NULL;
    if (dot && dot != stem) *dot = 0;
    return stem;
}

char *file_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return mem_strdup(".");
    if (slash == path) return mem_strdup("/");
    return text_format("%.*s", (int)(slash - path), path);
}

/* Removes empty, "." and ".." parts of a path that begins with '/', in place. */
static void file_clean(char *path)
{
    char *out = path;
    for (char *part = path; *part;) {
        char *end = strchrnul(part + 1, '/');
        size_t n = (size_t)(end - part); /* "/name" */
        if (n == 3 && memcmp(part, "/..", 3) == 0) {
            while (out > path && *--out != '/') {}
        } else if (n > 1 && !(n == 2 && part[1] == '.')) {
            memmove(out, part, n);
            out += n;
        }
        part = end;
    }
    if (out == path) *out++ = '/';
    *out = 0;
}

char *file_cleaned(const char *path)
{
    char *copy = text_format("/%s", path);
    if (copy) file_clean(copy);
    return copy;
}

char *file_absolute(const char *path)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved)) return mem_strdup(resolved);
    char *full;
    if (*path == '/') {
        full = mem_strdup(path);
    } else {
        if (!getcwd(resolved, sizeof resolved)) return NULL;
        full = file_join(resolved, path);
    }
    if (full) file_clean(full);
    return full;
}

akin_status file_map_open(file_map *map, const char *path, akin_error *err)
{
    *map = (file_map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return file_error(err, "open", path, errno);
    struct stat st;
    akin_status status = AKIN_OK;
    if (fstat(fd, &st) != 0) {
        status = file_error(err, "read", path, errno);
    } else if (!S_ISREG(st.st_mode)) {
        status = AKIN_FAIL(err, AKIN_EIO, "'%s' is not a regular file", path);
    } else {
        file_stamp_of(&st, &map->stamp);
        if (st.st_size > 0) {
            void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd,
                           0);
            if (p == MAP_FAILED) {
                status = file_error(err, "map", path, errno);
            } else {
                map->data = p;
                map->n = (size_t)st.st_size;
            }
        }
    }
    close(fd);
    return status;
}

void file_map_close(file_map *map)
{
    if (map->data) munmap((void *)(uintptr_t)map->data, map->n);
    *map = (file_map){0};
}

/* ---- atomic replacement ------------------------------------------------ */

static _Atomic int64_t file_fail_countdown;

void file_fail_at(int64_t n) { atomic_store(&file_fail_countdown, n); }
bool file_fail_pending(void) { return atomic_load(&file_fail_countdown) > 0; }

static bool file_fails_now(void)
{
    if (atomic_load(&file_fail_countdown) <= 0) return false;
    if (atomic_fetch_sub(&file_fail_countdown, 1) != 1) return false;
    errno = ENOSPC;
    return true;
}

struct file_writer {
    int fd;
    char *path, *tmp_path;
    size_t n;
    char buffer[FILE_BUFFER_BYTES];
};

akin_status file_writer_open(const char *path, file_writer **out,
                             akin_error *err)
{
    file_writer *w = mem_array(1, sizeof *w);
    if (!w) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    w->fd = -1;
    w->path = mem_strdup(path);
    w->tmp_path = text_format("%s.tmp", path);
    akin_status status = AKIN_OK;
    if (!w->path || !w->tmp_path) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    } else {
        w->fd = open(w->tmp_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                     0666);
        if (w->fd < 0) status = file_error(err, "create", w->tmp_path, errno);
    }
    if (status != AKIN_OK) {
        file_writer_discard(w);
        return status;
    }
    *out = w;
    return AKIN_OK;
}

static akin_status file_write_all(file_writer *w, const char *data, size_t n,
                                  akin_error *err)
{
    while (n > 0) {
        ssize_t put = file_fails_now() ? -1 : write(w->fd, data, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return file_error(err, "write", w->tmp_path, errno);
        data += put;
        n -= (size_t)put;
    }
    return AKIN_OK;
}

static akin_status file_writer_flush(file_writer *w, akin_error *err)
{
    size_t n = w->n;
    w->n = 0;
    return file_write_all(w, w->buffer, n, err);
}

akin_status file_writer_put(file_writer *w, const void *data, size_t n,
                            akin_error *err)
{
    if (n > FILE_BUFFER_BYTES - w->n) AKIN_TRY(file_writer_flush(w, err));
    if (n > FILE_BUFFER_BYTES) return file_write_all(w, data, n, err);
    if (n) memcpy(w->buffer + w->n, data, n);
    w->n += n;
    return AKIN_OK;
}

static akin_status file_sync_dir(const char *path, akin_error *err)
{
    char *dir = file_parent(path);
    if (!dir) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = AKIN_OK;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || file_fails_now() || fsync(fd) != 0)
        status = file_error(err, "sync folder", dir, errno);
    if (fd >= 0) close(fd);
    mem_free(dir);
    return status;
}

static akin_status file_writer_end(file_writer *w, bool sync, akin_error *err)
{
    akin_status status = AKIN_OK;
    AKIN_TRYG(file_writer_flush(w, err));
    if (sync && (file_fails_now() || fsync(w->fd) != 0)) {
        status = file_error(err, "sync", w->tmp_path, errno);
        goto done;
    }
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0) {
        status = file_error(err, "close", w->tmp_path, errno);
        goto done;
    }
    if (file_fails_now() || rename(w->tmp_path, w->path) != 0) {
        status = file_error(err, "rename", w->tmp_path, errno);
        goto done;
    }
    mem_free(w->tmp_path);
    w->tmp_path = NULL;
    if (sync) status = file_sync_dir(w->path, err);
done:
    file_writer_discard(w);
    return status;
}

akin_status file_writer_commit(file_writer *w, akin_error *err)
{
    return file_writer_end(w, true, err);
}

akin_status file_writer_finish(file_writer *w, akin_error *err)
{
    return file_writer_end(w, false, err);
}

void file_writer_discard(file_writer *w)
{
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    if (w->tmp_path) unlink(w->tmp_path);
    mem_free(w->tmp_path);
    mem_free(w->path);
    mem_free(w);
}

/* ---- walking ----------------------------------------------------------- */

typedef struct file_names {
    char **names;
    size_t n, cap;
} file_names;

static void file_names_clear(file_names *list)
{
    for (size_t i = 0; i < list->n; i++) mem_free(list->names[i]);
    mem_free(list->names);
    *list = (file_names){0};
}

static int file_compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static akin_status file_list(const char *path, file_names *list, int *error,
                             akin_error *err)
{
    DIR *dir = opendir(path);
    *error = 0;
    if (!dir) {
        *error = errno;
        return AKIN_OK;
    }
    akin_status status = AKIN_OK;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry) {
            *error = errno;
            break;
        }
        if (entry->d_name[0] == '.') continue;
        void *p = list->names;
        AKIN_TRYG(mem_grow(&p, &list->cap, list->n + 1, sizeof *list->names,
                           FILE_MAX_ENTRIES, err));
        list->names = p;
        list->names[list->n] = mem_strdup(entry->d_name);
        if (!list->names[list->n]) {
            status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory listing '%s'",
                               path);
            goto done;
        }
        list->n++;
    }
    if (list->n)
        qsort(list->names, list->n, sizeof *list->names, file_compare_names);
done:
    closedir(dir);
    return status;
}

static akin_status file_walk_dir(const char *dir, const file_visitor *visitor,
                                 int depth, akin_error *err);

static akin_status file_walk_entry(const char *path,
                                   const file_visitor *visitor, int depth,
                                   akin_error *err)
{
    struct stat link, st;
    if (lstat(path, &link) != 0 || stat(path, &st) != 0) {
        if (visitor->unreadable)
            visitor->unreadable(visitor->user, path, strerror(errno));
        return AKIN_OK;
    }
    if (S_ISDIR(st.st_mode))
        return S_ISLNK(link.st_mode)
                   ? AKIN_OK
                   : file_walk_dir(path, visitor, depth + 1, err);
    if (!S_ISREG(st.st_mode)) return AKIN_OK;
    return visitor->visit(visitor->user, path, err);
}

static akin_status file_walk_dir(const char *dir, const file_visitor *visitor,
                                 int depth, akin_error *err)
{
    if (depth > FILE_MAX_DEPTH)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "'%s' is more than %d folders deep", dir,
                         FILE_MAX_DEPTH);
    file_names list = {0};
    int error = 0;
    akin_status status = file_list(dir, &list, &error, err);
    if (status == AKIN_OK && error && visitor->unreadable)
        visitor->unreadable(visitor->user, dir, strerror(error));
    for (size_t i = 0; i < list.n && status == AKIN_OK; i++) {
        char *path = file_join(dir, list.names[i]);
        if (!path)
            status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
        else
            status = file_walk_entry(path, visitor, depth, err);
        mem_free(path);
    }
    file_names_clear(&list);
    return status;
}

akin_status file_walk(const char *root, const file_visitor *visitor,
                      akin_error *err)
{
    return file_walk_dir(root, visitor, 0, err);
}

akin_status file_list_new(const char *path, char ***out, size_t *n,
                          akin_error *err)
{
    file_names list = {0};
    int error = 0;
    akin_status status = file_list(path, &list, &error, err);
    if (status == AKIN_OK && error)
        status = file_error(err, "read folder", path, error);
    if (status != AKIN_OK) {
        file_names_clear(&list);
        return status;
    }
    *out = list.names;
    *n = list.n;
    return AKIN_OK;
}

void file_list_free(char **names, size_t n)
{
    file_names list = {names, n, n};
    file_names_clear(&list);
}

static int file_remove_entry(const char *path, const struct stat *st, int kind,
                             struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

akin_status file_remove_tree(const char *path, akin_error *err)
{
    if (nftw(path, file_remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ||
        errno == ENOENT)
        return AKIN_OK;
    return file_error(err, "remove", path, errno);
}

/* ---- locking ----------------------------------------------------------- */

struct file_lock {
    int fd;
};

akin_status file_lock_open(const char *path, double wait_s, file_lock **out,
                           akin_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return file_error(err, "open", path, errno);
    double deadline = clock_now_s() + wait_s;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            int error = errno;
            close(fd);
            return file_error(err, "lock", path, error);
        }
        if (clock_now_s() >= deadline) {
            char pid[32] = "";
            ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
            close(fd);
            pid[n > 0 ? strcspn(pid, "\n") : 0] = 0;
            return AKIN_FAIL(err, AKIN_EBUSY,
                             "another process (%s) is writing here, lock '%s'; "
                             "wait for it to end and try again",
                             *pid ? pid : "unknown", path);
        }
        clock_sleep_s(0.05);
    }
    file_lock *lock = mem_array(1, sizeof *lock);
    if (!lock) {
        close(fd);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a lock");
    }
    lock->fd = fd;
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* The pid is a courtesy to whoever waits; the lock holds without it. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) errno = 0;
    *out = lock;
    return AKIN_OK;
}

void file_lock_close(file_lock *lock)
{
    if (!lock) return;
    close(lock->fd);
    mem_free(lock);
}
