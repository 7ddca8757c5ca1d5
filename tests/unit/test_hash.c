/* SPDX-License-Identifier: MIT
 * base/hash: the vectors of FIPS 180-4 and of NIST's examples, in pieces of
 * every size, and files. */
#include "base/hash.h"

#include "test.h"

static const struct {
    const char *text, *digits;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void published_vectors(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        size_t n = strlen(vectors[i].text);
        for (size_t piece = 1; piece <= n + 1; piece++) {
            char digits[HASH_HEX_BYTES];
            hash_sha256 hash;
            hash_init(&hash);
            for (size_t at = 0; at < n; at += piece)
                hash_put(&hash, vectors[i].text + at,
                         n - at < piece ? n - at : piece);
            hash_finish_hex(&hash, digits);
            CHECK_EQ_TEXT(digits, vectors[i].digits);
        }
    }
}

static void a_million_letters(void)
{
    char digits[HASH_HEX_BYTES], letters[1000];
    hash_sha256 hash;
    hash_init(&hash);
    memset(letters, 'a', sizeof letters);
    for (int i = 0; i < 1000; i++) hash_put(&hash, letters, sizeof letters);
    hash_finish_hex(&hash, digits);
    CHECK_EQ_TEXT(digits, "cdc76e5c9914fb9281a1c7e284d73e67"
                          "f1809a48a497200e046d39ccc7112cd0");
}

static void files_are_hashed(void)
{
    char path[512], digits[HASH_HEX_BYTES];
    akin_error e = {0};
    snprintf(path, sizeof path, "%s/f", test_dir());
    FILE *f = fopen(path, "wb");
    CHECK(f && fputs("abc", f) >= 0 && fclose(f) == 0);
    CHECK_OK(hash_file(path, digits, &e), e);
    CHECK_EQ_TEXT(digits, vectors[1].digits);
    CHECK_STATUS(hash_file("/nowhere/f", digits, &e), AKIN_ENOTFOUND);
    CHECK_EQ_TEXT(e.text, "cannot open '/nowhere/f': No such file or "
                          "directory");
    CHECK_STATUS(hash_file(test_dir(), digits, &e), AKIN_EIO);
}

const test_case test_hash_cases[] = {
    {"hash/published_vectors", published_vectors},
    {"hash/a_million_letters", a_million_letters},
    {"hash/files_are_hashed", files_are_hashed},
    {0},
};
