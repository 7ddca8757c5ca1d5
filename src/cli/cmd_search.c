/* SPDX-License-Identifier: MIT
 * akin search: the windows that are like an example or a text, ranked. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/search_dataset.h"
#include "cli/search_modes.h"
#include "cli/search_vectors.h"
#include "cli/signals.h"

/* In the order of akin_score and akin_crop. */
static const char *const scores[] = {"cosine", "dot", "euclidean", NULL};
static const char *const crops[] = {"center", "first", "segments", NULL};

enum { CLASSES_SHOWN = 3 /* of a window, in the table */ };

typedef struct search_args {
    option_texts databases;
    search_terms with, without;
    const char *vector, *filter, *export_dir, *audio_root;
    const char *config, *track, *table, *where, *only_view;
    int64_t window_id, n_results, offset, threads, nprobe, ef;
    double overlap_s, recall, min_similarity;
    int score, crop, format, device;
    bool json, exact, quiet, verbose;
} search_args;

#define AT(field) offsetof(search_args, field)

static const option_spec option_table[] = {
    {.name = "database", .aliases = "-db", .type = OPTION_TEXTS,
     .offset = AT(databases), .value = "DB",
     .help = "a database to search; may be repeated"},
    {.name = "file", .aliases = "-q --queryfile", .type = OPTION_TEXTS,
     .offset = AT(with.files), .value = "F",
     .help = "search by this sound or, in a database of pictures, by this "
             "picture or film"},
    {.name = "text", .type = OPTION_TEXTS, .offset = AT(with.texts),
     .value = "T",
     .help = "search by these words, where the model of the database takes "
             "words; see akin help models"},
    {.name = "vector", .type = OPTION_TEXT, .offset = AT(vector),
     .value = "F.npy",
     .help = "search by the vector or vectors in this .npy or .npz: [dim] or "
             "[n, dim]"},
    {.name = "window", .type = OPTION_INTEGER, .offset = AT(window_id),
     .value = "ID",
     .help = "search by this window of the first database; it is not among "
             "the answers", .min = 1, .max = 9e15},
    {.name = "table", .type = OPTION_TEXT, .offset = AT(table), .value = "T",
     .help = "search a dataset by this embedding table; --text, --file, "
             "--view, --item and their opposites may then be repeated, each "
             "with a weight behind it: 'dog^0.5'"},
    {.name = "view", .type = OPTION_TEXTS, .offset = AT(with.views),
     .value = "ID", .help = "with --table: search by this view; its item is "
                            "not among the answers"},
    {.name = "item", .type = OPTION_TEXTS, .offset = AT(with.items),
     .value = "ID", .help = "with --table: search by this item, the mean of "
                            "its views; it is not among the answers"},
    {.name = "not-text", .type = OPTION_TEXTS, .offset = AT(without.texts),
     .value = "T", .help = "with --table: unlike these words"},
    {.name = "not-file", .type = OPTION_TEXTS, .offset = AT(without.files),
     .value = "F", .help = "with --table: unlike this image"},
    {.name = "not-view", .type = OPTION_TEXTS, .offset = AT(without.views),
     .value = "ID", .help = "with --table: unlike this view"},
    {.name = "not-item", .type = OPTION_TEXTS, .offset = AT(without.items),
     .value = "ID", .help = "with --table: unlike this item"},
    {.name = "where", .type = OPTION_TEXT, .offset = AT(where),
     .value = "EXPR",
     .help = "with --table: only items for which this holds; see akin help "
             "where"},
    {.name = "only-view", .type = OPTION_TEXT, .offset = AT(only_view),
     .value = "VIEW", .help = "with --table: only views of this name (all)"},
    {.name = "min-similarity", .type = OPTION_NUMBER,
     .offset = AT(min_similarity), .value = "S",
     .help = "with --table: no answers less similar than this", .min = -1,
     .max = 1},
    {.name = "config", .type = OPTION_TEXT, .offset = AT(config),
     .value = "C",
     .help = "search the vectors of this config.json, by --vector or --track; "
             "see akin help vectors"},
    {.name = "track", .type = OPTION_TEXT, .offset = AT(track),
     .value = "ID",
     .help = "with --config: search by this track's vector; it is not among "
             "the answers"},
    {.name = "nprobe", .type = OPTION_INTEGER, .offset = AT(nprobe),
     .value = "N",
     .help = "with --config and an IVF index: lists that are searched (a "
             "twelfth of them, at least 8, unless the config says)",
     .min = 1, .max = 1 << 24},
    {.name = "ef", .type = OPTION_INTEGER, .offset = AT(ef), .value = "N",
     .help = "keep so many candidates, where the search goes by a graph; "
             "with --config and an HNSW index: 64, unless the config says",
     .min = 1, .max = 1 << 20},
    {.name = "recall", .type = OPTION_NUMBER, .offset = AT(recall),
     .value = "R",
     .help = "search so that this share of the true answers is found on "
             "average, as measured on a sample, 0.01 to 1 (0.99; without a "
             "graph all are found)",
     .min = 0.01, .max = 1},
    {.name = "n-results", .aliases = "-n", .type = OPTION_INTEGER,
     .offset = AT(n_results), .value = "N",
     .help = "number of answers (10)", .min = 1, .max = 1e9},
    {.name = "offset", .aliases = "--skip", .type = OPTION_INTEGER,
     .offset = AT(offset),
     .value = "N",
     .help = "pass over the N best answers, for paging (0)", .max = 1e9},
    {.name = "score-function", .type = OPTION_CHOICE, .offset = AT(score),
     .value = "cosine|dot|euclidean",
     .help = "how likeness is measured (cosine); cosine and dot: higher is "
             "closer, euclidean: lower is closer", .choices = scores},
    {.name = "crop-mode", .type = OPTION_CHOICE, .offset = AT(crop),
     .value = "center|first|segments",
     .help = "which part of the query sound or film is taken (center): a "
             "window from its middle, from its start, or all its windows, "
             "the scores being the mean over them", .choices = crops},
    {.name = "overlap", .type = OPTION_NUMBER, .offset = AT(overlap_s),
     .value = "S",
     .help = "seconds by which the windows of --crop-mode segments overlap "
             "(0)", .max = 3600, .clamp = true},
    {.name = "filter", .type = OPTION_TEXT, .offset = AT(filter),
     .value = "EXPR",
     .help = "search only the windows for which this holds; see akin help "
             "filter"},
    {.name = "exact", .type = OPTION_FLAG, .offset = AT(exact),
     .help = "score every window, though there is a graph (akin index)"},
    {.name = "audio-root", .type = OPTION_TEXT, .offset = AT(audio_root),
     .value = "DIR",
     .help = "where the recordings (with --table: the media) are now, if they "
             "were moved"},
    {.name = "export", .aliases = "-o --output", .type = OPTION_TEXT,
     .offset = AT(export_dir), .value = "DIR",
     .help = "write the sound of each answer to DIR as WAV, at its original "
             "rate and speed, unfiltered; or its picture, or the frame of its "
             "film; and manifest.csv beside them"},
    {.name = "format", .type = OPTION_CHOICE, .offset = AT(format),
     .value = "table|json|csv",
     .help = "how the answers are printed (table)", .choices = command_formats},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "the same as --format json"},
    {.name = "device", .type = OPTION_CHOICE, .offset = AT(device),
     .value = "cpu|cuda",
     .help = "what a learned model runs on (cpu)",
     .choices = command_devices},
    {.name = "threads", .aliases = "-t", .type = OPTION_INTEGER,
     .offset = AT(threads), .value = "N",
     .help = "threads (one per processor); the answers do not depend on it",
     .min = 1, .max = 256, .clamp = true},
    {.name = "quiet", .type = OPTION_FLAG, .offset = AT(quiet),
     .help = "no word on standard error but warnings and errors"},
    {.name = "verbose", .aliases = "-v", .type = OPTION_FLAG,
     .offset = AT(verbose),
     .help = "tell the settings that were applied to the query"},
    OPTION_END,
};

