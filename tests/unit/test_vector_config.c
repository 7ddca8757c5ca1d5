/* SPDX-License-Identifier: MIT
 * store/vector_config: configurations as users have them, and each thing that
 * can be wrong with one. */
#define _GNU_SOURCE
#include "store/vector_config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "test.h"

/* As the module's users have it. */
static const char seed[] =
    "{\n"
    "    \"database\": {\n"
    "        \"user\": \"root\",\n"
    "        \"password\": \"p@ss:w/o%rd\",\n"
    "        \"host\": \"localhost\",\n"
    "        \"port\": \"3306\",\n"
    "        \"database\": \"songs\"\n"
    "    },\n"
    "    \"paths\": {\n"
    "        \"vector_file\": \"data/vectors.npy\",\n"
    "        \"index_path\": \"index/faiss_index.index\"\n"
    "    },\n"
    "    \"faiss\": {\n"
    "        \"dimension\": 128,\n"
    "        \"index_type\": \"FlatL2\" // or \"IVFFlat\"\n"
    "    }\n"
    "}\n";

static akin_status parse(const char *text, vector_config *c, akin_error *e)
{
    return vector_config_parse(text, strlen(text), "no/config.json", c, e);
}

/* The warnings, joined by '|'. */
static const char *warnings(const vector_config *c)
{
    static char text[2048];
    text[0] = 0;
    for (size_t i = 0; i < c->n_warnings; i++) {
        if (i) strcat(text, "|");
        strcat(text, c->warnings[i]);
    }
    return text;
}

static void the_modules_own_is_read(void)
{
    vector_config c;
    akin_error e = {0};
    CHECK_OK(parse(seed, &c, &e), e);
    CHECK(c.database.engine == VECTOR_MARIADB);
    CHECK_EQ_TEXT(c.database.user, "root");
    CHECK_EQ_TEXT(c.database.password, "p@ss:w/o%rd");
    CHECK_EQ_TEXT(c.database.host, "localhost");
    CHECK_EQ_INT(c.database.port, 3306);
    CHECK_EQ_TEXT(c.database.database, "songs");
    CHECK(!c.database.tls.required && !c.database.tls.verify);
    CHECK_EQ_TEXT(c.vector_file, "no/data/vectors.npy");
    CHECK_EQ_TEXT(c.index_path, "no/index/faiss_index.index");
    CHECK_EQ_INT(c.part_dim, 128);
    CHECK_EQ_TEXT(c.index_type, "FlatL2");
    CHECK(c.nlist == 0 && c.nprobe == 0 && c.ef == 0 && c.n_parts == 0);
    CHECK_EQ_TEXT(warnings(&c), "");
    vector_config_clear(&c);
    vector_config_clear(&c);
}

static void comments_commas_and_marks_are_taken(void)
{
    vector_config c;
    akin_error e = {0};
    CHECK_OK(parse("\xef\xbb\xbf/* a */ { // b }\n"
                   "\"paths\": {\"index_path\": \"/a//b/*c*/\\\"//\", /**/ },"
                   "\"faiss\": {\"nlist\": 16, \"nprobe\": 2.0, \"ef\": 64,"
                   "  \"dimension\": null\n, // d\n } /* , */ , }",
                   &c, &e), e);
    CHECK_EQ_TEXT(c.index_path, "/a//b/*c*/\"//");
    CHECK(c.nlist == 16 && c.nprobe == 2 && c.ef == 64 && c.part_dim == 0);
    vector_config_clear(&c);
}

