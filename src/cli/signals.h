/* SPDX-License-Identifier: MIT
 * Signals: the first Ctrl-C asks a run to stop, the second ends it. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

/* Closed pipes and the file size limit become errors of the call that met
 * them, which can be reported. Called once, at the start. */
void signals_init(void);

/* From here SIGINT and SIGTERM raise a flag; a second one exits at once, which
 * a database stands as it stands a power cut. */
void signals_catch(void);

bool signals_stopped(void);

#endif
