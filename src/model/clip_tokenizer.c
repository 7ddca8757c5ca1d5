/* SPDX-License-Identifier: MIT
 * CLIP's byte-level BPE: a text's pieces as bytes, each a symbol, the last of a
 * piece marked as the end of a word; then the adjacent pair that was merged
 * first in training is merged, again and again.
 *
 * Symbols are ids from the start, so that merging is arithmetic over a table
 * of pairs: (left id, right id) -> (rank, merged id). */
#include "model/clip_tokenizer.h"

#include <string.h>
#include <utf8proc.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/clip_clean.h"

#define TOKENIZER_MAX_FILE_BYTES ((size_t)64 << 20)
#define TOKENIZER_NO_RANK INT32_MAX

enum {
    TOKENIZER_MAX_MERGES = 1 << 20,
    TOKENIZER_MAX_ID = 1 << 24,
    TOKENIZER_MAX_SYMBOL_BYTES = 1024,
    TOKENIZER_MAX_PIECE_BYTES = CLIP_MAX_CODES,
    /* Of the published vocabulary text, whose later merges CLIP leaves out. */
    TOKENIZER_CLIP_MERGES = 49152 - 256 - 2
};

typedef struct tokenizer_pair {
    int32_t left, right; /* left -1: a free place */
    int32_t rank, merged;
} tokenizer_pair;

struct tokenizer {
    card_tokenizer kind;
    card_clean clean;
    bool lower_case;
    size_t context;
    int32_t pad, start, end, max_id;
    int32_t byte_ids[256];     /* inside a word */
    int32_t last_byte_ids[256]; /* as its end */
    tokenizer_pair *pairs;
    size_t n_pairs; /* places: a power of two, at most half of them taken */
};

/* ---- the table of pairs ------------------------------------------------- */

static size_t pair_place(const tokenizer *t, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    key *= 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(key >> 32) & (t->n_pairs - 1);
    while (t->pairs[i].left >= 0 &&
           (t->pairs[i].left != left || t->pairs[i].right != right))
        i = (i + 1) & (t->n_pairs - 1);
    return i;
}

static akin_status pairs_init(tokenizer *t, size_t n_merges, akin_error *err)
{
    void *pairs = NULL;
    t->n_pairs = 16;
    while (t->n_pairs < 2 * n_merges) t->n_pairs *= 2;
    AKIN_TRY(mem_new_array(t->n_pairs, sizeof *t->pairs, "a vocabulary",
                           &pairs, err));
    t->pairs = pairs;
    for (size_t i = 0; i < t->n_pairs; i++) t->pairs[i].left = -1;
    return AKIN_OK;
}

/* The first rank of a pair holds. */
static void pairs_add(tokenizer *t, tokenizer_pair pair)
{
    size_t i = pair_place(t, pair.left, pair.right);
    if (t->pairs[i].left < 0) t->pairs[i] = pair;
}

/* ---- vocabularies ------------------------------------------------------ */

/* Which character stands for a byte: printable ones for themselves, the other
 * 68 for U+0100 and up. order[i]: the i-th byte of the vocabulary. */
static void byte_alphabet(uint16_t codes[256], unsigned char order[256])
{
    size_t n = 0;
    uint16_t next = 0x100;
    for (int pass = 0; pass < 2; pass++)
        for (int byte = 0; byte < 256; byte++) {
            bool printable = (byte >= 33 && byte <= 126) ||
                             (byte >= 161 && byte <= 172) || byte >= 174;
            if (printable != (pass == 0)) continue;
            codes[byte] = printable ? (uint16_t)byte : next++;
            order[n++] = (unsigned char)byte;
        }
}

/* The symbol of a byte as UTF-8, "</w>" behind it at a word's end. */
static void byte_symbol(uint16_t code, bool last, char out[16])
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t n = utf8proc_encode_char(code, bytes);
    memcpy(out, bytes, (size_t)n);
    memcpy(out + n, last ? "</w>" : "", last ? 5 : 1);
}

