/* SPDX-License-Identifier: MIT
 * model/install: a folder is copied whole or not at all under every failed
 * allocation and write; downloads are for tests/install/run. */
#include "model/install.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "test.h"

static char from[512], models[512], card_path[600], graph_path[600];

static void put(const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", from, name);
    FILE *f = fopen(path, "wb");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void make_model(void)
{
    snprintf(from, sizeof from, "%s/from", test_dir());
    snprintf(models, sizeof models, "%s/models", test_dir());
    snprintf(card_path, sizeof card_path, "%s/m/model.json", models);
    snprintf(graph_path, sizeof graph_path, "%s/m/m.onnx", models);
    mkdir(from, 0777);
    put("m.onnx", "abc");
    put("model.json",
        "{\"schema\":1,\"name\":\"m\",\"modality\":\"sound\",\"dim\":8,"
        "\"sound\":{\"model\":\"m.onnx\",\"sample_rate\":16000,"
        "\"window_seconds\":1},\"files\":[{\"path\":\"m.onnx\",\"size\":3,"
        "\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
        "f20015ad\"}]}");
}

static void folders_are_copied(void)
{
    char *folder = NULL;
    akin_error e = {0};
    make_model();
    CHECK_OK(model_install(from, models, NULL, &folder, &e), e);
    CHECK(folder && strcmp(file_name(folder), "m") == 0);
    CHECK(file_exists(card_path));
    CHECK_OK(model_install(folder, models, NULL, NULL, &e), e);
    mem_free(folder);
    CHECK_STATUS(model_install("m", models, NULL, NULL, &e), AKIN_ENOTFOUND);
    CHECK_EQ_TEXT(e.text, "there is no folder, URL or card of a model 'm'");
}

static void every_failed_allocation_is_an_error(void)
{
    make_model();
    for (int64_t n = 1; n < 1000; n++) {
        akin_error e = {0};
        char *folder = NULL;
        file_remove(card_path);
        file_remove(graph_path);
        mem_fail_at(n);
        akin_status status = model_install(from, models, NULL, &folder, &e);
        bool reached = !mem_fail_pending();
        mem_fail_at(0);
        mem_free(folder);
        /* Making the rename last may fail: the card is there all the same. */
        CHECK(status != AKIN_OK || file_exists(card_path));
        CHECK(!file_exists(card_path) || file_exists(graph_path));
        CHECK(status == AKIN_OK || e.text[0]);
        if (!reached) break;
    }
    CHECK(file_exists(card_path));
}

static void every_failed_write_is_an_error(void)
{
    make_model();
    for (int64_t n = 1; n < 100; n++) {
        akin_error e = {0};
        file_remove(card_path);
        file_fail_at(n);
        akin_status status = model_install(from, models, NULL, NULL, &e);
        bool reached = !file_fail_pending();
        file_fail_at(0);
        CHECK(reached ? status == AKIN_EIO : status == AKIN_OK);
        if (!reached) break;
    }
    CHECK(file_exists(card_path));
}

const test_case test_install_cases[] = {
    {"install/folders_are_copied", folders_are_copied},
    {"install/every_failed_allocation_is_an_error",
     every_failed_allocation_is_an_error},
    {"install/every_failed_write_is_an_error", every_failed_write_is_an_error},
    {0},
};
