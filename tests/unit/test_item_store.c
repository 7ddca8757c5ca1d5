/* SPDX-License-Identifier: MIT
 * store/items_*: what is put comes back, what is refused, what others see, ids,
 * and failing memory and disks. */
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "fail_vfs.h"
#include "store/items_int.h"
#include "store_help.h"
#include "test.h"

#define PATH help_path("items.sqlite")

static item_store *open_items(items_mode mode)
{
    item_store *s = NULL;
    akin_error e = {0};
    CHECK_OK(items_open(PATH, mode, 0, &s, &e), e);
    return s;
}

static size_t add_field(item_store *s, const char *name, item_kind kind)
{
    size_t n;
    akin_error e = {0};
    CHECK_OK(items_add_field(s, &(item_field){name, kind}, &e), e);
    items_fields(s, &n);
    return n - 1;
}

static int64_t put_item(item_store *s, const char *id, const item_value *values)
{
    int64_t row = 0;
    akin_error e = {0};
    item_row item = {.id = id,
                     .split = "test",
                     .created_us = 5,
                     .updated_us = 6,
                     .values = values};
    CHECK_OK(items_put(s, &item, &row, &e), e);
    return row;
}

static int64_t put_view(item_store *s, int64_t item, const char *id,
                        const char *name, const char *url)
{
    int64_t row = 0;
    akin_error e = {0};
    view_row view = {.item = item,
                     .id = id,
                     .name = name,
                     .url = url,
                     .created_us = 1,
                     .updated_us = 2,
                     .width = 3,
                     .height = 4,
                     .format = "JPEG",
                     .size_bytes = 5,
                     .mtime_ns = 6};
    CHECK_OK(items_put_view(s, &view, &row, &e), e);
    return row;
}

static const item_value null_value = {.null = true};

static void what_is_put_comes_back(void)
{
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    item_row row;
    add_field(s, "label", ITEM_TEXT);
    add_field(s, "n", ITEM_INTEGER);
    add_field(s, "score", ITEM_NUMBER);
    add_field(s, "good", ITEM_BOOL);
    add_field(s, "taken at \"noon\"", ITEM_TIME);
    const item_value values[] = {{.text = "it's"},
                                 {.integer = INT64_MIN},
                                 {.number = 0.1},
                                 {.integer = 7},
                                 {.integer = -1}};
    const item_value nulls[] = {null_value, null_value, null_value, null_value,
                                null_value};
    CHECK_EQ_INT(put_item(s, "a", values), 1);
    CHECK_EQ_INT(put_item(s, "b", nulls), 2);
    CHECK_OK(items_get(s, 1, &row, &e), e);
    CHECK_EQ_TEXT(row.id, "a");
    CHECK_EQ_TEXT(row.split, "test");
    CHECK_EQ_INT(row.created_us, 5);
    CHECK_EQ_INT(row.updated_us, 6);
    CHECK_EQ_TEXT(row.values[0].text, "it's");
    CHECK_EQ_INT(row.values[1].integer, INT64_MIN);
    CHECK(row.values[2].number == 0.1);
    CHECK_EQ_INT(row.values[3].integer, 1);
    CHECK_EQ_INT(row.values[4].integer, -1);
    CHECK_OK(items_get(s, 2, &row, &e), e);
    for (int i = 0; i < 5; i++) CHECK(row.values[i].null);
    items_close(s);
}

/* Texts of a row stay while others commit, and hold no state of the file. */
static void texts_of_a_row_live_on(void)
{
    item_store *s = open_items(ITEMS_CREATE), *reader;
    akin_error e = {0};
    item_row row;
    view_row view;
    add_field(s, "label", ITEM_TEXT);
    put_item(s, "a", &(item_value){.text = "old"});
    reader = open_items(ITEMS_READ);
    CHECK_OK(items_get(reader, 1, &row, &e), e);
    CHECK_OK(items_set_value(s, 1, 0, &(item_value){.text = "new"}, &e), e);
    CHECK_EQ_TEXT(row.values[0].text, "old");
    CHECK_OK(items_get(reader, 1, &row, &e), e);
    CHECK_EQ_TEXT(row.values[0].text, "new");
    CHECK_STATUS(items_get(reader, 2, &row, &e), AKIN_ENOTFOUND);
    CHECK_EQ_TEXT(e.text, "there is no item with the row number 2");
    CHECK_STATUS(items_get_view(reader, 1, &view, &e), AKIN_ENOTFOUND);
    items_close(reader);
    items_close(s);
}

static void views_come_back(void)
{
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    view_row view;
    int64_t row;
    put_item(s, "a", NULL);
    CHECK_EQ_INT(put_view(s, 1, "v", "image", "a/b.jpg"), 1);
    CHECK_OK(items_get_view(s, 1, &view, &e), e);
    CHECK(view.row == 1 && view.item == 1 && view.width == 3 &&
          view.height == 4 && view.size_bytes == 5 && view.mtime_ns == 6 &&
          view.created_us == 1 && view.updated_us == 2);
    CHECK_EQ_TEXT(view.id, "v");
    CHECK_EQ_TEXT(view.item_id, "a");
    CHECK_EQ_TEXT(view.name, "image");
    CHECK_EQ_TEXT(view.url, "a/b.jpg");
    CHECK_EQ_TEXT(view.format, "JPEG");
    view.width = 30;
    view.format = NULL;
    CHECK_OK(items_put_view(s, &view, &row, &e), e);
    CHECK_EQ_INT(row, 1);
    CHECK_OK(items_get_view(s, 1, &view, &e), e);
    CHECK_EQ_INT(view.width, 30);
    CHECK_EQ_TEXT(view.format, "");
    items_close(s);
}

