/* SPDX-License-Identifier: MIT
 * base/memory: checked sizes, growth within its bound, injected failure. */
#include "base/memory.h"

#include "test.h"

static void sizes_that_overflow_are_refused(void)
{
    size_t out = 7;
    CHECK(!mem_mul(SIZE_MAX, 2, &out));
    CHECK(!mem_add(SIZE_MAX, 1, &out));
    CHECK(mem_mul(6, 7, &out) && out == 42);
    CHECK(mem_array(SIZE_MAX, 16) == NULL);
    CHECK(mem_realloc_array(NULL, SIZE_MAX, 16) == NULL);
}

static void growth_stops_at_the_bound(void)
{
    int *data = NULL;
    size_t cap = 0;
    void *p = data;
    akin_error e = {0};
    CHECK_OK(mem_grow(&p, &cap, 5, sizeof *data, 100, &e), e);
    CHECK(cap >= 5);
    CHECK_OK(mem_grow(&p, &cap, 100, sizeof *data, 100, &e), e);
    CHECK_EQ_INT(cap, 100);
    CHECK_STATUS(mem_grow(&p, &cap, 101, sizeof *data, 100, &e), AKIN_ELIMIT);
    mem_free(p);
}

static void aligned_blocks_are_zeroed_and_aligned(void)
{
    static const size_t sizes[] = {1, 63, 64, 5000, (size_t)3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = mem_aligned(sizes[i]);
        CHECK(p && (uintptr_t)p % 64 == 0);
        CHECK(p && p[0] == 0 && p[sizes[i] - 1] == 0);
        mem_free_aligned(p);
    }
}

static void the_nth_allocation_fails(void)
{
    mem_fail_at(2);
    void *a = mem_array(1, 1), *b = mem_array(1, 1), *c = mem_array(1, 1);
    CHECK(a && !b && c);
    CHECK(!mem_fail_pending());
    mem_free(a);
    mem_free(c);
}

const test_case test_memory_cases[] = {
    {"memory/sizes_that_overflow_are_refused", sizes_that_overflow_are_refused},
    {"memory/growth_stops_at_the_bound", growth_stops_at_the_bound},
    {"memory/aligned_blocks_are_zeroed_and_aligned",
     aligned_blocks_are_zeroed_and_aligned},
    {"memory/the_nth_allocation_fails", the_nth_allocation_fails},
    {0},
};
