/* SPDX-License-Identifier: MIT
 * /api/databases/{db}/map: the two-dimensional map of all windows, and what its
 * points are coloured by; as bytes, for there may be a million of them. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "server/api_database.h"

/* ---- making ------------------------------------------------------------- */

typedef struct map_task {
    api *a;
    job *j;
    char *path;
} map_task;

static void map_task_free(void *user)
{
    map_task *t = user;
    mem_free(t->path);
    mem_free(t);
}

/* Four phases, each of which tells how far it is by itself. */
static bool on_phase(void *user, const char *phase, double fraction)
{
    static const char *const phases[] = {"link", "near", "axes", "layout"};
    map_task *t = user;
    double done = 0;
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (strcmp(phases[i], phase) == 0) done = (double)i;
    akin_progress progress = {.phase = phase, .fraction = (done + fraction) / 4,
                              .remaining_s = -1};
    return job_progress(t->j, &progress);
}

static akin_status run_map(job *j, void *user, akin_error *err)
{
    map_task *t = user;
    akin_db *db = NULL;
    akin_db_options open = {.models = t->a->options.models};
    akin_map_options opt = {.progress = on_phase, .user = t};
    t->j = j;
    AKIN_TRY(akin_open(t->path, &open, &db, err));
    akin_status status = akin_make_map(db, &opt, err);
    akin_close(db);
    return status;
}

/* A map is made beside an extraction, not after it: it only reads. */
static akin_status add_map_job(api *a, database_entry *entry,
                               const http_request *req, http_response *res,
                               akin_error *err)
{
    map_task *t;
    void *p;
    (void)req;
    AKIN_TRY(mem_new_array(1, sizeof *t, "a job", &p, err));
    t = p;
    t->a = a;
    t->path = mem_strdup(entry->path);
    char *target = text_format("%s (map)", entry->path);
    job_work work = {.kind = "map", .target = target, .run = run_map,
                     .clear = map_task_free, .user = t};
    akin_status status;
    if (t->path && target) {
        status = database_add_job(a, &work, res, err);
    } else {
        map_task_free(t);
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a job");
    }
    mem_free(target);
    return status;
}

static akin_status make_map(api *a, const http_request *req, http_response *res,
                            akin_error *err)
{
    return database_with(a, req, res, add_map_job, err);
}

/* ---- getting ------------------------------------------------------------ */

static void put_bytes(unsigned char *out, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) out[i] = (unsigned char)(value >> 8 * i);
}

/* Ids of 8 bytes, then x and y of 4 each: arrays that a browser can use as they
 * are. */
static char *map_bytes(const akin_map *map)
{
    unsigned char *out = mem_array(map->n + 1, 16);
    for (size_t i = 0; out && i < map->n; i++) {
        uint32_t x, y;
        memcpy(&x, &map->points[i].x, sizeof x);
        memcpy(&y, &map->points[i].y, sizeof y);
        put_bytes(out + 8 * i, (uint64_t)map->points[i].window_id, 8);
        put_bytes(out + 8 * map->n + 8 * i, x, 4);
        put_bytes(out + 8 * map->n + 8 * i + 4, y, 4);
    }
    return (char *)out;
}

static void set_count(http_response *res, const char *name, size_t n)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", n);
    http_set(res, name, text);
}

/* Takes the bytes; their sum is their tag. */
static void answer_tagged(const http_request *req, http_response *res,
                          char *bytes, size_t n)
{
    char etag[40];
    checksum sum;
    checksum_init(&sum);
    checksum_put(&sum, bytes, n);
    snprintf(etag, sizeof etag, "\"%016" PRIx64 "-%zx\"", checksum_finish(&sum),
             n);
    if (http_not_modified(req, res, etag))
        mem_free(bytes);
    else
        http_answer_bytes(res, "application/octet-stream", bytes, n);
}

