/* SPDX-License-Identifier: MIT
 * store/where*: what is read, what is refused and where, and that an expression
 * holds of the rows of which SQLite says so. */
#include <sqlite3.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "store/where_int.h"
#include "test.h"

/* ---- the rows, here and in SQLite --------------------------------------- */

enum { N_ROWS = 200 }; /* three words and a bit */

/* NULL is told by a text; 0 of 5 is NULL in each column. */
static const char *const texts[] = {NULL,       "",     "a", "B",  "ab", "a%b",
                                    "\xc3\xa4", "it's", "A", "10", "a_b"};
static const char *const integers[] = {NULL,
                                       "0",
                                       "1",
                                       "-1",
                                       "100",
                                       "9007199254740993",
                                       "-9223372036854775808",
                                       "9223372036854775807"};
static const char *const numbers[] = {
    NULL,    "0.0",   "0.5",    "-0.5",
    "100.0", "1e300", "-1e300", "9007199254740992.0",
    "1e-320"};
static const char *const truths[] = {NULL, "0", "1"};
static const char *const times[] = {NULL, "2024-05-12T00:00:00",
                                    "2024-05-12T06:00:00.000001",
                                    "1969-12-31T23:59:59", "2024-05-13"};

#define PICK(array, random)                                                    \
    (array)[random_below((random), sizeof(array) / sizeof *(array))]

typedef struct rows {
    where_table table;
    sqlite3 *db;
} rows;

/* Into SQLite as a literal, and into the column. */
static void put(where_column *c, size_t row, const char *value, char *sql,
                size_t n_sql)
{
    int64_t us;
    akin_error e = {0};
    if (!value) {
        snprintf(sql, n_sql, "NULL");
    } else if (c->kind == ITEM_TEXT) {
        sqlite3_snprintf((int)n_sql, sql, "%Q", value);
        CHECK_OK(where_put_text(c, row, value, &e), e);
    } else if (c->kind == ITEM_NUMBER) {
        snprintf(sql, n_sql, "%s", value);
        where_put_number(c, row, strtod(value, NULL));
    } else if (c->kind == ITEM_TIME) {
        CHECK(items_parse_time(value, &us));
        snprintf(sql, n_sql, "%lld", (long long)us);
        where_put_integer(c, row, us);
    } else {
        snprintf(sql, n_sql, "%s", value);
        where_put_integer(c, row, strtoll(value, NULL, 10));
    }
}

static const char *random_value(item_kind kind, random_state *random)
{
    switch (kind) {
    case ITEM_TEXT: return PICK(texts, random);
    case ITEM_INTEGER: return PICK(integers, random);
    case ITEM_NUMBER: return PICK(numbers, random);
    case ITEM_BOOL: return PICK(truths, random);
    default: return PICK(times, random);
    }
}

static const struct {
    const char *name, *sql_type;
    item_kind kind;
} columns[] = {{"t", "TEXT", ITEM_TEXT},
               {"i", "INTEGER", ITEM_INTEGER},
               {"n", "REAL", ITEM_NUMBER},
               {"b", "BOOLEAN", ITEM_BOOL},
               {"w", "INTEGER", ITEM_TIME}};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static void run_sql(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        test_fail(__FILE__, __LINE__, "%s: %s", sql, message);
    sqlite3_free(message);
}

static void rows_open(rows *r)
{
    where_column *c[N_COLUMNS];
    random_state random = {7};
    akin_error e = {0};
    char sql[1024];
    where_table_init(&r->table, N_ROWS);
    sqlite3_open(":memory:", &r->db);
    run_sql(r->db, "CREATE TABLE x (row INTEGER PRIMARY KEY, t TEXT, i INTEGER,"
                   " n REAL, b BOOLEAN, w INTEGER)");
    for (int k = 0; k < N_COLUMNS; k++)
        CHECK_OK(where_table_add(&r->table, columns[k].name, columns[k].kind,
                                 &c[k], &e),
                 e);
    for (size_t row = 0; row < N_ROWS; row++) {
        size_t n =
            (size_t)snprintf(sql, sizeof sql, "INSERT INTO x VALUES (%zu", row);
        for (int k = 0; k < N_COLUMNS; k++) {
            n += (size_t)snprintf(sql + n, sizeof sql - n, ", ");
            put(c[k], row, random_value(columns[k].kind, &random), sql + n,
                sizeof sql - n);
            n += strlen(sql + n);
        }
        snprintf(sql + n, sizeof sql - n, ")");
        run_sql(r->db, sql);
    }
}

