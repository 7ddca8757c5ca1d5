/* SPDX-License-Identifier: MIT
 * engine/import_arrow and engine/export_arrow: tables of others come in by the
 * columns that are meant, and what goes out comes in again. */
#include "db_files.h"
#include "test.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "interop/arrow.h"
#include "interop/npy.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- columns of three rows ------------------------------------------------------ */

enum { ROWS = 3, MAX_COLUMNS = 6 };

#define TEXTS(...) {.values = (const char *const[]){__VA_ARGS__}}
#define DOUBLES(...) {.values = (const double[]){__VA_ARGS__}}
#define LIST(kind, item)                                                       \
    .nullable = true, .type = kind, .children = &item, .n_children = 1

static const bool not_second[ROWS] = {true, false, true};
static const arrow_field float_item = {
    .name = "item", .type = ARROW_FLOAT32, .nullable = true};
static const arrow_field double_item = {.name = "item", .type = ARROW_FLOAT64};
static const arrow_field half_item = {.name = "item", .type = ARROW_FLOAT16};
static const arrow_field int_item = {.name = "item", .type = ARROW_INT8};
static const arrow_field text_item = {.name = "item", .type = ARROW_UTF8};
static const arrow_column floats = {.values = (float[]){1, 2, 3, 4, 5, 6}};
static const arrow_column float_null = {
    .values = (float[]){1, 2, 3, 4, 5, 6},
    .valid = (bool[]){true, true, true, false, true, true}};
static const arrow_column doubles = DOUBLES(1, 2, 3, 4, 5, 6);
static const arrow_column halves = {
    .values = (uint16_t[]){0x3c00, 0, 0x4200, 0, 0x4500, 0}};
static const arrow_column bytes = {.values = (int8_t[]){1, 2, 3, 4, 5, -6}};
static const arrow_column words = TEXTS("a", "b", "c", "d", "e", "f");
static const int64_t pairs[] = {0, 2, 4, 6}, uneven[] = {0, 2, 5, 6},
                     hollow[] = {0, 2, 2, 4};
static const arrow_field ref_fields[] = {
    {.name = "name", .type = ARROW_UTF8}, {.name = "id", .type = ARROW_UTF8}};
static const arrow_column ref_columns[] = {
    TEXTS("image", "image", "image"), TEXTS("v0", "v1", "v2")};

/* What a test can name. The columns of a file are called as the key is up to a
 * '-', which tells those of one name apart. */
