/* SPDX-License-Identifier: MIT
 * model/model: names lead to models, graphs of each layout give the numbers
 * that were computed by hand, and what does not fit its card is said. The
 * folders are tests/models/make_folders.py's; what runs a graph is skipped
 * where there is no ONNX Runtime. */
#include "model/model.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "base/thread.h"
#include "model/builtin_mel.h"
#include "onnx_help.h"
#include "test.h"

enum { SAMPLES = 480, PIXELS = 192, DIM = 4, CLASSES = 3, PARTS = 8 };

/* ---- folders of models ------------------------------------------------- */

static const char *path_of(const char *a, const char *b)
{
    static char path[64][1024]; /* enough for the longest test's helpers */
    static int turn;
    turn = (turn + 1) % 64;
    char *joined = file_join(a, b);
    CHECK(joined && strlen(joined) < sizeof path[turn]);
    if (joined) memccpy(path[turn], joined, 0, sizeof path[turn]);
    mem_free(joined);
    return path[turn];
}

static void write_bytes(const char *path, const void *data, size_t n)
{
    akin_error e = {0};
    char *folder = file_parent(path);
    CHECK_OK(file_make_dirs(folder, &e), e);
    mem_free(folder);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n);
    if (f) fclose(f);
}

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static void copy_file(const char *from, const char *to)
{
    char *data = NULL;
    size_t n = 0;
    akin_error e = {0};
    CHECK_OK(file_read(from, 1 << 20, &data, &n, &e), e);
    if (data) write_bytes(to, data, n);
    mem_free(data);
}

/* Copies a model of tests/data/models, because opening one leaves hashes in its
 * folder; gives the copy's folder. */
static const char *install_as(const char *name, const char *as)
{
    static const char *const files[] = {"model.json", "sound.onnx",
                                        "image.onnx", "text.onnx",
                                        "labels.txt", "labels.csv"};
    char from[1024];
    snprintf(from, sizeof from, "%s/%s", test_data("models"), name);
    const char *to = path_of(test_dir(), as);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (file_exists(path_of(from, files[i])))
            copy_file(path_of(from, files[i]), path_of(to, files[i]));
    return to;
}

static const char *install(const char *name) { return install_as(name, name); }

/* Replaces a piece of an installed model's card. */
static void change_card(const char *name, const char *from, const char *to)
{
    char *text = NULL, changed[4096];
    size_t n = 0;
    akin_error e = {0};
    const char *path = path_of(path_of(test_dir(), name), "model.json");
    CHECK_OK(file_read(path, sizeof changed / 2, &text, &n, &e), e);
    const char *at = text ? strstr(text, from) : NULL;
    CHECK(at != NULL);
    if (at) {
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text,
                 to, at + strlen(from));
        write_text(path, changed);
    }
    mem_free(text);
}

static const akin_model_options *options_here(void)
{
    static const char *folders[1];
    static akin_model_options opt;
    folders[0] = test_dir();
    opt = (akin_model_options){.folders = folders, .n_folders = 1};
    return &opt;
}

static model *open_here(const char *name)
{
    model *m = NULL;
    akin_error e = {0};
    CHECK_OK(model_open(name, options_here(), &m, &e), e);
    return m;
}

/* NULL where there is no runtime, which skips the test. */
static model *open_installed(const char *name)
{
    if (!onnx_help_runtime()) return NULL;
    install(name);
    return open_here(name);
}

static void open_fails(const char *name, const akin_model_options *opt,
                       const char *text)
{
    model *m = NULL;
    akin_error e = {0};
    CHECK_STATUS(model_open(name, opt, &m, &e), AKIN_EMODEL);
    CHECK_EQ_INT(e.code, AKIN_EMODEL);
    CHECK_EQ_TEXT(e.text, text);
    CHECK(!m);
}

static void load_fails(const char *name, model_part part, const char *text)
{
    akin_error e = {0};
    model *m = open_here(name);
    if (!m) return;
    CHECK_STATUS(model_load(m, part, &e), AKIN_EMODEL);
    CHECK_EQ_INT(e.code, AKIN_EMODEL);
    CHECK_EQ_TEXT(e.text, text);
    model_close(m);
}

/* ---- names ------------------------------------------------------------- */

