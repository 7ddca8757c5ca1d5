/* SPDX-License-Identifier: MIT
 * The search over --config: its options, its answers as table, CSV and JSON. */
#include "cli/search_vectors.h"

#include <strings.h>

#include "akin/vectors.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/search_modes.h"

enum {
    N_OWN = 5,    /* query, rank, distance, vector, track */
    MOST_OWN = 6, /* of the user's columns, in the table */
};

/* What a search prints. */
typedef struct answers {
    const search_vectors_args *args;
    const akin_vectors_results *results;
    akin_vectors_info index;
    akin_vectors_results_info info;
    size_t n;
    bool several; /* queries */
} answers;

/* ---- the options -------------------------------------------------------- */

static bool is_among(const char *name, const char *const *names)
{
    while (*names && !text_equal(*names, name)) names++;
    return *names != NULL;
}

/* EXIT_DONE if the line makes sense. */
static int check_line(const options *parsed, const search_vectors_args *args)
{
    int code = search_modes_check(parsed, SEARCH_VECTORS);
    int n_efforts = !!args->nprobe + !!args->ef + !!args->recall;
    if (parsed->n_operands > 0)
        return command_misused(parsed, "a search is in '%s' or in the vectors "
                                       "of --config, not in both",
                               parsed->operands[0]);
    if (code != EXIT_DONE) return code;
    if (!args->vector == !args->track)
        return command_misused(parsed, "%s of --vector and --track is needed "
                                       "with --config",
                               args->vector ? "only one" : "one");
    if (n_efforts > 1)
        return command_misused(parsed, "only one of --nprobe, --ef and "
                                       "--recall can be used");
    return EXIT_DONE;
}

/* The same, now that the kind of the index is known. */
static int check_effort(const options *parsed, const search_vectors_args *args,
                        const akin_vectors_info *index)
{
    const char *asked = args->nprobe ? "nprobe" : args->ef ? "ef" : NULL;
    if (!asked || text_equal(asked, index->effort_name)) return EXIT_DONE;
    if (!index->effort_name)
        return command_misused(parsed, "--%s is not for an index of type '%s', "
                                       "which is searched as a whole",
                               asked, index->index_type);
    return command_misused(parsed, "--%s is not for an index of type '%s', "
                                   "which takes --%s",
                           asked, index->index_type, index->effort_name);
}

/* ---- the user's columns ------------------------------------------------- */

/* Already there as the track. */
static bool is_track_id(const char *name)
{
    return strcasecmp(name, "track_id") == 0;
}

/* A column that is called as one of ours gets its table's name, too. */
static const char *prefix_of(const char *name)
{
    static const char *const ours[] = {"query", "rank", "distance",
                                       "vector_id", NULL};
    return is_among(name, ours) ? "tracks." : "";
}

/* What people know a track by. */
static bool is_telling(const char *name)
{
    static const char *const telling[] = {
        "title",        "name",        "artist",        "artist_name",
        "artists.name", "album",       "album_title",   "albums.title",
        "genre",        "genre_top",   "date_released", "year",
        NULL,
    };
    return is_among(name, telling);
}

/* Which columns the table shows, in their order: all if they are few, else
 * the telling ones, or the first if none is. */
static size_t choose_columns(const akin_vectors_results_info *info,
                             size_t shown[MOST_OWN])
{
    size_t n = 0, n_telling = 0, n_others = 0;
    for (size_t i = 0; i < info->n_columns; i++) {
        n_others += !is_track_id(info->columns[i]);
        n_telling += is_telling(info->columns[i]);
    }
    bool all = n_others <= MOST_OWN || n_telling == 0;
    for (size_t i = 0; i < info->n_columns && n < MOST_OWN; i++)
        if (!is_track_id(info->columns[i]) &&
            (all || is_telling(info->columns[i])))
            shown[n++] = i;
    return n;
}

/* ---- printing ----------------------------------------------------------- */

