/* SPDX-License-Identifier: MIT
 * Recordings and databases for the engine's tests. */
#include "db_files.h"

#include <math.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "test.h"

enum { RATE = 48000 };

const char *db_path(const char *name)
{
    static char paths[8][4096];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", test_dir(), name);
    return paths[turn];
}

static void put_u32(unsigned char *p, uint32_t value)
{
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(value >> 8 * i);
}

void db_make_wav(const char *name, double seconds, unsigned seed)
{
    const char *path = db_path(name);
    char *parent = file_parent(path);
    CHECK_STATUS(file_make_dirs(parent, NULL), AKIN_OK);
    mem_free(parent);
    uint32_t n = (uint32_t)(seconds * RATE);
    unsigned char head[44] = "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0";
    put_u32(head + 4, 36 + 2 * n);
    put_u32(head + 24, RATE);
    put_u32(head + 28, 2 * RATE);
    memcpy(head + 32, "\2\0\20\0data", 8);
    put_u32(head + 40, 2 * n);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(head, 44, 1, f) == 1);
    random_state r = {seed};
    for (uint32_t i = 0; f && i < n; i++) {
        double t = (double)i / RATE;
        double hz = 400 + 300 * (seed % 17) + 80 * floor(t * (2 + seed % 5));
        double x = 0.3 * sin(6.28318530718 * hz * t) +
                   0.05 * (random_unit(&r) - 0.5);
        int16_t s = (int16_t)lrint(x * 32767);
        fputc(s & 0xff, f);
        fputc(s >> 8 & 0xff, f);
    }
    if (f) fclose(f);
}

void db_make_recordings(void)
{
    db_make_wav("rec/a.wav", 7, 1);
    db_make_wav("rec/b/c.wav", 3, 2);
    db_make_wav("rec/b/d_20230512_235958.wav", 6.5, 3);
}

akin_db *db_open(akin_mode mode)
{
    akin_error e = {0};
    akin_db *db = NULL;
    akin_db_options opt = {.mode = mode};
    CHECK_OK(akin_open(db_path("db"), &opt, &db, &e), e);
    return db;
}

akin_db *db_extract(const akin_extract_options *opt)
{
    akin_error e = {0};
    akin_db *db = db_open(AKIN_CREATE);
    const char *inputs[] = {db_path("rec")};
    if (db) CHECK_OK(akin_extract(db, inputs, 1, opt, NULL, &e), e);
    return db;
}

long long db_count_windows(akin_db *db)
{
    akin_info info;
    return akin_get_info(db, &info, NULL) == AKIN_OK ? info.n_windows : -1;
}

typedef struct hashing {
    unsigned long long hash;
    size_t dim;
} hashing;

static void hash_bytes(hashing *h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h->hash = (h->hash ^ p[i]) * 1099511628211u;
}

static bool hash_window(void *user, const akin_window *w, const float *vector)
{
    hashing *h = user;
    hash_bytes(h, &w->id, sizeof w->id);
    hash_bytes(h, &w->start_s, sizeof w->start_s);
    hash_bytes(h, &w->end_s, sizeof w->end_s);
    hash_bytes(h, w->recording, strlen(w->recording));
    if (vector) hash_bytes(h, vector, h->dim * sizeof *vector);
    return true;
}

unsigned long long db_hash(akin_db *db)
{
    akin_info info;
    hashing h = {1469598103934665603u, 0};
    CHECK_STATUS(akin_get_info(db, &info, NULL), AKIN_OK);
    h.dim = info.dim;
    CHECK_STATUS(akin_each(db, NULL, hash_window, &h, NULL), AKIN_OK);
    return h.hash;
}