static void no_runtime_is_said(void)
{
    akin_error e = {0};
    if (onnx_help_is_loaded()) {
        test_skip("ONNX Runtime is loaded already");
        return;
    }
    install("waves");
    model *m = open_here("waves");
    if (m && model_load(m, MODEL_MEDIA, &e) != AKIN_OK)
        CHECK_EQ_TEXT(e.text,
                      "this model needs ONNX Runtime, which is not installed; "
                      "`tools/get-onnxruntime` gets it");
    model_close(m);
}

static void opens_as(const char *name, const akin_model_options *opt,
                     const char *as, const char *folder)
{
    model *m = NULL;
    akin_error e = {0};
    CHECK_OK(model_open(name, opt, &m, &e), e);
    if (!m) return;
    const akin_model_info *info = model_get_info(m);
    CHECK_EQ_TEXT(info->name, as);
    CHECK_EQ_INT(info->builtin, folder == NULL);
    if (folder) CHECK_EQ_TEXT(info->folder, folder);
    model_close(m);
}

static void names_lead_to_models(void)
{
    char first[1024], second[1024];
    snprintf(first, sizeof first, "%s", path_of(test_dir(), "first"));
    snprintf(second, sizeof second, "%s", path_of(test_dir(), "second"));
    const char *const folders[] = {"/nowhere", first, second};
    const akin_model_options opt = {.folders = folders, .n_folders = 3};
    install_as("waves", "second/big-wave");
    install_as("waves", "second/mel");
    install_as("waves", "first/other");
    install_as("waves", "second/other");
    opens_as(NULL, NULL, "mel", NULL);
    opens_as("mel", &opt, "mel", NULL);
    opens_as("MEL", &opt, "mel", NULL);
    opens_as("big-wave", &opt, "big-wave", path_of(second, "big-wave"));
    opens_as("Big_Wave", &opt, "big-wave", path_of(second, "big-wave"));
    opens_as("other", &opt, "other", path_of(first, "other"));
    opens_as(path_of(second, "mel"), NULL, "waves", path_of(second, "mel"));
}

static void what_is_not_here_is_said(void)
{
    const char *nowhere = path_of(test_dir(), "nowhere/at-all");
    const akin_model_options cards = {.cards = test_data("../../models")};
    char text[1200];
    static const char *const no_names[] = {"perch-v2", "", ".", "..", ".akin"};
    for (size_t i = 0; i < sizeof no_names / sizeof *no_names; i++) {
        snprintf(text, sizeof text,
                 "there is no model '%s' here; `akin model list` names those "
                 "that there are",
                 no_names[i]);
        open_fails(no_names[i], NULL, text);
    }
    open_fails("Perch_v2", &cards,
               "model 'perch-v2' is not installed here; `akin model install "
               "perch-v2` gets it");
    snprintf(text, sizeof text, "there is no folder '%s'", nowhere);
    open_fails(nowhere, &cards, text);
}

static void a_model_lacks_a_file(void)
{
    akin_error e = {0};
    model *m = NULL;
    const char *folder = install("waves");
    file_remove(path_of(folder, "sound.onnx"));
    CHECK_STATUS(model_open("waves", options_here(), &m, &e), AKIN_EMODEL);
    CHECK(strstr(e.text, path_of(folder, "sound.onnx")));
    install("waves");
    change_card("waves", "\"dim\": 4", "\"dim\": \"x\"");
    CHECK_STATUS(model_open("waves", options_here(), &m, &e), AKIN_EMODEL);
}

/* One line for each model that is visited. */
typedef struct seen {
    char lines[16][256];
    size_t n, stop_after;
} seen;

static bool see(void *user, const akin_model_info *info, const char *problem)
{
    seen *s = user;
    const char *at = problem ? strstr(problem, "/sound.onnx") : NULL;
    if (s->n < 16)
        snprintf(s->lines[s->n++], sizeof *s->lines, "%s %s %u %zu %s",
                 info->name, info->modality, info->dim, info->n_classes,
                 at ? at : problem ? "wrong" : "");
    return s->n != s->stop_after;
}

