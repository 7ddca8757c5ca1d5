/* SPDX-License-Identifier: MIT
 * The file of an index: a header with a table of sections, then each section
 * as it lies in memory, so that opening is a mapping. docs/FORMAT.md has the
 * bytes.
 *
 * What a search believes without looking (ids, levels, norms, how to code) has
 * checksums that are compared when it is opened; a wrong byte in codes and
 * links only leads it astray, and those are compared by akin_index_check. */
#include <string.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "index/mesh_file.h"
#include "index/mesh_int.h"

enum { PAGE = 4096, VERSION = 2 };
static const char magic[8] = "AKINMESH";

/* Sections behind those of the chunks. */
enum { MEAN = MESH_PARTS, UPPER, SECTIONS };

typedef struct section {
    uint64_t offset, bytes, checksum;
} section;

typedef struct header {
    char magic[8];
    uint32_t version, order; /* 0x01020304 as this machine writes it */
    uint64_t dim, links, effort, seed;
    uint32_t metric, type, asked_route, route;
    uint32_t coded, borrowed, n_efforts, sketched;
    uint64_t n_slots, n_live, n_dead, n_upper, next_id, top, n_changed;
    float longest, mean_error, mean_share;
    uint32_t n_asked;
    uint64_t efforts[MESH_EFFORTS];
    double recalls[MESH_EFFORTS];
    uint64_t n_true, n_found[MESH_EFFORTS];
    mesh_origin origin;
    section sections[SECTIONS];
    uint64_t checksum; /* of all before it */
} header;
_Static_assert(sizeof(header) <= PAGE, "the header has one page");

static uint64_t checksum_of(const void *data, size_t n)
{
    checksum c;
    checksum_init(&c);
    checksum_put(&c, data, n);
    return checksum_finish(&c);
}

/* ---- sections ------------------------------------------------------------------ */

typedef void (*take_bytes)(void *user, const void *data, size_t n);

/* A section piece by piece. */
static void each_piece(const mesh *m, int which, take_bytes take, void *user)
{
    size_t n_slots = atomic_load(&m->n_slots);
    if (which == MEAN) {
        take(user, m->mean, m->shape.padded * sizeof *m->mean);
        return;
    }
    if (which == UPPER) {
        for (size_t i = 0; i < m->n_upper; i++)
            take(user, (const void *)(uintptr_t)mesh_upper_at(m, i), sizeof(mesh_upper));
        return;
    }
    size_t bytes = mesh_part_bytes(m, (enum mesh_part)which);
    for (size_t i = 0; bytes && i * MESH_CHUNK < n_slots; i++) {
        size_t n = n_slots - i * MESH_CHUNK;
        if (n > MESH_CHUNK) n = MESH_CHUNK;
        take(user,
             mesh_get_part(atomic_load(&m->chunks[i]), (enum mesh_part)which),
             n * bytes);
    }
}

static size_t section_bytes(const mesh *m, int which)
{
    if (which == MEAN) return m->shape.padded * sizeof *m->mean;
    if (which == UPPER) return m->n_upper * sizeof(mesh_upper);
    return mesh_part_bytes(m, (enum mesh_part)which) *
           atomic_load(&m->n_slots);
}

static bool is_trusted(int which)
{
    switch (which) {
    case MESH_CODES: case MESH_SKETCHES: case MESH_FACTORS:
    case MESH_INVERSES: case MESH_ALONGS: case MESH_ACROSSES:
    case MESH_LINKS: case MESH_ROWS:
        return false;
    default:
        return true;
    }
}

/* ---- save ---------------------------------------------------------------------- */

static void put_checksum(void *user, const void *data, size_t n)
{
    checksum_put(user, data, n);
}

typedef struct writing {
    file_writer *writer;
    akin_status status;
    akin_error *err;
} writing;

static void put_bytes(void *user, const void *data, size_t n)
{
    writing *w = user;
    if (w->status == AKIN_OK)
        w->status = file_writer_put(w->writer, data, n, w->err);
}

static size_t to_page(size_t n) { return (n + PAGE - 1) / PAGE * PAGE; }