static void rows_are_found(void)
{
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    int64_t row;
    put_item(s, "a", NULL);
    put_item(s, "b", NULL);
    put_view(s, 2, "v", "image", "x.jpg");
    put_view(s, 1, "w", "image", "x.jpg");
    CHECK_OK(items_find(s, "b", &row, &e), e);
    CHECK_EQ_INT(row, 2);
    CHECK_OK(items_find(s, "B", &row, &e), e);
    CHECK_EQ_INT(row, 0);
    CHECK_OK(items_find_view(s, "w", &row, &e), e);
    CHECK_EQ_INT(row, 2);
    CHECK_OK(items_find_view(s, "a", &row, &e), e);
    CHECK_EQ_INT(row, 0);
    CHECK_OK(items_find_url(s, "image", "x.jpg", &row, &e), e);
    CHECK_EQ_INT(row, 1);
    CHECK_OK(items_find_url(s, "depth", "x.jpg", &row, &e), e);
    CHECK_EQ_INT(row, 0);
    items_close(s);
}

/* ---- what is refused ---------------------------------------------------- */

static void ids_and_urls_are_unique(void)
{
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    char big[300] = {0};
    put_item(s, "a", NULL);
    put_item(s, "b", NULL);
    put_view(s, 1, "v", "image", "x");
    put_view(s, 2, "w", "image", "x");
    memset(big, 'x', 256);
    const struct {
        item_row row;
        akin_status status;
        const char *text;
    } items[] = {
        {{.id = "a"}, AKIN_EEXISTS, "there is an item 'a' already"},
        {{.row = 2, .id = "a"}, AKIN_EEXISTS, "there is an item 'a' already"},
        {{.row = 9, .id = "c"},
         AKIN_ENOTFOUND,
         "there is no item with the row number 9"},
        {{.id = ""},
         AKIN_EUSAGE,
         "an id must be 1 to 255 bytes of UTF-8, not ''"},
        {{.id = big}, AKIN_EUSAGE, NULL},
        {{.id = "\xff"}, AKIN_EUSAGE, NULL},
    };
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        CHECK_STATUS(items_put(s, &items[i].row, NULL, &e), items[i].status);
        if (items[i].text) CHECK_EQ_TEXT(e.text, items[i].text);
    }
    const struct {
        view_row row;
        akin_status status;
        const char *text;
    } views[] = {
        {{.item = 1, .id = "v", .name = "image", .url = "y"},
         AKIN_EEXISTS,
         "there is a view 'v' already"},
        {{.item = 1, .id = "z", .name = "image", .url = "x"},
         AKIN_EEXISTS,
         "the item has a view 'image' with the url 'x' already"},
        {{.row = 2, .item = 1, .id = "w", .name = "image", .url = "x"},
         AKIN_EEXISTS,
         "the item has a view 'image' with the url 'x' already"},
        {{.row = 7, .item = 1, .id = "z", .name = "image", .url = "z"},
         AKIN_ENOTFOUND,
         "there is no view with the row number 7"},
        {{.item = 7, .id = "z", .name = "image", .url = "z"},
         AKIN_ENOTFOUND,
         NULL},
    };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        CHECK_STATUS(items_put_view(s, &views[i].row, NULL, &e),
                     views[i].status);
        if (views[i].text) CHECK_EQ_TEXT(e.text, views[i].text);
    }
    CHECK_STATUS(items_remove(s, 9, &e), AKIN_ENOTFOUND);
    items_close(s);
}

static akin_status open_status(items_mode mode, akin_error *e)
{
    item_store *s;
    akin_status status = items_open(PATH, mode, 0, &s, e);
    CHECK((status == AKIN_OK) == (s != NULL));
    items_close(s);
    return status;
}

static void what_is_none_of_ours_is_refused(void)
{
    akin_error e = {0};
    CHECK_STATUS(open_status(ITEMS_READ, &e), AKIN_ENOTFOUND);
    CHECK_STATUS(open_status(ITEMS_WRITE, &e), AKIN_ENOTFOUND);
    CHECK(!file_exists(PATH));
    help_sql(PATH, "CREATE TABLE other (x)");
    for (items_mode mode = ITEMS_READ; mode <= ITEMS_CREATE; mode++) {
        CHECK_STATUS(open_status(mode, &e), AKIN_EUNSUPPORTED);
        CHECK(strstr(e.text,
                     "is an SQLite database, but not one of a dataset's "
                     "items"));
    }
    CHECK_EQ_TEXT(help_query(PATH, "PRAGMA journal_mode"), "delete");
    unlink(PATH);
    item_store *s = open_items(ITEMS_CREATE);
    items_close(s);
    help_sql(PATH, "UPDATE akin_items SET format = 2");
    CHECK_STATUS(open_status(ITEMS_READ, &e), AKIN_EVERSION);
    CHECK(strstr(e.text, "has format 2 of items; this akin knows format 1"));
    help_sql(PATH, "UPDATE akin_items SET format = 1;"
                   "INSERT INTO akin_fields VALUES (0, 'x', 'colour')");
    CHECK_STATUS(open_status(ITEMS_READ, &e), AKIN_ECORRUPT);
    unlink(PATH);
    FILE *f = fopen(PATH, "w");
    for (int i = 0; f && i < 1000; i++) fputs("hello", f);
    if (f) fclose(f);
    CHECK_STATUS(open_status(ITEMS_READ, &e), AKIN_ECORRUPT);
    CHECK_STATUS(open_status(ITEMS_CREATE, &e), AKIN_ECORRUPT);
}

