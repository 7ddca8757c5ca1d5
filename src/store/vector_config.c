/* SPDX-License-Identifier: MIT
 * The vector module's config.json: comments are blanked out so that line
 * numbers stay right, Jansson parses, and a table of keys says what each of
 * them must be and where it goes. */
#include "store/vector_config.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#define CONFIG_MAX_BYTES ((size_t)1 << 20)
#define CONFIG_MAX_WARNINGS 1000
#define CONFIG_MAX_SHOWN 80 /* bytes of a wrong value in a message */
#define CONFIG_DEFAULT_PORT 3306

/* ---- comments and commas ------------------------------------------------ */

/* Where the scanner is: an own copy of the text, changed in place. */
typedef struct config_scan {
    char *text;
    size_t n, at;
    int line;
} config_scan;

static bool scan_is(const config_scan *s, const char *two)
{
    return s->n - s->at >= 2 && memcmp(s->text + s->at, two, 2) == 0;
}

static void scan_blank(config_scan *s, size_t n)
{
    for (; n > 0 && s->at < s->n; n--, s->at++) {
        if (s->text[s->at] == '\n')
            s->line++;
        else
            s->text[s->at] = ' ';
    }
}

static void scan_skip_string(config_scan *s)
{
    for (s->at++; s->at < s->n && s->text[s->at] != '"'; s->at++) {
        if (s->text[s->at] == '\n') s->line++;
        if (s->text[s->at] == '\\' && s->at + 1 < s->n) s->at++;
    }
    if (s->at < s->n) s->at++;
}

/* false: a comment has no end. */
static bool scan_blank_comment(config_scan *s)
{
    if (scan_is(s, "//")) {
        while (s->at < s->n && s->text[s->at] != '\n') scan_blank(s, 1);
        return true;
    }
    scan_blank(s, 2);
    while (s->at < s->n && !scan_is(s, "*/")) scan_blank(s, 1);
    if (s->at == s->n) return false;
    scan_blank(s, 2);
    return true;
}

/* Blanks comments, and the comma before a closing bracket if it follows a
 * value. What else is wrong, Jansson finds. */
static akin_status config_strip(char *text, size_t n, const char *path,
                                akin_error *err)
{
    config_scan s = {.text = text, .n = n, .line = 1};
    size_t comma = n; /* n: the last token is not one to blank */
    char last = '[';  /* of the last token: a byte that is not blank */
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) scan_blank(&s, 3);
    while (s.at < n) {
        char c = text[s.at];
        if (scan_is(&s, "//") || scan_is(&s, "/*")) {
            int line = s.line;
            if (scan_blank_comment(&s)) continue;
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "'%s': line %d: a comment without an end", path,
                             line);
        }
        if (strchr(" \t\r\n", c) && c) {
            if (c == '\n') s.line++;
            s.at++;
            continue;
        }
        if ((c == '}' || c == ']') && comma < n) text[comma] = ' ';
        comma = c == ',' && !strchr("[{,:", last) ? s.at : n;
        last = c ? c : '?';
        if (c == '"')
            scan_skip_string(&s);
        else
            s.at++;
    }
    return AKIN_OK;
}

/* ---- keys --------------------------------------------------------------- */

/* What was read, before what follows from it is settled. */
typedef struct config_draft {
    vector_config config;
    char *engine;
    char *folders[VECTOR_MAX_PARTS];
    signed char wanted[VECTOR_MAX_PARTS]; /* -1: not given */
    signed char tls, tls_required, tls_verify;
    uint32_t port;
} config_draft;

typedef enum config_kind {
    CONFIG_OBJECT,
    CONFIG_TLS, /* an object or a bool */
    CONFIG_TEXT,
    CONFIG_PASSWORD,
    CONFIG_PATH,
    CONFIG_BOOL,
    CONFIG_COUNT, /* from 1 to max */
    CONFIG_PORT,  /* a count, or the text of one */
} config_kind;

typedef struct config_key {
    const char *name;
    config_kind kind;
    size_t offset; /* into config_draft */
    uint32_t max;
} config_key;

