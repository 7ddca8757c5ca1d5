/* SPDX-License-Identifier: MIT
 * Reading what make_images.py wrote down. */
#include "image_files.h"

#include "test.h"

int image_expected_each(const char *verb,
                        void (*check)(const image_expected *x))
{
    char line[256], word[16];
    int n = 0;
    FILE *f = fopen(test_data("image/expected.txt"), "r");
    CHECK(f != NULL);
    while (f && fgets(line, sizeof line, f)) {
        image_expected x = {0};
        bool decode = sscanf(line, "%15s %63s %u %u %llx", word, x.file,
                             &x.width, &x.height, &x.hash) == 5;
        if (!decode && sscanf(line, "%15s %63s %15s %15s %u %u %llx", word,
                              x.file, x.mode, x.filter, &x.width, &x.height,
                              &x.hash) != 7)
            test_fail(__FILE__, __LINE__, "expected.txt: %s", line);
        if (strcmp(word, verb) != 0) continue;
        check(&x);
        n++;
    }
    if (f) fclose(f);
    return n;
}

unsigned long long image_hash(const image *im)
{
    unsigned long long h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < (size_t)im->width * im->height * 3; i++)
        h = (h ^ im->rgb[i]) * 0x100000001b3u;
    return h;
}

void image_load_data(const char *name, image *out)
{
    char path[96];
    akin_error e = {0};
    snprintf(path, sizeof path, "image/%s", name);
    CHECK_OK(image_load(test_data(path), NULL, out, &e), e);
}