/* What is being read: the files' content and where a problem is reported. */
typedef struct tokenizer_source {
    char *path;    /* of the file that messages name */
    json_t *root;  /* of tokenizer.json or vocab.json */
    json_t *vocab; /* borrowed from root, or owned_vocab */
    json_t *owned_vocab;
    char *merges_text; /* of merges.txt or the vocabulary text */
    const json_t *merges_list;
    size_t max_merges;
    akin_error *err;
} tokenizer_source;

static void source_clear(tokenizer_source *s)
{
    json_decref(s->root);
    json_decref(s->owned_vocab);
    mem_free(s->merges_text);
    mem_free(s->path);
}

static akin_status source_corrupt(const tokenizer_source *s, const char *what)
{
    return AKIN_FAIL(s->err, AKIN_ECORRUPT, "'%s' is no CLIP vocabulary: %s",
                     s->path, what);
}

/* The id of a symbol, or -1. */
static int32_t source_id(const tokenizer_source *s, const char *symbol)
{
    const json_t *value = json_object_get(s->vocab, symbol);
    int64_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    return id >= 0 && id <= TOKENIZER_MAX_ID ? (int32_t)id : -1;
}

static akin_status source_read_bytes(const tokenizer_source *s, tokenizer *t)
{
    uint16_t codes[256];
    unsigned char order[256];
    byte_alphabet(codes, order);
    for (int byte = 0; byte < 256; byte++) {
        char symbol[16];
        byte_symbol(codes[byte], false, symbol);
        t->byte_ids[byte] = source_id(s, symbol);
        byte_symbol(codes[byte], true, symbol);
        t->last_byte_ids[byte] = source_id(s, symbol);
        if (t->byte_ids[byte] < 0 || t->last_byte_ids[byte] < 0)
            return AKIN_FAIL(s->err, AKIN_EUNSUPPORTED,
                             "'%s' is no byte-level vocabulary: byte %d has "
                             "no symbol",
                             s->path, byte);
    }
    return AKIN_OK;
}

static int32_t source_max_id(const tokenizer_source *s)
{
    const char *symbol;
    json_t *id;
    int64_t max = 0;
    json_object_foreach(s->vocab, symbol, id) {
        if (json_integer_value(id) > max) max = json_integer_value(id);
    }
    return (int32_t)(max <= TOKENIZER_MAX_ID ? max : TOKENIZER_MAX_ID);
}

/* One merge "left right" of the given rank. */
static akin_status source_add_merge(const tokenizer_source *s, tokenizer *t,
                                    const char *const symbols[2], size_t rank)
{
    char merged[2 * TOKENIZER_MAX_SYMBOL_BYTES + 1];
    if (strlen(symbols[0]) > TOKENIZER_MAX_SYMBOL_BYTES ||
        strlen(symbols[1]) > TOKENIZER_MAX_SYMBOL_BYTES)
        return source_corrupt(s, "a symbol of over 1024 bytes");
    snprintf(merged, sizeof merged, "%s%s", symbols[0], symbols[1]);
    tokenizer_pair pair = {
        .left = source_id(s, symbols[0]),
        .right = source_id(s, symbols[1]),
        .rank = (int32_t)rank,
        .merged = source_id(s, merged),
    };
    if (pair.left < 0 || pair.right < 0 || pair.merged < 0)
        return AKIN_FAIL(s->err, AKIN_ECORRUPT,
                         "'%s' is no CLIP vocabulary: merge %zu, '%.40s "
                         "%.40s', has symbols without an id",
                         s->path, rank, symbols[0], symbols[1]);
    pairs_add(t, pair);
    return AKIN_OK;
}

/* ---- merges as text ---------------------------------------------------- */

/* Splits the line at *text into two symbols by ending them with NULs, and goes
 * to the next line. false at a line without two. */
static bool merges_next(char **text, const char *symbols[2])
{
    char *line = *text;
    size_t n = strcspn(line, "\n");
    *text = line + n + (line[n] ? 1 : 0);
    line[n] = 0;
    if (n && line[n - 1] == '\r') line[n - 1] = 0;
    char *blank = strchr(line, ' ');
    if (!blank || blank == line || !blank[1] || strchr(blank + 1, ' '))
        return false;
    *blank = 0;
    symbols[0] = line;
    symbols[1] = blank + 1;
    return true;
}

