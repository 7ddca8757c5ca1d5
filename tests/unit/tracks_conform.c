/* SPDX-License-Identifier: MIT
 * What every back-end of store/tracks.h must answer. */
#include "tracks_conform.h"

#include "base/memory.h"
#include "store/tracks_int.h"
#include "test.h"

#define N(number_) {.number = (number_)}
#define T(text_) {.text = (text_)}
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const char *const tables[] = {
    "vector_metadata", "vector_metadata_new", "vector_metadata_old",
    "akin_vector_state", "akin_vector_state_old", "tracks", "artists",
    "albums"};

/* Without any of the tables that tests make. */
static void empty(const conform_database *d)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", tables[i]);
        d->sql(d->user, sql);
    }
}

static tracks *open_as(const conform_database *d, tracks_mode mode)
{
    tracks *t = NULL;
    akin_error e = {0};
    CHECK_OK(tracks_open(d->db, mode, &t, &e), e);
    if (t && d->without_bulk) tracks_mariadb_without_bulk(t);
    return t;
}

static tracks *open_empty(const conform_database *d)
{
    empty(d);
    return open_as(d, TRACKS_WRITE);
}

static tracks_table table_of(const tracks_row *rows, size_t n)
{
    return (tracks_table){
        .rows = rows, .n = n, .dim = 128, .index_type = "FlatL2"};
}

static void replace(tracks *t, const tracks_row *rows, size_t n)
{
    akin_error e = {0};
    tracks_table table = table_of(rows, n);
    CHECK_OK(tracks_replace(t, &table, NULL, &e), e);
}

static size_t count(tracks *t)
{
    size_t n = 0;
    akin_error e = {0};
    CHECK_OK(tracks_count(t, &n, &e), e);
    return n;
}

/* "5:a 3:- 9:12" of a list; '-' is not found. */
static const char *shown(tracks_list *list)
{
    static char text[2048];
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < list->n && at < sizeof text - 300; i++) {
        char digits[24];
        bool found = !list->found || list->found[i];
        at += (size_t)snprintf(
            text + at, sizeof text - at, "%s%lld:%s", i ? " " : "",
            (long long)list->rows[i].vector_id,
            found ? tracks_id_text(list->rows[i].track, digits) : "-");
    }
    tracks_list_clear(list);
    return text;
}

static const char *got(tracks *t, const int64_t *ids, size_t n)
{
    tracks_list list;
    akin_error e = {0};
    CHECK_OK(tracks_get(t, ids, n, &list, &e), e);
    return shown(&list);
}

static const char *found(tracks *t, tracks_id id)
{
    tracks_list list;
    akin_error e = {0};
    CHECK_OK(tracks_find(t, id, &list, &e), e);
    return shown(&list);
}

static akin_status collect(void *user, const tracks_row *row, akin_error *err)
{
    return tracks_list_add(user, row, err);
}

static const char *all(tracks *t)
{
    tracks_list list = {0};
    akin_error e = {0};
    CHECK_OK(tracks_each(t, collect, &list, &e), e);
    return shown(&list);
}

static const char *state(tracks *t, const char *name)
{
    static char text[1024];
    char *value;
    akin_error e = {0};
    CHECK_OK(tracks_get_state(t, name, &value, &e), e);
    snprintf(text, sizeof text, "%s", value ? value : "(none)");
    mem_free(value);
    return text;
}

static const tracks_row five[] = {
    {10, N(570)}, {11, N(571)}, {12, N(570)}, {13, N(-3)}, {1000000, N(574)}};

/* ---- reads -------------------------------------------------------------- */

static void numbers_keep_their_rank(const conform_database *d)
{
    static const int64_t asked[] = {13, 1000000, 7, 10, 13};
    tracks *t = open_empty(d);
    replace(t, five, COUNT_OF(five));
    CHECK_EQ_INT(count(t), 5);
    CHECK_EQ_TEXT(got(t, asked, COUNT_OF(asked)),
                  "13:-3 1000000:574 7:- 10:570 13:-3");
    CHECK_EQ_TEXT(got(t, asked, 0), "");
    CHECK_EQ_TEXT(found(t, (tracks_id)N(570)), "10:570 12:570");
    CHECK_EQ_TEXT(found(t, (tracks_id)N(0)), "");
    CHECK_EQ_TEXT(found(t, (tracks_id)T("x")), "");
    CHECK_EQ_TEXT(found(t, (tracks_id)T("570x")), "");
    CHECK_EQ_TEXT(all(t), "10:570 11:571 12:570 13:-3 1000000:574");
    tracks_close(t);
}

