/* SPDX-License-Identifier: MIT
 * engine/import and engine/export_vectors: what was made elsewhere comes in
 * whole or not at all, and goes out as it came in. */
#include "db_files.h"
#include "test.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "index/distance.h"
#include "index/vecs.h"
#include "interop/faiss.h"
#include "interop/npy.h"

enum { DIM = 7, N = 50 };

/* ---- files ---------------------------------------------------------------------- */

/* n vectors [n, DIM] that are not what float16 can hold. */
static const float *some_vectors(size_t n)
{
    static float values[N * DIM];
    random_state r = {17};
    for (size_t i = 0; i < n * DIM; i++)
        values[i] = (float)(random_unit(&r) * 4 - 2);
    return values;
}

static float as_half(float value)
{
    unsigned char half[2];
    distance_to_half(&value, 1, half);
    distance_from_half(half, 1, &value);
    return value;
}

static const char *put_npy(const char *name, const float *values, size_t n,
                           size_t dim)
{
    akin_error e = {0};
    const char *path = db_path(name);
    char *parent = file_parent(path);
    CHECK_OK(file_make_dirs(parent, &e), e);
    mem_free(parent);
    CHECK_OK(npy_write_vectors(path, values, n, dim, &e), e);
    return path;
}

static const char *put_text(const char *name, const char *text)
{
    const char *path = db_path(name);
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL);
    if (f) fputs(text, f);
    if (f) fclose(f);
    return path;
}

