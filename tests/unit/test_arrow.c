/* SPDX-License-Identifier: MIT
 * Arrow files and streams: those of other writers read, ours read back, and
 * broken ones refused, whichever byte is wrong. */
#define _GNU_SOURCE
#include "interop/arrow.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "test.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MAX_BYTES ((size_t)1 << 20)

static const char *path_in_dir(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_dir(), name);
    return path[turn];
}

static const char *golden(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "arrow/%s", name);
    return test_data(path);
}

static arrow_reader *open_reader(const char *path)
{
    arrow_reader *r = NULL;
    akin_error e = {0};
    CHECK_OK(arrow_reader_open(path, &r, &e), e);
    return r;
}

static arrow_batch *open_batch(const arrow_reader *r, size_t i)
{
    arrow_batch *b = NULL;
    akin_error e = {0};
    CHECK_OK(arrow_batch_open(r, i, &b, &e), e);
    return b;
}

static const arrow_view *column(const arrow_reader *r, const arrow_batch *b,
                                const char *name)
{
    size_t i = 0;
    if (!arrow_schema_find(arrow_reader_schema(r), name, &i))
        test_fail(__FILE__, __LINE__, "no column '%s'", name);
    return arrow_batch_column(b, i);
}

static const char *text_at(const arrow_view *v, size_t row)
{
    static char text[2][64];
    static int turn;
    arrow_text t = arrow_view_text(v, row);
    turn = !turn;
    snprintf(text[turn], sizeof text[turn], "%.*s", (int)t.n, t.data);
    return text[turn];
}

/* ---- reading everything there is ---- */

static double touch_view(const arrow_view *v);

static double touch_row(const arrow_view *v, size_t row)
{
    const arrow_field *f = arrow_view_field(v);
    float few[64];
    arrow_range items;
    arrow_text text;
    double sum = arrow_view_is_null(v, row);
    switch (f->type) {
    case ARROW_STRUCT: return sum;
    case ARROW_UTF8:
        text = arrow_view_text(v, row);
        for (size_t i = 0; i < text.n; i++) sum += text.data[i];
        return sum;
    case ARROW_LIST: case ARROW_FIXED_SIZE_LIST:
        items = arrow_view_items(v, row);
        if (items.n <= COUNT(few) &&
            f->children[0].type <= ARROW_TIMESTAMP)
            arrow_view_floats(v, row, few);
        return sum + (double)items.n;
    default: return sum + arrow_view_number(v, row);
    }
}

static double touch_view(const arrow_view *v)
{
    const arrow_field *f = arrow_view_field(v);
    double sum = 0;
    for (size_t i = 0; i < arrow_view_rows(v) && i < 1000; i++)
        sum += touch_row(v, i);
    for (size_t i = 0; f->type != ARROW_OTHER && i < f->n_children; i++)
        if (f->children[i].type != ARROW_OTHER)
            sum += touch_view(arrow_view_child(v, i));
    return sum;
}

/* Every number of every batch, as far as they can be opened. */
static akin_status touch_all(const char *path, akin_error *e)
{
    arrow_reader *r = NULL;
    volatile double sum = 0;
    akin_status status = arrow_reader_open(path, &r, e);
    for (size_t i = 0; status == AKIN_OK && i < arrow_reader_batches(r); i++) {
        arrow_batch *b = NULL;
        status = arrow_batch_open(r, i, &b, e);
        if (status != AKIN_OK) break;
        for (size_t c = 0; c < arrow_reader_schema(r)->n_fields; c++)
            if (arrow_reader_schema(r)->fields[c].type != ARROW_OTHER)
                sum = sum + touch_view(arrow_batch_column(b, c));
        arrow_batch_close(b);
    }
    arrow_reader_close(r);
    return status;
}

/* ---- golden files ---- */

static const struct {
    const char *name;
    double low, high;
} ends[] = {
    {"bool", 1, 0},
    {"int8", -128, 127},
    {"uint8", 0, 255},
    {"int16", -32768, 32767},
    {"uint16", 0, 65535},
    {"int32", -2147483648.0, 2147483647.0},
    {"uint32", 0, 4294967295.0},
    {"int64", -9223372036854775808.0, 9223372036854775807.0},
    {"uint64", 0, 18446744073709551615.0},
    {"halffloat", -0.5, 1024},
    {"float", -0.5, 1024},
    {"double", -0.5, 1024},
    {"s", -1, 1099511627776.0},
    {"ms", -1, 1099511627776.0},
    {"us", -1, 1099511627776.0},
    {"ns", -1, 1099511627776.0},
    {"zone", -1, 1099511627776.0},
};

