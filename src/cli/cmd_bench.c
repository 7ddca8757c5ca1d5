/* SPDX-License-Identifier: MIT
 * akin bench: measures akin on this machine, with the user's own data. */
#include "akin/bench.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/signals.h"

typedef struct bench_args {
    const char *base, *queries, *truth, *save;
    int metric, type;
    int64_t k, threads, links, effort, seed;
    bool json, quiet, progress;
} bench_args;

#define AT(field) offsetof(bench_args, field)

static const char *const metrics[] = {"l2sq", "cosine", "dot", NULL};
static const char *const types[] = {"f16", "f32", NULL};

static const option_spec option_table[] = {
    {.name = "base", .type = OPTION_TEXT, .offset = AT(base), .value = "B.npy",
     .help = "the vectors that are searched"},
    {.name = "queries", .type = OPTION_TEXT, .offset = AT(queries),
     .value = "Q.npy", .help = "the vectors that are asked for, in their "
                               "order"},
    {.name = "truth", .type = OPTION_TEXT, .offset = AT(truth),
     .value = "T.npy",
     .help = "for each query the row numbers of its nearest vectors, as "
             "integers, nearest first (found by exact search)"},
    {.name = "metric", .type = OPTION_CHOICE, .offset = AT(metric),
     .value = "l2sq|cosine|dot", .help = "what near means",
     .choices = metrics},
    {.name = "type", .type = OPTION_CHOICE, .offset = AT(type),
     .value = "f16|f32",
     .help = "how the index keeps vectors (f16): f16 halves their memory, f32 "
             "keeps every bit",
     .choices = types},
    {.name = "threads", .type = OPTION_INTEGER, .offset = AT(threads),
     .value = "N",
     .help = "threads that build the index and search in batches (one per "
             "processor); single queries are always searched by one",
     .min = 1, .max = 1024},
    {.name = "k", .aliases = "-k", .type = OPTION_INTEGER, .offset = AT(k),
     .value = "N", .help = "nearest vectors wanted of each query (10)",
     .min = 1, .max = 1 << 20},
    {.name = "links", .type = OPTION_INTEGER, .offset = AT(links),
     .value = "N", .help = "of a vector to others (32)", .min = 8,
     .max = 128},
    {.name = "effort", .type = OPTION_INTEGER, .offset = AT(effort),
     .value = "N", .help = "candidates looked at for links (200)", .min = 8,
     .max = 4096},
    {.name = "seed", .type = OPTION_INTEGER, .offset = AT(seed), .value = "N",
     .help = "of what the index does by chance (0)", .min = 0, .max = 1e15},
    {.name = "save", .type = OPTION_TEXT, .offset = AT(save), .value = "FILE",
     .help = "keep the index"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "a line of JSON for each row, as soon as it is measured"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet), .help = "no progress"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    OPTION_END,
};

typedef struct bench_run {
    const bench_args *args;
    progress bar;
    char phase[64]; /* that is shown */
    print_table table;
} bench_run;

/* ---- lines --------------------------------------------------------------- */

/* No more digits than were measured. */
static json_t *rounded(double value, double per_unit)
{
    return json_real(round(value * per_unit) / per_unit);
}

static json_t *micros(double us)
{
    return us < 0 ? json_null() : rounded(us, 100);
}

static void print_line_json(const akin_bench_line *line)
{
    json_t *value = json_pack(
        "{s:s, s:s, s:o, s:I, s:I}", "engine", line->engine, "params",
        line->params, "build_s", rounded(line->build_s, 1000), "threads",
        (json_int_t)line->threads, "bytes", (json_int_t)line->bytes);
    json_object_update_new(
        value, json_pack("{s:o, s:o, s:o, s:o}", "recall10",
                         rounded(line->recall, 1e5), "qps",
                         rounded(line->qps, 10), "p50_us",
                         micros(line->p50_us), "p99_us",
                         micros(line->p99_us)));
    print_json(value);
    fflush(stdout);
}

static void put_micros(print_table *table, double us)
{
    if (us < 0)
        print_table_put(table, "%s", "");
    else
        print_table_put(table, "%.1f", us);
}

static void put_line(bench_run *run, const akin_bench_line *line)
{
    print_table_put(&run->table, "%s", line->params);
    print_table_put(&run->table, "%.4f", line->recall);
    print_table_put(&run->table, "%.1f", line->qps);
    put_micros(&run->table, line->p50_us);
    put_micros(&run->table, line->p99_us);
    print_table_put(&run->table, "%.2f", line->build_s);
    print_table_put(&run->table, "%.1f", (double)line->bytes / 1e6);
}