static void texts_stay_what_they_are(const conform_database *d)
{
    static const tracks_row rows[] = {
        {0, T("a")}, {1, T("A")}, {2, N(574)}, {3, T("0574")},
        {4, T("it's \"1\"; -- \\ %")}, {5, T("\xc3\xa4")}, {6, T("a\xcc\x88")},
        {7, T("\xf0\x9f\x90\xa6 \xd0\xbf\xd1\x82\xd0\xb8\xd1\x86\xd0\xb0")}};
    tracks *t = open_empty(d);
    replace(t, rows, COUNT_OF(rows));
    CHECK_EQ_TEXT(all(t), "0:a 1:A 2:574 3:0574 4:it's \"1\"; -- \\ % "
                          "5:\xc3\xa4 6:a\xcc\x88 "
                          "7:\xf0\x9f\x90\xa6 "
                          "\xd0\xbf\xd1\x82\xd0\xb8\xd1\x86\xd0\xb0");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        tracks_list list;
        akin_error e = {0};
        CHECK_OK(tracks_find(t, rows[i].track, &list, &e), e);
        CHECK_EQ_INT(list.n, 1);
        CHECK(list.n == 1 && list.rows[0].vector_id == rows[i].vector_id &&
              tracks_id_equal(list.rows[0].track, rows[i].track));
        tracks_list_clear(&list);
    }
    CHECK_EQ_TEXT(found(t, tracks_id_of("000574")), "2:574");
    CHECK_EQ_TEXT(found(t, (tracks_id)N(0)), "");
    tracks_close(t);
}

static akin_status stop_at_12(void *user, const tracks_row *row,
                              akin_error *err)
{
    *(size_t *)user += 1;
    if (row->vector_id < 12) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECANCELLED, "stop");
}

static void each_ends_with_its_visitor(const conform_database *d)
{
    size_t n = 0;
    akin_error e = {0};
    tracks *t = open_empty(d);
    replace(t, five, COUNT_OF(five));
    CHECK_STATUS(tracks_each(t, stop_at_12, &n, &e), AKIN_ECANCELLED);
    CHECK_EQ_INT(n, 3);
    CHECK_EQ_INT(count(t), 5);
    tracks_close(t);
}

static void without_a_table_reads_say_so(const conform_database *d)
{
    size_t n;
    int64_t id = 1;
    tracks_list list;
    tracks_columns columns;
    akin_error e = {0};
    tracks *t = open_empty(d);
    CHECK_STATUS(tracks_count(t, &n, &e), AKIN_ENOTFOUND);
    CHECK(strstr(e.text, "no table 'vector_metadata'"));
    CHECK_STATUS(tracks_get(t, &id, 1, &list, &e), AKIN_ENOTFOUND);
    CHECK_STATUS(tracks_find(t, (tracks_id)N(1), &list, &e), AKIN_ENOTFOUND);
    CHECK_STATUS(tracks_remove_vectors(t, &id, 1, &n, &e), AKIN_ENOTFOUND);
    CHECK_OK(tracks_get_columns(t, (const tracks_id[]){N(1)}, 1, &columns, &e),
             e);
    CHECK(columns.n == 1 && columns.n_columns == 0 && !columns.found[0]);
    tracks_columns_clear(&columns);
    tracks_close(t);
}

