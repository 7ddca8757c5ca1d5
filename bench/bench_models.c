/* SPDX-License-Identifier: MIT
 * How close extraction comes to what ONNX Runtime does alone: the same graph,
 * threads and batch, in the same run.
 *
 * usage: bench_models MODELS FOLDER RUNTIME [ROUNDS]
 *
 * MODELS is what bench/make_models.py wrote, RUNTIME ONNX Runtime's library or
 * its folder. Media are made in FOLDER once, with the ffmpeg program. In each
 * round the bare runtime is fed with random numbers out of memory in two ways
 * (several callers at a time, each run on one thread; one caller, each run on
 * all threads: the faster one counts), and each folder of media is extracted,
 * the model loaded before. Items per second are medians over the rounds; ratio
 * is the median of the rounds' own ratios, since other work on the machine
 * comes and goes; cpu_ratio is the same of items per second of CPU time, which
 * other work touches less. Prints CSV. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "akin/akin.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "base/thread.h"
#include "model/onnx_model.h"

enum { MAX_ROUNDS = 15, MAX_MEDIA = 3 };

typedef struct media {
    const char *name;
    const char *source;  /* a filter of ffmpeg */
    const char *options; /* how it is written */
    const char *file;    /* name; more than one with a %d of ffmpeg's */
    int n_files;         /* that take a run of ffmpeg each */
} media;

#define PINK "anoisesrc=c=pink:r=48000:a=0.2"
#define ZOOM(size) "mandelbrot=s=" size ",noise=alls=6:allf=t"

static const media sounds[MAX_MEDIA] = {
    {"8 x 90 s wav", PINK ":d=90", "", "0.wav", 8},
    {"8 x 90 s flac", PINK ":d=90", "-sample_fmt s16", "0.flac", 8},
    {"12 min flac", PINK ":d=720", "-sample_fmt s16", "0.flac", 1},
};
static const media first_sound = {"first sound", PINK ":d=3", "", "0.wav", 1};
static const media pictures[MAX_MEDIA] = {
    {"96 jpeg 640x480", ZOOM("640x480"),
     "-frames:v 96 -q:v 3", "%03d.jpg", 1},
    {"96 png 64x64", ZOOM("64x64"),
     "-frames:v 96 -pix_fmt rgb24", "%03d.png", 1},
};
static const media first_picture = {"first picture", ZOOM("64x64"),
                                    "-frames:v 1", "0.png", 1};

typedef struct job {
    const char *model;
    const media *first; /* one item, with which the model is loaded */
    const media *media; /* [MAX_MEDIA] */
    size_t n_items;     /* of each folder of media */
    size_t threads, batch;
} job;

static const job jobs[] = {
    {"birdnet-sized", &first_sound, sounds, 240, 1, 8},
    {"birdnet-sized", &first_sound, sounds, 240, 2, 8},
    {"vit-b-32-sized", &first_picture, pictures, 96, 1, 8},
    {"vit-b-32-sized", &first_picture, pictures, 96, 2, 8},
    {"vit-b-32-sized", &first_picture, pictures, 96, 2, 1},
};

/* What was measured, once. */
typedef struct speed {
    double per_s, per_cpu_s, decode_share;
} speed;

/* What is measured, round by round. */
typedef struct series {
    speed bare[MAX_ROUNDS], akin[MAX_MEDIA][MAX_ROUNDS];
} series;

typedef struct bench {
    const char *models, *work, *runtime;
    int rounds;
} bench;

static void *must_have(void *p)
{
    if (p) return p;
    fprintf(stderr, "bench_models: out of memory\n");
    exit(3);
}

static void must_work(akin_status status, const akin_error *err)
{
    if (status == AKIN_OK) return;
    fprintf(stderr, "bench_models: %s\n", err->text);
    exit(3);
}

static char *path_of(const char *folder, const char *name)
{
    return must_have(file_join(folder, name));
}

/* ---- media -------------------------------------------------------------- */

static bool run_ffmpeg(const media *m, const char *folder, int i)
{
    char *name = must_have(i ? text_format("%d-%s", i, m->file)
                             : text_format("%s", m->file));
    char *path = path_of(folder, name);
    /* Another seed is another sound. */
    char *seed = i ? must_have(text_format(":s=%d", i)) : NULL;
    char *command = must_have(
        text_format("ffmpeg -v error -y -f lavfi -i '%s%s' %s '%s'", m->source,
                    seed ? seed : "", m->options, path));
    bool made = system(command) == 0;
    mem_free(name);
    mem_free(path);
    mem_free(seed);
    mem_free(command);
    return made;
}