/* ---- fields ------------------------------------------------------------- */

static void fields_may_have_any_name(void)
{
    static const char *const good[] = {
        "a b",   "\"",  "'", "sel;ect", "order", "\xc3\xa4\xf0\x9f\x90\xa6",
        "rowid", "row", "-", "a.b",     "oid",   "%s",
        "[x]",   "name"};
    static const struct {
        const char *name;
        akin_status status;
    } bad[] = {{"", AKIN_EUSAGE},         {"ID", AKIN_EUSAGE},
               {"split", AKIN_EUSAGE},    {"Created_At", AKIN_EUSAGE},
               {"akin_row", AKIN_EUSAGE}, {"akin_widened", AKIN_EUSAGE},
               {"\xff", AKIN_EUSAGE},     {"A B", AKIN_EEXISTS}};
    enum { N = sizeof good / sizeof *good };
    item_value values[N];
    char text[N][8];
    item_row row;
    size_t n;
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    for (size_t i = 0; i < N; i++) {
        CHECK_EQ_INT(add_field(s, good[i], ITEM_TEXT), i);
        snprintf(text[i], sizeof text[i], "%zu", i);
        values[i] = (item_value){.text = text[i]};
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(
            items_add_field(s, &(item_field){bad[i].name, ITEM_TEXT}, &e),
            bad[i].status);
    CHECK_EQ_TEXT(e.text, "there is a field 'a b' already");
    put_item(s, "a", values);
    items_close(s);
    s = open_items(ITEMS_READ);
    const item_field *fields = items_fields(s, &n);
    CHECK_EQ_INT(n, N);
    CHECK_OK(items_get(s, 1, &row, &e), e);
    for (size_t i = 0; i < N && i < n; i++) {
        CHECK_EQ_TEXT(fields[i].name, good[i]);
        CHECK_EQ_TEXT(row.values[i].text, text[i]);
    }
    items_close(s);
}

static void fields_have_a_limit(void)
{
    char name[16];
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    CHECK_OK(items_begin(s, &e), e);
    for (int i = 0; i < ITEMS_MAX_FIELDS; i++) {
        snprintf(name, sizeof name, "f%d", i);
        add_field(s, name, ITEM_INTEGER);
    }
    CHECK_STATUS(items_add_field(s, &(item_field){"x", ITEM_TEXT}, &e),
                 AKIN_ELIMIT);
    put_item(s, "a", NULL);
    CHECK_OK(items_commit(s, &e), e);
    items_close(s);
}

static void fields_are_widened(void)
{
    static const item_kind kinds[] = {ITEM_INTEGER, ITEM_INTEGER, ITEM_NUMBER,
                                      ITEM_BOOL,    ITEM_TIME,    ITEM_TEXT};
    static const char *const texts[] = {
        NULL, "-7", "0.1", "true", "2024-05-12T06:00:00.000001", "x"};
    enum { N = sizeof kinds / sizeof *kinds };
    const item_value values[N] = {{.integer = 5},
                                  {.integer = -7},
                                  {.number = 0.1},
                                  {.integer = 1},
                                  {.integer = 1715493600000001},
                                  {.text = "x"}};
    item_value nulls[N];
    item_row row;
    size_t n;
    item_store *s = open_items(ITEMS_CREATE), *reader;
    akin_error e = {0};
    for (size_t i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof name, "a \"%zu\"", i);
        add_field(s, name, kinds[i]);
        nulls[i] = null_value;
    }
    put_item(s, "a", values);
    put_item(s, "b", nulls);
    reader = open_items(ITEMS_READ);
    CHECK_OK(items_widen_field(s, 0, ITEM_NUMBER, &e), e);
    for (size_t i = 1; i < N; i++)
        CHECK_OK(items_widen_field(s, i, ITEM_TEXT, &e), e);
    CHECK_STATUS(items_widen_field(s, 0, ITEM_INTEGER, &e), AKIN_EUSAGE);
    CHECK_EQ_TEXT(e.text, "the field 'a \"0\"' cannot become integer: it is "
                          "number");
    int64_t version;
    CHECK_OK(items_version(reader, &version, &e), e);
    CHECK_EQ_INT(items_fields(reader, &n)[1].kind, ITEM_TEXT);
    CHECK_OK(items_get(reader, 1, &row, &e), e);
    CHECK(row.values[0].number == 5);
    for (size_t i = 1; i < N; i++) CHECK_EQ_TEXT(row.values[i].text, texts[i]);
    CHECK_OK(items_get(reader, 2, &row, &e), e);
    for (size_t i = 0; i < N; i++) CHECK(row.values[i].null);
    items_close(reader);
    items_close(s);
    CHECK_EQ_TEXT(help_query(PATH, "SELECT type FROM pragma_table_info('items')"
                                   " WHERE name LIKE 'a %'"
                                   " ORDER BY name"),
                  "REAL|TEXT|TEXT|TEXT|TEXT|TEXT");
}

