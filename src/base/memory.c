/* SPDX-License-Identifier: MIT
 * Heap memory with checked sizes and an injectable failure. */
#define _GNU_SOURCE
#include "base/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEM_ALIGNMENT 64
#define MEM_HUGE_PAGE ((size_t)2 << 20)

static _Atomic int64_t mem_fail_countdown;

void mem_fail_at(int64_t n) { atomic_store(&mem_fail_countdown, n); }
bool mem_fail_pending(void) { return atomic_load(&mem_fail_countdown) > 0; }

static bool mem_fails_now(void)
{
    if (atomic_load_explicit(&mem_fail_countdown, memory_order_relaxed) <= 0)
        return false;
    return atomic_fetch_sub(&mem_fail_countdown, 1) == 1;
}

bool mem_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool mem_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

void *mem_array(size_t n, size_t size)
{
    if (mem_fails_now()) return NULL;
    return calloc(n ? n : 1, size ? size : 1);
}

void *mem_realloc_array(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (mem_fails_now() || !mem_mul(n, size, &bytes)) return NULL;
    return realloc(p, bytes ? bytes : 1);
}

char *mem_strdup(const char *text)
{
    if (!text) return NULL;
    size_t n = strlen(text) + 1;
    char *copy = mem_array(n, 1);
    if (copy) memcpy(copy, text, n);
    return copy;
}

void mem_free(void *p) { free(p); }

akin_status mem_new_array(size_t n, size_t size, const char *what, void **out,
                          akin_error *err)
{
    *out = mem_array(n, size);
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %s (%zu x %zu bytes)",
                     what, n, size);
}

static void *mem_new_aligned(size_t n, bool zeroed)
{
    size_t alignment = n >= MEM_HUGE_PAGE ? MEM_HUGE_PAGE : MEM_ALIGNMENT;
    size_t bytes;
    if (mem_fails_now() || !mem_add(n, alignment - 1, &bytes)) return NULL;
    bytes -= bytes % alignment;
    if (bytes == 0) bytes = alignment;
    void *p = NULL;
    if (posix_memalign(&p, alignment, bytes) != 0) return NULL;
    if (alignment == MEM_HUGE_PAGE) madvise(p, bytes, MADV_HUGEPAGE);
    if (zeroed) memset(p, 0, bytes);
    return p;
}

void *mem_aligned(size_t n) { return mem_new_aligned(n, true); }
void *mem_aligned_raw(size_t n) { return mem_new_aligned(n, false); }

void mem_free_aligned(void *p) { free(p); }

/* A huge page more is asked for, and what is around the aligned part goes back. */
void *mem_pages(size_t n)
{
    size_t bytes, pages = (size_t)sysconf(_SC_PAGESIZE);
    size_t lead = n >= MEM_HUGE_PAGE ? MEM_HUGE_PAGE : 0;
    if (mem_fails_now() || n == 0 || !mem_add(n, lead + pages, &bytes))
        return NULL;
    n = (n + pages - 1) / pages * pages;
    unsigned char *p = mmap(NULL, n + lead, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    if (!lead) return p;
    size_t skip = (lead - (uintptr_t)p % lead) % lead;
    if (skip) munmap(p, skip);
    if (lead - skip) munmap(p + skip + n, lead - skip);
    madvise(p + skip, n, MADV_HUGEPAGE);
    return p + skip;
}

void mem_free_pages(void *p, size_t n)
{
    size_t pages = (size_t)sysconf(_SC_PAGESIZE);
    if (p) munmap(p, (n + pages - 1) / pages * pages);
}

akin_status mem_grow(void **data, size_t *cap, size_t need, size_t size,
                     size_t max, akin_error *err)
{
    if (need <= *cap) return AKIN_OK;
    if (need > max)
        return AKIN_FAIL(err, AKIN_ELIMIT, "more than %zu entries", max);
    size_t n = *cap ? *cap : 8;
    while (n < need) n = n > max / 2 ? max : n * 2;
    void *p = mem_realloc_array(*data, n, size);
    if (!p)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %zu entries", n);
    *data = p;
    *cap = n;
    return AKIN_OK;
}
