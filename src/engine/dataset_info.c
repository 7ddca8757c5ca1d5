/* SPDX-License-Identifier: MIT
 * info.json of a dataset; keys of it that akin does not know stay in it. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "engine/dataset_schema.h"

typedef struct info_key {
    const char *name, *otherwise;
    size_t at; /* offset of the text in dataset_info_file */
} info_key;

static const info_key info_keys[] = {
    {"id", "", offsetof(dataset_info_file, id)},
    {"name", "", offsetof(dataset_info_file, name)},
    {"description", "", offsetof(dataset_info_file, description)},
    {"size", "Unknown", offsetof(dataset_info_file, size)},
    {"preview", "", offsetof(dataset_info_file, preview)},
    {"workspace", "image", offsetof(dataset_info_file, workspace)},
};
#define N_KEYS (sizeof info_keys / sizeof *info_keys)

static char **info_text(dataset_info_file *info, const info_key *key)
{
    return (char **)((char *)info + key->at);
}

static akin_status info_path(const char *path, char **out, akin_error *err)
{
    *out = file_join(path, "info.json");
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
}

/* Texts that are missing, or are no texts, are what Pixano takes for them. */
static akin_status info_take(dataset_info_file *info, const json_t *json,
                             akin_error *err)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        const char *text = info_keys[i].otherwise;
        json_get_text(json, info_keys[i].name, &text);
        char **to = info_text(info, &info_keys[i]);
        *to = mem_strdup(text);
        if (!*to)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for info.json");
    }
    return AKIN_OK;
}

akin_status dataset_info_read(dataset_info_file *info, const char *path,
                              akin_error *err)
{
    char *file = NULL;
    json_t *json = NULL;
    *info = (dataset_info_file){0};
    AKIN_TRY(info_path(path, &file, err));
    akin_status status = json_read(file, &json, err);
    if (status == AKIN_ENOTFOUND)
        AKIN_FAIL(err, status, "no dataset found in '%s'", path);
    if (status == AKIN_OK && !json_is_object(json))
        status = AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is no JSON object", file);
    if (status == AKIN_OK) status = info_take(info, json, err);
    if (status != AKIN_OK) dataset_info_clear(info);
    json_decref(json);
    mem_free(file);
    return status;
}

/* What is there, or an empty object. */
static akin_status info_read_there(const char *file, json_t **out,
                                   akin_error *err)
{
    *out = NULL;
    akin_status status = file_exists(file) ? json_read(file, out, err)
                                           : AKIN_OK;
    if (status != AKIN_OK && status != AKIN_ECORRUPT) return status;
    if (json_is_object(*out)) return AKIN_OK;
    json_decref(*out);
    *out = json_object();
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", file);
}

static akin_status info_put(const dataset_info_file *info, json_t *json,
                            akin_error *err)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        const char *text = *info_text((dataset_info_file *)(uintptr_t)info,
                                      &info_keys[i]);
        if (json_object_set_new(json, info_keys[i].name,
                                json_text(text ? text
                                               : info_keys[i].otherwise)) != 0)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for info.json");
    }
    return AKIN_OK;
}

akin_status dataset_info_write(const dataset_info_file *info, const char *path,
                               akin_error *err)
{
    char *file = NULL;
    json_t *json = NULL;
    AKIN_TRY(info_path(path, &file, err));
    akin_status status = info_read_there(file, &json, err);
    if (status == AKIN_OK) status = info_put(info, json, err);
    if (status == AKIN_OK) status = json_write(json, file, err);
    json_decref(json);
    mem_free(file);
    return status;
}

void dataset_info_clear(dataset_info_file *info)
{
    for (size_t i = 0; i < N_KEYS; i++)
        mem_free(*info_text(info, &info_keys[i]));
    *info = (dataset_info_file){0};
}
