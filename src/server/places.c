/* SPDX-License-Identifier: MIT
 * Paths inside folders. Names are resolved first and compared then: that holds
 * whatever links and dots they have. */
#include "server/places.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

bool places_is_below(const char *path, const char *root)
{
    size_t n = strlen(root);
    if (n > 0 && root[n - 1] == '/') n--;
    return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == 0);
}

akin_status places_find(const char *root, const char *name, char **out,
                        akin_error *err)
{
    char *base = file_absolute(root);
    char *joined = name[0] == '/' ? mem_strdup(name) : file_join(root, name);
    char *path = joined ? file_absolute(joined) : NULL;
    bool inside = base && path && places_is_below(path, base) &&
                  file_exists(path) && !file_is_dir(path);
    mem_free(joined);
    mem_free(base);
    if (inside) {
        *out = path;
        return AKIN_OK;
    }
    mem_free(path);
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no file '%s'", name);
}

akin_status places_allowed(const char *const *roots, size_t n_roots,
                           const char *path, char **out, akin_error *err)
{
    bool allowed = false;
    char *real = *path ? file_absolute(path) : NULL;
    for (size_t i = 0; real && i < n_roots && !allowed; i++) {
        char *root = file_absolute(roots[i]);
        allowed = root && places_is_below(real, root);
        mem_free(root);
    }
    if (allowed && (file_is_dir(real) || file_exists(real))) {
        *out = real;
        return AKIN_OK;
    }
    mem_free(real);
    return AKIN_FAIL(err, AKIN_ENOTFOUND,
                     "there is no '%s' below the folders that this server was "
                     "given", path);
}

static bool is_plain_name(const char *name)
{
    if (!*name || name[0] == '.' || strchr(name, '/') || strchr(name, '\\'))
        return false;
    return strlen(name) <= 200;
}

akin_status places_new(const char *root, const char *name, bool again,
                       char **out, akin_error *err)
{
    if (!is_plain_name(name))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' is no name for something new: it may have no '/' "
                         "and no '.' in front, and 200 bytes", name);
    AKIN_TRY(file_make_dirs(root, err));
    char *base = file_absolute(root);
    char *path = base ? file_join(base, name) : NULL;
    char *real = path ? file_absolute(path) : NULL;
    bool there = real && (file_exists(real) || file_is_dir(real));
    bool inside = real && strcmp(real, path) == 0;
    mem_free(base);
    mem_free(real);
    if (path && inside && (!there || again)) {
        *out = path;
        return AKIN_OK;
    }
    mem_free(path);
    return AKIN_FAIL(err, AKIN_EEXISTS, "'%s' is there already", name);
}