static void a_rollback_takes_fields_back(void)
{
    size_t n;
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    add_field(s, "a", ITEM_INTEGER);
    put_item(s, "x", &(item_value){.integer = 3});
    CHECK_OK(items_begin(s, &e), e);
    add_field(s, "b", ITEM_TEXT);
    CHECK_OK(items_widen_field(s, 0, ITEM_TEXT, &e), e);
    CHECK_OK(items_set_value(s, 1, 1, &(item_value){.text = "t"}, &e), e);
    items_rollback(s);
    const item_field *fields = items_fields(s, &n);
    CHECK(n == 1 && fields[0].kind == ITEM_INTEGER);
    item_row row;
    CHECK_OK(items_get(s, 1, &row, &e), e);
    CHECK_EQ_INT(row.values[0].integer, 3);
    add_field(s, "b", ITEM_NUMBER);
    CHECK_OK(items_set_value(s, 1, 1, &(item_value){.number = 0.5}, &e), e);
    CHECK_OK(items_get(s, 1, &row, &e), e);
    CHECK(row.values[1].number == 0.5);
    CHECK_STATUS(items_set_value(s, 9, 1, &null_value, &e), AKIN_ENOTFOUND);
    items_close(s);
}

/* ---- changes seen by others --------------------------------------------- */

static int64_t version_of(item_store *s)
{
    int64_t version = 0;
    akin_error e = {0};
    CHECK_OK(items_version(s, &version, &e), e);
    return version;
}

static void the_version_counts_commits_with_a_change(void)
{
    item_store *s = open_items(ITEMS_CREATE), *reader;
    akin_error e = {0};
    reader = open_items(ITEMS_READ);
    CHECK_EQ_INT(version_of(s), 1);
    put_item(s, "a", NULL);
    CHECK_EQ_INT(version_of(s), 2);
    CHECK_EQ_INT(version_of(reader), 2);
    CHECK_OK(items_begin(s, &e), e);
    CHECK_OK(items_commit(s, &e), e);
    CHECK_EQ_INT(version_of(s), 2);
    CHECK_OK(items_begin(s, &e), e);
    put_item(s, "b", NULL);
    put_item(s, "c", NULL);
    CHECK_EQ_INT(version_of(reader), 2);
    CHECK_OK(items_commit(s, &e), e);
    CHECK_EQ_INT(version_of(reader), 3);
    CHECK_OK(items_begin(s, &e), e);
    put_item(s, "d", NULL);
    items_rollback(s);
    CHECK_EQ_INT(version_of(reader), 3);
    CHECK_OK(items_begin(reader, &e), e);
    put_item(s, "d", NULL);
    CHECK_EQ_INT(version_of(reader), 3);
    CHECK_OK(items_commit(reader, &e), e);
    CHECK_EQ_INT(version_of(reader), 4);
    CHECK_STATUS(items_put(reader, &(item_row){.id = "e"}, NULL, &e),
                 AKIN_EUSAGE);
    items_close(reader);
    items_close(s);
    CHECK(!file_exists(help_path("items.sqlite-wal")));
}

static void texts_are_kept(void)
{
    char *text;
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    CHECK_OK(items_get_text(s, "media", &text, &e), e);
    CHECK(!text);
    CHECK_OK(items_set_text(s, "media", "/a", &e), e);
    CHECK_OK(items_set_text(s, "media", "/b", &e), e);
    CHECK_OK(items_get_text(s, "media", &text, &e), e);
    CHECK_EQ_TEXT(text, "/b");
    mem_free(text);
    CHECK_OK(items_set_text(s, "media", NULL, &e), e);
    CHECK_OK(items_get_text(s, "media", &text, &e), e);
    CHECK(!text);
    items_close(s);
}

static void row_numbers_are_never_used_again(void)
{
    int64_t n_items, n_views;
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    put_item(s, "a", NULL);
    put_item(s, "b", NULL);
    put_view(s, 1, "u", "image", "x");
    put_view(s, 2, "v", "image", "x");
    CHECK_OK(items_remove(s, 2, &e), e);
    CHECK_OK(items_count(s, &n_items, &n_views, &e), e);
    CHECK(n_items == 1 && n_views == 1);
    items_close(s);
    s = open_items(ITEMS_WRITE);
    CHECK_EQ_INT(put_item(s, "b", NULL), 3);
    CHECK_EQ_INT(put_view(s, 3, "v", "image", "x"), 3);
    items_close(s);
}

/* ---- all rows ----------------------------------------------------------- */

static akin_status list_item(void *user, const item_row *row, akin_error *err)
{
    (void)err;
    strcat(user, row->id);
    return strcmp(row->id, "c") == 0 ? AKIN_ECANCELLED : AKIN_OK;
}

static akin_status list_view(void *user, const view_row *row, akin_error *err)
{
    (void)err;
    strcat(user, row->id);
    return AKIN_OK;
}

