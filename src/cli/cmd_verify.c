/* SPDX-License-Identifier: MIT
 * akin verify: is everything in the database what it should be? */
#include "cli/commands.h"
#include "cli/print.h"

typedef struct verify_args {
    const char *database;
    bool repair, json, quiet;
} verify_args;

#define AT(field) offsetof(verify_args, field)

static const option_spec option_table[] = {
    {.name = "database", .aliases = "-db", .type = OPTION_TEXT,
     .offset = AT(database), .value = "DB",
     .help = "the database"},
    {.name = "repair", .type = OPTION_FLAG, .offset = AT(repair),
     .help = "mend what is found"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print the findings as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no summary"},
    OPTION_END,
};

typedef struct verify_run {
    const verify_args *args;
    json_t *findings;
} verify_run;

static void on_finding(void *user, const char *text, bool mended)
{
    verify_run *run = user;
    if (run->args->json)
        json_array_append_new(run->findings,
                              json_pack("{s:o, s:b}", "text", json_text(text),
                                        "mended", mended));
    else
        printf("%s%s\n", mended ? "mended: " : "", text);
}

static void print_summary(const akin_verify_report *report, size_t n_left,
                          const verify_args *args, const char *path)
{
    print_note("%lld %s, %lld %s, %zu %s, %zu mended",
               (long long)report->n_windows,
               print_plural(report->n_windows, "window", "windows"),
               (long long)report->n_vectors,
               print_plural(report->n_vectors, "vector", "vectors"),
               report->n_findings,
               print_plural((long long)report->n_findings, "finding",
                            "findings"),
               report->n_mended);
    if (n_left > 0 && !args->repair)
        print_note("next: akin verify %s --repair", path);
    else if (n_left > 0)
        print_note("what is left cannot be mended from what is there");
}

static int run_verify(const options *parsed, const void *args_)
{
    verify_run run = {.args = args_};
    akin_verify_report report = {0};
    akin_error err = {0};
    const char *path = run.args->database;
    if (!path && parsed->n_operands == 1) path = parsed->operands[0];
    if (!path || parsed->n_operands > (run.args->database ? 0 : 1))
        return command_misused(parsed, "one database is needed");
    akin_verify_options opt = {.repair = run.args->repair,
                               .finding = on_finding, .user = &run};
    run.findings = json_array();
    akin_status status = akin_verify(path, &opt, &report, &err);
    if (status != AKIN_OK) {
        json_decref(run.findings);
        return print_failure(&err);
    }
    size_t n_left = report.n_findings - report.n_mended;
    if (run.args->json)
        print_json(json_pack("{s:b, s:O, s:I, s:I, s:I, s:I}", "ok",
                             n_left == 0, "findings",
                             run.findings, "n_findings",
                             (json_int_t)report.n_findings, "n_mended",
                             (json_int_t)report.n_mended, "windows",
                             (json_int_t)report.n_windows, "vectors",
                             (json_int_t)report.n_vectors));
    fflush(stdout);
    if (!run.args->quiet) print_summary(&report, n_left, run.args, path);
    json_decref(run.findings);
    return n_left > 0 ? EXIT_CORRUPT : EXIT_DONE;
}

const command cmd_verify = {
    .name = "verify",
    .summary = "check a database, and mend it with --repair",
    .synopsis = "DB [--repair]",
    .about =
        "Compares rows, vectors and the index file with each other and with "
        "their\nformats: windows without a vector, vectors without a window, "
        "duplicate windows,\norphaned rows, a truncated or damaged index. "
        "Prints one line per finding. The\nexit code is 4 while findings are "
        "left.\n\n"
        "  akin verify birds.db\n"
        "  akin verify birds.db --repair\n",
    .table = option_table,
    .args_size = sizeof(verify_args),
    .run = run_verify,
};