/* The folder, owned; a name that begins with '.' marks it as whole. */
static char *make_media(const bench *b, const media *m)
{
    char *folder = path_of(b->work, m->name);
    char *mark = path_of(folder, ".whole");
    bool whole = file_exists(mark);
    if (!whole) must_work(file_make_dirs(folder, NULL), &(akin_error){0});
    for (int i = 0; !whole && i < m->n_files; i++) {
        if (run_ffmpeg(m, folder, i)) continue;
        fprintf(stderr, "bench_models: ffmpeg made no %s\n", m->name);
        exit(3);
    }
    FILE *f = whole ? NULL : fopen(mark, "w");
    if (f) fclose(f);
    mem_free(mark);
    return folder;
}

/* ---- the bare runtime --------------------------------------------------- */

typedef struct bare_run {
    const onnx_model *model;
    const float *items; /* [batch, ...] */
    size_t batch, n_runs, dim;
    atomic_size_t next;
} bare_run;

static void call_until_done(void *user, size_t i)
{
    bare_run *r = user;
    akin_error err = {0};
    onnx_input input = {.name = r->model->inputs[0].name,
                        .type = ONNX_F32,
                        .data = r->items,
                        .n_axes = r->model->inputs[0].n_axes};
    onnx_output output = {.name = r->model->outputs[0].name,
                          .n = r->batch * r->dim};
    onnx_call call = {.inputs = &input,
                      .outputs = &output,
                      .n_inputs = 1,
                      .n_outputs = 1};
    (void)i;
    for (size_t axis = 0; axis < input.n_axes; axis++)
        input.shape[axis] = r->model->inputs[0].shape[axis];
    input.shape[0] = (int64_t)r->batch;
    output.data = must_have(mem_array(output.n, sizeof(float)));
    while (atomic_fetch_add(&r->next, 1) < r->n_runs)
        must_work(onnx_run(r->model, &call, &err), &err);
    mem_free(output.data);
}

static size_t floats_of(const onnx_port *port)
{
    size_t n = 1;
    for (size_t axis = 1; axis < port->n_axes; axis++)
        n *= (size_t)port->shape[axis];
    return n;
}

static float *random_items(size_t n)
{
    random_state r = {7};
    float *items = must_have(mem_array(n, sizeof *items));
    for (size_t i = 0; i < n; i++)
        items[i] = (float)(random_unit(&r) - 0.5) * 0.5f;
    return items;
}

static speed run_bare(const onnx_model *model, const job *j, size_t callers,
                      const float *items)
{
    bare_run r = {.model = model,
                  .items = items,
                  .batch = j->batch,
                  .n_runs = j->n_items / j->batch,
                  .dim = floats_of(&model->outputs[0])};
    double start_s = clock_now_s(), cpu_s = clock_process_cpu_s();
    thread_each(callers, call_until_done, &r);
    double n = (double)(r.n_runs * r.batch);
    return (speed){.per_s = n / (clock_now_s() - start_s),
                   .per_cpu_s = n / (clock_process_cpu_s() - cpu_s)};
}

/* ---- akin --------------------------------------------------------------- */

static void remove_database(const char *db)
{
    static const char *const names[] = {"hoplite.sqlite", "usearch.index",
                                        "akin.lock"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_of(db, names[i]);
        file_remove(path);
        mem_free(path);
    }
}

static speed speed_of(const akin_extract_report *r, double cpu_s)
{
    double decode_s = r->decode_s + r->resample_s + r->filter_s;
    return (speed){.per_s = (double)r->n_windows / r->elapsed_s,
                   .per_cpu_s = (double)r->n_windows / cpu_s,
                   .decode_share = decode_s / (decode_s + r->model_s +
                                               r->write_s + r->index_s)};
}

static void extract_all(akin_db *db, const job *j, const char *folder,
                        akin_extract_report *report)
{
    akin_error err = {0};
    akin_extract_options opt = {.threads = j->threads, .batch_size = j->batch};
    must_work(akin_extract(db, &folder, 1, &opt, report, &err), &err);
}

