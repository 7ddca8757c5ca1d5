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