static const struct {
    const char *key;
    arrow_field field;
    arrow_column column;
} all[] = {
    {"vector", {LIST(ARROW_FIXED_SIZE_LIST, float_item), .size = 2},
     {.children = &floats}},
    {"vector-null", {LIST(ARROW_FIXED_SIZE_LIST, float_item), .size = 2},
     {.children = &floats, .valid = not_second}},
    {"vector-hole", {LIST(ARROW_FIXED_SIZE_LIST, float_item), .size = 2},
     {.children = &float_null}},
    {"vector-thin", {LIST(ARROW_FIXED_SIZE_LIST, float_item), .size = 0},
     {.children = &floats}},
    {"vector-uneven", {LIST(ARROW_LIST, float_item)},
     {.children = &floats, .offsets = uneven}},
    {"vector-hollow", {LIST(ARROW_LIST, float_item)},
     {.children = &floats, .offsets = hollow}},
    {"vector-bytes", {LIST(ARROW_LIST, int_item)},
     {.children = &bytes, .offsets = pairs}},
    {"vector-words", {LIST(ARROW_LIST, text_item)},
     {.children = &words, .offsets = pairs}},
    {"vector-number", {.type = ARROW_FLOAT32}, {.values = (float[]){1, 2, 3}}},
    {"embedding", {LIST(ARROW_LIST, double_item)},
     {.children = &doubles, .offsets = pairs}},
    {"halves", {LIST(ARROW_FIXED_SIZE_LIST, half_item), .size = 2},
     {.children = &halves}},
    {"doubles", {LIST(ARROW_LIST, double_item)},
     {.children = &doubles, .offsets = pairs}},
    {"shape", {LIST(ARROW_LIST, int_item)},
     {.children = &bytes, .offsets = pairs}},
    {"recording", {.type = ARROW_UTF8}, TEXTS("r", "s", "r")},
    {"recording-struct", {.type = ARROW_STRUCT, .children = ref_fields,
     .n_children = 2}, {.children = ref_columns}},
    {"file_path", {.type = ARROW_UTF8}, TEXTS("f0", "f1", "f2")},
    {"view_ref", {.type = ARROW_STRUCT, .nullable = true,
     .children = ref_fields, .n_children = 2}, {.children = ref_columns}},
    {"view_ref-null", {.type = ARROW_STRUCT, .nullable = true,
     .children = ref_fields, .n_children = 2},
     {.children = ref_columns, .valid = not_second}},
    {"view_ref-nameless", {.type = ARROW_STRUCT, .children = ref_fields,
     .n_children = 1}, {.children = ref_columns}},
    {"view_id", {.type = ARROW_UTF8}, TEXTS("w0", "w1", "w2")},
    {"track_id", {.type = ARROW_INT64}, {.values = (int64_t[]){7, -8, 9}}},
    {"track_id-big", {.type = ARROW_UINT64},
     {.values = (uint64_t[]){UINT64_MAX, 0, 1}}},
    {"name", {.type = ARROW_UTF8, .nullable = true}, TEXTS("n0", "n1", "n2")},
    {"name-null", {.type = ARROW_UTF8, .nullable = true},
     TEXTS("n0", "n1", NULL)},
    {"name-empty", {.type = ARROW_UTF8}, TEXTS("n0", "", "n2")},
    {"name-number", {.type = ARROW_FLOAT64}, DOUBLES(1, 2, 3)},
    {"id", {.type = ARROW_UTF8}, TEXTS("i0", "i1", "i2")},
    {"start", {.type = ARROW_FLOAT64, .nullable = true}, DOUBLES(0, 3, 6)},
    {"start-null", {.type = ARROW_FLOAT64, .nullable = true},
     {.values = (double[]){0, 3, 6}, .valid = not_second}},
    {"start-late", {.type = ARROW_FLOAT64}, DOUBLES(0, 99, 6)},
    {"start-nan", {.type = ARROW_FLOAT64}, DOUBLES(0, NAN, 6)},
    {"end", {.type = ARROW_INT8}, {.values = (int8_t[]){3, 6, 9}}},
    {"end-null", {.type = ARROW_INT8, .nullable = true},
     {.values = (int8_t[]){3, 6, 9}, .valid = not_second}},
    {"end-time", {.type = ARROW_TIMESTAMP}, {.values = (int64_t[]){3, 6, 9}}},
};

static size_t find(const char *key, size_t n)
{
    size_t i = 0;
    while (i < COUNT(all) && (strlen(all[i].key) != n ||
                              memcmp(all[i].key, key, n) != 0))
        i++;
    if (i < COUNT(all)) return i;
    test_fail(__FILE__, __LINE__, "no column %.*s", (int)n, key);
    return 0;
}

/* A file or stream of the columns that are named, with blanks between. */
static const char *put_arrow(const char *name, const char *keys,
                             arrow_format format)
{
    arrow_field fields[MAX_COLUMNS];
    arrow_column columns[MAX_COLUMNS];
    char names[MAX_COLUMNS][32];
    arrow_schema schema = {.fields = fields};
    for (size_t len; *keys; keys += len, keys += *keys == ' ') {
        len = strcspn(keys, " ");
        size_t i = find(keys, len), k = schema.n_fields++;
        fields[k] = all[i].field;
        columns[k] = all[i].column;
        snprintf(names[k], sizeof names[k], "%.*s",
                 (int)strcspn(all[i].key, "-"), all[i].key);
        fields[k].name = names[k];
    }
    akin_error e = {0};
    arrow_writer *w = NULL;
    const char *path = db_path(name);
    CHECK_OK(arrow_writer_open(path, &schema, format, &w, &e), e);
    if (!w) return path;
    CHECK_OK(arrow_writer_put(w, columns, ROWS, &e), e);
    CHECK_OK(arrow_writer_commit(w, &e), e);
    return path;
}

/* ---- databases -------------------------------------------------------------------- */