static void check_same_file(const char *a, const char *b)
{
    char *x = NULL, *y = NULL;
    size_t n = 0, m = 0;
    akin_error e = {0};
    CHECK_OK(file_read(a, (size_t)1 << 24, &x, &n, &e), e);
    CHECK_OK(file_read(b, (size_t)1 << 24, &y, &m, &e), e);
    CHECK_EQ_INT(n, m);
    CHECK(x && y && n == m && memcmp(x, y, n) == 0);
    mem_free(x);
    mem_free(y);
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

/* The import fails, says so in these words, and leaves no database. */
static void import_bad(const char *path, const akin_import_options *opt,
                       akin_status status, const char *words)
{
    akin_error e = {0};
    size_t n = 99999;
    CHECK_STATUS(akin_import_vectors(db_path("bad"), path, opt, &n, &e),
                 status);
    CHECK_EQ_INT(n, 0);
    if (!strstr(e.text, words))
        test_fail(__FILE__, __LINE__, "'%s' lacks '%s'", e.text, words);
    CHECK(!file_exists(db_path("bad")));
}

static akin_db *open_db(const char *name)
{
    akin_error e = {0};
    akin_db *db = NULL;
    CHECK_OK(akin_open(db_path(name), NULL, &db, &e), e);
    return db;
}

static void print_finding(void *user, const char *text, bool mended)
{
    (void)user, (void)mended;
    printf("    finding: %s\n", text);
}

static void check_clean(const char *name)
{
    akin_error e = {0};
    akin_verify_report report = {0};
    akin_verify_options opt = {.finding = print_finding};
    CHECK_OK(akin_verify(db_path(name), &opt, &report, &e), e);
    CHECK_EQ_INT(report.n_findings, 0);
    CHECK_EQ_INT(report.n_windows, report.n_vectors);
}

static bool list_window(void *user, const akin_window *w, const float *vector)
{
    text_buf_printf(user, "%s %g-%g %g\n", w->recording, w->start_s, w->end_s,
                    vector ? (double)vector[0] : -1.0);
    return true;
}

/* "name start-end first-value" of each window by id. */
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
    check_clean(name);
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

/* ---- round trips -------------------------------------------------------------------- */

static void arrays_come_back(void)
{
    const float *values = some_vectors(N);
    npy_vectors back = {0};
    akin_error e = {0};
    import_ok("db", put_npy("v.npy", values, N, DIM), NULL, N);
    check_clean("db");
    export_ok("db", db_path("out/w.npy"), NULL, N);
    CHECK_OK(npy_read_vectors(db_path("out/w.npy"), N * DIM, &back, &e), e);
    CHECK_EQ_INT(back.n, N);
    CHECK_EQ_INT(back.dim, DIM);
    for (size_t i = 0; back.data && i < N * DIM; i++)
        CHECK_NEAR(back.data[i], as_half(values[i]), 0);
    mem_free(back.data);
    /* The CSV beside it names the rows, of this database or of another. */
    import_ok("db", db_path("out/w.npy"),
              &(akin_import_options){.tracks = db_path("out/w.npy.csv")}, 0);
    import_ok("db2", db_path("out/w.npy"),
              &(akin_import_options){.tracks = db_path("out/w.npy.csv")}, N);
    export_ok("db2", db_path("x"), "npy", N);
    check_same_file(db_path("out/w.npy"), db_path("x"));
    check_same_file(db_path("out/w.npy.csv"), db_path("x.csv"));
}

static void one_array_is_one_window(void)
{
    FILE *f;
    static const char half[] =
        "\x93NUMPY\1\0\x46\0{'descr': '<f8', 'fortran_order': False, "
        "'shape': (2,), }            \n"
        "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40";
    const char *path = db_path("one.npy");
    f = fopen(path, "wb");
    CHECK(f && fwrite(half, sizeof half - 1, 1, f) == 1);
    if (f) fclose(f);
    import_ok("db", path, NULL, 1);
    check_windows("db", "0 0-0 1\n");
}

static void indexes_come_back(void)
{
    const float *values = some_vectors(N);
    akin_error e = {0};
    vecs *index = NULL;
    float vector[DIM];
    import_ok("db", put_npy("v.npy", values, N, DIM), NULL, N);
    export_ok("db", db_path("w.faiss"), NULL, N);
    CHECK_OK(faiss_load(db_path("w.faiss"), &index, &e), e);
    if (!index) return;
    CHECK_EQ_INT(vecs_size(index), N);
    CHECK_EQ_INT(vecs_get_options(index)->kind, VECS_FLAT);
    CHECK_EQ_INT(vecs_get_options(index)->metric, METRIC_DOT);
    for (size_t i = 0; i < N; i++) { /* ids are those of the windows, from 1 */
        CHECK_OK(vecs_get(index, (int64_t)i + 1, vector, &e), e);
        for (size_t d = 0; d < DIM; d++)
            CHECK_NEAR(vector[d], as_half(values[i * DIM + d]), 0);
    }
    vecs_free(index);
    import_ok("db2", db_path("w.faiss"), NULL, N);
    export_ok("db2", db_path("x.bin"), "faiss", N);
    check_same_file(db_path("w.faiss"), db_path("x.bin"));
    akin_db *db = open_db("db2");
    akin_info info;
    CHECK_STATUS(akin_get_info(db, &info, NULL), AKIN_OK);
    CHECK_EQ_INT(info.n_recordings, N);
    akin_close(db);
}

/* Whatever its lists do to the order, ids ascend and keep their vectors. */
static void every_kind_of_index_is_read(void)
{
    static const char *const kinds[] = {"Flat",         "SQ8",
                                        "IVF3,Flat",    "IVF3,SQ8",
                                        "HNSW8,Flat",   "IDMap,SQ8",
                                        "IDMap,IVF3,Flat"};
    const float *values = some_vectors(N);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        akin_error e = {0};
        vecs_options opt;
        vecs *index = NULL;
        char name[32];
        CHECK_OK(vecs_parse(kinds[k], &opt, &e), e);
        CHECK_OK(vecs_new(&opt, DIM, &index, &e), e);
        CHECK_OK(vecs_train(index, values, N, NULL, &e), e);
        CHECK_OK(vecs_add(index, values, NULL, N, 1, &e), e);
        CHECK_OK(faiss_save(db_path("v.index"), index, &e), e);
        vecs_free(index);
        snprintf(name, sizeof name, "db%zu", k);
        import_ok(name, db_path("v.index"), NULL, N);
        check_clean(name);
        akin_db *db = open_db(name);
        bool coded = strstr(kinds[k], "SQ8") != NULL;
        for (size_t i = 0; db && i < N; i++) {
            float vector[DIM];
            CHECK_OK(akin_get_vector(db, (int64_t)i + 1, vector, &e), e);
            for (size_t d = 0; d < DIM; d++)
                CHECK_NEAR(vector[d], values[i * DIM + d],
                           coded ? 0.02 : 0.001);
        }
        akin_close(db);
    }
}

