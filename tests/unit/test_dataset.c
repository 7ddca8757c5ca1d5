/* SPDX-License-Identifier: MIT
 * engine/dataset, dataset_library, dataset_get, dataset_tables: opening, rows,
 * tables, and files that stay in their folder. */
#define _GNU_SOURCE
#include "dataset_files.h"
#include "test.h"

#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "db_files.h"
#include "engine/dataset_int.h"
#include "engine/dataset_rows.h"

static const akin_dataset_import_options plain;

/* Five items: one with two views, ids 1 to 5. */
static akin_dataset *make_ds(bool write)
{
    dataset_make_image("pics/a.jpg", 10, 4, 1);
    dataset_make_image("pics/b.jpg", 20, 4, 2);
    dataset_make_image("pics/c.jpg", 30, 4, 3);
    dataset_make_text("pics/metadata.jsonl",
                      "{\"id\": \"1\", \"image\": \"c.jpg\", \"kind\": \"x\", "
                      "\"n\": 3}\n"
                      "{\"id\": \"2\", \"image\": \"b.jpg\", \"kind\": \"y\"}\n"
                      "{\"id\": \"3\", \"image\": [\"a.jpg\", \"b.jpg\"], "
                      "\"kind\": \"x\", \"n\": 1, \"split\": \"s\"}\n"
                      "{\"id\": \"4\", \"image\": \"a.jpg\", \"kind\": \"it's\","
                      " \"n\": 2}\n"
                      "{\"id\": \"5\", \"image\": \"b.jpg\", \"kind\": \"z\", "
                      "\"n\": 2}\n");
    dataset_import_pics(plain, AKIN_OK);
    return dataset_open_ds(write);
}

/* ---- opening ------------------------------------------------------------------- */

static void what_is_no_dataset_is_refused(void)
{
    akin_error e = {0};
    akin_dataset *ds = NULL;
    CHECK_STATUS(akin_dataset_open("/nowhere", NULL, &ds, &e), AKIN_ENOTFOUND);
    CHECK_EQ_TEXT(e.text, "no dataset found in '/nowhere'");
    dataset_make_text("ds/info.json", "{\"id\": \"p\"}");
    CHECK_STATUS(akin_dataset_open(db_path("ds"), NULL, &ds, &e),
                 AKIN_ENOTFOUND);
    CHECK(strstr(e.text, "its rows are not akin's") != NULL);
    CHECK(!file_exists(db_path("ds/akin.lock")));
    dataset_make_text("ds/info.json", "[]");
    CHECK_STATUS(akin_dataset_open(db_path("ds"), NULL, &ds, &e),
                 AKIN_ECORRUPT);
    CHECK(ds == NULL);
}

static void info_is_told(void)
{
    akin_dataset *ds = make_ds(false);
    akin_dataset_info info;
    akin_error e = {0};
    CHECK_OK(akin_dataset_get_info(ds, &info, &e), e);
    CHECK_EQ_TEXT(info.path, db_path("ds"));
    CHECK_EQ_TEXT(info.media, db_path("pics"));
    CHECK_EQ_TEXT(info.name, "ds");
    CHECK_EQ_TEXT(info.workspace, "image");
    CHECK_EQ_INT(strlen(info.id), 22);
    CHECK_EQ_INT(info.n_items, 5);
    CHECK_EQ_INT(info.n_views, 6);
    CHECK_STATUS(akin_dataset_remove_items(ds, NULL, 0, NULL, &e),
                 AKIN_EUSAGE);
    CHECK_STATUS(akin_dataset_create_table(ds, "x", NULL, &e), AKIN_EUSAGE);
    CHECK_STATUS(akin_dataset_drop_table(ds, "x", &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "was opened for reading only") != NULL);
    akin_dataset_close(ds);
}

static void one_writer_at_a_time(void)
{
    akin_dataset *ds = make_ds(true), *second = NULL;
    akin_dataset_options opt = {.write = true, .busy_s = 0.01};
    CHECK_STATUS(akin_dataset_open(db_path("ds"), &opt, &second, NULL),
                 AKIN_EBUSY);
    opt.write = false;
    CHECK_STATUS(akin_dataset_open(db_path("ds"), &opt, &second, NULL),
                 AKIN_OK);
    CHECK_EQ_TEXT(dataset_dump(second, "item", "id", NULL), "1\n2\n3\n4\n5\n");
    akin_dataset_close(ds);
    akin_dataset_close(second);
}