static void check_numbers(const arrow_reader *r, const arrow_batch *b)
{
    for (size_t i = 0; i < COUNT(ends); i++) {
        const arrow_view *v = column(r, b, ends[i].name);
        CHECK_EQ_INT(arrow_view_rows(v), 2);
        CHECK(!arrow_view_is_null(v, 0) && !arrow_view_is_null(v, 1));
        if (arrow_view_number(v, 0) != ends[i].low ||
            arrow_view_number(v, 1) != ends[i].high)
            test_fail(__FILE__, __LINE__, "%s gave %.17g, %.17g", ends[i].name,
                      arrow_view_number(v, 0), arrow_view_number(v, 1));
    }
    CHECK(arrow_view_int(column(r, b, "int64"), 1) == INT64_MAX);
    CHECK(arrow_view_int(column(r, b, "uint64"), 1) == -1);
    CHECK_EQ_TEXT(arrow_view_field(column(r, b, "zone"))->zone, "UTC");
    CHECK(!arrow_view_field(column(r, b, "us"))->zone);
    CHECK(arrow_view_field(column(r, b, "ns"))->unit == ARROW_NS);
}

static void check_nested(const arrow_reader *r, const arrow_batch *b)
{
    static const char *const texts[] = {"utf8", "large_utf8", "dictionary"};
    static const char *const lists[] = {"list", "large_list"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        const arrow_view *v = column(r, b, texts[i]);
        CHECK_EQ_TEXT(text_at(v, 0), "");
        CHECK_EQ_TEXT(text_at(v, 1), "h\xc3\xa9");
        CHECK_EQ_TEXT(arrow_view_field(v)->type_name, texts[i]);
    }
    for (size_t i = 0; i < COUNT(lists); i++) {
        const arrow_view *v = column(r, b, lists[i]);
        arrow_range items = arrow_view_items(v, 1);
        CHECK_EQ_INT(arrow_view_items(v, 0).n, 0);
        CHECK_EQ_INT(items.n, 3);
        CHECK(arrow_view_is_null(arrow_view_child(v, 0), items.first + 1));
        CHECK_EQ_INT(arrow_view_int(arrow_view_child(v, 0), items.first + 2),
                     3);
    }
    const arrow_view *v = column(r, b, "texts");
    CHECK_EQ_TEXT(text_at(arrow_view_child(v, 0),
                          arrow_view_items(v, 1).first + 1), "cd");
    v = column(r, b, "struct");
    CHECK_EQ_TEXT(text_at(arrow_view_child(v, 0), 0), "x");
    CHECK(arrow_view_is_null(arrow_view_child(v, 0), 1));
    CHECK_EQ_INT(arrow_view_int(arrow_view_child(v, 1), 1), -1);
}

static void check_vectors(const arrow_reader *r, const arrow_batch *b)
{
    static const char *const names[] = {"halffloat x 3", "float x 3",
                                        "double x 3"};
    for (size_t i = 0; i < COUNT(names); i++) {
        float x[3];
        const arrow_view *v = column(r, b, names[i]);
        arrow_view_floats(v, 0, x);
        CHECK(x[0] == 1 && x[1] == 2 && x[2] == 3);
        arrow_view_floats(v, 1, x);
        CHECK(x[0] == -0.5f && isnan(x[1]) && x[2] == 0.25f);
    }
}

static void check_null_row(const arrow_reader *r, const arrow_batch *b)
{
    for (size_t i = 0; i < arrow_reader_schema(r)->n_fields; i++) {
        const arrow_view *v = arrow_batch_column(b, i);
        CHECK_EQ_INT(arrow_view_rows(v), 1);
        CHECK(arrow_view_is_null(v, 0));
        if (arrow_view_field(v)->type == ARROW_UTF8)
            CHECK_EQ_INT(arrow_view_text(v, 0).n, 0);
    }
}

