/* SPDX-License-Identifier: MIT
 * Turns signals into a flag that the progress callback looks at. */
#define _GNU_SOURCE
#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "cli/print.h"

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
    (void)number;
    if (stopped) _exit(EXIT_STOPPED);
    stopped = 1;
}

void signals_init(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

/* A signal that the caller had ignored (nohup) stays ignored. */
static void catch_one(int number)
{
    struct sigaction old;
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void signals_catch(void)
{
    catch_one(SIGINT);
    catch_one(SIGTERM);
}

bool signals_stopped(void)
{
    return stopped != 0;
}