static void readers_do_not_write(const conform_database *d)
{
    size_t n;
    akin_error e = {0};
    tracks_table more = table_of(five, 1);
    tracks *t = open_empty(d);
    replace(t, five, COUNT_OF(five));
    tracks_close(t);
    t = open_as(d, TRACKS_READ);
    CHECK_EQ_INT(count(t), 5);
    CHECK_STATUS(tracks_add(t, &more, &e), AKIN_EUSAGE);
    CHECK_STATUS(tracks_replace(t, &more, NULL, &e), AKIN_EUSAGE);
    CHECK_STATUS(tracks_set_state(t, "a", "b", &e), AKIN_EUSAGE);
    CHECK_STATUS(tracks_remove_tracks(t, &five[0].track, 1, &n, &e),
                 AKIN_EUSAGE);
    CHECK_OK(tracks_begin(t, &e), e);
    CHECK_EQ_INT(count(t), 5);
    CHECK_EQ_TEXT(state(t, "a"), "(none)");
    CHECK_OK(tracks_commit(t, &e), e);
    tracks_close(t);
}

/* ---- changes ------------------------------------------------------------ */

static void rows_are_added_changed_and_removed(const conform_database *d)
{
    static const tracks_row more[] = {{14, N(575)}, {9, N(575)}};
    static const tracks_row changes[] = {{9, N(1)}, {10, N(2)}, {11, N(571)}};
    static const int64_t gone[] = {9, 12, 99, 9};
    static const tracks_id gone_tracks[] = {N(575), N(2), N(77), T("x")};
    size_t n;
    akin_error e = {0};
    tracks_table added = table_of(more, COUNT_OF(more));
    tracks *t = open_empty(d);
    replace(t, five, COUNT_OF(five));
    CHECK_OK(tracks_add(t, &added, &e), e);
    CHECK_EQ_TEXT(all(t),
                  "9:575 10:570 11:571 12:570 13:-3 14:575 1000000:574");
    CHECK_OK(tracks_update(t, changes, COUNT_OF(changes), &e), e);
    CHECK_EQ_TEXT(all(t), "9:1 10:2 11:571 12:570 13:-3 14:575 1000000:574");
    CHECK_OK(tracks_remove_vectors(t, gone, COUNT_OF(gone), &n, &e), e);
    CHECK_EQ_INT(n, 2);
    CHECK_OK(tracks_remove_tracks(t, gone_tracks, COUNT_OF(gone_tracks), &n,
                                  &e),
             e);
    CHECK_EQ_INT(n, 2);
    CHECK_EQ_TEXT(all(t), "11:571 13:-3 1000000:574");
    CHECK_OK(tracks_remove_vectors(t, gone, 0, &n, &e), e);
    CHECK_EQ_INT(n, 0);
    tracks_close(t);
}

static void what_fails_changes_nothing(const conform_database *d)
{
    static const tracks_row twice[] = {{14, N(1)}, {15, N(1)}, {11, N(1)}};
    static const tracks_row same[] = {{14, N(1)}, {14, N(2)}};
    static const tracks_row text[] = {{14, N(1)}, {15, T("a7")}};
    static const tracks_row absent[] = {{10, N(1)}, {99, N(1)}};
    akin_error e = {0};
    tracks_table table = table_of(twice, COUNT_OF(twice));
    const char *before = "10:570 11:571 12:570 13:-3 1000000:574";
    tracks *t = open_empty(d);
    replace(t, five, COUNT_OF(five));
    CHECK_STATUS(tracks_add(t, &table, &e), AKIN_EEXISTS);
    CHECK(strstr(e.text, "vector 11 is in"));
    table = table_of(same, COUNT_OF(same));
    CHECK_STATUS(tracks_add(t, &table, &e), AKIN_EEXISTS);
    CHECK_STATUS(tracks_replace(t, &table, NULL, &e), AKIN_EEXISTS);
    table = table_of(text, COUNT_OF(text));
    CHECK_STATUS(tracks_add(t, &table, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "'a7' is no number"));
    CHECK_STATUS(tracks_update(t, text + 1, 1, &e), AKIN_EUSAGE);
    CHECK_STATUS(tracks_update(t, absent, COUNT_OF(absent), &e),
                 AKIN_ENOTFOUND);
    CHECK(strstr(e.text, "no vector 99"));
    CHECK_EQ_TEXT(all(t), before);
    tracks_close(t);
}