static void fill_header(const mesh *m, const mesh_origin *origin, header *h)
{
    *h = (header){
        .version = VERSION,
        .order = 0x01020304,
        .dim = m->opt.dim,
        .links = m->opt.links,
        .effort = m->opt.effort,
        .seed = m->opt.seed,
        .metric = (uint32_t)m->opt.metric,
        .type = (uint32_t)m->opt.type,
        .asked_route = (uint32_t)m->opt.route,
        .route = (uint32_t)atomic_load(&m->route),
        .coded = atomic_load(&m->coded),
        .borrowed = m->borrowed != NULL,
        .n_efforts = (uint32_t)m->n_efforts,
        .sketched = m->sketched,
        .n_slots = atomic_load(&m->n_slots),
        .n_live = atomic_load(&m->n_live),
        .n_dead = atomic_load(&m->n_dead),
        .n_upper = m->n_upper,
        .next_id = m->next_id,
        .top = atomic_load(&m->top),
        .n_changed = m->n_changed,
        .longest = m->longest,
        .mean_error = m->mean_error,
        .mean_share = m->mean_share,
        .n_asked = (uint32_t)m->n_asked,
        .n_true = m->n_true,
    };
    memcpy(h->magic, magic, sizeof magic);
    if (origin) h->origin = *origin;
    for (size_t i = 0; i < m->n_efforts; i++) {
        h->efforts[i] = m->efforts[i];
        h->recalls[i] = m->recalls[i];
    }
    for (size_t i = 0; i < MESH_EFFORTS; i++) h->n_found[i] = m->n_found[i];
    uint64_t offset = PAGE;
    for (int i = 0; i < SECTIONS; i++) {
        checksum c;
        checksum_init(&c);
        each_piece(m, i, put_checksum, &c);
        h->sections[i] = (section){offset, section_bytes(m, i),
                                   checksum_finish(&c)};
        offset += to_page(h->sections[i].bytes);
    }
    h->checksum = checksum_of(h, offsetof(header, checksum));
}

static akin_status put_padding(file_writer *writer, size_t n, akin_error *err)
{
    static const char zeros[PAGE];
    return n ? file_writer_put(writer, zeros, n, err) : AKIN_OK;
}

static akin_status put_all(const mesh *m, const header *h, file_writer *writer,
                           akin_error *err)
{
    AKIN_TRY(file_writer_put(writer, h, sizeof *h, err));
    AKIN_TRY(put_padding(writer, PAGE - sizeof *h, err));
    for (int i = 0; i < SECTIONS; i++) {
        writing w = {.writer = writer, .err = err};
        each_piece(m, i, put_bytes, &w);
        AKIN_TRY(w.status);
        size_t bytes = h->sections[i].bytes;
        AKIN_TRY(put_padding(writer, to_page(bytes) - bytes, err));
    }
    return AKIN_OK;
}

akin_status mesh_save(mesh *m, const char *path, const mesh_origin *origin,
                      akin_error *err)
{
    file_writer *writer = NULL;
    header h;
    AKIN_TRY(file_writer_open(path, &writer, err));
    pthread_mutex_lock(&m->write_mutex);
    akin_status status = AKIN_OK;
    if (m->n_unchecked > 0) status = mesh_connect(m, err);
    if (status == AKIN_OK) {
        fill_header(m, origin, &h);
        status = put_all(m, &h, writer, err);
    }
    pthread_mutex_unlock(&m->write_mutex);
    if (status == AKIN_OK) return file_writer_commit(writer, err);
    file_writer_discard(writer);
    return status;
}

akin_status akin_index_save(akin_index *m, const char *path, akin_error *err)
{
    return mesh_save(m, path, NULL, err);
}

/* ---- open ---------------------------------------------------------------------- */

static akin_status check_header(const file_map *map, const char *path,
                                header *h, akin_error *err)
{
    if (map->n < PAGE || memcmp(map->data, magic, sizeof magic) != 0)
        return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is no index of akin", path);
    memcpy(h, map->data, sizeof *h);
    if (h->version != VERSION || h->order != 0x01020304)
        return AKIN_FAIL(err, AKIN_EVERSION,
                         "'%s' is of version %u, which is not known here", path,
                         h->version);
    if (h->checksum != checksum_of(h, offsetof(header, checksum)))
        return AKIN_FAIL(err, AKIN_ECORRUPT, "the header of '%s' is damaged",
                         path);
    if (h->n_slots > MESH_MAX_SLOTS || h->n_efforts > MESH_EFFORTS ||
        h->metric > AKIN_METRIC_DOT || h->route > AKIN_ROUTE_VECTORS ||
        h->n_upper > (uint64_t)MESH_UPPER_BLOCKS << MESH_UPPER_BITS ||
        h->n_live > h->n_slots || h->n_dead > h->n_slots ||
        (uint32_t)h->top > MESH_LEVELS ||
        (h->top && h->top >> 32 >= h->n_slots))
        return AKIN_FAIL(err, AKIN_ECORRUPT, "the header of '%s' is damaged",
                         path);
    return AKIN_OK;
}

static akin_status check_sections(const mesh *m, const header *h,
                                  const file_map *map, const char *path,
                                  akin_error *err)
{
    for (int i = 0; i < SECTIONS; i++) {
        const section *s = &h->sections[i];
        if (s->bytes != section_bytes(m, i) || s->offset % PAGE ||
            s->offset > map->n || s->bytes > map->n - s->offset)
            return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is cut off", path);
        if (is_trusted(i) &&
            s->checksum != checksum_of(map->data + s->offset, s->bytes))
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "section %d of '%s' is damaged", i, path);
    }
    return AKIN_OK;
}