#define AT(field) offsetof(config_draft, field)

static const config_key config_keys[] = {
    {"database", CONFIG_OBJECT, 0, 0},
    {"database.engine", CONFIG_TEXT, AT(engine), 0},
    {"database.database", CONFIG_TEXT, AT(config.database.database), 0},
    {"database.host", CONFIG_TEXT, AT(config.database.host), 0},
    {"database.port", CONFIG_PORT, AT(port), UINT16_MAX},
    {"database.unix_socket", CONFIG_PATH, AT(config.database.unix_socket), 0},
    {"database.user", CONFIG_TEXT, AT(config.database.user), 0},
    {"database.password", CONFIG_PASSWORD, AT(config.database.password), 0},
    {"database.tls", CONFIG_TLS, AT(tls), 0},
    {"database.tls.ca", CONFIG_PATH, AT(config.database.tls.ca), 0},
    {"database.tls.required", CONFIG_BOOL, AT(tls_required), 0},
    {"database.tls.verify", CONFIG_BOOL, AT(tls_verify), 0},
    {"paths", CONFIG_OBJECT, 0, 0},
    {"paths.vector_file", CONFIG_PATH, AT(config.vector_file), 0},
    {"paths.index_path", CONFIG_PATH, AT(config.index_path), 0},
    {"paths.embeddings_folder", CONFIG_OBJECT, 0, 0},
    {"paths.embeddings_folder.genre_classification_embeddings", CONFIG_PATH,
     AT(folders[0]), 0},
    {"paths.embeddings_folder.instrument_classification_embeddings",
     CONFIG_PATH, AT(folders[1]), 0},
    {"paths.embeddings_folder.emotion_classification_embeddings", CONFIG_PATH,
     AT(folders[2]), 0},
    {"combinator", CONFIG_OBJECT, 0, 0},
    {"combinator.genre", CONFIG_BOOL, AT(wanted[0]), 0},
    {"combinator.instrument", CONFIG_BOOL, AT(wanted[1]), 0},
    {"combinator.emotion", CONFIG_BOOL, AT(wanted[2]), 0},
    {"faiss", CONFIG_OBJECT, 0, 0},
    {"faiss.dimension", CONFIG_COUNT, AT(config.part_dim), VECTOR_MAX_DIM},
    {"faiss.index_type", CONFIG_TEXT, AT(config.index_type), 0},
    {"faiss.nlist", CONFIG_COUNT, AT(config.nlist), VECTOR_MAX_LISTS},
    {"faiss.nprobe", CONFIG_COUNT, AT(config.nprobe), VECTOR_MAX_LISTS},
    {"faiss.ef", CONFIG_COUNT, AT(config.ef), 1 << 20},
};

static const char *const config_parts[VECTOR_MAX_PARTS] = {
    "genre", "instrument", "emotion"};

static const config_key *config_find(const char *name)
{
    for (size_t i = 0; i < sizeof config_keys / sizeof *config_keys; i++)
        if (strcmp(config_keys[i].name, name) == 0) return &config_keys[i];
    return NULL;
}

/* ---- values ------------------------------------------------------------- */

typedef struct config_reader {
    const char *path;
    char *folder; /* of path; "" is the current directory */
    config_draft draft;
    size_t warnings_cap;
    akin_error *err;
} config_reader;

static akin_status config_no_memory(const config_reader *r)
{
    return AKIN_FAIL(r->err, AKIN_ENOMEM, "out of memory: cannot read '%s'",
                     r->path);
}

static akin_status config_wrong(const config_reader *r, const config_key *key,
                                const json_t *value, const char *wanted)
{
    char *shown = key->kind == CONFIG_PASSWORD ? NULL : json_to_text(value);
    if (shown && strlen(shown) > CONFIG_MAX_SHOWN)
        memcpy(shown + CONFIG_MAX_SHOWN - 3, "...", 4);
    akin_status status = AKIN_FAIL(
        r->err, AKIN_EUSAGE, "'%s': %s is %s, but must be %s", r->path,
        key->name, shown ? shown : "something else", wanted);
    mem_free(shown);
    return status;
}

