/* SPDX-License-Identifier: MIT
 * model/clip_tokenizer: a tiny vocabulary in its four spellings gives the ids
 * of golden.txt; the cleaning's rules; broken files are named. The real
 * vocabulary is for tests/compat/check_tokenizer.py. */
#include "model/clip_tokenizer.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/clip_clean.h"
#include "test.h"

enum { CONTEXT = 16 };

static card_text make_card(const char *first, const char *second)
{
    card_text card = {.lower_case = true, .context = CONTEXT, .pad_id = 7};
    snprintf(card.tokenizer_files[0], CARD_PATH_BYTES, "%s", first);
    snprintf(card.tokenizer_files[1], CARD_PATH_BYTES, "%s", second);
    return card;
}

/* One row of golden.txt: "text in JSON<TAB>ids". */
static void check_row(const tokenizer *t, char *row)
{
    json_error_t problem;
    int32_t ids[CONTEXT];
    char *tab = strchr(row, '\t');
    json_t *text = NULL;
    if (tab) text = json_loadb(row, (size_t)(tab - row),
                               JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    CHECK(text != NULL);
    if (!text) return;
    size_t n = tokenizer_encode(t, json_string_value(text),
                                json_string_length(text), ids);
    char *p = tab + 1;
    for (size_t i = 0; i < CONTEXT; i++) {
        long wanted = i < n ? strtol(p, &p, 10) : 7;
        if (ids[i] != wanted)
            test_fail(__FILE__, __LINE__, "%.*s: id %zu is %d, not %ld",
                      (int)(tab - row), row, i, ids[i], wanted);
    }
    CHECK(*p == 0 || *p == '\n');
    json_decref(text);
}

static void check_golden(const tokenizer *t)
{
    char *golden = NULL;
    size_t n = 0;
    akin_error e = {0};
    CHECK_OK(file_read(test_data("tokenizer/golden.txt"), 1 << 20, &golden, &n,
                       &e), e);
    for (char *row = golden; row && *row;) {
        char *end = strchr(row, '\n');
        *end = 0;
        check_row(t, row);
        row = end + 1;
    }
    mem_free(golden);
}

static void all_spellings_give_the_golden_ids(void)
{
    static const char *const files[][2] = {{"tokenizer.json", ""},
                                           {"spaced.json", ""},
                                           {"vocab.json", "merges.txt"},
                                           {"vocabulary.txt", ""}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        card_text card = make_card(files[i][0], files[i][1]);
        tokenizer *t = NULL;
        akin_error e = {0};
        CHECK_OK(tokenizer_open(&card, test_data("tokenizer"), &t, &e), e);
        if (!t) continue;
        CHECK_EQ_INT(tokenizer_context(t), CONTEXT);
        CHECK(tokenizer_max_id(t) > 512);
        check_golden(t);
        tokenizer_close(t);
    }
}

static void bytes_are_ids(void)
{
    card_text card = {.tokenizer = CARD_TOKENIZER_BYTES, .lower_case = true,
                      .context = 6};
    tokenizer *t = NULL;
    akin_error e = {0};
    int32_t ids[6];
    CHECK_OK(tokenizer_open(&card, "/nowhere", &t, &e), e);
    if (!t) return;
    CHECK_EQ_INT(tokenizer_encode(t, "aZ\xff", 3, ids), 3);
    CHECK_EQ_INT(ids[0], 'a' + 1);
    CHECK_EQ_INT(ids[1], 'z' + 1);
    CHECK_EQ_INT(ids[2], 256);
    CHECK_EQ_INT(ids[3], 0);
    CHECK_EQ_INT(tokenizer_encode(t, "longer than that", 16, ids), 6);
    CHECK_EQ_INT(ids[5], 'r' + 1);
    CHECK_EQ_INT(tokenizer_encode(t, "", 0, ids), 0);
    CHECK_EQ_INT(tokenizer_max_id(t), 256);
    tokenizer_close(t);
}

static void pad_tokens_are_looked_up(void)
{
    card_text card = make_card("tokenizer.json", "");
    tokenizer *t = NULL;
    akin_error e = {0};
    int32_t ids[CONTEXT];
    snprintf(card.pad_token, sizeof card.pad_token, "!");
    CHECK_OK(tokenizer_open(&card, test_data("tokenizer"), &t, &e), e);
    if (t) tokenizer_encode(t, "", 0, ids);
    CHECK(t && ids[CONTEXT - 1] == 0);
    tokenizer_close(t);
    snprintf(card.pad_token, sizeof card.pad_token, "<pad>");
    CHECK_STATUS(tokenizer_open(&card, test_data("tokenizer"), &t, &e),
                 AKIN_EMODEL);
    CHECK(strstr(e.text, "'<pad>'") != NULL);
}

/* ---- cleaning ---------------------------------------------------------- */

static void check_clean(card_clean mode, const char *text, const char *wanted)
{
    int32_t codes[CLIP_MAX_CODES];
    char seen[256] = "";
    size_t n = clip_clean(text, strlen(text), mode, true, codes);
    for (size_t i = 0; i < n && strlen(seen) < sizeof seen - 16; i++) {
        size_t at = strlen(seen);
        if (codes[i] < 0x80)
            snprintf(seen + at, sizeof seen - at, "%c", (char)codes[i]);
        else
            snprintf(seen + at, sizeof seen - at, "{%x}", (unsigned)codes[i]);
    }
    CHECK_EQ_TEXT(seen, wanted);
}

static void texts_are_cleaned(void)
{
    static const struct {
        const char *text, *huggingface, *open_clip;
    } rows[] = {
        {" A \t\n b ", " a b ", "a b "},
        {"e\xcc\x81", "{e9}", "{e9}"},
        {"\xc3\x89", "{e9}", "{e9}"},
        {"\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "{ac01}", "{ac01}"},
        {"q\xcc\x87\xcc\xa3", "q{323}{307}", "q{323}{307}"},
        {"\xe2\x80\x99s \xe2\x80\x9cx\xe2\x80\x9d",
         "{2019}s {201c}x{201d}", "'s \"x\""},
        {"\xef\xbc\xa1\xef\xbd\x9e", "{ff41}{ff5e}", "a~"},
        {"\xef\xac\x81", "{fb01}", "fi"},
        {"a&amp;amp;b &lt;&#39;&#x41;&#128;", "a&amp;amp;b &lt;&#39;&#x41;"
         "&#128;", "a&b <'a{20ac}"},
        {"&bogus; &#xD800; &#;", "&bogus; &#xd800; &#;", "&bogus; {fffd} &#;"},
        {"a\x01\x1b[31mb\x7f", "a\x01\x1b[31mb\x7f", "ab"},
        {"\xc2\x93x\xc2\x85", "{93}x ", "\"x{2026}"},
        {"\xff\xc3", "{fffd}{fffd}", "{fffd}{fffd}"},
        {"\xc4\xb0", "i{307}", "i{307}"},
        {"\xce\x91\xce\xa3 \xce\xa3", "{3b1}{3c3} {3c3}", "{3b1}{3c2} {3c3}"},
        {"\xe3\x80\x80" "a", " a", "a"},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_clean(CARD_CLEAN_HUGGINGFACE, rows[i].text, rows[i].huggingface);
        check_clean(CARD_CLEAN_OPEN_CLIP, rows[i].text, rows[i].open_clip);
    }
}

/* No length of input overruns: the longest words, decompositions, marks. */
static void long_texts_are_cut(void)
{
    static const char *const units[] = {"a", "\xe1\xbe\x82",
                                        "a\xcc\x81\xcc\xa3",
                                        "\xef\xac\x83", "\xf0\x9d\x85\xa1",
                                        "&amp;", "\xc4\xb0", " "};
    enum { UNITS = 9000 };
    card_text card = make_card("tokenizer.json", "");
    tokenizer *t = NULL;
    akin_error e = {0};
    char *text = malloc(8 * UNITS);
    int32_t ids[CONTEXT];
    for (int mode = 0; mode < 2 && text; mode++) {
        card.clean = mode;
        CHECK_OK(tokenizer_open(&card, test_data("tokenizer"), &t, &e), e);
        for (size_t u = 0; u < sizeof units / sizeof *units && t; u++) {
            size_t n = strlen(units[u]);
            for (size_t i = 0; i < UNITS; i++) memcpy(text + i * n, units[u],
                                                      n);
            size_t used = tokenizer_encode(t, text, UNITS * n, ids);
            CHECK_EQ_INT(used, strcmp(units[u], " ") == 0 ? 2 : CONTEXT);
        }
        tokenizer_close(t);
        t = NULL;
    }
    free(text);
}

/* ---- broken files ------------------------------------------------------ */

static void write_file(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    FILE *f = fopen(path, "wb");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void broken_files_are_named(void)
{
    static const struct {
        const char *text;
        akin_status status;
        const char *words;
    } rows[] = {
        {"{", AKIN_ECORRUPT, "not JSON"},
        {"{}", AKIN_ECORRUPT, "merges.txt is not named"},
        {"{\"model\":{\"type\":\"Unigram\"}}", AKIN_EUNSUPPORTED, "Unigram"},
        {"{\"model\":{\"type\":\"BPE\"}}", AKIN_EUNSUPPORTED, "not CLIP's"},
        {"{\"model\":{\"end_of_word_suffix\":\"</w>\"}}", AKIN_ECORRUPT,
         "model.vocab"},
        {"{\"model\":{\"end_of_word_suffix\":\"</w>\",\"vocab\":{},"
         "\"merges\":[]}}", AKIN_EUNSUPPORTED, "byte 0"},
        {"\"version\"\na b c\n", AKIN_ECORRUPT, "not two symbols"},
        {"\"version\"\na b\n\nx", AKIN_ECORRUPT, "not two symbols"},
        {"\"version\"\nqq b\nc d\n", AKIN_ECORRUPT, "'qq b'"},
        {"\x1f\x8b\x08", AKIN_EUNSUPPORTED, "gzip -d"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        card_text card = make_card("t", "");
        tokenizer *t = NULL;
        akin_error e = {0};
        write_file("t", rows[i].text);
        CHECK_STATUS(tokenizer_open(&card, test_dir(), &t, &e),
                     rows[i].status);
        if (!strstr(e.text, rows[i].words))
            test_fail(__FILE__, __LINE__, "row %zu gave: %s", i, e.text);
        tokenizer_close(t);
    }
    card_text card = make_card("absent", "");
    tokenizer *t = NULL;
    CHECK_STATUS(tokenizer_open(&card, test_dir(), &t, NULL), AKIN_ENOTFOUND);
    card.tokenizer = CARD_TOKENIZER_SENTENCEPIECE;
    CHECK_STATUS(tokenizer_open(&card, test_dir(), &t, NULL),
                 AKIN_EUNSUPPORTED);
}

static void every_failed_allocation_is_an_error(void)
{
    static const char *const files[][2] = {{"tokenizer.json", ""},
                                           {"vocab.json", "merges.txt"},
                                           {"vocabulary.txt", ""}};
    for (size_t i = 0; i < 3; i++) {
        card_text card = make_card(files[i][0], files[i][1]);
        for (int64_t n = 1;; n++) {
            tokenizer *t = NULL;
            mem_fail_at(n);
            akin_status status = tokenizer_open(&card, test_data("tokenizer"),
                                                &t, NULL);
            bool reached = !mem_fail_pending();
            mem_fail_at(0);
            tokenizer_close(t);
            if (!reached) break;
            CHECK(status != AKIN_OK);
            CHECK(n < 1000);
        }
    }
}

const test_case test_clip_tokenizer_cases[] = {
    {"clip_tokenizer/all_spellings_give_the_golden_ids",
     all_spellings_give_the_golden_ids},
    {"clip_tokenizer/bytes_are_ids", bytes_are_ids},
    {"clip_tokenizer/pad_tokens_are_looked_up", pad_tokens_are_looked_up},
    {"clip_tokenizer/texts_are_cleaned", texts_are_cleaned},
    {"clip_tokenizer/long_texts_are_cut", long_texts_are_cut},
    {"clip_tokenizer/broken_files_are_named", broken_files_are_named},
    {"clip_tokenizer/every_failed_allocation_is_an_error",
     every_failed_allocation_is_an_error},
    {0},
};
