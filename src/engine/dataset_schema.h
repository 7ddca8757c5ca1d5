/* SPDX-License-Identifier: MIT
 * info.json, schema.json and features_values.json as Pixano 0.6 writes them. */
#ifndef ENGINE_DATASET_SCHEMA_H
#define ENGINE_DATASET_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

/* All texts owned. */
typedef struct dataset_info_file {
    char *id, *name, *description, *size, *preview, *workspace;
} dataset_info_file;

/* path is the dataset's folder. AKIN_ENOTFOUND: "no dataset found in 'PATH'". */
akin_status dataset_info_read(dataset_info_file *info, const char *path,
                              akin_error *err) AKIN_NODISCARD;
akin_status dataset_info_write(const dataset_info_file *info, const char *path,
                               akin_error *err) AKIN_NODISCARD;
void dataset_info_clear(dataset_info_file *info);

typedef enum dataset_group {
    DATASET_GROUP_ITEM,
    DATASET_GROUP_VIEWS,
    DATASET_GROUP_EMBEDDINGS,
    DATASET_GROUP_OTHER, /* entities, annotations, source: kept as they are */
} dataset_group;

/* A schema, kept as the JSON that it is: what akin does not know stays. */
typedef struct dataset_schema {
    json_t *json;
} dataset_schema;

/* path is the file; where there is none, a new schema with the item table. */
akin_status dataset_schema_read(dataset_schema *schema, const char *path,
                                akin_error *err) AKIN_NODISCARD;
akin_status dataset_schema_write(const dataset_schema *schema, const char *path,
                                 akin_error *err) AKIN_NODISCARD;
akin_status dataset_schema_new(dataset_schema *schema, akin_error *err)
    AKIN_NODISCARD;
void dataset_schema_clear(dataset_schema *schema);

/* false if there is no such table. */
bool dataset_schema_group(const dataset_schema *schema, const char *table,
                          dataset_group *out);
const char *dataset_schema_base(const dataset_schema *schema, const char *table);
/* From the table to item: "one_to_one"; NULL if it is not said. */
const char *dataset_schema_relation(const dataset_schema *schema,
                                    const char *table);
/* Tables of a group, by name: borrowed names, the array is owned. */
akin_status dataset_schema_tables(const dataset_schema *schema,
                                  dataset_group group, const char ***out,
                                  size_t *n, akin_error *err) AKIN_NODISCARD;

/* A field of the item table, or its new type ("str", "int", "float", "bool",
 * "datetime"). */
akin_status dataset_schema_put_field(dataset_schema *schema, const char *name,
                                     const char *type, akin_error *err)
    AKIN_NODISCARD;
akin_status dataset_schema_put_view(dataset_schema *schema, const char *table,
                                    const char *relation, akin_error *err)
    AKIN_NODISCARD;
akin_status dataset_schema_put_embedding(dataset_schema *schema,
                                         const char *table, uint32_t dim,
                                         const char *relation, akin_error *err)
    AKIN_NODISCARD;
/* AKIN_EUSAGE unless it is one of the four; NULL is fine. */
akin_status dataset_schema_check_relation(const char *relation, akin_error *err)
    AKIN_NODISCARD;
akin_status dataset_schema_remove(dataset_schema *schema, const char *table,
                                  akin_error *err) AKIN_NODISCARD;

/* A features_values.json that allows everything. */
akin_status dataset_features_write(const char *path, akin_error *err)
    AKIN_NODISCARD;

/* Table names may hold all but '/', '\\', control characters, a '.' in front and
 * Windows' reserved ones; 1 to 100 bytes. */
bool dataset_name_is_legal(const char *name);

#endif
