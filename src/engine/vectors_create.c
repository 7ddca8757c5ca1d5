/* SPDX-License-Identifier: MIT
 * Making an index and its table out of vectors. */
#include "base/clock.h"
#include "base/memory.h"
#include "engine/vectors_source.h"

static bool create_tell_training(void *user, double fraction)
{
    return vectors_tell(user, "train", fraction, NULL) == AKIN_OK;
}

static akin_status create_index(akin_vectors *v, const vectors_source *s,
                                akin_error *err)
{
    vecs_options opt;
    AKIN_TRY(vecs_parse(v->config.index_type, &opt, err));
    if (opt.n_lists == 0) opt.n_lists = v->config.nlist;
    AKIN_TRY(vecs_new(&opt, s->dim, &v->index, err));
    AKIN_TRY(vectors_tell(&v->opt, "train", 0, err));
    vecs_train_options training = {.threads = v->opt.threads,
                                   .progress = create_tell_training,
                                   .user = &v->opt};
    if (!vecs_is_trained(v->index))
        AKIN_TRY(vecs_train(v->index, s->vectors, s->n, &training, err));
    AKIN_TRY(vectors_tell(&v->opt, "add", 0, err));
    AKIN_TRY(vecs_add(v->index, s->vectors, NULL, s->n, v->opt.threads, err));
    size_t effort = v->config.nprobe ? v->config.nprobe : v->config.ef;
    vecs_effort bounds = vecs_get_effort(v->index);
    if (!effort || !bounds.name) return AKIN_OK;
    return vecs_set_effort(v->index,
                           effort < bounds.most ? effort : bounds.most, err);
}

typedef struct create_table {
    const akin_vectors_options *opt;
    size_t n;
} create_table;

static bool create_tell_table(void *user, size_t n_done)
{
    const create_table *c = user;
    return vectors_tell(c->opt, "table", (double)n_done / (double)c->n, NULL) ==
           AKIN_OK;
}

static akin_status create_write_table(akin_vectors *v, const vectors_source *s,
                                      const char *sum, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(s->n, sizeof(tracks_row), "rows", &p, err));
    tracks_row *rows = p;
    for (size_t i = 0; i < s->n; i++)
        rows[i] = (tracks_row){.vector_id = (int64_t)i, .track = s->ids[i]};
    tracks_table table = {.rows = rows, .n = s->n, .dim = (uint32_t)s->dim,
                          .index_type = v->config.index_type};
    tracks_state state = {VECTORS_STATE, sum};
    create_table told = {&v->opt, s->n};
    tracks_replace_options opt = {.states = &state, .n_states = 1,
                                  .progress = create_tell_table, .user = &told};
    akin_status status = tracks_replace(v->tracks, &table, &opt, err);
    mem_free(rows);
    return status;
}

/* Nothing that is there changes before the table does. */
static akin_status create_all(akin_vectors *v,
                              const akin_vectors_source *source,
                              akin_error *err)
{
    vectors_source s;
    double start_s = clock_now_s();
    AKIN_TRY(vectors_need_tracks(v, TRACKS_WRITE, err));
    AKIN_TRY(vectors_source_read(&v->config, source, &v->opt, &s, err));
    akin_status status = AKIN_OK;
    v->read_s = clock_now_s() - start_s;
    start_s = clock_now_s();
    AKIN_TRYG(create_index(v, &s, err));
    v->build_s = clock_now_s() - start_s;
    start_s = clock_now_s();
    AKIN_TRYG(vectors_tell(&v->opt, "save", 0, err));
    AKIN_TRYG(vectors_save_next(v, v->checksum, err));
    v->save_s = clock_now_s() - start_s;
    start_s = clock_now_s();
    AKIN_TRYG(create_write_table(v, &s, v->checksum, err));
    v->table_s = clock_now_s() - start_s;
    status = vectors_take_next(v, err);
done:
    vectors_source_clear(&s);
    return status;
}

static akin_status create_locked(akin_vectors *v, const char *config,
                                 const akin_vectors_source *source,
                                 const akin_vectors_options *opt,
                                 akin_error *err)
{
    file_lock *lock = NULL;
    AKIN_TRY(vectors_init(v, config, opt, err));
    char *folder = file_parent(v->config.index_path);
    akin_status status = folder ? file_make_dirs(folder, err)
                                : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    mem_free(folder);
    AKIN_TRY(status);
    AKIN_TRY(file_lock_open(v->lock_path, VECTORS_LOCK_S, &lock, err));
    status = create_all(v, source, err);
    file_lock_close(lock);
    return status;
}

akin_status akin_vectors_create(const char *config,
                                const akin_vectors_source *source,
                                const akin_vectors_options *opt,
                                akin_vectors **out, akin_error *err)
{
    akin_vectors *v = mem_array(1, sizeof *v);
    if (!v) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    akin_status status = create_locked(v, config, source, opt, err);
    if (status == AKIN_OK && out)
        *out = v;
    else
        akin_vectors_close(v);
    return status;
}