/* The first line is a version: "#version: 0.2" or a name in quotes. */
static char *merges_begin(char *text)
{
    size_t n = strcspn(text, "\n");
    bool header = text_starts_with(text, "#version") || text[0] == '"';
    return header && text[n] ? text + n + 1 : header ? text + n : text;
}

static size_t merges_count(const char *text)
{
    size_t n = 1;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static akin_status source_read_merges_text(const tokenizer_source *s,
                                           tokenizer *t)
{
    size_t n = merges_count(s->merges_text);
    if (n > s->max_merges) n = s->max_merges;
    AKIN_TRY(pairs_init(t, n, s->err));
    char *text = merges_begin(s->merges_text);
    const char *symbols[2];
    for (size_t rank = 0; rank < n && *text; rank++) {
        if (!text[strspn(text, "\r\n")]) break; /* the end */
        if (!merges_next(&text, symbols))
            return source_corrupt(s, "a merge is not two symbols");
        AKIN_TRY(source_add_merge(s, t, symbols, rank));
    }
    return AKIN_OK;
}

/* ---- merges as JSON: "a b" or ["a", "b"] -------------------------------- */

static akin_status source_read_merge(const tokenizer_source *s, tokenizer *t,
                                     const json_t *merge, size_t rank)
{
    char text[2 * TOKENIZER_MAX_SYMBOL_BYTES + 2];
    const char *symbols[2] = {json_string_value(json_array_get(merge, 0)),
                              json_string_value(json_array_get(merge, 1))};
    const char *joined = json_string_value(merge);
    if (joined) {
        char *rest = text;
        if (strlen(joined) >= sizeof text)
            return source_corrupt(s, "a merge of over 2048 bytes");
        memcpy(text, joined, strlen(joined) + 1);
        if (!merges_next(&rest, symbols))
            return source_corrupt(s, "a merge is not two symbols");
    }
    if (!symbols[0] || !symbols[1])
        return source_corrupt(s, "a merge is not two symbols");
    return source_add_merge(s, t, symbols, rank);
}

static akin_status source_read_merges_list(const tokenizer_source *s,
                                           tokenizer *t)
{
    size_t n = json_array_size(s->merges_list);
    if (n > TOKENIZER_MAX_MERGES)
        return source_corrupt(s, "more than a million merges");
    AKIN_TRY(pairs_init(t, n, s->err));
    for (size_t rank = 0; rank < n; rank++)
        AKIN_TRY(source_read_merge(s, t, json_array_get(s->merges_list, rank),
                                   rank));
    return AKIN_OK;
}

/* ---- files ------------------------------------------------------------- */

static akin_status source_read_file(tokenizer_source *s, const char *folder,
                                    const char *name, char **text, size_t *n)
{
    mem_free(s->path);
    s->path = file_join(folder, name);
    if (!s->path)
        return AKIN_FAIL(s->err, AKIN_ENOMEM, "out of memory for a path");
    AKIN_TRY(file_read(s->path, TOKENIZER_MAX_FILE_BYTES, text, n, s->err));
    if (*n >= 2 && memcmp(*text, "\x1f\x8b", 2) == 0) {
        mem_free(*text);
        *text = NULL;
        return AKIN_FAIL(s->err, AKIN_EUNSUPPORTED,
                         "'%s' is compressed; unpack it with gzip -d",
                         s->path);
    }
    return AKIN_OK;
}

/* tokenizer.json: BPE with </w>; its special tokens join the vocabulary. */
static akin_status source_take_model(tokenizer_source *s, const json_t *model)
{
    const char *type = "BPE", *suffix = "", *prefix = "";
    (void)json_get_text(model, "type", &type);
    (void)json_get_text(model, "end_of_word_suffix", &suffix);
    (void)json_get_text(model, "continuing_subword_prefix", &prefix);
    if (!text_equal(type, "BPE") || !text_equal(suffix, "</w>") || *prefix)
        return AKIN_FAIL(s->err, AKIN_EUNSUPPORTED,
                         "'%s' has a tokenizer that is not CLIP's: type "
                         "'%.40s', end of word '%.40s'",
                         s->path, type, suffix);
    s->vocab = json_object_get(model, "vocab");
    s->merges_list = json_object_get(model, "merges");
    const json_t *added = json_object_get(s->root, "added_tokens");
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *token = json_array_get(added, i);
        const char *content = NULL;
        json_t *id = json_object_get(token, "id");
        if (json_get_text(token, "content", &content) && json_is_integer(id) &&
            json_is_object(s->vocab))
            (void)!json_object_set(s->vocab, content, id);
    }
    if (!json_is_object(s->vocab) || !json_is_array(s->merges_list))
        return source_corrupt(s, "model.vocab and model.merges are needed");
    return AKIN_OK;
}

