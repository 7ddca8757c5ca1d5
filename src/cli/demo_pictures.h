/* SPDX-License-Identifier: MIT
 * The demo's second part: pictures, found by words or by an example. */
#ifndef CLI_DEMO_PICTURES_H
#define CLI_DEMO_PICTURES_H

#include "cli/demo_part.h"

/* Embeds the photographs of animals and vehicles below dir into a database
 * whose name begins with db_path, and shows what searches find: by words where
 * the model tiny-clip can be run, else by example, after saying how to get it.
 * *out becomes its answers as JSON, owned, if json was asked for. Nothing is
 * done where there is no picture. */
akin_status demo_pictures_show(const demo_look *look, const char *dir,
                               const char *db_path, json_t **out,
                               akin_error *err) AKIN_NODISCARD;

#endif
