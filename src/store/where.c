/* SPDX-License-Identifier: MIT
 * The where language: a lexer and a recursive-descent parser that make a tree.
 *
 * It has a lexer of its own, not that of store_filter.c: there a word is all up
 * to the next blank (a.wav, 2023-05, C:\x), and both quotes make a value; here
 * words are SQL's, and "double" quotes make a name. Runs of AND and OR are one
 * node with many below it, so that only NOT and '(' make the tree deep. */
#include "store/where_int.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

#define WHERE_MAX_BYTES (1 << 20) /* room for a list of ids */
#define WHERE_MAX_DEPTH 50
#define WHERE_MAX_NODES 1000
#define WHERE_MAX_LITERALS 65536

typedef enum token_kind {
    TOKEN_END,
    TOKEN_NAME, /* a column or a word of the language */
    TOKEN_TEXT,
    TOKEN_NUMBER,
    TOKEN_OP,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
} token_kind;

typedef struct where_token {
    token_kind kind;
    const char *at; /* in the expression, quotes included */
    size_t n;
    where_op op;
    bool negated; /* of an op: != */
    bool quoted;  /* a name that is no word of the language */
} where_token;

typedef struct where_parser {
    const char *next;
    where_token token; /* the one to look at */
    int depth;
    where *w;
    akin_error *err;
} where_parser;

/* ---- messages ----------------------------------------------------------- */

int where_position(const where *w, const char *at)
{
    int position = 1;
    for (const char *c = w->text; c < at; c++)
        position += ((unsigned char)*c & 0xc0) != 0x80;
    return position;
}

static akin_status where_fail_at(where_parser *p, const char *at,
                                 const char *message)
{
    return AKIN_FAIL(p->err, AKIN_EUSAGE, "where, position %d: %s",
                     where_position(p->w, at), message);
}

static akin_status where_expected(where_parser *p, const char *what)
{
    int n = p->token.n > 60 ? 60 : (int)p->token.n;
    int position = where_position(p->w, p->token.at);
    if (p->token.kind == TOKEN_END)
        return AKIN_FAIL(p->err, AKIN_EUSAGE,
                         "where, position %d: expected %s, found the end",
                         position, what);
    return AKIN_FAIL(p->err, AKIN_EUSAGE,
                     "where, position %d: expected %s, found '%.*s'", position,
                     what, n, p->token.at);
}

static akin_status where_no_memory(where_parser *p)
{
    return AKIN_FAIL(p->err, AKIN_ENOMEM, "out of memory for an expression");
}

/* ---- tokens ------------------------------------------------------------- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* Behind the quote that closes this one; NULL if there is none. */
static const char *lex_quoted(where_parser *p, const char *at)
{
    const char *end = at + 1;
    while (*end && (*end != *at || end[1] == *at)) end += *end == *at ? 2 : 1;
    if (*end) return end + 1;
    (void)where_fail_at(p, at, "this quote is not closed");
    return NULL;
}

/* name, "name" and `name`, with dots between them. */
static akin_status lex_name(where_parser *p, where_token *token)
{
    const char *end = token->at;
    token->kind = TOKEN_NAME;
    for (;; end++) {
        if (*end == '"' || *end == '`') {
            end = lex_quoted(p, end);
            if (!end) return AKIN_EUSAGE;
            token->quoted = true;
        } else {
            while (begins_name(*end) || is_digit(*end)) end++;
        }
        if (*end != '.' ||
            !(begins_name(end[1]) || end[1] == '"' || end[1] == '`'))
            break;
        token->quoted = true;
    }
    token->n = (size_t)(end - token->at);
    return AKIN_OK;
}

static const char *skip_digits(const char *at)
{
    while (is_digit(*at)) at++;
    return at;
}

