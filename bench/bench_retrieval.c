/* SPDX-License-Identifier: MIT
 * How well a sound model retrieves: ESC-10, leave one fold out.
 *
 * usage: bench_retrieval ESC10_FOLDER [DATABASE_FOLDER]
 *
 * Windows of 3 s at 0 s and 2 s of each clip; those with an RMS below 0.001 are
 * left out; cosine; a query is never answered from its own fold (the first
 * digit of the file name). Prints P@1, P@10 and the mean average precision over
 * the whole ranking, and the same for each class, as CSV. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "akin/akin.h"
#include "base/file.h"
#include "base/memory.h"
#include "media/decode.h"

enum { MAX_CLIPS = 4096, MAX_CLASSES = 64 };
#define SILENCE_RMS 1e-3
#define WINDOW_S 3

typedef struct clip {
    char path[1024]; /* below the folder */
    int class, fold;
    double start_s;
    float *vector; /* unit length */
} clip;

typedef struct set {
    clip clips[MAX_CLIPS];
    size_t n, dim, n_silent;
    char classes[MAX_CLASSES][128];
    int n_classes;
    const char *folder;
} set;

static void die(const char *what, const akin_error *err)
{
    fprintf(stderr, "bench_retrieval: %s: %s\n", what, err->text);
    exit(3);
}

/* Root mean square of the original sound under a window. */
static double rms(const char *path, double start_s)
{
    akin_error err = {0};
    decoder *d;
    if (decoder_open(path, &d, &err) != AKIN_OK) die(path, &err);
    double rate = decoder_get_info(d)->rate_hz, sum = 0;
    size_t skip = (size_t)lrint(start_s * rate);
    size_t want = (size_t)lrint(WINDOW_S * rate), n, at = 0;
    float frames[4096];
    for (;;) {
        if (decoder_read(d, frames, 4096, &n, &err) != AKIN_OK) die(path, &err);
        if (n == 0 || at >= skip + want) break;
        for (size_t i = 0; i < n; i++, at++)
            if (at >= skip && at < skip + want)
                sum += (double)frames[i] * frames[i];
    }
    decoder_close(d);
    return sqrt(sum / (double)want);
}

static int class_of(set *s, const char *name)
{
    for (int i = 0; i < s->n_classes; i++)
        if (strcmp(s->classes[i], name) == 0) return i;
    if (s->n_classes == MAX_CLASSES) exit(2);
    snprintf(s->classes[s->n_classes], sizeof s->classes[0], "%s", name);
    return s->n_classes++;
}

static bool take(void *user, const akin_window *w, const float *vector)
{
    set *s = user;
    if ((w->start_s != 0 && w->start_s != 2) || !vector || s->n == MAX_CLIPS)
        return true;
    clip *c = &s->clips[s->n];
    const char *inside = strchr(w->recording, '/');
    inside = inside ? inside + 1 : w->recording;
    const char *slash = strchr(inside, '/');
    if (!slash) return true;
    snprintf(c->path, sizeof c->path, "%s/%s", s->folder, inside);
    if (rms(c->path, w->start_s) < SILENCE_RMS) {
        s->n_silent++;
        return true;
    }
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)(slash - inside), inside);
    c->class = class_of(s, name);
    c->fold = slash[1] - '0';
    c->start_s = w->start_s;
    c->vector = mem_array(s->dim, sizeof(float));
    double norm = 0;
    for (size_t i = 0; i < s->dim; i++) norm += (double)vector[i] * vector[i];
    for (size_t i = 0; i < s->dim; i++)
        c->vector[i] = (float)(vector[i] / sqrt(norm));
    s->n++;
    return true;
}

typedef struct scored {
    double score;
    size_t at;
    bool right;
} scored;

static int compare(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return x->at < y->at ? -1 : 1;
}

typedef struct figures {
    double p1, p10, ap;
    int n;
} figures;

static figures ask(const set *s, size_t q, scored *ranking)
{
    const clip *query = &s->clips[q];
    size_t n = 0, right = 0;
    figures f = {.n = 1};
    for (size_t i = 0; i < s->n; i++) {
        const clip *c = &s->clips[i];
        if (c->fold == query->fold) continue;
        double dot = 0;
        for (size_t k = 0; k < s->dim; k++)
            dot += (double)query->vector[k] * c->vector[k];
        ranking[n++] = (scored){dot, i, c->class == query->class};
    }
    qsort(ranking, n, sizeof *ranking, compare);
    for (size_t i = 0; i < n; i++) {
        if (!ranking[i].right) continue;
        right++;
        f.p1 += i == 0;
        f.p10 += i < 10 ? 0.1 : 0;
        f.ap += (double)right / (double)(i + 1);
    }
    if (right) f.ap /= (double)right;
    return f;
}

static void print_row(const char *name, const figures *f)
{
    printf("%s,%d,%.4f,%.4f,%.4f\n", name, f->n, f->p1 / f->n, f->p10 / f->n,
           f->ap / f->n);
}

static void evaluate(const set *s, const char *model)
{
    figures all = {0}, by_class[MAX_CLASSES] = {{0}};
    scored *ranking = mem_array(s->n, sizeof *ranking);
    for (size_t q = 0; q < s->n; q++) {
        figures f = ask(s, q, ranking);
        figures *sums[] = {&all, &by_class[s->clips[q].class]};
        for (int i = 0; i < 2; i++) {
            sums[i]->p1 += f.p1;
            sums[i]->p10 += f.p10;
            sums[i]->ap += f.ap;
            sums[i]->n++;
        }
    }
    mem_free(ranking);
    printf("set,windows,p_at_1,p_at_10,map\n");
    char name[256];
    snprintf(name, sizeof name, "%s all", model);
    print_row(name, &all);
    for (int i = 0; i < s->n_classes; i++)
        print_row(s->classes[i], &by_class[i]);
}

int main(int argc, char **argv)
{
    static set s;
    akin_error err = {0};
    akin_db *db;
    akin_info info;
    if (argc < 2 || !file_is_dir(argv[1])) {
        fprintf(stderr, "usage: bench_retrieval ESC10_FOLDER [DATABASE]\n");
        return 2;
    }
    const char *path = argc > 2 ? argv[2] : "build/bench-retrieval-db";
    akin_db_options opt = {
        .mode = AKIN_CREATE,
        .settings = {.set = AKIN_SET_OVERLAP, .overlap_s = 1}};
    const char *inputs[] = {argv[1]};
    if (akin_open(path, &opt, &db, &err) != AKIN_OK) die(path, &err);
    if (akin_extract(db, inputs, 1, NULL, NULL, &err) != AKIN_OK)
        die(argv[1], &err);
    if (akin_get_info(db, &info, &err) != AKIN_OK) die(path, &err);
    s.dim = info.dim;
    s.folder = argv[1];
    if (akin_each(db, NULL, take, &s, &err) != AKIN_OK) die(path, &err);
    fprintf(stderr, "%zu windows, %zu silent ones left out\n", s.n, s.n_silent);
    evaluate(&s, info.model);
    akin_close(db);
    for (size_t i = 0; i < s.n; i++) mem_free(s.clips[i].vector);
    return 0;
}