static void on_line(void *user, const akin_bench_line *line)
{
    bench_run *run = user;
    progress_hide(&run->bar);
    if (run->args->json)
        print_line_json(line);
    else
        put_line(run, line);
}

static const char *phase_in_words(const char *phase)
{
    static const char *const words[][2] = {
        {"read", "reading the vectors"},
        {"link", "building the index"},
        {"truth", "finding the truth"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal(words[i][0], phase)) return words[i][1];
    return phase;
}

static bool on_progress(void *user, const char *phase, double fraction)
{
    bench_run *run = user;
    akin_progress state = {.phase = phase_in_words(phase),
                           .fraction = fraction, .remaining_s = -1};
    if (strncmp(run->phase, phase, sizeof run->phase - 1) != 0)
        run->bar.shown_at = 0; /* at once */
    snprintf(run->phase, sizeof run->phase, "%s", phase);
    progress_show(&run->bar, &state);
    return !signals_stopped();
}

/* ---- index --------------------------------------------------------------- */

static akin_status measure_index(bench_run *run, akin_error *err)
{
    const bench_args *args = run->args;
    akin_bench_index_options opt = {
        .base = args->base,
        .queries = args->queries,
        .truth = args->truth,
        .index = {.metric = (akin_metric)args->metric,
                  .type = args->type ? AKIN_F32 : AKIN_F16,
                  .links = (size_t)args->links,
                  .effort = (size_t)args->effort,
                  .seed = (uint64_t)args->seed},
        .k = (size_t)args->k,
        .threads = (size_t)args->threads,
        .save = args->save,
        .progress = on_progress,
        .user = run,
    };
    return akin_bench_index(&opt, on_line, run, err);
}

static int bench_index(const options *parsed, const bench_args *args)
{
    static const print_column columns[] = {
        {.head = "search"},
        {.head = "recall", .right = true},
        {.head = "q/s", .right = true},
        {.head = "p50 us", .right = true},
        {.head = "p99 us", .right = true},
        {.head = "build s", .right = true},
        {.head = "MB", .right = true},
    };
    bench_run run = {.args = args};
    akin_error err = {0};
    if (!args->base || !args->queries || !options_given(parsed, "metric"))
        return command_misused(parsed,
                               "index needs --base, --queries and --metric");
    progress_init(&run.bar, args->quiet, args->progress);
    print_table_init(&run.table, columns, sizeof columns / sizeof *columns);
    signals_catch();
    akin_status status = measure_index(&run, &err);
    progress_hide(&run.bar);
    if (run.table.n_cells > 0) print_table_write(&run.table);
    if (status == AKIN_OK) return EXIT_DONE;
    if (status != AKIN_ECANCELLED) return print_failure(&err);
    print_note("%s", err.text);
    return EXIT_STOPPED;
}

/* ---- the command --------------------------------------------------------- */

static int list_benches(void)
{
    puts("index  how fast the vector index answers, and how much it finds");
    return EXIT_DONE;
}

static int run_bench(const options *parsed, const void *args)
{
    if (parsed->n_operands == 0) return list_benches();
    const char *what = parsed->operands[0];
    if (!text_equal(what, "index"))
        return command_misused(parsed, "there is no bench '%s'", what);
    if (parsed->n_operands > 1)
        return command_misused(parsed, "index takes no '%s'",
                               parsed->operands[1]);
    return bench_index(parsed, args);
}

const command cmd_bench = {
    .name = "bench",
    .summary = "measure akin on this machine, with data of yours",
    .synopsis = "\nindex --base B.npy --queries Q.npy --metric l2sq|cosine|dot "
                "[--truth T.npy] ...",
    .about =
        "index builds an index over the vectors of B.npy and asks it for the k "
        "nearest of\neach query, one query at a time on one thread, with more "
        "and more effort (ef),\nuntil .9999 of the true ones are found; then "
        "it searches exactly, one at a time\nand in batches. A row is the "
        "median of five passes over all queries, after one to\nwarm up. recall "
        "is the share of the k true ones that were found, p50 and p99 are\nhow "
        "long the middle query took and the one that 99 of 100 are faster "
        "than. What\nthe options mean is in docs/INDEX.md.\n\n"
        "  akin bench index --base base.npy --queries queries.npy --metric "
        "cosine\n",
    .table = option_table,
    .args_size = sizeof(bench_args),
    .run = run_bench,
};
