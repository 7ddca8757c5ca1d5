/* SPDX-License-Identifier: MIT
 * Time: a monotonic clock for durations, the CPU time of a thread, and the wall
 * clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

double clock_now_s(void);        /* monotonic; the origin means nothing */
double clock_thread_cpu_s(void); /* CPU seconds of the calling thread */
double clock_process_cpu_s(void); /* of all threads of the process */
int64_t clock_wall_us(void); /* microseconds since 1970, UTC */
void clock_sleep_s(double seconds);

#endif
