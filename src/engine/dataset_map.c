/* SPDX-License-Identifier: MIT
 * Making a map: the names of the table's windows go into a hash table, the views
 * are looked up in it by their urls, and what is found is sorted by row. */
#include "engine/dataset_map.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define MAP_MAX_ROWS ((size_t)1 << 31)
#define MAP_MAX_BYTES ((size_t)1 << 38) /* of all names */
#define MAP_MAX_NAMES 65535
#define MAP_NONE UINT32_MAX

/* A vector with the name of its file. */
typedef struct map_name {
    size_t text_at;
    uint32_t row, next; /* of the same hash; MAP_NONE: the last */
} map_name;

typedef struct map_pair {
    uint32_t row;
    dataset_entry entry;
} map_pair;

/* What is needed while a map is made. */
typedef struct map_make {
    dataset_map *map;
    text_buf texts;
    map_name *names;
    size_t n, cap;
    uint32_t *heads; /* [mask + 1] */
    size_t mask;
    map_pair *pairs;
    size_t n_pairs, cap_pairs;
} map_make;

/* ---- the table's side --------------------------------------------------------- */

static akin_status map_take_name(void *user, int64_t id, const char *name,
                                 akin_error *err)
{
    map_make *m = user;
    bool found;
    size_t row;
    AKIN_TRY(snapshot_row(&m->map->snapshot, (uint64_t)id, &found, &row, err));
    if (!found) return AKIN_OK;
    void *p = m->names;
    akin_status status = mem_grow(&p, &m->cap, m->n + 1, sizeof *m->names,
                                  MAP_MAX_ROWS, err);
    m->names = p;
    AKIN_TRY(status);
    m->names[m->n++] = (map_name){m->texts.n, (uint32_t)row, MAP_NONE};
    text_buf_put(&m->texts, name, strlen(name) + 1);
    if (m->texts.status == AKIN_OK) return AKIN_OK;
    return AKIN_FAIL(err, m->texts.status, "out of memory for names");
}

static size_t map_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (size_t)(hash ^ hash >> 32);
}

static akin_status map_hash_names(map_make *m, akin_error *err)
{
    size_t size = 1;
    void *p;
    while (size < 2 * m->n) size *= 2;
    AKIN_TRY(mem_new_array(size, sizeof *m->heads, "names", &p, err));
    m->heads = p;
    m->mask = size - 1;
    memset(m->heads, 0xff, size * sizeof *m->heads); /* MAP_NONE */
    for (size_t i = 0; i < m->n; i++) {
        map_name *name = &m->names[i];
        uint32_t *head = &m->heads[map_hash(m->texts.data + name->text_at) &
                                   m->mask];
        name->next = *head;
        *head = (uint32_t)i;
    }
    return AKIN_OK;
}

/* ---- the views' side ---------------------------------------------------------- */

bool dataset_map_name(const dataset_map *map, const char *name, uint16_t *out)
{
    for (size_t i = 0; i < map->n_names; i++) {
        *out = (uint16_t)i;
        if (strcmp(map->names[i], name) == 0) return true;
    }
    return false;
}

static akin_status map_add_name(dataset_map *map, const char *name,
                                uint16_t *out, akin_error *err)
{
    if (dataset_map_name(map, name, out)) return AKIN_OK;
    if (map->n_names >= MAP_MAX_NAMES)
        return AKIN_FAIL(err, AKIN_ELIMIT, "over %d view tables",
                         MAP_MAX_NAMES);
    size_t n = map->n_names;
    void *p = mem_realloc_array(map->names, n + 1, sizeof *map->names);
    if (!p) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for names");
    map->names = p;
    map->names[n] = mem_strdup(name);
    if (!map->names[n])
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for names");
    map->n_names++;
    *out = (uint16_t)n;
    return AKIN_OK;
}

static akin_status map_add_pair(map_make *m, uint32_t row, const view_row *view,
                                akin_error *err)
{
    uint16_t name = 0;
    if (view->item > UINT32_MAX || view->row > UINT32_MAX)
        return AKIN_FAIL(err, AKIN_ELIMIT, "view '%s' has a row number over "
                         "%u", view->id, UINT32_MAX);
    AKIN_TRY(map_add_name(m->map, view->name, &name, err));
    void *p = m->pairs;
    akin_status status = mem_grow(&p, &m->cap_pairs, m->n_pairs + 1,
                                  sizeof *m->pairs, MAP_MAX_ROWS, err);
    m->pairs = p;
    AKIN_TRY(status);
    m->pairs[m->n_pairs++] = (map_pair){
        row, {(uint32_t)view->item, (uint32_t)view->row, name}};
    return AKIN_OK;
}

