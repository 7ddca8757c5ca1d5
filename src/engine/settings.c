/* SPDX-License-Identifier: MIT
 * Settings as metadata rows: BirdNET-Analyzer's, hoplite's and akin's own. */
#include "engine/settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#define SETTINGS_ALL                                                           \
    (AKIN_SET_MODEL | AKIN_SET_OVERLAP | AKIN_SET_SPEED | AKIN_SET_FMIN |      \
     AKIN_SET_FMAX | AKIN_SET_MIN_LENGTH)

/* What has a meaning for sounds alone, and for pictures alone. */
#define SETTINGS_OF_SOUND (SETTINGS_ALL & ~(unsigned)AKIN_SET_MODEL)
#define SETTINGS_OF_IMAGE AKIN_SET_EVERY

#define SETTINGS_EVERY_S 1.0
#define SETTINGS_MAX_EVERY_S 86400.0

/* The widest vector we take from anyone's metadata. */
#define SETTINGS_MAX_DIM 65536

static akin_status settings_own(char **field, const char *text, akin_error *err)
{
    char *copy = mem_strdup(text ? text : "");
    if (!copy)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the settings");
    mem_free(*field);
    *field = copy;
    return AKIN_OK;
}

/* Points the public view at the owned texts. */
static void settings_link(settings *s)
{
    s->values.model = s->model;
    s->values.audio_root = s->audio_root;
}

static akin_status settings_blank(settings *s, akin_error *err)
{
    *s = (settings){.values = {.audio_speed = 1,
                               .fmax_hz = SETTINGS_FMAX_OFF_HZ,
                               .every_s = SETTINGS_EVERY_S}};
    AKIN_TRY(settings_own(&s->model, "", err));
    AKIN_TRY(settings_own(&s->identity, "", err));
    AKIN_TRY(settings_own(&s->audio_root, "", err));
    AKIN_TRY(settings_own(&s->folder, "", err));
    settings_link(s);
    return AKIN_OK;
}

void settings_clear(settings *s)
{
    mem_free(s->model);
    mem_free(s->identity);
    mem_free(s->audio_root);
    mem_free(s->folder);
    *s = (settings){0};
}

akin_status settings_set_audio_root(settings *s, const char *root,
                                    akin_error *err)
{
    /* Another system's root ("C:\\...") is kept as it is. */
    bool ours = *root && !strchr(root, '\\') && *root != '/';
    char *full = ours ? file_absolute(root) : NULL;
    akin_status status = settings_own(&s->audio_root, full ? full : root, err);
    mem_free(full);
    AKIN_TRY(status);
    settings_link(s);
    s->values.set |= AKIN_SET_AUDIO_ROOT;
    return AKIN_OK;
}

static window_plan settings_window_plan(const settings *s)
{
    return (window_plan){
        .rate_hz = s->rate_hz,
        .window_s = s->window_s,
        .overlap_s = s->values.overlap_s,
        .speed = s->values.audio_speed,
        .fmin_hz = s->values.fmin_hz,
        .fmax_hz = s->values.fmax_hz >= SETTINGS_FMAX_OFF_HZ
                       ? 0
                       : s->values.fmax_hz,
        .min_len_s = s->values.min_length_s,
    };
}

items_plan settings_plan(const settings *s, const model_input *input)
{
    items_plan plan = {.input = input, .every_s = s->values.every_s};
    if (!s->image) plan.window = settings_window_plan(s);
    plan.window.first_channel = input->first_channel;
    return plan;
}

/* ---- making ------------------------------------------------------------------- */

/* The values of `asked` that are in `which`. */
static void settings_take(settings *s, const akin_settings *asked,
                          unsigned which)
{
    akin_settings *v = &s->values;
    which &= asked->set;
    if (which & AKIN_SET_OVERLAP) v->overlap_s = asked->overlap_s;
    if (which & AKIN_SET_SPEED) v->audio_speed = asked->audio_speed;
    if (which & AKIN_SET_FMIN) v->fmin_hz = asked->fmin_hz;
    if (which & AKIN_SET_FMAX) v->fmax_hz = asked->fmax_hz;
    if (which & AKIN_SET_MIN_LENGTH) v->min_length_s = asked->min_length_s;
    if (which & AKIN_SET_EVERY) v->every_s = asked->every_s;
}

/* A value that means nothing to this kind of model was meant for another. */
static akin_status settings_check_kind(const settings *s,
                                       const akin_settings *asked,
                                       akin_error *err)
{
    if (s->image && (asked->set & SETTINGS_OF_SOUND))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "overlap, speed, band-pass and minimum length are for "
                         "sounds; model %s takes pictures",
                         s->model);
    if (!s->image && (asked->set & SETTINGS_OF_IMAGE))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a time between frames is for pictures; model %s "
                         "takes sounds",
                         s->model);
    return AKIN_OK;
}

