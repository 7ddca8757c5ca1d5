/* SPDX-License-Identifier: MIT
 * Compares a typed name with those of the models that are known here. */
#include "cli/model_names.h"

#include <string.h>

#include "base/memory.h"
#include "cli/options.h"

enum { MAX_NAMES = 4096 };

typedef struct name_list {
    const char *typed;
    char **items; /* owned */
    size_t n, cap;
    bool is_known;
    akin_status status;
    akin_error *err;
} name_list;

static bool add_name(void *user, const akin_model_info *m, const char *problem)
{
    name_list *list = user;
    (void)problem;
    list->is_known = strcmp(m->name, list->typed) == 0;
    if (list->is_known) return false;
    list->status =
        mem_grow((void **)&list->items, &list->cap, list->n + 1,
                 sizeof *list->items, MAX_NAMES, list->err);
    char *copy = list->status == AKIN_OK ? mem_strdup(m->name) : NULL;
    if (copy) list->items[list->n++] = copy;
    return copy != NULL;
}

static akin_status fail_unknown(const name_list *list)
{
    const char *nearest = options_nearest(
        list->typed, (const char *const *)list->items, list->n);
    if (nearest)
        return AKIN_FAIL(list->err, AKIN_EMODEL,
                         "there is no model '%s', did you mean '%s'?",
                         list->typed, nearest);
    return AKIN_FAIL(list->err, AKIN_EMODEL,
                     "there is no model '%s', see akin model list",
                     list->typed);
}

akin_status model_names_check(const model_places *places, const char *name,
                              akin_error *err)
{
    name_list list = {.typed = name, .err = err};
    if (strchr(name, '/')) return AKIN_OK;
    akin_status status =
        akin_model_each(&places->options, add_name, &list, err);
    if (status == AKIN_OK) status = list.status;
    if (status == AKIN_OK && !list.is_known) status = fail_unknown(&list);
    for (size_t i = 0; i < list.n; i++) mem_free(list.items[i]);
    mem_free(list.items);
    return status;
}
