/* SPDX-License-Identifier: MIT
 * engine/settings: the metadata of every program that writes hoplite
 * databases, nonsense in it, comparing, and saving beside what others wrote. */
#include "engine/settings.h"

#include "akin/akin.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "db_files.h"
#include "store_help.h"
#include "test.h"

#define MAX_KEYS 4

typedef struct metadata {
    const char *key, *json;
} metadata;

static store *open_store(void)
{
    return help_open(help_path("s.sqlite"), STORE_CREATE);
}

static void put(store *s, const char *key, const char *json)
{
    akin_error e = {0};
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_set_metadata(s, key, json, &e), e);
    CHECK_OK(store_commit(s, &e), e);
}

static void save(const settings *s, store *to)
{
    akin_error e = {0};
    CHECK_OK(store_begin(to, &e), e);
    CHECK_OK(settings_save(s, to, &e), e);
    CHECK_OK(store_commit(to, &e), e);
}

/* One number or text of a metadata row, by a path of keys; "" if absent. */
static const char *get(store *s, const char *key, const char *path)
{
    static char out[256];
    char *text = NULL;
    json_t *object = NULL;
    char name[64];
    CHECK_STATUS(store_get_metadata(s, key, &text, NULL), AKIN_OK);
    out[0] = 0;
    if (!text) return out;
    CHECK_STATUS(json_parse(text, strlen(text), key, &object, NULL), AKIN_OK);
    const json_t *at = object;
    for (const char *p = path; *p && at;) {
        size_t n = strcspn(p, "/");
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        at = json_is_array(at) ? json_array_get(at, (size_t)(*name - '0'))
                               : json_object_get(at, name);
        p += n + (p[n] == '/');
    }
    if (json_is_string(at))
        snprintf(out, sizeof out, "%s", json_string_value(at));
    else if (json_is_number(at))
        snprintf(out, sizeof out, "%g", json_number_value(at));
    else if (json_is_null(at))
        snprintf(out, sizeof out, "null");
    json_decref(object);
    mem_free(text);
    return out;
}

/* ---- reading ------------------------------------------------------------- */

enum {
    SIGNAL = AKIN_SET_SPEED | AKIN_SET_FMIN | AKIN_SET_FMAX,
    CUTTING = AKIN_SET_MODEL | AKIN_SET_OVERLAP | AKIN_SET_MIN_LENGTH,
};