/* Takes the text over. */
static akin_status config_warn(config_reader *r, char *text)
{
    vector_config *c = &r->draft.config;
    void *p = c->warnings;
    if (!text) return config_no_memory(r);
    if (c->n_warnings == CONFIG_MAX_WARNINGS) {
        mem_free(text);
        return AKIN_OK;
    }
    akin_status status = mem_grow(&p, &r->warnings_cap, c->n_warnings + 1,
                                  sizeof *c->warnings, CONFIG_MAX_WARNINGS,
                                  r->err);
    c->warnings = p;
    if (status == AKIN_OK)
        c->warnings[c->n_warnings++] = text;
    else
        mem_free(text);
    return status;
}

/* The rule of the header. */
static char *config_resolve(const config_reader *r, const char *path)
{
    char *beside = file_join(r->folder, path);
    if (!beside || file_exists(beside) || !file_exists(path)) return beside;
    mem_free(beside);
    return mem_strdup(path);
}

static akin_status config_set_text(const config_reader *r,
                                   const config_key *key, const json_t *value,
                                   char **out)
{
    const char *text = json_string_value(value);
    if (!text) return config_wrong(r, key, value, "a text");
    if (!*text && key->kind != CONFIG_PASSWORD)
        return config_wrong(r, key, value, "a text that is not empty");
    *out = key->kind == CONFIG_PATH ? config_resolve(r, text)
                                    : mem_strdup(text);
    return *out ? AKIN_OK : config_no_memory(r);
}

/* *out = 0 if value is no whole number from 1 to max. */
static void config_get_count(const config_key *key, const json_t *value,
                             uint32_t *out)
{
    double real = json_number_value(value);
    int64_t n = 0;
    *out = 0;
    if (json_is_integer(value))
        n = json_integer_value(value);
    else if (json_is_real(value) && real >= 1 && real <= key->max)
        n = (double)(int64_t)real == real ? (int64_t)real : 0;
    else if (key->kind == CONFIG_PORT && json_is_string(value) &&
             !text_to_int64(json_string_value(value), &n))
        n = 0;
    if (n >= 1 && n <= key->max) *out = (uint32_t)n;
}

static akin_status config_set_count(const config_reader *r,
                                    const config_key *key, const json_t *value,
                                    uint32_t *out)
{
    config_get_count(key, value, out);
    if (*out > 0) return AKIN_OK;
    char *wanted = text_format("a whole number from 1 to %u", key->max);
    akin_status status = wanted ? config_wrong(r, key, value, wanted)
                                : config_no_memory(r);
    mem_free(wanted);
    return status;
}

static akin_status config_read_object(config_reader *r, const char *prefix,
                                      json_t *object);

static akin_status config_read_value(config_reader *r, const config_key *key,
                                     json_t *value)
{
    void *out = (char *)&r->draft + key->offset;
    if (json_is_null(value)) return AKIN_OK;
    switch (key->kind) {
    case CONFIG_TLS:
        *(signed char *)out = !json_is_false(value);
        if (json_is_boolean(value)) return AKIN_OK;
        if (!json_is_object(value))
            return config_wrong(r, key, value, "true, false or an object");
        return config_read_object(r, key->name, value);
    case CONFIG_OBJECT:
        if (!json_is_object(value))
            return config_wrong(r, key, value, "an object: {...}");
        return config_read_object(r, key->name, value);
    case CONFIG_BOOL:
        if (!json_is_boolean(value))
            return config_wrong(r, key, value, "true or false");
        *(signed char *)out = json_is_true(value);
        return AKIN_OK;
    case CONFIG_COUNT:
    case CONFIG_PORT: return config_set_count(r, key, value, out);
    case CONFIG_TEXT:
    case CONFIG_PASSWORD:
    case CONFIG_PATH: return config_set_text(r, key, value, out);
    }
    return AKIN_OK;
}

