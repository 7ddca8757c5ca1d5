/* SPDX-License-Identifier: MIT
 * engine/dataset_schema and dataset_info: the bytes of Pixano's files, and what
 * is in theirs that akin does not know. */
#include "dataset_files.h"
#include "test.h"

#include "base/file.h"
#include "base/memory.h"
#include "db_files.h"
#include "engine/dataset_schema.h"

#define FIELD(name, type)                                                      \
    "                \"" name "\": {\n"                                        \
    "                    \"type\": \"" type "\",\n"                            \
    "                    \"collection\": false\n"                              \
    "                }"
#define BASE                                                                   \
    FIELD("id", "str") ",\n" FIELD("created_at", "datetime") ",\n"             \
    FIELD("updated_at", "datetime") ",\n"

static void schemas_are_pixanos(void)
{
    akin_error e = {0};
    dataset_schema s = {0};
    CHECK_OK(dataset_schema_new(&s, &e), e);
    CHECK_OK(dataset_schema_put_field(&s, "image_type", "str", &e), e);
    CHECK_OK(dataset_schema_put_view(&s, "image", "one_to_one", &e), e);
    CHECK_OK(dataset_schema_put_embedding(&s, "emb_open-clip", 512,
                                          "many_to_one", &e), e);
    CHECK_OK(dataset_schema_write(&s, db_path("schema.json"), &e), e);
    CHECK_EQ_TEXT(
        dataset_read_text("schema.json"),
        "{\n"
        "    \"relations\": {\n"
        "        \"item\": {\n"
        "            \"image\": \"one_to_one\",\n"
        "            \"emb_open-clip\": \"one_to_many\"\n"
        "        },\n"
        "        \"image\": {\n"
        "            \"item\": \"one_to_one\"\n"
        "        },\n"
        "        \"emb_open-clip\": {\n"
        "            \"item\": \"many_to_one\"\n"
        "        }\n"
        "    },\n"
        "    \"schemas\": {\n"
        "        \"item\": {\n"
        "            \"schema\": \"Item\",\n"
        "            \"base_schema\": \"Item\",\n"
        "            \"fields\": {\n"
        BASE FIELD("split", "str") ",\n" FIELD("image_type", "str") "\n"
        "            }\n"
        "        },\n"
        "        \"image\": {\n"
        "            \"schema\": \"Image\",\n"
        "            \"base_schema\": \"Image\",\n"
        "            \"fields\": {\n"
        BASE FIELD("item_ref", "ItemRef") ",\n" FIELD("parent_ref", "ViewRef")
        ",\n" FIELD("url", "str") ",\n" FIELD("width", "int") ",\n"
        FIELD("height", "int") ",\n" FIELD("format", "str") "\n"
        "            }\n"
        "        },\n"
        "        \"emb_open-clip\": {\n"
        "            \"schema\": \"ViewEmbedding\",\n"
        "            \"base_schema\": \"ViewEmbedding\",\n"
        "            \"fields\": {\n"
        BASE FIELD("item_ref", "ItemRef") ",\n"
        "                \"vector\": {\n"
        "                    \"type\": \"FixedSizeList\",\n"
        "                    \"collection\": false,\n"
        "                    \"dim\": 512,\n"
        "                    \"value_type\": \"float\"\n"
        "                },\n"
        "                \"shape\": {\n"
        "                    \"type\": \"int\",\n"
        "                    \"collection\": true\n"
        "                },\n"
        FIELD("view_ref", "ViewRef") "\n"
        "            }\n"
        "        }\n"
        "    },\n"
        "    \"groups\": {\n"
        "        \"item\": [\n"
        "            \"item\"\n"
        "        ],\n"
        "        \"views\": [\n"
        "            \"image\"\n"
        "        ],\n"
        "        \"entities\": [],\n"
        "        \"annotations\": [],\n"
        "        \"embeddings\": [\n"
        "            \"emb_open-clip\"\n"
        "        ]\n"
        "    }\n"
        "}");
    dataset_schema_clear(&s);
}

static const char foreign[] =
    "{\"relations\": {\"item\": {\"front\": \"one_to_many\", \"objects\": "
    "\"one_to_many\"}}, \"later\": [1, null],\n"
    "\"schemas\": {\"item\": {\"schema\": \"Health\", \"base_schema\": "
    "\"Item\", \"fields\": {\"id\": {\"type\": \"str\", \"collection\": false}, "
    "\"tags\": {\"type\": \"str\", \"collection\": true}}},\n"
    "\"front\": {\"schema\": \"Image\", \"base_schema\": \"Image\", \"fields\": "
    "{}}, \"clip\": {\"schema\": \"SequenceFrame\", \"base_schema\": "
    "\"SequenceFrame\"},\n"
    "\"objects\": {\"schema\": \"BBox\", \"base_schema\": \"BBox\", \"fields\": "
    "{}}, \"emb\": {\"base_schema\": \"ViewEmbedding\"}},\n"
    "\"groups\": {\"item\": [\"item\"], \"views\": [\"front\", 5], "
    "\"annotations\": [\"objects\"]}}";

static void check_group(const dataset_schema *s, const char *table, int wanted)
{
    dataset_group group = DATASET_GROUP_OTHER;
    bool found = dataset_schema_group(s, table, &group);
    if (found != (wanted >= 0) || (found && (int)group != wanted))
        test_fail(__FILE__, __LINE__, "'%s' is in group %d", table,
                  found ? (int)group : -1);
}