/* Of an option that only a dataset takes more than once, the last counts. */
static const char *last_of(const option_texts *texts)
{
    return texts->n > 0 ? texts->items[texts->n - 1] : NULL;
}

/* The databases of one search. */
typedef struct search_dbs {
    const char **paths;
    akin_db **dbs;
    size_t n, n_open;
} search_dbs;

/* ---- databases ---------------------------------------------------------- */

static akin_status dbs_open(search_dbs *dbs, const options *parsed,
                            const search_args *args, akin_error *err)
{
    akin_db_options opt = {
        .mode = AKIN_READ,
        .settings = {.set = args->audio_root ? AKIN_SET_AUDIO_ROOT : 0,
                     .audio_root = args->audio_root},
        .warn = print_library_warning,
    };
    size_t n = args->databases.n + parsed->n_operands;
    AKIN_TRY(mem_new_array(n, sizeof *dbs->paths, "the databases",
                           (void **)&dbs->paths, err));
    AKIN_TRY(mem_new_array(n, sizeof(akin_db *), "the databases",
                           (void **)&dbs->dbs, err));
    for (size_t i = 0; i < args->databases.n; i++)
        dbs->paths[dbs->n++] = args->databases.items[i];
    for (size_t i = 0; i < parsed->n_operands; i++)
        dbs->paths[dbs->n++] = parsed->operands[i];
    for (; dbs->n_open < dbs->n; dbs->n_open++)
        AKIN_TRY(command_open_with(dbs->paths[dbs->n_open], &opt,
                                   (akin_device)args->device,
                                   &dbs->dbs[dbs->n_open], err));
    return AKIN_OK;
}

