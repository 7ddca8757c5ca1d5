/* SPDX-License-Identifier: MIT
 * base/thread: each index is worked on once, with or without memory. */
#include "base/thread.h"

#include <stdatomic.h>

#include "base/memory.h"
#include "test.h"

static void count_up(void *user, size_t i)
{
    atomic_fetch_add(&((_Atomic int *)user)[i], 1);
}

static void each_index_runs_once(void)
{
    for (int fail = 0; fail < 2; fail++) {
        _Atomic int seen[9] = {0};
        mem_fail_at(fail);
        thread_each(9, count_up, seen);
        mem_fail_at(0);
        for (int i = 0; i < 9; i++) CHECK_EQ_INT(seen[i], 1);
    }
    CHECK(thread_count() >= 1);
}

const test_case test_thread_cases[] = {
    {"thread/each_index_runs_once", each_index_runs_once},
    {0},
};