static const struct {
    metadata rows[MAX_KEYS];
    unsigned set;
    const char *model;
    uint32_t dim, rate_hz;
    double window_s, speed, overlap_s;
    int fmin_hz, fmax_hz;
    const char *root;
} programs[] = {
    /* No one has said anything. */
    {.speed = 1, .fmax_hz = 15000, .model = "", .root = ""},
    /* BirdNET-Analyzer. */
    {.rows = {{"usearch_config", "{\"dtype\": \"float16\", \"embedding_dim\": "
               "1024, \"expansion_add\": 256, \"expansion_search\": 128, "
               "\"metric_name\": \"IP\"}"},
              {"birdnet_analyzer_settings",
               "{\"BANDPASS_FMIN\": 50, \"BANDPASS_FMAX\": 12000, "
               "\"AUDIO_SPEED\": 0.5, \"AUDIO_ROOT\": \"/data/\\u00fc\"}"}},
     .set = SIGNAL | AKIN_SET_AUDIO_ROOT, .model = "birdnet-v2.4", .dim = 1024,
     .rate_hz = 48000, .window_s = 3, .speed = 0.5, .fmin_hz = 50,
     .fmax_hz = 12000, .root = "/data/\xc3\xbc"},
    /* The same before it stored its root; speed as an integer. */
    {.rows = {{"birdnet_analyzer_settings",
               "{\"BANDPASS_FMIN\": 0, \"BANDPASS_FMAX\": 15000, "
               "\"AUDIO_SPEED\": 1}"}},
     .set = SIGNAL, .model = "birdnet-v2.4", .rate_hz = 48000, .window_s = 3,
     .speed = 1, .fmax_hz = 15000, .root = ""},
    /* Perch's notebooks; NaN and Infinity as Python writes them. */
    {.rows = {{"usearch_config", "{\"embedding_dim\": 1536}"},
              {"model_config",
               "{\"model_key\": \"perch_v2\", \"embedding_dim\": 1536, "
               "\"model_config\": {\"window_size_s\": 5.0, \"hop_size_s\": 5.0, "
               "\"sample_rate\": 32000, \"logit_slope\": NaN, \"x\": "
               "-Infinity}, \"logits_key\": null}"},
              {"audio_sources",
               "{\"audio_globs\": [{\"dataset_name\": \"a\", \"base_path\": "
               "\"/sounds\"}, {\"base_path\": \"/other\"}]}"}},
     .set = AKIN_SET_AUDIO_ROOT, .model = "perch_v2", .dim = 1536,
     .rate_hz = 32000, .window_s = 5, .speed = 1, .fmax_hz = 15000,
     .root = "/sounds"},
    /* OpenSoundscape. */
    {.rows = {{"model", "{\"model_id\": \"HawkEars\", \"sample_duration\": 3.0}"}},
     .model = "HawkEars", .window_s = 3, .speed = 1, .fmax_hz = 15000,
     .root = ""},
    /* akin's own words go before the others'. */
    {.rows = {{"akin_settings",
               "{\"model\": \"mel\", \"model_identity\": \"x\", "
               "\"sample_rate\": 24000, \"window_s\": 2.5, \"overlap_s\": 0.5, "
               "\"min_length_s\": 0.25}"},
              {"birdnet_analyzer_settings",
               "{\"BANDPASS_FMIN\": 1, \"BANDPASS_FMAX\": 2, "
               "\"AUDIO_SPEED\": 2.0}"},
              {"model_config", "{\"model_key\": \"other\"}"}},
     .set = SIGNAL | CUTTING, .model = "mel", .rate_hz = 24000, .window_s = 2.5,
     .speed = 2, .overlap_s = 0.5, .fmin_hz = 1, .fmax_hz = 2, .root = ""},
    /* Nonsense is passed over. */
    {.rows = {{"usearch_config", "{\"embedding_dim\": -5}"},
              {"birdnet_analyzer_settings",
               "{\"BANDPASS_FMIN\": -1, \"BANDPASS_FMAX\": \"high\", "
               "\"AUDIO_SPEED\": NaN, \"AUDIO_ROOT\": 7}"},
              {"model_config", "[1, 2]"},
              {"audio_sources", "{\"audio_globs\": {\"a\": 1}}"}},
     .model = "birdnet-v2.4", .rate_hz = 48000, .window_s = 3, .speed = 1,
     .fmax_hz = 15000, .root = ""},
    {.rows = {{"usearch_config", "{\"embedding_dim\": 1e300}"},
              {"birdnet_analyzer_settings", "not json"},
              {"model_config", "{\"model_key\": 5, \"model_config\": null}"},
              {"akin_settings", "{\"model\": null, \"window_s\": 1e99, "
                                "\"sample_rate\": -3, \"overlap_s\": \"x\"}"}},
     .set = AKIN_SET_OVERLAP | AKIN_SET_MIN_LENGTH, .speed = 1,
     .fmax_hz = 15000, .model = "", .root = ""},
    {.rows = {{"usearch_config", "{\"embedding_dim\": 0}"},
              {"birdnet_analyzer_settings",
               "{\"AUDIO_SPEED\": 0, \"BANDPASS_FMAX\": 24000}"}},
     .set = AKIN_SET_FMAX, .model = "birdnet-v2.4", .rate_hz = 48000,
     .window_s = 3, .speed = 1, .fmax_hz = 24000, .root = ""},
};

static void every_programs_metadata_is_understood(void)
{
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        settings got = {0};
        akin_error e = {0};
        store *s = open_store();
        for (size_t k = 0; k < MAX_KEYS && programs[i].rows[k].key; k++)
            put(s, programs[i].rows[k].key, programs[i].rows[k].json);
        CHECK_OK(settings_load(&got, s, &e), e);
        CHECK_EQ_INT(got.values.set, programs[i].set);
        CHECK_EQ_TEXT(got.model, programs[i].model);
        CHECK_EQ_INT(got.dim, programs[i].dim);
        CHECK_EQ_INT(got.rate_hz, programs[i].rate_hz);
        CHECK_NEAR(got.window_s, programs[i].window_s, 0);
        CHECK_NEAR(got.values.audio_speed, programs[i].speed, 0);
        CHECK_NEAR(got.values.overlap_s, programs[i].overlap_s, 0);
        CHECK_EQ_INT(got.values.fmin_hz, programs[i].fmin_hz);
        CHECK_EQ_INT(got.values.fmax_hz, programs[i].fmax_hz);
        CHECK_EQ_TEXT(got.audio_root, programs[i].root);
        CHECK(got.values.model == got.model);
        CHECK(got.values.audio_root == got.audio_root);
        settings_clear(&got);
        store_close(s);
        file_remove(help_path("s.sqlite"));
    }
}

/* ---- comparing ----------------------------------------------------------- */

