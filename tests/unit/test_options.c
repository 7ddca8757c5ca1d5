/* SPDX-License-Identifier: MIT
 * Tests of the option tables: every type, both spellings, every misuse. */
#include "test.h"

#include "cli/options.h"

static const char *const colours[] = {"red", "green", NULL};

typedef struct sample_args {
    bool flag;
    const char *text;
    int64_t integer;
    double number;
    int choice;
    option_texts texts;
    option_integers integers;
} sample_args;

static const option_spec sample_table[] = {
    {.name = "dry-run", .aliases = "-d", .type = OPTION_FLAG,
     .offset = offsetof(sample_args, flag), .help = "h"},
    {.name = "database", .aliases = "-db", .type = OPTION_TEXT,
     .offset = offsetof(sample_args, text), .value = "DB", .help = "h"},
    {.name = "batch-size", .aliases = "-b", .type = OPTION_INTEGER,
     .offset = offsetof(sample_args, integer), .value = "N", .help = "h",
     .min = 1, .max = 64, .clamp = true},
    {.name = "overlap", .type = OPTION_NUMBER,
     .offset = offsetof(sample_args, number), .value = "S", .help = "h",
     .max = 10},
    {.name = "colour", .type = OPTION_CHOICE,
     .offset = offsetof(sample_args, choice), .value = "C", .help = "h",
     .choices = colours},
    {.name = "input", .aliases = "-i", .type = OPTION_TEXTS,
     .offset = offsetof(sample_args, texts), .value = "P", .help = "h"},
    {.name = "window", .type = OPTION_INTEGERS,
     .offset = offsetof(sample_args, integers), .value = "ID", .help = "h"},
    {.name = NULL},
};

static const command sample = {.name = "sample", .summary = "s",
                               .synopsis = "X", .table = sample_table,
                               .args_size = sizeof(sample_args)};

enum { MAX_WORDS = 16 };

/* A line to parse, and what became of it. */
typedef struct parsed_line {
    char text[256];
    char *words[MAX_WORDS];
    options parsed;
    sample_args args;
    akin_error err;
    akin_status status;
} parsed_line;

/* Words are split at blanks. */
static void parse(parsed_line *line, const char *text)
{
    int n = 0;
    *line = (parsed_line){0};
    snprintf(line->text, sizeof line->text, "%s", text);
    for (char *at = line->text; *at && n < MAX_WORDS; n++) {
        line->words[n] = at;
        at += strcspn(at, " ");
        if (*at) *at++ = 0;
    }
    line->status = options_parse(&line->parsed, &sample, n, line->words,
                                 &line->args, &line->err);
}

static void clear(parsed_line *line)
{
    options_clear(&line->parsed, &line->args);
}

static void test_values(void)
{
    parsed_line line;
    parse(&line, "in --dry-run -db folder --overlap=1.5 --colour green -b 16 "
                 "out");
    CHECK_STATUS(line.status, AKIN_OK);
    CHECK(line.args.flag);
    CHECK_EQ_TEXT(line.args.text, "folder");
    CHECK_EQ_INT(line.args.integer, 16);
    CHECK_NEAR(line.args.number, 1.5, 0);
    CHECK_EQ_INT(line.args.choice, 1);
    CHECK_EQ_INT(line.parsed.n_operands, 2);
    CHECK_EQ_TEXT(line.parsed.operands[1], "out");
    CHECK(options_given(&line.parsed, "overlap"));
    CHECK(!options_given(&line.parsed, "window"));
    clear(&line);
}

static void test_spellings(void)
{
    parsed_line line;
    parse(&line, "--batch_size 3 --dry_run -i a --input b -db=x");
    CHECK_STATUS(line.status, AKIN_OK);
    CHECK(line.args.flag);
    CHECK_EQ_INT(line.args.integer, 3);
    CHECK_EQ_INT(line.args.texts.n, 2);
    CHECK_EQ_TEXT(line.args.texts.items[1], "b");
    CHECK_EQ_TEXT(line.args.text, "x");
    clear(&line);
    parse(&line, "-b7");
    CHECK_EQ_INT(line.args.integer, 7);
    clear(&line);
}

static void test_integers(void)
{
    parsed_line line;
    parse(&line, "--window 3 4 -5 db --window 6");
    CHECK_STATUS(line.status, AKIN_OK);
    CHECK_EQ_INT(line.args.integers.n, 4);
    CHECK_EQ_INT(line.args.integers.items[2], -5);
    CHECK_EQ_INT(line.args.integers.items[3], 6);
    CHECK_EQ_INT(line.parsed.n_operands, 1);
    clear(&line);
}

static void test_double_dash(void)
{
    parsed_line line;
    parse(&line, "--dry-run -- --overlap - -x");
    CHECK_STATUS(line.status, AKIN_OK);
    CHECK_EQ_INT(line.parsed.n_operands, 3);
    CHECK_EQ_TEXT(line.parsed.operands[0], "--overlap");
    clear(&line);
}

static void test_help(void)
{
    parsed_line line;
    parse(&line, "a --help");
    CHECK_STATUS(line.status, AKIN_OK);
    CHECK(line.parsed.help);
    clear(&line);
}

static void test_misuse(void)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"--overlpa 1", "unknown option '--overlpa', did you mean "
                        "'--overlap'?"},
        {"--batch_sise=1", "unknown option '--batch_sise', did you mean "
                           "'--batch-size'?"},
        {"--qwertyuiop", "unknown option '--qwertyuiop'"},
        {"-x", "unknown option '-x', did you mean '-d'?"},
        {"--overlap", "--overlap needs a value (S)"},
        {"--overlap --dry-run", "--overlap needs a value (S)"},
        {"--overlap 1s", "--overlap needs a number, not '1s'"},
        {"--overlap nan", "--overlap needs a number, not 'nan'"},
        {"--overlap -1", "--overlap must be at least 0"},
        {"--overlap 11", "--overlap must be at most 10"},
        {"-b 1.5", "--batch-size needs an integer, not '1.5'"},
        {"-b 99999999999999999999",
         "--batch-size needs an integer, not '99999999999999999999'"},
        {"--colour blue", "--colour must be one of red, green, not 'blue'"},
        {"--dry-run=yes", "--dry-run takes no value, but has 'yes'"},
        {"--window x", "--window needs an integer, not 'x'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        parsed_line line;
        parse(&line, cases[i].line);
        CHECK_STATUS(line.status, AKIN_EUSAGE);
        CHECK_EQ_TEXT(line.err.text, cases[i].message);
        clear(&line);
    }
}

static void test_nearest(void)
{
    static const char *const names[] = {"extract", "search", "verify"};
    CHECK_EQ_TEXT(options_nearest("extrat", names, 3), "extract");
    CHECK_EQ_TEXT(options_nearest("sear", names, 3), "search");
    CHECK(!options_nearest("frobnicate", names, 3));
    CHECK(!options_nearest("", names, 3));
}

const test_case test_options_cases[] = {
    {"options/values", test_values},
    {"options/spellings", test_spellings},
    {"options/integers", test_integers},
    {"options/double_dash", test_double_dash},
    {"options/help", test_help},
    {"options/misuse", test_misuse},
    {"options/nearest", test_nearest},
    {0},
};