static void reads_types(void)
{
    static const char *const names[] = {"types.arrow", "types.stream",
                                        "types_v4.arrow", "types_v4.stream"};
    for (size_t i = 0; i < COUNT(names); i++) {
        arrow_reader *r = open_reader(golden(names[i]));
        CHECK_EQ_INT(arrow_reader_batches(r), 2);
        CHECK_EQ_INT(arrow_reader_rows(r), 3);
        CHECK_EQ_TEXT(arrow_schema_value(arrow_reader_schema(r), "dim"), "3");
        CHECK(!arrow_schema_value(arrow_reader_schema(r), "metric"));
        arrow_batch *b = open_batch(r, 0);
        CHECK_EQ_INT(arrow_batch_rows(b), 2);
        check_numbers(r, b);
        check_nested(r, b);
        check_vectors(r, b);
        arrow_batch_close(b);
        b = open_batch(r, 1);
        check_null_row(r, b);
        arrow_batch_close(b);
        arrow_reader_close(r);
    }
}

/* Of each batch, as its dictionary was then. */
static void reads_growing_dictionaries(void)
{
    static const char *const wanted[] = {"ab", "abc?", "x", "xy"};
    arrow_reader *r = open_reader(golden("words.stream"));
    CHECK_EQ_INT(arrow_reader_batches(r), COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted); i++) {
        arrow_batch *b = open_batch(r, i);
        const arrow_view *v = arrow_batch_column(b, 0);
        CHECK_EQ_INT(arrow_batch_rows(b), strlen(wanted[i]));
        for (size_t k = 0; k < arrow_batch_rows(b); k++) {
            bool null = arrow_view_is_null(v, k);
            CHECK(null ? wanted[i][k] == '?'
                       : *arrow_view_text(v, k).data == wanted[i][k]);
        }
        arrow_batch_close(b);
    }
    arrow_reader_close(r);
}

static void steps_over_other_types(void)
{
    arrow_reader *r = open_reader(golden("others.arrow"));
    arrow_batch *b = open_batch(r, 0);
    CHECK_EQ_INT(arrow_view_int(column(r, b, "first"), 1), 2);
    CHECK_EQ_TEXT(text_at(column(r, b, "last"), 1), "q");
    CHECK_EQ_TEXT(text_at(arrow_view_child(column(r, b, "struct"), 1), 1),
                  "y");
    static const char *const others[] = {"null", "binary", "date", "view",
                                         "map", "list"};
    for (size_t i = 0; i < COUNT(others); i++) {
        const arrow_view *v = column(r, b, others[i]);
        CHECK_EQ_INT(arrow_view_field(v)->type, ARROW_OTHER);
        CHECK_EQ_INT(arrow_view_rows(v), 0);
    }
    CHECK_EQ_TEXT(arrow_view_field(column(r, b, "view"))->type_name,
                  "utf8_view");
    arrow_batch_close(b);
    arrow_reader_close(r);
}

static void refuses_compressed_bodies(void)
{
    static const char *const names[] = {"lz4", "lz4.arrow", "zstd",
                                        "zstd.stream"};
    for (size_t i = 0; i < COUNT(names); i += 2) {
        akin_error e = {0};
        arrow_reader *r = NULL;
        char words[64];
        snprintf(words, sizeof words, "is compressed (%s); write it without "
                 "compression", names[i]);
        CHECK_STATUS(arrow_reader_open(golden(names[i + 1]), &r, &e),
                     AKIN_EUNSUPPORTED);
        CHECK(strstr(e.text, words));
    }
}

static void reads_what_lancedb_writes(void)
{
    static const char *const names[] = {"embeddings.arrow", "lancedb.arrow",
                                        "lancedb.stream"};
    for (size_t i = 0; i < COUNT(names); i++) {
        arrow_reader *r = open_reader(golden(names[i]));
        size_t row = 0;
        CHECK_EQ_TEXT(arrow_schema_value(arrow_reader_schema(r), "model"),
                      "tint");
        CHECK_EQ_INT(arrow_reader_rows(r), 3);
        for (size_t k = 0; k < arrow_reader_batches(r); k++) {
            arrow_batch *b = open_batch(r, k);
            for (size_t j = 0; j < arrow_batch_rows(b); j++, row++) {
                float x[4];
                char id[8];
                snprintf(id, sizeof id, "i%zu", row);
                arrow_view_floats(column(r, b, "vector"), j, x);
                CHECK(x[0] == (float)row && x[1] == -0.5f * (float)row);
                CHECK_EQ_TEXT(text_at(arrow_view_child(
                                  column(r, b, "item_ref"), 1), j), id);
                CHECK_EQ_INT(arrow_view_int(column(r, b, "created_at"), j),
                             1700000000000000 + (int64_t)row);
                CHECK_EQ_INT(arrow_view_items(column(r, b, "shape"), j).n,
                             row % 2);
            }
            arrow_batch_close(b);
        }
        arrow_reader_close(r);
    }
}

