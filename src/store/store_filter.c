/* SPDX-License-Identifier: MIT
 * The filter language: a lexer and a recursive-descent parser that make a tree.
 * The grammar stands in store.h; depth, length and leaves have bounds, as
 * filters come from the network. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "store/store_int.h"

#define FILTER_MAX_BYTES 65536
#define FILTER_MAX_DEPTH 20 /* SQLite's parser stacks 100 tokens */
#define FILTER_MAX_NODES 1000 /* SQLite's own limit is a depth of 1000 */

typedef enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_QUOTED,
    TOKEN_OP,
    TOKEN_OPEN,
    TOKEN_CLOSE,
} token_kind;

typedef struct filter_token {
    token_kind kind;
    const char *at; /* in the expression, quotes included */
    size_t n;
    filter_op op;
} filter_token;

typedef struct filter_parser {
    const char *text, *next;
    filter_token token; /* the one to look at */
    int depth;
    store_filter *filter;
    akin_error *err;
} filter_parser;

static const char *const field_names[] = {
    [FILTER_RECORDING] = "recording", [FILTER_DEPLOYMENT] = "deployment",
    [FILTER_PROJECT] = "project",     [FILTER_DATE] = "date",
    [FILTER_TIME] = "time",           [FILTER_LABEL] = "label",
    [FILTER_CLASS] = "class",         [FILTER_ID] = "id",
    [FILTER_RECORDING_ID] = "recording_id",
};

/* ---- messages ----------------------------------------------------------- */

/* Counted in characters from 1. */
static int filter_position(const filter_parser *p, const char *at)
{
    int position = 1;
    for (const char *c = p->text; c < at; c++)
        position += ((unsigned char)*c & 0xc0) != 0x80;
    return position;
}

static akin_status filter_fail_at(filter_parser *p, const char *at,
                                  const char *message)
{
    return AKIN_FAIL(p->err, AKIN_EUSAGE, "filter, position %d: %s",
                     filter_position(p, at), message);
}

static akin_status filter_expected(filter_parser *p, const char *what)
{
    int n = p->token.n > 60 ? 60 : (int)p->token.n;
    int position = filter_position(p, p->token.at);
    if (p->token.kind == TOKEN_END)
        return AKIN_FAIL(p->err, AKIN_EUSAGE,
                         "filter, position %d: expected %s, found the end",
                         position, what);
    return AKIN_FAIL(p->err, AKIN_EUSAGE,
                     "filter, position %d: expected %s, found '%.*s'", position,
                     what, n, p->token.at);
}

/* ---- tokens ------------------------------------------------------------- */

static akin_status lex_quoted(filter_parser *p, filter_token *token)
{
    const char quote = *p->next;
    const char *end = p->next + 1;
    while (*end && (*end != quote || end[1] == quote))
        end += *end == quote ? 2 : 1;
    if (!*end) return filter_fail_at(p, p->next, "this quote is not closed");
    token->kind = TOKEN_QUOTED;
    token->n = (size_t)(end + 1 - p->next);
    return AKIN_OK;
}

static bool lex_op(const char *at, filter_token *token)
{
    static const struct {
        const char *text;
        filter_op op;
    } ops[] = {{"!=", FILTER_NE}, {"<=", FILTER_LE}, {">=", FILTER_GE},
               {"=", FILTER_EQ},  {"<", FILTER_LT},  {">", FILTER_GT}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!text_starts_with(at, ops[i].text)) continue;
        token->kind = TOKEN_OP;
        token->op = ops[i].op;
        token->n = strlen(ops[i].text);
        return true;
    }
    return false;
}

static akin_status filter_advance(filter_parser *p)
{
    p->next += strspn(p->next, " \t\r\n");
    filter_token token = {.kind = TOKEN_END, .at = p->next};
    if (*p->next == '(' || *p->next == ')') {
        token.kind = *p->next == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
        token.n = 1;
    } else if (*p->next == '\'' || *p->next == '"') {
        AKIN_TRY(lex_quoted(p, &token));
    } else if (*p->next && !lex_op(p->next, &token)) {
        token.kind = TOKEN_WORD;
        token.n = strcspn(p->next, " \t\r\n()'\"=!<>");
        if (token.n == 0)
            return filter_fail_at(p, p->next, "'!' needs a '=' behind it");
    }
    p->next += token.n;
    p->token = token;
    return AKIN_OK;
}