static akin_status settings_check(const settings *s, akin_error *err)
{
    const akin_settings *v = &s->values;
    if (s->image) {
        if (v->every_s >= 0.001 && v->every_s <= SETTINGS_MAX_EVERY_S)
            return AKIN_OK;
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the time between frames must be 0.001 to %g s, not "
                         "%g",
                         SETTINGS_MAX_EVERY_S, v->every_s);
    }
    if (v->fmin_hz < 0 || v->fmax_hz > SETTINGS_FMAX_OFF_HZ ||
        v->fmin_hz >= v->fmax_hz)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the band-pass needs 0 <= fmin < fmax <= %d, not fmin "
                         "%d and fmax %d",
                         SETTINGS_FMAX_OFF_HZ, v->fmin_hz, v->fmax_hz);
    window_plan plan = settings_window_plan(s);
    return window_plan_check(&plan, err);
}

static akin_status settings_take_model(settings *s, const akin_model_info *info,
                                       akin_error *err)
{
    AKIN_TRY(settings_own(&s->model, info->name, err));
    AKIN_TRY(settings_own(&s->identity, info->identity, err));
    AKIN_TRY(settings_own(&s->folder, info->folder, err));
    settings_link(s);
    s->image = text_equal(info->modality, "image");
    s->dim = info->dim;
    s->rate_hz = info->rate_hz;
    s->window_s = info->window_s;
    return AKIN_OK;
}

static unsigned settings_all_of(const settings *s)
{
    return AKIN_SET_MODEL | (s->image ? SETTINGS_OF_IMAGE : SETTINGS_OF_SOUND);
}

akin_status settings_init(settings *s, const akin_settings *asked,
                          const akin_model_info *info, akin_error *err)
{
    AKIN_TRY(settings_blank(s, err));
    AKIN_TRY(settings_take_model(s, info, err));
    AKIN_TRY(settings_check_kind(s, asked, err));
    settings_take(s, asked, ~0u);
    s->values.set = settings_all_of(s);
    return settings_check(s, err);
}

akin_status settings_init_vectors(settings *s, const char *name, size_t dim,
                                  akin_error *err)
{
    AKIN_TRY(settings_blank(s, err));
    AKIN_TRY(settings_own(&s->model, name, err));
    settings_link(s);
    if (dim > SETTINGS_MAX_DIM)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "vectors of dimension %zu; a database takes up to %d",
                         dim, SETTINGS_MAX_DIM);
    s->dim = (uint32_t)dim;
    s->values.set = AKIN_SET_MODEL;
    return AKIN_OK;
}

akin_status settings_complete(settings *s, const akin_settings *asked,
                              const akin_model_info *info, bool *changed,
                              akin_error *err)
{
    unsigned missing = settings_all_of(s) & ~s->values.set;
    *changed = missing != 0 || !*s->identity;
    if (!*changed) return AKIN_OK;
    AKIN_TRY(settings_take_model(s, info, err));
    settings_take(s, asked, missing);
    s->values.set |= settings_all_of(s);
    return settings_check(s, err);
}

/* ---- reading --------------------------------------------------------------- */

/* The metadata object of a key; *out = NULL if it is absent or no object. */
static akin_status settings_object(store *from, const char *key, json_t **out,
                                   akin_error *err)
{
    char *text = NULL;
    *out = NULL;
    AKIN_TRY(store_get_metadata(from, key, &text, err));
    if (text && json_parse(text, strlen(text), key, out, NULL) == AKIN_OK &&
        !json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
    }
    mem_free(text);
    return AKIN_OK;
}

static void settings_get_number(const json_t *object, const char *key,
                                double low, double high, double *out)
{
    double value;
    if (json_get_double(object, key, &value) && value >= low && value <= high)
        *out = value;
}

static bool settings_get_int(const json_t *object, const char *key, int low,
                             int high, int *out)
{
    double value;
    if (!json_get_double(object, key, &value) || value < low || value > high)
        return false;
    *out = (int)lrint(value);
    return true;
}

