/* SPDX-License-Identifier: MIT
 * Time from clock_gettime. */
#define _GNU_SOURCE
#include "base/clock.h"

#include <time.h>

static double clock_read_s(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double clock_now_s(void) { return clock_read_s(CLOCK_MONOTONIC); }
double clock_thread_cpu_s(void) { return clock_read_s(CLOCK_THREAD_CPUTIME_ID); }
double clock_process_cpu_s(void)
{
    return clock_read_s(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t clock_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_sleep_s(double seconds)
{
    struct timespec t = {(time_t)seconds, 0};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}