static void all_models_are_visited(void)
{
    seen s = {0};
    akin_error e = {0};
    install("pictures");
    install("birds");
    install("waves");
    install("halves");
    file_remove(path_of(path_of(test_dir(), "halves"), "sound.onnx"));
    change_card("waves", "\"dim\"", "\"dam\"");
    CHECK_OK(file_make_dirs(path_of(test_dir(), "empty"), &e), e);
    CHECK_OK(model_each(options_here(), see, &s, &e), e);
    size_t at = 0;
    while (at < s.n && !text_starts_with(s.lines[at], "birds")) at++;
    CHECK_EQ_TEXT(s.lines[0], "mel sound 128 0 ");
    CHECK_EQ_INT(s.n - at, 4);
    if (s.n - at != 4) return;
    CHECK_EQ_TEXT(s.lines[at], "birds sound 8 3 ");
    CHECK(text_starts_with(s.lines[at + 1], "halves sound 4 0 /sound.onnx"));
    CHECK_EQ_TEXT(s.lines[at + 2], "pictures image 4 0 ");
    CHECK_EQ_TEXT(s.lines[at + 3], "waves  0 0 wrong");
    s = (seen){.stop_after = at + 2};
    CHECK_OK(model_each(options_here(), see, &s, &e), e);
    CHECK_EQ_INT(s.n, at + 2);
}

/* ---- facts ------------------------------------------------------------- */

static void facts_of_a_sound(void)
{
    install("fours");
    model *m = open_here("fours");
    if (!m) return;
    const akin_model_info *info = model_get_info(m);
    const model_input *in = model_get_input(m);
    CHECK_EQ_TEXT(info->modality, "sound");
    CHECK_EQ_INT(strlen(info->identity), 64);
    CHECK_EQ_INT(info->rate_hz, 16000);
    CHECK_NEAR(info->window_s, 0.03, 1e-12);
    CHECK_EQ_INT(in->n_floats, SAMPLES);
    CHECK(in->first_channel && in->normalize == MEDIA_NORMALIZE_PEAK);
    CHECK_NEAR(in->peak, 0.25, 0);
    CHECK(!in->is_log_mel && !info->text && model_wants_batches(m));
    CHECK_EQ_INT(info->n_classes, CLASSES);
    CHECK_EQ_TEXT(model_class(m, 0), "Parus major");
    CHECK_EQ_TEXT(model_class(m, 1), "Apus; \"apus\"");
    CHECK_EQ_TEXT(model_class(m, 2), "Rana");
    model_close(m);
    install("patches");
    m = open_here("patches");
    if (!m) return;
    in = model_get_input(m);
    CHECK(in->is_log_mel);
    CHECK_EQ_INT(in->n_floats, 160);
    CHECK_EQ_INT(in->mel.n_frames, 10);
    CHECK_EQ_INT(in->mel.n_mels, 16);
    CHECK_EQ_INT(in->mel.hop_samples, 80);
    CHECK_EQ_INT(in->mel.rate_hz, 8000);
    model_close(m);
}

static void facts_of_images(void)
{
    install("pictures");
    install("pixels");
    model *m = open_here("pictures");
    if (!m) return;
    const model_input *in = model_get_input(m);
    CHECK(in->kind == MODEL_IMAGE && model_get_info(m)->text);
    CHECK_EQ_INT(model_get_info(m)->width, 8);
    CHECK_EQ_INT(in->n_floats, PIXELS);
    CHECK_EQ_INT(in->resize.side, 8);
    CHECK(in->resize.mode == RESIZE_SHORTEST);
    CHECK(in->resize.filter == RESIZE_BICUBIC);
    CHECK(in->tensor.layout == IMAGE_TENSOR_CHW);
    CHECK_NEAR(in->tensor.std[2], 0.25, 0);
    model_close(m);
    m = open_here("pixels");
    if (!m) return;
    in = model_get_input(m);
    CHECK_EQ_INT(in->resize.side, 0);
    CHECK(in->resize.mode == RESIZE_SQUASH);
    CHECK(in->resize.filter == RESIZE_NEAREST);
    CHECK(in->tensor.layout == IMAGE_TENSOR_HWC);
    CHECK(in->tensor.mean[0] == 0 && in->tensor.std[0] == 1.0f / 255);
    model_close(m);
}

static void identities_follow_the_graph(void)
{
    char before[65];
    install("waves");
    model *m = open_here("waves");
    if (!m) return;
    snprintf(before, sizeof before, "%s", model_get_info(m)->identity);
    model_close(m);
    copy_file(test_data("models/halves/sound.onnx"),
              path_of(path_of(test_dir(), "waves"), "sound.onnx"));
    m = open_here("waves");
    if (!m) return;
    CHECK(strcmp(before, model_get_info(m)->identity) != 0);
    model_close(m);
}

