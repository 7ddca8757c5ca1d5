/* SPDX-License-Identifier: MIT
 * interop/npz: the member that holds the vectors is found and read, stored or
 * deflated, with ZIP64 or without, and a zip that lies is named. */
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/memory.h"
#include "interop/npy.h"
#include "test.h"

enum { MAX_VALUES = 100000, MAX_ZIP = 1 << 17 };

/* A zip, or a part of one, as it grows. */
typedef struct bytes {
    unsigned char data[MAX_ZIP];
    size_t n;
} bytes;

/* What of a zip is not as numpy writes it. */
typedef struct zip_options {
    bool deflate, zip64, no_local_sizes, bad_crc;
    unsigned flags, method; /* beside what is so anyway */
    long more_bytes;        /* than there are, the directory says */
    const char *comment;
} zip_options;

static const float floats[6] = {1, -2, 0.5f, 3e38f, -0.0f, 6};
static bytes zip, directory;
static unsigned n_members;

static void put(bytes *to, const void *data, size_t n)
{
    if (to->n + n > MAX_ZIP) abort();
    memcpy(to->data + to->n, data, n);
    to->n += n;
}

static void put_number(bytes *to, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)value;
        put(to, &byte, 1);
        value >>= 8;
    }
}

static void put_npy(bytes *to, const char *descr, const char *shape,
                    const void *data, size_t n)
{
    char text[128];
    int n_text = snprintf(text, sizeof text, "{'descr': '%s', "
                          "'fortran_order': %s, 'shape': %s, }\n",
                          *descr == 'F' ? descr + 1 : descr,
                          *descr == 'F' ? "True" : "False", shape);
    put(to, "\x93NUMPY\1\0", 8);
    put_number(to, (uint64_t)n_text, 2);
    put(to, text, (size_t)n_text);
    put(to, data, n);
}

static size_t deflate_raw(const bytes *from, unsigned char *out, size_t room)
{
    z_stream z = {0};
    if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY)) abort();
    z.next_in = (unsigned char *)(uintptr_t)from->data;
    z.avail_in = (unsigned)from->n;
    z.next_out = out;
    z.avail_out = (unsigned)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    size_t n = room - z.avail_out;
    deflateEnd(&z);
    return n;
}

/* CRC, packed size, size. */
static void put_sizes(bytes *to, uint32_t crc, uint64_t packed, uint64_t n,
                      int width)
{
    put_number(to, crc, 4);
    put_number(to, packed, width);
    put_number(to, n, width);
}

static void put_entry(const char *name, uint64_t at, uint32_t crc,
                      uint64_t packed, uint64_t n, const zip_options *opt)
{
    unsigned method = opt->method ? opt->method : opt->deflate ? 8 : 0;
    bool big = opt->zip64;
    put(&directory, "PK\1\2\x2d\0\x2d\0", 8);
    put_number(&directory, opt->flags, 2);
    put_number(&directory, method, 2);
    put_number(&directory, 0, 4);
    put_sizes(&directory, crc, big ? UINT32_MAX : packed, big ? UINT32_MAX : n,
              4);
    put_number(&directory, strlen(name), 2);
    put_number(&directory, big ? 34 : 0, 2);
    put_number(&directory, 0, 10); /* comment, disk, attributes */
    put_number(&directory, big ? UINT32_MAX : at, 4);
    put(&directory, name, strlen(name));
    if (!big) return;
    put(&directory, "xy\2\0zz\1\0\x18\0", 10); /* another field first */
    put_number(&directory, n, 8);
    put_number(&directory, packed, 8);
    put_number(&directory, at, 8);
}

static void zip_add(const char *name, const bytes *member, zip_options opt)
{
    static unsigned char packed[MAX_ZIP];
    size_t n = member->n, at = zip.n;
    uint32_t crc = (uint32_t)crc32(0, member->data, (unsigned)n);
    if (opt.deflate)
        n = deflate_raw(member, packed, sizeof packed);
    else
        memcpy(packed, member->data, n);
    if (opt.bad_crc) crc ^= 1;
    put(&zip, "PK\3\4\x2d\0", 6);
    put_number(&zip, opt.flags, 2);
    put_number(&zip, opt.deflate ? 8 : 0, 2);
    put_number(&zip, 0, 4);
    if (opt.no_local_sizes)
        put_sizes(&zip, 0, 0, 0, 4);
    else
        put_sizes(&zip, crc, n, member->n, 4);
    put_number(&zip, strlen(name), 2);
    put_number(&zip, 20, 2);
    put(&zip, name, strlen(name));
    put(&zip, "\1\0\x10\0", 4); /* numpy's ZIP64 field for small members, too */
    put_number(&zip, member->n, 8);
    put_number(&zip, n, 8);
    put(&zip, packed, n);
    put_entry(name, at, crc, n, (uint64_t)((long)member->n + opt.more_bytes),
              &opt);
    n_members++;
}