static akin_status map_take_view(void *user, const view_row *view,
                                 akin_error *err)
{
    map_make *m = user;
    uint32_t i = m->heads[map_hash(view->url) & m->mask];
    for (; i != MAP_NONE; i = m->names[i].next)
        if (strcmp(m->texts.data + m->names[i].text_at, view->url) == 0)
            AKIN_TRY(map_add_pair(m, m->names[i].row, view, err));
    return AKIN_OK;
}

/* ---- the map ------------------------------------------------------------------ */

/* Views come by row number, and keep this order within a row. */
static akin_status map_sort(map_make *m, akin_error *err)
{
    dataset_map *map = m->map;
    void *p;
    AKIN_TRY(mem_new_array(map->n_rows + 2, sizeof *map->first, "views", &p,
                           err));
    map->first = p;
    /* One more, so that a row without entries can be looked at as others. */
    AKIN_TRY(mem_new_array(m->n_pairs + 1, sizeof *map->entries, "views", &p,
                           err));
    map->entries = p;
    map->n_entries = m->n_pairs;
    uint32_t *at = map->first + 1; /* becomes the end of the row before */
    for (size_t i = 0; i < m->n_pairs; i++) at[m->pairs[i].row + 1]++;
    for (size_t i = 0; i < map->n_rows; i++) at[i + 1] += at[i];
    for (size_t i = 0; i < m->n_pairs; i++)
        map->entries[at[m->pairs[i].row]++] = m->pairs[i].entry;
    return AKIN_OK;
}

static void map_count_item(dataset_map *map, uint32_t item)
{
    uint64_t bit = (uint64_t)1 << ((item - 1) % 64);
    uint64_t *word = &map->items[(item - 1) / 64];
    map->n_items += !(*word & bit);
    *word |= bit;
}

static akin_status map_mark(dataset_map *map, akin_error *err)
{
    size_t n_file = map->snapshot.n_file;
    void *p;
    for (size_t i = 0; i < map->n_entries; i++)
        if (map->entries[i].item > map->n_item_bits)
            map->n_item_bits = map->entries[i].item;
    AKIN_TRY(mem_new_array(map->n_item_bits / 64 + 1, 8, "items", &p, err));
    map->items = p;
    AKIN_TRY(mem_new_array(n_file / 64 + 1, 8, "rows", &p, err));
    map->allow_file = p;
    AKIN_TRY(mem_new_array((map->n_rows - n_file) / 64 + 1, 8, "rows", &p,
                           err));
    map->allow_pending = p;
    for (size_t i = 0; i < map->n_rows; i++) {
        if (map->first[i] == map->first[i + 1]) continue;
        map->n_used++;
        map->shared = map->shared || map->first[i + 1] - map->first[i] > 1;
        size_t at = i < n_file ? i : i - n_file;
        (i < n_file ? map->allow_file : map->allow_pending)[at / 64] |=
            (uint64_t)1 << (at % 64);
    }
    for (size_t i = 0; i < map->n_entries; i++)
        map_count_item(map, map->entries[i].item);
    map->simple = !map->shared && map->n_items == map->n_entries;
    return AKIN_OK;
}

static akin_status map_make_all(map_make *m, akin_db *db, item_store *s,
                                akin_error *err)
{
    dataset_map *map = m->map;
    AKIN_TRY(snapshot_open(&map->snapshot, db, NULL, err));
    map->n_rows = map->snapshot.n_file + map->snapshot.pending.n;
    if (map->n_rows > MAP_MAX_ROWS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "'%s' has over %zu vectors",
                         db->path, MAP_MAX_ROWS);
    AKIN_TRY(store_each_name(map->snapshot.store, map_take_name, m, err));
    snapshot_end_read(&map->snapshot);
    AKIN_TRY(map_hash_names(m, err));
    AKIN_TRY(items_each_view(s, NULL, 0, map_take_view, m, err));
    AKIN_TRY(map_sort(m, err));
    return map_mark(map, err);
}

akin_status dataset_map_init(dataset_map *map, akin_db *db, item_store *s,
                             akin_error *err)
{
    *map = (dataset_map){0};
    map_make m = {.map = map};
    text_buf_init(&m.texts, MAP_MAX_BYTES);
    akin_status status = map_make_all(&m, db, s, err);
    text_buf_clear(&m.texts);
    mem_free(m.names);
    mem_free(m.heads);
    mem_free(m.pairs);
    return status;
}

void dataset_map_clear(dataset_map *map)
{
    snapshot_close(&map->snapshot);
    for (size_t i = 0; i < map->n_names; i++) mem_free(map->names[i]);
    mem_free(map->names);
    mem_free(map->first);
    mem_free(map->entries);
    mem_free(map->allow_file);
    mem_free(map->allow_pending);
    mem_free(map->items);
    *map = (dataset_map){0};
}
