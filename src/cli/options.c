/* SPDX-License-Identifier: MIT
 * Parses command lines by the tables of options.h and prints those tables. */
#define _GNU_SOURCE
#include "cli/options.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/print.h"

enum {
    MAX_VALUES = 1 << 20,
    MAX_NAME = 64,
    MAX_OPTIONS = 64,
    HELP_COLUMN = 30,
    HELP_WIDTH = 79,
};

/* Where the parser stands. */
typedef struct parser {
    options *parsed;
    const option_spec *table;
    char *base; /* the command's arguments struct */
    int argc, at;
    char **argv;
} parser;

/* ---- names -------------------------------------------------------------- */

/* Calls for each spelling of a row: "--name", then its aliases. */
static bool next_spelling(const option_spec *spec, const char **cursor,
                          char out[MAX_NAME])
{
    if (!*cursor) {
        snprintf(out, MAX_NAME, "--%s", spec->name);
        *cursor = spec->aliases ? spec->aliases : "";
        return true;
    }
    *cursor += strspn(*cursor, " ");
    size_t n = strcspn(*cursor, " ");
    if (n == 0) return false;
    snprintf(out, MAX_NAME, "%.*s", (int)n, *cursor);
    *cursor += n;
    return true;
}

/* Whether the first n bytes of word spell name, '_' standing for '-' behind the
 * dashes of a long one. */
static bool same_spelling(const char *word, size_t n, const char *name)
{
    if (strlen(name) != n) return false;
    bool is_long = text_starts_with(name, "--");
    for (size_t i = 0; i < n; i++) {
        char c = is_long && i > 1 && word[i] == '_' ? '-' : word[i];
        if (c != name[i]) return false;
    }
    return true;
}

static const option_spec *find_spelling(const option_spec *table,
                                        const char *word, size_t n)
{
    char name[MAX_NAME];
    for (const option_spec *spec = table; spec->name; spec++)
        for (const char *cursor = NULL; next_spelling(spec, &cursor, name);)
            if (same_spelling(word, n, name)) return spec;
    return NULL;
}

/* Levenshtein's distance, over two rows; names are short. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[MAX_NAME + 1], n = strlen(b);
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j + 1] + 1 < best) best = row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[n];
}

const char *options_nearest(const char *name, const char *const *names,
                            size_t n)
{
    const char *best = NULL;
    size_t best_distance = strlen(name) / 3 + 1;
    if (strlen(name) >= MAX_NAME) return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t distance = edit_distance(name, names[i]);
        bool begins = strlen(name) > 3 && text_starts_with(names[i], name);
        if (begins) distance = 0;
        if (distance > best_distance || (best && distance == best_distance))
            continue;
        best = names[i];
        best_distance = distance;
    }
    return best;
}

static akin_status fail_unknown(const parser *p, const char *word, size_t n,
                                akin_error *err)
{
    char spellings[MAX_OPTIONS * 3][MAX_NAME], typed[MAX_NAME];
    const char *names[MAX_OPTIONS * 3];
    size_t n_names = 0;
    for (const option_spec *spec = p->table; spec->name; spec++)
        for (const char *cursor = NULL;
             n_names < MAX_OPTIONS * 3 &&
             next_spelling(spec, &cursor, spellings[n_names]);
             n_names++)
            names[n_names] = spellings[n_names];
    snprintf(typed, sizeof typed, "%.*s", (int)n, word);
    for (char *c = typed + 2; strlen(typed) > 2 && *c; c++)
        if (*c == '_') *c = '-';
    const char *nearest = options_nearest(typed, names, n_names);
    if (nearest)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "unknown option '%.*s', did you mean '%s'?", (int)n,
                         word, nearest);
    return AKIN_FAIL(err, AKIN_EUSAGE, "unknown option '%.*s'", (int)n, word);
}

/* ---- values ------------------------------------------------------------- */

static akin_status check_range(const option_spec *spec, double *value,
                               akin_error *err)
{
    if (spec->min == 0 && spec->max == 0) return AKIN_OK;
    double bounded = *value < spec->min   ? spec->min
                     : *value > spec->max ? spec->max
                                          : *value;
    if (bounded == *value) return AKIN_OK;
    if (!spec->clamp && *value < spec->min)
        return AKIN_FAIL(err, AKIN_EUSAGE, "--%s must be at least %.10g",
                         spec->name, spec->min);
    if (!spec->clamp)
        return AKIN_FAIL(err, AKIN_EUSAGE, "--%s must be at most %.10g",
                         spec->name, spec->max);
    print_warning("--%s %.10g is out of range, %.10g is used", spec->name,
                  *value, bounded);
    *value = bounded;
    return AKIN_OK;
}