static void without_a_server_it_is_sqlite(void)
{
    static const struct {
        const char *block, *file;
    } cases[] = {
        {"", "no/i.faiss.sqlite"},
        {"\"database\": {},", "no/i.faiss.sqlite"},
        {"\"database\": null,", "no/i.faiss.sqlite"},
        {"\"database\": {\"engine\": \"sqlite\"},", "no/i.faiss.sqlite"},
        {"\"database\": {\"database\": \"m.db\"},", "no/m.db"},
        {"\"database\": {\"engine\": \"sqlite\", \"database\": \"/m.db\"},",
         "/m.db"},
    };
    akin_error e = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        vector_config c;
        snprintf(text, sizeof text,
                 "{%s \"paths\": {\"index_path\": \"i.faiss\"}}",
                 cases[i].block);
        CHECK_OK(parse(text, &c, &e), e);
        CHECK(c.database.engine == VECTOR_SQLITE);
        CHECK_EQ_TEXT(c.database.database, cases[i].file);
        CHECK_EQ_TEXT(c.index_type, "FlatL2");
        CHECK_EQ_TEXT(warnings(&c), "");
        vector_config_clear(&c);
    }
}

static void parse_server(const char *rest, vector_config *c)
{
    char text[1024];
    akin_error e = {0};
    snprintf(text, sizeof text,
             "{\"database\": {\"user\": \"u\", \"database\": \"d\", %s},"
             " \"paths\": {\"index_path\": \"i\"}}",
             rest);
    CHECK_OK(parse(text, c, &e), e);
}

static void servers_and_tls_are_read(void)
{
    vector_config c;
    parse_server("\"port\": 3307, \"engine\": \"mysql\", \"host\": \"h\"", &c);
    CHECK(c.database.engine == VECTOR_MARIADB && c.database.port == 3307);
    CHECK(!c.database.password && !c.database.tls.required);
    vector_config_clear(&c);
    parse_server("\"engine\": \"mariadb\", \"password\": \"\","
                 " \"unix_socket\": \"s.sock\"", &c);
    CHECK_EQ_TEXT(c.database.host, "localhost");
    CHECK_EQ_TEXT(c.database.unix_socket, "no/s.sock");
    CHECK_EQ_TEXT(c.database.password, "");
    CHECK_EQ_INT(c.database.port, 3306);
    vector_config_clear(&c);
    parse_server("\"tls\": true", &c);
    CHECK(c.database.tls.required && !c.database.tls.verify);
    vector_config_clear(&c);
    parse_server("\"tls\": false", &c);
    CHECK(!c.database.tls.required && !c.database.tls.verify);
    vector_config_clear(&c);
    parse_server("\"tls\": {\"ca\": \"ca.pem\"}", &c);
    CHECK(c.database.tls.required && c.database.tls.verify);
    CHECK_EQ_TEXT(c.database.tls.ca, "no/ca.pem");
    vector_config_clear(&c);
    parse_server("\"tls\": {\"ca\": \"/ca.pem\", \"verify\": false,"
                 " \"required\": false}", &c);
    CHECK(!c.database.tls.required && !c.database.tls.verify);
    vector_config_clear(&c);
}

static void parts_follow_the_combinator(void)
{
    static const char folders[] =
        "\"embeddings_folder\": {"
        "\"emotion_classification_embeddings\": \"/e\","
        "\"genre_classification_embeddings\": \"/g\","
        "\"instrument_classification_embeddings\": \"/i\"}";
    static const struct {
        const char *combinator, *parts;
    } cases[] = {
        {"{\"genre\": true, \"instrument\": false, \"emotion\": false}", "/g"},
        {"{\"genre\": true, \"instrument\": true}", "/g/i"},
        {"{\"emotion\": true, \"genre\": true}", "/g/e"},
        {"{}", "/g/i/e"},
        {"null", "/g/i/e"},
    };
    akin_error e = {0};
    vector_config c;
    char text[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char parts[64] = "";
        snprintf(text, sizeof text,
                 "{\"paths\": {%s, \"index_path\": \"i\"}, \"combinator\": %s}",
                 folders, cases[i].combinator);
        CHECK_OK(parse(text, &c, &e), e);
        for (size_t k = 0; k < c.n_parts; k++) strcat(parts, c.parts[k]);
        CHECK_EQ_TEXT(parts, cases[i].parts);
        vector_config_clear(&c);
    }
    snprintf(text, sizeof text,
             "{\"paths\": {%s, \"index_path\": \"i\", \"vector_file\": \"v\"}}",
             folders);
    CHECK_OK(parse(text, &c, &e), e);
    CHECK(strstr(warnings(&c), "paths.vector_file is not used"));
    vector_config_clear(&c);
}