/* The vocabulary text has symbols in an order, and no ids. */
static akin_status source_make_vocab(tokenizer_source *s)
{
    uint16_t codes[256];
    unsigned char order[256];
    char symbol[2 * TOKENIZER_MAX_SYMBOL_BYTES + 1];
    json_int_t id = 0;
    int failed = 0;
    s->owned_vocab = s->vocab = json_object();
    s->max_merges = TOKENIZER_CLIP_MERGES;
    byte_alphabet(codes, order);
    for (int i = 0; i < 512; i++) {
        byte_symbol(codes[order[i % 256]], i >= 256, symbol);
        failed |= json_object_set_new(s->vocab, symbol, json_integer(id++));
    }
    char *text = mem_strdup(s->merges_text), *rest = text;
    failed |= !text;
    if (text) rest = merges_begin(text);
    const char *symbols[2];
    for (size_t i = 0; text && i < s->max_merges; i++) {
        if (!merges_next(&rest, symbols)) break;
        snprintf(symbol, sizeof symbol, "%.1024s%.1024s", symbols[0],
                 symbols[1]);
        failed |= json_object_set_new(s->vocab, symbol, json_integer(id++));
    }
    failed |= json_object_set_new(s->vocab, "<start_of_text>",
                                  json_integer(id++));
    failed |= json_object_set_new(s->vocab, "<end_of_text>",
                                  json_integer(id++));
    mem_free(text);
    return failed ? source_corrupt(s, "it has symbols that are no UTF-8")
                  : AKIN_OK;
}

/* Which of the three the files are is told by their content. */
static akin_status source_open(tokenizer_source *s, const card_text *text,
                               const char *folder)
{
    char *first = NULL;
    size_t n = 0;
    akin_status status = AKIN_OK;
    s->max_merges = TOKENIZER_MAX_MERGES;
    AKIN_TRYG(source_read_file(s, folder, text->tokenizer_files[0], &first,
                               &n));
    if (n == 0 || first[0] != '{') {
        s->merges_text = first;
        first = NULL;
        status = source_make_vocab(s);
        goto done;
    }
    AKIN_TRYG(json_parse(first, n, s->path, &s->root, s->err));
    const json_t *model = json_object_get(s->root, "model");
    if (json_is_object(model)) {
        status = source_take_model(s, model);
    } else {
        s->vocab = s->root;
        if (!text->tokenizer_files[1][0])
            status = source_corrupt(s, "its merges.txt is not named");
        else
            status = source_read_file(s, folder, text->tokenizer_files[1],
                                      &s->merges_text, &n);
    }
done:
    mem_free(first);
    return status;
}

static akin_status source_read_special(const tokenizer_source *s, tokenizer *t,
                                       const card_text *text)
{
    static const char *const names[2][2] = {
        {"<|startoftext|>", "<|endoftext|>"},
        {"<start_of_text>", "<end_of_text>"}};
    t->start = t->end = -1;
    for (int i = 0; i < 2 && (t->start < 0 || t->end < 0); i++) {
        t->start = source_id(s, names[i][0]);
        t->end = source_id(s, names[i][1]);
    }
    if (t->start < 0 || t->end < 0)
        return source_corrupt(s, "it has no <|startoftext|> and "
                                 "<|endoftext|>");
    t->pad = text->pad_id;
    if (!text->pad_token[0]) return AKIN_OK;
    t->pad = source_id(s, text->pad_token);
    if (t->pad >= 0) return AKIN_OK;
    return AKIN_FAIL(s->err, AKIN_EMODEL,
                     "'%s' has no symbol '%s', which pads texts", s->path,
                     text->pad_token);
}

