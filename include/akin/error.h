/* SPDX-License-Identifier: MIT
 * Status codes and the error record that every akin call can fill.
 *
 * Conventions of all public headers, said once:
 *   - A call that can fail returns akin_status: 0 is success, negative is an
 *     error. It takes `akin_error *err` last; NULL is allowed.
 *   - Strings are UTF-8 and end with NUL; sizes are bytes; times are seconds
 *     (double) from the start of the original file.
 *   - Audio is float32 in [-1, 1], mono. Vectors are float32 [n, dim], row-major.
 *   - `T **out` is yours to free or close; `const T *` is borrowed and lives
 *     until its parent's next call or its close, as said each time.
 *   - Every close and free accepts NULL.
 *   - All-zero option structs mean defaults; NULL options do too.
 *   - Not thread-safe unless stated.
 */
#ifndef AKIN_ERROR_H
#define AKIN_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define AKIN_API __attribute__((visibility("default")))
#else
#define AKIN_API
#endif

/* Grouped with gaps; new codes go into the gaps, values never change. */
typedef enum akin_status {
    AKIN_OK = 0,
    AKIN_EUSAGE = -1,        /* wrong argument or option */
    AKIN_ENOTFOUND = -10,    /* a file, row or name that is not there */
    AKIN_EEXISTS = -11,      /* there already, and must not be */
    AKIN_EIO = -20,          /* reading or writing failed */
    AKIN_ECORRUPT = -30,     /* bytes that break their format */
    AKIN_EVERSION = -31,     /* a format version we do not know */
    AKIN_EUNSUPPORTED = -32, /* valid, but not handled here */
    AKIN_ELIMIT = -33,       /* over a stated bound */
    AKIN_EDECODE = -40,      /* media that cannot be decoded */
    AKIN_EMODEL = -50,       /* model missing, wrong or failing */
    AKIN_EDB = -60,          /* the SQL database failed */
    AKIN_EBUSY = -61,        /* another writer holds the database */
    AKIN_ESETTINGS = -62,    /* settings differ from those stored */
    AKIN_ECANCELLED = -70,   /* stopped by the caller; work so far is kept */
    AKIN_ENOMEM = -80,       /* out of memory */
    AKIN_EINTERNAL = -90     /* a defect in akin */
} akin_status;

/* Filled on failure with one complete sentence for a user: the problem first,
 * the subject 'quoted', lower case, no full stop. Untouched on success. */
typedef struct akin_error {
    akin_status code;
    char text[512];
} akin_error;

/* The name of a code, such as "AKIN_ECORRUPT"; never NULL. */
AKIN_API const char *akin_status_name(akin_status status);

#ifdef __cplusplus
}
#endif
#endif
