/* SPDX-License-Identifier: MIT
 * Hunts for a filter expression that the parser lets through and SQLite then
 * refuses or misreads: text that leaked into SQL, a nest deeper than SQLite's
 * parser, a value left unbound; and for reads past the expression's end. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/store_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static store *s;

static akin_status ignore(void *user, const store_window *window,
                          akin_error *err)
{
    (void)user;
    (void)window;
    (void)err;
    return AKIN_OK;
}

/* A database in memory with one row of each kind. */
static void open_once(void)
{
    akin_error e = {0};
    if (s) return;
    if (store_open(":memory:", STORE_CREATE, 0, &s, &e) != AKIN_OK) abort();
    sqlite3_exec(s->db,
                 "INSERT INTO deployments (name, project) VALUES ('d', 'p');"
                 "INSERT INTO recordings (filename, datetime, deployment_id)"
                 " VALUES ('a.wav', '2023-05-12T23:59:59', 1);"
                 "INSERT INTO windows (recording_id, offsets)"
                 " VALUES (1, zeroblob(16));"
                 "INSERT INTO annotations (recording_id, offsets, label,"
                 " label_type, provenance)"
                 " VALUES (1, zeroblob(16), 'l', 1, '')",
                 NULL, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    store_filter *filter = NULL;
    akin_error e = {0};
    open_once();
    char *text = mem_array(size + 1, 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    if (store_filter_parse(text, &filter, &e) == AKIN_OK &&
        store_each_window(s, filter, ignore, NULL, &e) != AKIN_OK) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
    store_filter_free(filter);
    mem_free(text);
    return 0;
}