static void labels_are_checked(void)
{
    char text[1200], file[1024];
    static const struct {
        const char *labels, *problem;
    } rows[] = {
        {"a\n\nb\n", "line 2 of '%s' has no name of a class"},
        {"a\nb\x1b[1m\n", "line 2 of '%s' has no name of a class"},
        {"\xff\n", "'%s' is not UTF-8 text"},
        {"", "'%s' names no class"},
    };
    snprintf(file, sizeof file, "%s",
             path_of(install("birds"), "labels.txt"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_text(file, rows[i].labels);
        snprintf(text, sizeof text, rows[i].problem, file);
        open_fails("birds", options_here(), text);
    }
    install("fours");
    change_card("fours", "\"name\"\n", "\"nome\"\n");
    snprintf(text, sizeof text, "'%s' has no column 'nome'",
             path_of(path_of(test_dir(), "fours"), "labels.csv"));
    open_fails("fours", options_here(), text);
}

/* ---- what graphs compute ----------------------------------------------- */

static void fill(float *x, size_t n, uint64_t seed)
{
    random_state r = {.s = seed};
    for (size_t i = 0; i < n; i++) x[i] = (float)(random_unit(&r) * 2 - 1);
}

/* The four numbers of most graphs: mean, mean size, mean square, maximum. */
static void check_statistics(const float *x, size_t n, const float *out,
                             double tolerance)
{
    double sum = 0, size = 0, square = 0, most = -1e30;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        size += fabs(x[i]);
        square += (double)x[i] * x[i];
        if (x[i] > most) most = x[i];
    }
    CHECK_NEAR(out[0], sum / (double)n, tolerance);
    CHECK_NEAR(out[1], size / (double)n, tolerance);
    CHECK_NEAR(out[2], square / (double)n, tolerance);
    CHECK_NEAR(out[3], most, tolerance);
}

static model_session *open_session(model *m)
{
    akin_error e = {0};
    model_session *session = NULL;
    if (m) CHECK_OK(model_session_open(m, &session, &e), e);
    return session;
}

/* `n` items of noise through a model that gives statistics. */
static void statistics_come_out(const char *name, size_t n, double tolerance)
{
    akin_error e = {0};
    model *m = open_installed(name);
    model_session *session = open_session(m);
    if (session) {
        size_t n_floats = model_get_input(m)->n_floats;
        float *items = mem_array(n * n_floats, sizeof *items);
        float *vectors = mem_array(n * DIM, sizeof *vectors);
        fill(items, n * n_floats, 5);
        CHECK_OK(model_embed(session, items, n, vectors, NULL, &e), e);
        for (size_t i = 0; i < n; i++)
            check_statistics(items + i * n_floats, n_floats, vectors + i * DIM,
                             tolerance);
        CHECK_EQ_TEXT(model_notice(m), "");
        mem_free(vectors);
        mem_free(items);
    }
    model_session_close(session);
    model_close(m);
}

static void every_layout_gives_its_numbers(void)
{
    statistics_come_out("waves", 3, 1e-6);
    statistics_come_out("halves", 3, 1e-3);
    statistics_come_out("patches", 3, 1e-6);
    statistics_come_out("pictures", 3, 1e-6);
    statistics_come_out("pictures", 70, 1e-6);
    statistics_come_out("fours", 4, 1e-6);
    statistics_come_out("fours", 7, 1e-6);
}

static void a_padded_run_equals_single_ones(void)
{
    enum { N = 6 };
    akin_error e = {0};
    float items[N * SAMPLES], vectors[N * DIM], one[DIM];
    float scores[N * CLASSES], score[CLASSES];
    model *m = open_installed("fours");
    model_session *session = open_session(m);
    if (!session) {
        model_close(m);
        return;
    }
    fill(items, N * SAMPLES, 11);
    CHECK_OK(model_embed(session, items, N, vectors, scores, &e), e);
    for (size_t i = 0; i < N; i++) {
        CHECK_OK(model_embed(session, items + i * SAMPLES, 1, one, score, &e),
                 e);
        CHECK(memcmp(one, vectors + i * DIM, sizeof one) == 0);
        CHECK(memcmp(score, scores + i * CLASSES, sizeof score) == 0);
    }
    double sum = 0; /* softmax over the first three of the statistics */
    for (size_t k = 0; k < CLASSES; k++) sum += exp(vectors[DIM + k]);
    for (size_t k = 0; k < CLASSES; k++)
        CHECK_NEAR(scores[CLASSES + k], exp(vectors[DIM + k]) / sum, 1e-6);
    model_session_close(session);
    model_close(m);
}

