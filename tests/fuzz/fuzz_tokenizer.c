/* SPDX-License-Identifier: MIT
 * Hunts for a vocabulary that makes the reader look past it or merge into ids
 * that it does not have, and for a text that overruns the cleaning's buffers,
 * loses the end token or gives ids beyond the vocabulary. The input is a
 * vocabulary and, behind a NUL byte, a text; without a NUL it is a text for
 * the 512 bytes of the plainest vocabulary. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/clip_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONTEXT = 12 };

static tokenizer *open_vocabulary(const void *data, size_t n, card_clean clean)
{
    card_text card = {.clean = clean, .lower_case = true, .context = CONTEXT,
                      .pad_id = 3};
    tokenizer *t = NULL;
    akin_error e = {0};
    int fd = memfd_create("vocabulary", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n) abort();
    snprintf(card.tokenizer_files[0], CARD_PATH_BYTES, "self/fd/%d", fd);
    akin_status status = tokenizer_open(&card, "/proc", &t, &e);
    close(fd);
    if ((status == AKIN_OK) != (t != NULL)) abort();
    if (status != AKIN_OK && !e.text[0]) abort();
    return t;
}

static void encode(const tokenizer *t, const char *text, size_t n)
{
    int32_t ids[CONTEXT + 1] = {0};
    ids[CONTEXT] = 12345;
    size_t used = tokenizer_encode(t, text, n, ids);
    if (used < 2 || used > CONTEXT || ids[CONTEXT] != 12345) abort();
    for (size_t i = 0; i < used; i++)
        if (ids[i] < 0 || ids[i] > tokenizer_max_id(t)) abort();
    for (size_t i = used; i < CONTEXT; i++)
        if (ids[i] != 3) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char plainest[] = "\"\"\n";
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    const void *vocabulary = nul ? (const void *)data : plainest;
    size_t n = nul ? (size_t)(nul - data) : sizeof plainest - 1;
    const char *text = (const char *)(nul ? nul + 1 : data);
    for (int mode = 0; mode < 2; mode++) {
        tokenizer *t = open_vocabulary(vocabulary, n, mode);
        if (t) encode(t, text, size - (nul ? n + 1 : 0));
        tokenizer_close(t);
    }
    return 0;
}