static void csv_comes_back(void)
{
    static const char csv[] =
        "file_path,start,end,embedding\n"
        "a.wav,0.0,3.0,\"1.0,2.0,-0.5\"\n"
        "\"b, \"\"c\"\"/\xc3\xa9.wav\",1.5,4.5,\"0.0,65504.0,6.103515625e-05\"\n"
        "a.wav,3.0,6.0,\"4.0,5.0,6.0\"\n";
    import_ok("db", put_text("in.csv", csv), NULL, 3);
    check_windows("db", "a.wav 0-3 1\nb, \"c\"/\xc3\xa9.wav 1.5-4.5 0\n"
                        "a.wav 3-6 4\n");
    export_ok("db", db_path("out.csv"), NULL, 3);
    check_same_file(db_path("in.csv"), db_path("out.csv"));
    export_ok("db", db_path("out"), "csv", 3);
    check_same_file(db_path("in.csv"), db_path("out"));
    /* Other names leave the rows where they are. */
    put_text("t.csv", "name\nx\ny\nx\n");
    import_ok("db2", db_path("in.csv"),
              &(akin_import_options){.tracks = db_path("t.csv")}, 3);
    check_windows("db2", "x 0-3 1\ny 1.5-4.5 0\nx 3-6 4\n");
}

/* What an extraction wrote goes out and comes in again, with its model. */
static void extractions_come_back(void)
{
    db_make_recordings();
    akin_close(db_extract(NULL));
    export_ok("db", db_path("v.csv"), NULL, 7);
    export_ok("db", db_path("v.npy"), NULL, 7);
    import_ok("db2", db_path("v.csv"), &(akin_import_options){.model = "mel"},
              7);
    import_ok("db3", db_path("v.npy"),
              &(akin_import_options){.model = "mel",
                                     .tracks = db_path("v.npy.csv")},
              7);
    akin_db *db = open_db("db"), *db2 = open_db("db2"), *db3 = open_db("db3");
    CHECK(db_hash(db) == db_hash(db2));
    CHECK(db_hash(db) == db_hash(db3));
    akin_info a, b;
    CHECK_STATUS(akin_get_info(db, &a, NULL), AKIN_OK);
    CHECK_STATUS(akin_get_info(db2, &b, NULL), AKIN_OK);
    CHECK_EQ_TEXT(a.model_identity, b.model_identity);
    CHECK_EQ_INT(a.rate_hz, b.rate_hz);
    /* So media can be queries, and both can be searched together. */
    akin_results *results = NULL;
    akin_error e = {0};
    CHECK_OK(akin_search((akin_db *[]){db, db2}, 2,
                         &(akin_query){.file = db_path("rec/a.wav")}, NULL,
                         &results, &e), e);
    CHECK_EQ_INT(akin_results_count(results), 10);
    akin_results_free(results);
    akin_close(db);
    akin_close(db2);
    akin_close(db3);
    check_clean("db2");
    /* It is the same database to an extraction, too: nothing new. */
    akin_extract_report report;
    const char *inputs[] = {db_path("rec")};
    akin_db_options opt = {.mode = AKIN_WRITE,
                           .settings = {.set = AKIN_SET_AUDIO_ROOT,
                                        .audio_root = test_dir()}};
    CHECK_OK(akin_open(db_path("db2"), &opt, &db, &e), e);
    CHECK_OK(akin_extract(db, inputs, 1, NULL, &report, &e), e);
    CHECK_EQ_INT(report.n_windows, 0);
    akin_close(db);
}

/* ---- names ------------------------------------------------------------------------ */

static void folders_name_their_vectors(void)
{
    static const float values[] = {1, 2, 3, 4, 5, 6};
    put_npy("f/a-1.npy", values, 1, 2);
    put_npy("f/a.npy", values + 2, 1, 2);
    put_npy("f/sub/b.wav.NPY", values, 3, 2);
    put_text("f/notes.txt", "no array");
    import_ok("db", db_path("f"), NULL, 5);
    check_windows("db", "a 0-0 3\na-1 0-0 1\n"
                        "sub/b.wav 0-0 1\nsub/b.wav 1-1 3\nsub/b.wav 2-2 5\n");
    import_ok("db", db_path("f/"), NULL, 0);
    put_npy("f/c.npy", values, 2, 3);
    import_bad(db_path("f"), NULL, AKIN_ECORRUPT,
               "vector 2 ('c') has dimension 3, those before have 2");
}

