/* SPDX-License-Identifier: MIT
 * Walking through the vectors of an index. */
#ifndef INDEX_VECS_EACH_H
#define INDEX_VECS_EACH_H

#include "index/vecs.h"

/* Calls visit for every vector, as vecs_get gives it, in the order in which
 * they were added; lists without a map do not know it and go by ascending id.
 * What visit returns ends it. The vector is borrowed during the call. */
akin_status vecs_each(const vecs *v,
                      akin_status (*visit)(void *user, int64_t id,
                                           const float *vector,
                                           akin_error *err),
                      void *user, akin_error *err) AKIN_NODISCARD;

#endif
