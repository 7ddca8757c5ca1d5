/* SPDX-License-Identifier: MIT
 * Hunts for a config.json that leads the comment scanner past its end, changes
 * a text, gets a number past its bounds, or fails without a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/vector_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
    if (!good) abort();
}

static void check_config(const vector_config *c)
{
    const vector_database *db = &c->database;
    check(c->index_path && *c->index_path && c->index_type && *c->index_type);
    check(c->n_parts <= VECTOR_MAX_PARTS && c->part_dim <= VECTOR_MAX_DIM);
    check(c->nlist <= VECTOR_MAX_LISTS && c->nprobe <= VECTOR_MAX_LISTS);
    check(db->database && *db->database);
    if (db->engine == VECTOR_MARIADB)
        check(db->host && db->user && db->port > 0);
    else
        check(!db->tls.required && !db->tls.verify);
    for (size_t i = 0; i < c->n_parts; i++) check(*c->parts[i]);
    for (size_t i = 0; i < c->n_warnings; i++) check(*c->warnings[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vector_config c;
    akin_error e = {0};
    akin_status status = vector_config_parse((const char *)data, size,
                                             "/nowhere/config.json", &c, &e);
    if (status == AKIN_OK)
        check_config(&c);
    else
        check(e.code == status && *e.text && !c.index_path && !c.warnings);
    vector_config_clear(&c);
    return 0;
}