static bool lex_number(const char *at, where_token *token)
{
    const char *end = at + (*at == '-' || *at == '+');
    if (!is_digit(*end) && !(*end == '.' && is_digit(end[1]))) return false;
    end = skip_digits(end);
    if (*end == '.') end = skip_digits(end + 1);
    if (*end == 'e' || *end == 'E') {
        const char *digits = end + 1 + (end[1] == '-' || end[1] == '+');
        if (is_digit(*digits)) end = skip_digits(digits);
    }
    /* 12abc is no number with a word behind it. */
    while (begins_name(*end) || is_digit(*end)) end++;
    token->kind = TOKEN_NUMBER;
    token->n = (size_t)(end - at);
    return true;
}

static bool lex_sign(const char *at, where_token *token)
{
    static const struct {
        const char *text;
        token_kind kind;
        where_op op;
        bool negated;
    } signs[] = {
        {"==", TOKEN_OP, WHERE_EQ, false},
        {"!=", TOKEN_OP, WHERE_EQ, true},
        {"<>", TOKEN_OP, WHERE_EQ, true},
        {"<=", TOKEN_OP, WHERE_LE, false},
        {">=", TOKEN_OP, WHERE_GE, false},
        {"=", TOKEN_OP, WHERE_EQ, false},
        {"<", TOKEN_OP, WHERE_LT, false},
        {">", TOKEN_OP, WHERE_GT, false},
        {"(", TOKEN_OPEN, WHERE_EQ, false},
        {")", TOKEN_CLOSE, WHERE_EQ, false},
        {",", TOKEN_COMMA, WHERE_EQ, false},
    };
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!text_starts_with(at, signs[i].text)) continue;
        token->kind = signs[i].kind;
        token->op = signs[i].op;
        token->negated = signs[i].negated;
        token->n = strlen(signs[i].text);
        return true;
    }
    return false;
}

static akin_status where_advance(where_parser *p)
{
    p->next += strspn(p->next, " \t\r\n");
    where_token token = {.kind = TOKEN_END, .at = p->next};
    char c = *p->next;
    if (c == '\'') {
        const char *end = lex_quoted(p, p->next);
        if (!end) return AKIN_EUSAGE;
        token.kind = TOKEN_TEXT;
        token.n = (size_t)(end - p->next);
    } else if (begins_name(c) || c == '"' || c == '`') {
        AKIN_TRY(lex_name(p, &token));
    } else if (c && !lex_sign(p->next, &token) &&
               !lex_number(p->next, &token)) {
        return AKIN_FAIL(p->err, AKIN_EUSAGE,
                         "where, position %d: '%c' has no meaning here",
                         where_position(p->w, p->next), c);
    }
    p->next += token.n;
    p->token = token;
    return AKIN_OK;
}

static bool is_word(const where_token *token, const char *word)
{
    return token->kind == TOKEN_NAME && !token->quoted &&
           token->n == strlen(word) &&
           strncasecmp(token->at, word, token->n) == 0;
}

static bool is_column(const where_token *token)
{
    static const char *const words[] = {"and",     "or",   "not",  "in",
                                        "between", "like", "is",   "null",
                                        "escape",  "true", "false"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(token, words[i])) return false;
    return token->kind == TOKEN_NAME;
}

/* Takes the word if it is there. */
static akin_status where_take_word(where_parser *p, const char *word,
                                   bool *taken)
{
    *taken = is_word(&p->token, word);
    return *taken ? where_advance(p) : AKIN_OK;
}

/* The token's owned text without its quotes; in them, a doubled quote stands
 * for one. Dots between the parts of a name stay. */
static char *token_text(const where_token *token)
{
    char *text = mem_array(token->n + 1, 1);
    const char *from = token->at, *end = token->at + token->n;
    char *to = text;
    if (!text) return NULL;
    while (from < end) {
        const char quote = *from;
        if (quote != '\'' && quote != '"' && quote != '`') {
            *to++ = *from++;
            continue;
        }
        for (from++; *from != quote || from[1] == quote; from++) {
            if (*from == quote) from++;
            *to++ = *from;
        }
        from++;
    }
    return text;
}

/* ---- nodes and literals ------------------------------------------------- */

