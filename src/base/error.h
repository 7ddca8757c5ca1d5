/* SPDX-License-Identifier: MIT
 * Filling errors and passing them on: AKIN_FAIL, AKIN_TRY, AKIN_TRYG. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "akin/error.h"

#if defined(__GNUC__)
#define AKIN_NODISCARD __attribute__((warn_unused_result))
#define AKIN_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define AKIN_NODISCARD
#define AKIN_PRINTF(f, a)
#endif

/* Writes code and message into err (NULL allowed) and returns the code. */
akin_status error_set(akin_error *err, akin_status code, const char *fmt, ...)
    AKIN_PRINTF(3, 4);

/* Puts "prefix: " in front of the message that is there. Returns err's code
 * (AKIN_EINTERNAL without err). */
akin_status error_prefix(akin_error *err, akin_status code, const char *fmt,
                         ...) AKIN_PRINTF(3, 4);

#define AKIN_FAIL(err, code, ...) error_set((err), (code), __VA_ARGS__)

/* Returns the status of a failed call to the caller. */
#define AKIN_TRY(expr)                                                         \
    do {                                                                       \
        akin_status try_status_ = (expr);                                      \
        if (try_status_ != AKIN_OK) return try_status_;                        \
    } while (0)

/* Keeps the status of a failed call in `status` and jumps to `done`. */
#define AKIN_TRYG(expr)                                                        \
    do {                                                                       \
        status = (expr);                                                       \
        if (status != AKIN_OK) goto done;                                      \
    } while (0)

#endif