/* A dataset with its media in it can be moved; other media can be given. */
static void media_are_where_they_are_said(void)
{
    akin_error e = {0};
    akin_dataset *ds = NULL;
    akin_dataset_info info;
    dataset_make_image("ds/media/a.jpg", 4, 4, 1);
    CHECK_OK(akin_dataset_import(db_path("ds"), db_path("ds/media"), NULL, NULL,
                                 &e), e);
    CHECK_OK(file_rename(db_path("ds"), db_path("moved"), &e), e);
    CHECK_OK(akin_dataset_open(db_path("moved"), NULL, &ds, &e), e);
    CHECK_OK(akin_dataset_get_info(ds, &info, &e), e);
    CHECK_EQ_TEXT(info.media, db_path("moved/media"));
    akin_dataset_close(ds);
    akin_dataset_options opt = {.media = db_path("elsewhere"), .write = true};
    CHECK_OK(akin_dataset_open(db_path("moved"), &opt, &ds, &e), e);
    akin_dataset_close(ds);
    CHECK_OK(akin_dataset_open(db_path("moved"), NULL, &ds, &e), e);
    CHECK_OK(akin_dataset_get_info(ds, &info, &e), e);
    CHECK_EQ_TEXT(info.media, db_path("elsewhere"));
    akin_dataset_close(ds);
}

static bool list_dataset(void *user, const akin_dataset_info *info,
                         const char *problem)
{
    text_buf_printf(user, "%s %s %s\n", file_name(info->path),
                    info->id ? info->id : "-", problem ? "bad" : "good");
    return true;
}

static void libraries_are_walked(void)
{
    static const char *const ids[] = {"ids", "cars", "b"};
    akin_error e = {0};
    dataset_make_image("pics/a.jpg", 4, 4, 1);
    for (int i = 0; i < 3; i++) {
        char name[16];
        akin_dataset_import_options opt = {.id = ids[i]};
        snprintf(name, sizeof name, "lib/%c", "abc"[i]);
        CHECK_OK(akin_dataset_import(db_path(name), db_path("pics"), &opt, NULL,
                                     &e), e);
    }
    dataset_make_text("lib/broken/info.json", "{");
    dataset_make_text("lib/no/dataset.txt", "");
    text_buf list;
    text_buf_init(&list, 1 << 16);
    CHECK_OK(akin_dataset_each(db_path("lib"), list_dataset, &list, &e), e);
    CHECK_EQ_TEXT(list.data, "a ids good\nb cars good\nbroken - bad\n"
                             "c b good\n");
    text_buf_clear(&list);
    static const struct {
        const char *wanted, *folder;
    } finds[] = {{"ids", "a"}, {"cars", "b"}, {"a", "a"}, {"c", "c"}, {"b", "c"}};
    for (size_t i = 0; i < sizeof finds / sizeof *finds; i++) {
        akin_dataset *ds = NULL;
        akin_dataset_info info = {0};
        CHECK_OK(akin_dataset_find(db_path("lib"), finds[i].wanted, NULL, &ds,
                                   &e), e);
        if (ds) CHECK_OK(akin_dataset_get_info(ds, &info, &e), e);
        CHECK_EQ_TEXT(info.path ? file_name(info.path) : NULL, finds[i].folder);
        akin_dataset_close(ds);
    }
    akin_dataset *ds = NULL;
    CHECK_STATUS(akin_dataset_find(db_path("lib"), "../pics", NULL, &ds, &e),
                 AKIN_ENOTFOUND);
    CHECK(strstr(e.text, "dataset '../pics' not found in '") != NULL);
    CHECK_STATUS(akin_dataset_each("/nowhere", list_dataset, NULL, &e),
                 AKIN_ENOTFOUND);
}

/* ---- urls ----------------------------------------------------------------------- */

