/* SPDX-License-Identifier: MIT
 * How fast extraction is, what it spends its time on, and how its memory grows
 * with the length of a file.
 *
 * usage: bench_extract FOLDER [--long]
 *
 * Makes its sounds in FOLDER once: an hour of 48 kHz as WAV, FLAC and MP3 (the
 * last two with the ffmpeg program), the stereo FLAC also as twelve files of
 * five minutes, as recorders write them; silent W64 files of 1 min, 1 h and, with
 * --long, 24 h. Each extraction runs in a process of its own. Prints CSV. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "akin/akin.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

enum { RATE = 48000, HOUR_S = 3600, RUNS = 3 };

static char *path_of(const char *folder, const char *name)
{
    char *path = file_join(folder, name);
    if (!path) exit(3);
    return path;
}

static void put_le(FILE *f, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) fputc((int)(value >> 8 * i & 0xff), f);
}

static void put_wav_head(FILE *f, uint32_t n_bytes, int n_channels)
{
    fputs("RIFF", f);
    put_le(f, 36 + n_bytes, 4);
    fputs("WAVEfmt ", f);
    put_le(f, 16, 4);
    put_le(f, 1, 2);
    put_le(f, (uint64_t)n_channels, 2);
    put_le(f, RATE, 4);
    put_le(f, (uint64_t)(RATE * n_channels * 2), 4);
    put_le(f, (uint64_t)(n_channels * 2), 2);
    put_le(f, 16, 2);
    fputs("data", f);
    put_le(f, n_bytes, 4);
}

/* Noise with a falling spectrum under chirping calls: about as hard to
 * compress as a quiet forest. */
static void make_wav(const char *path, int n_channels)
{
    if (file_exists(path)) return;
    FILE *f = fopen(path, "wb");
    if (!f) exit(3);
    uint32_t n = (uint32_t)HOUR_S * RATE;
    put_wav_head(f, n * 2 * (uint32_t)n_channels, n_channels);
    random_state r = {42};
    double low = 0, phase = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t in_call = i % (RATE * 5 / 2);
        double call = in_call < RATE / 2
                          ? 0.2 * (1 - (double)in_call / (RATE / 2.0))
                          : 0;
        phase += (2000 + 6000.0 * in_call / RATE) / RATE;
        phase -= (double)(int64_t)phase;
        low = 0.95 * low + 0.01 * (random_unit(&r) - 0.5);
        double triangle = phase < 0.5 ? 4 * phase - 1 : 3 - 4 * phase;
        for (int c = 0; c < n_channels; c++) {
            double x = low + call * triangle + 1e-3 * (random_unit(&r) - 0.5);
            put_le(f, (uint64_t)(int64_t)(x * 32000), 2);
        }
    }
    fclose(f);
}

static bool make_with_ffmpeg(const char *from, const char *to,
                             const char *arguments)
{
    if (file_exists(to)) return true;
    char *command = text_format("ffmpeg -v error -y -i '%s' %s '%s'", from,
                                arguments, to);
    bool made = command && system(command) == 0;
    mem_free(command);
    return made;
}

static bool make_five_minutes(const char *from, const char *folder)
{
    bool made = file_make_dirs(folder, NULL) == AKIN_OK;
    for (int i = 0; i < HOUR_S / 300 && made; i++) {
        char *path = text_format("%s/%02d.flac", folder, i);
        char *arguments = text_format("-ss %d -t 300", i * 300);
        made = path && arguments && make_with_ffmpeg(from, path, arguments);
        mem_free(path);
        mem_free(arguments);
    }
    return made;
}

/* Sony Wave64: 64-bit sizes; the samples are a hole in the file. */
static void make_silence(const char *path, uint64_t seconds)
{
    static const unsigned char riff[16] = "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb"
                                          "\x04\xc1\x00\x00";
    static const unsigned char rest[3][17] = {
        "wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a",
        "fmt \xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a",
        "data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"};
    if (file_exists(path)) return;
    FILE *f = fopen(path, "wb");
    if (!f) exit(3);
    uint64_t n_bytes = seconds * RATE * 2;
    fwrite(riff, 1, 16, f);
    put_le(f, 24 + 16 + 40 + 24 + n_bytes, 8);
    fwrite(rest[0], 1, 16, f);
    fwrite(rest[1], 1, 16, f);
    put_le(f, 40, 8);
    put_le(f, 1, 2);
    put_le(f, 1, 2);
    put_le(f, RATE, 4);
    put_le(f, RATE * 2, 4);
    put_le(f, 2, 2);
    put_le(f, 16, 2);
    fwrite(rest[2], 1, 16, f);
    put_le(f, 24 + n_bytes, 8);
    fflush(f);
    if (ftruncate(fileno(f), (off_t)(ftell(f) + (long)n_bytes)) != 0) exit(3);
    fclose(f);
}

