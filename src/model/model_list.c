/* SPDX-License-Identifier: MIT
 * Looks through the folders of models. */
#include "model/model_list.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/model_facts.h"
#include "model/model_labels.h"

enum { MAX_LISTED = 4096 }; /* models in all folders */

/* ---- one model by its name ---- */

/* A name that could be a folder's: what a card may be called. */
static bool is_name(const char *name)
{
    size_t n = strlen(name);
    return n && n < CARD_NAME_BYTES && *name != '.' && !strchr(name, '/');
}

/* perch_v2 -> perch-v2, as the cards that ship are named. */
static void usual_name(const char *name, char out[CARD_NAME_BYTES])
{
    size_t i = 0;
    for (; name[i]; i++) {
        out[i] = name[i] == '_' ? '-' : name[i];
        if (out[i] >= 'A' && out[i] <= 'Z') out[i] += 'a' - 'A';
    }
    out[i] = 0;
}

/* *out stays NULL if the folder has no such model. */
static akin_status find_in_folder(const char *folder, const char *name,
                                  char **out, model_card *card, akin_error *err)
{
    char *path = file_join(folder, name);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = card_from_folder(path, card, err);
    if (status == AKIN_OK) {
        memcpy(card->name, name, strlen(name) + 1);
        *out = path;
        return AKIN_OK;
    }
    mem_free(path);
    return status == AKIN_ENOTFOUND ? AKIN_OK : status;
}

static akin_status find_here(const char *name, const akin_model_options *opt,
                             model_place *out, model_card *card,
                             akin_error *err)
{
    out->builtin = model_builtin_find(name);
    for (size_t i = 0; i < opt->n_folders && !out->builtin && !out->folder; i++)
        AKIN_TRY(find_in_folder(opt->folders[i], name, &out->folder, card,
                                err));
    return AKIN_OK;
}

static bool has_card(const akin_model_options *opt, const char *name)
{
    char *folder = opt->cards ? file_join(opt->cards, name) : NULL;
    char *card = folder ? file_join(folder, CARD_FILE_NAME) : NULL;
    bool there = card && file_exists(card);
    mem_free(card);
    mem_free(folder);
    return there;
}

static akin_status refuse_name(const char *name, const char *usual,
                               const akin_model_options *opt, akin_error *err)
{
    const char *known = NULL;
    if (*usual && has_card(opt, usual)) known = usual;
    if (*usual && has_card(opt, name)) known = name;
    if (known)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "model '%s' is not installed here; `akin model "
                         "install %s` gets it",
                         known, known);
    return AKIN_FAIL(err, AKIN_EMODEL,
                     "there is no model '%.100s' here; `akin model list` names "
                     "those that there are",
                     name);
}

static akin_status find_by_name(const char *name, const akin_model_options *opt,
                                model_place *out, model_card *card,
                                akin_error *err)
{
    char usual[CARD_NAME_BYTES] = "";
    if (!is_name(name)) return refuse_name(name, usual, opt, err);
    usual_name(name, usual);
    AKIN_TRY(find_here(name, opt, out, card, err));
    if (!out->builtin && !out->folder)
        AKIN_TRY(find_here(usual, opt, out, card, err));
    return out->builtin || out->folder ? AKIN_OK
                                       : refuse_name(name, usual, opt, err);
}

akin_status model_list_find(const char *name, const akin_model_options *opt,
                            model_place *out, model_card *card, akin_error *err)
{
    if (!strchr(name, '/')) return find_by_name(name, opt, out, card, err);
    AKIN_TRY(card_from_folder(name, card, err));
    out->folder = mem_strdup(name);
    return out->folder ? AKIN_OK
                       : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
}

void model_place_clear(model_place *place)
{
    mem_free(place->folder);
    *place = (model_place){0};
}

/* ---- all of them ---- */

typedef struct list_entry {
    char *name;
    size_t folder; /* which of the options' */
} list_entry;

typedef struct model_list {
    const akin_model_options *opt;
    list_entry *entries;
    size_t n, cap;
    model_card *card; /* of the one that is visited */
} model_list;

/* Who is told of the models. */
typedef struct list_visitor {
    bool (*visit)(void *user, const akin_model_info *info, const char *problem);
    void *user;
    bool ended;
} list_visitor;

static akin_status list_add(model_list *list, const char *name, size_t folder,
                            akin_error *err)
{
    void *entries = list->entries;
    AKIN_TRY(mem_grow(&entries, &list->cap, list->n + 1, sizeof *list->entries,
                      MAX_LISTED, err));
    list->entries = entries;
    list->entries[list->n] = (list_entry){mem_strdup(name), folder};
    if (!list->entries[list->n].name)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory listing models");
    list->n++;
    return AKIN_OK;
}

