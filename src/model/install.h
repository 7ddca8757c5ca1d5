/* SPDX-License-Identifier: MIT
 * Bringing a model's folder onto this machine: copied, or downloaded file by
 * file as its card says, with sizes and hashes checked. */
#ifndef MODEL_INSTALL_H
#define MODEL_INSTALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* All-zero is a valid default. */
typedef struct install_options {
    const char *cards_folder; /* of the cards that ship, for NAME */
    /* Called at most ten times a second and at each file's end; total is -1
     * while it is not known. Returning false cancels: AKIN_ECANCELLED, and
     * what was downloaded is kept for the next time. */
    bool (*progress)(void *user, const char *file, int64_t done_bytes,
                     int64_t total_bytes);
    void *user;
    double connect_timeout_s; /* 0: 30 */
    double stall_timeout_s;   /* without a byte; 0: 60 */
} install_options;

/* Installs `source` into models_folder/NAME, NAME being the card's:
 *   a folder       its files are copied;
 *   a URL          of a model.json: http, https or file; the card's files are
 *                  downloaded from their own URLs or from beside the card;
 *   a name         of a card in cards_folder.
 * A file that is there and right is kept. Downloads go to PATH.part, resume
 * there after an interruption, and get their name when size and sha256 agree;
 * the card comes last, so that a folder with a card is whole. *out (may be
 * NULL) becomes the model's folder, owned (mem_free).
 * AKIN_ENOTFOUND: no such source, or files that no URL is known for (they are
 * named with the page that tells; put them into the folder and install again).
 * AKIN_EMODEL: a wrong card, size or hash. AKIN_EIO: network or disk. */
akin_status model_install(const char *source, const char *models_folder,
                          const install_options *options, char **out,
                          akin_error *err) AKIN_NODISCARD;

#endif