static void import_ok(const char *db, const char *path,
                      const akin_import_options *opt, size_t n_wanted)
{
    akin_error e = {0};
    size_t n = 99999;
    CHECK_OK(akin_import_vectors(db_path(db), path, opt, &n, &e), e);
    CHECK_EQ_INT(n, n_wanted);
}

static akin_db *open_db(const char *name)
{
    akin_error e = {0};
    akin_db *db = NULL;
    CHECK_OK(akin_open(db_path(name), NULL, &db, &e), e);
    return db;
}

static bool list_window(void *user, const akin_window *w, const float *vector)
{
    text_buf_printf(user, "%s %g-%g %g; ", w->recording, w->start_s, w->end_s,
                    vector ? (double)vector[0] : -1.0);
    return true;
}

/* "name start-end first-value; " of each window by id. */
static void check_windows(const char *name, const char *wanted)
{
    akin_db *db = open_db(name);
    text_buf list;
    text_buf_init(&list, 1 << 20);
    CHECK_STATUS(db ? akin_each(db, NULL, list_window, &list, NULL)
                    : AKIN_ENOTFOUND, AKIN_OK);
    CHECK_EQ_TEXT(list.data, wanted);
    text_buf_clear(&list);
    akin_close(db);
}

static void check_model(const char *name, const char *wanted)
{
    akin_info info;
    akin_db *db = open_db(name);
    if (db) CHECK_STATUS(akin_get_info(db, &info, NULL), AKIN_OK);
    if (db) CHECK_EQ_TEXT(info.model, wanted);
    akin_close(db);
}

static void export_ok(const char *name, const char *path, const char *format,
                      size_t n_wanted)
{
    akin_error e = {0};
    size_t n = 0;
    akin_db *db = open_db(name);
    if (db) CHECK_OK(akin_export_vectors(db, path, format, &n, &e), e);
    CHECK_EQ_INT(n, n_wanted);
    akin_close(db);
}

static void check_same_file(const char *a, const char *b)
{
    char *x = NULL, *y = NULL;
    size_t n = 0, m = 0;
    akin_error e = {0};
    CHECK_OK(file_read(a, (size_t)1 << 26, &x, &n, &e), e);
    CHECK_OK(file_read(b, (size_t)1 << 26, &y, &m, &e), e);
    CHECK_EQ_INT(n, m);
    CHECK(x && y && n == m && memcmp(x, y, n) == 0);
    mem_free(x);
    mem_free(y);
}

/* ---- choosing columns ------------------------------------------------------------- */

