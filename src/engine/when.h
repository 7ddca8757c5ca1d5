/* SPDX-License-Identifier: MIT
 * Dates of recordings: read from file names, moved by seconds, written as
 * ISO 8601. */
#ifndef ENGINE_WHEN_H
#define ENGINE_WHEN_H

#include <stdbool.h>

#define WHEN_TEXT_BYTES 40

/* The date and time in a recorder's file name: YYYYMMDD, one of "_-T " or
 * nothing, HHMMSS, standing alone among digits ("SITE_20230512_060000.wav").
 * false if there is none. */
bool when_from_name(const char *file_name, char out[WHEN_TEXT_BYTES]);

/* iso moved by seconds, with its offset from UTC kept and fractions of a
 * second dropped. false if iso is not ISO 8601. */
bool when_add(const char *iso, double seconds, char out[WHEN_TEXT_BYTES]);

#endif