static void tracks_name_vectors(void)
{
    static const float values[] = {1, 2, 3, 4};
    put_npy("v.npy", values, 4, 1);
    akin_import_options opt = {.tracks = put_text("t.csv",
                                                  "title\nx\ny\nx\n7\n")};
    import_ok("db", db_path("v.npy"), &opt, 4); /* the second of a name is its window 1 */
    check_windows("db", "x 0-0 1\ny 0-0 2\nx 1-1 3\n7 0-0 4\n");
    opt.tracks = put_text("t.csv", "Track_ID,other\nx,1\ny,2\nx,3\n7,4\n");
    import_ok("db", db_path("v.npy"), &opt, 0);
    opt.tracks = put_text("t.csv", "other,start,end,recording\n"
                                   "a,0,3,x\na,3,6,x\nb,0,3,y\nc,3,6,x\n");
    import_ok("db2", db_path("v.npy"), &opt, 3); /* the last is there twice */
    check_windows("db2", "x 0-3 1\nx 3-6 2\ny 0-3 3\n");
    static const struct {
        const char *text, *words;
        akin_status status;
    } bad[] = {
        {"name\na\nb\nc\n", "has 3 names for the 4 vectors", AKIN_EUSAGE},
        {"name\na\nb\nc\nd\ne\n", "has 5 names for the 4", AKIN_EUSAGE},
        {"a,b\n1,2\n", "has no column recording", AKIN_ECORRUPT},
        {"name\na\n\"\"\nc\nd\n", "has 3 names", AKIN_EUSAGE},
        {"name,x\na,\n,\n", "vector 1 is empty", AKIN_ECORRUPT},
        {"name\n\xff\n", "line 2: the name is not UTF-8", AKIN_ECORRUPT},
        {"name,start\na,1\n", "line 2: start and end", AKIN_ECORRUPT},
        {"name,start,end\na,1,x\n", "line 2: start and end", AKIN_ECORRUPT},
        {"name,start,end\na,3,2\n", "cannot last from 3 s to 2 s",
         AKIN_ECORRUPT},
        {"name,start,end\na,-1,2\n", "cannot last", AKIN_ECORRUPT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        opt.tracks = put_text("t.csv", bad[i].text);
        import_bad(db_path("v.npy"), &opt, bad[i].status, bad[i].words);
    }
    opt.tracks = "/nowhere/t.csv";
    import_bad(db_path("v.npy"), &opt, AKIN_ENOTFOUND, "t.csv");
}

static void datasets_file_by_folders(void)
{
    static const float values[] = {1, 2};
    akin_import_options opt = {
        .dataset = "birds",
        .tracks = put_text("t.csv", "name\nsite1/S_20230512_060000.wav\nx\n")};
    import_ok("db", put_npy("v.npy", values, 2, 1), &opt, 2);
    import_ok("db", db_path("v.npy"), &opt, 0);
    akin_db *db = open_db("db");
    akin_results *results = NULL;
    akin_error e = {0};
    CHECK_OK(akin_search(&db, 1,
                         &(akin_query){.vectors = values, .n_vectors = 1,
                                       .dim = 1},
                         &(akin_search_options){.filter =
                                                    "deployment = site1"},
                         &results, &e), e);
    CHECK_EQ_INT(akin_results_count(results), 1);
    if (results) {
        const akin_hit *hit = akin_results_at(results, 0);
        CHECK_EQ_TEXT(hit->project, "birds");
        CHECK_EQ_TEXT(hit->datetime, "2023-05-12T06:00:00");
    }
    akin_results_free(results);
    akin_close(db);
}

/* ---- searching ---------------------------------------------------------------------- */

static void what_came_in_is_found(void)
{
    const float *values = some_vectors(N);
    akin_error e = {0};
    akin_results *results = NULL;
    import_ok("db", put_npy("v.npy", values, N, DIM),
              &(akin_import_options){.model = "our/net 2"}, N);
    akin_db *db = open_db("db");
    akin_query by_vector = {.vectors = values + 11 * DIM, .n_vectors = 1,
                            .dim = DIM};
    CHECK_OK(akin_search(&db, 1, &by_vector, NULL, &results, &e), e);
    CHECK_EQ_INT(akin_results_count(results), 10);
    if (results) CHECK_EQ_TEXT(akin_results_at(results, 0)->recording, "11");
    akin_results_free(results);
    results = NULL;
    CHECK_OK(akin_search(&db, 1, &(akin_query){.window_id = 3}, NULL, &results,
                         &e), e);
    CHECK_EQ_INT(akin_results_count(results), 10);
    akin_results_free(results);
    results = NULL;
    akin_info info;
    CHECK_STATUS(akin_get_info(db, &info, NULL), AKIN_OK);
    CHECK_EQ_TEXT(info.model, "our/net 2");
    CHECK_EQ_TEXT(info.model_identity, "");
    CHECK(!info.model_available);
    CHECK_EQ_INT(info.dim, DIM);
    CHECK_EQ_INT(info.n_pending, 0);
    db_make_wav("q.wav", 3, 1);
    CHECK_STATUS(akin_search(&db, 1, &(akin_query){.file = db_path("q.wav")},
                             NULL, &results, &e), AKIN_EMODEL);
    size_t n = 0; /* a model's words do not make folders */
    CHECK_OK(akin_export_embeddings(db, db_path("texts"), &n, &e), e);
    CHECK_EQ_INT(n, N);
    CHECK(file_exists(db_path("texts/0_0.0_0.0.our_net 2.embeddings.txt")));
    akin_close(db);
}

/* ---- again, and beside others --------------------------------------------------------- */

static void warn_once(void *user, const char *text)
{
    snprintf(user, 512, "%s", text);
}

static void a_second_import_adds_what_is_new(void)
{
    const float *values = some_vectors(N);
    char told[512] = "";
    akin_import_options opt = {.warn = warn_once, .user = told};
    import_ok("db", put_npy("v.npy", values, 30, DIM), &opt, 30);
    CHECK_EQ_TEXT(told, "");
    import_ok("db", put_npy("v.npy", values, N, DIM), &opt, N - 30);
    CHECK(strstr(told, "30 of 50 vectors") != NULL);
    import_ok("db", db_path("v.npy"), &opt, 0);
    check_clean("db");
    export_ok("db", db_path("w.npy"), NULL, N);
    npy_vectors back = {0};
    akin_error e = {0};
    CHECK_OK(npy_read_vectors(db_path("w.npy"), N * DIM, &back, &e), e);
    for (size_t i = 0; back.data && i < N * DIM; i++)
        CHECK_NEAR(back.data[i], as_half(values[i]), 0);
    mem_free(back.data);
}

static void other_vectors_are_refused(void)
{
    const float *values = some_vectors(N);
    static const struct {
        const char *model;
        size_t dim;
        const char *words;
    } rows[] = {
        {NULL, DIM, "said to be of imported"},
        {"b", DIM, "has vectors of model a, these are said to be of b"},
        {"a", DIM - 1, "has vectors of dimension 7, these have 6"},
    };
    import_ok("db", put_npy("v.npy", values, N, DIM),
              &(akin_import_options){.model = "a"}, N);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        akin_error e = {0};
        put_npy("x.npy", values, 3, rows[i].dim);
        CHECK_STATUS(akin_import_vectors(
                         db_path("db"), db_path("x.npy"),
                         &(akin_import_options){.model = rows[i].model}, NULL,
                         &e), AKIN_ESETTINGS);
        if (!strstr(e.text, rows[i].words))
            test_fail(__FILE__, __LINE__, "'%s' lacks '%s'", e.text,
                      rows[i].words);
    }
    char told[512] = "";
    import_ok("db2", db_path("v.npy"),
              &(akin_import_options){.model = "mel", .warn = warn_once,
                                     .user = told}, N);
    CHECK(strstr(told, "model mel makes vectors of dimension") != NULL);
    akin_db *db = open_db("db2");
    akin_info info;
    CHECK_STATUS(akin_get_info(db, &info, NULL), AKIN_OK);
    CHECK_EQ_TEXT(info.model_identity, "");
    CHECK(!info.model_available);
    akin_close(db);
    import_bad(db_path("v.npy"), &(akin_import_options){.model = ""},
               AKIN_EUSAGE, "1 to 200 bytes");
    import_bad(db_path("v.npy"), &(akin_import_options){.model = "\xff"},
               AKIN_EUSAGE, "UTF-8");
}