static akin_status settings_read_birdnet(settings *s, const json_t *o,
                                         akin_error *err)
{
    akin_settings *v = &s->values;
    const char *root;
    if (!o) return AKIN_OK;
    if (settings_get_int(o, "BANDPASS_FMIN", 0, SETTINGS_FMAX_OFF_HZ,
                         &v->fmin_hz))
        v->set |= AKIN_SET_FMIN;
    if (settings_get_int(o, "BANDPASS_FMAX", 1, 1 << 24, &v->fmax_hz))
        v->set |= AKIN_SET_FMAX;
    double speed = 0;
    settings_get_number(o, "AUDIO_SPEED", 0.01, 100, &speed);
    if (speed > 0) {
        v->audio_speed = speed;
        v->set |= AKIN_SET_SPEED;
    }
    if (!*s->model) { /* BirdNET-Analyzer's one model, unless akin says else */
        AKIN_TRY(settings_own(&s->model, "birdnet-v2.4", err));
        s->rate_hz = 48000;
        s->window_s = 3;
    }
    if (json_get_text(o, "AUDIO_ROOT", &root) && *root)
        AKIN_TRY(settings_set_audio_root(s, root, err));
    return AKIN_OK;
}

static akin_status settings_read_akin(settings *s, const json_t *o,
                                      akin_error *err)
{
    akin_settings *v = &s->values;
    const char *text;
    if (!o) return AKIN_OK;
    if (json_get_text(o, "model", &text)) {
        AKIN_TRY(settings_own(&s->model, text, err));
        v->set |= AKIN_SET_MODEL;
    }
    if (json_get_text(o, "model_identity", &text))
        AKIN_TRY(settings_own(&s->identity, text, err));
    if (json_get_text(o, "model_folder", &text))
        AKIN_TRY(settings_own(&s->folder, text, err));
    s->image = json_get_text(o, "modality", &text) && text_equal(text, "image");
    if (s->image) {
        settings_get_number(o, "every_s", 0.001, SETTINGS_MAX_EVERY_S,
                            &v->every_s);
        v->set |= AKIN_SET_EVERY;
        return AKIN_OK;
    }
    double rate = 0;
    settings_get_number(o, "sample_rate", 1, 1e7, &rate);
    s->rate_hz = (uint32_t)rate;
    settings_get_number(o, "window_s", 1e-3, 1e4, &s->window_s);
    settings_get_number(o, "overlap_s", 0, 1e4, &v->overlap_s);
    settings_get_number(o, "min_length_s", 0, 1e4, &v->min_length_s);
    v->set |= AKIN_SET_OVERLAP | AKIN_SET_MIN_LENGTH;
    return AKIN_OK;
}

/* Perch's notebooks and OpenSoundscape say what made the vectors. */
static akin_status settings_read_others(settings *s, const json_t *perch,
                                        const json_t *soundscape,
                                        akin_error *err)
{
    const char *text;
    if (!*s->model && perch && json_get_text(perch, "model_key", &text)) {
        const json_t *inner = json_object_get(perch, "model_config");
        double rate = 0;
        settings_get_number(inner, "sample_rate", 1, 1e7, &rate);
        s->rate_hz = (uint32_t)rate;
        settings_get_number(inner, "window_size_s", 1e-3, 1e4, &s->window_s);
        AKIN_TRY(settings_own(&s->model, text, err));
    }
    if (!*s->model && soundscape &&
        json_get_text(soundscape, "model_id", &text)) {
        settings_get_number(soundscape, "sample_duration", 1e-3, 1e4,
                            &s->window_s);
        AKIN_TRY(settings_own(&s->model, text, err));
    }
    return AKIN_OK;
}

static akin_status settings_read_sources(settings *s, const json_t *sources,
                                         akin_error *err)
{
    const char *root;
    const json_t *globs = json_object_get(sources, "audio_globs");
    if (*s->audio_root || !json_get_text(json_array_get(globs, 0), "base_path",
                                         &root))
        return AKIN_OK;
    return settings_set_audio_root(s, root, err);
}

akin_status settings_load(settings *s, store *from, akin_error *err)
{
    enum { AKIN, BIRDNET, USEARCH, PERCH, SOUNDSCAPE, SOURCES, N };
    static const char *const keys[N] = {
        "akin_settings", "birdnet_analyzer_settings", "usearch_config",
        "model_config",  "model",                     "audio_sources"};
    json_t *o[N] = {0};
    akin_status status = settings_blank(s, err);
    for (int i = 0; i < N && status == AKIN_OK; i++)
        status = settings_object(from, keys[i], &o[i], err);
    if (status != AKIN_OK) goto done;
    AKIN_TRYG(settings_read_akin(s, o[AKIN], err));
    AKIN_TRYG(settings_read_others(s, o[PERCH], o[SOUNDSCAPE], err));
    AKIN_TRYG(settings_read_birdnet(s, o[BIRDNET], err));
    AKIN_TRYG(settings_read_sources(s, o[SOURCES], err));
    double dim = 0;
    settings_get_number(o[USEARCH], "embedding_dim", 1, SETTINGS_MAX_DIM, &dim);
    s->dim = (uint32_t)dim;
    settings_link(s);
done:
    for (int i = 0; i < N; i++) json_decref(o[i]);
    if (status != AKIN_OK) settings_clear(s);
    return status;
}

