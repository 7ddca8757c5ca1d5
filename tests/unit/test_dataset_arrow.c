/* SPDX-License-Identifier: MIT
 * engine/dataset_arrow: tables out and in again, and files that are none. */
#include "base/memory.h"
#include "dataset_help.h"
#include "db_files.h"
#include "interop/arrow.h"
#include "test.h"

enum { DIM = 7, N = 5 };

static akin_dataset *make(void)
{
    akin_error e = {0};
    float values[N][DIM];
    char ids[N][16];
    akin_dataset_vector put[N];
    akin_dataset *ds = dataset_make(N, 1);
    for (unsigned i = 0; i < N; i++) {
        dataset_values(i + 1, values[i], DIM);
        snprintf(ids[i], sizeof ids[i], "i%03uv0", i);
        put[i] = (akin_dataset_vector){ids[i], values[i]};
    }
    CHECK_OK(akin_dataset_put_vectors(ds, "emb", NULL, DIM, put, N, false, NULL,
                                      NULL, &e), e);
    return ds;
}

static void check_same(akin_dataset *ds, const char *table, const char *as)
{
    akin_error e = {0};
    akin_rows *a = NULL, *b = NULL;
    CHECK_OK(akin_dataset_get(ds, table, NULL, &a, &e), e);
    CHECK_OK(akin_dataset_get(ds, as, NULL, &b, &e), e);
    CHECK_EQ_INT(akin_rows_count(a), akin_rows_count(b));
    for (size_t i = 0; i < akin_rows_count(a) && i < akin_rows_count(b); i++) {
        const akin_value *x = akin_rows_at(a, i), *y = akin_rows_at(b, i);
        CHECK_EQ_TEXT(x[0].text, y[0].text);
        CHECK_EQ_INT(x[4].n, y[4].n);
        for (size_t k = 0; k < x[4].n; k++)
            CHECK_NEAR(x[4].vector[k], y[4].vector[k], 0);
    }
    akin_rows_free(a);
    akin_rows_free(b);
}

static void tables_come_back(void)
{
    akin_error e = {0};
    akin_dataset *ds = make();
    for (int stream = 0; stream < 2; stream++) {
        size_t n_written = 0, n_added = 0, n_unknown = 0;
        const char *path = db_path(stream ? "s.arrows" : "t.arrow");
        const char *table = stream ? "two" : "one";
        CHECK_OK(akin_dataset_export_arrow(ds, "emb", path, stream, &n_written,
                                           &e), e);
        CHECK_EQ_INT(n_written, N);
        CHECK_OK(akin_dataset_import_arrow(ds, table, path, NULL, false,
                                           &n_added, &n_unknown, &e), e);
        CHECK_EQ_INT(n_added, N);
        CHECK_EQ_INT(n_unknown, 0);
        check_same(ds, "emb", table);
    }
    akin_dataset_close(ds);
}

static void columns_are_pixanos(void)
{
    akin_error e = {0};
    akin_dataset *ds = make();
    arrow_reader *reader = NULL;
    static const char *const names[] = {"id",     "created_at", "updated_at",
                                        "item_ref", "vector",   "shape",
                                        "view_ref"};
    CHECK_OK(akin_dataset_export_arrow(ds, "emb", db_path("t.arrow"), false,
                                       NULL, &e), e);
    CHECK_OK(arrow_reader_open(db_path("t.arrow"), &reader, &e), e);
    if (reader) {
        const arrow_schema *schema = arrow_reader_schema(reader);
        arrow_batch *batch = NULL;
        CHECK_EQ_INT(schema->n_fields, 7);
        for (size_t i = 0; i < 7 && i < schema->n_fields; i++)
            CHECK_EQ_TEXT(schema->fields[i].name, names[i]);
        CHECK_EQ_INT(schema->fields[4].size, DIM);
        CHECK_OK(arrow_batch_open(reader, 0, &batch, &e), e);
        arrow_text id = arrow_view_text(
            arrow_view_child(arrow_batch_column(batch, 6), 1), 2);
        CHECK(id.n == 6 && memcmp(id.data, "i002v0", 6) == 0);
        CHECK_EQ_INT(arrow_view_items(arrow_batch_column(batch, 5), 4).n, 1);
        arrow_batch_close(batch);
    }
    arrow_reader_close(reader);
    akin_dataset_close(ds);
}

/* Nothing of a file with a bad row is taken. */
static void bad_files_leave_no_trace(void)
{
    akin_error e = {0};
    akin_dataset *ds = make();
    static const char *const ids[] = {"i000v0", "nobody"};
    float values[] = {1, 2, 3, 4};
    const arrow_field number = {.name = "item", .type = ARROW_FLOAT32};
    arrow_field fields[] = {
        {.name = "vector", .type = ARROW_FIXED_SIZE_LIST, .size = 2,
         .children = &number, .n_children = 1},
        {.name = "view_id", .type = ARROW_UTF8}};
    const arrow_schema schema = {.fields = fields, .n_fields = 2};
    const arrow_column child = {.values = values};
    const arrow_column columns[] = {{.children = &child}, {.values = ids}};
    for (int bad = 0; bad < 3; bad++) {
        size_t n_added = 9, n_unknown = 9;
        arrow_writer *writer = NULL;
        values[3] = bad == 1 ? NAN : 4;
        fields[1].name = bad == 2 ? "other" : "view_id";
        CHECK_OK(arrow_writer_open(db_path("x.arrow"), &schema, ARROW_FILE,
                                   &writer, &e), e);
        CHECK_OK(arrow_writer_put(writer, columns, 2, &e), e);
        CHECK_OK(arrow_writer_commit(writer, &e), e);
        akin_status status = akin_dataset_import_arrow(
            ds, "flat", db_path("x.arrow"), "clip", false, &n_added, &n_unknown,
            &e);
        CHECK_EQ_INT(status, bad ? AKIN_EUSAGE : AKIN_OK);
        CHECK_EQ_INT(n_added, bad ? 0 : 1);
        CHECK_EQ_INT(n_unknown, bad ? 0 : 1);
    }
    CHECK_STATUS(akin_dataset_import_arrow(ds, "flat", db_path("none"), NULL,
                                           false, NULL, NULL, &e),
                 AKIN_ENOTFOUND);
    akin_dataset_close(ds);
}

const test_case test_dataset_arrow_cases[] = {
    {"dataset_arrow/tables_come_back", tables_come_back},
    {"dataset_arrow/columns_are_pixanos", columns_are_pixanos},
    {"dataset_arrow/bad_files_leave_no_trace", bad_files_leave_no_trace},
    {0},
};
