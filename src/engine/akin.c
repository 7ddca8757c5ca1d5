/* SPDX-License-Identifier: MIT
 * What the library says of itself. */
#include "akin/akin.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdio.h>

#include "index/isa.h"
#include "media/decode.h"
#include "store/store.h"

static char akin_build[200];

const char *akin_version(void) { return AKIN_VERSION; }

static void akin_describe_build(void)
{
    snprintf(akin_build, sizeof akin_build, "akin %s (%s vectors, %s, %s)",
             AKIN_VERSION, isa_name(isa_get()), decoder_library(),
             store_library());
}

const char *akin_build_info(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, akin_describe_build);
    return akin_build;
}

void akin_free(void *p) { mem_free(p); }