/* The column's text becomes the tree's, or is freed. */
static akin_status where_add(where_parser *p, where_node *node, size_t *index)
{
    where *w = p->w;
    void *nodes = w->nodes;
    akin_status status =
        w->n_nodes < WHERE_MAX_NODES
            ? mem_grow(&nodes, &w->cap_nodes, w->n_nodes + 1, sizeof *w->nodes,
                       WHERE_MAX_NODES, p->err)
            : AKIN_FAIL(p->err, AKIN_ELIMIT, "where has more than %d parts",
                        WHERE_MAX_NODES);
    w->nodes = nodes;
    if (status != AKIN_OK) {
        mem_free(node->column);
        return status;
    }
    node->next = WHERE_NONE;
    w->nodes[w->n_nodes] = *node;
    *index = w->n_nodes++;
    return AKIN_OK;
}

static akin_status where_negate(where_parser *p, bool negated, size_t *index)
{
    if (!negated) return AKIN_OK;
    return where_add(p, &(where_node){.kind = WHERE_NOT, .first = *index},
                     index);
}

static akin_status literal_number(where_parser *p, where_literal *literal)
{
    char *text = token_text(&p->token);
    if (!text) return where_no_memory(p);
    const char *digits = text + (*text == '+');
    literal->type = WHERE_INTEGER;
    bool read = text_to_int64(digits, &literal->integer);
    if (!read) {
        literal->type = WHERE_NUMBER;
        read = text_to_double(digits, &literal->number);
    }
    mem_free(text);
    return read ? AKIN_OK : where_expected(p, "a number that can be told");
}

static akin_status literal_value(where_parser *p, where_literal *literal)
{
    static const struct {
        const char *word;
        where_type type;
        int64_t value;
    } words[] = {{"null", WHERE_NULL, 0},
                 {"true", WHERE_BOOL, 1},
                 {"false", WHERE_BOOL, 0}};
    if (p->token.kind == TOKEN_NUMBER) return literal_number(p, literal);
    if (p->token.kind == TOKEN_TEXT) {
        literal->type = WHERE_TEXT;
        literal->text = token_text(&p->token);
        return literal->text ? AKIN_OK : where_no_memory(p);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!is_word(&p->token, words[i].word)) continue;
        literal->type = words[i].type;
        literal->integer = words[i].value;
        return AKIN_OK;
    }
    if (is_column(&p->token))
        return where_expected(p, "a value (texts stand in 'single quotes')");
    return where_expected(p, "a value");
}

static akin_status parse_literal(where_parser *p)
{
    where *w = p->w;
    void *literals = w->literals;
    where_literal literal = {.at = p->token.at, .n = p->token.n};
    if (w->n_literals == WHERE_MAX_LITERALS)
        return AKIN_FAIL(p->err, AKIN_ELIMIT, "where has more than %d values",
                         WHERE_MAX_LITERALS);
    AKIN_TRY(mem_grow(&literals, &w->cap_literals, w->n_literals + 1,
                      sizeof *w->literals, WHERE_MAX_LITERALS, p->err));
    w->literals = literals;
    AKIN_TRY(literal_value(p, &literal));
    w->literals[w->n_literals++] = literal;
    return where_advance(p);
}

/* ---- the grammar -------------------------------------------------------- */

static akin_status parse_expr(where_parser *p, size_t *index);

static akin_status parse_column(where_parser *p, where_node *leaf)
{
    if (!is_column(&p->token)) return where_expected(p, "a column");
    leaf->at = p->token.at;
    leaf->column = token_text(&p->token);
    if (!leaf->column) return where_no_memory(p);
    return where_advance(p);
}

static akin_status parse_between(where_parser *p)
{
    bool taken;
    AKIN_TRY(parse_literal(p));
    AKIN_TRY(where_take_word(p, "and", &taken));
    return taken ? parse_literal(p) : where_expected(p, "AND");
}