static void bad_rows_are_refused(const conform_database *d)
{
    char long_text[4 * (TRACKS_MAX_ID_CHARS + 1) + 1] = "";
    for (size_t i = 0; i < TRACKS_MAX_ID_CHARS; i++)
        strcat(long_text, "\xf0\x9f\x90\xa6");
    tracks_row rows[] = {{1, T(long_text)}};
    akin_error e = {0};
    tracks_table table = table_of(rows, 1);
    tracks *t = open_empty(d);
    CHECK_OK(tracks_replace(t, &table, NULL, &e), e);
    tracks_list list;
    CHECK_OK(tracks_find(t, rows[0].track, &list, &e), e);
    CHECK(list.n == 1 && tracks_id_equal(list.rows[0].track, rows[0].track));
    tracks_list_clear(&list);
    strcat(long_text, "a");
    CHECK_STATUS(tracks_replace(t, &table, NULL, &e), AKIN_ELIMIT);
    rows[0].track.text = "";
    CHECK_STATUS(tracks_add(t, &table, &e), AKIN_EUSAGE);
    rows[0].track.text = "\xff";
    CHECK_STATUS(tracks_add(t, &table, &e), AKIN_EUSAGE);
    rows[0] = (tracks_row){-1, N(1)};
    CHECK_STATUS(tracks_update(t, rows, 1, &e), AKIN_EUSAGE);
    CHECK_EQ_INT(count(t), 1);
    tracks_close(t);
}

/* ---- transactions ------------------------------------------------------- */

static void rows_and_state_are_kept_together(const conform_database *d)
{
    static const tracks_row more[] = {{14, N(575)}};
    size_t n;
    akin_error e = {0};
    tracks_table added = table_of(more, COUNT_OF(more));
    tracks *t = open_empty(d), *other = open_as(d, TRACKS_READ);
    replace(t, five, COUNT_OF(five));
    CHECK_EQ_TEXT(state(t, "generation"), "(none)");
    CHECK_OK(tracks_set_state(t, "generation", "1", &e), e);
    CHECK_OK(tracks_begin(t, &e), e);
    CHECK_OK(tracks_add(t, &added, &e), e);
    CHECK_OK(tracks_remove_vectors(t, &five[0].vector_id, 1, &n, &e), e);
    CHECK_OK(tracks_set_state(t, "generation", "2 \xf0\x9f\x90\xa6", &e), e);
    CHECK_EQ_TEXT(state(t, "generation"), "2 \xf0\x9f\x90\xa6");
    CHECK_EQ_INT(count(other), 5);
    CHECK_EQ_TEXT(state(other, "generation"), "1");
    tracks_rollback(t);
    CHECK_EQ_TEXT(state(t, "generation"), "1");
    CHECK_EQ_INT(count(t), 5);
    CHECK_OK(tracks_begin(t, &e), e);
    CHECK_OK(tracks_add(t, &added, &e), e);
    CHECK_OK(tracks_set_state(t, "generation", "3", &e), e);
    CHECK_OK(tracks_commit(t, &e), e);
    CHECK_EQ_INT(count(other), 6);
    CHECK_EQ_TEXT(state(other, "generation"), "3");
    tracks_close(t);
    tracks_close(other);
}

static void half_a_change_cannot_be_committed(const conform_database *d)
{
    static const tracks_row more[] = {{14, N(575)}};
    akin_error e = {0};
    tracks_table added = table_of(more, COUNT_OF(more));
    tracks *t = open_empty(d);
    replace(t, five, COUNT_OF(five));
    CHECK_OK(tracks_begin(t, &e), e);
    CHECK_OK(tracks_add(t, &added, &e), e);
    CHECK_STATUS(tracks_add(t, &added, &e), AKIN_EEXISTS);
    CHECK_STATUS(tracks_commit(t, &e), AKIN_EDB);
    CHECK_EQ_INT(count(t), 5);
    CHECK_OK(tracks_add(t, &added, &e), e);
    CHECK_EQ_INT(count(t), 6);
    tracks_close(t);
}