static void unknown_keys_are_warnings(void)
{
    vector_config c;
    akin_error e = {0};
    CHECK_OK(parse("{\"paths\": {\"index_path\": \"i\", \"indexpath\": 3},"
                   " \"Faiss\": {\"x\": 1}, \"database\": {\"engine\":"
                   " \"sqlite\", \"port\": 1, \"tls\": {\"key\": 0}}}", &c, &e),
             e);
    CHECK_EQ_TEXT(warnings(&c),
                  "'no/config.json': paths.indexpath is not a key that akin "
                  "knows|'no/config.json': Faiss is not a key that akin knows|"
                  "'no/config.json': database.tls.key is not a key that akin "
                  "knows|'no/config.json': database.engine is \"sqlite\", "
                  "which uses only database.database");
    vector_config_clear(&c);
}

static void what_is_wrong_is_named(void)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "line 1:"},
        {"{\n\n/* a\n */ \"a\": }", "line 4:"},
        {"{\n\"a\": 1 // b\n, /* c", "line 3: a comment without an end"},
        {"{\n// \" \n\"a\" \"b\"}", "line 3:"},
        {"{\"a\": [,]}", "line 1:"},
        {"{\"a\": [1,,]}", "line 1:"},
        {"{,}", "line 1:"},
        {"{\"a\": 1,\n \"a\": 2}", "line 2: duplicate object key"},
        {"[]", "is not a configuration"},
        {"{}", "paths.index_path is missing"},
        {"{\"paths\": {\"index_path\": \"\"}}",
         "paths.index_path is \"\", but must be a text that is not empty"},
        {"{\"paths\": [1]}", "paths is [1], but must be an object"},
        {"{\"paths\": {\"vector_file\": 3}}", "paths.vector_file is 3, but"},
        {"{\"faiss\": {\"dimension\": \"128\"}}",
         "faiss.dimension is \"128\", but must be a whole number from 1 to"},
        {"{\"faiss\": {\"dimension\": 0}}", "faiss.dimension is 0, but"},
        {"{\"faiss\": {\"dimension\": 1e300}}", "faiss.dimension is 1"},
        {"{\"faiss\": {\"nprobe\": 1.5}}", "faiss.nprobe is 1.5, but"},
        {"{\"faiss\": {\"nlist\": -1}}", "faiss.nlist is -1, but"},
        {"{\"faiss\": {\"index_type\": 1}}", "faiss.index_type is 1, but"},
        {"{\"database\": {\"port\": \"33O6\"}}",
         "database.port is \"33O6\", but must be a whole number from 1 to "
         "65535"},
        {"{\"database\": {\"port\": 65536}}", "database.port is 65536, but"},
        {"{\"database\": {\"tls\": \"yes\"}}", "database.tls is \"yes\", but"},
        {"{\"database\": {\"tls\": {\"verify\": 1}}}",
         "database.tls.verify is 1, but must be true or false"},
        {"{\"paths\": {\"index_path\": \"i\"},"
         " \"database\": {\"engine\": \"oracle\"}}",
         "database.engine is \"oracle\", but must be"},
        {"{\"paths\": {\"index_path\": \"i\"}, \"database\": {\"user\": \"u\"}"
         "}", "database.database is missing"},
        {"{\"paths\": {\"index_path\": \"i\"}, \"database\": {\"host\": \"h\","
         "\"database\": \"d\"}}", "database.user is missing"},
        {"{\"paths\": {\"index_path\": \"i\"}, \"database\": {\"host\": \"h\","
         "\"database\": \"d\", \"user\": \"u\", \"unix_socket\": \"/s\"}}",
         "a socket is on 'localhost'"},
        {"{\"combinator\": {\"genre\": \"yes\"}}", "combinator.genre is \"yes"},
        {"{\"combinator\": {\"genre\": false}, \"paths\": {\"index_path\":"
         "\"i\", \"embeddings_folder\": {\"genre_classification_embeddings\":"
         "\"g\"}}}", "combinator is without a true"},
        {"{\"combinator\": {\"emotion\": true}, \"paths\": {\"index_path\":"
         "\"i\", \"embeddings_folder\": {\"genre_classification_embeddings\":"
         "\"g\"}}}", "has no emotion_classification_embeddings"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vector_config c;
        akin_error e = {0};
        CHECK_STATUS(parse(cases[i].text, &c, &e), AKIN_EUSAGE);
        CHECK(strstr(e.text, "'no/config.json'"));
        if (!strstr(e.text, cases[i].said))
            test_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"",
                      cases[i].said, e.text);
        CHECK(!c.index_path && !c.warnings);
    }
}

