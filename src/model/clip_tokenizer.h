/* SPDX-License-Identifier: MIT
 * Text to token ids: CLIP's byte-level BPE, and the byte tokenizer of akin's
 * own small CLIP. A tokenizer is read-only after its opening and shared by
 * threads. */
#ifndef MODEL_CLIP_TOKENIZER_H
#define MODEL_CLIP_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "model/card.h"

typedef struct tokenizer tokenizer;

/* Opens the tokenizer that the card's text part describes, its files in
 * `folder`. AKIN_EUNSUPPORTED for SentencePiece and for vocabularies without
 * the 256 bytes; AKIN_ECORRUPT names the file and what is wrong in it. */
akin_status tokenizer_open(const card_text *text, const char *folder,
                           tokenizer **out, akin_error *err) AKIN_NODISCARD;
void tokenizer_close(tokenizer *t);

/* Writes exactly `context` ids: start token, pieces, end token, then padding; a
 * text that is too long is cut and still ends with the end token. Returns how
 * many ids are not padding (what an attention mask covers; the last of them is
 * the end token's place; `bytes` has neither start nor end). Does not allocate
 * or fail: bytes that are no UTF-8 become U+FFFD. Of a text, the first 2048
 * characters count, runs of blanks as one. What spells a special token, such as
 * <|endoftext|>, is text like any other. Uses up to 200 kB of stack. */
size_t tokenizer_encode(const tokenizer *t, const char *text, size_t n_bytes,
                        int32_t *ids);

size_t tokenizer_context(const tokenizer *t);
int32_t tokenizer_max_id(const tokenizer *t);

#endif
