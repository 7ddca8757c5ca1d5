/* SPDX-License-Identifier: MIT
 * model/model_port: which tensor a card means, told by name, by a usual name or
 * as the only one that fits. */
#include "model/model_port.h"

#include "base/text.h"
#include "test.h"

static char name_a[] = "a", name_b[] = "b", name_e[] = "embeddings",
            name_i[] = "ids";

static const onnx_port ports[] = {
    {name_a, ONNX_F32, 2, {-1, 8}},
    {name_b, ONNX_F16, 2, {-1, 3}},
    {name_e, ONNX_F32, 3, {-1, 5, 8}},
    {name_i, ONNX_I64, 2, {-1, 77}},
};
enum { N_PORTS = sizeof ports / sizeof *ports };

static const char *const usual[] = {"embedding", "embeddings", NULL};

/* The name of what is found, or the message. */
static const char *found(const port_query *query)
{
    static akin_error e;
    const onnx_port *port = NULL;
    port_query q = *query;
    q.graph = "g";
    q.role = "embedding";
    e = (akin_error){0};
    akin_status status = port_find(&q, ports, N_PORTS, &port, &e);
    CHECK_EQ_INT(status, status == AKIN_OK ? AKIN_OK : AKIN_EMODEL);
    return status == AKIN_OK ? port->name : e.text;
}

static void names_come_first(void)
{
    card_tensor t = {.name = "b"};
    port_query q = {.tensor = &t, .usual = usual, .min_rank = 2, .max_rank = 2};
    CHECK_EQ_TEXT(found(&q), "b");
    t.type = CARD_TYPE_FLOAT32;
    CHECK_EQ_TEXT(found(&q), "the embedding 'b' of 'g' is float16 [?, 3]; its "
                             "card wants float32 of 2 axes");
    t = (card_tensor){.name = "b", .rank = 2, .shape = {1, 4}};
    CHECK_EQ_TEXT(found(&q), "the embedding 'b' of 'g' is float16 [?, 3]; its "
                             "card wants floats [1, 4]");
    t = (card_tensor){.name = "ids"};
    CHECK(text_starts_with(found(&q), "the embedding 'ids' of 'g' is int64"));
    t = (card_tensor){.name = "c"};
    CHECK_EQ_TEXT(found(&q),
                  "'g' has no embedding 'c'; it has 'a' float32 [?, 8], 'b' "
                  "float16 [?, 3], 'embeddings' float32 [?, 5, 8], 'ids' int64 "
                  "[?, 77]");
}

static void usual_names_come_next(void)
{
    card_tensor t = {.name = ""};
    port_query q = {.tensor = &t, .usual = usual, .min_rank = 2, .max_rank = 2};
    CHECK_EQ_TEXT(found(&q), "embeddings");
    q.taken = &ports[2];
    q.n_last = 3;
    CHECK_EQ_TEXT(found(&q), "b");
    q.taken = NULL;
    t.type = CARD_TYPE_FLOAT32; /* something is said, so names don't count */
    CHECK_EQ_TEXT(found(&q), "a");
}

static void the_only_one_that_fits(void)
{
    card_tensor t = {.name = ""};
    port_query q = {.tensor = &t, .min_rank = 2, .max_rank = 2};
    CHECK_EQ_TEXT(found(&q),
                  "'g' has 2 tensors that may be the embedding, floats of 2 "
                  "axes; its card must name one: 'a' float32 [?, 8], 'b' "
                  "float16 [?, 3], 'embeddings' float32 [?, 5, 8], 'ids' int64 "
                  "[?, 77]");
    q.n_last = 8;
    CHECK_EQ_TEXT(found(&q), "a");
    q.taken = &ports[0];
    CHECK_EQ_TEXT(found(&q), "b"); /* who asks compares the length */
    q = (port_query){.tensor = &t, .numbers = PORT_IDS, .max_rank = 2};
    CHECK_EQ_TEXT(found(&q), "ids");
    t = (card_tensor){.rank = 3, .shape = {-1, -1, 8}};
    q = (port_query){.tensor = &t, .min_rank = 2, .max_rank = 2};
    CHECK_EQ_TEXT(found(&q), "embeddings");
    t.shape[0] = 4;
    t.shape[1] = 6;
    CHECK(text_starts_with(found(&q), "'g' has nothing that may be the "
                                      "embedding, floats [4, 6, 8]; it has"));
}

/* What port_row_size gives; -1: no row. */
static int row_size(size_t n_axes, const int64_t *shape)
{
    size_t n = 99;
    return port_row_size(shape, n_axes, 1000, &n) ? (int)n : -1;
}

static void rows_are_measured(void)
{
    CHECK_EQ_INT(row_size(2, (int64_t[]){-1, 8}), 8);
    CHECK_EQ_INT(row_size(2, (int64_t[]){32, 8}), 8);
    CHECK_EQ_INT(row_size(1, (int64_t[]){8}), 8);
    CHECK_EQ_INT(row_size(3, (int64_t[]){-1, 1, 8}), 8);
    CHECK_EQ_INT(row_size(4, (int64_t[]){2, 8, 1, 1}), 8);
    CHECK_EQ_INT(row_size(2, (int64_t[]){2, 1}), 1);
    CHECK_EQ_INT(row_size(2, (int64_t[]){-1, -1}), 0);
    CHECK_EQ_INT(row_size(3, (int64_t[]){1, 5, 8}), -1);
    CHECK_EQ_INT(row_size(3, (int64_t[]){1, 5, -1}), 0);
    CHECK_EQ_INT(row_size(2, (int64_t[]){1, 0}), -1);
    CHECK_EQ_INT(row_size(2, (int64_t[]){1, 1001}), -1);
}

const test_case test_model_port_cases[] = {
    {"model_port/names_come_first", names_come_first},
    {"model_port/usual_names_come_next", usual_names_come_next},
    {"model_port/the_only_one_that_fits", the_only_one_that_fits},
    {"model_port/rows_are_measured", rows_are_measured},
    {0},
};
