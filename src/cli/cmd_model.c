/* SPDX-License-Identifier: MIT
 * akin model: the embedding models that can be used here; lists, shows, checks
 * and installs them. */
#define _GNU_SOURCE
#include <string.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/model_names.h"
#include "cli/model_places.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/signals.h"

typedef struct model_args {
    int device;
    bool json, quiet, progress;
} model_args;

#define AT(field) offsetof(model_args, field)

static const option_spec option_table[] = {
    {.name = "device", .type = OPTION_CHOICE, .offset = AT(device),
     .value = "cpu|cuda",
     .help = "what check runs the model on (cpu)",
     .choices = command_devices},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "install: no progress, no word but errors"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "install: show progress even where stderr is no terminal"},
    OPTION_END,
};

/* ---- what is known of a model ------------------------------------------- */

/* In a word. A card that ships may have come without its files. */
static const char *state_of(const model_places *places,
                            const akin_model_info *m, const char *problem)
{
    if (m->builtin) return "built in";
    if (!problem) return "installed";
    return model_places_ships(places, m->folder) ? "not installed"
                                                : "unusable";
}

static json_t *model_to_json(const akin_model_info *m, const char *state,
                             const char *problem)
{
    json_t *value = json_pack(
        "{s:o, s:o, s:I, s:b, s:b, s:b, s:o}", "name", json_text(m->name),
        "modality", json_text(m->modality), "dim", (json_int_t)m->dim, "text",
        m->text, "builtin", m->builtin, "installed", !problem, "state",
        json_text(state));
    json_object_update_new(
        value, json_pack("{s:I, s:f, s:I, s:I, s:I}", "rate_hz",
                         (json_int_t)m->rate_hz, "window_s", m->window_s,
                         "width", (json_int_t)m->width, "height",
                         (json_int_t)m->height, "classes",
                         (json_int_t)m->n_classes));
    json_object_update_new(
        value, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "version",
                         json_text(m->version), "licence",
                         json_text(m->licence), "source", json_text(m->source),
                         "about", json_text(m->about), "identity",
                         json_text(m->identity), "folder",
                         json_text(m->folder)));
    if (problem) json_object_set_new(value, "problem", json_text(problem));
    return value;
}

/* "3 s", "224 x 224", with the rate or not. */
static void format_input(const akin_model_info *m, bool with_rate,
                         char out[PRINT_PIECE_SIZE])
{
    out[0] = 0;
    if (m->width > 0)
        snprintf(out, PRINT_PIECE_SIZE, "%u x %u", m->width, m->height);
    else if (m->window_s > 0 && with_rate)
        snprintf(out, PRINT_PIECE_SIZE, "%g s at %u Hz", m->window_s,
                 m->rate_hz);
    else if (m->window_s > 0)
        snprintf(out, PRINT_PIECE_SIZE, "%.4g s", m->window_s);
}

/* ---- list --------------------------------------------------------------- */

typedef struct listing {
    const model_places *places;
    bool json, usable; /* those that can be used, or the others */
    json_t *models;
    print_table table;
} listing;

/* What a model is about, up to where the details begin. */
static int first_clause(const char *about)
{
    const char *stop = strstr(about, ". ");
    size_t n = strcspn(about, ";:");
    return (int)(stop && (size_t)(stop - about) < n ? (size_t)(stop - about)
                                                    : n);
}

static bool list_one(void *user, const akin_model_info *m, const char *problem)
{
    listing *l = user;
    const char *state = state_of(l->places, m, problem);
    char input[PRINT_PIECE_SIZE];
    if (l->usable != !problem) return true;
    if (l->json) {
        json_array_append_new(l->models, model_to_json(m, state, problem));
        return true;
    }
    format_input(m, false, input);
    print_table_put(&l->table, "%s", m->name);
    print_table_put(&l->table, "%s", m->modality);
    if (m->dim > 0)
        print_table_put(&l->table, "%u", m->dim);
    else
        print_table_put(&l->table, "%s", "");
    print_table_put(&l->table, "%s", input);
    print_table_put(&l->table, "%s", m->text ? "yes" : "");
    print_table_put(&l->table, "%s", state);
    if (strcmp(state, "unusable") == 0)
        print_table_put(&l->table, "%s", problem);
    else
        print_table_put(&l->table, "%.*s", first_clause(m->about), m->about);
    return true;
}