static void urls_stay_in_their_folder(void)
{
    static const struct {
        const char *url, *wanted; /* NULL: refused */
    } rows[] = {
        {"a.jpg", "a.jpg"},
        {"/a.jpg", "a.jpg"},
        {"///a.jpg", "a.jpg"},
        {"./x/./y.jpg", "x/y.jpg"},
        {"x/../y.jpg", "y.jpg"},
        {"/m/x.jpg", "x.jpg"},
        {"/m/../x.jpg", NULL},
        {"/mm/x.jpg", "mm/x.jpg"},
        {"file:///m/x.jpg", "x.jpg"},
        {"file:///m/a/../x.jpg", "x.jpg"},
        {"file:///etc/passwd", NULL},
        {"file://host/m/x.jpg", NULL},
        {"file:///m/../etc/passwd", NULL},
        {"http://x/y.jpg", NULL},
        {"s3://x/y.jpg", NULL},
        {"c:x.jpg", "c:x.jpg"},
        {"..", NULL},
        {"../x.jpg", NULL},
        {"/../x.jpg", NULL},
        {"x/../../y.jpg", NULL},
        {"...", "..."},
        {"..a/b..", "..a/b.."},
        {"", NULL},
        {"/", NULL},
        {".", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *out = NULL;
        akin_error e = {0};
        akin_status status = dataset_url("/m", rows[i].url, &out, &e);
        if (status != (rows[i].wanted ? AKIN_OK : AKIN_EUSAGE))
            test_fail(__FILE__, __LINE__, "'%s' gave %s: %s", rows[i].url,
                      akin_status_name(status), e.text);
        if (rows[i].wanted && out) CHECK_EQ_TEXT(out, rows[i].wanted);
        mem_free(out);
    }
}

static void views_have_files(void)
{
    akin_error e = {0};
    char *path = NULL;
    akin_dataset *ds = make_ds(false);
    const char *ids[] = {"1"};
    akin_dataset_get_options opt = {.item_ids = ids, .n_item_ids = 1};
    char id[64];
    snprintf(id, sizeof id, "%s", dataset_dump(ds, "image", "id", &opt));
    id[strcspn(id, "\n")] = 0;
    CHECK_OK(akin_dataset_view_path(ds, id, &path, &e), e);
    CHECK_EQ_TEXT(path, db_path("pics/c.jpg"));
    akin_free(path);
    path = NULL;
    CHECK_STATUS(akin_dataset_view_path(ds, "x", &path, &e), AKIN_ENOTFOUND);
    CHECK_EQ_TEXT(e.text, "view 'x' not found in dataset");
    CHECK(unlink(db_path("pics/c.jpg")) == 0);
    CHECK_STATUS(akin_dataset_view_path(ds, id, &path, &e), AKIN_ENOTFOUND);
    CHECK(symlink("/etc/hostname", db_path("pics/c.jpg")) == 0);
    CHECK_STATUS(akin_dataset_view_path(ds, id, &path, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "url 'c.jpg' leads out of the media folder") != NULL);
    CHECK(path == NULL);
    akin_dataset_close(ds);
}

/* ---- rows ------------------------------------------------------------------------- */

#define IDS(...)                                                               \
    .ids = (const char *const[]){__VA_ARGS__},                                 \
    .n_ids = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define ITEM_IDS(...)                                                          \
    .item_ids = (const char *const[]){__VA_ARGS__},                            \
    .n_item_ids = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

static void items_are_got(void)
{
    const struct {
        akin_dataset_get_options opt;
        const char *wanted;
    } rows[] = {
        {{0}, "1\n2\n3\n4\n5\n"},
        {{.limit = 2}, "1\n2\n"},
        {{.limit = 2, .skip = 4}, "5\n"},
        {{.skip = 3}, "4\n5\n"},
        {{.skip = 9}, ""},
        {{IDS("4", "1", "9", "4")}, "1\n4\n"},
        {{IDS("4", "1"), .sort = "n"}, "1\n4\n"},
        {{IDS("4", "1"), .where = "n = 2"}, "4\n"},
        {{IDS("4", "1", "3"), .where = "n = 9 OR kind = 'x'"}, "1\n3\n"},
        {{.ids = (const char *const[]){NULL}, .n_ids = 0}, ""},
        {{ITEM_IDS("5", "2")}, "2\n5\n"},
        {{.where = "kind = 'x'"}, "1\n3\n"},
        {{.where = "kind = 'it''s' OR n >= 3"}, "1\n4\n"},
        {{.where = "n IS NULL"}, "2\n"},
        {{.where = "split = 's' AND id > '2'"}, "3\n"},
        {{.where = "kind = 'x'", .limit = 1, .skip = 1}, "3\n"},
        {{.sort = "n"}, "3\n4\n5\n1\n2\n"},
        {{.sort = "n", .descending = true}, "1\n4\n5\n3\n2\n"},
        {{.sort = "kind", .where = "n = 2", .descending = true}, "5\n4\n"},
        {{.sort = "id", .descending = true, .limit = 2, .skip = 1}, "4\n3\n"},
        {{IDS("1"), ITEM_IDS("1")},
         "ids and item_ids cannot be set at the same time"},
        {{IDS("1"), .limit = 1},
         "ids and limit cannot be set at the same time"},
        {{ITEM_IDS("1"), .limit = 1},
         "ids and limit cannot be set at the same time"},
    };
    akin_dataset *ds = make_ds(false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = dataset_dump(ds, "item", "id", &rows[i].opt);
        if (strcmp(got, rows[i].wanted) != 0)
            test_fail(__FILE__, __LINE__, "row %zu: '%s', not '%s'", i, got,
                      rows[i].wanted);
    }
    CHECK_EQ_TEXT(dataset_dump(ds, "none", "id", NULL),
                  "table 'none' not found in dataset");
    akin_dataset_get_options bad = {.where = "nothing = 1"};
    CHECK(strstr(dataset_dump(ds, "item", "id", &bad), "nothing") != NULL);
    bad = (akin_dataset_get_options){.sort = "nothing"};
    CHECK(strstr(dataset_dump(ds, "item", "id", &bad), "nothing") != NULL);
    akin_dataset_close(ds);
}

static void views_are_got(void)
{
    const struct {
        akin_dataset_get_options opt;
        const char *wanted;
    } rows[] = {
        {{0}, "item:1 c.jpg\nitem:2 b.jpg\nitem:3 a.jpg\nitem:3 b.jpg\n"
              "item:4 a.jpg\nitem:5 b.jpg\n"},
        {{.limit = 2, .skip = 1}, "item:2 b.jpg\nitem:3 a.jpg\n"},
        {{.skip = 5}, "item:5 b.jpg\n"},
        {{ITEM_IDS("3", "1", "8")},
         "item:1 c.jpg\nitem:3 a.jpg\nitem:3 b.jpg\n"},
        {{ITEM_IDS("3", "1"), .limit = 1, .skip = 1}, "item:3 a.jpg\n"},
        {{ITEM_IDS("3"), .where = "url = 'c.jpg' OR url = 'b.jpg'"},
         "item:3 b.jpg\n"},
        {{.where = "width > 10 AND item_ref.id <> '5'"},
         "item:1 c.jpg\nitem:2 b.jpg\nitem:3 b.jpg\n"},
        {{.where = "item_ref.name = 'item' AND url LIKE 'A%'"},
         "item:3 a.jpg\nitem:4 a.jpg\n"},
        {{.sort = "width", .descending = true, .limit = 3},
         "item:1 c.jpg\nitem:2 b.jpg\nitem:3 b.jpg\n"},
        {{.sort = "url", .skip = 4}, "item:5 b.jpg\nitem:1 c.jpg\n"},
        {{.where = "width = 20", .limit = 1, .skip = 1}, "item:3 b.jpg\n"},
        {{.sort = "x"}, "there is no column 'x' to sort table 'image' by"},
        {{IDS("x"), .limit = 1},
         "ids and limit cannot be set at the same time"},
    };
    akin_dataset *ds = make_ds(false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = dataset_dump(ds, "image", "item_ref,url",
                                       &rows[i].opt);
        if (strcmp(got, rows[i].wanted) != 0)
            test_fail(__FILE__, __LINE__, "row %zu: '%s', not '%s'", i, got,
                      rows[i].wanted);
    }
    akin_dataset_get_options bad = {.where = "nothing = 1"};
    const char *text = dataset_dump(ds, "image", "id", &bad);
    CHECK(strstr(text, "nothing") && strstr(text, "item_ref.id"));
    akin_dataset_close(ds);
}

/* Columns of memory are those of the rows, whoever wrote them. */
static void rows_are_those_of_now(void)
{
    akin_dataset *ds = make_ds(false);
    akin_dataset_get_options opt = {.where = "kind = 'x' OR color = 'red'"};
    CHECK(strstr(dataset_dump(ds, "item", "id", &opt), "color") != NULL);
    dataset_make_text("pics/metadata.jsonl",
                      "{\"id\": \"6\", \"image\": \"c.jpg\", \"color\": "
                      "\"red\"}\n");
    dataset_import_pics(plain, AKIN_OK);
    CHECK_EQ_TEXT(dataset_dump(ds, "item", "id", &opt), "1\n3\n6\n");
    akin_dataset_close(ds);
}

/* ---- tables ------------------------------------------------------------------------ */

static bool list_table(void *user, const akin_dataset_table *t)
{
    text_buf_printf(user, "%s %s %s %s %lld", t->name, t->group, t->base,
                    t->relation ? t->relation : "-", (long long)t->n_rows);
    for (size_t i = 3; i < t->n_columns; i++)
        text_buf_printf(user, " %s:%d", t->columns[i].name, t->columns[i].kind);
    text_buf_puts(user, "\n");
    return true;
}

static void check_tables(akin_dataset *ds, const char *wanted)
{
    akin_error e = {0};
    text_buf list;
    text_buf_init(&list, 1 << 16);
    CHECK_OK(akin_dataset_each_table(ds, list_table, &list, &e), e);
    CHECK_EQ_TEXT(list.data, wanted);
    text_buf_clear(&list);
}

#define ITEM_AND_IMAGE                                                         \
    "item item Item - 5 split:4 kind:4 n:2\n"                                  \
    "image views Image many_to_one 6 item_ref:6 parent_ref:6 url:4 width:2 "   \
    "height:2 format:4\n"
#define EMBEDDING " item_ref:6 vector:7 shape:8 view_ref:6\n"

static void tables_are_made_and_dropped(void)
{
    akin_error e = {0};
    akin_dataset *ds = make_ds(true);
    akin_dataset_table_options opt = {0};
    check_tables(ds, ITEM_AND_IMAGE);
    CHECK_OK(akin_dataset_create_table(ds, "emb_open-clip", NULL, &e), e);
    opt.relation = "many_to_one";
    CHECK_OK(akin_dataset_create_table(ds, "A b", &opt, &e), e);
    check_tables(ds, ITEM_AND_IMAGE
                 "A b embeddings ViewEmbedding many_to_one 0" EMBEDDING
                 "emb_open-clip embeddings ViewEmbedding one_to_one 0" EMBEDDING);
    CHECK(file_exists(db_path("ds/tables/A b/hoplite.sqlite")));
    CHECK_STATUS(akin_dataset_create_table(ds, "A b", NULL, &e), AKIN_EEXISTS);
    CHECK_EQ_TEXT(e.text, "table 'A b' already exists");
    CHECK_STATUS(akin_dataset_create_table(ds, "image", NULL, &e),
                 AKIN_EEXISTS);
    CHECK_STATUS(akin_dataset_create_table(ds, "item", NULL, &e), AKIN_EEXISTS);
    opt = (akin_dataset_table_options){.exist_ok = true, .model = "tint"};
    CHECK_OK(akin_dataset_create_table(ds, "A b", &opt, &e), e);
    opt.model = "mel";
    CHECK_STATUS(akin_dataset_create_table(ds, "A b", &opt, &e),
                 AKIN_ESETTINGS);
    CHECK_STATUS(akin_dataset_create_table(ds, "c", &opt, &e), AKIN_EUSAGE);
    CHECK_EQ_TEXT(e.text, "model 'mel' is for sound, not for images");
    CHECK(!file_exists(db_path("ds/tables/c")));
    opt = (akin_dataset_table_options){.model = "no-such-model"};
    CHECK_STATUS(akin_dataset_create_table(ds, "c", &opt, &e), AKIN_EMODEL);
    opt = (akin_dataset_table_options){.relation = "x"};
    CHECK_STATUS(akin_dataset_create_table(ds, "c", &opt, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "invalid relation 'x'") != NULL);
    opt = (akin_dataset_table_options){.overwrite = true};
    CHECK_OK(akin_dataset_create_table(ds, "A b", &opt, &e), e);
    CHECK_OK(akin_dataset_drop_table(ds, "emb_open-clip", &e), e);
    CHECK(!file_exists(db_path("ds/tables/emb_open-clip")));
    check_tables(ds, ITEM_AND_IMAGE
                 "A b embeddings ViewEmbedding one_to_one 0" EMBEDDING);
    CHECK_STATUS(akin_dataset_drop_table(ds, "emb_open-clip", &e),
                 AKIN_ENOTFOUND);
    CHECK_STATUS(akin_dataset_drop_table(ds, "image", &e), AKIN_EUSAGE);
    CHECK_EQ_TEXT(e.text, "table 'image' is not a view embedding table");
    CHECK_STATUS(akin_dataset_drop_table(ds, "../pics", &e), AKIN_ENOTFOUND);
    akin_dataset_close(ds);
}

static void table_names_are_file_names(void)
{
    static const struct {
        const char *name;
        bool legal;
    } rows[] = {
        {"a", true},          {"emb_open-clip", true}, {"\xc3\xa9 1", true},
        {"a.b", true},        {"COM0", true},          {"console", true},
        {"", false},          {".a", false},           {"a/b", false},
        {"a\\b", false},      {"..", false},           {"a\nb", false},
        {"nul", false},       {"NUL.txt", false},      {"Com1", false},
        {"a.", false},        {"a ", false},           {"a:b", false},
        {"\xff", false},      {"a*", false},
    };
    char longest[102] = "";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (dataset_name_is_legal(rows[i].name) != rows[i].legal)
            test_fail(__FILE__, __LINE__, "'%s'", rows[i].name);
    memset(longest, 'a', 101);
    CHECK(!dataset_name_is_legal(longest));
    longest[100] = 0;
    CHECK(dataset_name_is_legal(longest));
}

static void items_are_removed(void)
{
    akin_error e = {0};
    akin_dataset *ds = make_ds(true);
    const char *const ids[] = {"3", "nobody", "1", "3"};
    size_t n = 0;
    CHECK_OK(akin_dataset_remove_items(ds, ids, 4, &n, &e), e);
    CHECK_EQ_INT(n, 2);
    CHECK_EQ_TEXT(dataset_dump(ds, "item", "id", NULL), "2\n4\n5\n");
    CHECK_EQ_TEXT(dataset_dump(ds, "image", "item_ref,url", NULL),
                  "item:2 b.jpg\nitem:4 a.jpg\nitem:5 b.jpg\n");
    akin_dataset_close(ds);
}

/* Their embeddings go with them, and those of others stay. */
static void embeddings_go_with_their_items(void)
{
    akin_error e = {0};
    akin_dataset *ds = make_ds(true);
    const char *const ids[] = {"3", "5"};
    const akin_dataset_get_options by_item = {.sort = "item_ref"};
    CHECK_OK(akin_dataset_create_table(ds, "emb", NULL, &e), e);
    CHECK_OK(akin_dataset_compute(ds, "emb", NULL, NULL, &e), e);
    CHECK_EQ_TEXT(dataset_dump(ds, "emb", "item_ref", &by_item),
                  "item:1\nitem:2\nitem:3\nitem:3\nitem:4\nitem:5\n");
    CHECK_OK(akin_dataset_remove_items(ds, ids, 2, NULL, &e), e);
    CHECK_EQ_TEXT(dataset_dump(ds, "emb", "item_ref", &by_item),
                  "item:1\nitem:2\nitem:4\n");
    akin_dataset_close(ds);
    ds = dataset_open_ds(false);
    CHECK_EQ_TEXT(dataset_dump(ds, "emb", "item_ref", &by_item),
                  "item:1\nitem:2\nitem:4\n");
    akin_dataset_close(ds);
}

/* The first removes items, the others ask for them meanwhile. */
static void work_at_once(void *user, size_t i)
{
    akin_dataset *ds = user;
    static const char *const ids[] = {"1", "2", "3", "4", "5"};
    for (int n = 0; n < 5; n++) {
        akin_dataset_get_options opt = {.where = "n >= 0 OR n IS NULL",
                                        .sort = i % 2 ? "kind" : NULL};
        akin_rows *rows = NULL;
        akin_error e = {0};
        if (i == 0) {
            CHECK_OK(akin_dataset_remove_items(ds, &ids[n], 1, NULL, &e), e);
            continue;
        }
        CHECK_OK(akin_dataset_get(ds, i == 1 ? "image" : "item",
                                  i == 1 ? NULL : &opt, &rows, &e), e);
        CHECK(akin_rows_count(rows) <= 6);
        akin_rows_free(rows);
    }
}

static void readers_need_not_wait(void)
{
    akin_dataset *ds = make_ds(true);
    thread_each(5, work_at_once, ds);
    CHECK_EQ_TEXT(dataset_dump(ds, "item", "id", NULL), "");
    CHECK_EQ_TEXT(dataset_dump(ds, "image", "id", NULL), "");
    akin_dataset_close(ds);
}

static bool see_table(void *user, const akin_dataset_table *t)
{
    (void)user;
    return t->n_columns > 0;
}

static akin_status ask_for(akin_dataset *ds, int what, akin_error *e)
{
    const akin_dataset_get_options opts[] = {
        {.where = "kind = 'x'", .sort = "n"},
        {.where = "url LIKE '%' AND item_ref.id > '0'", .sort = "width"},
        {.ids = (const char *const[]){"1", "2"}, .n_ids = 2, .where = "n > 1"},
    };
    akin_rows *rows = NULL;
    if (what == 3) return akin_dataset_each_table(ds, see_table, NULL, e);
    akin_status status = akin_dataset_get(ds, what == 1 ? "image" : "item",
                                          &opts[what], &rows, e);
    if (status == AKIN_OK) CHECK(akin_rows_count(rows) > 0);
    akin_rows_free(rows);
    return status;
}

/* Anywhere: the call fails, and the next one is right. */
static void memory_may_run_out(void)
{
    akin_dataset_close(make_ds(false));
    for (int what = 0; what < 4; what++) {
        bool all = false;
        for (int64_t n = 1; !all && n < 10000; n++) {
            akin_error e = {0};
            akin_dataset *ds = dataset_open_ds(false);
            mem_fail_at(n);
            akin_status status = ask_for(ds, what, &e);
            all = mem_fail_pending();
            mem_fail_at(0);
            if (status != (all ? AKIN_OK : AKIN_ENOMEM))
                test_fail(__FILE__, __LINE__, "%d, allocation %lld: %s: %s",
                          what, (long long)n, akin_status_name(status), e.text);
            CHECK_OK(ask_for(ds, what, &e), e);
            akin_dataset_close(ds);
        }
        CHECK(all);
    }
}

const test_case test_dataset_cases[] = {
    {"dataset/what_is_no_dataset_is_refused", what_is_no_dataset_is_refused},
    {"dataset/info_is_told", info_is_told},
    {"dataset/one_writer_at_a_time", one_writer_at_a_time},
    {"dataset/media_are_where_they_are_said", media_are_where_they_are_said},
    {"dataset/libraries_are_walked", libraries_are_walked},
    {"dataset/urls_stay_in_their_folder", urls_stay_in_their_folder},
    {"dataset/views_have_files", views_have_files},
    {"dataset/items_are_got", items_are_got},
    {"dataset/views_are_got", views_are_got},
    {"dataset/rows_are_those_of_now", rows_are_those_of_now},
    {"dataset/tables_are_made_and_dropped", tables_are_made_and_dropped},
    {"dataset/table_names_are_file_names", table_names_are_file_names},
    {"dataset/items_are_removed", items_are_removed},
    {"dataset/memory_may_run_out", memory_may_run_out},
    {"dataset/readers_need_not_wait", readers_need_not_wait},
    {"dataset/embeddings_go_with_their_items", embeddings_go_with_their_items},
    {NULL, NULL},
};