static void closing_rolls_back(const conform_database *d)
{
    akin_error e = {0};
    tracks *t = open_empty(d);
    replace(t, five, COUNT_OF(five));
    CHECK_OK(tracks_begin(t, &e), e);
    CHECK_OK(tracks_set_state(t, "a", "1", &e), e);
    tracks_close(t);
    t = open_as(d, TRACKS_READ);
    CHECK_EQ_TEXT(state(t, "a"), "(none)");
    tracks_close(t);
}

/* ---- replacing ---------------------------------------------------------- */

static bool cancel_later(void *user, size_t n_done)
{
    (void)user;
    return n_done == 0;
}

static void a_table_is_replaced_with_its_state(const conform_database *d)
{
    static const tracks_row texts[] = {{1, T("b")}, {2, N(7)}};
    static const tracks_state states[] = {{"generation", "2"}, {"x", "y"}};
    const tracks_replace_options options = {.states = states, .n_states = 2};
    akin_error e = {0};
    tracks_table table = table_of(texts, COUNT_OF(texts));
    tracks *t = open_empty(d), *other = open_as(d, TRACKS_READ);
    replace(t, five, COUNT_OF(five));
    CHECK_EQ_INT(count(other), 5);
    CHECK_OK(tracks_set_state(t, "kept", "1", &e), e);
    CHECK_OK(tracks_replace(t, &table, &options, &e), e);
    CHECK_EQ_TEXT(all(other), "1:b 2:7");
    CHECK_EQ_TEXT(found(other, (tracks_id)N(7)), "2:7");
    CHECK_EQ_TEXT(state(other, "kept"), "1");
    CHECK_EQ_TEXT(state(other, "generation"), "2");
    CHECK_EQ_TEXT(state(t, "x"), "y");
    table.n = 0;
    CHECK_OK(tracks_replace(t, &table, NULL, &e), e);
    CHECK_EQ_INT(count(other), 0);
    tracks_close(t);
    tracks_close(other);
}

static void many_rows_arrive_whole(const conform_database *d)
{
    enum { N_ROWS = 150001 };
    static char names[N_ROWS][24];
    tracks_row *rows = mem_array(N_ROWS, sizeof *rows);
    int64_t *ids = mem_array(N_ROWS, sizeof *ids);
    const tracks_replace_options cancelling = {.progress = cancel_later};
    akin_error e = {0};
    tracks *t = open_empty(d);
    tracks_list list = {0};
    size_t n, wrong = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        snprintf(names[i], sizeof names[i], "track %zu", i % 1000);
        rows[i] = (tracks_row){(int64_t)i, {names[i], 0}};
        if (i % 7 == 0) rows[i].track = (tracks_id){NULL, (int64_t)i};
        ids[i] = (int64_t)(N_ROWS - i);
    }
    replace(t, rows, N_ROWS);
    CHECK_OK(tracks_each(t, collect, &list, &e), e);
    CHECK_EQ_INT(list.n, N_ROWS);
    for (size_t i = 0; i < list.n; i++)
        wrong += list.rows[i].vector_id != rows[i].vector_id ||
                 !tracks_id_equal(list.rows[i].track, rows[i].track);
    CHECK_EQ_INT(wrong, 0);
    tracks_list_clear(&list);
    CHECK_OK(tracks_get(t, ids, 5000, &list, &e), e);
    CHECK(!list.found[0]);
    for (size_t i = 1; i < list.n; i++)
        wrong += !list.found[i] || list.rows[i].vector_id != ids[i] ||
                 !tracks_id_equal(list.rows[i].track, rows[ids[i]].track);
    CHECK_EQ_INT(wrong, 0);
    tracks_list_clear(&list);
    for (size_t i = 0; i < N_ROWS; i++) rows[i].track = (tracks_id)N(5);
    tracks_table table = table_of(rows, N_ROWS);
    CHECK_STATUS(tracks_replace(t, &table, &cancelling, &e), AKIN_ECANCELLED);
    CHECK_EQ_INT(count(t), N_ROWS);
    CHECK_EQ_TEXT(found(t, (tracks_id)N(7)), "7:7");
    CHECK_OK(tracks_remove_vectors(t, ids, 5000, &n, &e), e);
    CHECK_EQ_INT(n, 4999);
    for (size_t i = 0; i < 4999; i++)
        rows[i] = (tracks_row){ids[i + 1], {NULL, 5}};
    table.n = 4999;
    CHECK_OK(tracks_add(t, &table, &e), e);
    CHECK_EQ_INT(count(t), N_ROWS);
    tracks_close(t);
    mem_free(rows);
    mem_free(ids);
}