static akin_status answer_map(api *a, database_entry *entry,
                              const http_request *req, http_response *res,
                              akin_error *err)
{
    akin_map map;
    (void)a;
    AKIN_TRY(akin_get_map(entry->db, &map, err));
    char *bytes = map_bytes(&map);
    if (bytes) {
        answer_tagged(req, res, bytes, 16 * map.n);
        set_count(res, "X-Count", map.n);
        http_set(res, "X-Stale", map.stale ? "true" : "false");
    }
    akin_map_clear(&map);
    if (bytes) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map");
}

static akin_status get_map(api *a, const http_request *req, http_response *res,
                           akin_error *err)
{
    return database_with(a, req, res, answer_map, err);
}

/* ---- colours ------------------------------------------------------------ */

static const char *const by_names[] = {"label", "recording", "time", NULL};

static char *legend_text(const akin_colours *c, const char *by)
{
    json_t *legend = json_array();
    for (size_t i = 0; i < c->n_names; i++)
        json_array_append_new(
            legend, json_pack("{s:I, s:o, s:I}", "code", (json_int_t)(i + 1),
                              "name", json_text(c->names[i]), "count",
                              (json_int_t)c->counts[i]));
    json_t *whole = json_pack("{s:s, s:o}", "by", by, "legend", legend);
    char *text = json_to_text(whole);
    json_decref(whole);
    return text;
}

/* The legend's text and a byte a point in one answer, so that they fit. */
static akin_status answer_codes(const akin_colours *c, const char *by,
                                const http_request *req, http_response *res,
                                akin_error *err)
{
    char *legend = legend_text(c, by);
    size_t n_legend = legend ? strlen(legend) : 0;
    char *bytes = legend ? mem_array(n_legend + c->n + 1, 1) : NULL;
    if (bytes) {
        memcpy(bytes, legend, n_legend);
        memcpy(bytes + n_legend, c->codes, c->n);
        answer_tagged(req, res, bytes, n_legend + c->n);
        set_count(res, "X-Legend-Bytes", n_legend);
        set_count(res, "X-Count", c->n);
    }
    mem_free(legend);
    if (bytes) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map's colours");
}

static akin_status answer_colours(api *a, database_entry *entry,
                                  const http_request *req, http_response *res,
                                  akin_error *err)
{
    int by = database_choice(http_query(req, "by"), by_names);
    akin_map map;
    akin_colours colours = {0};
    (void)a;
    AKIN_TRY(akin_get_map(entry->db, &map, err));
    akin_status status = akin_map_colours(entry->db, &map, (akin_colour_by)by,
                                          &colours, err);
    if (status == AKIN_OK)
        status = answer_codes(&colours, by_names[by], req, res, err);
    akin_colours_clear(&colours);
    akin_map_clear(&map);
    return status;
}

static akin_status get_colours(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_colours, err);
}

/* ---- the table ---------------------------------------------------------- */

static const route_value colour_values[] = {
    {.name = "by", .choices = by_names,
     .about = "label: positive ones; recording: those with the most windows; "
              "time: the hour of the day; label"},
    {.name = NULL},
};

#define MAP "/api/databases/{db}/map"

const route api_map_routes[] = {
    {.method = HTTP_POST, .pattern = MAP, .handle = make_map,
     .name = "make_map", .status = 202, .about = "Makes the map, as a job."},
    {.method = HTTP_GET, .pattern = MAP, .handle = get_map, .name = "get_map",
     .type = "application/octet-stream",
     .about = "Ids as int64, then x and y as float32, little-endian; X-Count "
              "points, X-Stale if windows came or went since."},
    {.method = HTTP_GET, .pattern = MAP "/colours", .handle = get_colours,
     .name = "get_map_colours", .type = "application/octet-stream",
     .values = colour_values,
     .about = "A legend of X-Legend-Bytes as JSON, then a byte a point: 0 or a "
              "code of the legend."},
    {.pattern = NULL},
};