static void zip_end(const zip_options *opt)
{
    size_t at = zip.n, end64_at = at + directory.n;
    bool big = opt->zip64;
    put(&zip, directory.data, directory.n);
    if (big) {
        put(&zip, "PK\6\6\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0", 16);
        put_number(&zip, 0, 8);
        put_number(&zip, n_members, 8);
        put_number(&zip, n_members, 8);
        put_number(&zip, directory.n, 8);
        put_number(&zip, at, 8);
        put(&zip, "PK\6\7\0\0\0\0", 8);
        put_number(&zip, end64_at, 8);
        put_number(&zip, 1, 4);
    }
    put(&zip, "PK\5\6\0\0\0\0", 8);
    put_number(&zip, big ? UINT16_MAX : n_members, 2);
    put_number(&zip, big ? UINT16_MAX : n_members, 2);
    put_number(&zip, big ? UINT32_MAX : directory.n, 4);
    put_number(&zip, big ? UINT32_MAX : at, 4);
    put_number(&zip, opt->comment ? strlen(opt->comment) : 0, 2);
    if (opt->comment) put(&zip, opt->comment, strlen(opt->comment));
}

static void zip_begin(void) { zip.n = directory.n = n_members = 0; }

/* The rows (2, 3) as a member. */
static void add_floats(const char *name, zip_options opt)
{
    static bytes member;
    member.n = 0;
    put_npy(&member, "<f4", "(2, 3)", floats, sizeof floats);
    zip_add(name, &member, opt);
}

static akin_status read_bytes(const void *data, size_t n, npy_vectors *v,
                              akin_error *e)
{
    char path[512];
    snprintf(path, sizeof path, "%s/v.npz", test_dir());
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL);
    if (!f) return AKIN_EIO;
    fwrite(data, 1, n, f);
    fclose(f);
    return npy_read_vectors(path, MAX_VALUES, v, e);
}

static akin_status read_zip(npy_vectors *v, akin_error *e)
{
    return read_bytes(zip.data, zip.n, v, e);
}

static void check_floats(void)
{
    npy_vectors v;
    akin_error e = {0};
    CHECK_OK(read_zip(&v, &e), e);
    CHECK_EQ_INT(v.n, 2);
    CHECK_EQ_INT(v.dim, 3);
    CHECK(v.data && memcmp(v.data, floats, sizeof floats) == 0);
    CHECK(e.code == AKIN_OK && !*e.text);
    mem_free(v.data);
}

/* It fails, and says these words and its name on one line. */
static void check_bad(akin_status wanted, const char *words)
{
    npy_vectors v;
    akin_error e = {0};
    CHECK_STATUS(read_zip(&v, &e), wanted);
    CHECK(v.data == NULL && v.n == 0 && v.dim == 0);
    if (!strstr(e.text, words) || !strstr(e.text, "v.npz") ||
        strchr(e.text, '\n'))
        test_fail(__FILE__, __LINE__, "no '%s' in: %s", words, e.text);
}

