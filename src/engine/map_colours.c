/* SPDX-License-Identifier: MIT
 * What the points of a map are coloured by: one small number a point.
 *
 * One pass over the windows tells which recording each point is of; recordings
 * and annotations are then looked up by id in sorted arrays. A join in SQL would
 * give a row for each point and annotation, which for a million points is
 * seconds where this is a fraction of one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/database.h"
#include "engine/when.h"

#define COLOURS_MAX_ROWS ((size_t)1 << 32)

typedef struct colour_place {
    int64_t recording_id; /* 0: the window is gone */
    double start_s, end_s;
} colour_place;

typedef struct colour_recording {
    int64_t id;
    char *name, *datetime;
    size_t n;      /* points */
    uint8_t code;
} colour_recording;

typedef struct colour_label {
    int64_t recording_id;
    double start_s, end_s;
    size_t name; /* which of the names */
} colour_label;

typedef struct colour_name {
    char *text;
    size_t n; /* annotations */
    size_t code;
} colour_name;

typedef struct colour_maker {
    const akin_map *map;
    akin_colours *out;
    colour_place *places; /* [map->n] */
    size_t at;            /* of the pass */
    colour_recording *recordings;
    size_t n_recordings, cap_recordings;
    colour_label *labels;
    size_t n_labels, cap_labels;
    colour_name *names;
    size_t n_names, cap_names;
} colour_maker;

static void maker_clear(colour_maker *m)
{
    for (size_t i = 0; i < m->n_recordings; i++) {
        mem_free(m->recordings[i].name);
        mem_free(m->recordings[i].datetime);
    }
    for (size_t i = 0; i < m->n_names; i++) mem_free(m->names[i].text);
    mem_free(m->recordings);
    mem_free(m->labels);
    mem_free(m->names);
    mem_free(m->places);
}

/* ---- reading -------------------------------------------------------------- */

/* Windows and points both come by ascending id. */
static akin_status take_place(void *user, const store_window *w,
                              akin_error *err)
{
    colour_maker *m = user;
    (void)err;
    while (m->at < m->map->n && m->map->points[m->at].window_id < w->id) m->at++;
    if (m->at < m->map->n && m->map->points[m->at].window_id == w->id)
        m->places[m->at] =
            (colour_place){w->recording_id, w->start_s, w->end_s};
    return AKIN_OK;
}

static akin_status take_recording(void *user, const store_recording *r,
                                  akin_error *err)
{
    colour_maker *m = user;
    void *p = m->recordings;
    akin_status status = mem_grow(&p, &m->cap_recordings, m->n_recordings + 1,
                                  sizeof *m->recordings, COLOURS_MAX_ROWS, err);
    m->recordings = p;
    AKIN_TRY(status);
    colour_recording one = {.id = r->id, .name = mem_strdup(r->name),
                            .datetime = mem_strdup(r->datetime)};
    m->recordings[m->n_recordings++] = one;
    if (one.name) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map's colours");
}

static akin_status find_name(colour_maker *m, const char *text, size_t *at,
                             akin_error *err)
{
    void *p = m->names;
    for (*at = 0; *at < m->n_names; ++*at)
        if (strcmp(m->names[*at].text, text) == 0) return AKIN_OK;
    akin_status status = mem_grow(&p, &m->cap_names, m->n_names + 1,
                                  sizeof *m->names, COLOURS_MAX_ROWS, err);
    m->names = p;
    AKIN_TRY(status);
    m->names[m->n_names] = (colour_name){.text = mem_strdup(text)};
    if (!m->names[m->n_names++].text)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map's colours");
    return AKIN_OK;
}

static akin_status take_label(void *user, const store_annotation *a,
                              akin_error *err)
{
    colour_maker *m = user;
    size_t name;
    void *p = m->labels;
    if (a->type != STORE_POSITIVE) return AKIN_OK;
    AKIN_TRY(find_name(m, a->label, &name, err));
    akin_status status = mem_grow(&p, &m->cap_labels, m->n_labels + 1,
                                  sizeof *m->labels, COLOURS_MAX_ROWS, err);
    m->labels = p;
    AKIN_TRY(status);
    m->names[name].n++;
    m->labels[m->n_labels++] =
        (colour_label){a->recording_id, a->start_s, a->end_s, name};
    return AKIN_OK;
}

