/* SPDX-License-Identifier: MIT
 * Opens a graph of windows or pictures and finds out how it wants to be run.
 *
 * Cards say little about shapes, and exporters differ: one graph takes
 * [n, 144000], another [n, 1, 144000], a third [144000]. So the layouts that
 * are in use are tried against the input, and what comes out is measured, by a
 * run on silence where the graph itself does not tell. */
#include "model/model_graph.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/model_labels.h"
#include "model/model_port.h"
#include "model/onnx_patch.h"
#include "model/onnx_runtime.h"

enum {
    ANY = -1, /* the axis of the batch in a layout */
    MAX_RUN_FLOATS = 1 << 24
};

/* Opening one graph. */
typedef struct graph_scan {
    const model_graph_plan *plan;
    model_graph *graph;
    const char *path;      /* inside the folder */
    const char *role;      /* of its input */
    const card_tensor *input, *embedding;
    char *features; /* the inner tensor that is exposed, or NULL */
    akin_error *err;
} graph_scan;

static bool is_sound(const graph_scan *scan)
{
    return scan->plan->card->modality == CARD_SOUND;
}

/* ---- the file ---- */

static akin_status open_runtime(const akin_model_options *places,
                                const onnx_runtime **out, akin_error *err)
{
    const onnx_places where = {.path = places->runtime,
                               .folders = places->runtime_folders,
                               .n_folders = places->n_runtime_folders};
    return onnx_runtime_open(&where, out, err);
}

akin_status model_graph_load(const model_graph_plan *plan, const char *path,
                             const onnx_options *options, onnx_model **out,
                             akin_error *err)
{
    const onnx_runtime *runtime = NULL;
    onnx_options all = *options;
    AKIN_TRY(open_runtime(plan->places, &runtime, err));
    all.n_threads = 1;
    all.device = plan->places->device == AKIN_CUDA ? ONNX_CUDA : ONNX_CPU;
    char *full = file_join(plan->folder, path);
    if (!full) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = onnx_model_open(runtime, full, &all, out, err);
    mem_free(full);
    return status;
}

/* The name of what enters the last Gemm. Looked for here, and not by
 * onnx_model_open, because it may be an output already. */
static akin_status find_features(graph_scan *scan)
{
    int64_t width = 0;
    akin_status status = AKIN_OK;
    file_map map = {0};
    const char *of = scan->plan->card->sound.scores.name;
    char *full = file_join(scan->plan->folder, scan->path);
    if (!full)
        return AKIN_FAIL(scan->err, AKIN_ENOMEM, "out of memory for a path");
    AKIN_TRYG(file_map_open(&map, full, scan->err));
    AKIN_TRYG(onnx_patch_find_features(map.data, map.n, *of ? of : NULL,
                                       &scan->features, &width, scan->err));
done:
    file_map_close(&map);
    mem_free(full);
    return status;
}

static akin_status load_graph(graph_scan *scan)
{
    onnx_options options = {0};
    if (scan->embedding->before_last_gemm) AKIN_TRY(find_features(scan));
    options.expose = scan->features;
    return model_graph_load(scan->plan, scan->path, &options,
                            &scan->graph->model, scan->err);
}

/* ---- the input ---- */

typedef struct graph_layout {
    size_t n_axes;
    int64_t shape[4]; /* ANY: the batch, only in front */
} graph_layout;

static bool layout_fits(const graph_layout *layout, const onnx_port *port)
{
    if (layout->n_axes != port->n_axes) return false;
    for (size_t i = 0; i < layout->n_axes; i++)
        if (layout->shape[i] != ANY && port->shape[i] >= 0 &&
            port->shape[i] != layout->shape[i])
            return false;
    return true;
}

enum { MAX_LAYOUTS = 4 };

