/* SPDX-License-Identifier: MIT
 * What check_tokenizer.py drives: texts from standard input, each a 4-byte
 * little-endian length and its bytes; a line of ids each.
 * usage: tokenizer_tool huggingface|open-clip CONTEXT PAD FILE [MERGES] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/clip_tokenizer.h"

enum { MAX_TEXT_BYTES = 1 << 20 };

static int fail(const char *what)
{
    fprintf(stderr, "tokenizer_tool: %s\n", what);
    return 2;
}

/* false at the end of the input. */
static int read_text(char *text, size_t *n)
{
    unsigned char length[4];
    if (fread(length, 1, 4, stdin) != 4) return 0;
    *n = length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 |
         (size_t)length[3] << 24;
    return *n <= MAX_TEXT_BYTES && fread(text, 1, *n, stdin) == *n;
}

int main(int argc, char **argv)
{
    card_text card = {.lower_case = true};
    akin_error e = {0};
    tokenizer *t = NULL;
    if (argc < 5) return fail("usage: MODE CONTEXT PAD FILE [MERGES]");
    card.clean = strcmp(argv[1], "open-clip") == 0 ? CARD_CLEAN_OPEN_CLIP
                                                   : CARD_CLEAN_HUGGINGFACE;
    card.context = (uint32_t)strtoul(argv[2], NULL, 10);
    card.pad_id = (int32_t)strtol(argv[3], NULL, 10);
    snprintf(card.tokenizer_files[0], CARD_PATH_BYTES, "%s", argv[4]);
    if (argc > 5)
        snprintf(card.tokenizer_files[1], CARD_PATH_BYTES, "%s", argv[5]);
    if (tokenizer_open(&card, "", &t, &e) != AKIN_OK) return fail(e.text);
    char *text = malloc(MAX_TEXT_BYTES);
    int32_t *ids = malloc(card.context * sizeof *ids);
    for (size_t n; text && ids && read_text(text, &n);) {
        size_t used = tokenizer_encode(t, text, n, ids);
        printf("%zu", used);
        for (size_t i = 0; i < card.context; i++) printf(" %d", ids[i]);
        printf("\n");
    }
    free(text);
    free(ids);
    tokenizer_close(t);
    return 0;
}