static void put_row(print_table *table, const answers *a, size_t i,
                    const size_t *shown, size_t n_shown)
{
    const akin_vectors_hit *hit = akin_vectors_results_at(a->results, i);
    if (a->several)
        print_table_put(table, "%zu", hit->query);
    else
        print_table_put(table, "%s", "");
    print_table_put(table, "%zu", hit->rank);
    print_table_put(table, "%.6g", (double)hit->distance);
    print_table_put(table, "%lld", (long long)hit->vector_id);
    print_table_put(table, "%s", hit->track ? hit->track : "");
    for (size_t c = 0; c < n_shown; c++) {
        const char *value = hit->columns[shown[c]];
        print_table_put(table, "%s", value ? value : "");
    }
}

static void print_table_of(const answers *a)
{
    print_column columns[N_OWN + MOST_OWN] = {
        {.head = "query", .right = true, .drop_empty = true},
        {.head = "rank", .right = true},
        {.head = "distance", .right = true},
        {.head = "vector", .right = true},
        {.head = "track"},
    };
    size_t shown[MOST_OWN], n_shown = choose_columns(&a->info, shown);
    print_table table;
    for (size_t c = 0; c < n_shown; c++)
        columns[N_OWN + c] = (print_column){
            .head = a->info.columns[shown[c]], .elide_end = true};
    print_table_init(&table, columns, N_OWN + n_shown);
    for (size_t i = 0; i < a->n; i++) put_row(&table, a, i, shown, n_shown);
    if (a->n > 0) print_table_write(&table);
}

static void print_csv_head(const answers *a)
{
    print_csv csv = {0};
    if (a->several) print_csv_field(&csv, "query");
    print_csv_field(&csv, "rank");
    print_csv_field(&csv, "distance");
    print_csv_field(&csv, "vector_id");
    print_csv_field(&csv, "track_id");
    for (size_t c = 0; c < a->info.n_columns; c++) {
        const char *name = a->info.columns[c];
        if (!is_track_id(name))
            print_csv_field(&csv, "%s%s", prefix_of(name), name);
    }
    print_csv_end(&csv);
}

static void print_csv_row(const answers *a, const akin_vectors_hit *hit)
{
    print_csv csv = {0};
    if (a->several) print_csv_field(&csv, "%zu", hit->query);
    print_csv_field(&csv, "%zu", hit->rank);
    print_csv_field(&csv, "%.9g", (double)hit->distance);
    print_csv_field(&csv, "%lld", (long long)hit->vector_id);
    print_csv_field(&csv, "%s", hit->track ? hit->track : "");
    for (size_t c = 0; c < a->info.n_columns; c++)
        if (!is_track_id(a->info.columns[c]))
            print_csv_field(&csv, "%s",
                            hit->columns[c] ? hit->columns[c] : "");
    print_csv_end(&csv);
}

static void print_csv_of(const answers *a)
{
    print_csv_head(a);
    for (size_t i = 0; i < a->n; i++)
        print_csv_row(a, akin_vectors_results_at(a->results, i));
}

static json_t *hit_to_json(const answers *a, const akin_vectors_hit *hit)
{
    json_t *value = json_object();
    if (a->several)
        json_object_set_new(value, "query",
                            json_integer((json_int_t)hit->query));
    json_object_set_new(value, "rank", json_integer((json_int_t)hit->rank));
    json_object_set_new(value, "distance", json_real((double)hit->distance));
    json_object_set_new(value, "vector_id", json_integer(hit->vector_id));
    json_object_set_new(value, "track_id", json_text(hit->track));
    for (size_t c = 0; c < a->info.n_columns; c++) {
        const char *name = a->info.columns[c];
        char *key = text_format("%s%s", prefix_of(name), name);
        if (key && !is_track_id(name))
            json_object_set_new(value, key, json_text(hit->columns[c]));
        mem_free(key);
    }
    return value;
}

static void print_json_of(const answers *a)
{
    json_t *hits = json_array(), *effort = json_null();
    const char *name = a->index.effort_name;
    if (name && a->info.effort)
        effort = json_pack("{s:I}", name, (json_int_t)a->info.effort);
    for (size_t i = 0; i < a->n; i++)
        json_array_append_new(
            hits, hit_to_json(a, akin_vectors_results_at(a->results, i)));
    print_json(json_pack("{s:{s:o}, s:s, s:o, s:f, s:o}", "query",
                         a->args->track ? "track" : "vector",
                         json_text(a->args->track ? a->args->track
                                                  : a->args->vector),
                         "metric", a->index.metric, "effort", effort,
                         "took_ms", a->info.took_ms, "results", hits));
}