static void foreign_schemas_are_kept(void)
{
    akin_error e = {0};
    dataset_schema s = {0};
    dataset_make_text("schema.json", foreign);
    CHECK_OK(dataset_schema_read(&s, db_path("schema.json"), &e), e);
    check_group(&s, "item", DATASET_GROUP_ITEM);
    check_group(&s, "front", DATASET_GROUP_VIEWS);
    check_group(&s, "clip", DATASET_GROUP_VIEWS);
    check_group(&s, "emb", DATASET_GROUP_EMBEDDINGS);
    check_group(&s, "objects", DATASET_GROUP_OTHER);
    check_group(&s, "none", -1);
    CHECK_EQ_TEXT(dataset_schema_relation(&s, "front"), "many_to_one");
    CHECK(dataset_schema_relation(&s, "emb") == NULL);
    CHECK_EQ_TEXT(dataset_schema_base(&s, "clip"), "SequenceFrame");
    const char **names = NULL;
    size_t n = 0;
    CHECK_OK(dataset_schema_tables(&s, DATASET_GROUP_VIEWS, &names, &n, &e), e);
    CHECK_EQ_INT(n, 2);
    if (n == 2) CHECK_EQ_TEXT(names[0], "clip");
    mem_free(names);
    CHECK_OK(dataset_schema_put_field(&s, "id", "str", &e), e);
    CHECK_OK(dataset_schema_put_field(&s, "kind", "int", &e), e);
    CHECK_OK(dataset_schema_put_embedding(&s, "emb", 4, "one_to_one", &e), e);
    CHECK_OK(dataset_schema_remove(&s, "clip", &e), e);
    CHECK_OK(dataset_schema_write(&s, db_path("schema.json"), &e), e);
    const char *text = dataset_read_text("schema.json");
    CHECK(strstr(text, "\"later\": [\n        1,\n        null\n    ]"));
    CHECK(strstr(text, "\"tags\": {\n                    \"type\": \"str\",\n"
                       "                    \"collection\": true"));
    CHECK(strstr(text, "\"schema\": \"Health\""));
    CHECK(strstr(text, "\"objects\": \"one_to_many\""));
    CHECK(strstr(text, "\"kind\": {\n                    \"type\": \"int\""));
    CHECK(strstr(text, "\"dim\": 4"));
    CHECK(!strstr(text, "clip"));
    dataset_schema_clear(&s);
}

static void schemas_are_read_leniently(void)
{
    static const struct {
        const char *text;
        akin_status status;
    } rows[] = {
        {"{}", AKIN_OK},
        {"{\"relations\": 5, \"schemas\": [], \"groups\": null}", AKIN_OK},
        {"{\"groups\": {\"views\": \"image\"}}", AKIN_OK},
        {"{\"schemas\": {\"item\": 3}}", AKIN_OK},
        {"[]", AKIN_ECORRUPT},
        {"", AKIN_ECORRUPT},
        {"{", AKIN_ECORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        akin_error e = {0};
        dataset_schema s = {0};
        dataset_make_text("schema.json", rows[i].text);
        CHECK_STATUS(dataset_schema_read(&s, db_path("schema.json"), &e),
                     rows[i].status);
        if (s.json) {
            check_group(&s, "item", DATASET_GROUP_ITEM);
            CHECK_OK(dataset_schema_put_view(&s, "image", "one_to_one", &e), e);
            check_group(&s, "image", DATASET_GROUP_VIEWS);
        }
        dataset_schema_clear(&s);
    }
}

static void infos_are_kept(void)
{
    akin_error e = {0};
    dataset_info_file info;
    dataset_make_text("p/info.json",
                      "{\"name\": \"N\", \"id\": \"i\", \"extra\": {\"a\": 1}, "
                      "\"size\": 5, \"workspace\": \"image_vqa\"}");
    CHECK_OK(dataset_info_read(&info, db_path("p"), &e), e);
    CHECK_EQ_TEXT(info.id, "i");
    CHECK_EQ_TEXT(info.size, "Unknown");
    CHECK_EQ_TEXT(info.workspace, "image_vqa");
    CHECK_EQ_TEXT(info.description, "");
    CHECK_OK(dataset_info_write(&info, db_path("p"), &e), e);
    CHECK_EQ_TEXT(dataset_read_text("p/info.json"),
                  "{\n"
                  "    \"name\": \"N\",\n"
                  "    \"id\": \"i\",\n"
                  "    \"extra\": {\n"
                  "        \"a\": 1\n"
                  "    },\n"
                  "    \"size\": \"Unknown\",\n"
                  "    \"workspace\": \"image_vqa\",\n"
                  "    \"description\": \"\",\n"
                  "    \"preview\": \"\"\n"
                  "}");
    dataset_info_clear(&info);
}

/* Memory that runs out at any point is an error, and nothing is leaked. */
static void memory_may_run_out(void)
{
    dataset_make_text("p/info.json", "{\"id\": \"i\"}");
    for (int64_t n = 1; n < 200; n++) {
        akin_error e = {0};
        dataset_info_file info = {0};
        mem_fail_at(n);
        akin_status status = dataset_info_read(&info, db_path("p"), &e);
        if (status == AKIN_OK)
            status = dataset_info_write(&info, db_path("p"), &e);
        bool all = mem_fail_pending();
        mem_fail_at(0);
        dataset_info_clear(&info);
        CHECK_STATUS(status, all ? AKIN_OK : AKIN_ENOMEM);
        if (all) break;
    }
}

const test_case test_dataset_schema_cases[] = {
    {"dataset_schema/schemas_are_pixanos", schemas_are_pixanos},
    {"dataset_schema/foreign_schemas_are_kept", foreign_schemas_are_kept},
    {"dataset_schema/schemas_are_read_leniently", schemas_are_read_leniently},
    {"dataset_schema/infos_are_kept", infos_are_kept},
    {"dataset_schema/memory_may_run_out", memory_may_run_out},
    {NULL, NULL},
};