static void rows_close(rows *r)
{
    where_table_clear(&r->table);
    sqlite3_close(r->db);
}

static bool bit(const uint64_t *bits, size_t i)
{
    return bits[i / 64] >> i % 64 & 1;
}

/* The rows of both; false, and a word on it, if they differ. */
static bool agrees(rows *r, const char *expression, const char *sql)
{
    uint64_t *bits = NULL;
    akin_error e = {0};
    char query[8192];
    sqlite3_stmt *q = NULL;
    bool same = true;
    where_source source = where_table_source(&r->table);
    if (where_ask(expression, &source, &bits, &e) != AKIN_OK) {
        test_fail(__FILE__, __LINE__, "%s: %s", expression, e.text);
        return false;
    }
    snprintf(query, sizeof query,
             "SELECT coalesce((%s), 0) FROM x ORDER BY row", sql);
    if (sqlite3_prepare_v2(r->db, query, -1, &q, NULL) != SQLITE_OK) {
        test_fail(__FILE__, __LINE__, "%s: %s", query, sqlite3_errmsg(r->db));
        same = false;
    }
    for (size_t row = 0; same && sqlite3_step(q) == SQLITE_ROW; row++) {
        bool ours = bit(bits, row), theirs = sqlite3_column_int(q, 0) != 0;
        if (ours == theirs) continue;
        test_fail(__FILE__, __LINE__, "%s: row %zu is %d, not %d", expression,
                  row, ours, theirs);
        same = false;
    }
    CHECK(bits[N_ROWS / 64] >> N_ROWS % 64 == 0);
    sqlite3_finalize(q);
    mem_free(bits);
    return same;
}

/* ---- random expressions ------------------------------------------------- */

/* The same for both, but for literals of times. */
typedef struct pair {
    char ours[6000], sql[6000];
    size_t n_ours, n_sql;
    random_state random;
} pair;

static void say_each(pair *p, const char *ours, const char *sql)
{
    p->n_ours += (size_t)snprintf(p->ours + p->n_ours,
                                  sizeof p->ours - p->n_ours, "%s", ours);
    p->n_sql += (size_t)snprintf(p->sql + p->n_sql, sizeof p->sql - p->n_sql,
                                 "%s", sql);
}

static void say(pair *p, const char *text) { say_each(p, text, text); }

static bool chance(pair *p, uint32_t one_in)
{
    return random_below(&p->random, one_in) == 0;
}

static void say_value(pair *p, item_kind kind)
{
    static const char *const more[] = {
        "0.25", "-7", "100.5", "1e19", "-1e19", "9007199254740992", "+3", ".5"};
    char ours[64], sql[64];
    int64_t us;
    const char *value = random_value(kind, &p->random);
    if (!value && !chance(p, 3)) value = random_value(kind, &p->random);
    if (!value) {
        say(p, "NULL");
    } else if (kind == ITEM_TEXT) {
        sqlite3_snprintf(sizeof ours, ours, "%Q", value);
        say(p, ours);
    } else if (kind == ITEM_TIME) {
        CHECK(items_parse_time(value, &us));
        snprintf(ours, sizeof ours, "'%s'", value);
        snprintf(sql, sizeof sql, "%lld", (long long)us);
        say_each(p, ours, sql);
    } else if (kind == ITEM_BOOL) {
        say(p, chance(p, 2) ? value : *value == '1' ? "TRUE" : "false");
    } else if (strcmp(value, "-9223372036854775808") == 0) {
        /* which SQL reads as the negative of what is too large */
        say_each(p, value, "(-9223372036854775807 - 1)");
    } else {
        say(p, chance(p, 4) ? PICK(more, &p->random) : value);
    }
}

static void say_list(pair *p, item_kind kind)
{
    uint32_t n = 1 + random_below(&p->random, chance(p, 4) ? 20 : 3);
    say(p, " IN (");
    for (uint32_t i = 0; i < n; i++) {
        if (i) say(p, ", ");
        say_value(p, kind);
    }
    say(p, ")");
}

