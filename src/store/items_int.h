/* SPDX-License-Identifier: MIT
 * Private to items_*.c: the handle, and how rows and fields become SQL. */
#ifndef STORE_ITEMS_INT_H
#define STORE_ITEMS_INT_H

#include "store/item_store.h"
#include "store/store_int.h"

enum {
    ITEMS_OWN_COLUMNS = 5, /* akin_row, id, split, created_at, updated_at */
    ITEMS_MAX_NAME_BYTES = 255,
    ITEMS_MAX_SQL_BYTES = 1 << 20,
};

/* Statements whose text has the fields in it. */
typedef enum items_made { ITEMS_ADD, ITEMS_REPLACE, ITEMS_GET, ITEMS_N_MADE }
    items_made;

struct item_store {
    store *db;
    item_field *fields; /* names owned */
    size_t n_fields, cap_fields;
    int64_t fields_version; /* counts changes of the fields in the file */
    struct {                /* as it was when the transaction began */
        size_t n_fields;
        int64_t fields_version, n_changes;
        item_kind kinds[ITEMS_MAX_FIELDS];
    } before;
    sqlite3_stmt *made[ITEMS_N_MADE];
    sqlite3_stmt *set[ITEMS_MAX_FIELDS]; /* of one field */
    store_value bound[ITEMS_OWN_COLUMNS + ITEMS_MAX_FIELDS];
    item_value taken[ITEMS_MAX_FIELDS]; /* of the row that was got last */
    char *held;                         /* its texts, one behind the other */
};

/* ---- transactions (items_open.c) ---------------------------------------- */

/* A change on its own is a transaction of its own: begins one unless one is
 * open, and ends what was begun. */
akin_status items_enter(item_store *s, bool *own, akin_error *err)
    AKIN_NODISCARD;
akin_status items_leave(item_store *s, bool own, akin_status status,
                        akin_error *err) AKIN_NODISCARD;

/* ---- fields (items_fields.c) -------------------------------------------- */

/* Reads the fields again if they are not those of the file any more. */
akin_status items_sync_fields(item_store *s, akin_error *err) AKIN_NODISCARD;
/* What before says, as after a transaction that came to nothing. */
void items_restore_fields(item_store *s);
void items_clear_fields(item_store *s);
void items_forget_made(item_store *s);
/* akin_field_text(value, kind): what a value becomes in a field of texts. */
akin_status items_add_functions(item_store *s, akin_error *err) AKIN_NODISCARD;

/* "name" with the quotes that SQL wants. */
void items_put_name(text_buf *sql, const char *name);

/* ---- rows (items_read.c) ------------------------------------------------ */

/* "SELECT akin_row, ..., fields FROM items", to go on with. */
void items_put_select(const item_store *s, text_buf *sql);
akin_status items_prepare(item_store *s, text_buf *sql, sqlite3_stmt **out,
                          akin_error *err) AKIN_NODISCARD;

/* Column `column` of a row by its kind; what is of another type is NULL. */
akin_status items_take_value(sqlite3_stmt *q, int column, item_kind kind,
                             item_value *out, akin_error *err) AKIN_NODISCARD;

/* ---- ids (items_id.c) --------------------------------------------------- */

void items_encode_uuid(const unsigned char uuid[16],
                       char out[ITEMS_ID_CHARS + 1]);

#endif