static bool is_word(const filter_token *token, const char *word)
{
    return token->kind == TOKEN_WORD && token->n == strlen(word) &&
           strncasecmp(token->at, word, token->n) == 0;
}

/* The token's owned text; in quotes, a doubled quote stands for one. */
static char *token_text(const filter_token *token)
{
    char *text = mem_array(token->n + 1, 1);
    const char *from = token->at, *end = token->at + token->n;
    char *to = text;
    if (!text) return NULL;
    if (token->kind == TOKEN_QUOTED) {
        const char quote = *from++;
        end--;
        for (; from < end; from += *from == quote ? 2 : 1) *to++ = *from;
    } else {
        memcpy(to, from, token->n);
    }
    return text;
}

/* ---- nodes -------------------------------------------------------------- */

static size_t filter_height(const store_filter *f, const filter_node *node)
{
    size_t left, right;
    if (node->kind == FILTER_LEAF) return 0;
    left = f->nodes[node->left].height;
    right = node->kind == FILTER_NOT ? 0 : f->nodes[node->right].height;
    return 1 + (left > right ? left : right);
}

static akin_status filter_add(filter_parser *p, const filter_node *node,
                              size_t *index)
{
    store_filter *f = p->filter;
    void *nodes = f->nodes;
    if (f->n_nodes == FILTER_MAX_NODES)
        return AKIN_FAIL(p->err, AKIN_ELIMIT,
                         "the filter has more than %d parts", FILTER_MAX_NODES);
    AKIN_TRY(mem_grow(&nodes, &f->cap, f->n_nodes + 1, sizeof *f->nodes,
                      FILTER_MAX_NODES, p->err));
    f->nodes = nodes;
    f->nodes[f->n_nodes] = *node;
    f->nodes[f->n_nodes].height = filter_height(f, node);
    *index = f->n_nodes++;
    return AKIN_OK;
}

static akin_status leaf_names(filter_parser *p, filter_node *leaf)
{
    if (leaf->op != FILTER_EQ && leaf->op != FILTER_NE)
        return AKIN_FAIL(p->err, AKIN_EUSAGE,
                         "filter, position %d: %s can only be compared by '=' "
                         "and '!='",
                         filter_position(p, p->token.at),
                         field_names[leaf->field]);
    leaf->pattern = strpbrk(leaf->text, "*?") != NULL;
    if (leaf->field != FILTER_RECORDING) return AKIN_OK;
    for (char *c = leaf->text; *c; c++)
        if (*c == '\\') *c = '/';
    return AKIN_OK;
}

/* Reads the value's text as the field's type. */
static akin_status leaf_value(filter_parser *p, filter_node *leaf)
{
    switch (leaf->field) {
    case FILTER_DATE:
        if (store_parse_date(leaf->text, &leaf->span)) return AKIN_OK;
        return filter_expected(p, "a date such as 2023-05-12, 2023-05, 2023 or "
                                  "2023-05-12T06:00");
    case FILTER_TIME:
        if (store_parse_clock(leaf->text, &leaf->span)) return AKIN_OK;
        return filter_expected(p, "a time of day such as 06:00");
    case FILTER_ID: case FILTER_RECORDING_ID:
        if (text_to_int64(leaf->text, &leaf->id)) return AKIN_OK;
        return filter_expected(p, "a whole number");
    default: return leaf_names(p, leaf);
    }
}

/* ---- the grammar -------------------------------------------------------- */

static akin_status parse_expr(filter_parser *p, size_t *index);

static akin_status parse_field(filter_parser *p, filter_field *field)
{
    for (size_t i = 0; i < sizeof field_names / sizeof *field_names; i++) {
        if (!is_word(&p->token, field_names[i])) continue;
        *field = (filter_field)i;
        return filter_advance(p);
    }
    return filter_expected(p, "recording, deployment, project, date, time, "
                              "label, class, id, recording_id, 'not' or '('");
}

