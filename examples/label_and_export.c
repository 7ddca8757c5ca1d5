/* SPDX-License-Identifier: MIT
 * Labels what is closest to a window and writes those clips to a folder.
 *
 *     cc label_and_export.c $(pkg-config --cflags --libs akin) -o label_and_export
 *     ./label_and_export DATABASE WINDOW_ID LABEL FOLDER
 */
#include <akin/akin.h>
#include <stdio.h>
#include <stdlib.h>

/* Everything this close to the window gets its label. */
#define CLOSE_ENOUGH 0.8f

static akin_status label_hits(akin_db *db, const akin_results *results,
                              const char *label, akin_error *err)
{
    akin_annotation annotation = {
        .label = label, .by = "label_and_export", .type = AKIN_POSITIVE};
    for (size_t i = 0; i < akin_results_count(results); i++) {
        const akin_hit *hit = akin_results_at(results, i);
        bool added;
        if (hit->score < CLOSE_ENOUGH) break;
        akin_status status =
            akin_label(db, hit->window_id, &annotation, &added, err);
        if (status != AKIN_OK) return status;
        printf("%s window %lld, score %.3f\n", added ? "labelled" : "had",
               (long long)hit->window_id, hit->score);
    }
    return AKIN_OK;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: label_and_export DATABASE WINDOW_ID LABEL "
                        "FOLDER\n");
        return 2;
    }
    akin_error err;
    akin_db *db = NULL;
    akin_results *results = NULL;
    akin_export_report report = {0};
    akin_db_options write = {.mode = AKIN_WRITE};
    akin_query query = {.window_id = strtoll(argv[2], NULL, 10)};
    akin_search_options search = {.k = 20};

    int failed = akin_open(argv[1], &write, &db, &err) ||
                 akin_search(&db, 1, &query, &search, &results, &err) ||
                 label_hits(db, results, argv[3], &err) ||
                 akin_export_clips(results, argv[4], &report, &err);
    if (failed)
        fprintf(stderr, "%s\n", err.text);
    else
        printf("%zu clips in %s\n", report.n_written, argv[4]);
    akin_results_free(results);
    akin_close(db);
    return failed ? 3 : 0;
}
