/* SPDX-License-Identifier: MIT
 * akin info: what a database holds and how it was made. */
#include <string.h>

#include "cli/commands.h"
#include "cli/print.h"

typedef struct info_args {
    option_texts databases;
    bool json;
} info_args;

#define AT(field) offsetof(info_args, field)

static const option_spec option_table[] = {
    {.name = "database", .aliases = "-db", .type = OPTION_TEXTS,
     .offset = AT(databases), .value = "DB",
     .help = "the database; may be repeated"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "one JSON object per database"},
    OPTION_END,
};

static json_t *settings_to_json(const akin_settings *s)
{
    json_t *value = json_object();
    if (s->set & AKIN_SET_OVERLAP)
        json_object_set_new(value, "overlap", json_real(s->overlap_s));
    if (s->set & AKIN_SET_SPEED)
        json_object_set_new(value, "audio_speed", json_real(s->audio_speed));
    if (s->set & AKIN_SET_FMIN)
        json_object_set_new(value, "fmin", json_integer(s->fmin_hz));
    if (s->set & AKIN_SET_FMAX)
        json_object_set_new(value, "fmax", json_integer(s->fmax_hz));
    if (s->set & AKIN_SET_MIN_LENGTH)
        json_object_set_new(value, "min_length", json_real(s->min_length_s));
    if (s->set & AKIN_SET_AUDIO_ROOT)
        json_object_set_new(value, "audio_root", json_text(s->audio_root));
    if (s->set & AKIN_SET_EVERY)
        json_object_set_new(value, "every", json_real(s->every_s));
    return value;
}

static json_t *counts_to_json(const akin_info *info)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "deployments",
                     (json_int_t)info->n_deployments, "recordings",
                     (json_int_t)info->n_recordings, "windows",
                     (json_int_t)info->n_windows, "vectors",
                     (json_int_t)info->n_vectors, "pending",
                     (json_int_t)info->n_pending, "annotations",
                     (json_int_t)info->n_annotations, "scores",
                     (json_int_t)info->n_scores);
}

static json_t *model_to_json(const akin_info *info)
{
    return json_pack("{s:o, s:o, s:I, s:o, s:b, s:b, s:I, s:f}", "name",
                     json_text(info->model), "modality",
                     json_text(info->modality), "dim", (json_int_t)info->dim,
                     "identity", json_text(info->model_identity), "available",
                     info->model_available, "text", info->text, "rate_hz",
                     (json_int_t)info->rate_hz, "window_s", info->window_s);
}

static json_t *info_to_json(const akin_info *info)
{
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:{s:I, s:I}, s:{s:s, s:s}}",
        "database",
        json_text(info->path), "format", info->format, "model",
        model_to_json(info), "settings", settings_to_json(&info->settings),
        "counts", counts_to_json(info), "bytes", "sqlite",
        (json_int_t)info->sqlite_bytes, "index", (json_int_t)info->index_bytes,
        "index", "state", info->index_state, "graph", info->graph_state);
}

static void print_sound_settings(const akin_settings *s)
{
    if (s->set & AKIN_SET_OVERLAP)
        printf("overlap      %g s\n", s->overlap_s);
    if (s->set & AKIN_SET_SPEED)
        printf("audio speed  %g\n", s->audio_speed);
    if (s->set & (AKIN_SET_FMIN | AKIN_SET_FMAX)) {
        if (s->fmin_hz <= 0 && s->fmax_hz >= 15000)
            printf("band-pass    off\n");
        else
            printf("band-pass    %d to %d Hz\n", s->fmin_hz, s->fmax_hz);
    }
    if (s->set & AKIN_SET_MIN_LENGTH && s->min_length_s > 0)
        printf("min. length  %g s\n", s->min_length_s);
}

static void print_settings(const akin_info *info)
{
    const akin_settings *s = &info->settings;
    if (strcmp(info->modality, "image") != 0) {
        if (info->window_s > 0)
            printf("window       %g s at %u Hz\n", info->window_s,
                   info->rate_hz);
        print_sound_settings(s);
    } else if (s->set & AKIN_SET_EVERY) {
        printf("films        a frame every %g s\n", s->every_s);
    }
    if (s->set & AKIN_SET_AUDIO_ROOT)
        printf("audio root   %s\n", s->audio_root);
}

static void print_info(const akin_info *info)
{
    char rows[PRINT_PIECE_SIZE], index[PRINT_PIECE_SIZE];
    printf("database     %s (%s)\n", info->path, info->format);
    printf("model        %s%s%s%s, %u dimensions%s\n",
           *info->model ? info->model : "unknown",
           *info->modality ? " (" : "", info->modality,
           *info->modality ? ")" : "", info->dim,
           !info->model_available ? " (not available here)"
           : info->text           ? ", searched by words too"
                                  : "");
    print_settings(info);
    printf("recordings   %lld in %lld %s\n", (long long)info->n_recordings,
           (long long)info->n_deployments,
           print_plural(info->n_deployments, "deployment", "deployments"));
    printf("windows      %lld\n", (long long)info->n_windows);
    printf("vectors      %lld", (long long)info->n_vectors);
    if (info->n_pending > 0)
        printf(", %lld of them not in usearch.index yet",
               (long long)info->n_pending);
    printf("\n");
    printf("annotations  %lld\n", (long long)info->n_annotations);
    if (info->n_scores > 0)
        printf("scores       %lld, of classes\n", (long long)info->n_scores);
    print_size(info->sqlite_bytes, rows);
    print_size(info->index_bytes, index);
    printf("size         %s rows, %s index\n", rows, index);
    printf("index        %s\n", info->index_state);
    if (strcmp(info->graph_state, "ok") == 0)
        printf("graph        ok\n");
    if (strcmp(info->graph_state, "missing") == 0)
        printf("graph        missing: akin index %s makes searches faster\n",
               info->path);
}

static akin_status show(const char *path, bool json, akin_error *err)
{
    akin_db *db = NULL;
    akin_info info;
    akin_status status = command_open(path, AKIN_READ, &db, err);
    if (status == AKIN_OK) status = akin_get_info(db, &info, err);
    if (status == AKIN_OK && json)
        print_json(info_to_json(&info));
    else if (status == AKIN_OK)
        print_info(&info);
    akin_close(db);
    return status;
}

static int run_info(const options *parsed, const void *args_)
{
    const info_args *args = args_;
    akin_error err = {0};
    if (args->databases.n + parsed->n_operands == 0)
        return command_misused(parsed, "the database is missing");
    for (size_t i = 0; i < args->databases.n; i++)
        if (show(args->databases.items[i], args->json, &err) != AKIN_OK)
            return print_failure(&err);
    for (size_t i = 0; i < parsed->n_operands; i++)
        if (show(parsed->operands[i], args->json, &err) != AKIN_OK)
            return print_failure(&err);
    return EXIT_DONE;
}

const command cmd_info = {
    .name = "info",
    .summary = "show what a database holds and how it was made",
    .synopsis = "DB... [--json]",
    .about = "  akin info birds.db\n"
             "  akin info birds.db --json\n",
    .table = option_table,
    .args_size = sizeof(info_args),
    .run = run_info,
};
