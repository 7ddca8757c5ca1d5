/* SPDX-License-Identifier: MIT
 * Fork and join over POSIX threads. */
#define _GNU_SOURCE
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "base/memory.h"

typedef struct thread_task {
    pthread_t id;
    void (*work)(void *user, size_t i);
    void *user;
    size_t i;
    bool started;
} thread_task;

size_t thread_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (size_t)n : 1;
}

static void *thread_main(void *arg)
{
    thread_task *task = arg;
    task->work(task->user, task->i);
    return NULL;
}

void thread_each(size_t n, void (*work)(void *user, size_t i), void *user)
{
    thread_task *tasks = n > 1 ? mem_array(n, sizeof *tasks) : NULL;
    for (size_t i = 1; i < n && tasks; i++) {
        tasks[i] = (thread_task){.work = work, .user = user, .i = i};
        tasks[i].started =
            pthread_create(&tasks[i].id, NULL, thread_main, &tasks[i]) == 0;
    }
    if (n > 0) work(user, 0);
    for (size_t i = 1; i < n; i++) {
        if (tasks && tasks[i].started)
            pthread_join(tasks[i].id, NULL);
        else
            work(user, i);
    }
    mem_free(tasks);
}