/* ---- ours ---- */

static const arrow_field ref_fields[] = {
    {.name = "name", .type = ARROW_UTF8, .nullable = true},
    {.name = "id", .type = ARROW_UTF8, .nullable = true},
};
static const arrow_field float_item = {
    .name = "item", .type = ARROW_FLOAT32, .nullable = true};
static const arrow_field double_item = {
    .name = "item", .type = ARROW_FLOAT64, .nullable = true};
static const arrow_field half_item = {
    .name = "item", .type = ARROW_FLOAT16, .nullable = true};
static const arrow_field long_item = {
    .name = "item", .type = ARROW_INT64, .nullable = true};
static const arrow_field text_item = {
    .name = "item", .type = ARROW_UTF8, .nullable = true};

static const arrow_field fields[] = {
    {.name = "id", .type = ARROW_UTF8},
    {.name = "good", .type = ARROW_BOOL, .nullable = true},
    {.name = "byte", .type = ARROW_UINT8, .nullable = true},
    {.name = "created_at", .type = ARROW_TIMESTAMP, .unit = ARROW_US},
    {.name = "ref", .type = ARROW_STRUCT, .nullable = true,
     .children = ref_fields, .n_children = 2},
    {.name = "vector", .type = ARROW_FIXED_SIZE_LIST, .size = 3,
     .nullable = true, .children = &float_item, .n_children = 1},
    {.name = "wide", .type = ARROW_FIXED_SIZE_LIST, .size = 1,
     .children = &double_item, .n_children = 1},
    {.name = "half", .type = ARROW_FIXED_SIZE_LIST, .size = 2,
     .children = &half_item, .n_children = 1},
    {.name = "shape", .type = ARROW_LIST, .nullable = true,
     .children = &long_item, .n_children = 1},
    {.name = "tags", .type = ARROW_LIST, .children = &text_item,
     .n_children = 1},
};
static const arrow_pair pairs[] = {{"model", "tint \xe2\x82\xac"}, {"dim", ""}};
static const arrow_schema schema = {fields, COUNT(fields), pairs,
                                    COUNT(pairs)};

/* Of row i: id "r<i>" ... as check_ours says; every third row is null where
 * that is allowed. */
enum { MOST_ROWS = 1100 };
static char ids[MOST_ROWS][8];
static const char *id_texts[MOST_ROWS], *ref_texts[MOST_ROWS];
static bool valid[MOST_ROWS], good[MOST_ROWS], all_bits[MOST_ROWS * 3];
static uint8_t byte_values[MOST_ROWS];
static int64_t times[MOST_ROWS], offsets[MOST_ROWS + 1], shapes[MOST_ROWS * 2];
static float vectors[MOST_ROWS * 3];
static double wides[MOST_ROWS];
static uint16_t halves[MOST_ROWS * 2];
static const char *tags[MOST_ROWS * 2];

static void fill_rows(size_t first, size_t n)
{
    offsets[0] = 0;
    for (size_t k = 0; k < n; k++) {
        size_t i = first + k, at = (size_t)offsets[k];
        snprintf(ids[k], sizeof ids[k], "r%zu", i);
        id_texts[k] = ids[k];
        ref_texts[k] = i % 5 ? ids[k] : NULL;
        valid[k] = i % 3 != 0;
        good[k] = i % 7 < 3;
        byte_values[k] = (uint8_t)i;
        times[k] = 1700000000000000 + (int64_t)i;
        for (size_t j = 0; j < 3; j++) {
            vectors[3 * k + j] = (float)i + 0.25f * (float)j;
            all_bits[3 * k + j] = (i + j) % 4 != 0;
        }
        wides[k] = (double)i / 8;
        halves[2 * k] = 0x3c00;     /* 1 */
        halves[2 * k + 1] = 0xc000; /* -2 */
        offsets[k + 1] = offsets[k] + (int64_t)(i % 3);
        for (size_t j = at; j < (size_t)offsets[k + 1]; j++) {
            shapes[j] = (int64_t)i;
            tags[j] = i % 4 ? ids[k] : NULL;
        }
    }
}