static void say_like(pair *p)
{
    static const char *const patterns[] = {"'%'",
                                           "'_'",
                                           "'a%'",
                                           "'%B'",
                                           "'A_'",
                                           "'%''%'",
                                           "''",
                                           "'a\\%b' ESCAPE '\\'",
                                           "'__'",
                                           "'%a%b%'",
                                           "NULL",
                                           "'a%%%b'",
                                           "'aX_b' ESCAPE 'X'",
                                           "'\xc3\xa4'",
                                           "'\xc3\x84'",
                                           "'%_%'"};
    say(p, " LIKE ");
    say(p, PICK(patterns, &p->random));
}

static void say_leaf(pair *p)
{
    static const char *const ops[] = {" = ", "==",   " != ", "<>",
                                      "<",   " <= ", ">",    " >= "};
    uint32_t k = random_below(&p->random, N_COLUMNS);
    const char *name = columns[k].name;
    item_kind kind = columns[k].kind;
    uint32_t form = random_below(&p->random, 9);
    if (form == 0) {
        say_value(p, kind);
        say(p, PICK(ops, &p->random));
        say(p, name);
        return;
    }
    if (form == 1) {
        say(p, chance(p, 5) ? chance(p, 2) ? "NULL" : "TRUE" : "b");
        return;
    }
    say(p, name);
    if (form == 2) {
        say(p, chance(p, 2) ? " IS NULL" : " IS NOT NULL");
        return;
    }
    if (form <= 5) {
        say(p, PICK(ops, &p->random));
        say_value(p, kind);
        return;
    }
    if (chance(p, 3)) say(p, " NOT");
    if (form == 6) {
        say_list(p, kind);
    } else if (form == 7 && kind == ITEM_TEXT) {
        say_like(p);
    } else {
        say(p, " BETWEEN ");
        say_value(p, kind);
        say(p, " AND ");
        say_value(p, kind);
    }
}

static void say_expression(pair *p, int depth)
{
    uint32_t n = 1 + random_below(&p->random, 3);
    for (uint32_t i = 0; i < n; i++) {
        if (i) say(p, chance(p, 2) ? " AND " : " or ");
        if (chance(p, 4)) say(p, "NOT ");
        if (depth > 0 && chance(p, 2)) {
            say(p, "(");
            say_expression(p, depth - 1);
            say(p, ")");
        } else {
            say_leaf(p);
        }
    }
}

static void random_expressions_hold_as_in_sqlite(void)
{
    static pair p;
    rows r;
    rows_open(&r);
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        p.random = (random_state){seed};
        p.n_ours = p.n_sql = 0;
        say_expression(&p, 3);
        if (agrees(&r, p.ours, p.sql)) continue;
        test_fail(__FILE__, __LINE__, "seed %llu", (unsigned long long)seed);
        break;
    }
    rows_close(&r);
}

/* ---- tables ------------------------------------------------------------- */

static void each_operator_holds_as_in_sqlite(void)
{
    static const char *const expressions[] = {
        "t = 'a'",
        "'a' = t",
        "t == 'zzz'",
        "t <> 'a'",
        "t != NULL",
        "t < 'b'",
        "'b' >= t",
        "t = 'it''s'",
        "t in ('a')",
        "t not in ('a', NULL)",
        "t between 'a' and 'b'",
        "t not between 'b' and 'a'",
        "t like 'A%'",
        "t like 'a\\%%' escape '\\'",
        "t like '%' escape '%'",
        "t like 'a!' "
        "escape '!'",
        "t is null",
        "not t is not null",
        "i = 1",
        "i > 0.5",
        "i = 0.5",
        "i < -0.5",
        "i >= 1e300",
        "i < 1e300",
        "i = 1e300",
        "i > -1e300",
        "i <= 9007199254740992.0",
        "i = 9007199254740993",
        "i > 9223372036854775807",
        "i < -9223372036854775807",
        "n = 0",
        "n = -0.0",
        "n > 9007199254740993",
        "n >= 9007199254740993",
        "n < 9007199254740993",
        "n <= 9007199254740993",
        "n = 9007199254740993",
        "n > 9223372036854775807",
        "n < 1e-319",
        "n in (0, 0.5, 1, 2, 3, 4, 5, 6, 7, 100)",
        "b",
        "not b",
        "b = true",
        "b = FALSE and true",
        "b > 0",
        "b = 2",
        "null",
        "not null",
        "false or b",
        "i is null or not i = 1 and t = 'a'",
        "not i = 1 and t = 'a'",
        "not (i = 1 and t = 'a')",
        "i between null and 5",
        "not i between 5 and null",
        "\"t\" = 'a' and `i` = 1",
        "T = 'a'",
        "((((t = 'a'))))",
        "i in (1,2,3,4,5,6,7,8,9,10,100,NULL)",
        "not i in (1,2,3,4,5,6,7,8,9,10,100,NULL)",
        "t='a'or t='b'and i=1",
        "i=-1",
        "i = .5e1",
        "i = 5.",
    };
    rows r;
    rows_open(&r);
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++)
        agrees(&r, expressions[i], expressions[i]);
    rows_close(&r);
}