static void remove_database(const char *db)
{
    static const char *const names[] = {"hoplite.sqlite", "usearch.index",
                                        "akin.lock"};
    for (size_t i = 0; i < 3; i++) {
        char *path = path_of(db, names[i]);
        file_remove(path);
        mem_free(path);
    }
}

static int extract_once(const char *file, const char *db_path, size_t threads,
                        akin_extract_report *report)
{
    akin_error err = {0};
    akin_db *db;
    akin_db_options opt = {.mode = AKIN_CREATE};
    akin_extract_options extract = {.threads = threads};
    if (akin_open(db_path, &opt, &db, &err) != AKIN_OK ||
        akin_extract(db, &file, 1, &extract, report, &err) != AKIN_OK ||
        report->n_failed) {
        fprintf(stderr, "bench_extract: %s: %s\n", file, err.text);
        return 3;
    }
    akin_close(db);
    return 0;
}

static int compare_elapsed(const void *a, const void *b)
{
    double x = ((const akin_extract_report *)a)->elapsed_s;
    double y = ((const akin_extract_report *)b)->elapsed_s;
    return x < y ? -1 : x > y;
}

/* In a child process: its memory is its own. */
static bool run_child(const char *file, const char *db, size_t threads,
                      akin_extract_report *report, long *rss_kb)
{
    int fds[2], status;
    struct rusage usage;
    if (pipe(fds) != 0) return false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        akin_extract_report mine;
        int code = extract_once(file, db, threads, &mine);
        if (write(fds[1], &mine, sizeof mine) != sizeof mine) code = 3;
        _exit(code);
    }
    close(fds[1]);
    bool read_all = read(fds[0], report, sizeof *report) == sizeof *report;
    close(fds[0]);
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) return false;
    *rss_kb = usage.ru_maxrss;
    return read_all && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The median of RUNS by elapsed time. */
static void measure(const char *name, const char *file, const char *db,
                    size_t threads, int runs)
{
    akin_extract_report reports[RUNS];
    long rss_kb = 0;
    for (int i = 0; i < runs; i++) {
        remove_database(db);
        if (!run_child(file, db, threads, &reports[i], &rss_kb)) exit(3);
    }
    qsort(reports, (size_t)runs, sizeof *reports, compare_elapsed);
    const akin_extract_report *r = &reports[runs / 2];
    double cpu = r->decode_s + r->resample_s + r->filter_s + r->model_s +
                 r->write_s + r->index_s;
    printf("%s,%zu,%.0f,%.2f,%.0f,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f,%.0f\n", name,
           threads, r->audio_s, r->elapsed_s, r->audio_s / r->elapsed_s,
           r->decode_s / cpu, r->resample_s / cpu, r->filter_s / cpu,
           r->model_s / cpu, r->write_s / cpu, r->index_s / cpu,
           (double)rss_kb / 1024);
}

int main(int argc, char **argv)
{
    if (argc < 2 || file_make_dirs(argv[1], NULL) != AKIN_OK) {
        fprintf(stderr, "usage: bench_extract FOLDER [--long]\n");
        return 2;
    }
    bool with_long = argc > 2 && strcmp(argv[2], "--long") == 0;
    char *db = path_of(argv[1], "db");
    char *mono = path_of(argv[1], "mono.wav");
    char *stereo = path_of(argv[1], "stereo.wav");
    struct {
        const char *name, *arguments, *from;
    } made[] = {{"mono.flac", "", mono},
                {"stereo.flac", "", stereo},
                {"stereo.mp3", "-b:a 192k", stereo}};
    make_wav(mono, 1);
    make_wav(stereo, 2);
    printf("sound,threads,audio_s,elapsed_s,realtime,decode,resample,filter,"
           "model,write,index,peak_mb\n");
    for (size_t threads = 1; threads <= 2; threads++) {
        measure("mono.wav", mono, db, threads, RUNS);
        measure("stereo.wav", stereo, db, threads, RUNS);
        for (size_t i = 0; i < 3; i++) {
            char *path = path_of(argv[1], made[i].name);
            if (make_with_ffmpeg(made[i].from, path, made[i].arguments))
                measure(made[i].name, path, db, threads, RUNS);
            mem_free(path);
        }
    }
    char *folder = path_of(argv[1], "stereo-5min");
    if (make_five_minutes(stereo, folder))
        for (size_t threads = 1; threads <= 2; threads++)
            measure("12 x 5 min stereo.flac", folder, db, threads, RUNS);
    mem_free(folder);
    static const struct {
        const char *name;
        uint64_t seconds;
    } silences[] = {{"silence-1min.w64", 60}, {"silence-1h.w64", HOUR_S},
                    {"silence-24h.w64", 24 * HOUR_S}};
    for (size_t i = 0; i < (with_long ? 3 : 2); i++) {
        char *path = path_of(argv[1], silences[i].name);
        make_silence(path, silences[i].seconds);
        measure(silences[i].name, path, db, 2, 1);
        mem_free(path);
    }
    remove_database(db);
    mem_free(mono);
    mem_free(stereo);
    mem_free(db);
    return 0;
}