static void dbs_close(search_dbs *dbs)
{
    for (size_t i = 0; i < dbs->n_open; i++) akin_close(dbs->dbs[i]);
    mem_free(dbs->dbs);
    mem_free(dbs->paths);
}

/* ---- printing ----------------------------------------------------------- */

static void join_labels(const akin_hit *hit, const char *between, text_buf *out)
{
    text_buf_init(out, 1 << 20);
    text_buf_puts(out, "");
    for (size_t i = 0; i < hit->n_labels; i++)
        text_buf_printf(out, "%s%s", i ? between : "", hit->labels[i]);
}

/* The best ones: "frog .93, toad .41". */
static void join_best_classes(const akin_hit *hit, text_buf *out)
{
    text_buf_init(out, 1 << 20);
    text_buf_puts(out, "");
    for (size_t i = 0; i < hit->n_classes && i < CLASSES_SHOWN; i++) {
        char score[PRINT_PIECE_SIZE];
        snprintf(score, sizeof score, "%.2f", (double)hit->classes[i].score);
        text_buf_printf(out, "%s%s %s", i ? ", " : "", hit->classes[i].name,
                        score + (score[0] == '0'));
    }
}

/* All of them: "frog 0.9312;toad 0.4102". */
static void join_classes(const akin_hit *hit, text_buf *out)
{
    text_buf_init(out, 1 << 20);
    text_buf_puts(out, "");
    for (size_t i = 0; i < hit->n_classes; i++)
        text_buf_printf(out, "%s%s %.6g", i ? ";" : "", hit->classes[i].name,
                        (double)hit->classes[i].score);
}

/* A window has two times, a frame of a film one, and a picture none. */
static void put_span(print_table *table, const akin_hit *hit)
{
    char start[PRINT_PIECE_SIZE], end[PRINT_PIECE_SIZE];
    print_time(hit->start_s, start);
    print_time(hit->end_s, end);
    if (hit->end_s > hit->start_s)
        print_table_put(table, "%s%s – %s", hit->imprecise ? "about " : "",
                        start, end);
    else
        print_table_put(table, "%s", hit->start_s > 0 ? start : "");
}

static void put_row(print_table *table, const akin_hit *hit,
                    const search_dbs *dbs)
{
    text_buf labels, classes;
    join_labels(hit, ", ", &labels);
    join_best_classes(hit, &classes);
    print_table_put(table, "%zu", hit->rank);
    print_table_put(table, "%.4f", hit->score);
    print_table_put(table, "%lld", (long long)hit->window_id);
    print_table_put(table, "%s", hit->recording);
    put_span(table, hit);
    print_table_put(table, "%s", hit->datetime ? hit->datetime : "");
    print_table_put(table, "%s", classes.data ? classes.data : "");
    print_table_put(table, "%s", labels.data ? labels.data : "");
    print_table_put(table, "%s", dbs->n > 1 ? dbs->paths[hit->db] : "");
    text_buf_clear(&classes);
    text_buf_clear(&labels);
}