static void bad_expressions_are_refused_with_their_place(void)
{
    static const char *const bad[][2] = {
        {"", "where, position 1: expected a column, a value, NOT or '(', found "
             "the end"},
        {"t =", "where, position 4: expected a value, found the end"},
        {"t = \"a\"", "where, position 5: expected a value (texts stand in "
                      "'single quotes'), found '\"a\"'"},
        {"t = a", "where, position 5: expected a value (texts stand in 'single "
                  "quotes'), found 'a'"},
        {"t 'a'", "where, position 3: expected an operator, AND, OR or the "
                  "end, found ''a''"},
        {"t = 'a", "where, position 5: this quote is not closed"},
        {"t = 'a' i = 1", "where, position 9: expected AND, OR or the end, "
                          "found 'i'"},
        {"t = '\xc3\xa4' and (i = 1", "where, position 19: expected AND, OR or "
                                      "')', found the end"},
        {"i = 1)", "where, position 6: expected AND, OR or the end, found ')'"},
        {"i + 1 = 2", "where, position 3: '+' has no meaning here"},
        {"i = 1; drop table x", "where, position 6: ';' has no meaning here"},
        {"i ! 1", "where, position 3: '!' has no meaning here"},
        {"i = 12abc", "where, position 5: expected a number that can be told, "
                      "found '12abc'"},
        {"i = 1e999", "where, position 5: expected a number that can be told, "
                      "found '1e999'"},
        {"i in 1", "where, position 6: expected '(', found '1'"},
        {"i in ()", "where, position 7: expected a value, found ')'"},
        {"i in (1 2)", "where, position 9: expected ',' or ')', found '2'"},
        {"i between 1 or 2", "where, position 13: expected AND, found 'or'"},
        {"i not 5", "where, position 7: expected IN, BETWEEN or LIKE, found "
                    "'5'"},
        {"i is 5", "where, position 6: expected NOT or NULL, found '5'"},
        {"i is not 5", "where, position 10: expected NULL, found '5'"},
        {"1 = 2", "where, position 5: expected a column, found '2'"},
        {"'a'", "where, position 4: expected one of = != < <= > >=, found the "
                "end"},
        {"t = i", "where, position 5: expected a value (texts stand in 'single "
                  "quotes'), found 'i'"},
        {"\xc3\xa4 = 1", "where, position 1: there is no column '\xc3\xa4'; "
                         "columns are t, i, n, b, w"},
        {"i = 1 and item.id = 2", "where, position 11: there is no column "
                                  "'item.id'; columns are t, i, n, b, w"},
        {"t = 5", "where, position 5: 't' has texts: expected a text in "
                  "'single quotes', found '5'"},
        {"i < 'a'", "where, position 5: 'i' has whole numbers: expected a "
                    "number, found ''a''"},
        {"n in (1, true)", "where, position 10: 'n' has numbers: expected a "
                           "number, found 'true'"},
        {"b = 'yes'", "where, position 5: 'b' has truth values: expected TRUE "
                      "or FALSE, found ''yes''"},
        {"w > '2024'", "where, position 5: 'w' has times: expected a date such "
                       "as '2024-05-12' or '2024-05-12T06:00:00', found "
                       "''2024''"},
        {"w > 5", "where, position 5: 'w' has times: expected a date such as "
                  "'2024-05-12' or '2024-05-12T06:00:00', found '5'"},
        {"i like '1%'", "where, position 1: LIKE is for texts, and 'i' has "
                        "whole numbers"},
        {"t like 5", "where, position 8: 't' has texts: expected a text in "
                     "'single quotes', found '5'"},
        {"t like 'a' escape 'ab'", "where, position 19: expected one character "
                                   "in 'single quotes', found ''ab''"},
        {"i", "where, position 1: 'i' has whole numbers, not truth values: "
              "expected a comparison"},
        {"not", "where, position 4: expected a column, a value, NOT or '(', "
                "found the end"},
        {"i = 1 and or", "where, position 11: expected a column, a value, NOT "
                         "or '(', found 'or'"},
    };
    rows r;
    rows_open(&r);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t *bits = NULL;
        akin_error e = {0};
        where_source source = where_table_source(&r.table);
        CHECK_STATUS(where_ask(bad[i][0], &source, &bits, &e), AKIN_EUSAGE);
        CHECK_EQ_TEXT(e.text, bad[i][1]);
        CHECK(!bits);
        mem_free(bits);
    }
    rows_close(&r);
}

