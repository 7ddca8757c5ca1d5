/* SPDX-License-Identifier: MIT
 * The error record: one message, complete for a user. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

akin_status error_set(akin_error *err, akin_status code, const char *fmt, ...)
{
    if (err) {
        char text[sizeof err->text]; /* fmt may quote err->text itself */
        va_list args;
        va_start(args, fmt);
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        memcpy(err->text, text, sizeof text);
        err->code = code;
    }
    return code;
}

akin_status error_prefix(akin_error *err, akin_status code, const char *fmt,
                         ...)
{
    if (!err) return code;
    char prefix[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    return error_set(err, code, "%s: %s", prefix, err->text);
}

const char *akin_status_name(akin_status status)
{
    switch (status) {
    case AKIN_OK: return "AKIN_OK";
    case AKIN_EUSAGE: return "AKIN_EUSAGE";
    case AKIN_ENOTFOUND: return "AKIN_ENOTFOUND";
    case AKIN_EEXISTS: return "AKIN_EEXISTS";
    case AKIN_EIO: return "AKIN_EIO";
    case AKIN_ECORRUPT: return "AKIN_ECORRUPT";
    case AKIN_EVERSION: return "AKIN_EVERSION";
    case AKIN_EUNSUPPORTED: return "AKIN_EUNSUPPORTED";
    case AKIN_ELIMIT: return "AKIN_ELIMIT";
    case AKIN_EDECODE: return "AKIN_EDECODE";
    case AKIN_EMODEL: return "AKIN_EMODEL";
    case AKIN_EDB: return "AKIN_EDB";
    case AKIN_EBUSY: return "AKIN_EBUSY";
    case AKIN_ESETTINGS: return "AKIN_ESETTINGS";
    case AKIN_ECANCELLED: return "AKIN_ECANCELLED";
    case AKIN_ENOMEM: return "AKIN_ENOMEM";
    case AKIN_EINTERNAL: return "AKIN_EINTERNAL";
    }
    return "AKIN_UNKNOWN";
}