/* The layouts in use, the likeliest first; how many there are. */
static size_t list_layouts(const graph_scan *scan, graph_layout *out)
{
    const model_card *card = scan->plan->card;
    const int64_t n = card->sound.window_samples;
    const int64_t t = card->sound.mel.frames, f = card->sound.mel.bands;
    const int64_t h = card->image.height, w = card->image.width;
    const graph_layout waves[] = {
        {2, {ANY, n}}, {3, {ANY, 1, n}}, {3, {ANY, n, 1}}, {1, {n}}};
    const graph_layout patches[] = {{3, {ANY, t, f}},
                                    {4, {ANY, 1, t, f}},
                                    {4, {ANY, t, f, 1}},
                                    {2, {t, f}}};
    const graph_layout planes[] = {{4, {ANY, 3, h, w}}, {3, {3, h, w}}};
    const graph_layout pixels[] = {{4, {ANY, h, w, 3}}, {3, {h, w, 3}}};
    const graph_layout *from = waves;
    size_t n_layouts = MAX_LAYOUTS;
    if (is_sound(scan) && card->sound.input_kind == CARD_INPUT_LOG_MEL)
        from = patches;
    if (!is_sound(scan)) {
        from = card->image.order == CARD_ORDER_NCHW ? planes : pixels;
        n_layouts = 2;
    }
    memcpy(out, from, n_layouts * sizeof *out);
    return n_layouts;
}

static akin_status refuse_input(const graph_scan *scan,
                                const graph_layout *wanted)
{
    char found[ONNX_DESCRIPTION], shape[ONNX_DESCRIPTION];
    onnx_port_describe(scan->graph->input, found);
    onnx_shape_describe(wanted->shape, wanted->n_axes, shape, sizeof shape);
    return AKIN_FAIL(scan->err, AKIN_EMODEL,
                     "the input '%s' of '%s' is %s; the %s of its card are %s",
                     scan->graph->input->name, scan->path, found, scan->role,
                     shape);
}

static akin_status find_layout(graph_scan *scan)
{
    model_graph *g = scan->graph;
    graph_layout layouts[MAX_LAYOUTS];
    size_t n = list_layouts(scan, layouts);
    for (size_t i = 0; i < n; i++) {
        const graph_layout *layout = &layouts[i];
        if (!layout_fits(layout, g->input)) continue;
        memcpy(g->shape, layout->shape, sizeof layout->shape);
        g->has_batch = layout->shape[0] == ANY;
        return AKIN_OK;
    }
    return refuse_input(scan, &layouts[0]);
}

akin_status model_graph_batch(const onnx_port *input, uint32_t of_card,
                              const char *path, size_t *out, akin_error *err)
{
    int64_t of_graph = input->shape[0];
    if (of_graph > CARD_MAX_BATCH)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s' wants %lld items a run; at most %d can be given",
                         path, (long long)of_graph, CARD_MAX_BATCH);
    if (of_graph > 0 && of_card && of_graph != of_card)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s' wants %lld items a run; its card says %u", path,
                         (long long)of_graph, of_card);
    *out = of_graph > 0 ? (size_t)of_graph : of_card;
    return AKIN_OK;
}

static akin_status find_batch(graph_scan *scan)
{
    model_graph *g = scan->graph;
    const model_card *card = scan->plan->card;
    uint32_t of_card = is_sound(scan) ? card->sound.batch : card->image.batch;
    g->batch = 1;
    if (g->has_batch)
        AKIN_TRY(model_graph_batch(g->input, of_card, scan->path, &g->batch,
                                   scan->err));
    g->max_run = g->batch;
    if (g->batch) return AKIN_OK;
    g->max_run = MAX_RUN_FLOATS / g->n_floats;
    if (g->max_run > MODEL_GRAPH_MAX_RUN) g->max_run = MODEL_GRAPH_MAX_RUN;
    if (!g->max_run) g->max_run = 1;
    return AKIN_OK;
}

/* Bytes are fed as such, so the card must not ask for anything else. */
static akin_status check_pixels(const graph_scan *scan)
{
    const image_tensor_spec *spec = &scan->plan->tensor;
    if (scan->graph->input->type != ONNX_U8) return AKIN_OK;
    for (int i = 0; i < 3; i++)
        if (spec->mean[i] != 0 || spec->std[i] != 1.0f / 255)
            return AKIN_FAIL(scan->err, AKIN_EMODEL,
                             "the input '%s' of '%s' takes uint8; its card "
                             "must say \"scale\": false, \"mean\": 0 and "
                             "\"std\": 1",
                             scan->graph->input->name, scan->path);
    return AKIN_OK;
}