static void map_chunk(mesh *m, const header *h, size_t i, mesh_chunk *c)
{
    for (int k = 0; k < MESH_PARTS; k++) {
        size_t bytes = mesh_part_bytes(m, (enum mesh_part)k);
        /* never written to: it is copied before (mesh_own_all) */
        if (bytes)
            mesh_set_part(c, (enum mesh_part)k,
                          (void *)(uintptr_t)(m->map.data +
                                              h->sections[k].offset +
                                              i * MESH_CHUNK * bytes));
    }
    atomic_store(&m->chunks[i], c);
}

static akin_status map_chunks(mesh *m, const header *h, akin_error *err)
{
    for (size_t i = 0; i * MESH_CHUNK < h->n_slots; i++) {
        mesh_chunk *c;
        AKIN_TRY(mesh_new_empty_chunk(&c, err));
        map_chunk(m, h, i, c);
    }
    return AKIN_OK;
}

static akin_status read_upper(mesh *m, const header *h, akin_error *err)
{
    const unsigned char *from = m->map.data + h->sections[UPPER].offset;
    AKIN_TRY(mesh_reserve_upper(m, h->n_upper, err));
    for (size_t i = 0; i < h->n_upper; i++)
        memcpy((void *)(uintptr_t)mesh_upper_at(m, i), from + i * sizeof(mesh_upper),
               sizeof(mesh_upper));
    return AKIN_OK;
}

/* Levels and the lists above must fit together: a walk relies on it. */
static akin_status check_levels(const mesh *m, const char *path,
                                akin_error *err)
{
    size_t n = atomic_load(&m->n_slots);
    uint64_t top = atomic_load(&m->top);
    for (uint32_t slot = 0; slot < n; slot++) {
        const mesh_chunk *c = mesh_chunk_of(m, slot);
        size_t level = c->levels[mesh_place(slot)];
        if (level >= MESH_LEVELS ||
            (level && c->upper_at[mesh_place(slot)] + level > m->n_upper))
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "'%s' has a level that cannot be", path);
        for (size_t l = 1; l <= level; l++) {
            _Atomic uint32_t *list = mesh_list(m, slot, (int)l);
            for (size_t i = 0; i < MESH_UPPER_LINKS; i++) {
                uint32_t to = atomic_load(&list[i]);
                if (to == MESH_NONE) break;
                if (to >= n ||
                    mesh_chunk_of(m, to)->levels[mesh_place(to)] < l)
                    return AKIN_FAIL(err, AKIN_ECORRUPT,
                                     "'%s' has a link that cannot be", path);
            }
        }
    }
    if (top && mesh_chunk_of(m, (uint32_t)(top >> 32))
                       ->levels[mesh_place((uint32_t)(top >> 32))] + 1u <
                   (uint32_t)top)
        return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' has no way in", path);
    return AKIN_OK;
}

static akin_status check_states(const mesh *m, const char *path,
                                akin_error *err)
{
    size_t counts[MESH_DEAD + 1] = {0}, n = atomic_load(&m->n_slots);
    for (uint32_t slot = 0; slot < n; slot++) {
        unsigned state = mesh_state_of(m, slot);
        if (state > MESH_DEAD)
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "'%s' has a state that cannot be", path);
        counts[state]++;
    }
    if (counts[MESH_LIVE] != atomic_load(&m->n_live) ||
        counts[MESH_DEAD] != atomic_load(&m->n_dead))
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s' has other vectors than it says", path);
    return AKIN_OK;
}

static akin_status check_borrowed(const mesh *m, const char *path,
                                  akin_error *err)
{
    size_t n = atomic_load(&m->n_slots);
    for (uint32_t slot = 0; m->borrowed && slot < n; slot++)
        if (mesh_id(m, slot) >= m->n_borrowed)
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "'%s' is of other vectors than there are", path);
    return AKIN_OK;
}

/* The slots that nobody uses. */
static akin_status find_free(mesh *m, akin_error *err)
{
    size_t n = atomic_load(&m->n_slots);
    size_t live = atomic_load(&m->n_live), dead = atomic_load(&m->n_dead);
    if (live + dead == n) return AKIN_OK;
    for (uint32_t slot = 0; slot < n; slot++) {
        if (mesh_state_of(m, slot) != MESH_UNUSED) continue;
        void *p = m->free_slots;
        akin_status status = mem_grow(&p, &m->cap_free, m->n_free + 1,
                                      sizeof *m->free_slots, MESH_MAX_SLOTS,
                                      err);
        m->free_slots = p;
        AKIN_TRY(status);
        m->free_slots[m->n_free++] = slot;
    }
    return AKIN_OK;
}