/* ---- writing ----------------------------------------------------------------- */

/* Takes over the object. */
static akin_status settings_put(store *to, const char *key, json_t *object,
                                akin_error *err)
{
    char *text = object ? json_to_text(object) : NULL;
    json_decref(object);
    if (!text)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the settings");
    akin_status status = store_set_metadata(to, key, text, err);
    mem_free(text);
    return status;
}

/* Sets the members of object in the row that is there, whose others stay. */
static akin_status settings_put_members(store *to, const char *key,
                                        json_t *object, akin_error *err)
{
    json_t *had = NULL;
    akin_status status = settings_object(to, key, &had, err);
    if (status == AKIN_OK && !had) had = json_object();
    if (status == AKIN_OK && object && json_object_update(had, object) == 0)
        status = settings_put(to, key, json_incref(had), err);
    else if (status == AKIN_OK)
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the settings");
    json_decref(had);
    json_decref(object);
    return status;
}

/* A row that is there is someone's own. */
static akin_status settings_put_new(store *to, const char *key, json_t *object,
                                    akin_error *err)
{
    json_t *had = NULL;
    akin_status status = settings_object(to, key, &had, err);
    bool there = had != NULL;
    json_decref(had);
    if (status == AKIN_OK && !there)
        return settings_put(to, key, object, err);
    json_decref(object);
    return status;
}

/* Perch's list of where the sound is: our root goes into its first entry. */
static akin_status settings_put_sources(const settings *s, store *to,
                                        akin_error *err)
{
    json_t *had = NULL;
    AKIN_TRY(settings_object(to, "audio_sources", &had, err));
    json_t *first = json_array_get(json_object_get(had, "audio_globs"), 0);
    if (first && json_object_set_new(first, "base_path",
                                     json_text(s->audio_root)) == 0)
        return settings_put(to, "audio_sources", had, err);
    json_decref(had);
    return settings_put(
        to, "audio_sources",
        json_pack("{s:[{s:s, s:o, s:s, s:f, s:i, s:n, s:n}]}", "audio_globs",
                  "dataset_name", "akin", "base_path", json_text(s->audio_root),
                  "file_glob", "*", "min_audio_len_s", s->values.min_length_s,
                  "target_sample_rate_hz", -2, "shard_len_s",
                  "max_shards_per_file"),
        err);
}

/* akin's own row: what the others' rows have no place for. */
static json_t *settings_akin_row(const settings *s)
{
    const akin_settings *v = &s->values;
    json_t *row = s->image
        ? json_pack("{s:s, s:f}", "modality", "image", "every_s", v->every_s)
        : json_pack("{s:i, s:f, s:f, s:f}", "sample_rate", (int)s->rate_hz,
                    "window_s", s->window_s, "overlap_s", v->overlap_s,
                    "min_length_s", v->min_length_s);
    json_object_set_new(row, "model", json_text(s->model));
    json_object_set_new(row, "model_identity", json_text(s->identity));
    if (*s->folder)
        json_object_set_new(row, "model_folder", json_text(s->folder));
    return row;
}

akin_status settings_save(const settings *s, store *to, akin_error *err)
{
    const akin_settings *v = &s->values;
    AKIN_TRY(settings_put_new(
        to, "usearch_config",
        json_pack("{s:s, s:I, s:i, s:i, s:s}", "dtype", "float16",
                  "embedding_dim", (json_int_t)s->dim, "expansion_add", 256,
                  "expansion_search", 128, "metric_name", "IP"),
        err));
    AKIN_TRY(settings_put_members(
        to, "birdnet_analyzer_settings",
        json_pack("{s:i, s:i, s:f, s:o}", "BANDPASS_FMIN", v->fmin_hz,
                  "BANDPASS_FMAX", v->fmax_hz, "AUDIO_SPEED", v->audio_speed,
                  "AUDIO_ROOT", json_text(s->audio_root)),
        err));
    AKIN_TRY(settings_put_members(to, "akin_settings", settings_akin_row(s),
                                  err));
    /* For Perch's notebooks: what made the vectors. */
    AKIN_TRY(settings_put_new(
        to, "model_config",
        json_pack("{s:s, s:i, s:{s:f, s:f, s:i}, s:n, s:n}", "model_key",
                  s->model, "embedding_dim", (int)s->dim, "model_config",
                  "window_size_s", s->window_s, "hop_size_s",
                  s->window_s - v->overlap_s, "sample_rate", (int)s->rate_hz,
                  "logits_key", "logits_idxes"),
        err));
    return settings_put_sources(s, to, err);
}