static akin_status find_input(graph_scan *scan)
{
    model_graph *g = scan->graph;
    const onnx_model *m = g->model;
    const port_query query = {
        .graph = scan->path,
        .role = "input",
        .tensor = scan->input,
        .numbers = is_sound(scan) ? PORT_FLOATS : PORT_PIXELS,
        .min_rank = is_sound(scan) ? 1 : 3,
        .max_rank = 4,
    };
    AKIN_TRY(port_find(&query, m->inputs, m->n_inputs, &g->input, scan->err));
    for (size_t i = 0; i < m->n_inputs; i++)
        if (&m->inputs[i] != g->input)
            return AKIN_FAIL(scan->err, AKIN_EMODEL,
                             "'%s' wants an input '%s', too; akin has only %s "
                             "for it",
                             scan->path, m->inputs[i].name, scan->role);
    AKIN_TRY(find_layout(scan));
    AKIN_TRY(find_batch(scan));
    return check_pixels(scan);
}

/* ---- the outputs ---- */

static const char *const usual_embeddings[] = {"embedding", "embeddings",
                                               "image_embeds",
                                               "pooler_output", NULL};

static akin_status find_embedding(graph_scan *scan)
{
    model_graph *g = scan->graph;
    const port_query query = {
        .graph = scan->path,
        .role = "embedding",
        .tensor = scan->embedding,
        .usual = usual_embeddings,
        .min_rank = 2,
        .max_rank = 2,
        .n_last = scan->plan->card->dim,
    };
    if (!scan->features)
        return port_find(&query, g->model->outputs, g->model->n_outputs,
                         &g->embedding, scan->err);
    const char *wanted = scan->embedding->name;
    if (*wanted && !text_equal(wanted, scan->features))
        return AKIN_FAIL(scan->err, AKIN_EMODEL,
                         "before the last Gemm of '%s' is '%s', not the '%s' "
                         "of its card",
                         scan->path, scan->features, wanted);
    g->embedding = onnx_model_output(g->model, scan->features);
    g->is_exposed = true;
    if (g->embedding) return AKIN_OK;
    return AKIN_FAIL(scan->err, AKIN_EMODEL, "'%s' does not give out its '%s'",
                     scan->path, scan->features);
}

static akin_status find_scores(graph_scan *scan)
{
    model_graph *g = scan->graph;
    const port_query query = {
        .graph = scan->path,
        .role = "scores",
        .tensor = &scan->plan->card->sound.scores,
        .min_rank = 2,
        .max_rank = 2,
        .n_last = g->n_classes,
        .taken = g->embedding,
    };
    if (!g->n_classes) return AKIN_OK;
    return port_find(&query, g->model->outputs, g->model->n_outputs, &g->scores,
                     scan->err);
}

/* One run, of which only the shapes are wanted. */
static akin_status run_for_shapes(graph_scan *scan, onnx_output outputs[2])
{
    model_graph *g = scan->graph;
    float *silence = NULL;
    size_t n = g->batch ? g->batch : 1, size = 0;
    if (!mem_mul(n, g->n_floats, &size))
        return AKIN_FAIL(scan->err, AKIN_ELIMIT, "'%s' takes too much a run",
                         scan->path);
    AKIN_TRY(mem_new_array(size, sizeof *silence, "a model", (void **)&silence,
                           scan->err)); /* zeros, of any type */
    onnx_input input = {.name = g->input->name,
                        .type = g->input->type == ONNX_U8 ? ONNX_U8 : ONNX_F32,
                        .data = silence,
                        .n_axes = g->input->n_axes};
    memcpy(input.shape, g->shape, sizeof input.shape);
    if (g->has_batch) input.shape[0] = (int64_t)n;
    onnx_call call = {.inputs = &input,
                      .n_inputs = 1,
                      .outputs = outputs,
                      .n_outputs = g->scores ? 2 : 1};
    akin_status status = onnx_run(g->model, &call, scan->err);
    mem_free(silence);
    return status;
}

static akin_status refuse_embedding(const graph_scan *scan,
                                    const onnx_output *found)
{
    char shape[ONNX_DESCRIPTION], wanted[32] = "one row of";
    size_t dim = scan->graph->dim;
    onnx_shape_describe(found->shape, found->n_axes, shape, sizeof shape);
    if (dim) snprintf(wanted, sizeof wanted, "%zu", dim);
    return AKIN_FAIL(scan->err, AKIN_EMODEL,
                     "the embedding '%s' of '%s' is %s; its card wants %s "
                     "numbers an item",
                     found->name, scan->path, shape, wanted);
}