/* ---- what is wrong with files ------------------------------------------------------------ */

static void values_fit_or_are_named(void)
{
    float values[] = {1e6f, -INFINITY, 0.5f, 65504, 65510, -1};
    char told[512] = "";
    import_ok("db", put_npy("v.npy", values, 3, 2),
              &(akin_import_options){.warn = warn_once, .user = told}, 3);
    CHECK(strstr(told, "3 values") != NULL);
    check_windows("db", "0 0-0 65504\n1 0-0 0.5\n2 0-0 65504\n");
    values[3] = NAN;
    import_bad(put_npy("v.npy", values, 3, 2), NULL, AKIN_ECORRUPT,
               "value 1 of vector 1 ('1') is NaN");
}

static void bad_files_leave_nothing(void)
{
    static const struct {
        const char *name, *text;
        akin_status status;
        const char *words;
    } rows[] = {
        {"x.npy", "", AKIN_ECORRUPT, "x.npy"},
        {"x.npz", "PK\3\4", AKIN_ECORRUPT, "x.npz"},
        {"x.faiss", "IxFI", AKIN_ECORRUPT, "x.faiss"},
        {"x.bin", "what is this, and why is it 33 bytes", AKIN_ECORRUPT,
         "x.bin"},
        {"x.csv", "", AKIN_EUSAGE, "no vectors"},
        {"x.csv", "file_path,start,end,embedding\n", AKIN_EUSAGE, "no vectors"},
        {"x.csv", "file_path,start,end\na,0,3\n", AKIN_ECORRUPT,
         "no column embedding"},
        {"x.csv", "file_path,embedding\na,\"1,,2\"\n", AKIN_ECORRUPT,
         "line 2: value 1 of the vector, '', is no number"},
        {"x.csv", "file_path,embedding\na,\n", AKIN_ECORRUPT, "value 0"},
        {"x.csv", "file_path,embedding\na,nan\n", AKIN_ECORRUPT, "'nan'"},
        {"x.csv",
         "file_path,embedding\na,\"1,000000000000000000000000000000000000000000"
         "00000000000000000000000000000000000000000\"\n",
         AKIN_ECORRUPT, "value 1"},
        {"x.csv", "file_path,embedding\na,\"1,2\"\nb,1\n", AKIN_ECORRUPT,
         "vector 1 ('b') has dimension 1"},
        {"x.csv", "file_path,embedding\na,\"1,\xff\"\n", AKIN_ECORRUPT, "'?'"},
        {"x.csv", "p,embedding\na,1\n", AKIN_ECORRUPT, "no column recording"},
        {"x.csv", "file_path,embedding\na,1\n\"b\n", AKIN_ECORRUPT, "line 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_text(rows[i].name, rows[i].text);
        import_bad(db_path(rows[i].name), NULL, rows[i].status, rows[i].words);
    }
    import_bad("/nowhere/v.npy", NULL, AKIN_ENOTFOUND, "/nowhere/v.npy");
    CHECK_STATUS(file_make_dirs(db_path("empty"), NULL), AKIN_OK);
    import_bad(db_path("empty"), NULL, AKIN_ENOTFOUND, "no .npy file");
    put_npy("zero.npy", some_vectors(1), 0, DIM);
    import_bad(db_path("zero.npy"), NULL, AKIN_EUSAGE, "no vectors");
    put_npy("thin.npy", some_vectors(1), 3, 0);
    import_bad(db_path("thin.npy"), NULL, AKIN_EUSAGE, "no vectors");
    void *wide = mem_array(65537, sizeof(float));
    if (wide) put_npy("wide.npy", wide, 1, 65537);
    mem_free(wide);
    import_bad(db_path("wide.npy"), NULL, AKIN_ELIMIT, "dimension 65537");
}

static void bad_exports_are_named(void)
{
    akin_error e = {0};
    import_ok("db", put_npy("v.npy", some_vectors(3), 3, DIM), NULL, 3);
    akin_db *db = open_db("db");
    CHECK_STATUS(akin_export_vectors(db, db_path("x.txt"), NULL, NULL, &e),
                 AKIN_EUSAGE);
    CHECK(strstr(e.text, "'x.txt' is no format") != NULL);
    CHECK_STATUS(akin_export_vectors(db, db_path("x.npy"), "annoy", NULL, &e),
                 AKIN_EUSAGE);
    CHECK_STATUS(akin_export_vectors(db, "/dev/null/x.npy", NULL, NULL, &e),
                 AKIN_EIO);
    for (const char *const *f = (const char *[]){"npy", "faiss", "csv", NULL};
         *f; f++) {
        file_fail_at(1);
        CHECK_STATUS(akin_export_vectors(db, db_path("x"), *f, NULL, &e),
                     AKIN_EIO);
        file_fail_at(0);
        CHECK(!file_exists(db_path("x")));
        CHECK(!file_exists(db_path("x.tmp")));
        CHECK(!file_exists(db_path("x.csv.tmp")));
    }
    akin_close(db);
}

/* ---- stopping ------------------------------------------------------------------------------- */

typedef struct stopping {
    const char *phase;
    int after;
} stopping;

/* Slow enough to be asked at every vector. */
static bool stop_after(void *user, const akin_progress *p)
{
    stopping *s = user;
    clock_sleep_s(0.11);
    CHECK(p->fraction >= 0 && p->fraction <= 1 && p->file && p->files_total);
    return strcmp(p->phase, s->phase) != 0 || s->after-- > 0;
}

static void what_was_written_is_kept(void)
{
    const char *npy = put_npy("v.npy", some_vectors(6), 6, DIM);
    stopping at = {"read", 2};
    akin_import_options opt = {.progress = stop_after, .user = &at};
    import_bad(npy, &opt, AKIN_ECANCELLED, "nothing was written");
    akin_error e = {0};
    size_t n = 0;
    at = (stopping){"write", 3};
    CHECK_STATUS(akin_import_vectors(db_path("db"), npy, &opt, &n, &e),
                 AKIN_ECANCELLED);
    CHECK(strstr(e.text, "4 new windows are kept") != NULL);
    CHECK_EQ_INT(n, 4);
    check_clean("db");
    import_ok("db", npy, NULL, 2);
    check_clean("db");
}

/* Memory that runs out anywhere costs the call, never the database. */
static void memory_may_run_out(void)
{
    bool pending = false;
    put_text("t.csv", "name\nx\ny\nx\n");
    put_npy("v.npy", some_vectors(3), 3, DIM);
    for (int64_t n = 1; !pending && n < 2000; n++) {
        akin_error e = {0};
        akin_import_options opt = {.tracks = db_path("t.csv")};
        mem_fail_at(n);
        akin_status status = akin_import_vectors(
            db_path("db"), db_path("v.npy"), &opt, NULL, &e);
        pending = mem_fail_pending();
        mem_fail_at(0);
        if (status == AKIN_OK && !pending) continue; /* only the closing */
        if (!pending && status != AKIN_ENOMEM)
            test_fail(__FILE__, __LINE__, "%lld: %s", (long long)n, e.text);
        if (pending) CHECK_OK(status, e);
    }
    check_windows("db", "x 0-0 0.00808716\ny 0-0 0.614258\nx 1-1 1.2041\n");
}

const test_case test_import_cases[] = {
    {"import/arrays_come_back", arrays_come_back},
    {"import/one_array_is_one_window", one_array_is_one_window},
    {"import/indexes_come_back", indexes_come_back},
    {"import/every_kind_of_index_is_read", every_kind_of_index_is_read},
    {"import/csv_comes_back", csv_comes_back},
    {"import/extractions_come_back", extractions_come_back},
    {"import/folders_name_their_vectors", folders_name_their_vectors},
    {"import/tracks_name_vectors", tracks_name_vectors},
    {"import/datasets_file_by_folders", datasets_file_by_folders},
    {"import/what_came_in_is_found", what_came_in_is_found},
    {"import/a_second_import_adds_what_is_new",
     a_second_import_adds_what_is_new},
    {"import/other_vectors_are_refused", other_vectors_are_refused},
    {"import/values_fit_or_are_named", values_fit_or_are_named},
    {"import/bad_files_leave_nothing", bad_files_leave_nothing},
    {"import/bad_exports_are_named", bad_exports_are_named},
    {"import/what_was_written_is_kept", what_was_written_is_kept},
    {"import/memory_may_run_out", memory_may_run_out},
    {0},
};