static speed run_akin(const bench *b, const job *j, const media *m)
{
    akin_error err = {0};
    akin_db *db = NULL;
    akin_extract_report report;
    char *path = path_of(b->work, "db"), *model = path_of(b->models, j->model);
    char *first = make_media(b, j->first), *folder = make_media(b, m);
    akin_model_options models = {.runtime = b->runtime};
    akin_db_options opt = {.mode = AKIN_CREATE,
                           .models = &models,
                           .settings = {AKIN_SET_MODEL | AKIN_SET_AUDIO_ROOT,
                                        .model = model,
                                        .audio_root = b->work}};
    remove_database(path);
    must_work(akin_open(path, &opt, &db, &err), &err);
    extract_all(db, j, first, &report);
    double cpu_s = clock_process_cpu_s();
    extract_all(db, j, folder, &report);
    cpu_s = clock_process_cpu_s() - cpu_s;
    akin_close(db);
    if (report.n_failed || report.n_windows != (int64_t)j->n_items) {
        fprintf(stderr, "bench_models: '%s' gave %lld items\n", folder,
                (long long)report.n_windows);
        exit(3);
    }
    mem_free(path);
    mem_free(model);
    mem_free(first);
    mem_free(folder);
    return speed_of(&report, cpu_s);
}

/* ---- the comparison ----------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* The bare runtime in both ways: many callers, and one with many threads. */
typedef struct pair {
    onnx_model *many, *one;
    float *items;
} pair;

static void open_pair(const bench *b, const job *j, pair *p)
{
    akin_error err = {0};
    const onnx_runtime *runtime;
    char *folder = path_of(b->models, j->model);
    char *path = path_of(folder, "model.onnx");
    onnx_places places = {.path = b->runtime};
    onnx_options one = {.n_threads = j->threads};
    must_work(onnx_runtime_open(&places, &runtime, &err), &err);
    must_work(onnx_model_open(runtime, path, NULL, &p->many, &err), &err);
    must_work(onnx_model_open(runtime, path, &one, &p->one, &err), &err);
    p->items = random_items(j->batch * floats_of(&p->many->inputs[0]));
    mem_free(folder);
    mem_free(path);
}

static void close_pair(pair *p)
{
    onnx_model_close(p->many);
    onnx_model_close(p->one);
    mem_free(p->items);
}

static speed best_bare(const pair *p, const job *j)
{
    speed many = run_bare(p->many, j, j->threads, p->items);
    if (j->threads == 1) return many;
    speed one = run_bare(p->one, j, 1, p->items);
    return many.per_s > one.per_s ? many : one;
}

static void print_row(const job *j, const series *s, size_t m, int n)
{
    double bare[MAX_ROUNDS], akin[MAX_ROUNDS], ratio[MAX_ROUNDS];
    double share[MAX_ROUNDS], cpu_ratio[MAX_ROUNDS];
    for (int i = 0; i < n; i++) {
        const speed *b = &s->bare[i], *a = &s->akin[m][i];
        bare[i] = b->per_s;
        akin[i] = a->per_s;
        ratio[i] = a->per_s / b->per_s;
        share[i] = a->decode_share;
        cpu_ratio[i] = a->per_cpu_s / b->per_cpu_s;
    }
    printf("%s,%s,%zu,%zu,%.2f,%.2f,%.3f,%.4f,%.3f\n", j->model,
           j->media[m].name, j->threads, j->batch, median(bare, n),
           median(akin, n), median(ratio, n), median(share, n),
           median(cpu_ratio, n));
    fflush(stdout);
}

static void run_job(const bench *b, const job *j)
{
    pair p;
    series s;
    size_t n_media = 0;
    while (n_media < MAX_MEDIA && j->media[n_media].name) n_media++;
    open_pair(b, j, &p);
    for (int i = 0; i < b->rounds; i++) {
        s.bare[i] = best_bare(&p, j);
        for (size_t m = 0; m < n_media; m++)
            s.akin[m][i] = run_akin(b, j, &j->media[m]);
    }
    close_pair(&p);
    for (size_t m = 0; m < n_media; m++) print_row(j, &s, m, b->rounds);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: bench_models MODELS FOLDER RUNTIME [ROUNDS]\n");
        return 2;
    }
    bench b = {argv[1], argv[2], argv[3], argc > 4 ? atoi(argv[4]) : 3};
    if (b.rounds < 1 || b.rounds > MAX_ROUNDS) b.rounds = 3;
    printf("model,media,threads,batch,bare_items_per_s,akin_items_per_s,ratio,"
           "decode_share,cpu_ratio\n");
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        run_job(&b, &jobs[i]);
    return 0;
}