static void rows_are_visited_in_order(void)
{
    static const struct {
        const char *name;
        int64_t item;
        const char *ids;
    } walks[] = {{NULL, 0, "uvwx"}, {"image", 0, "uwx"}, {"depth", 0, "v"},
                 {NULL, 1, "uv"},   {"image", 1, "u"},   {"none", 1, ""},
                 {NULL, 9, ""}};
    char out[64] = "", **names;
    size_t n;
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    CHECK_OK(items_view_names(s, &names, &n, &e), e);
    CHECK_EQ_INT(n, 0);
    mem_free(names);
    put_item(s, "b", NULL);
    put_item(s, "a", NULL);
    put_item(s, "c", NULL);
    put_item(s, "d", NULL);
    put_view(s, 1, "u", "image", "1");
    put_view(s, 1, "v", "depth", "2");
    put_view(s, 3, "w", "image", "3");
    put_view(s, 2, "x", "image", "4");
    CHECK_STATUS(items_each(s, list_item, out, &e), AKIN_ECANCELLED);
    CHECK_EQ_TEXT(out, "bac");
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        out[0] = 0;
        CHECK_OK(items_each_view(s, walks[i].name, walks[i].item, list_view,
                                 out, &e),
                 e);
        CHECK_EQ_TEXT(out, walks[i].ids);
    }
    CHECK_OK(items_view_names(s, &names, &n, &e), e);
    CHECK_EQ_INT(n, 2);
    CHECK_EQ_TEXT(names[0], "depth");
    CHECK_EQ_TEXT(names[1], "image");
    for (size_t i = 0; i < n; i++) mem_free(names[i]);
    mem_free(names);
    items_close(s);
}

/* ---- ids and times ------------------------------------------------------ */

static void ids_are_as_shortuuid_makes_them(void)
{
    /* uuid5 of NAMESPACE_DNS and example.com, of shortuuid's README */
    static const unsigned char example[16] = {
        0xcf, 0xbf, 0xf0, 0xd1, 0x93, 0x75, 0x56, 0x85,
        0x96, 0x8c, 0x48, 0xce, 0x8b, 0x15, 0xae, 0x17};
    unsigned char bytes[16] = {0};
    char id[ITEMS_ID_CHARS + 1], other[ITEMS_ID_CHARS + 1];
    akin_error e = {0};
    items_encode_uuid(example, id);
    CHECK_EQ_TEXT(id, "exu3DTbj2ncsn9tLdLWspw");
    items_encode_uuid(bytes, id);
    CHECK_EQ_TEXT(id, "2222222222222222222222");
    bytes[15] = 57;
    items_encode_uuid(bytes, id);
    CHECK_EQ_TEXT(id, "2222222222222222222232");
    memset(bytes, 0xff, sizeof bytes);
    items_encode_uuid(bytes, id);
    CHECK_EQ_TEXT(id, "oZEq7ovRbLq6UnGMPwc8B5");
    CHECK_OK(items_new_id(id, &e), e);
    CHECK_OK(items_new_id(other, &e), e);
    CHECK(strlen(id) == ITEMS_ID_CHARS && strcmp(id, other) != 0);
    CHECK(!strpbrk(id, "01IOl"));
}