/* A folder that is not there or cannot be read holds no models. */
static akin_status list_folder(model_list *list, size_t i, akin_error *err)
{
    akin_status status = AKIN_OK;
    DIR *dir = opendir(list->opt->folders[i]);
    if (!dir) return AKIN_OK;
    for (struct dirent *e; status == AKIN_OK && (e = readdir(dir));)
        if (is_name(e->d_name) && !model_builtin_find(e->d_name))
            status = list_add(list, e->d_name, i, err);
    closedir(dir);
    return status;
}

static int list_compare(const void *a, const void *b)
{
    const list_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order) return order;
    return x->folder < y->folder ? -1 : x->folder > y->folder;
}

static void list_tell(list_visitor *v, const akin_model_info *info,
                      const char *problem)
{
    v->ended = !v->visit(v->user, info, problem);
}

static void list_tell_problem(list_visitor *v, const char *name,
                              const char *path, const char *problem)
{
    const akin_model_info info = {.name = name, .version = "", .licence = "",
                                  .source = "", .about = "", .identity = "",
                                  .modality = "", .folder = path};
    list_tell(v, &info, problem);
}

/* A card that can be read: does its folder have all that it needs? */
static void list_tell_card(list_visitor *v, model_list *list, const char *name,
                           const char *path)
{
    akin_error e = {0};
    model_card *card = list->card;
    model_labels labels = {0};
    model_input input;
    akin_model_info info = model_facts_info(card);
    akin_status status = card_check_files(card, path, false, &e);
    if (status == AKIN_OK) status = model_facts_input(card, &input, &e);
    if (status == AKIN_OK && card->sound.labels.path[0])
        status = model_labels_read(&card->sound.labels, path, &labels, &e);
    info.name = name;
    info.folder = path;
    info.n_classes = labels.n;
    list_tell(v, &info, status == AKIN_OK ? NULL : e.text);
    model_labels_clear(&labels);
}

/* *found: it is a model, if one that cannot be used. */
static akin_status list_visit(model_list *list, const list_entry *entry,
                              list_visitor *v, bool *found, akin_error *err)
{
    akin_error e = {0};
    char *path = file_join(list->opt->folders[entry->folder], entry->name);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = card_from_folder(path, list->card, &e);
    *found = status != AKIN_ENOTFOUND;
    if (status == AKIN_OK)
        list_tell_card(v, list, entry->name, path);
    else if (*found)
        list_tell_problem(v, entry->name, path, e.text);
    mem_free(path);
    return AKIN_OK;
}

/* Of several folders that have a name, the first counts. */
static akin_status list_visit_all(model_list *list, list_visitor *v,
                                  akin_error *err)
{
    const char *last = NULL;
    for (size_t i = 0; i < list->n && !v->ended; i++) {
        const list_entry *entry = &list->entries[i];
        bool found = false;
        if (text_equal(entry->name, last)) continue;
        AKIN_TRY(list_visit(list, entry, v, &found, err));
        if (found) last = entry->name;
    }
    return AKIN_OK;
}

static void list_clear(model_list *list)
{
    for (size_t i = 0; i < list->n; i++) mem_free(list->entries[i].name);
    mem_free(list->entries);
    mem_free(list->card);
}

akin_status model_each(const akin_model_options *opt,
                       bool (*visit)(void *user, const akin_model_info *info,
                                     const char *problem),
                       void *user, akin_error *err)
{
    static const akin_model_options defaults;
    akin_status status = AKIN_OK;
    list_visitor v = {.visit = visit, .user = user};
    model_list list = {.opt = opt ? opt : &defaults};
    for (size_t i = 0; i < model_builtin_count() && !v.ended; i++) {
        akin_model_info info = model_builtin_info(model_builtin_at(i));
        list_tell(&v, &info, NULL);
    }
    if (v.ended) return AKIN_OK;
    AKIN_TRYG(mem_new_array(1, sizeof *list.card, "a model's card",
                            (void **)&list.card, err));
    for (size_t i = 0; i < list.opt->n_folders; i++)
        AKIN_TRYG(list_folder(&list, i, err));
    if (list.n) qsort(list.entries, list.n, sizeof *list.entries, list_compare);
    AKIN_TRYG(list_visit_all(&list, &v, err));
done:
    list_clear(&list);
    return status;
}