/* ---- sorting and finding -------------------------------------------------- */

static int compare_ids(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_recordings(const void *a, const void *b)
{
    return compare_ids(((const colour_recording *)a)->id,
                       ((const colour_recording *)b)->id);
}

static int compare_labels(const void *a, const void *b)
{
    return compare_ids(((const colour_label *)a)->recording_id,
                       ((const colour_label *)b)->recording_id);
}

/* Those with the most points first; equal ones by name, so that the same
 * database always has the same colours. */
static int compare_use(const void *a, const void *b)
{
    const colour_recording *x = *(colour_recording *const *)a;
    const colour_recording *y = *(colour_recording *const *)b;
    if (x->n != y->n) return x->n < y->n ? 1 : -1;
    return strcmp(x->name, y->name);
}

static int compare_names(const void *a, const void *b)
{
    const colour_name *x = *(colour_name *const *)a;
    const colour_name *y = *(colour_name *const *)b;
    if (x->n != y->n) return x->n < y->n ? 1 : -1;
    return strcmp(x->text, y->text);
}

static colour_recording *find_recording(const colour_maker *m, int64_t id)
{
    colour_recording key = {.id = id};
    if (m->n_recordings == 0) return NULL;
    return bsearch(&key, m->recordings, m->n_recordings, sizeof key,
                   compare_recordings);
}

static size_t first_label(const colour_maker *m, int64_t recording_id)
{
    size_t low = 0, high = m->n_labels;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->labels[middle].recording_id < recording_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- giving codes --------------------------------------------------------- */

static akin_status add_name(akin_colours *out, const char *text,
                            akin_error *err)
{
    out->names[out->n_names] = mem_strdup(text);
    if (!out->names[out->n_names++])
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map's colours");
    return AKIN_OK;
}

static void give(akin_colours *out, size_t i, size_t code)
{
    out->codes[i] = (uint8_t)code;
    if (code) out->counts[code - 1]++;
}

static akin_status by_recording(colour_maker *m, akin_error *err)
{
    void *p;
    akin_status status = AKIN_OK;
    AKIN_TRY(mem_new_array(m->n_recordings, sizeof(colour_recording *),
                           "a map's colours", &p, err));
    colour_recording **order = p, *r;
    for (size_t i = 0; i < m->n_recordings; i++) order[i] = &m->recordings[i];
    for (size_t i = 0; i < m->map->n; i++)
        if ((r = find_recording(m, m->places[i].recording_id))) r->n++;
    if (m->n_recordings > 1)
        qsort(order, m->n_recordings, sizeof *order, compare_use);
    for (size_t i = 0; i < m->n_recordings && i < AKIN_MAX_COLOURS; i++) {
        if (order[i]->n == 0 || status != AKIN_OK) break;
        order[i]->code = (uint8_t)(i + 1);
        status = add_name(m->out, order[i]->name, err);
    }
    mem_free(order);
    for (size_t i = 0; i < m->map->n; i++)
        if ((r = find_recording(m, m->places[i].recording_id)))
            give(m->out, i, r->code);
    return status;
}

static bool overlaps(const colour_label *label, const colour_place *place)
{
    bool same = label->start_s == place->start_s && label->end_s == place->end_s;
    return same ||
           (label->start_s < place->end_s && place->start_s < label->end_s);
}

/* Codes rise as use falls: the highest is the rarest. */
static size_t label_of(const colour_maker *m, const colour_place *place)
{
    size_t best = 0;
    for (size_t i = first_label(m, place->recording_id);
         i < m->n_labels && m->labels[i].recording_id == place->recording_id;
         i++) {
        size_t code = m->names[m->labels[i].name].code;
        if (code > best && overlaps(&m->labels[i], place)) best = code;
    }
    return best;
}

static akin_status by_label(colour_maker *m, akin_error *err)
{
    void *p;
    akin_status status = AKIN_OK;
    AKIN_TRY(mem_new_array(m->n_names, sizeof(colour_name *), "a map's colours",
                           &p, err));
    colour_name **order = p;
    for (size_t i = 0; i < m->n_names; i++) order[i] = &m->names[i];
    if (m->n_names > 1) qsort(order, m->n_names, sizeof *order, compare_names);
    for (size_t i = 0; i < m->n_names && i < AKIN_MAX_COLOURS; i++) {
        if (status != AKIN_OK) break;
        order[i]->code = i + 1;
        status = add_name(m->out, order[i]->text, err);
    }
    mem_free(order);
    if (m->n_labels > 1)
        qsort(m->labels, m->n_labels, sizeof *m->labels, compare_labels);
    for (size_t i = 0; i < m->map->n; i++)
        give(m->out, i, label_of(m, &m->places[i]));
    return status;
}

static size_t hour_of(const colour_recording *r, double start_s)
{
    char when[WHEN_TEXT_BYTES];
    if (!r || !r->datetime || !when_add(r->datetime, start_s, when)) return 0;
    return strlen(when) < 13
               ? 0 : (size_t)((when[11] - '0') * 10 + (when[12] - '0')) + 1;
}

static akin_status by_time(colour_maker *m, akin_error *err)
{
    for (int hour = 0; hour < 24; hour++) {
        char text[12];
        snprintf(text, sizeof text, "%02d", hour);
        AKIN_TRY(add_name(m->out, text, err));
    }
    for (size_t i = 0; i < m->map->n; i++) {
        const colour_place *place = &m->places[i];
        size_t code = hour_of(find_recording(m, place->recording_id),
                              place->start_s);
        give(m->out, i, code <= 24 ? code : 0);
    }
    return AKIN_OK;
}

/* ---- the verb ------------------------------------------------------------- */

static akin_status colours_new(akin_colours *out, size_t n, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(n, 1, "a map's colours", &p, err));
    out->codes = p;
    out->n = n;
    AKIN_TRY(mem_new_array(AKIN_MAX_COLOURS, sizeof(char *), "a map's colours",
                           &p, err));
    out->names = p;
    AKIN_TRY(mem_new_array(AKIN_MAX_COLOURS, sizeof(size_t), "a map's colours",
                           &p, err));
    out->counts = p;
    return AKIN_OK;
}

static akin_status colours_read(colour_maker *m, store *s, akin_colour_by by,
                                akin_error *err)
{
    const store_recording_query all = {0};
    void *p;
    AKIN_TRY(mem_new_array(m->map->n, sizeof *m->places, "a map's colours", &p,
                           err));
    m->places = p;
    AKIN_TRY(store_begin_read(s, err));
    AKIN_TRY(store_each_window(s, NULL, take_place, m, err));
    if (by == AKIN_BY_LABEL) return store_each_annotation(s, take_label, m, err);
    AKIN_TRY(store_each_recording(s, &all, take_recording, m, err));
    if (m->n_recordings > 1)
        qsort(m->recordings, m->n_recordings, sizeof *m->recordings,
              compare_recordings);
    return AKIN_OK;
}

akin_status akin_map_colours(akin_db *db, const akin_map *map,
                             akin_colour_by by, akin_colours *out,
                             akin_error *err)
{
    colour_maker m = {.map = map, .out = out};
    store *s;
    *out = (akin_colours){0};
    AKIN_TRY(database_take_store(db, &s, err));
    akin_status status = colours_new(out, map->n, err);
    if (status == AKIN_OK) status = colours_read(&m, s, by, err);
    database_give_store(db, s);
    if (status == AKIN_OK)
        status = by == AKIN_BY_LABEL       ? by_label(&m, err)
                 : by == AKIN_BY_RECORDING ? by_recording(&m, err)
                                           : by_time(&m, err);
    maker_clear(&m);
    if (status != AKIN_OK) akin_colours_clear(out);
    return status;
}

void akin_colours_clear(akin_colours *colours)
{
    for (size_t i = 0; i < colours->n_names; i++) mem_free(colours->names[i]);
    mem_free(colours->names);
    mem_free(colours->counts);
    mem_free(colours->codes);
    *colours = (akin_colours){0};
}