static akin_status put_integer(const option_spec *spec, const char *text,
                               int64_t *out, akin_error *err)
{
    if (!text_to_int64(text, out))
        return AKIN_FAIL(err, AKIN_EUSAGE, "--%s needs an integer, not '%s'",
                         spec->name, text);
    double value = (double)*out, before = value;
    AKIN_TRY(check_range(spec, &value, err));
    if (value != before) *out = (int64_t)value;
    return AKIN_OK;
}

static akin_status put_number(const option_spec *spec, const char *text,
                              double *out, akin_error *err)
{
    if (!text_to_double(text, out))
        return AKIN_FAIL(err, AKIN_EUSAGE, "--%s needs a number, not '%s'",
                         spec->name, text);
    return check_range(spec, out, err);
}

static akin_status put_choice(const option_spec *spec, const char *text,
                              int *out, akin_error *err)
{
    text_buf known;
    text_buf_init(&known, 1024);
    for (int i = 0; spec->choices[i]; i++) {
        if (strcmp(spec->choices[i], text) == 0) {
            text_buf_clear(&known);
            *out = i;
            return AKIN_OK;
        }
        text_buf_printf(&known, "%s%s", i ? ", " : "", spec->choices[i]);
    }
    akin_status status =
        AKIN_FAIL(err, AKIN_EUSAGE, "--%s must be one of %s, not '%s'",
                  spec->name, known.data ? known.data : "", text);
    text_buf_clear(&known);
    return status;
}

static akin_status add_integer(const option_spec *spec, const char *text,
                               option_integers *list, akin_error *err)
{
    AKIN_TRY(mem_grow((void **)&list->items, &list->cap, list->n + 1,
                      sizeof *list->items, MAX_VALUES, err));
    AKIN_TRY(put_integer(spec, text, &list->items[list->n], err));
    list->n++;
    return AKIN_OK;
}

/* The first value, then every integer on the line behind it. */
static akin_status add_integers(parser *p, const option_spec *spec,
                                const char *text, option_integers *list,
                                akin_error *err)
{
    int64_t unused;
    AKIN_TRY(add_integer(spec, text, list, err));
    while (p->at < p->argc && text_to_int64(p->argv[p->at], &unused))
        AKIN_TRY(add_integer(spec, p->argv[p->at++], list, err));
    return AKIN_OK;
}

static akin_status add_text(const char *text, option_texts *list,
                            akin_error *err)
{
    AKIN_TRY(mem_grow((void **)&list->items, &list->cap, list->n + 1,
                      sizeof *list->items, MAX_VALUES, err));
    list->items[list->n++] = text;
    return AKIN_OK;
}

static akin_status put_value(parser *p, const option_spec *spec,
                             const char *text, akin_error *err)
{
    void *out = p->base + spec->offset;
    switch (spec->type) {
    case OPTION_FLAG: *(bool *)out = true; return AKIN_OK;
    case OPTION_TEXT: *(const char **)out = text; return AKIN_OK;
    case OPTION_INTEGER: return put_integer(spec, text, out, err);
    case OPTION_NUMBER: return put_number(spec, text, out, err);
    case OPTION_CHOICE: return put_choice(spec, text, out, err);
    case OPTION_TEXTS: return add_text(text, out, err);
    case OPTION_INTEGERS: return add_integers(p, spec, text, out, err);
    }
    return AKIN_OK;
}

/* ---- the line ----------------------------------------------------------- */

/* The value of an option: behind its '=', or the next word. */
static akin_status take_value(parser *p, const option_spec *spec,
                              const char *attached, const char **out,
                              akin_error *err)
{
    *out = attached;
    if (spec->type == OPTION_FLAG)
        return attached ? AKIN_FAIL(err, AKIN_EUSAGE,
                                    "--%s takes no value, but has '%s'",
                                    spec->name, attached)
                        : AKIN_OK;
    if (attached) return AKIN_OK;
    const char *next = p->at < p->argc ? p->argv[p->at] : NULL;
    bool is_option =
        next && next[0] == '-' && find_spelling(p->table, next, strlen(next));
    if (!next || is_option || strcmp(next, "--") == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "--%s needs a value (%s)",
                         spec->name, spec->value);
    p->at++;
    *out = next;
    return AKIN_OK;
}

static akin_status parse_option(parser *p, const char *word, akin_error *err)
{
    size_t n = strcspn(word, "=");
    const char *attached = word[n] ? word + n + 1 : NULL;
    const char *value;
    const option_spec *spec = find_spelling(p->table, word, n);
    if (!spec && word[1] != '-' && word[2]) { /* "-n20" */
        spec = find_spelling(p->table, word, 2);
        if (spec && spec->type == OPTION_FLAG) spec = NULL;
        attached = word + 2;
    }
    if (!spec) return fail_unknown(p, word, n, err);
    AKIN_TRY(take_value(p, spec, attached, &value, err));
    AKIN_TRY(put_value(p, spec, value, err));
    p->parsed->given |= (uint64_t)1 << (spec - p->table);
    return AKIN_OK;
}