static akin_status tokenizer_read(tokenizer *t, const card_text *text,
                                  const char *folder, akin_error *err)
{
    tokenizer_source s = {.err = err};
    akin_status status = AKIN_OK;
    AKIN_TRYG(source_open(&s, text, folder));
    AKIN_TRYG(source_read_bytes(&s, t));
    AKIN_TRYG(source_read_special(&s, t, text));
    t->max_id = source_max_id(&s);
    if (s.merges_text)
        status = source_read_merges_text(&s, t);
    else
        status = source_read_merges_list(&s, t);
done:
    source_clear(&s);
    return status;
}

akin_status tokenizer_open(const card_text *text, const char *folder,
                           tokenizer **out, akin_error *err)
{
    akin_status status = AKIN_OK;
    if (text->tokenizer == CARD_TOKENIZER_SENTENCEPIECE)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "the text model '%s' has a SentencePiece tokenizer, "
                         "which akin does not read; images can be searched by "
                         "image",
                         text->model);
    tokenizer *t = mem_array(1, sizeof *t);
    if (!t)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a tokenizer");
    t->kind = text->tokenizer;
    t->clean = text->clean;
    t->lower_case = text->lower_case;
    t->context = text->context;
    t->pad = text->pad_id;
    t->max_id = 256;
    if (t->kind == CARD_TOKENIZER_CLIP_BPE)
        AKIN_TRYG(tokenizer_read(t, text, folder, err));
    *out = t;
    t = NULL;
done:
    tokenizer_close(t);
    return status;
}

void tokenizer_close(tokenizer *t)
{
    if (!t) return;
    mem_free(t->pairs);
    mem_free(t);
}

size_t tokenizer_context(const tokenizer *t) { return t->context; }

int32_t tokenizer_max_id(const tokenizer *t) { return t->max_id; }

/* ---- encoding ---------------------------------------------------------- */

/* A piece while it is merged; ranks[i] is that of symbols i and i + 1. */
typedef struct tokenizer_piece {
    int32_t symbols[TOKENIZER_MAX_PIECE_BYTES];
    int32_t ranks[TOKENIZER_MAX_PIECE_BYTES];
    size_t n;
} tokenizer_piece;

/* The ids that are written so far. */
typedef struct tokenizer_ids {
    int32_t *ids;
    size_t n, max;
} tokenizer_ids;

static int32_t piece_rank(const tokenizer *t, const tokenizer_piece *piece,
                          size_t i)
{
    if (i + 1 >= piece->n) return TOKENIZER_NO_RANK;
    size_t place = pair_place(t, piece->symbols[i], piece->symbols[i + 1]);
    return t->pairs[place].left < 0 ? TOKENIZER_NO_RANK
                                    : t->pairs[place].rank;
}

static void piece_load(const tokenizer *t, const int32_t *codes, size_t n,
                       tokenizer_piece *piece)
{
    utf8proc_uint8_t bytes[4];
    int last = 0;
    piece->n = 0;
    for (size_t i = 0; i < n; i++) {
        utf8proc_ssize_t length = utf8proc_encode_char(codes[i], bytes);
        if (piece->n + 4 > TOKENIZER_MAX_PIECE_BYTES) break;
        for (utf8proc_ssize_t k = 0; k < length; k++) {
            last = bytes[k];
            piece->symbols[piece->n++] = t->byte_ids[last];
        }
    }
    if (piece->n) piece->symbols[piece->n - 1] = t->last_byte_ids[last];
    for (size_t i = 0; i < piece->n; i++)
        piece->ranks[i] = piece_rank(t, piece, i);
}

/* Merges symbols i and i + 1. */
static void piece_merge(const tokenizer *t, tokenizer_piece *piece, size_t i)
{
    size_t place = pair_place(t, piece->symbols[i], piece->symbols[i + 1]);
    size_t rest = piece->n - i - 2;
    piece->symbols[i] = t->pairs[place].merged;
    memmove(piece->symbols + i + 1, piece->symbols + i + 2,
            rest * sizeof *piece->symbols);
    memmove(piece->ranks + i + 1, piece->ranks + i + 2,
            rest * sizeof *piece->ranks);
    piece->n--;
    piece->ranks[i] = piece_rank(t, piece, i);
    if (i > 0) piece->ranks[i - 1] = piece_rank(t, piece, i - 1);
}

