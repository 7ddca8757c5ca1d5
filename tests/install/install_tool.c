/* SPDX-License-Identifier: MIT
 * What tests/install/run drives: one model_install with short time-outs.
 * usage: install_tool SOURCE MODELS_FOLDER CARDS_FOLDER [CANCEL_AT_BYTES]
 * Prints "ok FOLDER" or "STATUS MESSAGE". */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "model/install.h"

static bool progress(void *user, const char *file, int64_t done_bytes,
                     int64_t total_bytes)
{
    const int64_t *cancel_at = user;
    if (done_bytes < 0 || (total_bytes >= 0 && done_bytes > total_bytes)) {
        printf("progress of %s is %lld of %lld\n", file,
               (long long)done_bytes, (long long)total_bytes);
        return false;
    }
    return *cancel_at < 0 || done_bytes < *cancel_at;
}

int main(int argc, char **argv)
{
    int64_t cancel_at = argc > 4 ? atoll(argv[4]) : -1;
    akin_error e = {0};
    char *folder = NULL;
    if (argc < 4) return 2;
    install_options options = {
        .cards_folder = argv[3],
        .progress = progress,
        .user = &cancel_at,
        .connect_timeout_s = 3,
        .stall_timeout_s = 1,
    };
    signal(SIGXFSZ, SIG_IGN);
    akin_status status = model_install(argv[1], argv[2], &options, &folder,
                                       &e);
    if (status == AKIN_OK)
        printf("ok %s\n", folder);
    else
        printf("%s %s\n", akin_status_name(status), e.text);
    mem_free(folder);
    return status == AKIN_OK ? 0 : 1;
}
