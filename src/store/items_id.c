/* SPDX-License-Identifier: MIT
 * New ids, as the Python package shortuuid makes them: a random UUID (RFC 4122,
 * version 4) as a number to base 57, its highest digit first. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "store/items_int.h"

/* Without 0, 1, I, O and l, which are taken for one another. */
static const char alphabet[] =
    "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* Divides the number by 57; what is left over. */
static unsigned items_divide(unsigned char number[16])
{
    unsigned rest = 0;
    for (int i = 0; i < 16; i++) {
        rest = rest << 8 | number[i];
        number[i] = (unsigned char)(rest / 57);
        rest %= 57;
    }
    return rest;
}

void items_encode_uuid(const unsigned char uuid[16],
                       char out[ITEMS_ID_CHARS + 1])
{
    unsigned char number[16];
    memcpy(number, uuid, sizeof number);
    for (int i = ITEMS_ID_CHARS; i-- > 0;)
        out[i] = alphabet[items_divide(number)];
    out[ITEMS_ID_CHARS] = 0;
}

akin_status items_new_id(char out[ITEMS_ID_CHARS + 1], akin_error *err)
{
    unsigned char uuid[16];
    ssize_t n;
    do n = getrandom(uuid, sizeof uuid, 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof uuid)
        return AKIN_FAIL(err, AKIN_EINTERNAL,
                         "the system gives no random numbers for an id: %s",
                         strerror(errno));
    uuid[6] = (unsigned char)((uuid[6] & 0x0f) | 0x40); /* version 4 */
    uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80); /* RFC 4122's variant */
    items_encode_uuid(uuid, out);
    return AKIN_OK;
}