static void times_are_read_and_written(void)
{
    static const struct {
        const char *text;
        int64_t us;
        const char *back; /* NULL: as text */
    } good[] = {
        {"1970-01-01T00:00:00", 0, NULL},
        {"1969-12-31T23:59:59.999999", -1, NULL},
        {"2024-05-12T06:00:00", 1715493600000000, NULL},
        {"2024-05-12", 1715472000000000, "2024-05-12T00:00:00"},
        {"2024-05-12 06:00", 1715493600000000, "2024-05-12T06:00:00"},
        {"2024-05-12T06:00:00.1234569Z", 1715493600123456,
         "2024-05-12T06:00:00.123456"},
        {"2024-05-12T08:30:00+02:30", 1715493600000000, "2024-05-12T06:00:00"},
        {"2024-05-11T22:00-08", 1715493600000000, "2024-05-12T06:00:00"},
        {"0001-01-01T00:00:00", -62135596800000000, NULL},
        {"9999-12-31T23:59:59", 253402300799000000, NULL},
        {"2000-02-29T00:00:00", 951782400000000, NULL},
        {"1600-03-01T00:00:00", -11670912000000000, NULL},
    };
    static const char *const bad[] = {"",
                                      "2024",
                                      "2024-05",
                                      "2024-05-12T",
                                      "2024-05-12T06",
                                      "2024-02-30",
                                      "2024-05-12T06:00:00x",
                                      "12.5.2024",
                                      "2024-05-12T06:00:00.",
                                      "2024-05-12Z"};
    char text[ITEMS_TIME_BYTES];
    int64_t us = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK(items_parse_time(good[i].text, &us));
        CHECK_EQ_INT(us, good[i].us);
        items_format_time(us, text);
        CHECK_EQ_TEXT(text, good[i].back ? good[i].back : good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (items_parse_time(bad[i], &us))
            test_fail(__FILE__, __LINE__, "'%s' is a time", bad[i]);
    items_format_time(INT64_MIN, text);
    CHECK_EQ_TEXT(text, "-290308-12-21T19:59:05.224192");
    items_format_time(INT64_MAX, text);
    CHECK_EQ_TEXT(text, "294247-01-10T04:00:54.775807");
}

/* ---- columns ------------------------------------------------------------ */

static const char *where_ids(item_columns *c, item_store *s, const char *where)
{
    static char out[512];
    uint64_t *bits = NULL;
    akin_error e = {0};
    out[0] = 0;
    if (item_columns_where(c, s, where, &bits, &e) != AKIN_OK)
        snprintf(out, sizeof out, "%s", e.text);
    for (size_t i = 0; bits && i < item_columns_rows(c); i++)
        if (bits[i / 64] >> i % 64 & 1)
            snprintf(out + strlen(out), sizeof out - strlen(out), "%zu ",
                     i + 1);
    mem_free(bits);
    return out;
}

static item_columns *new_columns(item_store *s)
{
    item_columns *c = NULL;
    akin_error e = {0};
    CHECK_OK(item_columns_new(&c, &e), e);
    CHECK_EQ_INT(item_columns_rows(c), 0);
    CHECK_EQ_INT(item_columns_present(c)[0], 0);
    CHECK_OK(item_columns_refresh(c, s, &e), e);
    return c;
}

static void columns_follow_the_file(void)
{
    item_store *s = open_items(ITEMS_CREATE), *reader;
    akin_error e = {0};
    add_field(s, "Label", ITEM_TEXT);
    add_field(s, "n", ITEM_INTEGER);
    const item_value cat[] = {{.text = "cat"}, {.integer = 5}};
    const item_value dog[] = {{.text = "dog"}, null_value};
    put_item(s, "m", cat);
    put_item(s, "b", dog);
    put_item(s, "x", cat);
    put_item(s, "a", cat);
    CHECK_OK(items_remove(s, 3, &e), e);
    reader = open_items(ITEMS_READ);
    item_columns *c = new_columns(reader);
    CHECK_EQ_INT(item_columns_rows(c), 4);
    CHECK_EQ_INT(item_columns_count(c), 3);
    CHECK_EQ_INT(item_columns_present(c)[0], 0xb);
    const uint32_t *rank = item_columns_rank(c);
    CHECK(rank[0] == 2 && rank[1] == 1 && rank[2] == UINT32_MAX &&
          rank[3] == 0);
    CHECK_EQ_TEXT(where_ids(c, reader, "label = 'cat'"), "1 4 ");
    CHECK_EQ_TEXT(where_ids(c, reader, "not label = 'dog' or n is null"),
                  "1 2 4 ");
    CHECK_EQ_TEXT(where_ids(c, reader, "true"), "1 2 4 ");
    CHECK_EQ_TEXT(where_ids(c, reader, "id >= 'b' and split = 'test'"), "1 2 ");
    CHECK_EQ_TEXT(where_ids(c, reader,
                            "created_at < '1970-01-02' and "
                            "updated_at > '1969-12-31'"),
                  "1 2 4 ");
    CHECK_EQ_TEXT(where_ids(c, reader, "good"),
                  "where, position 1: there is no column 'good'; columns are "
                  "id, split, created_at, updated_at, Label, n");
    CHECK_OK(items_set_value(s, 4, 0, &(item_value){.text = "dog"}, &e), e);
    add_field(s, "good", ITEM_BOOL);
    CHECK_OK(items_set_value(s, 1, 2, &(item_value){.integer = 1}, &e), e);
    CHECK_EQ_TEXT(where_ids(c, reader, "label = 'cat'"), "1 4 ");
    CHECK_OK(item_columns_refresh(c, reader, &e), e);
    CHECK_EQ_TEXT(where_ids(c, reader, "label = 'cat'"), "1 ");
    CHECK_EQ_TEXT(where_ids(c, reader, "good"), "1 ");
    item_columns_free(c);
    items_close(reader);
    items_close(s);
}

static void columns_of_a_rolled_back_change_go(void)
{
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    add_field(s, "n", ITEM_INTEGER);
    put_item(s, "a", &(item_value){.integer = 1});
    item_columns *c = new_columns(s);
    CHECK_OK(items_begin(s, &e), e);
    CHECK_OK(items_set_value(s, 1, 0, &(item_value){.integer = 2}, &e), e);
    put_item(s, "b", &(item_value){.integer = 2});
    CHECK_OK(item_columns_refresh(c, s, &e), e);
    items_rollback(s);
    CHECK_OK(item_columns_refresh(c, s, &e), e);
    CHECK_EQ_INT(item_columns_count(c), 1);
    CHECK_EQ_TEXT(where_ids(c, s, "n = 1"), "1 ");
    item_columns_free(c);
    items_close(s);
}

static void columns_give_an_order(void)
{
    static const struct {
        const char *column;
        bool down;
        int64_t rows[4];
    } orders[] = {
        {"id", false, {4, 2, 1, 3}},    {"ID", true, {3, 1, 2, 4}},
        {"n", false, {4, 1, 3, 2}},     {"n", true, {1, 3, 4, 2}},
        {"split", false, {1, 2, 3, 4}}, {"split", true, {1, 2, 3, 4}}};
    item_store *s = open_items(ITEMS_CREATE);
    akin_error e = {0};
    int64_t *rows;
    size_t n;
    add_field(s, "n", ITEM_INTEGER);
    put_item(s, "m", &(item_value){.integer = 5});
    put_item(s, "b", &null_value);
    put_item(s, "x", &(item_value){.integer = 5});
    put_item(s, "a", &(item_value){.integer = -5});
    item_columns *c = new_columns(s);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        CHECK_OK(item_columns_sort(c, s, item_columns_present(c),
                                   orders[i].column, orders[i].down, &rows, &n,
                                   &e),
                 e);
        CHECK_EQ_INT(n, 4);
        for (size_t k = 0; k < n; k++) CHECK_EQ_INT(rows[k], orders[i].rows[k]);
        mem_free(rows);
    }
    CHECK_STATUS(item_columns_sort(c, s, item_columns_present(c), "x", false,
                                   &rows, &n, &e),
                 AKIN_EUSAGE);
    CHECK_EQ_TEXT(e.text, "there is no column 'x' to sort by; columns are id, "
                          "split, created_at, updated_at, n");
    item_columns_free(c);
    items_close(s);
}

