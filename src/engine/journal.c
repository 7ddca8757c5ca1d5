/* SPDX-License-Identifier: MIT
 * Writing windows in transactions that are long enough to be fast and short
 * enough to lose little. */
#include "engine/journal.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/when.h"

#define JOURNAL_COMMIT_S 1.0
#define JOURNAL_COMMIT_ROWS 4096
/* Between two transactions, for those who wait with a label: they look each
 * millisecond. */
#define JOURNAL_GAP_S 0.003

/* Where BirdNET-Analyzer files everything. */
#define JOURNAL_DEPLOYMENT "birdnet_default"
#define JOURNAL_PROJECT "birdnet_analyzer_dataset"

akin_status journal_begin(journal *j, akin_error *err)
{
    if (j->in_transaction) return AKIN_OK;
    AKIN_TRY(store_begin(j->db->writer, err));
    j->in_transaction = true;
    j->began_s = clock_now_s();
    j->n_rows = 0;
    return AKIN_OK;
}

akin_status journal_commit(journal *j, akin_error *err)
{
    if (!j->in_transaction) return AKIN_OK;
    AKIN_TRY(store_commit(j->db->writer, err));
    j->in_transaction = false;
    j->n_rows = 0;
    clock_sleep_s(JOURNAL_GAP_S);
    return AKIN_OK;
}

akin_status journal_checkpoint(journal *j, akin_error *err)
{
    double start_s = clock_process_cpu_s();
    AKIN_TRY(journal_commit(j, err));
    AKIN_TRY(checkpoint_run(j->db, &j->checkpoint, err));
    j->index_s += clock_process_cpu_s() - start_s;
    j->n_pending = 0;
    return AKIN_OK;
}

akin_status journal_maybe_commit(journal *j, akin_error *err)
{
    if (!j->in_transaction ||
        (clock_now_s() - j->began_s < JOURNAL_COMMIT_S &&
         j->n_rows < JOURNAL_COMMIT_ROWS))
        return AKIN_OK;
    AKIN_TRY(journal_commit(j, err));
    if (!checkpoint_due(j->db, j->n_pending)) return AKIN_OK;
    return journal_checkpoint(j, err);
}

akin_status journal_add(journal *j, const store_window *window,
                        const unsigned char *vector, int64_t *id,
                        akin_error *err)
{
    size_t bytes = (size_t)j->db->settings.dim * 2;
    AKIN_TRY(store_add_window(j->db->writer, window, vector, bytes, id, err));
    j->n_rows++;
    j->n_pending++;
    return AKIN_OK;
}

akin_status journal_deployment(journal *j, const char *dataset,
                               const char *recording, int64_t *id,
                               akin_error *err)
{
    store *s = j->db->writer;
    if (!dataset)
        return store_ensure_deployment(s, JOURNAL_DEPLOYMENT, JOURNAL_PROJECT,
                                       id, err);
    const char *slash = strchr(recording, '/');
    char *deployment =
        slash ? text_format("%.*s", (int)(slash - recording), recording)
              : mem_strdup(dataset);
    if (!deployment) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    akin_status status = store_ensure_deployment(s, deployment, dataset, id,
                                                 err);
    mem_free(deployment);
    return status;
}

akin_status journal_recording(journal *j, const char *recording,
                              int64_t deployment, int64_t *id, akin_error *err)
{
    char when[WHEN_TEXT_BYTES];
    bool dated = when_from_name(file_name(recording), when);
    return store_ensure_recording(j->db->writer, recording,
                                  dated ? when : NULL, deployment, id, err);
}

bool journal_has(const store_window *windows, size_t n, double start_s,
                 double end_s)
{
    size_t low = 0, high = n; /* first that does not begin before */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (windows[middle].start_s < start_s - STORE_SAME_OFFSET_S)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < n; low++) {
        if (windows[low].start_s > start_s + STORE_SAME_OFFSET_S) return false;
        if (fabs(windows[low].end_s - end_s) <= STORE_SAME_OFFSET_S) return true;
    }
    return false;
}

void journal_tell_clamped(const journal *j, int64_t n_clamped)
{
    if (n_clamped > 0)
        database_warn(j->db,
                      "%lld values of the vectors are beyond float16's range "
                      "and were clamped to 65504",
                      (long long)n_clamped);
}