/* n times `head`, then `middle`, then n times `tail`. */
static char *repeat(const char *head, const char *middle, const char *tail,
                    size_t n)
{
    text_buf text;
    text_buf_init(&text, 8 << 20);
    for (size_t i = 0; i < n; i++) text_buf_puts(&text, head);
    text_buf_puts(&text, middle);
    for (size_t i = 0; i < n; i++) text_buf_puts(&text, tail);
    return text.data;
}

static void limits_are_kept(void)
{
    static const struct {
        const char *head, *middle, *tail;
        size_t fits, bursts;
        const char *message;
    } cases[] = {
        {"(", "b", ")", 49, 50,
         "where, position 51: more than 50 levels of NOT and '('"},
        {"not ", "b", "", 49, 50,
         "where, position 201: more than 50 levels of NOT and '('"},
        {"b or ", "b", "", 998, 999, "where has more than 1000 parts"},
        {"", "i in (1", ",1", 65535, 65536, NULL},
        {" ", "b", "", (1 << 20) - 1, 1 << 20,
         "where is longer than 1048576 bytes"},
    };
    rows r;
    rows_open(&r);
    where_source source = where_table_source(&r.table);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t *bits = NULL;
        akin_error e = {0};
        bool list = !cases[i].message;
        char *fits = repeat(cases[i].head, cases[i].middle, cases[i].tail,
                            cases[i].fits);
        char *bursts = repeat(cases[i].head, cases[i].middle, cases[i].tail,
                              cases[i].bursts);
        if (list) {
            mem_free(fits);
            fits = repeat("", "i in (1", ",1", cases[i].fits);
            fits[strlen(fits) - 1] = ')'; /* ",1" of the last is ",)" */
            fits[strlen(fits) - 2] = ' ';
        }
        CHECK_OK(where_ask(fits, &source, &bits, &e), e);
        mem_free(bits);
        CHECK_STATUS(where_ask(bursts, &source, &bits, &e), AKIN_ELIMIT);
        CHECK_EQ_TEXT(e.text, list ? "where has more than 65536 values"
                                   : cases[i].message);
        mem_free(fits);
        mem_free(bursts);
    }
    rows_close(&r);
}

/* Names that are no words of SQL, and those of other tables' parts. */
static void names_may_be_quoted_and_dotted(void)
{
    static const char *const good[] = {
        "item_ref.id = 'x'",     "\"item_ref\".\"id\" = 'x'",
        "\"item_ref.id\" = 'x'", "ITEM_REF.`id` = 'x'",
        "\"a \"\"b\"\"\" = 'x'", "`and` = 'x'",
        "\xc3\xa4_1 = 'x'",
    };
    static const char *const names[] = {"item_ref.id", "a \"b\"", "and",
                                        "\xc3\xa4_1"};
    where_table t;
    akin_error e = {0};
    where_table_init(&t, 3);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        where_column *c;
        CHECK_OK(where_table_add(&t, names[i], ITEM_TEXT, &c, &e), e);
        CHECK_OK(where_put_text(c, 1, "x", &e), e);
    }
    where_source source = where_table_source(&t);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t *bits = NULL;
        CHECK_OK(where_ask(good[i], &source, &bits, &e), e);
        CHECK(bits && bits[0] == 2);
        mem_free(bits);
    }
    where_table_clear(&t);
}

static void many_columns_are_named_in_part(void)
{
    where_table t;
    akin_error e = {0};
    uint64_t *bits;
    where_table_init(&t, 0);
    for (int i = 0; i < 200; i++) {
        char name[32];
        where_column *c;
        snprintf(name, sizeof name, "column_%d", i);
        CHECK_OK(where_table_add(&t, name, ITEM_TEXT, &c, &e), e);
    }
    where_source source = where_table_source(&t);
    CHECK_STATUS(where_ask("x = 1", &source, &bits, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "columns are column_0, column_1, "));
    CHECK_EQ_TEXT(e.text + strlen(e.text) - 5, ", ...");
    where_table_clear(&t);
}