static void print_table_of(const akin_results *results, const search_dbs *dbs)
{
    static const print_column columns[] = {
        {.head = "rank", .right = true},
        {.head = "score", .right = true},
        {.head = "window", .right = true},
        {.head = "recording", .elide = true},
        {.head = "time", .drop_empty = true},
        {.head = "date", .drop_empty = true},
        {.head = "classes", .drop_empty = true},
        {.head = "labels", .drop_empty = true},
        {.head = "database", .drop_empty = true},
    };
    print_table table;
    print_table_init(&table, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < akin_results_count(results); i++)
        put_row(&table, akin_results_at(results, i), dbs);
    if (akin_results_count(results) > 0) print_table_write(&table);
}

static void print_csv_row(const akin_hit *hit, const search_dbs *dbs)
{
    print_csv csv = {0};
    char start[32], end[32];
    text_buf labels, classes;
    join_labels(hit, ";", &labels);
    join_classes(hit, &classes);
    text_from_double(hit->start_s, start);
    text_from_double(hit->end_s, end);
    print_csv_field(&csv, "%zu", hit->rank);
    print_csv_field(&csv, "%lld", (long long)hit->window_id);
    print_csv_field(&csv, "%.9g", hit->score);
    print_csv_field(&csv, "%s", hit->recording);
    print_csv_field(&csv, "%s", start);
    print_csv_field(&csv, "%s", end);
    print_csv_field(&csv, "%s", hit->datetime ? hit->datetime : "");
    print_csv_field(&csv, "%s", hit->deployment ? hit->deployment : "");
    print_csv_field(&csv, "%s", hit->project ? hit->project : "");
    print_csv_field(&csv, "%s", labels.data ? labels.data : "");
    print_csv_field(&csv, "%s", hit->path ? hit->path : "");
    print_csv_field(&csv, "%s", dbs->paths[hit->db]);
    print_csv_field(&csv, "%s", classes.data ? classes.data : "");
    print_csv_end(&csv);
    text_buf_clear(&classes);
    text_buf_clear(&labels);
}

static void print_csv_of(const akin_results *results, const search_dbs *dbs)
{
    puts("rank,window_id,score,recording,start,end,datetime,deployment,project,"
         "labels,path,database,classes");
    for (size_t i = 0; i < akin_results_count(results); i++)
        print_csv_row(akin_results_at(results, i), dbs);
}

static json_t *classes_to_json(const akin_hit *hit)
{
    json_t *classes = json_array();
    for (size_t i = 0; i < hit->n_classes; i++)
        json_array_append_new(classes,
                              json_pack("{s:o, s:f}", "name",
                                        json_text(hit->classes[i].name),
                                        "score",
                                        (double)hit->classes[i].score));
    return classes;
}

static json_t *hit_to_json(const akin_hit *hit, const search_dbs *dbs)
{
    json_t *labels = json_array();
    for (size_t i = 0; i < hit->n_labels; i++)
        json_array_append_new(labels, json_text(hit->labels[i]));
    json_t *value = json_pack(
        "{s:I, s:I, s:f, s:o, s:f, s:f, s:o, s:o}", "rank",
        (json_int_t)hit->rank, "window_id", (json_int_t)hit->window_id,
        "score", (double)hit->score, "recording", json_text(hit->recording),
        "start", hit->start_s, "end", hit->end_s, "deployment",
        json_text(hit->deployment), "labels", labels);
    if (hit->n_classes > 0)
        json_object_set_new(value, "classes", classes_to_json(hit));
    if (dbs->n > 1)
        json_object_set_new(value, "database",
                            json_text(dbs->paths[hit->db]));
    return value;
}

static void print_json_of(const akin_results *results, const search_dbs *dbs,
                          const search_args *args)
{
    akin_results_info info;
    akin_results_get_info(results, &info);
    json_t *query = json_object();
    const char *file = last_of(&args->with.files);
    const char *text = last_of(&args->with.texts);
    if (file)
        json_object_set_new(query, "file", json_text(file));
    else if (text)
        json_object_set_new(query, "text", json_text(text));
    else if (args->vector)
        json_object_set_new(query, "vector", json_text(args->vector));
    else
        json_object_set_new(query, "window_id", json_integer(args->window_id));
    json_t *hits = json_array();
    for (size_t i = 0; i < akin_results_count(results); i++)
        json_array_append_new(hits,
                              hit_to_json(akin_results_at(results, i), dbs));
    print_json(json_pack("{s:o, s:s, s:f, s:o}", "query", query, "mode",
                         info.mode, "took_ms", info.took_ms, "results", hits));
}