static akin_status put_rows(arrow_writer *w, size_t first, size_t n,
                            akin_error *e)
{
    const arrow_column refs[] = {{.values = id_texts}, {.values = ref_texts}};
    const arrow_column floats = {.values = vectors, .valid = all_bits};
    const arrow_column doubles = {.values = wides}, half = {.values = halves};
    const arrow_column longs = {.values = shapes}, texts = {.values = tags};
    const arrow_column columns[] = {
        {.values = id_texts},
        {.values = good, .valid = valid},
        {.values = byte_values, .valid = valid},
        {.values = times},
        {.valid = valid, .children = refs},
        {.valid = valid, .children = &floats},
        {.children = &doubles},
        {.children = &half},
        {.valid = valid, .offsets = offsets, .children = &longs},
        {.offsets = offsets, .children = &texts},
    };
    fill_rows(first, n);
    return arrow_writer_put(w, columns, n, e);
}

static const size_t sizes[] = {5, 0, 1, MOST_ROWS, 3};

static akin_status write_ours(const char *path, arrow_format format,
                              size_t n_batches, akin_error *e)
{
    arrow_writer *w = NULL;
    akin_status status = arrow_writer_open(path, &schema, format, &w, e);
    if (status != AKIN_OK) return status;
    for (size_t i = 0, row = 0; i < n_batches; row += sizes[i++]) {
        status = put_rows(w, row, sizes[i], e);
        if (status == AKIN_OK) continue;
        arrow_writer_discard(w);
        return status;
    }
    return arrow_writer_commit(w, e);
}

static void check_lists(const arrow_reader *r, const arrow_batch *b, size_t k,
                        size_t i)
{
    const arrow_view *shape = column(r, b, "shape");
    const arrow_view *tag = column(r, b, "tags");
    arrow_range items = arrow_view_items(shape, k);
    CHECK_EQ_INT(items.n, i % 3);
    CHECK_EQ_INT(arrow_view_is_null(shape, k), i % 3 == 0);
    for (size_t j = 0; j < items.n; j++) {
        size_t at = items.first + j;
        CHECK_EQ_INT(arrow_view_int(arrow_view_child(shape, 0), at), i);
        CHECK_EQ_INT(arrow_view_is_null(arrow_view_child(tag, 0), at),
                     i % 4 == 0);
        if (i % 4)
            CHECK_EQ_INT(atoi(text_at(arrow_view_child(tag, 0), at) + 1), i);
    }
}

static void check_floats(const arrow_reader *r, const arrow_batch *b, size_t k,
                         size_t i)
{
    float x[3];
    arrow_view_floats(column(r, b, "vector"), k, x);
    CHECK_EQ_INT(arrow_view_is_null(column(r, b, "vector"), k), i % 3 == 0);
    for (size_t j = 0; j < 3; j++)
        CHECK((i + j) % 4 ? x[j] == (float)i + 0.25f * (float)j : isnan(x[j]));
    arrow_view_floats(column(r, b, "wide"), k, x);
    CHECK(x[0] == (float)i / 8);
    arrow_view_floats(column(r, b, "half"), k, x);
    CHECK(x[0] == 1 && x[1] == -2);
}

static void check_row(const arrow_reader *r, const arrow_batch *b, size_t k,
                      size_t i)
{
    char id[8];
    const arrow_view *ref = column(r, b, "ref");
    snprintf(id, sizeof id, "r%zu", i);
    CHECK_EQ_TEXT(text_at(column(r, b, "id"), k), id);
    CHECK_EQ_INT(arrow_view_int(column(r, b, "good"), k), i % 7 < 3);
    CHECK_EQ_INT(arrow_view_is_null(column(r, b, "good"), k), i % 3 == 0);
    CHECK_EQ_INT(arrow_view_int(column(r, b, "byte"), k), i % 256);
    CHECK_EQ_INT(arrow_view_int(column(r, b, "created_at"), k),
                 1700000000000000 + (int64_t)i);
    CHECK_EQ_INT(arrow_view_is_null(ref, k), i % 3 == 0);
    CHECK_EQ_TEXT(text_at(arrow_view_child(ref, 0), k), id);
    CHECK_EQ_TEXT(text_at(arrow_view_child(ref, 1), k), i % 5 ? id : "");
    check_floats(r, b, k, i);
    check_lists(r, b, k, i);
}