static akin_status parse_list(where_parser *p)
{
    if (p->token.kind != TOKEN_OPEN) return where_expected(p, "'('");
    do {
        AKIN_TRY(where_advance(p));
        AKIN_TRY(parse_literal(p));
    } while (p->token.kind == TOKEN_COMMA);
    if (p->token.kind != TOKEN_CLOSE) return where_expected(p, "',' or ')'");
    return where_advance(p);
}

static akin_status parse_like(where_parser *p)
{
    bool taken;
    AKIN_TRY(parse_literal(p));
    AKIN_TRY(where_take_word(p, "escape", &taken));
    return taken ? parse_literal(p) : AKIN_OK;
}

static akin_status parse_is(where_parser *p, bool *negated)
{
    bool taken;
    AKIN_TRY(where_take_word(p, "not", negated));
    AKIN_TRY(where_take_word(p, "null", &taken));
    return taken ? AKIN_OK
                 : where_expected(p, *negated ? "NULL" : "NOT or NULL");
}

/* What stands behind a column. */
static akin_status parse_rest(where_parser *p, where_node *leaf, bool *negated)
{
    bool taken;
    if (p->token.kind == TOKEN_OP) {
        leaf->kind = WHERE_COMPARE;
        leaf->op = p->token.op;
        *negated = p->token.negated;
        AKIN_TRY(where_advance(p));
        return parse_literal(p);
    }
    AKIN_TRY(where_take_word(p, "is", &taken));
    leaf->kind = taken ? WHERE_IS_NULL : WHERE_COLUMN;
    if (taken) return parse_is(p, negated);
    AKIN_TRY(where_take_word(p, "not", negated));
    AKIN_TRY(where_take_word(p, "in", &taken));
    leaf->kind = WHERE_IN;
    if (taken) return parse_list(p);
    AKIN_TRY(where_take_word(p, "between", &taken));
    leaf->kind = WHERE_BETWEEN;
    if (taken) return parse_between(p);
    AKIN_TRY(where_take_word(p, "like", &taken));
    leaf->kind = WHERE_LIKE;
    if (taken) return parse_like(p);
    if (*negated) return where_expected(p, "IN, BETWEEN or LIKE");
    leaf->kind = WHERE_COLUMN;
    return AKIN_OK;
}

/* A value first: the comparison is turned round. */
static akin_status parse_turned(where_parser *p, where_node *leaf,
                                bool *negated)
{
    static const where_op turned[] = {[WHERE_EQ] = WHERE_EQ,
                                      [WHERE_LT] = WHERE_GT,
                                      [WHERE_LE] = WHERE_GE,
                                      [WHERE_GT] = WHERE_LT,
                                      [WHERE_GE] = WHERE_LE};
    where_type type;
    AKIN_TRY(parse_literal(p));
    type = p->w->literals[p->w->n_literals - 1].type;
    if (p->token.kind != TOKEN_OP) {
        leaf->kind = WHERE_LITERAL;
        if (type == WHERE_NULL || type == WHERE_BOOL) return AKIN_OK;
        return where_expected(p, "one of = != < <= > >=");
    }
    leaf->kind = WHERE_COMPARE;
    leaf->op = turned[p->token.op];
    *negated = p->token.negated;
    AKIN_TRY(where_advance(p));
    return parse_column(p, leaf);
}

static akin_status parse_leaf(where_parser *p, size_t *index)
{
    where_node leaf = {.first = WHERE_NONE, .literal = p->w->n_literals};
    bool negated = false;
    akin_status status = AKIN_OK;
    if (is_column(&p->token)) {
        AKIN_TRYG(parse_column(p, &leaf));
        AKIN_TRYG(parse_rest(p, &leaf, &negated));
    } else if (p->token.kind == TOKEN_TEXT || p->token.kind == TOKEN_NUMBER ||
               is_word(&p->token, "null") || is_word(&p->token, "true") ||
               is_word(&p->token, "false")) {
        AKIN_TRYG(parse_turned(p, &leaf, &negated));
    } else {
        return where_expected(p, "a column, a value, NOT or '('");
    }
    leaf.n_literals = p->w->n_literals - leaf.literal;
    AKIN_TRY(where_add(p, &leaf, index));
    return where_negate(p, negated, index);
done:
    mem_free(leaf.column);
    return status;
}