static void every_kind_of_zip_is_read(void)
{
    static const zip_options kinds[] = {
        {0},
        {.deflate = true},
        {.zip64 = true},
        {.deflate = true, .zip64 = true},
        {.deflate = true, .no_local_sizes = true, .flags = 8},
        {.comment = "PK\5\6 is what an end begins with"},
        {.zip64 = true, .comment = "and a comment"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        zip_begin();
        add_floats("vectors.npy", kinds[i]);
        zip_end(&kinds[i]);
        check_floats();
    }
}

static void the_vectors_are_chosen(void)
{
    static const char *const order[] = {"arr_0.npy", "embeddings.npy",
                                        "vectors.npy"};
    static const zip_options none;
    static bytes ids, wrong;
    float nothing[6] = {0};
    ids.n = wrong.n = 0;
    put_npy(&ids, "<i8", "(1, 3)", nothing, 24);
    put_npy(&wrong, "<f4", "(2, 3)", nothing, sizeof nothing);
    for (int i = 0; i < 3; i++) { /* after those that are preferred less */
        zip_begin();
        zip_add("other.npy", &wrong, none);
        add_floats(order[i], none);
        for (int j = 0; j < i; j++) zip_add(order[j], &wrong, none);
        zip_end(&none);
        check_floats();
    }
    zip_begin(); /* the only matrix of numbers; the last of two with a name */
    zip_add("ids.npy", &ids, none);
    add_floats("m.npy", none);
    zip_add("vectors.txt", &wrong, none);
    zip_end(&none);
    check_floats();
    zip_begin();
    zip_add("vectors.npy", &wrong, none);
    add_floats("vectors.npy", none);
    zip_end(&none);
    check_floats();
}

static void no_choice_lists_the_members(void)
{
    static const zip_options none;
    zip_begin();
    zip_end(&none);
    check_bad(AKIN_EUNSUPPORTED, "holds no arrays");
    zip_begin();
    add_floats("a.npy", none);
    add_floats("b\n.npy", none);
    add_floats("read.me", none);
    zip_end(&none);
    check_bad(AKIN_EUNSUPPORTED, "it holds a, b?, read.me");
    zip_begin();
    for (int i = 0; i < 100; i++) add_floats("member_of_many.npy", none);
    zip_end(&none);
    check_bad(AKIN_EUNSUPPORTED, "member_of_many, ...");
}

static void lies_are_named(void)
{
    static const struct {
        zip_options opt;
        akin_status status;
        const char *words;
    } rows[] = {
        {{.bad_crc = true}, AKIN_ECORRUPT, "checksum"},
        {{.bad_crc = true, .deflate = true}, AKIN_ECORRUPT, "checksum"},
        {{.flags = 1}, AKIN_EUNSUPPORTED, "'vectors.npy' in"},
        {{.flags = 1}, AKIN_EUNSUPPORTED, "encrypted"},
        {{.method = 12}, AKIN_EUNSUPPORTED, "method 12"},
        {{.method = 8}, AKIN_ECORRUPT, "damaged"}, /* stored in truth */
        {{.more_bytes = 1}, AKIN_ECORRUPT, "damaged"},
        {{.more_bytes = -1}, AKIN_ECORRUPT, "damaged"},
        {{.deflate = true, .more_bytes = 1}, AKIN_ECORRUPT, "damaged"},
        {{.deflate = true, .more_bytes = -1}, AKIN_ECORRUPT, "shorter"},
        {{.deflate = true, .more_bytes = 1 << 30}, AKIN_ECORRUPT, "damaged"},
        {{.deflate = true, .zip64 = true, .more_bytes = 1L << 60},
         AKIN_ECORRUPT, "damaged"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        zip_begin();
        add_floats("vectors.npy", rows[i].opt);
        zip_end(&rows[i].opt);
        check_bad(rows[i].status, rows[i].words);
    }
}

static void bad_arrays_are_named(void)
{
    static const struct {
        const char *descr, *shape;
        akin_status status;
        const char *words;
    } rows[] = {
        {"|O", "(2, 3)", AKIN_EUNSUPPORTED, "'vectors.npy' in"},
        {"|O", "(2, 3)", AKIN_EUNSUPPORTED, "Python objects"},
        {"<f4", "(1, 2, 3)", AKIN_EUNSUPPORTED, "(1, 2, 3)"},
        {"<f4", "(3, 3)", AKIN_ECORRUPT, "shorter than its shape (3, 3)"},
        {"<f4", "(1000, 1000)", AKIN_ELIMIT, "more than 100000"},
    };
    static bytes member;
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        zip_options opt = {.deflate = i % 2};
        member.n = 0;
        put_npy(&member, rows[i / 2].descr, rows[i / 2].shape, floats,
                sizeof floats);
        zip_begin();
        zip_add("vectors.npy", &member, opt);
        zip_end(&opt);
        check_bad(rows[i / 2].status, rows[i / 2].words);
    }
    zip_begin();
    member.n = 0;
    put(&member, "no array", 8);
    zip_add("vectors.npy", &member, (zip_options){0});
    zip_end(&(zip_options){0});
    check_bad(AKIN_ECORRUPT, "its first bytes differ");
}

/* A thousand to one: inflated as far as the shape asks, and no further. */
static void zeros_do_not_grow(void)
{
    static const unsigned char zeros[MAX_ZIP / 2];
    static bytes member;
    const zip_options opt = {.deflate = true};
    npy_vectors v;
    akin_error e = {0};
    member.n = 0;
    put_npy(&member, "|u1", "(250, 256)", zeros, 64000);
    zip_begin();
    zip_add("vectors.npy", &member, opt);
    zip_end(&opt);
    CHECK(zip.n < 500);
    CHECK_OK(read_zip(&v, &e), e);
    CHECK(v.n == 250 && v.dim == 256);
    mem_free(v.data);
    CHECK_STATUS(npy_read_vectors(test_dir(), 1, &v, NULL), AKIN_EIO);
    char path[512];
    snprintf(path, sizeof path, "%s/v.npz", test_dir());
    CHECK_STATUS(npy_read_vectors(path, 63999, &v, NULL), AKIN_ELIMIT);
}

/* Deflated columns come in panels, whose memory is made anew as they grow. */
static void deflated_columns_become_rows(void)
{
    enum { N = 300, DIM = 37 };
    static unsigned char columns[N * DIM];
    static bytes member;
    const zip_options opt = {.deflate = true};
    npy_vectors v;
    akin_error e = {0};
    size_t n_wrong = 0;
    for (size_t i = 0; i < N * DIM; i++)
        columns[i] = (unsigned char)(i * 2654435761u >> 13);
    member.n = 0;
    put_npy(&member, "F|u1", "(300, 37)", columns, sizeof columns);
    put(&member, "and more", 8);
    zip_begin();
    zip_add("embeddings.npy", &member, opt);
    zip_end(&opt);
    CHECK_OK(read_zip(&v, &e), e);
    for (size_t i = 0; v.data && i < N * DIM; i++)
        n_wrong += !(v.data[i] == columns[i % DIM * N + i / DIM]);
    CHECK_EQ_INT(n_wrong, 0);
    CHECK_EQ_INT(v.n, N);
    mem_free(v.data);
}

/* Cut anywhere or with any byte changed, it is an error or the numbers: what
 * nobody looks at, such as a date, may change. */
static void every_damage_is_seen(void)
{
    static bytes whole;
    const zip_options opt = {.deflate = true, .zip64 = true};
    npy_vectors v;
    zip_begin();
    add_floats("vectors.npy", opt);
    zip_end(&opt);
    whole = zip;
    for (size_t i = 0; i < whole.n; i++) {
        unsigned char *copy = mem_array(i, 1);
        memcpy(copy, whole.data, i);
        CHECK(read_bytes(copy, i, &v, NULL) != AKIN_OK && !v.data);
        mem_free(copy);
    }
    for (size_t i = 0; i < whole.n * 8; i++) {
        whole.data[i / 8] ^= (unsigned char)(1u << i % 8);
        akin_status status = read_bytes(whole.data, whole.n, &v, NULL);
        whole.data[i / 8] ^= (unsigned char)(1u << i % 8);
        CHECK((status == AKIN_OK) == (v.data != NULL));
        CHECK(!v.data || memcmp(v.data, floats, sizeof floats) == 0);
        mem_free(v.data);
    }
}

static void no_memory_is_said(void)
{
    const zip_options opt = {.deflate = true};
    npy_vectors v;
    zip_begin();
    add_floats("only.npy", opt);
    zip_end(&opt);
    for (int64_t i = 1;; i++) {
        akin_error e = {0};
        mem_fail_at(i);
        akin_status status = read_zip(&v, &e);
        bool ended = mem_fail_pending();
        mem_fail_at(0);
        CHECK_STATUS(status, ended ? AKIN_OK : AKIN_ENOMEM);
        CHECK((v.data != NULL) == ended);
        CHECK(ended || strstr(e.text, "out of memory") != NULL);
        mem_free(v.data);
        if (ended || i > 100) break;
    }
}

const test_case test_npz_cases[] = {
    {"npz/every_kind_of_zip_is_read", every_kind_of_zip_is_read},
    {"npz/the_vectors_are_chosen", the_vectors_are_chosen},
    {"npz/no_choice_lists_the_members", no_choice_lists_the_members},
    {"npz/lies_are_named", lies_are_named},
    {"npz/bad_arrays_are_named", bad_arrays_are_named},
    {"npz/zeros_do_not_grow", zeros_do_not_grow},
    {"npz/deflated_columns_become_rows", deflated_columns_become_rows},
    {"npz/every_damage_is_seen", every_damage_is_seen},
    {"npz/no_memory_is_said", no_memory_is_said},
    {0},
};
