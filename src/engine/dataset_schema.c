/* SPDX-License-Identifier: MIT
 * schema.json and features_values.json of a dataset.
 *
 * A schema is changed in the JSON that was read, so that tables, fields and keys
 * of Pixano's that akin has no use for are written back as they were. Where
 * something is of another kind than it should be, it is put anew. */
#define _GNU_SOURCE
#include "engine/dataset_schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define SCHEMA_ITEM "item"
#define SCHEMA_MAX_NAME_BYTES 100

static akin_status schema_no_memory(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a schema");
}

/* ---- names ------------------------------------------------------------------ */

static bool name_is_reserved(const char *name)
{
    static const char *const words[] = {"con", "prn", "aux", "nul"};
    size_t n = strcspn(name, ".");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (n == 3 && strncasecmp(name, words[i], 3) == 0) return true;
    return n == 4 && name[3] >= '1' && name[3] <= '9' &&
           (strncasecmp(name, "com", 3) == 0 ||
            strncasecmp(name, "lpt", 3) == 0);
}

bool dataset_name_is_legal(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > SCHEMA_MAX_NAME_BYTES || *name == '.') return false;
    if (name[n - 1] == '.' || name[n - 1] == ' ') return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 32 || name[i] == 127) return false;
    return !strpbrk(name, "/\\<>:\"|?*") && text_is_utf8(name, n) &&
           !name_is_reserved(name);
}

/* ---- groups and tables ------------------------------------------------------ */

static const char *const group_names[] = {
    [DATASET_GROUP_ITEM] = "item",
    [DATASET_GROUP_VIEWS] = "views",
    [DATASET_GROUP_EMBEDDINGS] = "embeddings",
};

static const json_t *schema_part(const dataset_schema *schema, const char *part)
{
    return json_object_get(schema->json, part);
}

static bool group_has(const json_t *group, const char *table)
{
    size_t i;
    json_t *name;
    json_array_foreach(group, i, name)
    {
        if (json_is_string(name) && strcmp(json_string_value(name), table) == 0)
            return true;
    }
    return false;
}

/* Of a table that is in no group. */
static dataset_group group_of_base(const char *base)
{
    static const char *const views[] = {"View",   "Image", "SequenceFrame",
                                        "Video",  "Text",  "PDF",
                                        "PointCloud"};
    if (!base) return DATASET_GROUP_OTHER;
    if (strcmp(base, "Item") == 0) return DATASET_GROUP_ITEM;
    if (text_ends_with(base, "Embedding", false))
        return DATASET_GROUP_EMBEDDINGS;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (strcmp(base, views[i]) == 0) return DATASET_GROUP_VIEWS;
    return DATASET_GROUP_OTHER;
}

bool dataset_schema_group(const dataset_schema *schema, const char *table,
                          dataset_group *out)
{
    const char *name;
    json_t *group;
    json_object_foreach((json_t *)(uintptr_t)schema_part(schema, "groups"),
                        name, group)
    {
        if (!group_has(group, table)) continue;
        *out = DATASET_GROUP_OTHER;
        for (size_t g = 0; g < DATASET_GROUP_OTHER; g++)
            if (strcmp(name, group_names[g]) == 0) *out = (dataset_group)g;
        return true;
    }
    if (!json_object_get(schema_part(schema, "schemas"), table)) return false;
    *out = group_of_base(dataset_schema_base(schema, table));
    return true;
}