static void inner_features_and_scores(void)
{
    enum { N = 70 }; /* more than a run */
    static const double bias[CLASSES] = {0, 1, -1};
    akin_error e = {0};
    model *m = open_installed("birds");
    model_session *session = open_session(m);
    float *items = mem_array(N * SAMPLES, sizeof *items);
    float *vectors = mem_array(N * PARTS, sizeof *vectors), scores[N * CLASSES];
    fill(items, N * SAMPLES, 17);
    if (session) {
        CHECK_OK(model_embed(session, items, N, vectors, scores, &e), e);
        for (size_t i = 0; i < N * PARTS; i++) {
            double sum = 0;
            for (size_t k = 0; k < 60; k++) sum += items[i * 60 + k];
            CHECK_NEAR(vectors[i], sum / 60, 1e-6);
        }
        for (size_t i = 0; i < N * CLASSES; i++) {
            double x = vectors[i / CLASSES * PARTS + i % CLASSES];
            CHECK_NEAR(scores[i], 1 / (1 + exp(-x - bias[i % CLASSES])), 1e-6);
        }
        CHECK(!model_wants_batches(m));
        CHECK_EQ_TEXT(model_class(m, 0), "Parus major_Great tit");
    }
    model_session_close(session);
    model_close(m);
    mem_free(vectors);
    mem_free(items);
}

static void bytes_enter_as_bytes(void)
{
    akin_error e = {0};
    float items[2 * PIXELS], bytes[2 * PIXELS], vectors[2 * DIM];
    model *m = open_installed("pixels");
    model_session *session = open_session(m);
    for (int i = 0; i < 2 * PIXELS; i++) {
        bytes[i] = (float)(i * 37 % 256);
        items[i] = bytes[i] + (i % 2 ? 0.25f : -0.25f);
    }
    bytes[0] = items[0] = 0;
    items[1] = 300;
    bytes[1] = 255;
    items[2] = -3;
    bytes[2] = 0;
    if (session) {
        CHECK_OK(model_embed(session, items, 2, vectors, NULL, &e), e);
        check_statistics(bytes, PIXELS, vectors, 1e-2);
        check_statistics(bytes + PIXELS, PIXELS, vectors + DIM, 1e-2);
    }
    model_session_close(session);
    model_close(m);
}

/* ids = byte + 1: 'a' is 98, 'b' 99; rows are [id, 1, -id, id * id]. */
static void texts_become_vectors(void)
{
    akin_error e = {0};
    float vector[DIM];
    model *m = open_installed("pictures");
    if (!m) return;
    CHECK_OK(model_embed_text(m, "aB", vector, &e), e);
    CHECK_NEAR(vector[0], 98 + 99, 0);
    CHECK_NEAR(vector[1], 2, 0); /* padding is masked */
    CHECK_NEAR(vector[3], 98 * 98 + 99 * 99, 0);
    CHECK_OK(model_embed_text(m, "aaaaaaaaaaaaaa", vector, &e), e);
    CHECK_NEAR(vector[1], 8, 0);
    model_close(m);
    m = open_installed("pixels");
    CHECK_OK(model_embed_text(m, "aaab", vector, &e), e);
    CHECK_NEAR(vector[0], 99, 0);
    CHECK_NEAR(vector[2], -99, 0);
    CHECK_OK(model_embed_text(m, "", vector, &e), e);
    CHECK_NEAR(vector[0], 0, 0);
    model_close(m);
    m = open_here("mel");
    CHECK_STATUS(model_embed_text(m, "a", vector, &e), AKIN_EMODEL);
    CHECK_EQ_TEXT(e.text, "model 'mel' cannot be searched by text: it has no "
                          "text tower");
    model_close(m);
}

