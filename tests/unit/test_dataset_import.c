/* SPDX-License-Identifier: MIT
 * engine/dataset_import: folders with and without metadata become items and
 * views, and a second run only does what is new. */
#define _GNU_SOURCE
#include "dataset_files.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "db_files.h"

static const akin_dataset_import_options plain;

static void check_rows(const char *table, const char *columns,
                       const char *wanted)
{
    akin_dataset *ds = dataset_open_ds(false);
    CHECK_EQ_TEXT(dataset_dump(ds, table, columns, NULL), wanted);
    akin_dataset_close(ds);
}

static void check_problem(const char *words)
{
    if (!strstr(dataset_problems(), words))
        test_fail(__FILE__, __LINE__, "'%s' lacks '%s'", dataset_problems(),
                  words);
}

/* ---- without metadata ---------------------------------------------------------- */

static void folders_are_splits(void)
{
    dataset_make_image("pics/a.jpg", 20, 10, 1);
    dataset_make_image("pics/train/b.jpg", 8, 9, 2);
    dataset_make_image("pics/val/deep/c.jpg", 5, 5, 3);
    dataset_make_text("pics/notes.txt", "no image");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 3, 3, 3, 3, 0, 0, 0);
    check_rows("item", "split", "default\ntrain\nval\n");
    check_rows("image", "url,width,height,format",
               "a.jpg 20 10 JPEG\ntrain/b.jpg 8 9 JPEG\n"
               "val/deep/c.jpg 5 5 JPEG\n");
    CHECK_EQ_TEXT(dataset_problems(), "");
}

static void odd_names_are_names(void)
{
    dataset_make_image("pics/a b, \"c\" '%s'\n.jpg", 4, 4, 1);
    dataset_make_image("pics/\xc3\xa9\xe2\x82\xac#?&.jpg", 4, 4, 2);
    dataset_make_image("pics/data: x.jpg", 4, 4, 3);
    dataset_make_image("pics/\xff.jpg", 4, 4, 4);
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 4, 4, 4, 4, 0, 0, 0);
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 4, 4, 0, 0, 0, 0, 0);
    check_rows("image", "url",
               "a b, \"c\" '%s'\n.jpg\ndata: x.jpg\n\xc3\xa9\xe2\x82\xac#?&.jpg"
               "\n\xff.jpg\n");
}

static void unreadable_images_are_named(void)
{
    dataset_make_image("pics/a.jpg", 4, 4, 1);
    dataset_make_text("pics/b.jpg", "no image");
    dataset_make_text("pics/c.png", "");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 1, 1, 1, 1, 0, 2, 0);
    check_problem("pics/b.jpg: 'pics/b.jpg' is no image of a known format\n");
    check_problem("pics/c.png: 'pics/c.png' is empty (0 bytes)\n");
}

static void nothing_is_made_of_nothing(void)
{
    CHECK_STATUS(file_make_dirs(db_path("pics"), NULL), AKIN_OK);
    dataset_import_pics(plain, AKIN_ENOTFOUND);
    CHECK_EQ_TEXT(dataset_problems(), "there are no images in 'pics'");
    CHECK(!file_exists(db_path("ds")));
    akin_error e = {0};
    CHECK_STATUS(akin_dataset_import(db_path("ds"), db_path("nowhere"), NULL,
                                     NULL, &e), AKIN_ENOTFOUND);
    CHECK(strstr(e.text, "there is no folder '") != NULL);
}

static void names_can_be_ids(void)
{
    akin_dataset_import_options opt = {.names_as_ids = true};
    dataset_make_image("pics/a 1.jpg", 4, 4, 1);
    dataset_make_image("pics/t/b.jpg", 4, 4, 2);
    dataset_make_image("pics/u/b.jpg", 4, 4, 3);
    CHECK_REPORT(dataset_import_pics(opt, AKIN_OK), 2, 2, 2, 2, 0, 1, 0);
    check_rows("item", "id", "a_1.jpg\nb.jpg\n");
    check_problem("pics/u/b.jpg: ");
    CHECK_REPORT(dataset_import_pics(opt, AKIN_OK), 2, 2, 0, 0, 0, 1, 0);
}