static void a_password_is_never_shown(void)
{
    vector_config c;
    akin_error e = {0};
    CHECK_STATUS(parse("{\"database\": {\"password\": 12345}}", &c, &e),
                 AKIN_EUSAGE);
    CHECK(strstr(e.text, "database.password") && !strstr(e.text, "123"));
}

/* Beside the file first, then in the current directory. */
static void relative_paths_have_a_rule(void)
{
    char dir[512], old[4096], path[600];
    vector_config c;
    akin_error e = {0};
    snprintf(dir, sizeof dir, "%s", test_dir());
    CHECK(getcwd(old, sizeof old) != NULL && chdir(dir) == 0);
    CHECK(mkdir("sub", 0777) == 0 && mkdir("here", 0777) == 0);
    CHECK(mkdir("both", 0777) == 0 && mkdir("sub/both", 0777) == 0);
    FILE *f = fopen("sub/config.json", "w");
    fputs("{\"paths\": {\"index_path\": \"new\", \"vector_file\": \"both\","
          "\"embeddings_folder\": {\"genre_classification_embeddings\":"
          "\"here\"}}}", f);
    fclose(f);
    snprintf(path, sizeof path, "%s/sub/config.json", dir);
    CHECK_OK(vector_config_load(path, &c, &e), e);
    CHECK_EQ_TEXT(c.parts[0], "here");
    snprintf(path, sizeof path, "%s/sub/both", dir);
    CHECK_EQ_TEXT(c.vector_file, path);
    snprintf(path, sizeof path, "%s/sub/new", dir);
    CHECK_EQ_TEXT(c.index_path, path);
    vector_config_clear(&c);
    CHECK(chdir("sub") == 0);
    CHECK_OK(vector_config_load("config.json", &c, &e), e);
    CHECK_EQ_TEXT(c.index_path, "new");
    vector_config_clear(&c);
    CHECK_STATUS(vector_config_load("none.json", &c, &e), AKIN_ENOTFOUND);
    CHECK(chdir(old) == 0);
}

static void failing_memory_is_reported(void)
{
    akin_error e = {0};
    bool pending = false;
    for (int64_t n = 1; !pending && n < 300; n++) {
        vector_config c;
        mem_fail_at(n);
        akin_status status = parse(seed, &c, &e);
        pending = mem_fail_pending();
        mem_fail_at(0);
        CHECK(status == (pending ? AKIN_OK : AKIN_ENOMEM));
        vector_config_clear(&c);
    }
    CHECK(pending);
}

const test_case test_vector_config_cases[] = {
    {"vector_config/the_modules_own_is_read", the_modules_own_is_read},
    {"vector_config/comments_commas_and_marks_are_taken",
     comments_commas_and_marks_are_taken},
    {"vector_config/without_a_server_it_is_sqlite",
     without_a_server_it_is_sqlite},
    {"vector_config/servers_and_tls_are_read", servers_and_tls_are_read},
    {"vector_config/parts_follow_the_combinator", parts_follow_the_combinator},
    {"vector_config/unknown_keys_are_warnings", unknown_keys_are_warnings},
    {"vector_config/what_is_wrong_is_named", what_is_wrong_is_named},
    {"vector_config/a_password_is_never_shown", a_password_is_never_shown},
    {"vector_config/relative_paths_have_a_rule", relative_paths_have_a_rule},
    {"vector_config/failing_memory_is_reported", failing_memory_is_reported},
    {0},
};