static void a_folder_without_a_card(void)
{
    akin_error e = {0};
    float items[PIXELS], vector[DIM];
    if (!onnx_help_runtime()) return;
    const char *folder = path_of(test_dir(), "clip");
    copy_file(test_data("models/pictures/image.onnx"),
              path_of(folder, "onnx/vision_model.onnx"));
    write_text(path_of(folder, "preprocessor_config.json"),
               "{\"size\": {\"height\": 8, \"width\": 8}, "
               "\"do_center_crop\": false}");
    model *m = open_here("clip");
    model_session *session = open_session(m);
    if (session) {
        CHECK_EQ_INT(model_get_info(m)->dim, DIM);
        fill(items, PIXELS, 3);
        CHECK_OK(model_embed(session, items, 1, vector, NULL, &e), e);
        check_statistics(items, PIXELS, vector, 1e-6);
    }
    model_session_close(session);
    model_close(m);
}

static void mel_is_a_model_like_others(void)
{
    akin_error e = {0};
    mel *direct = NULL;
    model *m = open_here("mel");
    model_session *session = open_session(m);
    float *items = mem_array(2 * MEL_WINDOW_SAMPLES, sizeof *items);
    float vectors[2 * MEL_DIM], wanted[MEL_DIM];
    fill(items, 2 * MEL_WINDOW_SAMPLES, 3);
    CHECK_OK(mel_new(&direct, &e), e);
    mel_embed(direct, items + MEL_WINDOW_SAMPLES, wanted);
    CHECK_EQ_TEXT(model_get_info(m)->identity, mel_identity());
    CHECK_EQ_INT(model_get_input(m)->n_floats, MEL_WINDOW_SAMPLES);
    CHECK_OK(model_embed(session, items, 2, vectors, NULL, &e), e);
    CHECK(memcmp(wanted, vectors + MEL_DIM, sizeof wanted) == 0);
    CHECK(memcmp(wanted, vectors, sizeof wanted) != 0);
    model_session_cancel(session);
    CHECK_STATUS(model_embed(session, items, 2, vectors, NULL, &e),
                 AKIN_ECANCELLED);
    model_session_close(session);
    model_close(m);
    mel_free(direct);
    mem_free(items);
}

static void cancelled_sessions_end(void)
{
    akin_error e = {0};
    float item[SAMPLES] = {0}, vector[DIM];
    model *m = open_installed("waves");
    model_session *session = open_session(m), *other = open_session(m);
    if (session && other) {
        model_session_cancel(session);
        CHECK_STATUS(model_embed(session, item, 1, vector, NULL, &e),
                     AKIN_ECANCELLED);
        CHECK_OK(model_embed(other, item, 1, vector, NULL, &e), e);
    }
    model_session_close(session);
    model_session_close(other);
    model_close(m);
}

static void embed_on_a_thread(void *user, size_t i)
{
    model *m = user;
    akin_error e = {0};
    float items[PIXELS], vector[DIM];
    fill(items, PIXELS, i);
    model_session *session = open_session(m);
    if (!session) return;
    CHECK_OK(model_embed(session, items, 1, vector, NULL, &e), e);
    check_statistics(items, PIXELS, vector, 1e-6);
    CHECK_OK(model_embed_text(m, "b", vector, &e), e);
    CHECK_NEAR(vector[0], 99, 0);
    model_session_close(session);
}

static void threads_share_a_model(void)
{
    model *m = open_installed("pictures");
    if (m) thread_each(4, embed_on_a_thread, m);
    model_close(m);
}

/* ---- tensors ----------------------------------------------------------- */

static void append_tensor(void *user, const model_tensor *t)
{
    text_buf_printf(user, "%s %s %s %s: %s\n", t->graph, t->direction, t->name,
                    t->description, t->use);
}

