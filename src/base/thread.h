/* SPDX-License-Identifier: MIT
 * Running one function on several threads. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stddef.h>

#include "base/error.h"

/* Processors this process may use, at least 1. */
size_t thread_count(void);

/* Calls work(user, i) for i in [0, n) on n threads, the caller being one, and
 * returns when all have. If fewer threads can be started, the calls that are
 * left run on the caller. */
void thread_each(size_t n, void (*work)(void *user, size_t i), void *user);

#endif
