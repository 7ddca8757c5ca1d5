/* SPDX-License-Identifier: MIT
 * What tests/mariadb/run drives: store/tracks on the database of a config.json.
 * usage: tracks_tool CONFIG conform | open | write N NAME | die N | read |
 *                           idle | inside  [--without-bulk]
 * A failed call prints "STATUS MESSAGE". Tables have as many rows as their
 * state "rows" says. */
#include <mysql.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/tracks_int.h"
#include "test.h"
#include "tracks_conform.h"

typedef struct tool {
    vector_config config;
    bool without_bulk;
    tracks *t;
} tool;

static int failures;

void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("    %s:%d: ", file, line);
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
    failures++;
}

static int say(akin_status status, const akin_error *e)
{
    if (status == AKIN_OK)
        printf("ok\n");
    else
        printf("%s %s\n", akin_status_name(status), e->text);
    fflush(stdout);
    return status == AKIN_OK ? 0 : 1;
}

static int open_tracks(tool *o, tracks_mode mode)
{
    akin_error e = {0};
    akin_status status = tracks_open(&o->config.database, mode, &o->t, &e);
    if (status != AKIN_OK) return say(status, &e);
    if (o->without_bulk) tracks_mariadb_without_bulk(o->t);
    return 0;
}

/* ---- conform ------------------------------------------------------------ */

static void run_sql(void *user, const char *statement)
{
    if (mysql_query(user, statement) != 0)
        test_fail(__FILE__, __LINE__, "%s: %s", statement, mysql_error(user));
}

static int conform(tool *o)
{
    const vector_database *db = &o->config.database;
    int passed = 0, failed = 0;
    MYSQL *mysql = mysql_init(NULL);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!mysql_real_connect(mysql, db->host, db->user, db->password,
                            db->database, db->port, db->unix_socket, 0)) {
        printf("%s\n", mysql_error(mysql));
        mysql_close(mysql);
        return 1;
    }
    const conform_database d = {.db = db,
                                .sql = run_sql,
                                .user = mysql,
                                .without_bulk = o->without_bulk};
    for (const conform_case *c = conform_cases; c->name; c++) {
        failures = 0;
        c->run(&d);
        printf("%s %s\n", failures ? "FAIL" : "ok  ", c->name);
        passed += !failures;
        failed += failures > 0;
    }
    mysql_close(mysql);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

/* ---- replacing ---------------------------------------------------------- */

static bool die_later(void *user, size_t n_done)
{
    if (n_done >= *(size_t *)user) raise(SIGKILL);
    return true;
}

static int write_rows(tool *o, size_t n, const char *type, size_t *die_at)
{
    akin_error e = {0};
    char *number = text_format("%zu", n);
    tracks_row *rows = mem_array(n, sizeof *rows);
    const tracks_state states[] = {{"rows", number}};
    tracks_replace_options options = {.states = states, .n_states = 1};
    tracks_table table = {
        .rows = rows, .n = n, .dim = 128, .index_type = type};
    for (size_t i = 0; i < n; i++)
        rows[i] = (tracks_row){(int64_t)i, {NULL, (int64_t)(i * 7919 % n)}};
    if (die_at) {
        options.progress = die_later;
        options.user = die_at;
    }
    double start_s = clock_now_s();
    akin_status status = tracks_replace(o->t, &table, &options, &e);
    double took_s = clock_now_s() - start_s;
    mem_free(rows);
    mem_free(number);
    if (status == AKIN_OK)
        printf("%.0f rows/s\n", (double)n / took_s);
    return say(status, &e);
}

/* ---- reading beside a writer -------------------------------------------- */

/* Rows and state as one transaction sees them; they must agree. */
static akin_status read_once(tool *o, bool *torn, akin_error *e)
{
    char *value = NULL;
    size_t n = 0;
    int64_t wanted = -1;
    AKIN_TRY(tracks_begin(o->t, e));
    akin_status status = tracks_get_state(o->t, "rows", &value, e);
    if (status == AKIN_OK) status = tracks_count(o->t, &n, e);
    *torn = !text_to_int64(value, &wanted) || wanted != (int64_t)n;
    mem_free(value);
    tracks_rollback(o->t);
    return status;
}