akin_status options_parse(options *parsed, const command *cmd, int argc,
                          char **argv, void *args, akin_error *err)
{
    parser p = {.parsed = parsed, .table = cmd->table, .base = args,
                .argc = argc, .argv = argv};
    bool ended = false;
    *parsed = (options){.command = cmd};
    AKIN_TRY(mem_new_array((size_t)argc + 1, sizeof *parsed->operands,
                           "the command line", (void **)&parsed->operands,
                           err));
    while (p.at < argc) {
        const char *word = argv[p.at++];
        if (ended || word[0] != '-' || !word[1])
            parsed->operands[parsed->n_operands++] = word;
        else if (strcmp(word, "--") == 0)
            ended = true;
        else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
            parsed->help = true;
        else
            AKIN_TRY(parse_option(&p, word, err));
    }
    return AKIN_OK;
}

void options_clear(options *parsed, void *args)
{
    const option_spec *spec = parsed->command ? parsed->command->table : NULL;
    for (; spec && spec->name; spec++) {
        void *value = (char *)args + spec->offset;
        if (spec->type == OPTION_TEXTS)
            mem_free(((option_texts *)value)->items);
        if (spec->type == OPTION_INTEGERS)
            mem_free(((option_integers *)value)->items);
    }
    mem_free(parsed->operands);
    *parsed = (options){0};
}

bool options_given(const options *parsed, const char *name)
{
    for (size_t i = 0; parsed->command->table[i].name; i++)
        if (strcmp(parsed->command->table[i].name, name) == 0)
            return parsed->given >> i & 1;
    assert(!"no such row in the table");
    return false;
}

/* ---- help --------------------------------------------------------------- */

static void print_synopsis(FILE *out, const command *cmd)
{
    const char *line = cmd->synopsis;
    for (const char *lead = "usage:"; *line; lead = "      ") {
        size_t n = strcspn(line, "\n");
        fprintf(out, "%s akin %s%s%.*s\n", lead, cmd->name, n ? " " : "",
                (int)n, line);
        line += n + (line[n] == '\n');
    }
}

/* Words of text between two columns; the first line has been begun. */
static void print_wrapped(FILE *out, const char *text, int column)
{
    int at = column;
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (at > column && at + n + 1 > HELP_WIDTH) {
            fprintf(out, "\n%*s", column, "");
            at = column;
        }
        at += fprintf(out, "%s%.*s", at > column ? " " : "", n, text);
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const option_spec *spec)
{
    char left[160];
    int n = snprintf(left, sizeof left, "  %s%s--%s",
                     spec->aliases ? spec->aliases : "",
                     spec->aliases ? " " : "", spec->name);
    if (spec->type != OPTION_FLAG)
        snprintf(left + n, sizeof left - (size_t)n, " %s%s", spec->value,
                 spec->type == OPTION_INTEGERS ? "..." : "");
    int width = (int)strlen(left);
    if (width >= HELP_COLUMN - 1)
        fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
    else
        fprintf(out, "%-*s", HELP_COLUMN, left);
    print_wrapped(out, spec->help, HELP_COLUMN);
}

void options_print_usage(FILE *out, const command *cmd)
{
    print_synopsis(out, cmd);
}

void options_print_help(FILE *out, const command *cmd)
{
    fprintf(out, "akin %s: %s\n\n", cmd->name, cmd->summary);
    print_synopsis(out, cmd);
    if (cmd->table->name) fprintf(out, "\n");
    for (const option_spec *spec = cmd->table; spec->name; spec++)
        print_row(out, spec);
    if (cmd->about) fprintf(out, "\n%s", cmd->about);
}

static json_t *row_to_json(const option_spec *spec)
{
    json_t *row = json_object(), *names = json_array();
    char name[MAX_NAME];
    for (const char *cursor = NULL; next_spelling(spec, &cursor, name);)
        json_array_append_new(names, json_string(name));
    json_object_set_new(row, "names", names);
    json_object_set_new(row, "value", spec->type == OPTION_FLAG
                                          ? json_null()
                                          : json_string(spec->value));
    json_object_set_new(row, "many",
                        json_boolean(spec->type == OPTION_INTEGERS));
    json_object_set_new(row, "help", json_string(spec->help));
    return row;
}

json_t *options_to_json(const command *cmd)
{
    json_t *rows = json_array();
    for (const option_spec *spec = cmd->table; spec->name; spec++)
        json_array_append_new(rows, row_to_json(spec));
    return json_pack("{s:s, s:s, s:s, s:s?, s:o}", "name", cmd->name,
                     "summary", cmd->summary, "synopsis",
                     cmd->synopsis, "about", cmd->about, "options",
                     rows);
}
