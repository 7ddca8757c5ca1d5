/* SPDX-License-Identifier: MIT
 * What turns a window, a picture or a text into a vector: one interface over
 * the built-in models and those that ONNX Runtime runs.
 *
 * A model is opened by its card alone; its graphs, which may be hundreds of
 * megabytes, are loaded when something is embedded: the text tower is not
 * loaded for pictures, nor the image tower for a text. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "akin/akin.h"
#include "base/error.h"
#include "media/image_tensor.h"
#include "media/log_mel.h"
#include "media/resize.h"
#include "media/types.h"

typedef struct model model;
typedef struct model_session model_session;

typedef enum model_kind { MODEL_SOUND, MODEL_IMAGE } model_kind;

/* What enters a model, of one window or picture, and how it is made out of
 * samples or pixels; engine/items.h makes it. */
typedef struct model_input {
    model_kind kind;
    size_t n_floats; /* of one item, as model_embed takes it */
    /* Sounds: a window of samples, or its log-mel patch [frames, bands]. */
    uint32_t rate_hz;
    double window_s;
    bool first_channel; /* mono is the first channel, not the mean of all */
    media_normalize normalize; /* of each window by itself */
    double peak;
    bool is_log_mel;
    log_mel_spec mel;
    /* Images: an RGB picture resized, then [3, height, width] or
     * [height, width, 3]. */
    resize_spec resize;
    image_tensor_spec tensor;
} model_input;

/* Opens a model by name: NULL is `mel`; a built-in one; that of a folder if the
 * name has a '/'; else FOLDER/NAME of the first of opt's folders that has it.
 * AKIN_EMODEL says how to get what is not here. opt (NULL: defaults) is copied.
 * A model is shared by threads. */
akin_status model_open(const char *name, const akin_model_options *opt,
                       model **out, akin_error *err) AKIN_NODISCARD;
void model_close(model *m);

const akin_model_info *model_get_info(const model *m);
const model_input *model_get_input(const model *m);

/* Name of class i < info->n_classes. */
const char *model_class(const model *m, size_t i);

/* true if a run of several items costs less than runs of one each. */
bool model_wants_batches(const model *m);

typedef enum model_part { MODEL_MEDIA, MODEL_TEXT } model_part;

/* Loads the graph of a part, if that is not done; thread-safe. Embedding does
 * it too: this is for learning early that it cannot be done. AKIN_EMODEL: no
 * runtime, a damaged graph, tensors that are not as the card says, no text
 * tower. */
akin_status model_load(model *m, model_part part, akin_error *err)
    AKIN_NODISCARD;

/* What the user should know after the loading, such as that CUDA is not there;
 * "" if nothing. */
const char *model_notice(const model *m);

/* Tells of each tensor of a loaded part: "input", its name, "float32
 * [?, 144000]", and what it is for ("windows", "embedding", "not used"). */
typedef struct model_tensor {
    const char *graph, *direction, *name, *description, *use;
} model_tensor;
void model_each_tensor(const model *m, model_part part,
                       void (*visit)(void *user, const model_tensor *tensor),
                       void *user);

/* What one thread needs to run the model. Loads MODEL_MEDIA. */
akin_status model_session_open(model *m, model_session **out, akin_error *err)
    AKIN_NODISCARD;
void model_session_close(model_session *session);

/* From any thread: the running call and later ones end with AKIN_ECANCELLED. */
void model_session_cancel(model_session *session);

/* items [n, input.n_floats] -> vectors [n, dim] and, unless NULL, scores
 * [n, n_classes] after the card's activation. Any n: graphs of a fixed batch
 * are run as often as it takes. */
akin_status model_embed(model_session *session, const float *items, size_t n,
                        float *vectors, float *scores, akin_error *err)
    AKIN_NODISCARD;

/* One text -> vector [dim], not normalised unless the graph does it. Loads
 * MODEL_TEXT. Thread-safe. */
akin_status model_embed_text(model *m, const char *text, float *vector,
                             akin_error *err) AKIN_NODISCARD;

/* Visits the built-in models, then each model in opt's folders, by name. A
 * folder whose card is wrong is visited with info->name and `problem`. */
akin_status model_each(const akin_model_options *opt,
                       bool (*visit)(void *user, const akin_model_info *info,
                                     const char *problem),
                       void *user, akin_error *err) AKIN_NODISCARD;

#endif