/* ---- failing memory and disks ------------------------------------------- */

static akin_status ask_all(item_store *s, akin_error *err)
{
    item_columns *c = NULL;
    uint64_t *bits = NULL;
    int64_t *rows = NULL;
    size_t n;
    akin_status status = AKIN_OK;
    AKIN_TRYG(item_columns_new(&c, err));
    AKIN_TRYG(item_columns_refresh(c, s, err));
    AKIN_TRYG(item_columns_where(c, s, "t = 'a' or n = 1", &bits, err));
    AKIN_TRYG(item_columns_sort(c, s, bits, "t", false, &rows, &n, err));
    CHECK_EQ_INT(n, 2);
done:
    mem_free(rows);
    mem_free(bits);
    item_columns_free(c);
    return status;
}

static akin_status change_all(item_store *s, akin_error *err)
{
    const item_value a[] = {{.text = "a"}, {.integer = 1}};
    const view_row view = {.item = 1, .id = "v", .name = "image", .url = "x"};
    char out[64] = "", **names;
    item_row row;
    view_row got;
    int64_t found;
    size_t n;
    AKIN_TRY(items_begin(s, err));
    AKIN_TRY(items_add_field(s, &(item_field){"t", ITEM_TEXT}, err));
    AKIN_TRY(items_add_field(s, &(item_field){"n", ITEM_INTEGER}, err));
    AKIN_TRY(items_put(s, &(item_row){.id = "a", .values = a}, NULL, err));
    AKIN_TRY(items_put(s, &(item_row){.id = "b", .values = a}, NULL, err));
    AKIN_TRY(items_put_view(s, &view, NULL, err));
    AKIN_TRY(items_widen_field(s, 1, ITEM_NUMBER, err));
    AKIN_TRY(items_set_text(s, "media", "/a", err));
    AKIN_TRY(items_commit(s, err));
    AKIN_TRY(items_get(s, 1, &row, err));
    AKIN_TRY(items_get_view(s, 1, &got, err));
    AKIN_TRY(items_find_url(s, "image", "x", &found, err));
    AKIN_TRY(items_each(s, list_item, out, err));
    AKIN_TRY(items_each_view(s, NULL, 0, list_view, out, err));
    AKIN_TRY(items_view_names(s, &names, &n, err));
    for (size_t i = 0; i < n; i++) mem_free(names[i]);
    mem_free(names);
    return AKIN_OK;
}

static akin_status whole_life(const char *path, akin_error *err)
{
    item_store *s = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRYG(items_open(path, ITEMS_CREATE, 0, &s, err));
    AKIN_TRYG(change_all(s, err));
    items_close(s);
    s = NULL;
    AKIN_TRYG(items_open(path, ITEMS_READ, 0, &s, err));
    AKIN_TRYG(ask_all(s, err));
done:
    items_close(s);
    return status;
}

static void every_allocation_may_fail(void)
{
    bool reached = true;
    fail_vfs_install(); /* to sync nothing */
    for (int n = 1; reached && n < 10000; n++) {
        char name[32];
        akin_error e = {0};
        snprintf(name, sizeof name, "%d.sqlite", n);
        const char *path = help_path(name);
        mem_fail_at(n);
        akin_status status = whole_life(path, &e);
        reached = !mem_fail_pending();
        mem_fail_at(0);
        CHECK(status == AKIN_OK || (reached && status == AKIN_ENOMEM));
        if (status != AKIN_OK && status != AKIN_ENOMEM) puts(e.text);
    }
    fail_vfs_uninstall();
    CHECK(!reached);
}

/* In steps: SQLite allocates some thousand times in a life. */
static void every_allocation_of_sqlite_may_fail(void)
{
    bool reached = true;
    help_fail_memory_install();
    fail_vfs_install();
    for (int64_t n = 1; reached && n < 1000000; n += 1 + n / 40) {
        char name[32];
        akin_error e = {0};
        snprintf(name, sizeof name, "%lld.sqlite", (long long)n);
        const char *path = help_path(name);
        help_fail_memory_at(n);
        akin_status status = whole_life(path, &e);
        reached = help_fail_memory_failed();
        help_fail_memory_at(0);
        CHECK(status == AKIN_OK || (reached && status == AKIN_ENOMEM));
        if (status != AKIN_OK && status != AKIN_ENOMEM)
            printf("    %lld: %s\n", (long long)n, e.text);
    }
    CHECK(!reached);
    fail_vfs_uninstall();
    help_fail_memory_uninstall();
}