/* Until nothing more comes from stdin. */
static int read_on(tool *o)
{
    size_t n_torn = 0, n_busy = 0, n_other = 0, n_reads = 0;
    volatile bool done = false;
    akin_error e = {0};
    int ready = fgetc(stdin); /* one byte starts it */
    for (double end_s = clock_now_s() + 1.5; ready != EOF && !done; n_reads++) {
        bool torn = false;
        akin_status status = read_once(o, &torn, &e);
        if (status == AKIN_OK)
            n_torn += torn;
        else if (status == AKIN_EBUSY)
            n_busy++;
        else if (n_other++ == 0)
            say(status, &e);
        done = clock_now_s() > end_s;
    }
    printf("%zu torn, %zu busy, %zu failed, %s\n", n_torn, n_busy, n_other,
           n_reads > 20 ? "many reads" : "few reads");
    return 0;
}

/* ---- a connection that is lost ------------------------------------------ */

static void wait_for_line(const char *said)
{
    printf("%s\n", said);
    fflush(stdout);
    for (int c = fgetc(stdin); c != '\n' && c != EOF;) c = fgetc(stdin);
}

static int idle(tool *o)
{
    size_t n;
    akin_error e = {0};
    say(tracks_count(o->t, &n, &e), &e);
    wait_for_line("waiting");
    say(tracks_count(o->t, &n, &e), &e);
    wait_for_line("waiting");
    say(tracks_set_state(o->t, "idle", "1", &e), &e);
    wait_for_line("waiting");
    tracks_columns columns = {0};
    say(tracks_get_columns(o->t, (const tracks_id[]){{NULL, 1}}, 1, &columns,
                           &e), &e);
    tracks_columns_clear(&columns);
    wait_for_line("waiting");
    char *value = NULL;
    say(tracks_get_state(o->t, "idle", &value, &e), &e);
    printf("%s\n", value ? value : "(none)");
    mem_free(value);
    return 0;
}

static int inside(tool *o)
{
    akin_error e = {0};
    char *value = NULL;
    say(tracks_begin(o->t, &e), &e);
    say(tracks_set_state(o->t, "inside", "1", &e), &e);
    wait_for_line("waiting");
    say(tracks_set_state(o->t, "inside", "2", &e), &e);
    say(tracks_commit(o->t, &e), &e);
    say(tracks_get_state(o->t, "inside", &value, &e), &e);
    printf("%s\n", value ? value : "(none)");
    mem_free(value);
    return 0;
}

static int run(tool *o, int argc, char **argv)
{
    const char *verb = argv[2];
    int64_t n = 0;
    bool read = strcmp(verb, "read") == 0;
    if (argc > 3) text_to_int64(argv[3], &n);
    if (strcmp(verb, "conform") == 0) return conform(o);
    if (open_tracks(o, read ? TRACKS_READ : TRACKS_WRITE) != 0) return 1;
    if (read) return read_on(o);
    if (strcmp(verb, "idle") == 0) return idle(o);
    if (strcmp(verb, "inside") == 0) return inside(o);
    if (strcmp(verb, "write") == 0 && argc > 4)
        return write_rows(o, (size_t)n, argv[4], NULL);
    if (strcmp(verb, "die") == 0)
        return write_rows(o, (size_t)n, "died", &(size_t){(size_t)n / 2});
    printf("ok %s\n", tracks_server(o->t));
    return 0;
}

int main(int argc, char **argv)
{
    akin_error e = {0};
    tool o = {0};
    if (argc < 3) return 2;
    if (strcmp(argv[argc - 1], "--without-bulk") == 0) {
        o.without_bulk = true;
        argc--;
    }
    akin_status status = vector_config_load(argv[1], &o.config, &e);
    int code = status == AKIN_OK ? run(&o, argc, argv) : say(status, &e);
    tracks_close(o.t);
    vector_config_clear(&o.config);
    return code;
}