/* ---- again ------------------------------------------------------------------------ */

/* A second that differs, whatever the clock of the file system. */
static void make_older(const char *name)
{
    struct timespec times[2] = {{.tv_sec = 1000000000},
                                {.tv_sec = 1000000000}};
    CHECK(utimensat(AT_FDCWD, db_path(name), times, 0) == 0);
}

static void a_second_run_does_what_is_new(void)
{
    dataset_make_image("pics/a.jpg", 4, 4, 1);
    dataset_make_image("pics/b.jpg", 4, 4, 2);
    dataset_import_pics(plain, AKIN_OK);
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 2, 2, 0, 0, 0, 0, 0);
    dataset_make_image("pics/c.jpg", 4, 4, 3);
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 3, 3, 1, 1, 0, 0, 0);
    dataset_make_image("pics/a.jpg", 7, 5, 1);
    make_older("pics/b.jpg"); /* touched: looked at again */
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 3, 3, 0, 0, 2, 0, 0);
    check_rows("image", "url,width,height",
               "a.jpg 7 5\nb.jpg 4 4\nc.jpg 4 4\n");
    CHECK(unlink(db_path("pics/b.jpg")) == 0);
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 3, 3, 0, 0, 0, 0, 1);
    CHECK_EQ_TEXT(dataset_problems(),
                  "b.jpg: there is no file 'b.jpg' in the media folder "
                  "'pics'\n");
    dataset_make_text("pics/a.jpg", "now broken");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 3, 3, 0, 0, 0, 1, 1);
    check_rows("image", "url,width", "a.jpg 7\nb.jpg 4\nc.jpg 4\n");
}

static void overwriting_begins_anew(void)
{
    dataset_make_image("pics/a.jpg", 4, 4, 1);
    dataset_import_pics((akin_dataset_import_options){.id = "one"}, AKIN_OK);
    akin_dataset *ds = dataset_open_ds(true);
    akin_error e = {0};
    CHECK_OK(akin_dataset_create_table(ds, "emb", NULL, &e), e);
    akin_dataset_close(ds);
    CHECK(file_exists(db_path("ds/tables/emb")));
    akin_dataset_import_options opt = {.overwrite = true};
    CHECK_REPORT(dataset_import_pics(opt, AKIN_OK), 1, 1, 1, 1, 0, 0, 0);
    CHECK(!file_exists(db_path("ds/tables")));
    CHECK(!strstr(dataset_read_text("ds/schema.json"), "\"emb\""));
    ds = dataset_open_ds(false);
    akin_dataset_info info;
    CHECK_OK(akin_dataset_get_info(ds, &info, &e), e);
    CHECK_EQ_TEXT(info.id, "one");
    CHECK_EQ_INT(info.n_items, 1);
    akin_dataset_close(ds);
}

static bool stop_after(void *user, const akin_progress *progress)
{
    (void)progress;
    return --*(int *)user > 0;
}

static void what_was_stopped_goes_on(void)
{
    int left = 1;
    dataset_make_image("pics/a.jpg", 4, 4, 1);
    akin_dataset_import_options opt = {.progress = stop_after, .user = &left};
    dataset_import_pics(opt, AKIN_ECANCELLED);
    CHECK_EQ_TEXT(dataset_problems(), "stopped; nothing was written");
    CHECK(!file_exists(db_path("ds")));
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 1, 1, 1, 1, 0, 0, 0);
}

static bool stop_writing(void *user, const akin_progress *progress)
{
    (void)user;
    return strcmp(progress->phase, "write") != 0;
}