static void tensors_are_told(void)
{
    akin_error e = {0};
    text_buf all;
    text_buf_init(&all, 4096);
    model *m = open_installed("birds");
    if (!m) return;
    model_each_tensor(m, MODEL_MEDIA, append_tensor, &all);
    CHECK_EQ_INT(all.n, 0); /* not loaded */
    CHECK_OK(model_load(m, MODEL_MEDIA, &e), e);
    model_each_tensor(m, MODEL_MEDIA, append_tensor, &all);
    model_close(m);
    m = open_installed("pictures");
    CHECK_OK(model_load(m, MODEL_TEXT, &e), e);
    model_each_tensor(m, MODEL_TEXT, append_tensor, &all);
    model_close(m);
    CHECK_EQ_TEXT(all.data,
                  "sound.onnx input inputs float32 [?, 480]: windows\n"
                  "sound.onnx output scores float32 [?, 3]: scores\n"
                  "sound.onnx output POOL/Mean float32 [?, 8]: embedding\n"
                  "text.onnx input input_ids int64 [?, ?]: ids\n"
                  "text.onnx input attention_mask int64 [?, ?]: mask\n"
                  "text.onnx output text_embeds float32 [?, 4]: embedding\n");
    text_buf_clear(&all);
}

/* ---- what does not fit ------------------------------------------------- */

/* One change of a card, and what is then said of it. */
typedef struct misfit {
    const char *model, *from, *to;
    model_part part;
    const char *text;
} misfit;

static void misfits_are_named(void)
{
    static const misfit all[] = {
        {"constant", "\"dim\": 8", "\"dim\": 9", MODEL_MEDIA,
         "the embedding 'POOL/Mean' of 'sound.onnx' is [?, 8]; its card wants "
         "9 numbers an item"},
        {"waves", "\"dim\": 4", "\"dim\": 5", MODEL_MEDIA,
         "the embedding 'embedding' of 'sound.onnx' is [4]; its card wants 5 "
         "numbers an item"},
        {"waves", "0.03", "0.02", MODEL_MEDIA,
         "the input 'x' of 'sound.onnx' is float32 [480]; the windows of its "
         "card are [?, 320]"},
        {"waves", "\"sound.onnx\"", "\"sound.onnx\", \"embedding\": "
         "{\"name\": \"features\"}", MODEL_MEDIA,
         "'sound.onnx' has no embedding 'features'; it has 'embedding' "
         "float32 [4]"},
        {"waves", "\"sound.onnx\"", "\"sound.onnx\", \"embedding\": "
         "{\"shape\": [null, 4]}", MODEL_MEDIA,
         "'sound.onnx' has nothing that may be the embedding, floats [?, 4]; "
         "it has 'embedding' float32 [4]"},
        {"fours", "\"batch\": 4", "\"batch\": 8", MODEL_MEDIA,
         "'sound.onnx' wants 4 items a run; its card says 8"},
        {"fours", "\"logits\"", "\"features\"", MODEL_MEDIA,
         "the scores 'features' of 'sound.onnx' are [4, 1, 4]; 'labels.csv' "
         "names 3 classes"},
        {"birds", "null,\n        3", "null,\n        4", MODEL_MEDIA,
         "'sound.onnx' has nothing that may be the scores, float32 [?, 4]; it "
         "has 'scores' float32 [?, 3], 'POOL/Mean' float32 [?, 8]"},
        {"halves", "\"sound.onnx\"", "\"sound.onnx\", \"input\": "
         "{\"name\": \"audio\", \"type\": \"float32\"}", MODEL_MEDIA,
         "the input 'audio' of 'sound.onnx' is float16 [?, 1, 480]; its card "
         "wants float32 of 1 to 4 axes"},
        {"pixels", "\"scale\": false", "\"scale\": true", MODEL_MEDIA,
         "the input 'image' of 'image.onnx' takes uint8; its card must say "
         "\"scale\": false, \"mean\": 0 and \"std\": 1"},
        {"pixels", "\"NHWC\"", "\"NCHW\"", MODEL_MEDIA,
         "the input 'image' of 'image.onnx' is uint8 [1, 8, 8, 3]; the "
         "pictures of its card are [?, 3, 8, 8]"},
        {"pixels", "\"context\": 8", "\"context\": 9", MODEL_TEXT,
         "the input 'ids' of 'text.onnx' is int32 [1, 8]; its card says 9 ids "
         "a text"},
        {"pixels", "\"end-token\"", "\"graph\"", MODEL_TEXT,
         "'text.onnx' has nothing that may be the embedding, floats "
         "[..., 4]; it has 'rows' float32 [1, 8, 4]"},
        {"pictures", "\"dim\": 4", "\"dim\": 5", MODEL_TEXT,
         "the embedding 'text_embeds' of 'text.onnx' is [1, 4]; 5 numbers a "
         "text were expected"},
        {"pictures", "\"bytes\"", "\"sentencepiece\"", MODEL_TEXT,
         "model 'pictures' cannot be searched by text: its vocabulary is "
         "SentencePiece's"},
    };
    if (!onnx_help_runtime()) return;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        install(all[i].model);
        change_card(all[i].model, all[i].from, all[i].to);
        load_fails(all[i].model, all[i].part, all[i].text);
    }
}