/* ---- tables of others --------------------------------------------------- */

static const char *columns_of(tracks *t, const tracks_id *ids, size_t n)
{
    static char text[4096];
    tracks_columns c;
    akin_error e = {0};
    size_t at = 0;
    CHECK_OK(tracks_get_columns(t, ids, n, &c, &e), e);
    text[0] = 0;
    for (size_t i = 0; i < c.n_columns; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s",
                               i ? "," : "", c.names[i]);
    for (size_t i = 0; i < c.n * c.n_columns; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s",
                               i % c.n_columns ? "," : "|",
                               c.values[i] ? c.values[i] : "NULL");
    tracks_columns_clear(&c);
    return text;
}

static void columns_of_tracks_keep_the_rank(const conform_database *d)
{
    static const tracks_id asked[] = {N(574), N(1), N(570), T("x"), N(574),
                                      N(0)};
    tracks *t = open_empty(d);
    d->sql(d->user, "CREATE TABLE tracks (track_id BIGINT, title TEXT,"
                    " bit_rate BIGINT)");
    d->sql(d->user, "INSERT INTO tracks VALUES (570, 'a''\xf0\x9f\x90\xa6', 1),"
                    " (574, NULL, 256000), (570, 'second', 3), (0, '', NULL),"
                    " (NULL, 'none', 5)");
    CHECK_EQ_TEXT(columns_of(t, asked, COUNT_OF(asked)),
                  "track_id,title,bit_rate|574,NULL,256000|NULL,NULL,NULL"
                  "|570,a'\xf0\x9f\x90\xa6,1|NULL,NULL,NULL|574,NULL,256000"
                  "|0,,NULL");
    d->sql(d->user, "CREATE TABLE artists (name TEXT, track_id BIGINT)");
    d->sql(d->user, "INSERT INTO artists VALUES ('someone', 570)");
    d->sql(d->user, "CREATE TABLE albums (title TEXT, year BIGINT)");
    CHECK_EQ_TEXT(columns_of(t, asked + 1, 2),
                  "track_id,title,bit_rate,artists.name|NULL,NULL,NULL,NULL"
                  "|570,a'\xf0\x9f\x90\xa6,1,someone");
    d->sql(d->user, "DROP TABLE albums");
    d->sql(d->user, "CREATE TABLE albums (track_id BIGINT, title TEXT,"
                    " year BIGINT)");
    d->sql(d->user, "INSERT INTO albums VALUES (570, 'it', 1999)");
    CHECK_EQ_TEXT(columns_of(t, asked + 2, 1),
                  "track_id,title,bit_rate,artists.name,albums.title,"
                  "albums.year|570,a'\xf0\x9f\x90\xa6,1,someone,it,1999");
    CHECK_EQ_TEXT(columns_of(t, asked, 0), "");
    tracks_close(t);
}

static void tracks_may_have_texts_as_ids(const conform_database *d)
{
    static const tracks_id asked[] = {T("x"), N(574), T("X"), N(0)};
    tracks *t = open_empty(d);
    d->sql(d->user, "CREATE TABLE tracks (track_id VARCHAR(20), title TEXT)");
    d->sql(d->user, "INSERT INTO tracks VALUES ('x', 'an x'), ('574', 'n'),"
                    " (NULL, 'none')");
    CHECK_EQ_TEXT(columns_of(t, asked, COUNT_OF(asked)),
                  "track_id,title|x,an x|574,n|NULL,NULL|NULL,NULL");
    tracks_close(t);
}