/* Rows that were committed before it was stopped are not written again. */
static void a_stopped_run_keeps_its_items(void)
{
    enum { N = 20000 };
    akin_dataset_import_options opt = {.progress = stop_writing};
    dataset_make_image("pics/a.jpg", 4, 4, 1);
    FILE *f = fopen(db_path("pics/metadata.jsonl"), "wb");
    for (int i = 0; f && i < N; i++)
        fprintf(f, "{\"image\": \"a.jpg\", \"id\": %d, \"n\": %d}\n", i, -i);
    CHECK(f && fclose(f) == 0);
    akin_dataset_import_report first =
        dataset_import_pics(opt, AKIN_ECANCELLED);
    CHECK(first.n_new_items > 0 && first.n_new_items < N);
    CHECK_EQ_INT(first.n_items, first.n_new_items);
    check_problem("new items are kept, and the next import goes on from here");
    akin_dataset_import_report second = dataset_import_pics(plain, AKIN_OK);
    CHECK_EQ_INT(second.n_new_items, N - first.n_new_items);
    CHECK_EQ_INT(second.n_items, N);
    CHECK_EQ_INT(second.n_changed_items, 0);
}

static void media_stay_in_one_folder(void)
{
    dataset_make_image("pics/t/a.jpg", 4, 4, 1);
    dataset_make_image("others/b.jpg", 4, 4, 2);
    dataset_import_pics(plain, AKIN_OK);
    akin_error e = {0};
    akin_dataset_import_report report;
    CHECK_STATUS(akin_dataset_import(db_path("ds"), db_path("others"), NULL,
                                     &report, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "which holds the media of this dataset") != NULL);
    CHECK_OK(akin_dataset_import(db_path("ds"), db_path("pics/t"), NULL,
                                 &report, &e), e);
    CHECK_REPORT(report, 1, 1, 0, 0, 0, 0, 0);
    /* Media that were moved are found in their new place. */
    CHECK_STATUS(file_rename(db_path("pics"), db_path("moved"), &e), AKIN_OK);
    CHECK_OK(akin_dataset_import(db_path("ds"), db_path("moved"), NULL, &report,
                                 &e), e);
    CHECK_REPORT(report, 1, 1, 0, 0, 0, 0, 0);
}

static void links_do_not_lead_out(void)
{
    dataset_make_image("out/a.jpg", 4, 4, 1);
    dataset_make_image("pics/b.jpg", 4, 4, 2);
    CHECK(symlink(db_path("out/a.jpg"), db_path("pics/a.jpg")) == 0);
    CHECK(symlink("b.jpg", db_path("pics/c.jpg")) == 0);
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 2, 2, 2, 2, 0, 1, 0);
    CHECK_EQ_TEXT(dataset_problems(),
                  "pics/a.jpg: url 'a.jpg' leads out of the media folder "
                  "'pics'\n");
}

/* ---- metadata ----------------------------------------------------------------------- */

static void make_abc(void)
{
    dataset_make_image("pics/a.jpg", 4, 4, 1);
    dataset_make_image("pics/b.jpg", 5, 4, 2);
    dataset_make_image("pics/sub/c.jpg", 6, 4, 3);
}

/* All ways in which a file may be named give the same items. */
static void metadata_name_files(void)
{
    static const struct {
        const char *file, *text;
    } rows[] = {
        {"metadata.jsonl",
         "{\"views\": {\"image\": \"a.jpg\"}, \"kind\": \"x\"}\n\n"
         "{\"views\": {\"image\": \"sub/c.jpg\"}, \"kind\": \"y\"}"},
        {"metadata.jsonl", "\xef\xbb\xbf{\"image\": \"a.jpg\", \"kind\": \"x\"}"
                           "\r\n{\"kind\": \"y\", \"image\": \"sub/c.jpg\"}\n"},
        {"metadata.jsonl", "{\"file_name\": \"./a.jpg\", \"kind\": \"x\"}\n"
                           "{\"file_name\": \"sub//c.jpg\", \"kind\": \"y\"}\n"},
        {"metadata.csv", "file_name,kind\na.jpg,x\nsub/c.jpg,y\n"},
        {"metadata.csv", "kind,path\nx,a.jpg\n\"y\",\"sub/c.jpg\"\n"},
        {"metadata.csv", "Kind,File\nx,/a.jpg\ny,/sub/c.jpg\n"},
        {"metadata.csv", "image,kind\na.jpg,x\nsub/../sub/c.jpg,y\n"},
    };
    make_abc();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[64];
        snprintf(name, sizeof name, "pics/%s", rows[i].file);
        dataset_make_text(name, rows[i].text);
        akin_dataset_import_options opt = {.overwrite = true};
        CHECK_REPORT(dataset_import_pics(opt, AKIN_OK), 2, 2, 2, 2, 0, 0, 0);
        check_rows("item", "*", "default x\nsub y\n");
        check_rows("image", "url,width", "a.jpg 4\nsub/c.jpg 6\n");
        CHECK_EQ_TEXT(dataset_problems(), "");
        CHECK(unlink(db_path(name)) == 0);
    }
}