static void print_results(const akin_results *results, const search_dbs *dbs,
                          const search_args *args)
{
    akin_results_info info;
    akin_results_get_info(results, &info);
    switch (args->json ? FORMAT_JSON : args->format) {
    case FORMAT_JSON: print_json_of(results, dbs, args); break;
    case FORMAT_CSV: print_csv_of(results, dbs); break;
    default: print_table_of(results, dbs); break;
    }
    fflush(stdout); /* before the line on stderr */
    if (args->quiet) return;
    if (akin_results_count(results) == 0)
        print_note("no window %s",
                   info.n_searched == 0 ? "passes the filter, or there is none"
                                        : "is left behind the offset");
    print_note("%zu %s searched (%s) in %.1f ms", info.n_searched,
               print_plural((long long)info.n_searched, "window", "windows"),
               info.mode, info.took_ms);
}

/* ---- the search --------------------------------------------------------- */

static void print_applied(const akin_info *info)
{
    const akin_settings *s = &info->settings;
    if (strcmp(info->modality, "image") == 0)
        print_note("query: model %s, frames of films %g s apart", info->model,
                   s->every_s);
    else
        print_note("query: speed %g, band-pass %d to %d Hz, %g s windows at "
                   "%u Hz, model %s",
                   s->audio_speed, s->fmin_hz, s->fmax_hz, info->window_s,
                   info->rate_hz, info->model);
}

/* BirdNET-Analyzer lowers an overlap that leaves no step to 0.1 s below the
 * window; so do we, aloud. */
static akin_status bound_overlap(akin_db *db, const search_args *args,
                                 akin_search_options *opt, akin_error *err)
{
    akin_info info;
    opt->overlap_s = args->overlap_s;
    if (args->overlap_s <= 0 && !args->verbose) return AKIN_OK; /* it counts */
    AKIN_TRY(akin_get_info(db, &info, err));
    if (args->verbose) print_applied(&info);
    if (info.window_s > 0 && opt->overlap_s >= info.window_s) {
        opt->overlap_s = info.window_s - 0.1;
        print_warning("--overlap %g leaves no step of a %g s window, %g is "
                      "used",
                      args->overlap_s, info.window_s, opt->overlap_s);
    }
    return AKIN_OK;
}

static akin_status export_clips(const akin_results *results,
                                const search_args *args, size_t *n_failed,
                                akin_error *err)
{
    akin_export_report report = {0};
    if (!args->export_dir) return AKIN_OK;
    AKIN_TRY(akin_export_clips(results, args->export_dir, &report, err));
    *n_failed = report.n_failed;
    if (report.n_failed > 0)
        print_warning("%zu %s could not be written, see %s/manifest.csv; if "
                      "the recordings were moved, give --audio-root",
                      report.n_failed,
                      print_plural((long long)report.n_failed, "clip", "clips"),
                      args->export_dir);
    if (!args->quiet)
        print_note("%zu %s written to %s", report.n_written,
                   print_plural((long long)report.n_written, "clip", "clips"),
                   args->export_dir);
    return AKIN_OK;
}

static akin_status search(const search_dbs *dbs, const search_args *args,
                          size_t *n_failed, akin_error *err)
{
    akin_results *results = NULL;
    akin_query query = {.file = last_of(&args->with.files),
                        .text = last_of(&args->with.texts),
                        .vector_file = args->vector,
                        .window_id = args->window_id};
    akin_search_options opt = {
        .k = (size_t)args->n_results, .offset = (size_t)args->offset,
        .score = (akin_score)args->score, .crop = (akin_crop)args->crop,
        .filter = args->filter, .threads = (size_t)args->threads,
        .exact = args->exact || args->recall >= 1,
        .recall = args->recall < 1 ? args->recall : 0,
        .ef = (size_t)args->ef};
    AKIN_TRY(bound_overlap(dbs->dbs[0], args, &opt, err));
    akin_status status =
        akin_search(dbs->dbs, dbs->n, &query, &opt, &results, err);
    if (status == AKIN_OK) {
        print_results(results, dbs, args);
        status = export_clips(results, args, n_failed, err);
    }
    akin_results_free(results);
    return status;
}

