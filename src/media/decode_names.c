/* SPDX-License-Identifier: MIT
 * Which file names are taken for sounds when a folder is searched. */
#include <string.h>

#include "base/text.h"
#include "media/decode.h"

/* Sound files, then films of phones and cameras. Left out although FFmpeg
 * reads them: .ts (far more often source code), .raw, .sf, .m2v and such. */
static const char *const decode_extensions[] = {
    ".wav",  ".wave", ".bwf",  ".w64",  ".rf64", ".aif",  ".aiff", ".aifc",
    ".flac", ".mp3",  ".mp2",  ".mpga", ".ogg",  ".oga",  ".opus", ".spx",
    ".m4a",  ".m4b",  ".aac",  ".caf",  ".au",   ".snd",  ".amr",  ".awb",
    ".wma",  ".wv",   ".ape",  ".tta",  ".tak",  ".mka",  ".ac3",  ".eac3",
    ".dts",  ".gsm",  ".dsf",  ".mpc",  ".voc",  ".avr",  ".ircam", ".nist",
    ".sph",  ".paf",  ".pvf",  ".sds",  ".svx",  ".8svx", ".wve",  ".wavex",
    ".mp4",  ".m4v",  ".mov",  ".3gp",  ".3g2",  ".avi",  ".mkv",  ".webm",
    ".mts",  ".m2ts", ".mpg",  ".mpeg",
};

bool decoder_is_audio_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = sizeof decode_extensions / sizeof *decode_extensions;
    for (size_t i = 0; i < n; i++)
        if (text_ends_with(name, decode_extensions[i], true) &&
            strlen(name) > strlen(decode_extensions[i]))
            return true;
    return false;
}