static void kinds_are_those_of_all_rows(void)
{
    static const char jsonl[] =
        "{\"image\": \"a.jpg\", \"i\": 1, \"n\": 1, \"b\": true, \"t\": "
        "\"2024-05-12\", \"m\": 1, \"x\": {\"y\": [1, 2.5, null]}, \"z\": "
        "null, \"c\": \"2024-05-12\"}\n"
        "{\"image\": \"b.jpg\", \"i\": -2, \"n\": 2.5, \"b\": false, \"t\": "
        "\"2024-05-12T06:00:01.5+02:00\", \"m\": \"one\", \"x\": [], \"c\": "
        "\"soon\"}\n"
        "{\"image\": \"sub/c.jpg\", \"m\": true, \"n\": NaN}\n";
    make_abc();
    dataset_make_text("pics/metadata.jsonl", jsonl);
    dataset_import_pics(plain, AKIN_OK);
    check_rows("item", "*",
               "default 1 1.0 true 1715472000000000 1 "
               "{\"y\": [1, 2.5, null]} 2024-05-12\n"
               "default -2 2.5 false 1715486401500000 one [] soon\n"
               "sub null null null null true null null\n");
    const char *schema = dataset_read_text("ds/schema.json");
    CHECK(strstr(schema, "\"n\": {\n                    \"type\": \"float\",\n"
                         "                    \"collection\": false") != NULL);
    CHECK(strstr(schema, "\"t\": {\n                    \"type\": "
                         "\"datetime\"") != NULL);
    /* CSVs have no types of their own; codes are no numbers. */
    CHECK(unlink(db_path("pics/metadata.jsonl")) == 0);
    dataset_make_text("pics/metadata.csv",
                      "image,i,n,b,t,code,m,e\na.jpg,1,1,TRUE,2024-05-12,007,1,"
                      "\nb.jpg,-2,2.5,false,2024-05-12 04:00,8,one,\n"
                      "sub/c.jpg,,,,,,true,\n");
    dataset_import_pics((akin_dataset_import_options){.overwrite = true},
                        AKIN_OK);
    check_rows("item", "*",
               "default 1 1.0 true 1715472000000000 007 1\n"
               "default -2 2.5 false 1715486400000000 8 one\n"
               "sub null null null null null true\n");
}