static int run_with_config(const options *parsed, const search_args *args)
{
    search_vectors_args own = {
        .config = args->config, .vector = args->vector, .track = args->track,
        .n_results = args->n_results, .nprobe = args->nprobe, .ef = args->ef,
        .threads = args->threads, .recall = args->recall,
        .format = args->json ? FORMAT_JSON : args->format,
        .quiet = args->quiet};
    return search_vectors(parsed, &own);
}

static int run_with_table(const options *parsed, const search_args *args)
{
    search_dataset_args own = {
        .table = args->table, .vector = args->vector, .where = args->where,
        .only_view = args->only_view, .media = args->audio_root,
        .with = &args->with, .without = &args->without,
        .n_results = args->n_results, .skip = args->offset,
        .min_similarity = args->min_similarity, .device = args->device,
        .format = args->json ? FORMAT_JSON : args->format,
        .exact = args->exact, .quiet = args->quiet};
    int code = search_modes_check(parsed, SEARCH_DATASET);
    return code == EXIT_DONE ? search_dataset(parsed, &own) : code;
}

static int run_search(const options *parsed, const void *args_)
{
    const search_args *args = args_;
    if (args->table) return run_with_table(parsed, args);
    if (args->config) return run_with_config(parsed, args);
    int code = search_modes_check(parsed, SEARCH_DATABASES);
    int n_queries = (args->with.files.n > 0) + (args->with.texts.n > 0) +
                    !!args->vector + !!args->window_id;
    if (code != EXIT_DONE) return code;
    if (n_queries != 1)
        return command_misused(parsed, "%s of --file, --text, --vector and "
                                       "--window is needed",
                               n_queries ? "only one" : "one");
    if (args->databases.n + parsed->n_operands == 0)
        return command_misused(parsed, "the database is missing");
    if (!!args->exact + !!args->ef + !!args->recall > 1)
        return command_misused(parsed, "only one of --exact, --ef and "
                                       "--recall can be used");
    search_dbs dbs = {0};
    akin_error err = {0};
    size_t n_failed = 0;
    akin_status status = dbs_open(&dbs, parsed, args, &err);
    if (status == AKIN_OK) status = search(&dbs, args, &n_failed, &err);
    dbs_close(&dbs);
    if (status != AKIN_OK) return print_failure(&err);
    return n_failed > 0 ? EXIT_SOME_FAILED : EXIT_DONE;
}

const command cmd_search = {
    .name = "search",
    .summary = "find the windows that are most like an example or a text",
    .synopsis = "DB... --file F | --text T | --vector F.npy | --window ID "
                "[options]\n"
                "--config C --vector F.npy | --track ID [options]\n"
                "DATASET --table T (--text T | --file F | --view ID | --item "
                "ID | --vector F.npy)... [--where EXPR] [options]\n"
                "-q F -db DB [-o DIR] [options]",
    .about =
        "The settings stored in the database (speed, band-pass, window) are "
        "applied to\nthe query too. Every window that passes the filter is "
        "scored; in a database of\nmore than 64 MB of vectors, those that "
        "a graph finds (akin help index), which\nmisses 1 in 100 answers "
        "unless --recall or --exact says otherwise. Several\ndatabases are "
        "searched as one if they share model and settings.\n\n"
        "  akin search birds.db --file call.wav\n"
        "  akin search birds.db --window 17 -n 50 --filter 'date = 2023-05'\n"
        "  akin search north.db south.db --file call.wav --crop-mode segments\n"
        "  akin search birds.db --file call.wav --export clips\n"
        "  akin search pictures.db --text 'a ship on the sea'\n"
        "  akin search --config config.json --track 574\n"
        "  akin search library/photos --table emb --text dog --not-text "
        "cartoon\n",
    .table = option_table,
    .args_size = sizeof(search_args),
    .run = run_search,
};