static void take_header(mesh *m, const header *h)
{
    atomic_store(&m->n_slots, h->n_slots);
    atomic_store(&m->n_live, h->n_live);
    atomic_store(&m->n_dead, h->n_dead);
    atomic_store(&m->top, h->top);
    atomic_store(&m->coded, h->coded != 0);
    atomic_store(&m->route, (int)h->route);
    m->n_upper = h->n_upper;
    m->next_id = h->next_id;
    m->n_changed = h->n_changed;
    m->longest = h->longest;
    m->mean_error = h->mean_error;
    m->mean_share = h->mean_share;
    m->n_efforts = h->n_efforts;
    for (size_t i = 0; i < h->n_efforts; i++) {
        m->efforts[i] = h->efforts[i];
        m->recalls[i] = h->recalls[i];
    }
    m->n_asked = h->n_asked;
    m->n_true = h->n_true;
    for (size_t i = 0; i < MESH_EFFORTS; i++) m->n_found[i] = h->n_found[i];
    if (h->coded) mesh_draw_signs(m);
}

static akin_status open_mapped(mesh *m, const header *h, const char *path,
                               akin_error *err)
{
    atomic_store(&m->n_slots, h->n_slots);
    m->n_upper = h->n_upper;
    AKIN_TRY(check_sections(m, h, &m->map, path, err));
    take_header(m, h);
    memcpy(m->mean, m->map.data + h->sections[MEAN].offset,
           h->sections[MEAN].bytes);
    AKIN_TRY(map_chunks(m, h, err));
    AKIN_TRY(read_upper(m, h, err));
    AKIN_TRY(check_levels(m, path, err));
    AKIN_TRY(check_states(m, path, err));
    AKIN_TRY(check_borrowed(m, path, err));
    AKIN_TRY(find_free(m, err));
    return mesh_longer_find(m, err);
}

akin_status mesh_open(const char *path, const mesh_borrowed *borrowed,
                      mesh_origin *origin, mesh **out, akin_error *err)
{
    file_map map = {0};
    header h;
    mesh *m = NULL;
    AKIN_TRY(file_map_open(&map, path, err));
    akin_status status = check_header(&map, path, &h, err);
    if (status == AKIN_OK && (h.borrowed != 0) != (borrowed != NULL))
        status = AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                           "'%s' %s its own vectors", path,
                           h.borrowed ? "has not" : "has");
    akin_index_options opt = {.dim = h.dim, .metric = (akin_metric)h.metric,
                              .type = (akin_type)h.type, .links = h.links,
                              .effort = h.effort, .seed = h.seed,
                              .route = (akin_index_route)h.asked_route};
    if (status == AKIN_OK) status = mesh_new(&opt, &m, err);
    if (status != AKIN_OK) {
        file_map_close(&map);
        return status == AKIN_EUSAGE ? AKIN_ECORRUPT : status;
    }
    m->map = map;
    if (borrowed) mesh_borrow(m, borrowed);
    status = open_mapped(m, &h, path, err);
    if (status != AKIN_OK) {
        akin_index_close(m);
        return status;
    }
    if (origin) *origin = h.origin;
    *out = m;
    return AKIN_OK;
}

akin_status akin_index_open(const char *path, bool in_memory, akin_index **out,
                            akin_error *err)
{
    mesh *m;
    AKIN_TRY(mesh_open(path, NULL, NULL, &m, err));
    akin_status status = in_memory ? mesh_own_all(m, err) : AKIN_OK;
    if (status != AKIN_OK) {
        akin_index_close(m);
        return status;
    }
    *out = m;
    return AKIN_OK;
}

/* ---- what is compared later ---------------------------------------------------- */

bool mesh_file_is_whole(const mesh *m)
{
    header h;
    if (!m->map.data) return true;
    memcpy(&h, m->map.data, sizeof h);
    for (int i = 0; i < SECTIONS; i++)
        if (h.sections[i].checksum !=
            checksum_of(m->map.data + h.sections[i].offset,
                        h.sections[i].bytes))
            return false;
    return true;
}

void mesh_seal(unsigned char *file, size_t n)
{
    header h;
    if (n < PAGE) return;
    memcpy(&h, file, sizeof h);
    for (int i = 0; i < SECTIONS; i++)
        if (h.sections[i].offset <= n &&
            h.sections[i].bytes <= n - h.sections[i].offset)
            h.sections[i].checksum =
                checksum_of(file + h.sections[i].offset, h.sections[i].bytes);
    h.checksum = checksum_of(&h, offsetof(header, checksum));
    memcpy(file, &h, sizeof h);
}