static akin_status list_models(const model_places *places,
                               const model_args *args, akin_error *err)
{
    static const print_column columns[] = {
        {.head = "name"},
        {.head = "modality"},
        {.head = "dim", .right = true},
        {.head = "input", .right = true},
        {.head = "text", .drop_empty = true},
        {.head = "state"},
        {.head = "about"},
    };
    listing l = {.places = places, .json = args->json, .usable = true,
                 .models = json_array()};
    print_table_init(&l.table, columns, sizeof columns / sizeof *columns);
    akin_status status = akin_model_each(&places->options, list_one, &l, err);
    l.usable = false;
    if (status == AKIN_OK)
        status = akin_model_each(&places->options, list_one, &l, err);
    if (args->json)
        print_json(json_pack("{s:O}", "models", l.models));
    else
        print_table_write(&l.table);
    json_decref(l.models);
    return status;
}

/* ---- show --------------------------------------------------------------- */

static void print_fact(const char *name, const char *value)
{
    if (value && *value) printf("%-10s%s\n", name, value);
}

static void print_model(const akin_model_info *m, const char *state)
{
    char input[PRINT_PIECE_SIZE];
    format_input(m, true, input);
    printf("name      %s (%s)\n", m->name, state);
    print_fact("version", m->version);
    print_fact("about", m->about);
    print_fact("modality", m->modality);
    if (m->dim > 0) printf("vector    %u dimensions\n", m->dim);
    print_fact("input", input);
    if (m->n_classes > 0)
        printf("classes   %zu are scored\n", m->n_classes);
    if (*m->modality)
        print_fact("text", m->text ? "can be searched by words" : "no");
    print_fact("licence", m->licence);
    print_fact("source", m->source);
    print_fact("folder", m->folder);
    print_fact("identity", m->identity);
}

static void show_one(const model_places *places, const model_args *args,
                     const akin_model_info *m, const char *problem)
{
    const char *state = state_of(places, m, problem);
    if (args->json) {
        print_json(model_to_json(m, state, problem));
        return;
    }
    print_model(m, state);
    if (strcmp(state, "not installed") == 0)
        printf("\nnext: akin model install %s\n", m->name);
    else
        print_fact("problem", problem);
}

/* Looks for a model that cannot be opened, which is known all the same. */
typedef struct look_up {
    const model_places *places;
    const model_args *args;
    const char *name;
    bool found;
} look_up;

static bool show_if_found(void *user, const akin_model_info *m,
                          const char *problem)
{
    look_up *look = user;
    if (!problem || strcmp(m->name, look->name) != 0) return true;
    look->found = true;
    show_one(look->places, look->args, m, problem);
    return false;
}

static akin_status show_model(const model_places *places,
                              const model_args *args, const char *name,
                              akin_error *err)
{
    akin_model *model = NULL;
    look_up look = {.places = places, .args = args, .name = name};
    akin_error open_err = {0};
    AKIN_TRY(model_names_check(places, name, err));
    akin_status status =
        akin_model_open(name, &places->options, &model, &open_err);
    if (status == AKIN_OK) {
        show_one(places, args, akin_model_get_info(model), NULL);
        akin_model_close(model);
        return AKIN_OK;
    }
    AKIN_TRY(akin_model_each(&places->options, show_if_found, &look, err));
    return look.found ? AKIN_OK : AKIN_FAIL(err, status, "%s", open_err.text);
}

/* ---- check -------------------------------------------------------------- */

typedef struct checking {
    const model_args *args;
    json_t *findings;
} checking;

static void on_finding(void *user, akin_finding kind, const char *text)
{
    static const char *const kinds[] = {"fact", "warning", "problem"};
    static const char *const marks[] = {"  ", "! ", "x "};
    checking *run = user;
    if (run->args->json)
        json_array_append_new(run->findings,
                              json_pack("{s:s, s:o}", "kind", kinds[kind],
                                        "text", json_text(text)));
    else
        printf("%s%s\n", marks[kind], text);
}

/* The verdict goes into the exit code, too. */
static akin_status check_model(const model_places *places,
                               const model_args *args, const char *name,
                               int *code, akin_error *err)
{
    size_t n_problems = 0;
    checking run = {.args = args};
    AKIN_TRY(model_names_check(places, name, err));
    run.findings = json_array();
    akin_status status = akin_model_check(name, &places->options, on_finding,
                                          &run, &n_problems, err);
    if (status == AKIN_EMODEL) { /* it could not even be opened */
        on_finding(&run, AKIN_FINDING_PROBLEM, err->text);
        n_problems++;
        status = AKIN_OK;
    }
    bool usable = n_problems == 0;
    *code = usable ? EXIT_DONE : EXIT_FAILED;
    if (status == AKIN_OK && args->json)
        print_json(json_pack("{s:o, s:b, s:I, s:O}", "model", json_text(name),
                             "usable", usable, "problems",
                             (json_int_t)n_problems, "findings",
                             run.findings));
    else if (status == AKIN_OK && usable)
        printf("'%s' can be used\n", name);
    else if (status == AKIN_OK)
        printf("'%s' cannot be used: %zu %s\n", name, n_problems,
               print_plural((long long)n_problems, "problem", "problems"));
    json_decref(run.findings);
    return status;
}

