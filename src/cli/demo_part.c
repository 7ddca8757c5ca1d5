/* SPDX-License-Identifier: MIT
 * What the demo does with sounds and with pictures alike: embed, ask, show. */
#define _GNU_SOURCE
#include "cli/demo_part.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/signals.h"

enum { MAX_SHOWN = 5, N_ASKED = 40 };

/* ---- extraction --------------------------------------------------------- */

static bool on_progress(void *user, const akin_progress *state)
{
    demo_part *part = user;
    progress_show(&part->look.bar, state);
    return !signals_stopped();
}

static void remove_outdated(const char *db_path)
{
    static const char *const names[] = {"hoplite.sqlite", "usearch.index",
                                        "akin.lock"};
    akin_db *db = NULL;
    akin_info info = {0};
    akin_db_options opt = {.mode = AKIN_READ};
    if (command_open_with(db_path, &opt, AKIN_CPU, &db, NULL) != AKIN_OK)
        return;
    bool outdated = akin_get_info(db, &info, NULL) == AKIN_OK &&
                    !info.model_available && *info.model_identity;
    akin_close(db);
    for (size_t i = 0; outdated && i < sizeof names / sizeof *names; i++) {
        char *path = file_join(db_path, names[i]);
        if (path) file_remove(path);
        mem_free(path);
    }
}

akin_status demo_part_extract(demo_part *part, akin_extract_report *report,
                              akin_error *err)
{
    akin_db_options open = {
        .mode = AKIN_CREATE,
        .settings = {.set = AKIN_SET_AUDIO_ROOT |
                            (part->model ? AKIN_SET_MODEL : 0u),
                     .audio_root = part->root,
                     .model = part->model},
        .warn = print_library_warning};
    akin_extract_options opt = {.progress = on_progress, .user = part};
    remove_outdated(part->db_path);
    AKIN_TRY(command_open_with(part->db_path, &open, AKIN_CPU, &part->db, err));
    akin_status status =
        akin_extract(part->db, (const char *const *)part->files.paths,
                     part->files.n, &opt, report, err);
    progress_hide(&part->look.bar);
    return status;
}

/* ---- search ------------------------------------------------------------- */

/* Each recording once, by its best window, without the query's own. */
static size_t pick_hits(const akin_results *results, const char *query,
                        const akin_hit *picked[MAX_SHOWN])
{
    size_t n = 0;
    for (size_t i = 0; i < akin_results_count(results) && n < MAX_SHOWN; i++) {
        const akin_hit *hit = akin_results_at(results, i);
        bool is_known = text_ends_with(query, hit->recording, false);
        for (size_t s = 0; s < n; s++)
            is_known =
                is_known || strcmp(picked[s]->recording, hit->recording) == 0;
        if (!is_known) picked[n++] = hit;
    }
    return n;
}

static json_t *hits_to_json(const akin_hit *const *hits, size_t n)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        char *caption = demo_files_caption(hits[i]->path);
        json_array_append_new(
            rows, json_pack("{s:I, s:f, s:o, s:o}", "rank",
                            (json_int_t)i + 1, "score",
                            (double)hits[i]->score, "caption",
                            json_text(caption), "recording",
                            json_text(hits[i]->recording)));
        mem_free(caption);
    }
    return rows;
}

/* A question by words has no caption but the words. */
static void add_answer(demo_part *part, const akin_query *query,
                       const akin_hit *const *hits, size_t n)
{
    char *caption = query->file ? demo_files_caption(query->file)
                                : mem_strdup(query->text);
    if (!part->answers) part->answers = json_array();
    json_array_append_new(
        part->answers,
        json_pack("{s:o, s:o, s:o}", "query",
                  json_text(query->file ? query->file : query->text),
                  "caption", json_text(caption), "results",
                  hits_to_json(hits, n)));
    mem_free(caption);
}

static void print_hits(const akin_hit *const *hits, size_t n)
{
    static const print_column columns[] = {{.head = "rank", .right = true},
                                           {.head = "score", .right = true},
                                           {.head = "what it is"},
                                           {.head = "recording"}};
    print_table table;
    print_table_init(&table, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < n; i++) {
        char *caption = demo_files_caption(hits[i]->path);
        print_table_put(&table, "%zu", i + 1);
        print_table_put(&table, "%.3f", hits[i]->score);
        print_table_put(&table, "%s", caption ? caption : "");
        print_table_put(&table, "%s", hits[i]->recording);
        mem_free(caption);
    }
    print_table_write(&table);
}

akin_status demo_part_ask(demo_part *part, const akin_query *query,
                          const char *title, akin_error *err)
{
    akin_results *results = NULL;
    akin_search_options opt = {.k = N_ASKED};
    AKIN_TRY(akin_search(&part->db, 1, query, &opt, &results, err));
    const akin_hit *hits[MAX_SHOWN];
    size_t n = pick_hits(results, query->file ? query->file : "", hits);
    if (part->look.json) {
        add_answer(part, query, hits, n);
    } else {
        printf("\n%s\n\n", title);
        print_hits(hits, n);
    }
    akin_results_free(results);
    return AKIN_OK;
}

char *demo_part_choose(const demo_part *part, const char *name, size_t i,
                       size_t n)
{
    char *path = file_join(part->root, name);
    if (!path || file_exists(path)) return path;
    mem_free(path);
    return mem_strdup(part->files.paths[i * part->files.n / n]);
}

void demo_part_clear(demo_part *part)
{
    akin_close(part->db);
    json_decref(part->answers);
    demo_files_clear(&part->files);
    *part = (demo_part){0};
}