/* No deeper than the keys of the table are. */
static akin_status config_read_object(config_reader *r, const char *prefix,
                                      json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        char *full = *prefix ? text_format("%s.%s", prefix, name)
                             : mem_strdup(name);
        if (!full) return config_no_memory(r);
        const config_key *key = config_find(full);
        akin_status status =
            key ? config_read_value(r, key, value)
                : config_warn(r, text_format("'%s': %s is not a key that akin "
                                             "knows",
                                             r->path, full));
        mem_free(full);
        AKIN_TRY(status);
    }
    return AKIN_OK;
}

/* ---- what follows ------------------------------------------------------- */

static akin_status config_settle_engine(config_reader *r)
{
    config_draft *d = &r->draft;
    vector_database *db = &d->config.database;
    bool server = db->host || db->user || db->password || db->unix_socket ||
                  d->port || d->tls >= 0;
    if (!d->engine) {
        db->engine = server ? VECTOR_MARIADB : VECTOR_SQLITE;
    } else if (strcmp(d->engine, "mysql") == 0 ||
               strcmp(d->engine, "mariadb") == 0) {
        db->engine = VECTOR_MARIADB;
    } else if (strcmp(d->engine, "sqlite") == 0) {
        db->engine = VECTOR_SQLITE;
        if (server)
            return config_warn(r, text_format("'%s': database.engine is "
                                              "\"sqlite\", which uses only "
                                              "database.database",
                                              r->path));
    } else {
        return AKIN_FAIL(r->err, AKIN_EUSAGE,
                         "'%s': database.engine is \"%s\", but must be "
                         "\"sqlite\", \"mariadb\" or \"mysql\"",
                         r->path, d->engine);
    }
    return AKIN_OK;
}

static akin_status config_settle_sqlite(config_reader *r)
{
    vector_database *db = &r->draft.config.database;
    char *path = db->database
                     ? config_resolve(r, db->database)
                     : text_format("%s.sqlite", r->draft.config.index_path);
    if (!path) return config_no_memory(r);
    mem_free(db->database);
    db->database = path;
    return AKIN_OK;
}

static akin_status config_missing(const config_reader *r, const char *key,
                                  const char *what)
{
    return AKIN_FAIL(r->err, AKIN_EUSAGE, "'%s': %s is missing: %s", r->path,
                     key, what);
}

static akin_status config_settle_server(config_reader *r)
{
    config_draft *d = &r->draft;
    vector_database *db = &d->config.database;
    if (!db->database)
        return config_missing(r, "database.database", "the name of the schema");
    if (!db->user)
        return config_missing(r, "database.user", "who connects");
    if (db->unix_socket && db->host && strcmp(db->host, "localhost") != 0)
        return AKIN_FAIL(r->err, AKIN_EUSAGE,
                         "'%s': database.unix_socket is '%s', but "
                         "database.host is '%s': a socket is on 'localhost'",
                         r->path, db->unix_socket, db->host);
    if (!db->host) db->host = mem_strdup("localhost");
    if (!db->host) return config_no_memory(r);
    db->port = (uint16_t)(d->port ? d->port : CONFIG_DEFAULT_PORT);
    if (d->tls != 1) return AKIN_OK;
    db->tls.required = d->tls_required != 0;
    db->tls.verify = d->tls_verify >= 0 ? d->tls_verify : db->tls.ca != NULL;
    return AKIN_OK;
}

/* Without a combinator, all folders that are given. */
static akin_status config_settle_parts(config_reader *r)
{
    config_draft *d = &r->draft;
    vector_config *c = &d->config;
    bool chosen = false, any = false, folders = false;
    for (size_t i = 0; i < VECTOR_MAX_PARTS; i++) {
        chosen = chosen || d->wanted[i] >= 0;
        any = any || d->wanted[i] == 1;
        folders = folders || d->folders[i];
    }
    if (!folders) return AKIN_OK;
    if (chosen && !any)
        return AKIN_FAIL(r->err, AKIN_EUSAGE,
                         "'%s': combinator is without a true: one of genre, "
                         "instrument and emotion at least must be",
                         r->path);
    for (size_t i = 0; i < VECTOR_MAX_PARTS; i++) {
        if (chosen && d->wanted[i] != 1) continue;
        if (!d->folders[i] && chosen)
            return AKIN_FAIL(r->err, AKIN_EUSAGE,
                             "'%s': combinator.%s is true, but "
                             "paths.embeddings_folder has no "
                             "%s_classification_embeddings",
                             r->path, config_parts[i], config_parts[i]);
        if (!d->folders[i]) continue;
        c->parts[c->n_parts++] = d->folders[i];
        d->folders[i] = NULL;
    }
    if (!c->vector_file) return AKIN_OK;
    return config_warn(r, text_format("'%s': paths.vector_file is not used, as "
                                      "there is paths.embeddings_folder",
                                      r->path));
}

