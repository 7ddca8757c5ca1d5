/* SPDX-License-Identifier: MIT
 * Helpers of the tests of store/. */
#include "store_help.h"

#include <sqlite3.h>

#include "test.h"

const char *help_path(const char *name)
{
    static char paths[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", test_dir(), name);
    return paths[turn];
}

store *help_open(const char *path, store_mode mode)
{
    store *s = NULL;
    akin_error e = {0};
    CHECK_OK(store_open(path, mode, 0, &s, &e), e);
    return s;
}

void help_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    sqlite3_open(path, &db);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        test_fail(__FILE__, __LINE__, "%s: %s", sql, message);
    sqlite3_free(message);
    sqlite3_close(db);
}

static int join(void *user, int n, char **values, char **names)
{
    char *out = user;
    size_t used = strlen(out);
    (void)n;
    (void)names;
    snprintf(out + used, 8192 - used, "%s%s", used ? "|" : "",
             values[0] ? values[0] : "null");
    return 0;
}

const char *help_query(const char *path, const char *sql)
{
    static char out[8192];
    sqlite3 *db = NULL;
    out[0] = 0;
    sqlite3_open(path, &db);
    if (sqlite3_exec(db, sql, join, out, NULL) != SQLITE_OK)
        test_fail(__FILE__, __LINE__, "%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
    return out;
}

int64_t help_add_window(store *s, int64_t recording_id, double start_s,
                        double end_s)
{
    store_window w = {
        .recording_id = recording_id, .start_s = start_s, .end_s = end_s};
    akin_error e = {0};
    int64_t id = 0;
    CHECK_OK(store_add_window(s, &w, &start_s, sizeof start_s, &id, &e), e);
    return id;
}

static akin_status list_id(void *user, const store_window *window,
                           akin_error *err)
{
    char *out = user;
    size_t used = strlen(out);
    (void)err;
    snprintf(out + used, 4096 - used, "%s%lld", used ? " " : "",
             (long long)window->id);
    return AKIN_OK;
}

const char *help_ids(store *s, const char *text)
{
    static char out[4096];
    store_filter *filter = NULL;
    akin_error e = {0};
    out[0] = 0;
    akin_status status = text ? store_filter_parse(text, &filter, &e) : AKIN_OK;
    if (status == AKIN_OK)
        status = store_each_window(s, filter, list_id, out, &e);
    store_filter_free(filter);
    if (status != AKIN_OK) snprintf(out, sizeof out, "%s", e.text);
    return out;
}

/* ---- SQLite's memory ---------------------------------------------------- */

static sqlite3_mem_methods real_memory;
static int64_t memory_countdown;

static void *failing_malloc(int n)
{
    if (memory_countdown > 0 && --memory_countdown == 0) return NULL;
    return real_memory.xMalloc(n);
}

static void *failing_realloc(void *p, int n)
{
    if (memory_countdown > 0 && --memory_countdown == 0) return NULL;
    return real_memory.xRealloc(p, n);
}

void help_fail_memory_install(void)
{
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    sqlite3_mem_methods failing = real_memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    sqlite3_initialize();
}

void help_fail_memory_uninstall(void)
{
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_MALLOC, &real_memory);
    sqlite3_initialize();
}

void help_fail_memory_at(int64_t n) { memory_countdown = n; }
bool help_fail_memory_failed(void) { return memory_countdown == 0; }
