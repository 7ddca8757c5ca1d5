/* SPDX-License-Identifier: MIT
 * What the library has in structs, as JSON. */
#define _GNU_SOURCE
#include "server/dataset_json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

/* ---- values ------------------------------------------------------------- */

const char *dataset_json_type(akin_value_kind kind)
{
    switch (kind) {
    case AKIN_VALUE_BOOL: return "bool";
    case AKIN_VALUE_INTEGER: return "int";
    case AKIN_VALUE_NUMBER: return "float";
    case AKIN_VALUE_TIME: return "datetime";
    case AKIN_VALUE_REF: return "ref";
    case AKIN_VALUE_VECTOR: return "vector";
    case AKIN_VALUE_SHAPE: return "list";
    case AKIN_VALUE_NULL: case AKIN_VALUE_TEXT: break;
    }
    return "str";
}

/* Microseconds are written if there are any, as Python does. */
static json_t *time_value(int64_t us)
{
    char text[64];
    struct tm tm;
    int64_t rest = us % 1000000 < 0 ? us % 1000000 + 1000000 : us % 1000000;
    time_t seconds = (time_t)((us - rest) / 1000000);
    if (!gmtime_r(&seconds, &tm)) return json_null();
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest) snprintf(text + n, sizeof text - n, ".%06d", (int)rest);
    return json_string(text);
}

static json_t *vector_value(const akin_value *value)
{
    json_t *out = json_array();
    for (size_t i = 0; i < value->n; i++)
        json_array_append_new(out, json_real((double)value->vector[i]));
    return out;
}

json_t *dataset_json_value(const akin_value *value)
{
    switch (value->kind) {
    case AKIN_VALUE_NULL: break;
    case AKIN_VALUE_BOOL: return json_boolean(value->integer != 0);
    case AKIN_VALUE_INTEGER: return json_integer(value->integer);
    case AKIN_VALUE_NUMBER: { /* JSON has no NaN */
        json_t *number = json_real(value->number);
        return number ? number : json_null();
    }
    case AKIN_VALUE_TEXT: return json_text(value->text);
    case AKIN_VALUE_TIME: return time_value(value->integer);
    case AKIN_VALUE_REF:
        return json_pack("{s:o, s:o}", "name", json_text(value->table), "id",
                         json_text(value->text));
    case AKIN_VALUE_VECTOR: return vector_value(value);
    case AKIN_VALUE_SHAPE:
        return json_pack("[I]", (json_int_t)value->integer);
    }
    return json_null();
}

/* ---- rows --------------------------------------------------------------- */

json_t *dataset_json_row(const akin_rows *rows, size_t i, bool vectors)
{
    size_t n;
    const akin_column *columns = akin_rows_columns(rows, &n);
    const akin_value *values = akin_rows_at(rows, i);
    json_t *out = json_object();
    for (size_t c = 0; c < n; c++) {
        if (columns[c].kind == AKIN_VALUE_VECTOR && !vectors) continue;
        json_object_set_new(out, columns[c].name,
                            dataset_json_value(&values[c]));
    }
    return out;
}

static bool is_base_column(const char *name)
{
    return strcmp(name, "id") == 0 || strcmp(name, "created_at") == 0 ||
           strcmp(name, "updated_at") == 0;
}

json_t *dataset_json_model(const akin_rows *rows, size_t i, const json_t *table)
{
    size_t n;
    const akin_column *columns = akin_rows_columns(rows, &n);
    const akin_value *values = akin_rows_at(rows, i);
    json_t *out = json_object(), *data = json_object();
    for (size_t c = 0; c < n; c++)
        json_object_set_new(is_base_column(columns[c].name) ? out : data,
                            columns[c].name, dataset_json_value(&values[c]));
    json_object_set_new(
        out, "table_info",
        json_pack("{s:O?, s:O?, s:O?}", "name", json_object_get(table, "name"),
                  "group", json_object_get(table, "group"), "base_schema",
                  json_object_get(table, "base_schema")));
    json_object_set_new(out, "data", data);
    return out;
}

/* ---- tables ------------------------------------------------------------- */

static json_t *columns_json(const akin_dataset_table *table)
{
    json_t *out = json_array();
    for (size_t i = 0; i < table->n_columns; i++)
        json_array_append_new(
            out, json_pack("{s:o, s:s}", "name",
                           json_text(table->columns[i].name), "type",
                           dataset_json_type(table->columns[i].kind)));
    return out;
}

static bool on_table(void *user, const akin_dataset_table *table)
{
    json_t *one = json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:o}", "name", json_text(table->name),
        "group", json_text(table->group), "base_schema", json_text(table->base),
        "relation", json_text(table->relation), "num_rows",
        (json_int_t)table->n_rows, "columns", columns_json(table));
    if (text_equal(table->group, "embeddings")) {
        json_object_set_new(one, "model", json_text(table->model));
        json_object_set_new(one, "text", json_boolean(table->text));
        json_object_set_new(one, "state", json_text(table->state));
        json_object_set_new(one, "dim", json_integer(table->dim));
    }
    json_array_append_new(user, one);
    return true;
}

akin_status dataset_json_tables(akin_dataset *ds, json_t **out, akin_error *err)
{
    *out = json_array();
    akin_status status = akin_dataset_each_table(ds, on_table, *out, err);
    if (status == AKIN_OK) return AKIN_OK;
    json_decref(*out);
    *out = NULL;
    return status;
}

const json_t *dataset_json_find(const json_t *tables, const char *name)
{
    size_t i;
    const json_t *table;
    json_array_foreach(tables, i, table) {
        const char *own;
        if (json_get_text(table, "name", &own) && strcmp(own, name) == 0)
            return table;
    }
    return NULL;
}

bool dataset_json_is_in(const json_t *table, const char *group)
{
    const char *own;
    return json_get_text(table, "group", &own) && strcmp(own, group) == 0;
}
