/* SPDX-License-Identifier: MIT
 * Heap memory: overflow-checked sizes, growable arrays, large aligned blocks,
 * and a counter by which tests make the n-th allocation fail. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Zeroed memory for n items of size bytes; NULL when n * size overflows or
 * memory is out. n = 0 gives a valid pointer. Free with mem_free. */
void *mem_array(size_t n, size_t size);
void *mem_realloc_array(void *p, size_t n, size_t size); /* tail not zeroed */
char *mem_strdup(const char *text);                      /* NULL gives NULL */
void mem_free(void *p);

/* The same, as a status with a message naming what the memory was for. */
akin_status mem_new_array(size_t n, size_t size, const char *what, void **out,
                          akin_error *err) AKIN_NODISCARD;

/* n bytes, 64-byte aligned and zeroed; blocks of 2 MiB and more ask for huge
 * pages. Free with mem_free_aligned. raw: not zeroed, for large blocks that are
 * written before they are read. */
void *mem_aligned(size_t n);
void *mem_aligned_raw(size_t n);
void mem_free_aligned(void *p);

/* n bytes of zeros that take up memory only as they are touched; aligned as
 * huge pages are if there are so many. NULL when memory is out. */
void *mem_pages(size_t n);
void mem_free_pages(void *p, size_t n);

/* true and *out = a * b (a + b), or false on overflow. */
bool mem_mul(size_t a, size_t b, size_t *out);
bool mem_add(size_t a, size_t b, size_t *out);

/* Makes room for `need` items in a growable array {*data, *cap}: capacity at
 * least doubles, and `max` items are the bound it was born with. */
akin_status mem_grow(void **data, size_t *cap, size_t need, size_t size,
                     size_t max, akin_error *err) AKIN_NODISCARD;

/* Tests only: the n-th allocation from now fails (0: none, the default).
 * mem_fail_pending says whether the failure is still to come. */
void mem_fail_at(int64_t n);
bool mem_fail_pending(void);

#endif
