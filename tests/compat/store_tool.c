/* SPDX-License-Identifier: MIT
 * For check_store.py: "make FILE" writes a small database through the store,
 * "add FILE" adds a recording to one, "dump FILE" prints what the store reads
 * as JSON lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "store/store.h"

static akin_status print_json(json_t *value)
{
    char *line = json_to_text(value);
    if (line) puts(line);
    mem_free(line);
    json_decref(value);
    return AKIN_OK;
}

static akin_status print_window(void *user, const store_window *window,
                                akin_error *err)
{
    store *s = user;
    store_row row;
    bool found;
    AKIN_TRY(store_get_row(s, window->id, &found, &row, err));
    json_t *labels = json_array();
    for (size_t i = 0; i < row.n_labels; i++)
        json_array_append_new(labels, json_text(row.labels[i]));
    print_json(json_pack("{s:I, s:I, s:f, s:f, s:b, s:o, s:o, s:o, s:o, s:o}",
                         "window", (json_int_t)window->id, "recording_id",
                         (json_int_t)window->recording_id, "start",
                         window->start_s, "end", window->end_s, "imprecise",
                         (int)window->imprecise, "recording",
                         json_text(row.recording), "datetime",
                         json_text(row.datetime), "deployment",
                         json_text(row.deployment), "project",
                         json_text(row.project), "labels", labels));
    store_row_clear(&row);
    return AKIN_OK;
}

static akin_status print_annotation(void *user, const store_annotation *a,
                                    akin_error *err)
{
    (void)user;
    (void)err;
    return print_json(json_pack(
        "{s:I, s:I, s:f, s:f, s:o, s:o, s:i}", "annotation", (json_int_t)a->id,
        "recording_id", (json_int_t)a->recording_id, "start", a->start_s,
        "end", a->end_s, "label", json_text(a->label), "provenance",
        json_text(a->provenance), "type", (int)a->type));
}

static akin_status print_problem(void *user, const store_problem *problem,
                                 akin_error *err)
{
    (void)user;
    (void)err;
    return print_json(json_pack("{s:o}", "problem", json_text(problem->text)));
}

static akin_status dump(store *s, akin_error *err)
{
    store_counts c;
    char *config = NULL;
    AKIN_TRY(store_count(s, &c, err));
    AKIN_TRY(store_get_metadata(s, "usearch_config", &config, err));
    print_json(json_pack(
        "{s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "old",
        (int)(store_get_schema(s) == STORE_HOPLITE_OLD), "deployments",
        (json_int_t)c.deployments, "recordings", (json_int_t)c.recordings,
        "windows", (json_int_t)c.windows, "annotations",
        (json_int_t)c.annotations, "pending", (json_int_t)c.pending, "config",
        json_text(config)));
    mem_free(config);
    AKIN_TRY(store_each_window(s, NULL, print_window, s, err));
    AKIN_TRY(store_each_annotation(s, print_annotation, NULL, err));
    return store_check(s, print_problem, NULL, err);
}

static akin_status add(store *s, const char *filename, akin_error *err)
{
    const uint16_t vector[8] = {0x3c00}; /* float16: 1, 0, 0, ... */
    int64_t deployment, id;
    bool added;
    store_window w = {0};
    AKIN_TRY(store_begin(s, err));
    AKIN_TRY(store_ensure_deployment(s, "marsh", "akin", &deployment, err));
    AKIN_TRY(store_ensure_recording(s, filename, "2023-05-12T06:00:00",
                                    deployment, &w.recording_id, err));
    for (int i = 0; i < 3; i++) {
        w.start_s = 3 * i;
        w.end_s = w.start_s + 3;
        AKIN_TRY(store_add_window(s, &w, vector, sizeof vector, &id, err));
    }
    store_annotation label = {.recording_id = w.recording_id, .start_s = 3.5,
                              .end_s = 5.25, .label = "wr\xc3\xa9n",
                              .provenance = "akin", .type = STORE_POSITIVE};
    AKIN_TRY(store_add_annotation(s, &label, &added, err));
    return store_commit(s, err);
}

static akin_status make(store *s, akin_error *err)
{
    AKIN_TRY(store_set_metadata(
        s, "usearch_config",
        "{\"dtype\":\"float16\",\"embedding_dim\":8,\"expansion_add\":256,"
        "\"expansion_search\":128,\"metric_name\":\"IP\"}",
        err));
    return add(s, "x/made.wav", err);
}

int main(int argc, char **argv)
{
    akin_error err = {0};
    store *s = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: %s make|add|dump FILE\n", argv[0]);
        return 2;
    }
    bool making = strcmp(argv[1], "make") == 0;
    bool dumping = strcmp(argv[1], "dump") == 0;
    store_mode mode = making    ? STORE_CREATE
                      : dumping ? STORE_READ
                                : STORE_WRITE;
    akin_status status = store_open(argv[2], mode, 1, &s, &err);
    if (status == AKIN_OK)
        status = making    ? make(s, &err)
                 : dumping ? dump(s, &err)
                           : add(s, "x/added.wav", &err);
    store_close(s);
    if (status != AKIN_OK) fprintf(stderr, "%s\n", err.text);
    return status == AKIN_OK ? 0 : 3;
}
