/* SPDX-License-Identifier: MIT
 * A folder of recordings becomes a database; a sound finds what is akin to it.
 *
 *     cc similar_sounds.c $(pkg-config --cflags --libs akin) -o similar_sounds
 *     ./similar_sounds RECORDINGS DATABASE QUERY.wav
 */
#include <akin/akin.h>
#include <stdio.h>

static void print_failed(void *user, const akin_file_report *report)
{
    (void)user;
    if (report->outcome == AKIN_FILE_FAILED)
        fprintf(stderr, "%s: %s\n", report->path, report->text);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: similar_sounds RECORDINGS DATABASE QUERY.wav\n");
        return 2;
    }
    akin_error err;
    akin_db *db = NULL;
    akin_results *results = NULL;
    const char *inputs[] = {argv[1]};
    akin_db_options create = {.mode = AKIN_CREATE};
    akin_extract_options extract = {.file = print_failed};
    akin_query query = {.file = argv[3]};
    akin_search_options search = {.k = 5, .crop = AKIN_SEGMENTS};

    int failed = akin_open(argv[2], &create, &db, &err) ||
                 akin_extract(db, inputs, 1, &extract, NULL, &err) ||
                 akin_search(&db, 1, &query, &search, &results, &err);
    if (failed) fprintf(stderr, "%s\n", err.text);
    for (size_t i = 0; i < akin_results_count(results); i++) {
        const akin_hit *hit = akin_results_at(results, i);
        printf("%zu. %.3f  %s at %.1f s\n", hit->rank, hit->score,
               hit->recording, hit->start_s);
    }
    akin_results_free(results);
    akin_close(db);
    return failed ? 3 : 0;
}