static void labels_must_be_as_many_as_scores(void)
{
    if (!onnx_help_runtime()) return;
    write_text(path_of(install("birds"), "labels.txt"), "a\nb\n");
    load_fails("birds", MODEL_MEDIA,
               "the scores 'scores' of 'sound.onnx' are [?, 3]; 'labels.txt' "
               "names 2 classes");
}

static void features_that_are_no_features(void)
{
    char text[1200];
    if (!onnx_help_runtime()) return;
    snprintf(text, sizeof text,
             "the tensor 'POOL/Mean' in '%s' is the same for any input; it is "
             "no embedding",
             path_of(install("constant"), "sound.onnx"));
    load_fails("constant", MODEL_MEDIA, text);
}

static void a_damaged_graph_is_refused(void)
{
    akin_error e = {0};
    if (!onnx_help_runtime()) return;
    write_text(path_of(install("waves"), "sound.onnx"), "no graph");
    model *m = open_here("waves");
    if (!m) return;
    CHECK_STATUS(model_load(m, MODEL_MEDIA, &e), AKIN_EMODEL);
    CHECK_EQ_INT(e.code, AKIN_EMODEL);
    CHECK(strstr(e.text, "sound.onnx"));
    CHECK_STATUS(model_load(m, MODEL_TEXT, &e), AKIN_EMODEL);
    model_close(m);
}

/* Each allocation of opening and running fails once. */
static void memory_runs_out(void)
{
    if (!onnx_help_runtime()) return;
    float items[6 * SAMPLES] = {0}, vectors[6 * DIM], scores[6 * CLASSES];
    install("fours");
    for (int64_t n = 1;; n++) {
        model *m = NULL;
        model_session *session = NULL;
        akin_error e = {0};
        mem_fail_at(n);
        akin_status status = model_open("fours", options_here(), &m, &e);
        if (status == AKIN_OK) status = model_session_open(m, &session, &e);
        if (status == AKIN_OK)
            status = model_embed(session, items, 6, vectors, scores, &e);
        bool failed = !mem_fail_pending();
        mem_fail_at(0);
        model_session_close(session);
        model_close(m);
        if (!failed) {
            CHECK_OK(status, e);
            CHECK(n > 20);
            break;
        }
    }
}

const test_case test_model_cases[] = {
    {"model/no_runtime_is_said", no_runtime_is_said},
    {"model/names_lead_to_models", names_lead_to_models},
    {"model/what_is_not_here_is_said", what_is_not_here_is_said},
    {"model/a_model_lacks_a_file", a_model_lacks_a_file},
    {"model/all_models_are_visited", all_models_are_visited},
    {"model/facts_of_a_sound", facts_of_a_sound},
    {"model/facts_of_images", facts_of_images},
    {"model/identities_follow_the_graph", identities_follow_the_graph},
    {"model/labels_are_checked", labels_are_checked},
    {"model/every_layout_gives_its_numbers", every_layout_gives_its_numbers},
    {"model/a_padded_run_equals_single_ones", a_padded_run_equals_single_ones},
    {"model/inner_features_and_scores", inner_features_and_scores},
    {"model/bytes_enter_as_bytes", bytes_enter_as_bytes},
    {"model/texts_become_vectors", texts_become_vectors},
    {"model/a_folder_without_a_card", a_folder_without_a_card},
    {"model/mel_is_a_model_like_others", mel_is_a_model_like_others},
    {"model/cancelled_sessions_end", cancelled_sessions_end},
    {"model/threads_share_a_model", threads_share_a_model},
    {"model/tensors_are_told", tensors_are_told},
    {"model/misfits_are_named", misfits_are_named},
    {"model/labels_must_be_as_many_as_scores",
     labels_must_be_as_many_as_scores},
    {"model/features_that_are_no_features", features_that_are_no_features},
    {"model/a_damaged_graph_is_refused", a_damaged_graph_is_refused},
    {"model/memory_runs_out", memory_runs_out},
    {0},
};
