/* SPDX-License-Identifier: MIT
 * akin model: the embedding models that can be used here. */
#include <string.h>

#include "cli/commands.h"
#include "cli/print.h"

enum { MAX_MODELS = 256 };

typedef struct model_args {
    bool json;
} model_args;

#define AT(field) offsetof(model_args, field)

static const option_spec option_table[] = {
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print as JSON"},
    OPTION_END,
};

static json_t *model_to_json(const akin_model_info *m)
{
    return json_pack("{s:s, s:s, s:I, s:b, s:b, s:I, s:f, s:s, s:s}", "name",
                     m->name, "modality", m->modality, "dim",
                     (json_int_t)m->dim, "text", m->text, "builtin",
                     m->builtin, "rate_hz", (json_int_t)m->rate_hz,
                     "window_s", m->window_s, "identity", m->identity, "about",
                     m->about);
}

static int list_models(bool json)
{
    static const print_column columns[] = {
        {.head = "name"},          {.head = "modality"},
        {.head = "dim", .right = true}, {.head = "window", .right = true},
        {.head = "about"},
    };
    json_t *models = json_array();
    print_table table;
    print_table_init(&table, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < akin_model_count(); i++) {
        const akin_model_info *m = akin_model_at(i);
        json_array_append_new(models, model_to_json(m));
        if (json) continue;
        print_table_put(&table, "%s", m->name);
        print_table_put(&table, "%s", m->modality);
        print_table_put(&table, "%u", m->dim);
        print_table_put(&table, "%g s", m->window_s);
        print_table_put(&table, "%s", m->about);
    }
    if (json)
        print_json(json_pack("{s:O}", "models", models));
    else
        print_table_write(&table);
    json_decref(models);
    return EXIT_DONE;
}

static void print_model(const akin_model_info *m)
{
    printf("name      %s%s\n", m->name, m->builtin ? " (built in)" : "");
    printf("about     %s\n", m->about);
    printf("modality  %s\n", m->modality);
    printf("vector    %u dimensions\n", m->dim);
    printf("input     %g s at %u Hz\n", m->window_s, m->rate_hz);
    printf("text      %s\n", m->text ? "can be searched by words" : "no");
    printf("identity  %s\n", m->identity);
}

static int show_model(const char *name, bool json)
{
    const char *names[MAX_MODELS];
    size_t n = 0;
    for (size_t i = 0; i < akin_model_count(); i++) {
        const akin_model_info *m = akin_model_at(i);
        if (n < MAX_MODELS) names[n++] = m->name;
        if (strcmp(m->name, name) != 0) continue;
        if (json)
            print_json(model_to_json(m));
        else
            print_model(m);
        return EXIT_DONE;
    }
    const char *nearest = options_nearest(name, names, n);
    if (nearest)
        print_error("there is no model '%s', did you mean '%s'?", name,
                    nearest);
    else
        print_error("there is no model '%s', see akin model list", name);
    return EXIT_FAILED;
}

static int run_model(const options *parsed, const void *args_)
{
    const model_args *args = args_;
    const char *verb = parsed->n_operands > 0 ? parsed->operands[0] : "list";
    if (strcmp(verb, "list") == 0 && parsed->n_operands < 2)
        return list_models(args->json);
    if (strcmp(verb, "show") == 0 && parsed->n_operands == 2)
        return show_model(parsed->operands[1], args->json);
    if (strcmp(verb, "show") == 0)
        return command_misused(parsed, "show needs the name of one model");
    return command_misused(parsed, "'%s' is neither list nor show", verb);
}

const command cmd_model = {
    .name = "model",
    .summary = "list the embedding models, or show one",
    .synopsis = "list [--json]\nshow NAME [--json]",
    .about = "  akin model list\n"
             "  akin model show mel\n",
    .table = option_table,
    .args_size = sizeof(model_args),
    .run = run_model,
};