/* ---- install ------------------------------------------------------------ */

typedef struct installing {
    const model_args *args;
    progress bar;
} installing;

static bool on_bytes(void *user, const char *file, int64_t done_bytes,
                     int64_t total_bytes)
{
    installing *run = user;
    progress_show_bytes(&run->bar, file, done_bytes, total_bytes);
    return !signals_stopped();
}

static void on_installed(void *user, const char *folder)
{
    installing *run = user;
    const char *name = file_name(folder);
    progress_hide(&run->bar);
    if (run->args->json)
        print_json(json_pack("{s:o, s:o}", "name", json_text(name), "folder",
                             json_text(folder)));
    if (run->args->quiet) return;
    print_note("installed in %s", folder);
    print_note("next: akin model check %s", name);
}

/* What is no URL and no folder is to be the name of a card. */
static akin_status install_model(const model_places *places,
                                 const model_args *args, const char *source,
                                 akin_error *err)
{
    installing run = {.args = args};
    akin_install_options opt = {.cards = places->options.cards,
                                .progress = on_bytes,
                                .installed = on_installed,
                                .user = &run};
    if (!file_is_dir(source))
        AKIN_TRY(model_names_check(places, source, err));
    progress_init(&run.bar, args->quiet, args->progress);
    signals_catch();
    akin_status status =
        akin_model_install(source, places->install_folder, &opt, err);
    progress_hide(&run.bar);
    return status;
}

/* ---- the command -------------------------------------------------------- */

static int misuse(const options *parsed, const char *verb)
{
    static const char *const verbs[] = {"list", "show", "check", "install"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verb, verbs[i]) == 0)
            return command_misused(parsed, i == 0   ? "%s takes no name"
                                           : i == 3 ? "%s needs one name, URL "
                                                      "or folder"
                                                    : "%s needs the name of "
                                                      "one model",
                                   verb);
    return command_misused(parsed,
                           "'%s' is neither list, show, check nor install",
                           verb);
}

/* *code is that of what went without an error. */
static akin_status run_verb(const model_places *places, const options *parsed,
                            const model_args *args, int *code, akin_error *err)
{
    size_t n = parsed->n_operands;
    const char *verb = n > 0 ? parsed->operands[0] : "list";
    const char *what = n == 2 ? parsed->operands[1] : NULL;
    if (strcmp(verb, "list") == 0 && n < 2)
        return list_models(places, args, err);
    if (strcmp(verb, "show") == 0 && what)
        return show_model(places, args, what, err);
    if (strcmp(verb, "check") == 0 && what)
        return check_model(places, args, what, code, err);
    if (strcmp(verb, "install") == 0 && what)
        return install_model(places, args, what, err);
    *code = misuse(parsed, verb);
    return AKIN_OK;
}

static int run_model(const options *parsed, const void *args_)
{
    const model_args *args = args_;
    model_places places;
    akin_error err = {0};
    int code = EXIT_DONE;
    akin_status status = model_places_init(&places, (akin_device)args->device,
                                           &err);
    if (status == AKIN_OK)
        status = run_verb(&places, parsed, args, &code, &err);
    model_places_clear(&places);
    if (status != AKIN_OK) code = print_failure(&err);
    if (status == AKIN_ECANCELLED)
        print_note("the same command goes on from here");
    return code;
}

const command cmd_model = {
    .name = "model",
    .summary = "list the embedding models; show, check or install one",
    .synopsis = "list [--json]\nshow NAME|DIR [--json]\n"
                "check NAME|DIR [--device cpu|cuda] [--json]\n"
                "install NAME|URL|DIR [--json]",
    .about =
        "list tells the models that can be used, and those whose card ships "
        "with akin and\nthat install knows by name. check loads a model, tells "
        "its inputs and outputs,\nruns it, and says what is wrong: exit code 3 "
        "if it cannot be used. install copies\nthe folder of a model, or "
        "downloads the files that a card names and checks them;\nwhen it is "
        "stopped, the next one goes on from there. See akin help models.\n\n"
        "  akin model list\n"
        "  akin model show mel\n"
        "  akin model install openclip-vit-b-32\n"
        "  akin model check openclip-vit-b-32\n",
    .table = option_table,
    .args_size = sizeof(model_args),
    .run = run_model,
};