enum { TORTURE_ITEMS = 100 };

/* Items with a view each and a field that becomes wider, at once. */
static akin_status insert_many(item_store *s, akin_error *err)
{
    char id[16];
    int64_t row;
    AKIN_TRY(items_begin(s, err));
    AKIN_TRY(items_add_field(s, &(item_field){"t", ITEM_INTEGER}, err));
    for (int i = 0; i < TORTURE_ITEMS; i++) {
        const item_value value = {.integer = i};
        snprintf(id, sizeof id, "item %d", i);
        AKIN_TRY(
            items_put(s, &(item_row){.id = id, .values = &value}, &row, err));
        AKIN_TRY(items_put_view(
            s, &(view_row){.item = row, .id = id, .name = "image", .url = id},
            NULL, err));
    }
    AKIN_TRY(items_widen_field(s, 0, ITEM_TEXT, err));
    return items_commit(s, err);
}

/* The store itself is whole again after a failure, too. */
static void check_all_or_nothing(item_store *s, akin_status status)
{
    int64_t n_items = -1, n_views = -1;
    size_t n;
    akin_error e = {0};
    items_rollback(s);
    const item_field *fields = items_fields(s, &n);
    CHECK_OK(items_count(s, &n_items, &n_views, &e), e);
    CHECK_EQ_INT(n_items, n_views);
    CHECK(n_items == TORTURE_ITEMS || (n_items == 0 && status != AKIN_OK));
    CHECK_EQ_INT(n, n_items > 0);
    if (n > 0) CHECK_EQ_INT(fields[0].kind, ITEM_TEXT);
}

static void torture_disk(bool small, bool for_good)
{
    bool reached = true;
    for (int n = 1; reached && n < 5000; n++) {
        akin_error e = {0};
        char name[32];
        item_store *s = NULL;
        snprintf(name, sizeof name, "d%d%d%d.sqlite", n, small, for_good);
        const char *path = help_path(name);
        CHECK_OK(items_open(path, ITEMS_CREATE, 0, &s, &e), e);
        if (!s) return;
        if (small)
            sqlite3_exec(s->db->db, "PRAGMA cache_size = 10", NULL, NULL, NULL);
        fail_vfs_at(n, for_good);
        akin_status status = insert_many(s, &e);
        reached = fail_vfs_failed();
        fail_vfs_at(0, false);
        CHECK(status == AKIN_OK || (reached && status == AKIN_EIO));
        check_all_or_nothing(s, status);
        items_close(s);
        CHECK_EQ_TEXT(help_query(path, "PRAGMA integrity_check"), "ok");
        unlink(path);
    }
    CHECK(!reached);
}

static void a_transaction_is_whole_or_absent_on_a_failing_disk(void)
{
    fail_vfs_install();
    torture_disk(false, false);
    torture_disk(false, true);
    torture_disk(true, false);
    torture_disk(true, true);
    fail_vfs_uninstall();
}

static void creation_can_be_repeated_after_a_failure(void)
{
    bool reached = true;
    fail_vfs_install();
    for (int n = 1; reached && n < 1000; n++) {
        akin_error e = {0};
        fail_vfs_at(n, true);
        akin_status status = open_status(ITEMS_CREATE, &e);
        reached = fail_vfs_failed();
        fail_vfs_at(0, false);
        CHECK(status == AKIN_OK || status == AKIN_EIO);
        CHECK_STATUS(open_status(ITEMS_CREATE, &e), AKIN_OK);
        CHECK_STATUS(open_status(ITEMS_WRITE, &e), AKIN_OK);
        unlink(PATH);
        unlink(help_path("items.sqlite-wal"));
        unlink(help_path("items.sqlite-shm"));
    }
    fail_vfs_uninstall();
    CHECK(!reached);
}

#define CASE(name)                                                             \
    {                                                                          \
        "item_store/" #name, name                                              \
    }

const test_case test_item_store_cases[] = {
    CASE(what_is_put_comes_back),
    CASE(texts_of_a_row_live_on),
    CASE(views_come_back),
    CASE(rows_are_found),
    CASE(ids_and_urls_are_unique),
    CASE(what_is_none_of_ours_is_refused),
    CASE(fields_may_have_any_name),
    CASE(fields_have_a_limit),
    CASE(fields_are_widened),
    CASE(a_rollback_takes_fields_back),
    CASE(the_version_counts_commits_with_a_change),
    CASE(texts_are_kept),
    CASE(row_numbers_are_never_used_again),
    CASE(rows_are_visited_in_order),
    CASE(ids_are_as_shortuuid_makes_them),
    CASE(times_are_read_and_written),
    CASE(columns_follow_the_file),
    CASE(columns_of_a_rolled_back_change_go),
    CASE(columns_give_an_order),
    CASE(every_allocation_may_fail),
    CASE(every_allocation_of_sqlite_may_fail),
    CASE(a_transaction_is_whole_or_absent_on_a_failing_disk),
    CASE(creation_can_be_repeated_after_a_failure),
    {NULL, NULL},
};