/* Rows around the ends of words and of blocks, and none. */
static void any_number_of_rows_is_right(void)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4095, 4096, 4097, 10000};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        where_table t;
        where_column *c;
        akin_error e = {0};
        uint64_t *bits = NULL;
        size_t n = 0;
        where_table_init(&t, sizes[k]);
        CHECK_OK(where_table_add(&t, "i", ITEM_INTEGER, &c, &e), e);
        for (size_t i = 0; i < sizes[k]; i++)
            if (i % 7) where_put_integer(c, i, (int64_t)(i % 3));
        where_source source = where_table_source(&t);
        CHECK_OK(where_ask("i is null or not i = 1", &source, &bits, &e), e);
        for (size_t i = 0; i < (sizes[k] / 64 + 1) * 64; i++) {
            bool wanted = i < sizes[k] && (i % 7 == 0 || i % 3 != 1);
            n += bit(bits, i) != wanted;
        }
        CHECK_EQ_INT(n, 0);
        mem_free(bits);
        where_table_clear(&t);
    }
}

static void every_allocation_may_fail(void)
{
    bool failed = true;
    rows r;
    rows_open(&r);
    where_source source = where_table_source(&r.table);
    for (int n = 1; failed && n < 200; n++) {
        uint64_t *bits = NULL;
        akin_error e = {0};
        mem_fail_at(n);
        akin_status status = where_ask(
            "(t = 'a' or i in (1,2,3,4,5,6,7,8,9)) and not n between 0 and 1 "
            "and t like 'a%' and b and n in (1,2,3,4,5,6,7,8,9.5)",
            &source, &bits, &e);
        failed = !mem_fail_pending();
        mem_fail_at(0);
        CHECK_EQ_INT(status, failed ? AKIN_ENOMEM : AKIN_OK);
        CHECK(failed == !bits);
        mem_free(bits);
    }
    CHECK(!failed);
    rows_close(&r);
}

/* ---- order -------------------------------------------------------------- */

static void rows_are_sorted_as_by_sqlite(void)
{
    rows r;
    akin_error e = {0};
    char sql[256];
    rows_open(&r);
    where_source source = where_table_source(&r.table);
    for (int k = 0; k < 2 * N_COLUMNS; k++) {
        const char *name = columns[k / 2].name;
        bool down = k % 2;
        uint64_t *of = NULL;
        int64_t *list = NULL;
        size_t n = 0, at = 0;
        sqlite3_stmt *q = NULL;
        CHECK_OK(where_ask("i is null or i < 1000", &source, &of, &e), e);
        where_order order = {.column = where_table_find(&r.table, name),
                             .of = of,
                             .n_rows = N_ROWS,
                             .descending = down,
                             .first = 1};
        CHECK_OK(where_sort(&order, &list, &n, &e), e);
        snprintf(sql, sizeof sql,
                 "SELECT row FROM x WHERE i IS NULL OR i < 1000 ORDER BY"
                 " %s IS NULL, %s %s, row",
                 name, name, down ? "DESC" : "");
        sqlite3_prepare_v2(r.db, sql, -1, &q, NULL);
        for (; sqlite3_step(q) == SQLITE_ROW && at < n; at++)
            CHECK_EQ_INT(list[at], sqlite3_column_int64(q, 0) + 1);
        CHECK(at == n && n > 100);
        sqlite3_finalize(q);
        mem_free(list);
        mem_free(of);
    }
    rows_close(&r);
}

const test_case test_where_cases[] = {
    {"where/each_operator_holds_as_in_sqlite",
     each_operator_holds_as_in_sqlite},
    {"where/random_expressions_hold_as_in_sqlite",
     random_expressions_hold_as_in_sqlite},
    {"where/bad_expressions_are_refused_with_their_place",
     bad_expressions_are_refused_with_their_place},
    {"where/limits_are_kept", limits_are_kept},
    {"where/names_may_be_quoted_and_dotted", names_may_be_quoted_and_dotted},
    {"where/many_columns_are_named_in_part", many_columns_are_named_in_part},
    {"where/any_number_of_rows_is_right", any_number_of_rows_is_right},
    {"where/every_allocation_may_fail", every_allocation_may_fail},
    {"where/rows_are_sorted_as_by_sqlite", rows_are_sorted_as_by_sqlite},
    {NULL, NULL},
};
