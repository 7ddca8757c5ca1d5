/* SPDX-License-Identifier: MIT
 * Libraries: the datasets in a folder. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_int.h"

/* Calls visit for each sub-folder with an info.json, by name; *more = false in
 * it ends the walk. */
static akin_status library_each(const char *library,
                                akin_status (*visit)(void *user,
                                                     const char *path,
                                                     bool *more,
                                                     akin_error *err),
                                void *user, akin_error *err)
{
    char **names = NULL;
    size_t n = 0;
    bool more = true;
    AKIN_TRY(file_list_new(library, &names, &n, err));
    akin_status status = AKIN_OK;
    for (size_t i = 0; i < n && more && status == AKIN_OK; i++) {
        char *path = file_join(library, names[i]);
        char *info = path ? file_join(path, "info.json") : NULL;
        if (!info)
            status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'",
                               names[i]);
        else if (file_exists(info))
            status = visit(user, path, &more, err);
        mem_free(info);
        mem_free(path);
    }
    file_list_free(names, n);
    return status;
}

/* ---- all ---------------------------------------------------------------------- */

typedef struct library_visitor {
    bool (*visit)(void *user, const akin_dataset_info *info,
                  const char *problem);
    void *user;
} library_visitor;

/* One that cannot be read is told, and hinders nobody else. */
static akin_status library_tell(void *user, const char *path, bool *more,
                                akin_error *err)
{
    library_visitor *v = user;
    akin_dataset *ds = NULL;
    akin_error why = {0};
    akin_dataset_info info = {.path = path};
    akin_status status = akin_dataset_open(path, NULL, &ds, &why);
    if (status == AKIN_OK) status = akin_dataset_get_info(ds, &info, &why);
    if (status == AKIN_ENOMEM)
        AKIN_FAIL(err, status, "%s", why.text);
    else
        *more = v->visit(v->user, &info, status == AKIN_OK ? NULL : why.text);
    akin_dataset_close(ds);
    return status == AKIN_ENOMEM ? status : AKIN_OK;
}

akin_status akin_dataset_each(const char *library,
                              bool (*visit)(void *user,
                                            const akin_dataset_info *info,
                                            const char *problem),
                              void *user, akin_error *err)
{
    library_visitor v = {visit, user};
    return library_each(library, library_tell, &v, err);
}

/* ---- one ---------------------------------------------------------------------- */

typedef struct library_wanted {
    const char *id;
    char *by_id, *by_name; /* paths */
} library_wanted;

static akin_status library_look(void *user, const char *path, bool *more,
                                akin_error *err)
{
    library_wanted *w = user;
    dataset_info_file info = {0};
    if (text_equal(file_name(path), w->id)) {
        w->by_name = mem_strdup(path);
        if (!w->by_name)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    }
    if (dataset_info_read(&info, path, NULL) != AKIN_OK) return AKIN_OK;
    bool found = *info.id && text_equal(info.id, w->id);
    dataset_info_clear(&info);
    if (!found) return AKIN_OK;
    *more = false;
    w->by_id = mem_strdup(path);
    if (w->by_id) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
}

akin_status akin_dataset_find(const char *library, const char *id,
                              const akin_dataset_options *opt,
                              akin_dataset **out, akin_error *err)
{
    library_wanted w = {.id = id};
    akin_status status = library_each(library, library_look, &w, err);
    const char *path = w.by_id ? w.by_id : w.by_name;
    if (status == AKIN_OK)
        status = path ? akin_dataset_open(path, opt, out, err)
                      : AKIN_FAIL(err, AKIN_ENOTFOUND,
                                  "dataset '%s' not found in '%s'", id,
                                  library);
    mem_free(w.by_id);
    mem_free(w.by_name);
    return status;
}
