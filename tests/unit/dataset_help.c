/* SPDX-License-Identifier: MIT
 * Small datasets for tests. */
#include "dataset_help.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "db_files.h"
#include "engine/dataset_int.h"
#include "media/image_write.h"
#include "test.h"

static void add_view(akin_dataset *ds, int64_t item, const char *id,
                     const char *name, const char *url)
{
    akin_error e = {0};
    const view_row view = {.item = item, .id = id, .name = name, .url = url,
                           .created_us = 5, .updated_us = 6, .format = ""};
    CHECK_OK(items_put_view(ds->writer, &view, NULL, &e), e);
}

static void add_item(akin_dataset *ds, size_t i, size_t n_views)
{
    akin_error e = {0};
    char id[64], view[64], url[64];
    int64_t row = 0;
    const item_value values[] = {{.integer = (int64_t)i},
                                 {.text = i % 2 ? "odd" : "even"}};
    snprintf(id, sizeof id, "i%03zu", i);
    const item_row item = {.id = id, .values = values, .created_us = 1,
                           .updated_us = 2};
    CHECK_OK(items_put(ds->writer, &item, &row, &e), e);
    for (size_t k = 0; k < n_views; k++) {
        snprintf(view, sizeof view, "i%03zuv%zu", i, k);
        snprintf(url, sizeof url, "f%03zu_%zu.jpg", i, k);
        add_view(ds, row, view, k == 1 ? "mask" : "image", url);
    }
}

akin_dataset *dataset_make(size_t n, size_t n_views)
{
    static const item_field fields[] = {{"number", ITEM_INTEGER},
                                        {"kind", ITEM_TEXT}};
    akin_error e = {0};
    akin_dataset *ds = NULL;
    const char *path = db_path("ds"), *media = db_path("media");
    const akin_dataset_options opt = {.write = true};
    const dataset_making making = {.media = media};
    CHECK_OK(file_make_dirs(media, &e), e);
    CHECK_OK(dataset_open_making(path, &making, &opt, &ds, &e), e);
    if (!ds) return NULL;
    CHECK_OK(items_begin(ds->writer, &e), e);
    for (size_t i = 0; i < 2; i++)
        CHECK_OK(items_add_field(ds->writer, &fields[i], &e), e);
    for (size_t i = 0; i < n; i++) add_item(ds, i, n_views);
    CHECK_OK(items_commit(ds->writer, &e), e);
    return ds;
}

void dataset_add_view(akin_dataset *ds, size_t i, const char *id,
                      const char *url)
{
    akin_error e = {0};
    char item[32];
    int64_t row = 0;
    snprintf(item, sizeof item, "i%03zu", i);
    CHECK_OK(items_find(ds->writer, item, &row, &e), e);
    add_view(ds, row, id, "image", url);
}

void dataset_make_picture(const char *url, unsigned seed)
{
    enum { SIDE = 32 };
    akin_error e = {0};
    char path[64];
    random_state r = {seed};
    image im = {SIDE, SIDE, mem_array(SIDE * SIDE, 3)};
    uint8_t colours[6];
    for (size_t k = 0; k < 6; k++) colours[k] = (uint8_t)random_below(&r, 256);
    for (size_t i = 0; im.rgb && i < SIDE * SIDE; i++)
        for (size_t k = 0; k < 3; k++)
            im.rgb[3 * i + k] = colours[k + (i % SIDE > i / SIDE ? 3 : 0)];
    snprintf(path, sizeof path, "media/%s", url);
    CHECK_OK(image_write_jpeg(&im, db_path(path), 90, &e), e);
    mem_free(im.rgb);
}

void dataset_values(unsigned seed, float *out, size_t dim)
{
    random_state r = {seed};
    for (size_t i = 0; i < dim; i++) out[i] = (float)(2 * random_unit(&r) - 1);
}