const char *dataset_schema_base(const dataset_schema *schema, const char *table)
{
    const char *base = NULL;
    json_get_text(json_object_get(schema_part(schema, "schemas"), table),
                  "base_schema", &base);
    return base;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

akin_status dataset_schema_tables(const dataset_schema *schema,
                                  dataset_group group, const char ***out,
                                  size_t *n, akin_error *err)
{
    json_t *schemas = (json_t *)(uintptr_t)schema_part(schema, "schemas");
    json_t *table;
    const char *name;
    void *names = NULL;
    dataset_group its;
    *n = 0;
    AKIN_TRY(mem_new_array(json_object_size(schemas), sizeof **out,
                           "the tables", &names, err));
    *out = names;
    json_object_foreach(schemas, name, table)
    {
        if (dataset_schema_group(schema, name, &its) && its == group)
            (*out)[(*n)++] = name;
    }
    if (*n) qsort(*out, *n, sizeof **out, compare_names);
    return AKIN_OK;
}

/* ---- relations ---------------------------------------------------------------- */

/* The same relation seen from the other table; NULL if it is none. */
static const char *relation_mirrored(const char *relation)
{
    static const char *const pairs[][2] = {
        {"one_to_one", "one_to_one"},
        {"many_to_many", "many_to_many"},
        {"many_to_one", "one_to_many"},
        {"one_to_many", "many_to_one"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strcmp(pairs[i][0], relation) == 0) return pairs[i][1];
    return NULL;
}

akin_status dataset_schema_check_relation(const char *relation, akin_error *err)
{
    if (!relation || relation_mirrored(relation)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "invalid relation '%s': it is one_to_one, one_to_many, "
                     "many_to_one or many_to_many",
                     relation);
}

const char *dataset_schema_relation(const dataset_schema *schema,
                                    const char *table)
{
    const json_t *relations = schema_part(schema, "relations");
    const char *relation = NULL;
    if (json_get_text(json_object_get(relations, table), SCHEMA_ITEM,
                      &relation))
        return relation;
    if (json_get_text(json_object_get(relations, SCHEMA_ITEM), table,
                      &relation))
        return relation_mirrored(relation);
    return NULL;
}

/* ---- changing ------------------------------------------------------------------ */

/* The object under a key, made if it is not there; NULL when memory is out. */
static json_t *object_in(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);
    if (json_is_object(found)) return found;
    json_object_set_new(object, key, json_object());
    return json_object_get(object, key);
}

static json_t *array_in(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);
    if (json_is_array(found)) return found;
    json_object_set_new(object, key, json_array());
    return json_object_get(object, key);
}

static bool put_relation(dataset_schema *schema, const char *table,
                         const char *relation)
{
    json_t *relations = object_in(schema->json, "relations");
    const char *mirrored = relation_mirrored(relation);
    json_t *of_table = object_in(relations, table);
    json_t *of_item = object_in(relations, SCHEMA_ITEM);
    return mirrored &&
           json_object_set_new(of_item, table, json_string(mirrored)) == 0 &&
           json_object_set_new(of_table, SCHEMA_ITEM, json_string(relation)) ==
               0;
}

static bool put_in_group(dataset_schema *schema, dataset_group group,
                         const char *table)
{
    json_t *names = array_in(object_in(schema->json, "groups"),
                             group_names[group]);
    return group_has(names, table) ||
           json_array_append_new(names, json_text(table)) == 0;
}

static bool put_type(json_t *fields, const char *name, const char *type,
                     bool collection)
{
    json_t *field = object_in(fields, name);
    return json_object_set_new(field, "type", json_string(type)) == 0 &&
           (json_object_get(field, "collection") ||
            json_object_set_new(field, "collection",
                                json_boolean(collection)) == 0);
}

typedef struct schema_column {
    const char *name, *type;
    bool collection;
} schema_column;

/* Every row has these in front. */
static const schema_column base_columns[] = {
    {"id", "str", false},
    {"created_at", "datetime", false},
    {"updated_at", "datetime", false},
    {0},
};
static const schema_column item_columns[] = {{"split", "str", false}, {0}};
static const schema_column image_columns[] = {
    {"item_ref", "ItemRef", false}, {"parent_ref", "ViewRef", false},
    {"url", "str", false},          {"width", "int", false},
    {"height", "int", false},       {"format", "str", false},
    {0},
};
static const schema_column embedding_columns[] = {
    {"item_ref", "ItemRef", false},
    {"vector", "FixedSizeList", false},
    {"shape", "int", true},
    {"view_ref", "ViewRef", false},
    {0},
};

static bool put_columns(json_t *fields, const schema_column *columns)
{
    for (const schema_column *c = columns; c->name; c++)
        if (!put_type(fields, c->name, c->type, c->collection)) return false;
    return true;
}

/* A table that is there keeps its fields. */
static bool put_table(dataset_schema *schema, const char *table,
                      const char *base, const schema_column *columns)
{
    json_t *schemas = object_in(schema->json, "schemas");
    if (json_is_object(json_object_get(schemas, table))) return true;
    json_t *its = object_in(schemas, table);
    if (json_object_set_new(its, "schema", json_string(base)) != 0 ||
        json_object_set_new(its, "base_schema", json_string(base)) != 0)
        return false;
    json_t *fields = object_in(its, "fields");
    return put_columns(fields, base_columns) && put_columns(fields, columns);
}