static void check_schema(const arrow_reader *r)
{
    const arrow_schema *s = arrow_reader_schema(r);
    CHECK_EQ_INT(s->n_fields, COUNT(fields));
    for (size_t i = 0; i < s->n_fields; i++) {
        CHECK_EQ_TEXT(s->fields[i].name, fields[i].name);
        CHECK_EQ_INT(s->fields[i].type, fields[i].type);
        CHECK_EQ_INT(s->fields[i].nullable, fields[i].nullable);
        CHECK_EQ_INT(s->fields[i].unit, fields[i].unit);
        CHECK_EQ_INT(s->fields[i].size, fields[i].size);
        CHECK_EQ_INT(s->fields[i].n_children, fields[i].n_children);
    }
    CHECK_EQ_TEXT(arrow_schema_value(s, "model"), pairs[0].value);
    CHECK_EQ_TEXT(arrow_schema_value(s, "dim"), "");
}

static void our_files_come_back(void)
{
    for (size_t i = 0; i < 2 * (COUNT(sizes) + 1); i++) {
        akin_error e = {0};
        size_t n_batches = i / 2, row = 0;
        const char *path = path_in_dir("ours");
        CHECK_OK(write_ours(path, i % 2 ? ARROW_STREAM : ARROW_FILE, n_batches,
                            &e), e);
        arrow_reader *r = open_reader(path);
        CHECK_EQ_INT(arrow_reader_batches(r), n_batches);
        check_schema(r);
        for (size_t n = 0; n < n_batches; n++) {
            arrow_batch *b = open_batch(r, n);
            CHECK_EQ_INT(arrow_batch_rows(b), sizes[n]);
            for (size_t k = 0; k < sizes[n]; k++) check_row(r, b, k, row++);
            arrow_batch_close(b);
        }
        CHECK_EQ_INT(arrow_reader_rows(r), row);
        arrow_reader_close(r);
    }
}

static void a_table_may_have_no_columns(void)
{
    static const arrow_schema none = {0};
    akin_error e = {0};
    arrow_writer *w = NULL;
    const char *path = path_in_dir("none");
    CHECK_OK(arrow_writer_open(path, &none, ARROW_FILE, &w, &e), e);
    CHECK_OK(arrow_writer_put(w, NULL, 0, &e), e);
    CHECK_OK(arrow_writer_commit(w, &e), e);
    CHECK_OK(touch_all(path, &e), e);
}

/* ---- mistakes of the caller ---- */

static void check_open_fails(const arrow_field *field, const arrow_pair *pair,
                             const char *words)
{
    akin_error e = {0};
    arrow_writer *w = NULL;
    const arrow_schema s = {field, 1, pair, pair ? 1 : 0};
    CHECK_STATUS(arrow_writer_open(path_in_dir("bad"), &s, ARROW_FILE, &w, &e),
                 AKIN_EUSAGE);
    CHECK(!w && strstr(e.text, words));
    CHECK(!file_exists(path_in_dir("bad")));
}

static void check_put_fails(const arrow_field *field, const arrow_column *c,
                            const char *words)
{
    akin_error e = {0};
    arrow_writer *w = NULL;
    const arrow_schema s = {field, 1, NULL, 0};
    CHECK_OK(arrow_writer_open(path_in_dir("bad"), &s, ARROW_FILE, &w, &e), e);
    CHECK_STATUS(arrow_writer_put(w, c, 2, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, words));
    arrow_writer_discard(w);
    CHECK(!file_exists(path_in_dir("bad")));
}

static void mistakes_are_named(void)
{
    static const arrow_pair pair = {"key", "\xff"};
    static const char *const one[] = {"a", NULL};
    static const char *const wrong[] = {"a", "\xff"};
    static const int64_t numbers[2] = {1, 2};
    static const bool second[2] = {true, false};
    check_open_fails(&(arrow_field){.name = "a", .type = ARROW_OTHER}, NULL,
                     "column 'a' of '");
    check_open_fails(&(arrow_field){.name = "a", .type = ARROW_TIMESTAMP,
                                    .zone = "UTC"}, NULL, "is not written");
    check_open_fails(&(arrow_field){.name = "\xff", .type = ARROW_UTF8}, NULL,
                     "not UTF-8");
    check_open_fails(&fields[0], &pair, "metadata");
    check_put_fails(&fields[0], &(arrow_column){.values = one},
                    "row 1 of column 'id'");
    check_put_fails(&fields[0], &(arrow_column){.values = wrong}, "not UTF-8");
    check_put_fails(&fields[3], &(arrow_column){.values = numbers,
                                                .valid = second}, "is null");
}

/* ---- broken files ---- */

typedef struct bytes {
    char *data;
    size_t n;
} bytes;

static bytes read_all(const char *path)
{
    bytes b = {0};
    akin_error e = {0};
    CHECK_OK(file_read(path, MAX_BYTES, &b.data, &b.n, &e), e);
    return b;
}