/* ---- comparing ------------------------------------------------------------------ */

static akin_status settings_differ(const char *name, const char *stored,
                                   const char *asked, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ESETTINGS,
                     "this database was made with %s %s, not %s; leave the "
                     "option out to use the stored value, or choose another "
                     "database",
                     name, stored, asked);
}

static akin_status settings_same_number(const char *name, bool wanted,
                                        double stored, double asked,
                                        akin_error *err)
{
    if (!wanted || fabs(stored - asked) <= 1e-9) return AKIN_OK;
    char a[32], b[32];
    text_from_double(stored, a);
    text_from_double(asked, b);
    return settings_differ(name, a, b, err);
}

static akin_status settings_same_hz(const char *name, bool wanted, int stored,
                                    int asked, akin_error *err)
{
    if (!wanted || stored == asked) return AKIN_OK;
    char a[32], b[32];
    snprintf(a, sizeof a, "%d", stored);
    snprintf(b, sizeof b, "%d", asked);
    return settings_differ(name, a, b, err);
}

akin_status settings_match(const settings *s, const akin_settings *asked,
                           akin_error *err)
{
    const akin_settings *v = &s->values;
    unsigned both = asked->set & (v->set | AKIN_SET_MODEL);
    if (*s->model) AKIN_TRY(settings_check_kind(s, asked, err));
    if ((both & AKIN_SET_MODEL) && !text_equal(s->model, asked->model))
        return settings_differ("model", *s->model ? s->model : "(unknown)",
                               asked->model, err);
    AKIN_TRY(settings_same_number("overlap", both & AKIN_SET_OVERLAP,
                                  v->overlap_s, asked->overlap_s, err));
    AKIN_TRY(settings_same_number("audio speed", both & AKIN_SET_SPEED,
                                  v->audio_speed, asked->audio_speed, err));
    AKIN_TRY(settings_same_hz("fmin", both & AKIN_SET_FMIN, v->fmin_hz,
                              asked->fmin_hz, err));
    AKIN_TRY(settings_same_hz("fmax", both & AKIN_SET_FMAX, v->fmax_hz,
                              asked->fmax_hz, err));
    AKIN_TRY(settings_same_number("time between frames", both & AKIN_SET_EVERY,
                                  v->every_s, asked->every_s, err));
    return settings_same_number("minimum length", both & AKIN_SET_MIN_LENGTH,
                                v->min_length_s, asked->min_length_s, err);
}

akin_status settings_match_vectors(const settings *s, const char *path,
                                   const char *name, size_t dim,
                                   akin_error *err)
{
    if (s->dim != dim)
        return AKIN_FAIL(err, AKIN_ESETTINGS,
                         "'%s' has vectors of dimension %u, these have %zu; "
                         "choose another database",
                         path, s->dim, dim);
    if (text_equal(s->model, name)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ESETTINGS,
                     "'%s' has vectors of model %s, these are said to be of "
                     "%s; vectors of two models cannot be compared: name the "
                     "model that made them, or choose another database",
                     path, *s->model ? s->model : "(unknown)", name);
}

akin_status settings_compatible(const settings *a, const char *a_path,
                                const settings *b, const char *b_path,
                                akin_error *err)
{
    if (!text_equal(a->model, b->model) ||
        !text_equal(a->identity, b->identity) || a->dim != b->dim)
        return AKIN_FAIL(err, AKIN_ESETTINGS,
                         "'%s' has vectors of model %s (%u wide), '%s' of %s "
                         "(%u): they cannot be searched together",
                         a_path, *a->model ? a->model : "(unknown)", a->dim,
                         b_path, *b->model ? b->model : "(unknown)", b->dim);
    const akin_settings *u = &a->values, *v = &b->values;
    if (u->audio_speed != v->audio_speed || u->fmin_hz != v->fmin_hz ||
        u->fmax_hz != v->fmax_hz)
        return AKIN_FAIL(err, AKIN_ESETTINGS,
                         "'%s' was made with speed %g and band %d - %d Hz, "
                         "'%s' with speed %g and band %d - %d Hz: they cannot "
                         "be searched together",
                         a_path, u->audio_speed, u->fmin_hz, u->fmax_hz, b_path,
                         v->audio_speed, v->fmin_hz, v->fmax_hz);
    return AKIN_OK;
}