static akin_status refuse_scores(const graph_scan *scan,
                                 const onnx_output *found)
{
    char shape[ONNX_DESCRIPTION];
    onnx_shape_describe(found->shape, found->n_axes, shape, sizeof shape);
    return AKIN_FAIL(scan->err, AKIN_EMODEL,
                     "the scores '%s' of '%s' are %s; '%s' names %zu classes",
                     found->name, scan->path, shape,
                     scan->plan->card->sound.labels.path,
                     scan->graph->n_classes);
}

static onnx_output output_of(const onnx_port *port)
{
    onnx_output out = {.name = port->name, .n_axes = port->n_axes};
    memcpy(out.shape, port->shape, sizeof out.shape);
    return out;
}

/* *size = 0: not told. false: it is no single row. */
static bool measure_output(const onnx_output *out, size_t max, size_t *size)
{
    *size = 0;
    return !out->n_axes || port_row_size(out->shape, out->n_axes, max, size);
}

/* The sizes that the ports tell, or that a run tells. What a graph declares is
 * not trusted further than this: onnx_run counts the numbers of each run. */
static akin_status measure_outputs(graph_scan *scan)
{
    model_graph *g = scan->graph;
    size_t dim = 0, n_classes = 0;
    onnx_output outs[2] = {output_of(g->embedding)};
    if (g->scores) outs[1] = output_of(g->scores);
    bool dim_ok = measure_output(&outs[0], CARD_MAX_DIM, &dim);
    bool classes_ok = measure_output(&outs[1], MODEL_MAX_CLASSES, &n_classes);
    if ((dim_ok && !dim) || (g->scores && classes_ok && !n_classes)) {
        AKIN_TRY(run_for_shapes(scan, outs));
        dim_ok = measure_output(&outs[0], CARD_MAX_DIM, &dim);
        classes_ok = measure_output(&outs[1], MODEL_MAX_CLASSES, &n_classes);
    }
    if (!dim_ok || !dim || (g->dim && dim != g->dim))
        return refuse_embedding(scan, &outs[0]);
    if (!classes_ok || n_classes != g->n_classes)
        return refuse_scores(scan, &outs[1]);
    g->dim = dim;
    return AKIN_OK;
}

/* ---- open and close ---- */

static akin_status scan_graph(graph_scan *scan)
{
    AKIN_TRY(load_graph(scan));
    AKIN_TRY(find_input(scan));
    AKIN_TRY(find_embedding(scan));
    AKIN_TRY(find_scores(scan));
    return measure_outputs(scan);
}

static void scan_card(graph_scan *scan)
{
    const model_card *card = scan->plan->card;
    const card_sound *sound = &card->sound;
    const card_image *picture = &card->image;
    bool patches = sound->input_kind == CARD_INPUT_LOG_MEL;
    scan->path = is_sound(scan) ? sound->model : picture->model;
    scan->role = !is_sound(scan) ? "pictures" : patches ? "patches" : "windows";
    scan->input = is_sound(scan) ? &sound->input : &picture->input;
    scan->embedding = is_sound(scan) ? &sound->embedding : &picture->embedding;
}

akin_status model_graph_open(const model_graph_plan *plan, model_graph **out,
                             akin_error *err)
{
    akin_error ignored;
    model_graph *g = mem_array(1, sizeof *g);
    if (!g) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    g->n_floats = plan->n_floats;
    g->dim = plan->card->dim;
    g->n_classes = plan->n_classes;
    g->activation = plan->card->sound.activation;
    graph_scan scan = {.plan = plan, .graph = g, .err = err ? err : &ignored};
    scan_card(&scan);
    g->role = scan.role;
    akin_status status = scan_graph(&scan);
    mem_free(scan.features);
    if (status == AKIN_OK)
        *out = g;
    else
        model_graph_close(g);
    return status;
}

void model_graph_close(model_graph *g)
{
    if (!g) return;
    onnx_model_close(g->model);
    mem_free(g);
}

const char *model_graph_use(const model_graph *g, const onnx_port *port)
{
    if (port == g->input) return g->role;
    if (port == g->embedding) return "embedding";
    return port == g->scores ? "scores" : "not used";
}