static const akin_model_info info = {.name = "mel", .identity = "id-1",
                                     .dim = 64, .rate_hz = 48000,
                                     .window_s = 3};

static settings init(const akin_settings *asked)
{
    settings s = {0};
    akin_error e = {0};
    CHECK_OK(settings_init(&s, asked, &info, &e), e);
    return s;
}

static void a_difference_names_both_values(void)
{
    static const struct {
        akin_settings asked;
        const char *words; /* NULL: the same */
    } rows[] = {
        {{.set = 0, .overlap_s = 9, .fmin_hz = 9}, NULL},
        {{.set = AKIN_SET_OVERLAP, .overlap_s = 1}, NULL},
        {{.set = AKIN_SET_AUDIO_ROOT, .audio_root = "/elsewhere"}, NULL},
        {{.set = AKIN_SET_MODEL, .model = "mel"}, NULL},
        {{.set = AKIN_SET_MODEL, .model = "tint"}, "model mel, not tint"},
        {{.set = AKIN_SET_OVERLAP, .overlap_s = 1.5}, "overlap 1.0, not 1.5"},
        {{.set = AKIN_SET_SPEED, .audio_speed = 0.1},
         "audio speed 0.5, not 0.1"},
        {{.set = AKIN_SET_FMIN, .fmin_hz = 0}, "fmin 200, not 0"},
        {{.set = AKIN_SET_FMAX, .fmax_hz = 9000},
         "fmax 15000, not 9000"},
        {{.set = AKIN_SET_MIN_LENGTH, .min_length_s = 1},
         "minimum length 0.0, not 1.0"},
    };
    akin_settings made = {.set = AKIN_SET_OVERLAP | AKIN_SET_SPEED |
                                 AKIN_SET_FMIN,
                          .overlap_s = 1, .audio_speed = 0.5, .fmin_hz = 200};
    settings s = init(&made);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        akin_error e = {0};
        CHECK_STATUS(settings_match(&s, &rows[i].asked, &e),
                     rows[i].words ? AKIN_ESETTINGS : AKIN_OK);
        if (rows[i].words && !strstr(e.text, rows[i].words))
            test_fail(__FILE__, __LINE__, "no '%s' in: %s", rows[i].words,
                      e.text);
    }
    settings_clear(&s);
}

static void vectors_of_two_kinds_are_not_searched_together(void)
{
    static const akin_settings plain = {.set = 0};
    static const akin_settings slow = {.set = AKIN_SET_SPEED,
                                       .audio_speed = 0.5};
    static const akin_settings dense = {.set = AKIN_SET_OVERLAP,
                                        .overlap_s = 2};
    akin_error e = {0};
    settings a = init(&plain), b = init(&slow), c = init(&dense);
    CHECK_OK(settings_compatible(&a, "a", &c, "c", &e), e);
    CHECK_STATUS(settings_compatible(&a, "a", &b, "b", &e), AKIN_ESETTINGS);
    CHECK(strstr(e.text, "'a' was made with speed 1") != NULL);
    CHECK(strstr(e.text, "'b' with speed 0.5") != NULL);
    c.dim = 65;
    CHECK_STATUS(settings_compatible(&a, "a", &c, "c", &e), AKIN_ESETTINGS);
    CHECK(strstr(e.text, "(64 wide)") && strstr(e.text, "(65)"));
    settings_clear(&a);
    settings_clear(&b);
    settings_clear(&c);
}