static void write_all(const char *path, const char *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && (n == 0 || fwrite(data, 1, n, f) == n) && fclose(f) == 0);
}

/* A file in memory: disks are slow at being written that often. */
typedef struct memory_file {
    int fd;
    char path[64];
} memory_file;

static memory_file open_memory_file(const char *data, size_t n)
{
    memory_file f = {.fd = memfd_create("broken", MFD_CLOEXEC)};
    CHECK(f.fd >= 0 && write(f.fd, data, n) == (ssize_t)n);
    snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    return f;
}

/* A message there is, of one line, or all was well. */
static akin_status touch_broken(const char *path, akin_error *e)
{
    *e = (akin_error){0};
    akin_status status = touch_all(path, e);
    if (status != AKIN_OK && (!*e->text || strchr(e->text, '\n')))
        test_fail(__FILE__, __LINE__, "the message is '%s'", e->text);
    return status;
}

static akin_status touch_bytes(const char *data, size_t n, akin_error *e)
{
    memory_file f = open_memory_file(data, n);
    akin_status status = touch_broken(f.path, e);
    close(f.fd);
    return status;
}

static const char *small_file(arrow_format format)
{
    akin_error e = {0};
    const char *path = path_in_dir("small");
    CHECK_OK(write_ours(path, format, 3, &e), e);
    return path;
}

/* Each byte changed in n ways; how often it was taken for big-endian. */
static size_t flip_file(const char *path, size_t n_ways)
{
    static const unsigned char flips[] = {0xff, 0x01, 0x80};
    size_t n_big_endian = 0;
    bytes b = read_all(path);
    memory_file f = open_memory_file(b.data, b.n);
    for (size_t i = 0; i < n_ways * b.n; i++) {
        akin_error e;
        char byte = b.data[i / n_ways];
        char other = (char)((unsigned char)byte ^ flips[i % n_ways]);
        CHECK(pwrite(f.fd, &other, 1, (off_t)(i / n_ways)) == 1);
        (void)touch_broken(f.path, &e);
        n_big_endian += strstr(e.text, "big-endian") != NULL;
        CHECK(pwrite(f.fd, &byte, 1, (off_t)(i / n_ways)) == 1);
    }
    close(f.fd);
    mem_free(b.data);
    return n_big_endian;
}

static void any_byte_may_be_wrong(void)
{
    static const char *const names[] = {"types_v4.stream", "words.stream",
                                        "others.arrow", "lancedb.stream"};
    CHECK(flip_file(small_file(ARROW_FILE), 3) > 0);
    CHECK(flip_file(small_file(ARROW_STREAM), 3) > 0);
    for (size_t i = 0; i < COUNT(names); i++)
        (void)flip_file(golden(names[i]), 1);
}

static void cut_files_are_refused(void)
{
    bytes b = read_all(small_file(ARROW_FILE));
    akin_error e;
    for (size_t n = 0; n < b.n; n++)
        if (touch_bytes(b.data, n, &e) != AKIN_ECORRUPT)
            test_fail(__FILE__, __LINE__, "%zu of %zu bytes gave '%s'", n, b.n,
                      e.text);
    CHECK_OK(touch_bytes(b.data, b.n, &e), e);
    mem_free(b.data);
}

/* A stream that ends between two messages is whole. */
static void cut_streams_are_refused(void)
{
    bytes b = read_all(small_file(ARROW_STREAM));
    akin_error e;
    size_t n_whole = 0;
    for (size_t n = 0; n <= b.n; n++)
        n_whole += touch_bytes(b.data, n, &e) == AKIN_OK;
    /* Behind the schema and 3 batches; and the mark of the end, or half. */
    CHECK_EQ_INT(n_whole, 5);
    mem_free(b.data);
}