static json_t *fields_of(dataset_schema *schema, const char *table)
{
    json_t *schemas = object_in(schema->json, "schemas");
    return object_in(object_in(schemas, table), "fields");
}

akin_status dataset_schema_put_field(dataset_schema *schema, const char *name,
                                     const char *type, akin_error *err)
{
    bool put = put_type(fields_of(schema, SCHEMA_ITEM), name, type, false);
    return put ? AKIN_OK : schema_no_memory(err);
}

akin_status dataset_schema_put_view(dataset_schema *schema, const char *table,
                                    const char *relation, akin_error *err)
{
    bool put = put_table(schema, table, "Image", image_columns) &&
               put_in_group(schema, DATASET_GROUP_VIEWS, table) &&
               put_relation(schema, table, relation);
    return put ? AKIN_OK : schema_no_memory(err);
}

static bool put_vector(dataset_schema *schema, const char *table, uint32_t dim)
{
    json_t *vector = object_in(fields_of(schema, table), "vector");
    return json_object_set_new(vector, "dim", json_integer(dim)) == 0 &&
           json_object_set_new(vector, "value_type", json_string("float")) == 0;
}

akin_status dataset_schema_put_embedding(dataset_schema *schema,
                                         const char *table, uint32_t dim,
                                         const char *relation, akin_error *err)
{
    AKIN_TRY(dataset_schema_check_relation(relation, err));
    bool put = put_table(schema, table, "ViewEmbedding", embedding_columns) &&
               put_vector(schema, table, dim) &&
               put_in_group(schema, DATASET_GROUP_EMBEDDINGS, table) &&
               put_relation(schema, table, relation);
    return put ? AKIN_OK : schema_no_memory(err);
}

akin_status dataset_schema_remove(dataset_schema *schema, const char *table,
                                  akin_error *err)
{
    json_t *relations = object_in(schema->json, "relations"), *group;
    const char *name;
    size_t i;
    json_t *at;
    if (!relations) return schema_no_memory(err);
    json_object_del(object_in(schema->json, "schemas"), table);
    json_object_del(relations, table);
    json_object_del(json_object_get(relations, SCHEMA_ITEM), table);
    json_object_foreach(json_object_get(schema->json, "groups"), name, group)
    {
        json_array_foreach(group, i, at)
        {
            const char *text = json_string_value(at);
            if (!text || strcmp(text, table) != 0) continue;
            json_array_remove(group, i);
            break;
        }
    }
    return AKIN_OK;
}

/* ---- files ---------------------------------------------------------------------- */

static bool put_item(dataset_schema *schema)
{
    static const char *const groups[] = {"item", "views", "entities",
                                         "annotations", "embeddings"};
    json_t *relations = object_in(schema->json, "relations");
    bool put = object_in(relations, SCHEMA_ITEM) &&
               put_table(schema, SCHEMA_ITEM, "Item", item_columns);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        put = put && array_in(object_in(schema->json, "groups"), groups[i]);
    return put && put_in_group(schema, DATASET_GROUP_ITEM, SCHEMA_ITEM);
}

akin_status dataset_schema_new(dataset_schema *schema, akin_error *err)
{
    schema->json = json_object();
    if (schema->json && put_item(schema)) return AKIN_OK;
    dataset_schema_clear(schema);
    return schema_no_memory(err);
}

void dataset_schema_clear(dataset_schema *schema)
{
    json_decref(schema->json);
    schema->json = NULL;
}

akin_status dataset_schema_read(dataset_schema *schema, const char *path,
                                akin_error *err)
{
    *schema = (dataset_schema){0};
    if (!file_exists(path)) return dataset_schema_new(schema, err);
    AKIN_TRY(json_read(path, &schema->json, err));
    if (json_is_object(schema->json) && put_item(schema)) return AKIN_OK;
    bool object = json_is_object(schema->json);
    dataset_schema_clear(schema);
    return object ? schema_no_memory(err)
                  : AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is no JSON object",
                              path);
}

akin_status dataset_schema_write(const dataset_schema *schema, const char *path,
                                 akin_error *err)
{
    return json_write(schema->json, path, err);
}

akin_status dataset_features_write(const char *path, akin_error *err)
{
    static const char *const groups[] = {"item", "views", "entities",
                                         "annotations"};
    json_t *json = json_object();
    bool put = json != NULL;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        put = put && object_in(json, groups[i]);
    akin_status status = put ? json_write(json, path, err)
                             : schema_no_memory(err);
    json_decref(json);
    return status;
}