static void bad_rows_are_named(void)
{
    make_abc();
    dataset_make_text("pics/broken.jpg", "no image");
    dataset_make_text(
        "pics/metadata.jsonl",
        "{\"image\": \"a.jpg\", \"id\": \"a\"}\n"
        "{\"image\": \"gone.jpg\"}\n"
        "{\"image\": }\n"
        "[1]\n"
        "{\"kind\": \"x\"}\n"
        "{\"image\": \"broken.jpg\"}\n"
        "{\"image\": \"../out.jpg\"}\n"
        "{\"image\": \"b.jpg\", \"id\": \"a b\"}\n"
        "{\"image\": \"b.jpg\", \"id\": \"a\"}\n"
        "{\"image\": 5}\n"
        "{\"image\": \"http://127.0.0.1/x.jpg\"}\n"
        "{\"image\": \"sub\"}\n"
        "{\"image\": \"b.jpg\", \"kind\": \"y\"}\n");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 2, 2, 2, 2, 0, 11, 0);
    check_rows("item", "*", "default null\ndefault y\n");
    CHECK_EQ_TEXT(
        dataset_problems(),
        "pics/metadata.jsonl, line 2: there is no file 'gone.jpg' in the media "
        "folder 'pics'\n"
        "pics/metadata.jsonl, line 3: not JSON: unexpected token near '}'\n"
        "pics/metadata.jsonl, line 4: it is no JSON object\n"
        "pics/metadata.jsonl, line 5: it names no file\n"
        "pics/metadata.jsonl, line 6: 'pics/broken.jpg' is no image of a known "
        "format\n"
        "pics/metadata.jsonl, line 7: url 'pics/../out.jpg' leads out of the "
        "media folder 'pics'\n"
        "pics/metadata.jsonl, line 8: id 'a b' has a blank in it, or is empty or "
        "too long\n"
        "pics/metadata.jsonl, line 9: an item with this id, or with this first "
        "file, has come before\n"
        "pics/metadata.jsonl, line 10: view 'image' is no file's name\n"
        "pics/metadata.jsonl, line 11: url 'http://127.0.0.1/x.jpg' is not of a "
        "file in the media folder\n"
        "pics/metadata.jsonl, line 12: 'pics/sub' is a folder\n");
    CHECK(unlink(db_path("pics/metadata.jsonl")) == 0);
    dataset_make_text("pics/metadata.csv",
                      "image,kind\na.jpg,x,y\nb.jpg,\"z\nsub/c.jpg,w\n");
    dataset_import_pics((akin_dataset_import_options){.overwrite = true},
                        AKIN_OK);
    CHECK_EQ_TEXT(dataset_problems(),
                  "pics/metadata.csv, line 2: 3 fields, but the header has 2\n"
                  "pics/metadata.csv, line 3: a quoted field does not end\n");
}

static void items_have_named_views(void)
{
    make_abc();
    dataset_make_text("pics/metadata.jsonl",
                      "{\"views\": {\"front\": \"a.jpg\", \"back\": \"b.jpg\"}, "
                      "\"id\": \"one\", \"split\": \"s\"}\n"
                      "{\"views\": {\"front\": [\"sub/c.jpg\", \"a.jpg\"]}, "
                      "\"id\": \"two\"}\n");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 2, 4, 2, 4, 0, 0, 0);
    check_rows("item", "id,split", "one s\ntwo sub\n");
    check_rows("front", "item_ref,url",
               "item:one a.jpg\nitem:two sub/c.jpg\nitem:two a.jpg\n");
    check_rows("back", "item_ref,url", "item:one b.jpg\n");
    CHECK(strstr(dataset_read_text("ds/schema.json"),
                 "    \"relations\": {\n"
                 "        \"item\": {\n"
                 "            \"front\": \"one_to_many\",\n"
                 "            \"back\": \"one_to_one\"\n"
                 "        },\n"
                 "        \"front\": {\n"
                 "            \"item\": \"many_to_one\"\n"
                 "        },\n"
                 "        \"back\": {\n"
                 "            \"item\": \"one_to_one\"\n"
                 "        }\n"
                 "    },\n") != NULL);
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 2, 4, 0, 0, 0, 0, 0);
    /* Columns of a CSV whose values are files are views, too. */
    CHECK(unlink(db_path("pics/metadata.jsonl")) == 0);
    dataset_make_text("pics/metadata.csv",
                      "id,front,back,note\n1,a.jpg,b.jpg,a.jpg or b.jpg\n"
                      "2,sub/c.jpg,,x.jpg\n");
    dataset_import_pics((akin_dataset_import_options){.overwrite = true},
                        AKIN_OK);
    check_rows("front", "item_ref,url", "item:1 a.jpg\nitem:2 sub/c.jpg\n");
    check_rows("back", "item_ref,url", "item:1 b.jpg\n");
    check_rows("item", "*", "default a.jpg or b.jpg\nsub x.jpg\n");
}