/* Quadratic, and nothing to speak of for words. */
static void piece_merge_all(const tokenizer *t, tokenizer_piece *piece)
{
    while (piece->n > 1) {
        size_t best = 0;
        for (size_t i = 1; i < piece->n; i++)
            if (piece->ranks[i] < piece->ranks[best]) best = i;
        if (piece->ranks[best] == TOKENIZER_NO_RANK) break;
        piece_merge(t, piece, best);
    }
}

/* The length of an English contraction at codes, or 0. open_clip's pattern
 * ignores case, by which a long s is an s. */
static size_t split_contraction(const tokenizer *t, const int32_t *codes,
                                size_t n)
{
    static const char *const endings[] = {"s", "t", "re", "ve",
                                          "m", "ll", "d"};
    if (codes[0] != '\'') return 0;
    if (t->clean == CARD_CLEAN_OPEN_CLIP && n > 1 && codes[1] == 0x17f)
        return 2;
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        size_t length = strlen(endings[k]), i = 0;
        while (i < length && i + 1 < n && codes[i + 1] == endings[k][i]) i++;
        if (i == length) return length + 1;
    }
    return 0;
}

/* Between pieces. U+0345, a combining iota, is one letter's other case but no
 * letter, so that open_clip's pattern has no place for it. */
static bool split_is_between(const tokenizer *t, int32_t code)
{
    return clip_is_space(code) ||
           (code == 0x345 && t->clean == CARD_CLEAN_OPEN_CLIP);
}

/* The length of the piece at codes, which do not begin with a blank: letters,
 * one digit, or a run of what is neither. */
static size_t split_piece(const tokenizer *t, const int32_t *codes, size_t n)
{
    size_t i = split_contraction(t, codes, n);
    if (i) return i;
    if (clip_is_number(codes[0])) return 1;
    bool letters = clip_is_letter(codes[0]);
    for (i = 1; i < n; i++) {
        if (clip_is_letter(codes[i]) != letters) break;
        if (clip_is_number(codes[i]) || split_is_between(t, codes[i])) break;
    }
    return i;
}

static void encode_pieces(const tokenizer *t, const int32_t *codes, size_t n,
                          tokenizer_ids *out)
{
    tokenizer_piece piece;
    for (size_t i = 0, length; i < n && out->n < out->max; i += length) {
        length = 1;
        if (split_is_between(t, codes[i])) continue;
        length = split_piece(t, codes + i, n - i);
        piece_load(t, codes + i, length, &piece);
        piece_merge_all(t, &piece);
        for (size_t k = 0; k < piece.n && out->n < out->max; k++)
            out->ids[out->n++] = piece.symbols[k];
    }
}

static void encode_bpe(const tokenizer *t, const char *text, size_t n_bytes,
                       tokenizer_ids *out)
{
    int32_t codes[CLIP_MAX_CODES];
    size_t n = clip_clean(text, n_bytes, t->clean, t->lower_case, codes);
    out->ids[out->n++] = t->start;
    encode_pieces(t, codes, n, out);
    if (out->n == out->max) out->n--;
    out->ids[out->n++] = t->end;
}

static void encode_bytes(const tokenizer *t, const char *text, size_t n_bytes,
                         tokenizer_ids *out)
{
    for (size_t i = 0; i < n_bytes && out->n < out->max; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (t->lower_case && byte >= 'A' && byte <= 'Z')
            byte = (unsigned char)(byte - 'A' + 'a');
        out->ids[out->n++] = byte + 1;
    }
}

size_t tokenizer_encode(const tokenizer *t, const char *text, size_t n_bytes,
                        int32_t *ids)
{
    tokenizer_ids out = {.ids = ids, .max = t->context};
    if (t->kind == CARD_TOKENIZER_BYTES)
        encode_bytes(t, text, n_bytes, &out);
    else
        encode_bpe(t, text, n_bytes, &out);
    for (size_t i = out.n; i < t->context; i++) ids[i] = t->pad;
    return out.n;
}