static void impossible_rows_are_named(void)
{
    static const struct {
        const char *name;
        akin_status status;
        const char *words;
    } rows[] = {
        {"bad_index.stream", AKIN_ECORRUPT,
         "row 1 of column 'word' is outside its dictionary"},
        {"bad_texts.stream", AKIN_ECORRUPT,
         "row 2 of column 'text' is at 1, between 2 and 3"},
        {"bad_list.stream", AKIN_ECORRUPT,
         "row 2 of column 'list' is at 9, between 1 and 3"},
        {"deep.stream", AKIN_ELIMIT, "nested deeper than 16"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        akin_error e = {0};
        CHECK_STATUS(touch_all(golden(rows[i].name), &e), rows[i].status);
        if (!strstr(e.text, rows[i].words))
            test_fail(__FILE__, __LINE__, "the message is '%s'", e.text);
    }
}

static void strangers_are_named(void)
{
    static const struct {
        const char *data;
        size_t n;
        akin_status status;
        const char *words;
    } rows[] = {
        {"", 0, AKIN_ECORRUPT, "neither an Arrow file nor an Arrow stream"},
        {"PAR1 something", 14, AKIN_ECORRUPT, "neither"},
        {"FEA1 something", 14, AKIN_EUNSUPPORTED, "Feather file of version 1"},
        {"ARROW1\0\0", 8, AKIN_ECORRUPT, "cut off"},
        {"\xff\xff\xff\xff\0\0\0\0", 8, AKIN_ECORRUPT, "without a schema"},
    };
    akin_error e;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_STATUS(touch_bytes(rows[i].data, rows[i].n, &e), rows[i].status);
        if (!strstr(e.text, rows[i].words))
            test_fail(__FILE__, __LINE__, "the message is '%s'", e.text);
    }
    CHECK_STATUS(touch_all(path_in_dir("absent"), &e), AKIN_ENOTFOUND);
}

/* ---- failures on the way ---- */

static void reading_survives_no_memory(void)
{
    for (int64_t n = 1; n < 100; n++) {
        akin_error e = {0};
        mem_fail_at(n);
        akin_status status = touch_all(golden("types.stream"), &e);
        bool pending = mem_fail_pending();
        mem_fail_at(0);
        if (pending) {
            CHECK_OK(status, e);
            return;
        }
        CHECK_STATUS(status, AKIN_ENOMEM);
    }
    test_fail(__FILE__, __LINE__, "it never ended");
}

/* The old file or a whole new one, whatever failed. */
static void check_kept(const char *path, akin_status status)
{
    akin_error e = {0};
    bytes b = read_all(path);
    if (b.n == 3) {
        CHECK(status != AKIN_OK);
    } else {
        CHECK_OK(touch_all(path, &e), e);
    }
    mem_free(b.data);
}

static void writing_survives_no_memory(void)
{
    const char *path = path_in_dir("kept");
    for (int64_t n = 1; n < 200; n++) {
        akin_error e = {0};
        write_all(path, "old", 3);
        mem_fail_at(n);
        akin_status status = write_ours(path, ARROW_FILE, 3, &e);
        bool pending = mem_fail_pending();
        mem_fail_at(0);
        check_kept(path, status);
        if (!pending) continue;
        CHECK_OK(status, e);
        return;
    }
    test_fail(__FILE__, __LINE__, "it never ended");
}

static void writing_survives_a_full_disk(void)
{
    const char *path = path_in_dir("kept");
    for (int64_t n = 1; n < 200; n++) {
        akin_error e = {0};
        write_all(path, "old", 3);
        file_fail_at(n);
        akin_status status = write_ours(path, ARROW_STREAM, 5, &e);
        bool pending = file_fail_pending();
        file_fail_at(0);
        check_kept(path, status);
        if (!pending) continue;
        CHECK_OK(status, e);
        return;
    }
    test_fail(__FILE__, __LINE__, "it never ended");
}

const test_case test_arrow_cases[] = {
    {"arrow/reads_types", reads_types},
    {"arrow/reads_growing_dictionaries", reads_growing_dictionaries},
    {"arrow/steps_over_other_types", steps_over_other_types},
    {"arrow/refuses_compressed_bodies", refuses_compressed_bodies},
    {"arrow/reads_what_lancedb_writes", reads_what_lancedb_writes},
    {"arrow/our_files_come_back", our_files_come_back},
    {"arrow/a_table_may_have_no_columns", a_table_may_have_no_columns},
    {"arrow/mistakes_are_named", mistakes_are_named},
    {"arrow/any_byte_may_be_wrong", any_byte_may_be_wrong},
    {"arrow/cut_files_are_refused", cut_files_are_refused},
    {"arrow/cut_streams_are_refused", cut_streams_are_refused},
    {"arrow/impossible_rows_are_named", impossible_rows_are_named},
    {"arrow/strangers_are_named", strangers_are_named},
    {"arrow/reading_survives_no_memory", reading_survives_no_memory},
    {"arrow/writing_survives_no_memory", writing_survives_no_memory},
    {"arrow/writing_survives_a_full_disk", writing_survives_a_full_disk},
    {NULL, NULL},
};