static void splits_have_their_metadata(void)
{
    make_abc();
    dataset_make_image("pics/t/d.jpg", 4, 4, 4);
    dataset_make_image("pics/t/e.jpg", 4, 4, 5);
    dataset_make_text("pics/t/metadata.csv", "file,n\nd.jpg,1\n");
    dataset_make_text("pics/u/metadata.jsonl",
                      "{\"file_name\": \"t/e.jpg\", \"n\": 2.5}\n");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 5, 5, 5, 5, 0, 0, 0);
    check_rows("item", "*",
               "t 1.0\nu 2.5\ndefault null\ndefault null\nsub null\n");
    check_rows("image", "url",
               "t/d.jpg\nt/e.jpg\na.jpg\nb.jpg\nsub/c.jpg\n");
}

static void metadata_may_be_elsewhere(void)
{
    make_abc();
    dataset_make_text("meta/m.csv", "id,file_name,created_at\n"
                                    "x,a.jpg,2020-01-02T03:04:05\n");
    akin_dataset_import_options opt = {.metadata = db_path("meta/m.csv"),
                                       .view = "photo"};
    CHECK_REPORT(dataset_import_pics(opt, AKIN_OK), 1, 1, 1, 1, 0, 0, 0);
    check_rows("photo", "url", "a.jpg\n");
    check_rows("item", "id,created_at", "x 1577934245000000\n");
    opt.metadata = "x.txt";
    dataset_import_pics(opt, AKIN_EUSAGE);
    opt.metadata = "/nowhere/x.csv";
    dataset_import_pics(opt, AKIN_ENOTFOUND);
    opt.view = "a/b";
    dataset_import_pics(opt, AKIN_EUSAGE);
    CHECK_EQ_TEXT(dataset_problems(), "'a/b' cannot be the name of a view");
}

static void files_may_be_shared(void)
{
    make_abc();
    dataset_make_text("pics/metadata.jsonl",
                      "{\"file_name\": \"a.jpg\", \"id\": 1, \"text\": \"u\"}\n"
                      "{\"file_name\": \"a.jpg\", \"id\": 2, \"text\": \"v\"}\n"
                      "{\"file_name\": \"b.jpg\"}\n"
                      "{\"file_name\": \"b.jpg\"}\n");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 3, 3, 3, 3, 0, 1, 0);
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 3, 3, 0, 0, 0, 1, 0);
    check_rows("image", "url", "a.jpg\na.jpg\nb.jpg\n");
}

static void changed_metadata_are_taken(void)
{
    make_abc();
    dataset_make_text("pics/metadata.csv",
                      "file_name,kind,n\na.jpg,x,1\nb.jpg,y,2\n");
    dataset_import_pics(plain, AKIN_OK);
    akin_dataset_import_report report;
    dataset_make_text("pics/metadata.csv",
                      "file_name,kind,n,new\na.jpg,x,1.5,t\nb.jpg,,2,\n");
    report = dataset_import_pics(plain, AKIN_OK);
    CHECK_REPORT(report, 2, 2, 0, 0, 2, 0, 0);
    check_rows("item", "*", "default x 1.5 t\ndefault null 2.0 null\n");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 2, 2, 0, 0, 0, 0, 0);
    /* Fields that the metadata do not have any more stay. */
    dataset_make_text("pics/metadata.csv", "file_name,split\na.jpg,val\n");
    report = dataset_import_pics(plain, AKIN_OK);
    CHECK_REPORT(report, 2, 2, 0, 0, 1, 0, 0);
    check_rows("item", "*", "val x 1.5 t\ndefault null 2.0 null\n");
    CHECK(strstr(dataset_read_text("ds/schema.json"),
                 "\"n\": {\n                    \"type\": \"float\"") != NULL);
}

static void an_item_may_get_another_file(void)
{
    make_abc();
    dataset_make_text("pics/metadata.csv", "id,file_name\nx,a.jpg\n");
    dataset_import_pics(plain, AKIN_OK);
    akin_dataset *ds = dataset_open_ds(false);
    char *before = mem_strdup(dataset_dump(ds, "image", "id", NULL));
    akin_dataset_close(ds);
    dataset_make_text("pics/metadata.csv", "id,file_name\nx,b.jpg\n");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 1, 1, 0, 0, 1, 0, 0);
    check_rows("image", "url,width", "b.jpg 5\n");
    check_rows("image", "id", before ? before : "");
    mem_free(before);
}