static void print_searched(const answers *a)
{
    bool lower = text_equal(a->index.metric, "l2sq");
    char effort[64] = "";
    if (a->index.effort_name && a->info.effort)
        snprintf(effort, sizeof effort, ", %s %zu", a->index.effort_name,
                 a->info.effort);
    print_note("%zu %s searched (%s%s; %s: %s is closer) in %.1f ms",
               a->index.n,
               print_plural((long long)a->index.n, "vector", "vectors"),
               a->index.index_type, effort, a->index.metric,
               lower ? "lower" : "higher", a->info.took_ms);
}

static void print_notes(const answers *a)
{
    size_t shown[MOST_OWN], n_shown = choose_columns(&a->info, shown);
    size_t n_unknown = 0, n_last = 0;
    for (size_t i = 0; i < a->n; i++) {
        const akin_vectors_hit *hit = akin_vectors_results_at(a->results, i);
        n_unknown += !hit->track;
        n_last = hit->rank;
    }
    if (n_unknown > 0)
        print_warning("%zu of the answers %s not in table vector_metadata",
                      n_unknown,
                      print_plural((long long)n_unknown, "is", "are"));
    if (a->args->quiet) return;
    if (a->n == 0)
        print_note("no answers: there is no %svector",
                   a->args->track ? "other " : "");
    else if (n_last < (size_t)a->args->n_results)
        print_note("%zu %s all there is", n_last,
                   print_plural((long long)n_last, "answer is",
                                "answers are"));
    if (a->args->format == FORMAT_TABLE && a->n > 0 &&
        n_shown + 1 < a->info.n_columns)
        print_note("%zu of %zu columns are shown; --format csv has all",
                   n_shown, a->info.n_columns - 1);
    print_searched(a);
}

static void print_answers(const answers *a)
{
    switch (a->args->format) {
    case FORMAT_JSON: print_json_of(a); break;
    case FORMAT_CSV: print_csv_of(a); break;
    default: print_table_of(a); break;
    }
    fflush(stdout); /* before the lines on stderr */
    print_notes(a);
}

/* ---- the search --------------------------------------------------------- */

static akin_status search(akin_vectors *v, const search_vectors_args *args,
                          akin_error *err)
{
    akin_vectors_results *results = NULL;
    akin_vectors_query query = {.file = args->vector, .track = args->track};
    akin_vectors_search_options opt = {
        .k = (size_t)args->n_results,
        .effort = (size_t)(args->nprobe + args->ef), /* one of them is 0 */
        .recall = args->recall, .threads = (size_t)args->threads};
    AKIN_TRY(akin_vectors_search(v, &query, &opt, &results, err));
    answers a = {.args = args, .results = results,
                 .n = akin_vectors_results_count(results)};
    akin_vectors_get_info(v, &a.index);
    akin_vectors_results_get_info(results, &a.info);
    a.several =
        a.n > 0 && akin_vectors_results_at(results, a.n - 1)->query > 0;
    print_answers(&a);
    akin_vectors_results_free(results);
    return AKIN_OK;
}

int search_vectors(const options *parsed, const search_vectors_args *args)
{
    akin_vectors *v = NULL;
    akin_vectors_info index;
    akin_error err = {0};
    akin_vectors_options opt = {.threads = (size_t)args->threads,
                                .warn = print_library_warning};
    int code = check_line(parsed, args);
    if (code != EXIT_DONE) return code;
    if (akin_vectors_open(args->config, &opt, &v, &err) != AKIN_OK)
        return print_failure(&err);
    akin_vectors_get_info(v, &index);
    code = check_effort(parsed, args, &index);
    if (code == EXIT_DONE && search(v, args, &err) != AKIN_OK)
        code = print_failure(&err);
    akin_vectors_close(v);
    return code;
}