/* In the order in which they are preferred, by files and by streams. */
static void columns_are_found_by_name_and_type(void)
{
    static const struct {
        const char *keys, *windows;
    } rows[] = {
        {"vector", "0 0-0 1; 1 0-0 3; 2 0-0 5; "},
        {"id vector", "i0 0-0 1; i1 0-0 3; i2 0-0 5; "},
        {"id name vector", "n0 0-0 1; n1 0-0 3; n2 0-0 5; "},
        {"id name track_id vector", "7 0-0 1; -8 0-0 3; 9 0-0 5; "},
        {"vector track_id-big",
         "18446744073709551615 0-0 1; 0 0-0 3; 1 0-0 5; "},
        {"track_id view_id vector", "w0 0-0 1; w1 0-0 3; w2 0-0 5; "},
        {"view_id view_ref vector", "v0 0-0 1; v1 0-0 3; v2 0-0 5; "},
        {"view_ref file_path vector", "f0 0-0 1; f1 0-0 3; f2 0-0 5; "},
        {"file_path recording vector", "r 0-0 1; s 0-0 3; r 1-1 5; "},
        {"recording-struct id vector", "i0 0-0 1; i1 0-0 3; i2 0-0 5; "},
        {"view_ref-nameless id vector", "i0 0-0 1; i1 0-0 3; i2 0-0 5; "},
        {"name-number id vector", "i0 0-0 1; i1 0-0 3; i2 0-0 5; "},
        {"recording start end vector", "r 0-3 1; s 3-6 3; r 6-9 5; "},
        {"recording start-null end-null vector",
         "r 0-3 1; s 0-0 3; r 6-9 5; "},
        {"doubles embedding", "0 0-0 1; 1 0-0 3; 2 0-0 5; "},
        {"halves vector-bytes", "0 0-0 1; 1 0-0 3; 2 0-0 5; "},
        {"shape halves name", "n0 0-0 1; n1 0-0 3; n2 0-0 5; "},
        {"shape doubles", "0 0-0 1; 1 0-0 3; 2 0-0 5; "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[32];
        snprintf(name, sizeof name, "db%zu", i);
        import_ok(name, put_arrow("v.arrow", rows[i].keys, ARROW_FILE), NULL,
                  ROWS);
        check_windows(name, rows[i].windows);
        /* Whatever it is called, and the same windows again. */
        put_arrow("v.bin", rows[i].keys, ARROW_STREAM);
        import_ok(name, db_path("v.bin"), NULL, 0);
    }
    check_model("db0", "imported");
}

static void what_is_no_table_of_vectors_is_named(void)
{
    static const struct {
        const char *keys, *words;
    } rows[] = {
        {"id shape", "none is called vector, and none has lists of floats"},
        {"doubles halves", "more than one column of lists of floats"},
        {"vector-words", "is of type list, not of lists of numbers"},
        {"vector-number doubles", "is of type float32, not of lists"},
        {"vector-null id", "vector 1 ('i1') is null"},
        {"vector-hole id", "value 1 of vector 1 ('i1') is NaN"},
        {"vector-thin id", "vector 0 ('i0') is empty"},
        {"vector-hollow id", "vector 1 ('i1') is empty"},
        {"vector-uneven", "vector 1 ('1') has dimension 3, those before have "
                          "2"},
        {"vector name-null", "the name of vector 2 is empty"},
        {"vector name-empty", "the name of vector 1 is empty"},
        {"vector view_ref-null", "the name of vector 1 is empty"},
        {"vector start", "the columns start and end must both be seconds"},
        {"vector end", "the columns start and end must both be seconds"},
        {"vector start end-time", "start and end must both be seconds"},
        {"vector id start end-null", "vector 1 ('i1') has a start or an end, "
                                     "but not both"},
        {"vector id start-late end", "vector 1 ('i1') cannot last from 99 s"},
        {"vector id start-nan end", "vector 1 ('i1') cannot last from nan"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        akin_error e = {0};
        const char *path = put_arrow("v.arrow", rows[i].keys, ARROW_FILE);
        CHECK_STATUS(akin_import_vectors(db_path("bad"), path, NULL, NULL, &e),
                     AKIN_ECORRUPT);
        if (!strstr(e.text, rows[i].words) || !strstr(e.text, path))
            test_fail(__FILE__, __LINE__, "%s: '%s' lacks '%s'", rows[i].keys,
                      e.text, rows[i].words);
        CHECK(!file_exists(db_path("bad")));
    }
}

/* Other names make names in the file as good as none. */
static void tracks_name_rows(void)
{
    FILE *f = fopen(db_path("t.csv"), "wb");
    if (f) fputs("name\nx\ny\nz\n", f);
    if (f) fclose(f);
    import_ok("db", put_arrow("v.arrow", "vector name-empty", ARROW_FILE),
              &(akin_import_options){.tracks = db_path("t.csv")}, ROWS);
    check_windows("db", "x 0-0 1; y 0-0 3; z 0-0 5; ");
}

static void texts_of_others_are_checked(void)
{
    static const char from[] = "n1";
    akin_error e = {0};
    const char *bad[] = {"\xff\x31", "n\0"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char *data = NULL;
        size_t n = 0;
        const char *path = put_arrow("v.arrow", "vector name", ARROW_FILE);
        CHECK_OK(file_read(path, 1 << 20, &data, &n, &e), e);
        for (size_t at = 0; data && at + 2 <= n; at++)
            if (memcmp(data + at, from, 2) == 0) memcpy(data + at, bad[i], 2);
        FILE *f = fopen(path, "wb");
        CHECK(f && fwrite(data, n, 1, f) == 1);
        if (f) fclose(f);
        mem_free(data);
        CHECK_STATUS(akin_import_vectors(db_path("bad"), path, NULL, NULL, &e),
                     AKIN_ECORRUPT);
        CHECK(strstr(e.text, "the name of vector 1 is not UTF-8") != NULL);
    }
}

/* LanceDB's, too, in which batches and nulls lie as that wants them. */
static void tables_of_pixano_come_in(void)
{
    static const char *const files[] = {"arrow/embeddings.arrow",
                                        "arrow/lancedb.arrow",
                                        "arrow/lancedb.stream"};
    for (size_t i = 0; i < COUNT(files); i++) {
        char name[8];
        snprintf(name, sizeof name, "db%zu", i);
        import_ok(name, test_data(files[i]), NULL, 3);
        check_model(name, "tint");
    }
    export_ok("db0", db_path("0.csv"), NULL, 3);
    export_ok("db1", db_path("1.csv"), NULL, 3);
    export_ok("db2", db_path("2.csv"), NULL, 3);
    check_same_file(db_path("0.csv"), db_path("1.csv"));
    check_same_file(db_path("0.csv"), db_path("2.csv"));
    import_ok("db3", test_data(files[0]),
              &(akin_import_options){.model = "other"}, 3);
    check_model("db3", "other");
}

/* ---- out, and in again ------------------------------------------------------------ */

/* More rows than one batch has, which for this dimension are 16384. */
static void many_rows_come_back(void)
{
    enum { N = 16384 + 5, DIM = 3 };
    void *p = mem_array(N * DIM, sizeof(float));
    float *values = p;
    akin_error e = {0};
    random_state r = {3};
    for (size_t i = 0; values && i < N * DIM; i++)
        values[i] = (float)random_unit(&r);
    CHECK_OK(npy_write_vectors(db_path("v.npy"), values, N, DIM, &e), e);
    mem_free(p);
    import_ok("db", db_path("v.npy"), &(akin_import_options){.model = "m"}, N);
    export_ok("db", db_path("a/v.arrow"), NULL, N);
    export_ok("db", db_path("a/v.arrows"), NULL, N);
    export_ok("db", db_path("a/x"), "arrow", N);
    check_same_file(db_path("a/v.arrow"), db_path("a/x"));
    export_ok("db", db_path("a/x"), "arrow-stream", N);
    check_same_file(db_path("a/v.arrows"), db_path("a/x"));
    import_ok("db2", db_path("a/v.arrow"), NULL, N);
    import_ok("db3", db_path("a/v.arrows"), NULL, N);
    export_ok("db2", db_path("2.arrow"), NULL, N);
    export_ok("db3", db_path("3.arrow"), NULL, N);
    check_same_file(db_path("a/v.arrow"), db_path("2.arrow"));
    check_same_file(db_path("a/v.arrow"), db_path("3.arrow"));
    check_model("db3", "m");
}

static void exports_have_these_columns(void)
{
    akin_error e = {0};
    arrow_reader *r = NULL;
    arrow_batch *b = NULL;
    import_ok("db", put_arrow("v.arrow", "recording start end vector",
                              ARROW_FILE), NULL, ROWS);
    export_ok("db", db_path("w.arrow"), NULL, ROWS);
    CHECK_OK(arrow_reader_open(db_path("w.arrow"), &r, &e), e);
    if (!r) return;
    const arrow_schema *s = arrow_reader_schema(r);
    CHECK_EQ_INT(s->n_fields, 5);
    static const char *const names[] = {"id", "recording", "start", "end",
                                        "vector"};
    for (size_t i = 0; i < COUNT(names) && i < s->n_fields; i++)
        CHECK_EQ_TEXT(s->fields[i].name, names[i]);
    CHECK_EQ_INT(s->fields[4].type, ARROW_FIXED_SIZE_LIST);
    CHECK_EQ_INT(s->fields[4].size, 2);
    CHECK_EQ_INT(s->fields[4].children[0].type, ARROW_FLOAT32);
    CHECK_EQ_TEXT(arrow_schema_value(s, "model"), "imported");
    CHECK_EQ_TEXT(arrow_schema_value(s, "dim"), "2");
    CHECK_EQ_TEXT(arrow_schema_value(s, "metric"), "cosine");
    CHECK_OK(arrow_batch_open(r, 0, &b, &e), e);
    if (b) {
        arrow_text id = arrow_view_text(arrow_batch_column(b, 0), 2);
        CHECK(id.n == 1 && *id.data == '3');
    }
    arrow_batch_close(b);
    arrow_reader_close(r);
}

/* A file name is any bytes on most systems; a CSV says so as it is. */
static void names_that_are_no_text_are_refused(void)
{
    akin_error e = {0};
    akin_extract_report report;
    const char *inputs[] = {db_path("rec")};
    db_make_wav("rec/\xff.wav", 3, 1);
    akin_db *db = db_open(AKIN_CREATE);
    if (!db) return;
    CHECK_OK(akin_extract(db, inputs, 1, NULL, &report, &e), e);
    CHECK_STATUS(akin_export_vectors(db, db_path("x.arrow"), NULL, NULL, &e),
                 AKIN_EUNSUPPORTED);
    CHECK(strstr(e.text, "window 1 has a name that is not UTF-8") != NULL);
    CHECK(!file_exists(db_path("x.arrow")));
    CHECK(!file_exists(db_path("x.arrow.tmp")));
    akin_close(db);
}

/* ---- what runs out ---------------------------------------------------------------- */

static void a_full_disk_leaves_no_export(void)
{
    static const char *const formats[] = {"arrow", "arrow-stream"};
    akin_error e = {0};
    import_ok("db", put_arrow("v.arrow", "vector", ARROW_FILE), NULL, ROWS);
    akin_db *db = open_db("db");
    for (size_t i = 0; db && i < COUNT(formats); i++) {
        file_fail_at(1);
        CHECK_STATUS(akin_export_vectors(db, db_path("x"), formats[i], NULL,
                                         &e), AKIN_EIO);
        file_fail_at(0);
        CHECK(!file_exists(db_path("x")));
        CHECK(!file_exists(db_path("x.tmp")));
    }
    akin_close(db);
}

static akin_status import_again(akin_db *db, akin_error *err)
{
    (void)db;
    return akin_import_vectors(db_path("db"), db_path("v.arrow"), NULL, NULL,
                               err);
}

static akin_status export_again(akin_db *db, akin_error *err)
{
    return akin_export_vectors(db, db_path("w.arrow"), NULL, NULL, err);
}

static void fail_every_allocation(akin_db *db,
                                  akin_status (*call)(akin_db *db,
                                                      akin_error *err))
{
    bool pending = false;
    for (int64_t n = 1; !pending && n < 2000; n++) {
        akin_error e = {0};
        mem_fail_at(n);
        akin_status status = call(db, &e);
        pending = mem_fail_pending();
        mem_fail_at(0);
        if (status == AKIN_OK) continue;
        if (pending || status != AKIN_ENOMEM)
            test_fail(__FILE__, __LINE__, "%lld: %s", (long long)n, e.text);
    }
    CHECK(pending);
}

static void memory_may_run_out(void)
{
    put_arrow("v.arrow", "view_ref vector", ARROW_STREAM);
    fail_every_allocation(NULL, import_again);
    check_windows("db", "v0 0-0 1; v1 0-0 3; v2 0-0 5; ");
    akin_db *db = open_db("db");
    if (db) fail_every_allocation(db, export_again);
    akin_close(db);
}

const test_case test_import_arrow_cases[] = {
    {"import_arrow/columns_are_found_by_name_and_type",
     columns_are_found_by_name_and_type},
    {"import_arrow/what_is_no_table_of_vectors_is_named",
     what_is_no_table_of_vectors_is_named},
    {"import_arrow/tracks_name_rows", tracks_name_rows},
    {"import_arrow/texts_of_others_are_checked", texts_of_others_are_checked},
    {"import_arrow/tables_of_pixano_come_in", tables_of_pixano_come_in},
    {"import_arrow/many_rows_come_back", many_rows_come_back},
    {"import_arrow/exports_have_these_columns", exports_have_these_columns},
    {"import_arrow/names_that_are_no_text_are_refused",
     names_that_are_no_text_are_refused},
    {"import_arrow/a_full_disk_leaves_no_export",
     a_full_disk_leaves_no_export},
    {"import_arrow/memory_may_run_out", memory_may_run_out},
    {0},
};