static void names_of_views_are_free(void)
{
    akin_error e = {0};
    make_abc();
    dataset_import_pics(plain, AKIN_OK);
    akin_dataset *ds = dataset_open_ds(true);
    CHECK_OK(akin_dataset_create_table(ds, "emb", NULL, &e), e);
    akin_dataset_close(ds);
    dataset_make_text("pics/metadata.jsonl",
                      "{\"views\": {\"item\": \"a.jpg\"}}\n"
                      "{\"views\": {\"emb\": \"a.jpg\"}}\n"
                      "{\"views\": {\".x\": \"a.jpg\"}}\n");
    CHECK_REPORT(dataset_import_pics(plain, AKIN_OK), 3, 3, 0, 0, 0, 3, 0);
    CHECK_EQ_TEXT(dataset_problems(),
                  "pics/metadata.jsonl, line 1: 'item' cannot be the name of a "
                  "view\n"
                  "pics/metadata.jsonl, line 2: view 'emb' has the name of a "
                  "table that is not of views\n"
                  "pics/metadata.jsonl, line 3: '.x' cannot be the name of a "
                  "view\n");
}

/* A folder of Pixano's keeps what akin does not know, and gets rows. */
static void pixanos_folders_are_filled(void)
{
    dataset_make_image("ds/media/a.jpg", 4, 4, 1);
    dataset_make_text("ds/db/item.lance/data", "theirs");
    dataset_make_text("ds/info.json", "{\"id\": \"health_images\", \"name\": "
                                      "\"Health\", \"more\": 1}");
    dataset_make_text(
        "ds/schema.json",
        "{\"relations\": {}, \"schemas\": {\"item\": {\"schema\": "
        "\"Health\", \"base_schema\": \"Item\", \"fields\": {}}, "
        "\"objects\": {\"base_schema\": \"BBox\"}}, \"groups\": {\"item\": "
        "[\"item\"], \"annotations\": [\"objects\"]}}");
    akin_error e = {0};
    akin_dataset_import_report report;
    CHECK_OK(akin_dataset_import(db_path("ds"), db_path("ds/media"), NULL,
                                 &report, &e), e);
    CHECK_REPORT(report, 1, 1, 1, 1, 0, 0, 0);
    CHECK(strstr(dataset_read_text("ds/info.json"), "\"more\": 1") != NULL);
    const char *schema = dataset_read_text("ds/schema.json");
    CHECK(strstr(schema, "\"schema\": \"Health\"") != NULL);
    CHECK(strstr(schema, "\"base_schema\": \"BBox\"") != NULL);
    CHECK(strstr(schema, "\"base_schema\": \"Image\"") != NULL);
    akin_dataset *ds = dataset_open_ds(false);
    akin_dataset_info info;
    CHECK_OK(akin_dataset_get_info(ds, &info, &e), e);
    CHECK_EQ_TEXT(info.id, "health_images");
    CHECK_EQ_TEXT(info.name, "Health");
    CHECK_EQ_TEXT(dataset_dump(ds, "objects", "id", NULL),
                  "table 'objects' is neither of items, views nor embeddings");
    akin_dataset_close(ds);
}

