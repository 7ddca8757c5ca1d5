/* SPDX-License-Identifier: MIT
 * The JSON of databases. */
#include "server/database_json.h"

static json_t *settings_json(const akin_settings *s)
{
    json_t *out = json_object();
    if (s->set & AKIN_SET_OVERLAP)
        json_object_set_new(out, "overlap", json_real(s->overlap_s));
    if (s->set & AKIN_SET_SPEED)
        json_object_set_new(out, "audio_speed", json_real(s->audio_speed));
    if (s->set & AKIN_SET_FMIN)
        json_object_set_new(out, "fmin", json_integer(s->fmin_hz));
    if (s->set & AKIN_SET_FMAX)
        json_object_set_new(out, "fmax", json_integer(s->fmax_hz));
    if (s->set & AKIN_SET_MIN_LENGTH)
        json_object_set_new(out, "min_length", json_real(s->min_length_s));
    if (s->set & AKIN_SET_EVERY)
        json_object_set_new(out, "every", json_real(s->every_s));
    if (s->set & AKIN_SET_AUDIO_ROOT)
        json_object_set_new(out, "audio_root", json_text(s->audio_root));
    return out;
}

json_t *database_json_info(const char *id, const akin_info *info)
{
    json_t *model = json_pack(
        "{s:o, s:o, s:I, s:b, s:b, s:I, s:f}", "name", json_text(info->model),
        "identity", json_text(info->model_identity), "dim",
        (json_int_t)info->dim, "available", info->model_available, "text",
        info->text, "rate_hz", (json_int_t)info->rate_hz, "window_s",
        info->window_s);
    json_t *counts = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "deployments",
        (json_int_t)info->n_deployments, "recordings",
        (json_int_t)info->n_recordings, "windows", (json_int_t)info->n_windows,
        "vectors", (json_int_t)info->n_vectors, "pending",
        (json_int_t)info->n_pending, "annotations",
        (json_int_t)info->n_annotations, "scores",
        (json_int_t)info->n_scores);
    json_t *bytes =
        json_pack("{s:I, s:I}", "sqlite", (json_int_t)info->sqlite_bytes,
                  "index", (json_int_t)info->index_bytes);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "id", json_text(id), "path", json_text(info->path),
                     "format", json_text(info->format), "modality",
                     json_text(info->modality), "model", model, "settings",
                     settings_json(&info->settings), "counts", counts, "bytes",
                     bytes, "index", json_text(info->index_state), "graph",
                     json_text(info->graph_state));
}

static json_t *labels_json(const akin_hit *hit)
{
    json_t *out = json_array();
    for (size_t i = 0; i < hit->n_labels; i++)
        json_array_append_new(out, json_text(hit->labels[i]));
    return out;
}

static json_t *classes_json(const akin_hit *hit)
{
    json_t *out = json_array();
    for (size_t i = 0; i < hit->n_classes; i++)
        json_array_append_new(
            out, json_pack("{s:o, s:f}", "name",
                           json_text(hit->classes[i].name), "score",
                           (double)hit->classes[i].score));
    return out;
}

json_t *database_json_hit(const akin_hit *hit, bool scored)
{
    json_t *out = json_object();
    if (scored) {
        json_object_set_new(out, "rank", json_integer((json_int_t)hit->rank));
        json_object_set_new(out, "score", json_real((double)hit->score));
    }
    json_t *rest = json_pack(
        "{s:I, s:I, s:o, s:f, s:f, s:b, s:o, s:o, s:o, s:o, s:o}", "window_id",
        (json_int_t)hit->window_id, "recording_id",
        (json_int_t)hit->recording_id, "recording", json_text(hit->recording),
        "start", hit->start_s, "end", hit->end_s, "imprecise", hit->imprecise,
        "datetime", json_text(hit->datetime), "deployment",
        json_text(hit->deployment), "project", json_text(hit->project),
        "labels", labels_json(hit), "classes", classes_json(hit));
    json_object_update(out, rest);
    json_decref(rest);
    return out;
}

json_t *database_json_hits(const akin_results *results, bool scored)
{
    json_t *out = json_array();
    for (size_t i = 0; i < akin_results_count(results); i++)
        json_array_append_new(
            out, database_json_hit(akin_results_at(results, i), scored));
    return out;
}

json_t *database_json_recording(const akin_recording *r)
{
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "id", (json_int_t)r->id,
        "name", json_text(r->name), "datetime", json_text(r->datetime),
        "deployment", json_text(r->deployment), "project",
        json_text(r->project), "duration",
        r->duration_s > 0 ? json_real(r->duration_s) : json_null(), "windows",
        (json_int_t)r->n_windows, "annotations", (json_int_t)r->n_annotations);
}

const char *database_json_label_type(akin_label_type type)
{
    return type == AKIN_NEGATIVE    ? "negative"
           : type == AKIN_UNCERTAIN ? "uncertain"
                                    : "positive";
}

json_t *database_json_annotation(const akin_annotation *a)
{
    return json_pack("{s:I, s:I, s:o, s:f, s:f, s:o, s:s, s:o}", "id",
                     (json_int_t)a->id, "recording_id",
                     (json_int_t)a->recording_id, "recording",
                     json_text(a->recording), "start", a->start_s, "end",
                     a->end_s, "label", json_text(a->label), "type",
                     database_json_label_type(a->type), "by",
                     json_text(a->by));
}