static akin_status config_settle(config_reader *r)
{
    vector_config *c = &r->draft.config;
    if (!c->index_path)
        return config_missing(r, "paths.index_path", "the file of the index");
    if (!c->index_type) c->index_type = mem_strdup("FlatL2");
    if (!c->index_type) return config_no_memory(r);
    AKIN_TRY(config_settle_parts(r));
    AKIN_TRY(config_settle_engine(r));
    if (c->database.engine == VECTOR_SQLITE) return config_settle_sqlite(r);
    return config_settle_server(r);
}

/* ---- the whole ---------------------------------------------------------- */

static akin_status config_to_json(const char *text, size_t n, const char *path,
                                  json_t **out, akin_error *err)
{
    json_error_t problem;
    char *copy = mem_array(n + 1, 1);
    *out = NULL;
    if (!copy)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory: cannot read '%s'",
                         path);
    memcpy(copy, text, n);
    akin_status status = config_strip(copy, n, path, err);
    if (status == AKIN_OK) {
        *out = json_loadb(copy, n, JSON_REJECT_DUPLICATES, &problem);
        if (!*out)
            status = AKIN_FAIL(err, AKIN_EUSAGE, "'%s': line %d: %s", path,
                               problem.line, problem.text);
        else if (!json_is_object(*out))
            status = AKIN_FAIL(err, AKIN_EUSAGE,
                               "'%s' is not a configuration: {...}", path);
    }
    mem_free(copy);
    return status;
}

akin_status vector_config_parse(const char *text, size_t n, const char *path,
                                vector_config *out, akin_error *err)
{
    akin_status status = AKIN_OK;
    json_t *root = NULL;
    config_reader r = {.path = path, .err = err};
    config_draft *d = &r.draft;
    *out = (vector_config){0};
    d->tls = d->tls_required = d->tls_verify = -1;
    memset(d->wanted, -1, sizeof d->wanted);
    AKIN_TRYG(config_to_json(text, n, path, &root, err));
    r.folder = strchr(path, '/') ? file_parent(path) : mem_strdup("");
    if (!r.folder) status = config_no_memory(&r);
    if (status == AKIN_OK) status = config_read_object(&r, "", root);
    if (status == AKIN_OK) status = config_settle(&r);
done:
    json_decref(root);
    mem_free(r.folder);
    mem_free(d->engine);
    for (size_t i = 0; i < VECTOR_MAX_PARTS; i++) mem_free(d->folders[i]);
    if (status == AKIN_OK)
        *out = d->config;
    else
        vector_config_clear(&d->config);
    return status;
}

akin_status vector_config_load(const char *path, vector_config *out,
                               akin_error *err)
{
    char *text;
    size_t n;
    *out = (vector_config){0};
    AKIN_TRY(file_read(path, CONFIG_MAX_BYTES, &text, &n, err));
    akin_status status = vector_config_parse(text, n, path, out, err);
    mem_free(text);
    return status;
}

void vector_config_clear(vector_config *c)
{
    vector_database *db = &c->database;
    char *const owned[] = {db->database, db->host,       db->unix_socket,
                           db->user,     db->password,   db->tls.ca,
                           c->index_path, c->vector_file, c->index_type};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        mem_free(owned[i]);
    for (size_t i = 0; i < c->n_parts; i++) mem_free(c->parts[i]);
    for (size_t i = 0; i < c->n_warnings; i++) mem_free(c->warnings[i]);
    mem_free(c->warnings);
    *c = (vector_config){0};
}