static void ids_of_datasets_are_kept(void)
{
    static const char *const bad[] = {"", "a b", "a/b"};
    make_abc();
    for (size_t i = 0; i < 3; i++)
        dataset_import_pics((akin_dataset_import_options){.id = bad[i]},
                            AKIN_EUSAGE);
    dataset_import_pics((akin_dataset_import_options){.id = "cars",
                                                      .name = "N",
                                                      .description = "D\xc3\xa9"},
                        AKIN_OK);
    CHECK_EQ_TEXT(dataset_read_text("ds/info.json"),
                  "{\n"
                  "    \"id\": \"cars\",\n"
                  "    \"name\": \"N\",\n"
                  "    \"description\": \"D\xc3\xa9\",\n"
                  "    \"size\": \"Unknown\",\n"
                  "    \"preview\": \"\",\n"
                  "    \"workspace\": \"image\"\n"
                  "}");
    CHECK_EQ_TEXT(dataset_read_text("ds/features_values.json"),
                  "{\n"
                  "    \"item\": {},\n"
                  "    \"views\": {},\n"
                  "    \"entities\": {},\n"
                  "    \"annotations\": {}\n"
                  "}");
    dataset_import_pics((akin_dataset_import_options){.id = "vans"},
                        AKIN_EUSAGE);
    CHECK_EQ_TEXT(dataset_problems(),
                  "the dataset in 'ds' has the id 'cars', not 'vans'");
}

/* Memory that runs out anywhere is an error, and the next run goes on. */
static void memory_may_run_out(void)
{
    make_abc();
    dataset_make_text("pics/metadata.jsonl",
                      "{\"image\": \"a.jpg\", \"k\": 1, \"o\": [1]}\n"
                      "{\"image\": [\"b.jpg\", \"sub/c.jpg\"], \"k\": \"x\"}\n");
    bool all = false;
    for (int64_t n = 1; !all && n < 100000; n++) {
        akin_error e = {0};
        mem_fail_at(n);
        akin_status status = akin_dataset_import(db_path("ds"), db_path("pics"),
                                                 NULL, NULL, &e);
        all = mem_fail_pending();
        mem_fail_at(0);
        if (status != (all ? AKIN_OK : AKIN_ENOMEM))
            test_fail(__FILE__, __LINE__, "failing allocation %lld: %s: %s",
                      (long long)n, akin_status_name(status), e.text);
    }
    CHECK(all);
    check_rows("item", "*", "default 1 [1]\ndefault x null\n");
    check_rows("image", "url", "a.jpg\nb.jpg\nsub/c.jpg\n");
}

const test_case test_dataset_import_cases[] = {
    {"dataset_import/folders_are_splits", folders_are_splits},
    {"dataset_import/odd_names_are_names", odd_names_are_names},
    {"dataset_import/unreadable_images_are_named", unreadable_images_are_named},
    {"dataset_import/nothing_is_made_of_nothing", nothing_is_made_of_nothing},
    {"dataset_import/names_can_be_ids", names_can_be_ids},
    {"dataset_import/a_second_run_does_what_is_new",
     a_second_run_does_what_is_new},
    {"dataset_import/overwriting_begins_anew", overwriting_begins_anew},
    {"dataset_import/what_was_stopped_goes_on", what_was_stopped_goes_on},
    {"dataset_import/a_stopped_run_keeps_its_items",
     a_stopped_run_keeps_its_items},
    {"dataset_import/media_stay_in_one_folder", media_stay_in_one_folder},
    {"dataset_import/links_do_not_lead_out", links_do_not_lead_out},
    {"dataset_import/metadata_name_files", metadata_name_files},
    {"dataset_import/kinds_are_those_of_all_rows", kinds_are_those_of_all_rows},
    {"dataset_import/bad_rows_are_named", bad_rows_are_named},
    {"dataset_import/items_have_named_views", items_have_named_views},
    {"dataset_import/splits_have_their_metadata", splits_have_their_metadata},
    {"dataset_import/metadata_may_be_elsewhere", metadata_may_be_elsewhere},
    {"dataset_import/files_may_be_shared", files_may_be_shared},
    {"dataset_import/changed_metadata_are_taken", changed_metadata_are_taken},
    {"dataset_import/an_item_may_get_another_file",
     an_item_may_get_another_file},
    {"dataset_import/memory_may_run_out", memory_may_run_out},
    {"dataset_import/names_of_views_are_free", names_of_views_are_free},
    {"dataset_import/pixanos_folders_are_filled", pixanos_folders_are_filled},
    {"dataset_import/ids_of_datasets_are_kept", ids_of_datasets_are_kept},
    {NULL, NULL},
};