static akin_status parse_group(where_parser *p, size_t *index)
{
    AKIN_TRY(where_advance(p));
    AKIN_TRY(parse_expr(p, index));
    if (p->token.kind != TOKEN_CLOSE)
        return where_expected(p, "AND, OR or ')'");
    return where_advance(p);
}

static akin_status parse_factor(where_parser *p, size_t *index)
{
    bool negated;
    akin_status status;
    if (p->depth == WHERE_MAX_DEPTH)
        return AKIN_FAIL(p->err, AKIN_ELIMIT,
                         "where, position %d: more than %d levels of NOT and "
                         "'('",
                         where_position(p->w, p->token.at), WHERE_MAX_DEPTH);
    AKIN_TRY(where_take_word(p, "not", &negated));
    p->depth++;
    if (negated) {
        status = parse_factor(p, index);
        if (status == AKIN_OK) status = where_negate(p, true, index);
    } else if (p->token.kind == TOKEN_OPEN) {
        status = parse_group(p, index);
    } else {
        status = parse_leaf(p, index);
    }
    p->depth--;
    return status;
}

/* A run of parts joined by one word: themselves if there is but one. */
static akin_status parse_joined(where_parser *p, const char *word,
                                where_kind kind,
                                akin_status (*part)(where_parser *, size_t *),
                                size_t *index)
{
    bool more;
    size_t first, last;
    AKIN_TRY(part(p, &first));
    AKIN_TRY(where_take_word(p, word, &more));
    *index = last = first;
    if (!more) return AKIN_OK;
    while (more) {
        size_t next;
        AKIN_TRY(part(p, &next));
        p->w->nodes[last].next = next;
        last = next;
        AKIN_TRY(where_take_word(p, word, &more));
    }
    return where_add(p, &(where_node){.kind = kind, .first = first}, index);
}

static akin_status parse_term(where_parser *p, size_t *index)
{
    return parse_joined(p, "and", WHERE_AND, parse_factor, index);
}

static akin_status parse_expr(where_parser *p, size_t *index)
{
    return parse_joined(p, "or", WHERE_OR, parse_term, index);
}

static akin_status where_read(where *w, akin_error *err)
{
    where_parser p = {.next = w->text, .w = w, .err = err};
    AKIN_TRY(where_advance(&p));
    AKIN_TRY(parse_expr(&p, &w->root));
    if (p.token.kind == TOKEN_END) return AKIN_OK;
    if (w->nodes[w->n_nodes - 1].kind == WHERE_COLUMN)
        return where_expected(&p, "an operator, AND, OR or the end");
    return where_expected(&p, "AND, OR or the end");
}

akin_status where_parse(const char *text, where **out, akin_error *err)
{
    void *p;
    *out = NULL;
    if (strlen(text) > WHERE_MAX_BYTES)
        return AKIN_FAIL(err, AKIN_ELIMIT, "where is longer than %d bytes",
                         WHERE_MAX_BYTES);
    AKIN_TRY(mem_new_array(1, sizeof(where), "an expression", &p, err));
    where *w = p;
    w->text = mem_strdup(text);
    akin_status status = w->text ? where_read(w, err)
                                 : AKIN_FAIL(err, AKIN_ENOMEM,
                                             "out of memory for an expression");
    if (status == AKIN_OK)
        *out = w;
    else
        where_free(w);
    return status;
}

void where_free(where *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->n_nodes; i++) mem_free(w->nodes[i].column);
    for (size_t i = 0; i < w->n_literals; i++) mem_free(w->literals[i].text);
    mem_free(w->nodes);
    mem_free(w->literals);
    mem_free(w->text);
    mem_free(w);
}
