/* SPDX-License-Identifier: MIT
 * akin demo: the main job on real sounds, with nothing to configure. */
#define _GNU_SOURCE
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/demo_sounds.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/signals.h"

static const char STAMPS[] = "/usr/share/tuxpaint/stamps";
static const char DEFAULT_DB[] = "akin-demo.db";
enum { MAX_SHOWN = 5, N_ASKED = 40 };

typedef struct demo_args {
    const char *sounds;
    bool json, quiet, progress;
} demo_args;

#define AT(field) offsetof(demo_args, field)

static const option_spec option_table[] = {
    {.name = "sounds", .type = OPTION_TEXT, .offset = AT(sounds),
     .value = "DIR",
     .help = "the folder with the sounds (/usr/share/tuxpaint/stamps, of "
             "the Debian package tuxpaint-stamps-default)"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print the answers as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "only the answers"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    OPTION_END,
};

/* The sounds that are asked for, in the package and among the made ones. */
static const char *const stamp_queries[] = {
    "animals/mammals/cats/lion.ogg", "household/vacuum_cleaner.ogg",
    "seasonal/newyears/fireworks.ogg"};
static const char *const made_queries[] = {"trill 1.wav", "hiss 1.wav",
                                           "rising sweep 1.wav"};
enum { N_QUERIES = 3 };

typedef struct demo_run {
    const demo_args *args;
    const char *db_path;
    char *root; /* folder of the sounds */
    const char *const *queries;
    demo_sounds sounds;
    progress bar;
    akin_db *db;
    json_t *answers;
} demo_run;

/* ---- the sounds --------------------------------------------------------- */

static akin_status make_sounds(demo_run *run, akin_error *err)
{
    char *beside = text_format("%s-sounds", run->db_path);
    mem_free(run->root);
    run->root = beside ? file_absolute(beside) : NULL;
    mem_free(beside);
    if (!run->root) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    AKIN_TRY(demo_sounds_make(&run->sounds, run->root, err));
    run->queries = made_queries;
    if (run->args->quiet) return AKIN_OK;
    print_note("No real sounds here: the Debian package "
               "tuxpaint-stamps-default is not installed.");
    print_note("%zu simple sounds were made instead, in %s.", run->sounds.n,
               run->root);
    return AKIN_OK;
}

static akin_status collect_sounds(demo_run *run, akin_error *err)
{
    const char *dir = run->args->sounds ? run->args->sounds : STAMPS;
    run->root = file_absolute(dir);
    run->queries = stamp_queries;
    if (!run->root) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    AKIN_TRY(demo_sounds_find(&run->sounds, dir, err));
    if (run->sounds.n == 0 && run->args->sounds)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no sound in '%s'", dir);
    if (run->sounds.n == 0) return make_sounds(run, err);
    if (!run->args->quiet)
        print_note("%zu real sound effects in %s.", run->sounds.n, dir);
    return AKIN_OK;
}

/* ---- extraction --------------------------------------------------------- */

static bool on_progress(void *user, const akin_progress *state)
{
    demo_run *run = user;
    progress_show(&run->bar, state);
    return !signals_stopped();
}

/* A demo of an earlier version, whose vectors cannot be compared with today's,
 * makes room for a new one. */
static void remove_outdated(const char *db_path)
{
    static const char *const names[] = {"hoplite.sqlite", "usearch.index",
                                        "akin.lock"};
    akin_db *db = NULL;
    akin_info info = {0};
    if (akin_open(db_path, NULL, &db, NULL) != AKIN_OK) return;
    bool outdated = akin_get_info(db, &info, NULL) == AKIN_OK &&
                    !info.model_available && *info.model_identity;
    akin_close(db);
    for (size_t i = 0; outdated && i < sizeof names / sizeof *names; i++) {
        char *path = file_join(db_path, names[i]);
        if (path) file_remove(path);
        mem_free(path);
    }
}

static akin_status extract(demo_run *run, akin_error *err)
{
    akin_db_options open = {
        .mode = AKIN_CREATE,
        .settings = {.set = AKIN_SET_AUDIO_ROOT, .audio_root = run->root},
        .warn = print_library_warning};
    akin_extract_options opt = {.progress = on_progress, .user = run};
    akin_extract_report report = {0};
    remove_outdated(run->db_path);
    AKIN_TRY(akin_open(run->db_path, &open, &run->db, err));
    akin_status status =
        akin_extract(run->db, (const char *const *)run->sounds.paths,
                     run->sounds.n, &opt, &report, err);
    progress_hide(&run->bar);
    AKIN_TRY(status);
    if (run->args->quiet) return AKIN_OK;
    if (report.n_done == 0)
        print_note("They are all in %s already.", run->db_path);
    else
        print_note("%lld windows, %.0f seconds of sound, embedded into %s in "
                   "%.1f s (%.0fx realtime).",
                   (long long)report.n_windows, report.audio_s, run->db_path,
                   report.elapsed_s, report.audio_s / report.elapsed_s);
    return AKIN_OK;
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
        char *caption = demo_sounds_caption(hits[i]->path);
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

static void print_hits(const akin_hit *const *hits, size_t n)
{
    static const print_column columns[] = {{.head = "rank", .right = true},
                                           {.head = "score", .right = true},
                                           {.head = "what it is"},
                                           {.head = "recording"}};
    print_table table;
    print_table_init(&table, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < n; i++) {
        char *caption = demo_sounds_caption(hits[i]->path);
        print_table_put(&table, "%zu", i + 1);
        print_table_put(&table, "%.3f", hits[i]->score);
        print_table_put(&table, "%s", caption ? caption : "");
        print_table_put(&table, "%s", hits[i]->recording);
        mem_free(caption);
    }
    print_table_write(&table);
}

static akin_status ask(demo_run *run, const char *path, akin_error *err)
{
    akin_results *results = NULL;
    akin_query query = {.file = path};
    akin_search_options opt = {.k = N_ASKED};
    AKIN_TRY(akin_search(&run->db, 1, &query, &opt, &results, err));
    const akin_hit *hits[MAX_SHOWN];
    size_t n = pick_hits(results, path, hits);
    char *caption = demo_sounds_caption(path);
    if (run->args->json) {
        json_array_append_new(
            run->answers, json_pack("{s:o, s:o, s:o}", "query",
                                    json_text(path), "caption",
                                    json_text(caption), "results",
                                    hits_to_json(hits, n)));
    } else {
        printf("\nWhat sounds like \"%s\" (%s)?\n\n", caption ? caption : "",
               file_name(path));
        print_hits(hits, n);
    }
    mem_free(caption);
    akin_results_free(results);
    return AKIN_OK;
}

/* Where one of the sounds meant to be asked for is missing (--sounds), sounds
 * from all over the list stand in. */
static akin_status ask_all(demo_run *run, akin_error *err)
{
    for (size_t i = 0; i < N_QUERIES; i++) {
        char *path = file_join(run->root, run->queries[i]);
        if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
        akin_status status =
            ask(run,
                file_exists(path)
                    ? path
                    : run->sounds.paths[i * run->sounds.n / N_QUERIES],
                err);
        mem_free(path);
        AKIN_TRY(status);
    }
    if (run->args->json)
        print_json(json_pack("{s:o, s:O}", "database",
                             json_text(run->db_path), "answers",
                             run->answers));
    return AKIN_OK;
}

static void print_next(const demo_run *run)
{
    fflush(stdout);
    if (run->args->quiet) return;
    fputs("\nNow your own recordings (wav, flac, mp3, ogg, m4a, ...):\n\n"
          "  akin extract PATH/TO/RECORDINGS my.db\n"
          "  akin search my.db --file A_SOUND.wav\n\n"
          "and to hear what was found, its clips as WAV files:\n\n"
          "  akin search my.db --file A_SOUND.wav --export clips\n",
          stderr);
}

static int run_demo(const options *parsed, const void *args_)
{
    demo_run run = {.args = args_, .db_path = DEFAULT_DB,
                    .answers = json_array()};
    akin_error err = {0};
    if (parsed->n_operands > 1) {
        json_decref(run.answers);
        return command_misused(parsed, "one database at most");
    }
    if (parsed->n_operands == 1) run.db_path = parsed->operands[0];
    progress_init(&run.bar, run.args->quiet, run.args->progress);
    signals_catch();
    akin_status status = collect_sounds(&run, &err);
    if (status == AKIN_OK) status = extract(&run, &err);
    if (status == AKIN_OK) status = ask_all(&run, &err);
    akin_close(run.db);
    demo_sounds_clear(&run.sounds);
    mem_free(run.root);
    json_decref(run.answers);
    if (status != AKIN_OK) return print_failure(&err);
    print_next(&run);
    return EXIT_DONE;
}

const command cmd_demo = {
    .name = "demo",
    .summary = "try it on real sounds, with nothing to configure",
    .synopsis = "[DB]",
    .about =
        "Embeds about a hundred sound effects (animals, instruments, tools) of "
        "the Debian\npackage tuxpaint-stamps-default into DB (akin-demo.db) "
        "and searches for what\nsounds like three of them. Where the package "
        "is not installed, it says so and\nmakes simple sounds of its own.\n",
    .table = option_table,
    .args_size = sizeof(demo_args),
    .run = run_demo,
};