static akin_status parse_leaf(filter_parser *p, size_t *index)
{
    filter_node leaf = {.kind = FILTER_LEAF};
    akin_status status = AKIN_OK;
    AKIN_TRYG(parse_field(p, &leaf.field));
    if (p->token.kind != TOKEN_OP) {
        status = filter_expected(p, "one of = != < <= > >=");
        goto done;
    }
    leaf.op = p->token.op;
    AKIN_TRYG(filter_advance(p));
    if ((p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_QUOTED) ||
        is_word(&p->token, "and") || is_word(&p->token, "or")) {
        status = filter_expected(p, "a value");
        goto done;
    }
    leaf.text = token_text(&p->token);
    if (!leaf.text) {
        status = AKIN_FAIL(p->err, AKIN_ENOMEM, "out of memory for a filter");
        goto done;
    }
    AKIN_TRYG(leaf_value(p, &leaf));
    AKIN_TRYG(filter_advance(p));
    AKIN_TRYG(filter_add(p, &leaf, index));
    leaf.text = NULL;
done:
    mem_free(leaf.text);
    return status;
}

static akin_status parse_group(filter_parser *p, size_t *index)
{
    AKIN_TRY(filter_advance(p));
    AKIN_TRY(parse_expr(p, index));
    if (p->token.kind != TOKEN_CLOSE)
        return filter_expected(p, "'and', 'or' or ')'");
    return filter_advance(p);
}

static akin_status parse_factor(filter_parser *p, size_t *index)
{
    akin_status status;
    if (p->depth == FILTER_MAX_DEPTH)
        return AKIN_FAIL(p->err, AKIN_ELIMIT,
                         "filter, position %d: more than %d levels of 'not' "
                         "and '('",
                         filter_position(p, p->token.at), FILTER_MAX_DEPTH);
    p->depth++;
    if (is_word(&p->token, "not")) {
        filter_node node = {.kind = FILTER_NOT};
        status = filter_advance(p);
        if (status == AKIN_OK) status = parse_factor(p, &node.left);
        if (status == AKIN_OK) status = filter_add(p, &node, index);
    } else if (p->token.kind == TOKEN_OPEN) {
        status = parse_group(p, index);
    } else {
        status = parse_leaf(p, index);
    }
    p->depth--;
    return status;
}

/* A run of parts joined by one word; the tree leans to the left. */
static akin_status parse_joined(filter_parser *p, const char *word,
                                filter_kind kind,
                                akin_status (*part)(filter_parser *, size_t *),
                                size_t *index)
{
    AKIN_TRY(part(p, index));
    while (is_word(&p->token, word)) {
        filter_node node = {.kind = kind, .left = *index};
        AKIN_TRY(filter_advance(p));
        AKIN_TRY(part(p, &node.right));
        AKIN_TRY(filter_add(p, &node, index));
    }
    return AKIN_OK;
}

static akin_status parse_term(filter_parser *p, size_t *index)
{
    return parse_joined(p, "and", FILTER_AND, parse_factor, index);
}

static akin_status parse_expr(filter_parser *p, size_t *index)
{
    return parse_joined(p, "or", FILTER_OR, parse_term, index);
}

akin_status store_filter_parse(const char *text, store_filter **out,
                               akin_error *err)
{
    akin_status status = AKIN_OK;
    store_filter *filter = NULL;
    *out = NULL;
    if (strlen(text) > FILTER_MAX_BYTES)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "the filter is longer than %d bytes",
                         FILTER_MAX_BYTES);
    filter = mem_array(1, sizeof *filter);
    if (!filter)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a filter");
    filter_parser p = {
        .text = text, .next = text, .filter = filter, .err = err};
    AKIN_TRYG(filter_advance(&p));
    AKIN_TRYG(parse_expr(&p, &filter->root));
    if (p.token.kind != TOKEN_END) {
        status = filter_expected(&p, "'and', 'or' or the end");
        goto done;
    }
    *out = filter;
    filter = NULL;
done:
    store_filter_free(filter);
    return status;
}

void store_filter_free(store_filter *filter)
{
    if (!filter) return;
    for (size_t i = 0; i < filter->n_nodes; i++)
        mem_free(filter->nodes[i].text);
    mem_free(filter->nodes);
    mem_free(filter);
}
