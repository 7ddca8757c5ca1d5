/* SPDX-License-Identifier: MIT
 * Time: a monotonic clock for durations, and the CPU time of a thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

double clock_now_s(void);        /* monotonic; the origin means nothing */
double clock_thread_cpu_s(void); /* CPU seconds of the calling thread */
double clock_process_cpu_s(void); /* of all threads of the process */
void clock_sleep_s(double seconds);

#endif