static void nonsense_is_refused(void)
{
    static const akin_settings rows[] = {
        {.set = AKIN_SET_FMIN, .fmin_hz = -1},
        {.set = AKIN_SET_FMIN, .fmin_hz = 15000},
        {.set = AKIN_SET_FMAX, .fmax_hz = 15001},
        {.set = AKIN_SET_OVERLAP, .overlap_s = 3},
        {.set = AKIN_SET_OVERLAP, .overlap_s = (double)NAN},
        {.set = AKIN_SET_SPEED, .audio_speed = (double)NAN},
        {.set = AKIN_SET_SPEED, .audio_speed = 1000},
        {.set = AKIN_SET_MIN_LENGTH, .min_length_s = -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        settings s = {0};
        akin_error e = {0};
        if (settings_init(&s, &rows[i], &info, &e) != AKIN_EUSAGE || !*e.text)
            test_fail(__FILE__, __LINE__, "row %zu: %s", i, e.text);
        settings_clear(&s);
    }
}

static const akin_model_info picture_info = {
    .name = "tiny", .identity = "id-2", .modality = "image",
    .folder = "/models/tiny", .dim = 8, .width = 32, .height = 32};

static void pictures_have_settings_of_their_own(void)
{
    akin_error e = {0};
    settings s = {0}, got = {0};
    akin_settings asked = {.set = AKIN_SET_EVERY, .every_s = 2.5};
    akin_settings band = {.set = AKIN_SET_FMIN, .fmin_hz = 100};
    akin_settings never = {.set = AKIN_SET_EVERY, .every_s = 0};
    CHECK_STATUS(settings_init(&s, &band, &picture_info, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "model tiny takes pictures") != NULL);
    settings_clear(&s);
    CHECK_STATUS(settings_init(&s, &never, &picture_info, &e), AKIN_EUSAGE);
    settings_clear(&s);
    CHECK_STATUS(settings_init(&s, &asked, &info, &e), AKIN_EUSAGE);
    settings_clear(&s);
    CHECK_OK(settings_init(&s, &asked, &picture_info, &e), e);
    store *to = open_store();
    save(&s, to);
    CHECK_OK(settings_load(&got, to, &e), e);
    CHECK(got.image);
    CHECK_EQ_INT(got.dim, 8);
    CHECK_EQ_TEXT(got.folder, "/models/tiny");
    CHECK_NEAR(got.values.every_s, 2.5, 0);
    asked.every_s = 1;
    CHECK_STATUS(settings_match(&got, &asked, &e), AKIN_ESETTINGS);
    CHECK(strstr(e.text, "time between frames 2.5, not 1.0") != NULL);
    settings_clear(&s);
    settings_clear(&got);
    store_close(to);
}

/* BirdNET-Analyzer does not store the overlap, nor which file its model was. */
static void what_others_leave_out_is_filled_in(void)
{
    akin_error e = {0};
    bool changed;
    store *from = open_store();
    CHECK_OK(store_begin(from, &e), e);
    CHECK_OK(store_set_metadata(from, "birdnet_analyzer_settings",
                                "{\"BANDPASS_FMIN\": 0, \"BANDPASS_FMAX\": "
                                "15000, \"AUDIO_SPEED\": 0.5}", &e), e);
    CHECK_OK(store_commit(from, &e), e);
    settings s = {0};
    akin_settings asked = {.set = AKIN_SET_OVERLAP | AKIN_SET_SPEED,
                           .overlap_s = 1, .audio_speed = 2};
    akin_model_info birds = info;
    birds.name = "birdnet-v2.4";
    CHECK_OK(settings_load(&s, from, &e), e);
    CHECK_OK(settings_complete(&s, &asked, &birds, &changed, &e), e);
    CHECK(changed);
    CHECK_EQ_TEXT(s.model, "birdnet-v2.4");
    CHECK_EQ_TEXT(s.identity, "id-1");
    CHECK_NEAR(s.values.overlap_s, 1, 0);
    CHECK_NEAR(s.values.audio_speed, 0.5, 0); /* stored: not to be changed */
    CHECK_OK(settings_complete(&s, &asked, &birds, &changed, &e), e);
    CHECK(!changed);
    settings_clear(&s);
    store_close(from);
}

/* ---- saving -------------------------------------------------------------- */

static void what_is_saved_is_loaded(void)
{
    akin_error e = {0};
    akin_settings asked = {
        .set = AKIN_SET_OVERLAP | AKIN_SET_SPEED | AKIN_SET_FMIN |
               AKIN_SET_FMAX | AKIN_SET_MIN_LENGTH,
        .overlap_s = 0.1, .audio_speed = 1.0 / 3, .fmin_hz = 150,
        .fmax_hz = 9000, .min_length_s = 0.7};
    store *s = open_store();
    settings made = init(&asked), got = {0};
    CHECK_OK(settings_set_audio_root(&made, "/data/\"q\" \xff", &e), e);
    save(&made, s);
    CHECK_OK(settings_load(&got, s, &e), e);
    CHECK_OK(settings_match(&got, &made.values, &e), e);
    CHECK_EQ_TEXT(got.identity, "id-1");
    CHECK_EQ_INT(got.dim, 64);
    CHECK_EQ_INT(got.rate_hz, 48000);
    CHECK_NEAR(got.values.audio_speed, 1.0 / 3, 0);
    CHECK_EQ_TEXT(get(s, "usearch_config", "dtype"), "float16");
    CHECK_EQ_TEXT(get(s, "usearch_config", "metric_name"), "IP");
    CHECK_EQ_TEXT(get(s, "birdnet_analyzer_settings", "BANDPASS_FMIN"), "150");
    CHECK_EQ_TEXT(get(s, "model_config", "model_config/hop_size_s"), "2.9");
    settings_clear(&got);
    settings_clear(&made);
    store_close(s);
}

/* A moved audio root must not cost Perch its model's settings. */
static void what_others_wrote_is_kept(void)
{
    akin_error e = {0};
    settings got = {0};
    store *s = open_store();
    for (size_t k = 0; k < 3; k++)
        put(s, programs[3].rows[k].key, programs[3].rows[k].json);
    put(s, "birdnet_analyzer_settings",
        "{\"BANDPASS_FMIN\": 3, \"SIG_LENGTH\": 3.0}");
    put(s, "usearch_config", "{\"embedding_dim\": 1536, \"dtype\": \"float16\", "
                             "\"expansion_add\": 999}");
    CHECK_OK(settings_load(&got, s, &e), e);
    CHECK_OK(settings_set_audio_root(&got, "/moved", &e), e);
    save(&got, s);
    CHECK_EQ_TEXT(get(s, "usearch_config", "expansion_add"), "999");
    CHECK_EQ_TEXT(get(s, "model_config", "model_config/hop_size_s"), "5");
    CHECK_EQ_TEXT(get(s, "model_config", "model_config/sample_rate"), "32000");
    CHECK_EQ_TEXT(get(s, "birdnet_analyzer_settings", "SIG_LENGTH"), "3");
    CHECK_EQ_TEXT(get(s, "birdnet_analyzer_settings", "BANDPASS_FMIN"), "3");
    CHECK_EQ_TEXT(get(s, "birdnet_analyzer_settings", "AUDIO_ROOT"), "/moved");
    CHECK_EQ_TEXT(get(s, "audio_sources", "audio_globs/0/dataset_name"), "a");
    CHECK_EQ_TEXT(get(s, "audio_sources", "audio_globs/0/base_path"), "/moved");
    CHECK_EQ_TEXT(get(s, "audio_sources", "audio_globs/1/base_path"), "/other");
    settings_clear(&got);
    CHECK_OK(settings_load(&got, s, &e), e);
    CHECK_EQ_TEXT(got.model, "perch_v2");
    CHECK_NEAR(got.window_s, 5, 0);
    CHECK_EQ_TEXT(got.audio_root, "/moved");
    settings_clear(&got);
    store_close(s);
}

static void an_old_database_is_left_as_it_is(void)
{
    akin_error e = {0};
    akin_db *db = NULL;
    akin_db_options opt = {.mode = AKIN_CREATE};
    CHECK_OK(file_make_dirs(db_path("db"), &e), e);
    help_sql(db_path("db/hoplite.sqlite"),
             "CREATE TABLE hoplite_sources (id INTEGER PRIMARY KEY, dataset "
             "STRING NOT NULL, source STRING NOT NULL);"
             "CREATE TABLE hoplite_embeddings (id INTEGER PRIMARY KEY, "
             "source_idx INTEGER NOT NULL, offsets BLOB NOT NULL);"
             "CREATE TABLE hoplite_metadata (key STRING PRIMARY KEY, data "
             "STRING NOT NULL);"
             "CREATE TABLE hoplite_labels (id INTEGER PRIMARY KEY, embedding_id "
             "INTEGER NOT NULL, label STRING NOT NULL, type INT NOT NULL, "
             "provenance STRING NOT NULL);"
             "INSERT INTO hoplite_sources VALUES (1, 'd', 'a.wav');"
             "INSERT INTO hoplite_embeddings VALUES (1, 1, "
             "x'000000000000404000')");
    CHECK_STATUS(akin_open(db_path("db"), &opt, &db, &e), AKIN_EUNSUPPORTED);
    CHECK(strstr(e.text, "db") != NULL);
    CHECK(!file_exists(db_path("db/akin.lock")));
    CHECK(!file_exists(db_path("db/usearch.index")));
    CHECK_OK(akin_open(db_path("db"), NULL, &db, &e), e);
    akin_close(db);
}

const test_case test_settings_cases[] = {
    {"settings/every_programs_metadata_is_understood",
     every_programs_metadata_is_understood},
    {"settings/a_difference_names_both_values", a_difference_names_both_values},
    {"settings/vectors_of_two_kinds_are_not_searched_together",
     vectors_of_two_kinds_are_not_searched_together},
    {"settings/pictures_have_settings_of_their_own",
     pictures_have_settings_of_their_own},
    {"settings/what_others_leave_out_is_filled_in",
     what_others_leave_out_is_filled_in},
    {"settings/nonsense_is_refused", nonsense_is_refused},
    {"settings/what_is_saved_is_loaded", what_is_saved_is_loaded},
    {"settings/what_others_wrote_is_kept", what_others_wrote_is_kept},
    {"settings/an_old_database_is_left_as_it_is",
     an_old_database_is_left_as_it_is},
    {0},
};
