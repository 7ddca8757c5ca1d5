/* SPDX-License-Identifier: MIT
 * The choice of instruction set: by name, the fastest, and what is refused. */
#include "index/isa.h"

#include "test.h"

static void is_chosen_by_name(void)
{
    const char *before = isa_name(isa_get());
    CHECK(isa_use("scalar"));
    CHECK_EQ_INT(isa_get(), ISA_SCALAR);
    CHECK(isa_use(NULL));
    enum isa fastest = isa_get();
    for (int i = ISA_SCALAR; i < ISA_COUNT; i++) {
        if (!isa_use(isa_name((enum isa)i))) continue;
        CHECK_EQ_INT(isa_get(), i);
        CHECK(i <= (int)fastest);
    }
    CHECK(isa_use(before));
}

static void unknown_is_refused(void)
{
    enum isa before = isa_get();
    CHECK(!isa_use("mmx"));
    CHECK(!isa_use(""));
#if defined(__x86_64__)
    CHECK(!isa_use("neon"));
#elif defined(__aarch64__)
    CHECK(!isa_use("avx2"));
#endif
    CHECK_EQ_INT(isa_get(), before);
}

const test_case test_isa_cases[] = {
    {"isa/is_chosen_by_name", is_chosen_by_name},
    {"isa/unknown_is_refused", unknown_is_refused},
    {0},
};
