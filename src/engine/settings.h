/* SPDX-License-Identifier: MIT
 * The settings of a database: read from the metadata of every program that
 * writes hoplite databases, written for all of them, compared. */
#ifndef ENGINE_SETTINGS_H
#define ENGINE_SETTINGS_H

#include <stdbool.h>

#include "akin/akin.h"
#include "engine/items.h"
#include "model/model.h"
#include "store/store.h"

/* The upper edge at which BirdNET-Analyzer's band-pass is off. */
#define SETTINGS_FMAX_OFF_HZ 15000

typedef struct settings {
    akin_settings values; /* with every field valid; texts owned below */
    char *model;          /* "" if unknown */
    char *identity;       /* "" if unknown */
    char *audio_root;     /* "" if unknown */
    char *folder;         /* where the model was; "" if it is known by name */
    bool image;           /* pictures and frames, not windows of sound */
    uint32_t dim;         /* 0 if unknown */
    uint32_t rate_hz;     /* 0 if unknown */
    double window_s;      /* 0 if unknown */
} settings;

/* Defaults for a new database of this model, with those of `asked` that are
 * set. AKIN_EUSAGE if they make no sense. */
akin_status settings_init(settings *s, const akin_settings *asked,
                          const akin_model_info *info, akin_error *err)
    AKIN_NODISCARD;
void settings_clear(settings *s);

/* For a new database of vectors that were not made here: `name` is what made
 * them, in somebody's words. AKIN_ELIMIT if they are too wide. */
akin_status settings_init_vectors(settings *s, const char *name, size_t dim,
                                  akin_error *err) AKIN_NODISCARD;

/* Fills in what a database that another program made does not say: from
 * `asked`, else the defaults, and of the model. *changed tells whether there was
 * something to fill in. */
akin_status settings_complete(settings *s, const akin_settings *asked,
                              const akin_model_info *info, bool *changed,
                              akin_error *err) AKIN_NODISCARD;

/* What the database's metadata says; unknown things stay unknown. */
akin_status settings_load(settings *s, store *from, akin_error *err)
    AKIN_NODISCARD;

/* Writes all metadata rows (in the open write transaction). */
akin_status settings_save(const settings *s, store *to, akin_error *err)
    AKIN_NODISCARD;

/* Takes over another audio root (owned copy). */
akin_status settings_set_audio_root(settings *s, const char *root,
                                    akin_error *err) AKIN_NODISCARD;

/* AKIN_ESETTINGS naming the first field of `asked` that differs, both values
 * and what to do; audio_root is not compared. */
akin_status settings_match(const settings *s, const akin_settings *asked,
                           akin_error *err) AKIN_NODISCARD;

/* AKIN_ESETTINGS unless vectors of both can be compared in one search. */
akin_status settings_compatible(const settings *a, const char *a_path,
                                const settings *b, const char *b_path,
                                akin_error *err) AKIN_NODISCARD;

/* AKIN_ESETTINGS unless vectors of dimension dim, made by what is called
 * `name`, may stand beside those of the database at `path`. */
akin_status settings_match_vectors(const settings *s, const char *path,
                                   const char *name, size_t dim,
                                   akin_error *err) AKIN_NODISCARD;

/* How media become the model's input. Only with a known rate and window. */
items_plan settings_plan(const settings *s, const model_input *input);

#endif