static void many_tracks_are_looked_up(const conform_database *d)
{
    enum { N_TRACKS = 1201 };
    char sql[256];
    tracks_id ids[N_TRACKS];
    tracks_columns c;
    akin_error e = {0};
    size_t wrong = 0;
    tracks *t = open_empty(d);
    d->sql(d->user, "CREATE TABLE tracks (title TEXT, track_id BIGINT)");
    d->sql(d->user, "INSERT INTO tracks WITH RECURSIVE n (i) AS (SELECT 0"
                    " UNION ALL SELECT i + 1 FROM n WHERE i < 899)"
                    " SELECT 'of a track', i FROM n");
    for (size_t i = 0; i < N_TRACKS; i++)
        ids[i] = (tracks_id){NULL, (int64_t)(N_TRACKS - 1 - i)};
    CHECK_OK(tracks_get_columns(t, ids, N_TRACKS, &c, &e), e);
    CHECK_EQ_INT(c.n_columns, 2);
    for (size_t i = 0; i < c.n && c.n_columns == 2; i++) {
        snprintf(sql, sizeof sql, "%lld", (long long)ids[i].number);
        wrong += c.found[i] != (ids[i].number < 900) ||
                 (c.found[i] && strcmp(c.values[2 * i + 1], sql) != 0);
    }
    CHECK_EQ_INT(wrong, 0);
    tracks_columns_clear(&c);
    tracks_close(t);
}

/* As pandas leaves it: no keys, everything may be NULL. */
static void a_foreign_table_is_used(const conform_database *d)
{
    static const tracks_row more[] = {{14, N(575)}}, again[] = {{2, N(1)}};
    static const int64_t asked[] = {2, 3, 0};
    size_t n;
    akin_error e = {0};
    tracks_table added = table_of(more, 1);
    tracks *t = open_empty(d);
    d->sql(d->user, "CREATE TABLE vector_metadata (vector_id BIGINT, track_id "
                    "BIGINT, vector_dimensions BIGINT, faiss_index TEXT)");
    d->sql(d->user, "INSERT INTO vector_metadata VALUES (2, 20, 128, 'FlatL2'),"
                    " (0, 10, 128, 'FlatL2'), (3, NULL, 128, 'FlatL2'),"
                    " (NULL, 5, 128, 'FlatL2')");
    CHECK_EQ_TEXT(got(t, asked, 3), "2:20 3:- 0:10");
    CHECK_EQ_TEXT(all(t), "0:10 2:20");
    CHECK_OK(tracks_add(t, &added, &e), e);
    added = table_of(again, 1);
    CHECK_STATUS(tracks_add(t, &added, &e), AKIN_EEXISTS);
    CHECK_OK(tracks_update(t, again, 1, &e), e);
    CHECK_OK(tracks_remove_vectors(t, asked + 2, 1, &n, &e), e);
    CHECK_EQ_TEXT(all(t), "2:1 14:575");
    replace(t, five, COUNT_OF(five));
    CHECK_EQ_INT(count(t), 5);
    tracks_close(t);
}

const conform_case conform_cases[] = {
    {"numbers_keep_their_rank", numbers_keep_their_rank},
    {"texts_stay_what_they_are", texts_stay_what_they_are},
    {"each_ends_with_its_visitor", each_ends_with_its_visitor},
    {"without_a_table_reads_say_so", without_a_table_reads_say_so},
    {"readers_do_not_write", readers_do_not_write},
    {"rows_are_added_changed_and_removed", rows_are_added_changed_and_removed},
    {"what_fails_changes_nothing", what_fails_changes_nothing},
    {"bad_rows_are_refused", bad_rows_are_refused},
    {"rows_and_state_are_kept_together", rows_and_state_are_kept_together},
    {"half_a_change_cannot_be_committed", half_a_change_cannot_be_committed},
    {"closing_rolls_back", closing_rolls_back},
    {"a_table_is_replaced_with_its_state", a_table_is_replaced_with_its_state},
    {"many_rows_arrive_whole", many_rows_arrive_whole},
    {"columns_of_tracks_keep_the_rank", columns_of_tracks_keep_the_rank},
    {"tracks_may_have_texts_as_ids", tracks_may_have_texts_as_ids},
    {"many_tracks_are_looked_up", many_tracks_are_looked_up},
    {"a_foreign_table_is_used", a_foreign_table_is_used},
    {0},
};
