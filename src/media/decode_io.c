/* SPDX-License-Identifier: MIT
 * An open file as FFmpeg's input. FFmpeg never sees a path that it could take
 * for a URL, a pattern or a playlist; it reads from this descriptor only. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/decode_int.h"

#define DECODE_IO_BYTES (64 * 1024)

static int decode_io_read(void *user, uint8_t *data, int n)
{
    decode_io *io = user;
    ssize_t got;
    do {
        got = read(io->fd, data, (size_t)n);
    } while (got < 0 && errno == EINTR);
    if (got == 0) return AVERROR_EOF;
    if (got > 0) return (int)got;
    io->error = errno;
    return AVERROR(errno);
}

static int64_t decode_io_seek(void *user, int64_t offset, int whence)
{
    decode_io *io = user;
    if (whence & AVSEEK_SIZE) {
        struct stat st;
        return fstat(io->fd, &st) == 0 ? st.st_size : AVERROR(errno);
    }
    off_t at = lseek(io->fd, offset, whence & ~AVSEEK_FORCE);
    return at >= 0 ? at : AVERROR(errno);
}

static akin_status decode_io_check(const decode_io *io, const char *path,
                                   akin_error *err)
{
    struct stat st;
    if (fstat(io->fd, &st) != 0)
        return AKIN_FAIL(err, AKIN_EIO, "cannot read '%s': %s", path,
                         strerror(errno));
    if (!S_ISREG(st.st_mode))
        return AKIN_FAIL(err, AKIN_EIO, "'%s' is not a regular file", path);
    if (st.st_size == 0)
        return AKIN_FAIL(err, AKIN_EDECODE, "'%s' is empty (0 bytes)", path);
    return AKIN_OK;
}

akin_status decode_io_open(decode_io *io, const char *path, akin_error *err)
{
    *io = (decode_io){.fd = -1};
    /* O_NONBLOCK: opening a pipe must not wait for its other end. */
    io->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (io->fd < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR;
        return AKIN_FAIL(err, absent ? AKIN_ENOTFOUND : AKIN_EIO,
                         "cannot open '%s': %s", path, strerror(errno));
    }
    akin_status status = decode_io_check(io, path, err);
    unsigned char *buffer = NULL;
    if (status == AKIN_OK) {
        buffer = av_malloc(DECODE_IO_BYTES);
        if (buffer)
            io->avio = avio_alloc_context(buffer, DECODE_IO_BYTES, 0, io,
                                          decode_io_read, NULL,
                                          decode_io_seek);
        if (!io->avio)
            status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'",
                               path);
    }
    if (status != AKIN_OK) {
        if (!io->avio) av_free(buffer);
        decode_io_close(io);
    }
    return status;
}

void decode_io_close(decode_io *io)
{
    if (io->avio) {
        av_freep(&io->avio->buffer); /* FFmpeg may have exchanged it */
        avio_context_free(&io->avio);
    }
    if (io->fd >= 0) close(io->fd);
    io->fd = -1;
}

int decode_refuse_file(AVFormatContext *format, AVIOContext **avio,
                       const char *url, int flags, AVDictionary **options)
{
    (void)format, (void)avio, (void)url, (void)flags, (void)options;
    return AVERROR(EPERM);
}

static void decode_set_quiet(void) { av_log_set_level(AV_LOG_QUIET); }

void decode_silence(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, decode_set_quiet);
}
