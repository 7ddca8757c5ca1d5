/* SPDX-License-Identifier: MIT
 * media/decode: every kind of file, exact seeks, damaged and hostile input. */
#include "media/decode.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "sound_files.h"
#include "test.h"

/* A lossless format has tolerance 0; the others one of the mean square error
 * against the signal. `more`: frames that the format adds at the end. */
typedef struct format_case {
    const char *name;
    sound_spec spec;
    double rms;
    int more;
} format_case;

static const format_case formats[] = {
    {"a.wav", {"wav", "pcm_s16le", 48000, 2}, 2e-5, 0},
    {"b.wav", {"wav", "pcm_s24le", 96000, 1}, 1e-6, 0},
    {"c.wav", {"wav", "pcm_mulaw", 8000, 1}, 1e-2, 0},
    {"d.wav", {"wav", "adpcm_ima_wav", 22050, 1}, 2e-2, 8192},
    {"a.w64", {"w64", "pcm_s16le", 44100, 2}, 2e-5, 1},
    {"a.aiff", {"aiff", "pcm_s16be", 44100, 2}, 2e-5, 0},
    {"a.au", {"au", "pcm_s16be", 44100, 1}, 2e-5, 0},
    {"a.caf", {"caf", "pcm_s24be", 48000, 2}, 1e-6, 0},
    {"a.flac", {"flac", "flac", 48000, 2}, 2e-5, 0},
    {"b.flac", {"flac", "flac", 384000, 1}, 2e-5, 0},
    {"a.mp3", {"mp3", "libmp3lame", 44100, 2}, 6e-2, 0},
    {"b.mp3", {"mp3", "libmp3lame", 16000, 1}, 6e-2, 0},
    {"a.ogg", {"ogg", "libvorbis", 44100, 1}, 5e-2, 0},
    {"b.ogg", {"ogg", "flac", 44100, 1}, 2e-5, 0},
    {"a.opus", {"opus", "libopus", 48000, 1}, 6e-2, 0},
    {"a.m4a", {"ipod", "aac", 44100, 1}, 8e-2, 1024},
    {"b.m4a", {"ipod", "alac", 44100, 2}, 2e-5, 0},
    {"a.aac", {"adts", "aac", 44100, 1}, -1, 2048},
    {"a.mp4", {"mp4", "aac", 32000, 1}, 8e-2, 1024},
    {"a.wv", {"wv", "wavpack", 48000, 1}, 2e-5, 0},
    {"a.tta", {"tta", "tta", 44100, 1}, 2e-5, 0},
    {"a.mka", {"matroska", "libvorbis", 44100, 1}, 5e-2, 1024},
    {"a.avi", {"avi", "pcm_s16le", 44100, 1}, 2e-5, 0},
    {"a.ac3", {"ac3", "ac3", 48000, 1}, -1, 2048},
    {"a.amr", {"amr", "libopencore_amrnb", 8000, 1}, -1, 320},
    {"a.wma", {"asf", "wmav2", 44100, 1}, -1, 4096},
};
#define N_FORMATS (sizeof formats / sizeof *formats)

/* The whole file; *n frames. */
static float *read_all(const char *path, size_t step, size_t *n)
{
    akin_error e = {0};
    decoder *d = NULL;
    *n = 0;
    CHECK_OK(decoder_open(path, &d, &e), e);
    if (!d) return NULL;
    size_t cap = 1 << 20, got = 0;
    float *all = mem_array(cap, sizeof *all);
    do {
        if (step > cap - *n) {
            cap *= 2;
            all = mem_realloc_array(all, cap, sizeof *all);
        }
        CHECK_OK(decoder_read(d, all + *n, step, &got, &e), e);
        *n += got;
    } while (got);
    decoder_close(d);
    return all;
}

/* Opens and reads to the end; the first status that is not AKIN_OK. */
static akin_status drain(const char *path, akin_error *err)
{
    static float block[4096];
    decoder *d = NULL;
    akin_status status = decoder_open(path, &d, err);
    for (size_t n = 1; status == AKIN_OK && n > 0;)
        status = decoder_read(d, block, 4096, &n, err);
    decoder_close(d);
    return status;
}

static void write_bytes(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n);
    if (f) fclose(f);
}

static double gain_of(int n_channels)
{
    double sum = 0;
    for (int c = 0; c < n_channels; c++) sum += 1.0 / (c + 1);
    return sum / n_channels;
}

static void wav_of_every_kind(void)
{
    static const uint32_t rates[] = {8000, 44100, 384000};
    static const double steps[] = {1.0 / 127, 1.0 / 0x7fff, 2e-7, 1e-7, 1e-7,
                                   1e-7};
    enum { N = 5000 };
    static float mono[N];
    static double x[N];
    for (int kind = 0; kind < SOUND_N_KINDS; kind++) {
        for (int n_channels = 1; n_channels <= 8; n_channels++) {
            uint32_t rate = rates[(kind + n_channels) % 3];
            sound_signal(mono, N, rate, 1);
            for (int i = 0; i < N; i++) x[i] = mono[i];
            const char *path = sound_path("kind.wav");
            sound_write_wav(path, (sound_kind)kind, rate, n_channels, x, N);
            size_t n;
            float *y = read_all(path, 777, &n);
            double worst = 0;
            for (size_t i = 0; y && i < n && i < N; i++)
                worst = fmax(worst, fabs(y[i] - x[i] * gain_of(n_channels)));
            CHECK_EQ_INT(n, N);
            CHECK_NEAR(worst, 0, 1.3 * steps[kind]);
            mem_free(y);
        }
    }
}

/* Sixteen bits are divided by 32768, two channels are their mean, exactly. */
static void integers_are_exact(void)
{
    double x[3] = {-1, 0.5, 1.0 / 0x7fff};
    sound_write_wav(sound_path("x.wav"), SOUND_S16, 8000, 2, x, 3);
    size_t n;
    float *y = read_all(sound_path("x.wav"), 10, &n);
    CHECK_EQ_INT(n, 3);
    CHECK(y && y[0] == (-32767 - 16384) / 65536.0f);
    CHECK(y && y[1] == (16384 + 8192) / 65536.0f);
    CHECK(y && y[2] == (1 + 0) / 65536.0f);
    mem_free(y);
}

/* The same bits as a file of that channel alone, interleaved or in planes. */
static void check_first_channel(const char *name, const float *all, size_t n)
{
    enum { STEP = 700 };
    akin_error e = {0};
    decoder *d = NULL;
    float block[STEP];
    size_t at = 0, got = 1;
    CHECK_OK(decoder_open(sound_path(name), &d, &e), e);
    if (d) decoder_use_first_channel(d);
    while (d && got) {
        CHECK_OK(decoder_read(d, block, STEP, &got, &e), e);
        if (at + got > n || memcmp(block, all + at, got * sizeof *all) != 0) {
            test_fail(__FILE__, __LINE__, "%s at %zu", name, at);
            break;
        }
        at += got;
    }
    CHECK_EQ_INT(at, n);
    /* It stays so behind a seek. */
    if (d && n) CHECK_OK(decoder_seek(d, (int64_t)n / 2, &e), e);
    if (d && n) CHECK_OK(decoder_read(d, block, 1, &got, &e), e);
    CHECK(!d || !n || block[0] == all[n / 2]);
    decoder_close(d);
}

static void first_channel_alone(void)
{
    enum { N = 5000 };
    static float mono[N];
    static double x[N];
    size_t n;
    sound_signal(mono, N, 8000, 3);
    for (int i = 0; i < N; i++) x[i] = mono[i];
    for (int kind = 0; kind < SOUND_N_KINDS; kind++) {
        sound_write_wav(sound_path("one.wav"), (sound_kind)kind, 8000, 1, x, N);
        float *one = read_all(sound_path("one.wav"), 700, &n);
        for (int n_channels = 1; n_channels <= 3; n_channels++) {
            sound_write_wav(sound_path("many.wav"), (sound_kind)kind, 8000,
                            n_channels, x, N);
            check_first_channel("many.wav", one, n);
        }
        mem_free(one);
    }
    sound_spec spec = {"wv", "wavpack", 8000, 1};
    if (!sound_encode(sound_path("one.wv"), &spec, mono, N)) return;
    spec.n_channels = 2;
    CHECK(sound_encode(sound_path("two.wv"), &spec, mono, N));
    float *one = read_all(sound_path("one.wv"), 700, &n);
    check_first_channel("two.wv", one, n);
    mem_free(one);
}

static void formats_decode_to_the_signal(void)
{
    for (size_t k = 0; k < N_FORMATS; k++) {
        const format_case *c = &formats[k];
        size_t n_in = c->spec.rate_hz * 2 + 333, n;
        float *x = mem_array(n_in, sizeof *x);
        sound_signal(x, n_in, c->spec.rate_hz, (uint32_t)k);
        const char *path = sound_path(c->name);
        if (!sound_encode(path, &c->spec, x, n_in)) {
            printf("    no encoder %s\n", c->spec.encoder);
            mem_free(x);
            continue;
        }
        float *y = read_all(path, 4096, &n);
        if (n < n_in - (c->rms < 0 ? 2048 : 0) || n > n_in + (size_t)c->more)
            test_fail(__FILE__, __LINE__, "%s: %zu frames, not %zu", c->name, n,
                      n_in);
        double sum = 0, gain = gain_of(c->spec.n_channels);
        for (size_t i = 0; y && i < n && i < n_in; i++)
            sum += (y[i] - x[i] * gain) * (y[i] - x[i] * gain);
        double rms = sqrt(sum / (double)n_in);
        if (c->rms >= 0 && !(rms <= c->rms))
            test_fail(__FILE__, __LINE__, "%s: rms error %g", c->name, rms);
        mem_free(x);
        mem_free(y);
    }
}

static void check_seek(const char *path, const float *all, size_t n, size_t at)
{
    static float block[3000];
    static decoder *d; /* kept open: seeks go both ways */
    static char open_path[512];
    akin_error e = {0};
    if (strcmp(open_path, path) != 0) {
        decoder_close(d);
        d = NULL;
        snprintf(open_path, sizeof open_path, "%s", path);
        if (*path) CHECK_OK(decoder_open(path, &d, &e), e);
    }
    if (!d) return;
    size_t got = 0, left = at < n ? n - at : 0;
    size_t want = left < 3000 ? left : 3000;
    CHECK_OK(decoder_seek(d, (int64_t)at, &e), e);
    CHECK_OK(decoder_read(d, block, 3000, &got, &e), e);
    if (got != want || memcmp(block, all + (want ? at : 0), got * sizeof *all))
        test_fail(__FILE__, __LINE__, "%s: %zu frames at %zu differ", path, got,
                  at);
}

/* Reading after a seek gives the bits of a straight read, in every format. */
static void seeks_are_exact(void)
{
    for (size_t k = 0; k < N_FORMATS; k++) {
        const format_case *c = &formats[k];
        size_t n_in = c->spec.rate_hz * 11 + 17, n;
        float *x = mem_array(n_in, sizeof *x);
        sound_signal(x, n_in, c->spec.rate_hz, (uint32_t)k);
        const char *path = sound_path(c->name);
        if (sound_encode(path, &c->spec, x, n_in)) {
            float *all = read_all(path, 1000, &n);
            const size_t at[] = {n / 2,     0,      n - 1,     n,
                                 n + 12345, 1,      n * 9 / 10, 4095,
                                 n / 2 + 1, n / 2,  n * 3 / 4, n - 5000,
                                 n / 3 + 7, 100000};
            for (size_t i = 0; all && i < sizeof at / sizeof *at; i++)
                check_seek(path, all, n, at[i]);
            mem_free(all);
        }
        mem_free(x);
    }
    check_seek("", NULL, 0, 0);
}

static void not_finite_is_named(void)
{
    for (int kind = SOUND_F32; kind <= SOUND_F64; kind++) {
        const double bad[] = {NAN, INFINITY, -INFINITY};
        for (int b = 0; b < 3; b++) {
            double x[1000] = {0};
            x[800] = bad[b];
            const char *path = sound_path("bad.wav");
            sound_write_wav(path, (sound_kind)kind, 8000, 2, x, 1000);
            akin_error e = {0};
            CHECK_STATUS(drain(path, &e), AKIN_EDECODE);
            CHECK(strstr(e.text, "0.100000 s") != NULL);
        }
    }
}

static void foreign_files_are_one_line(void)
{
    static const unsigned char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1";
    static const struct {
        const char *name, *data;
        size_t n;
    } files[] = {
        {"empty.wav", "", 0},
        {"text.wav", "this is not a sound\n", 20},
        {"text.txt", "nor is this one\n", 16},
        {"a.png", (const char *)png, sizeof png},
        {"list.m3u", "#EXTM3U\n#EXTINF:1,x\nreal.wav\n", 30},
        {"list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nreal.wav"
                      "\n#EXT-X-ENDLIST\n", 67},
        {"list.ffconcat", "ffconcat version 1.0\nfile real.wav\n", 35},
        {"head.wav", "RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", 20},
        {"a.srt", "1\n00:00:00,000 --> 00:00:01,000\nhello\n", 38},
    };
    double x[100] = {0};
    sound_write_wav(sound_path("real.wav"), SOUND_S16, 8000, 1, x, 100);
    sound_write_wav(sound_path("none.wav"), SOUND_S16, 8000, 1, x, 0);
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        akin_error e = {0};
        const char *path = sound_path(files[k].name);
        write_bytes(path, files[k].data, files[k].n);
        CHECK_STATUS(drain(path, &e), AKIN_EDECODE);
        CHECK(strstr(e.text, files[k].name) && !strchr(e.text, '\n'));
    }
    akin_error e = {0};
    CHECK_STATUS(drain(sound_path("none.wav"), &e), AKIN_EDECODE);
    CHECK_STATUS(drain(sound_path("absent.wav"), &e), AKIN_ENOTFOUND);
    CHECK_STATUS(drain("http://localhost/a.wav", &e), AKIN_ENOTFOUND);
    CHECK_STATUS(drain("concat:a.wav|b.wav", &e), AKIN_ENOTFOUND);
    CHECK_STATUS(drain(test_dir(), &e), AKIN_EIO);
}

/* Encodes 3 s and gives the bytes; NULL without the encoder. */
static char *encoded(const char *name, const sound_spec *spec, size_t *n)
{
    size_t n_in = spec->rate_hz * 3;
    char *data = NULL;
    float *x = mem_array(n_in, sizeof *x);
    sound_signal(x, n_in, spec->rate_hz, 5);
    if (sound_encode(sound_path(name), spec, x, n_in))
        CHECK_STATUS(file_read(sound_path(name), 1 << 28, &data, n, NULL),
                     AKIN_OK);
    mem_free(x);
    return data;
}

static void cut_off_files_are_errors(void)
{
    static const char *const names[] = {"a.wav",  "a.w64",  "a.aiff", "a.au",
                                        "a.flac", "a.mp3",  "b.m4a"};
    for (size_t k = 0; k < N_FORMATS; k++) {
        bool chosen = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            chosen = chosen || strcmp(names[i], formats[k].name) == 0;
        size_t n;
        char *data = chosen ? encoded(formats[k].name, &formats[k].spec, &n)
                            : NULL;
        if (!data) continue;
        akin_error e = {0};
        const char *path = sound_path(formats[k].name);
        CHECK_OK(drain(path, &e), e);
        write_bytes(path, data, n / 2 + 1);
        CHECK_STATUS(drain(path, &e), AKIN_EDECODE);
        mem_free(data);
    }
}

static void put_junk(char *data, size_t n)
{
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        data[i] = (char)(x >> 24);
    }
}

static void damage_in_the_middle_is_an_error(void)
{
    static const format_case damaged[] = {
        {"a.flac", {"flac", "flac", 48000, 1}, 0, 0},
        {"a.mp3", {"mp3", "libmp3lame", 44100, 1}, 0, 0},
        {"a.ogg", {"ogg", "libvorbis", 44100, 1}, 0, 0},
        {"a.opus", {"opus", "libopus", 48000, 1}, 0, 0},
        {"a.wv", {"wv", "wavpack", 48000, 1}, 0, 0},
    };
    for (size_t k = 0; k < sizeof damaged / sizeof *damaged; k++) {
        size_t n;
        char *data = encoded(damaged[k].name, &damaged[k].spec, &n);
        if (!data) continue;
        put_junk(data + n / 2, n / 8);
        akin_error e = {0};
        const char *path = sound_path(damaged[k].name);
        write_bytes(path, data, n);
        if (drain(path, &e) != AKIN_EDECODE || !strstr(e.text, " s"))
            test_fail(__FILE__, __LINE__, "%s passes", damaged[k].name);
        mem_free(data);
    }
}

/* An ID3v1 tag and some junk behind the sound. */
static void a_tail_that_players_ignore_is_fine(void)
{
    static const format_case tailed[] = {
        {"t.mp3", {"mp3", "libmp3lame", 44100, 1}, 0, 0},
        {"t.flac", {"flac", "flac", 48000, 1}, 0, 0},
        {"t.wav", {"wav", "pcm_s16le", 48000, 1}, 0, 0},
    };
    for (size_t k = 0; k < sizeof tailed / sizeof *tailed; k++) {
        size_t n, n_plain, n_tailed;
        char *data = encoded(tailed[k].name, &tailed[k].spec, &n);
        if (!data) continue;
        const char *path = sound_path(tailed[k].name);
        float *plain = read_all(path, 4096, &n_plain);
        data = mem_realloc_array(data, n + 900, 1);
        put_junk(data + n, 900);
        memcpy(data + n, "TAGsome title", 13);
        write_bytes(path, data, n + 900);
        float *with_tail = read_all(path, 4096, &n_tailed);
        CHECK_EQ_INT(n_tailed, n_plain);
        CHECK(memcmp(plain, with_tail, n_plain * sizeof *plain) == 0);
        mem_free(plain);
        mem_free(with_tail);
        mem_free(data);
    }
}

static void a_rate_that_changes_is_an_error(void)
{
    sound_spec slow = {"mp3", "libmp3lame", 44100, 1}, fast = slow;
    fast.rate_hz = 48000;
    size_t n_slow, n_fast;
    char *a = encoded("slow.mp3", &slow, &n_slow);
    if (!a) {
        test_skip("no mp3 encoder");
        return;
    }
    char *b = encoded("fast.mp3", &fast, &n_fast);
    a = mem_realloc_array(a, n_slow + n_fast, 1);
    memcpy(a + n_slow, b, n_fast);
    akin_error e = {0};
    write_bytes(sound_path("both.mp3"), a, n_slow + n_fast);
    CHECK_STATUS(drain(sound_path("both.mp3"), &e), AKIN_EDECODE);
    mem_free(a);
    mem_free(b);
}

static void flip_bytes(const char *name, char *data, size_t n)
{
    akin_error e = {0};
    const char *path = sound_path("flipped");
    char full[512];
    snprintf(full, sizeof full, "%s-%s", path, name);
    for (size_t i = 0; i < 120; i++) {
        /* All of the header, then across the file. */
        size_t at = i < 60 ? i : (i - 60) * n / 60;
        if (at >= n) break;
        char kept = data[at];
        data[at] = (char)(kept ^ (1 << (i % 8)) ^ 0x40);
        write_bytes(full, data, n);
        akin_status status = drain(full, &e);
        if (status != AKIN_OK && status != AKIN_EDECODE &&
            status != AKIN_ELIMIT && status != AKIN_EUNSUPPORTED)
            test_fail(__FILE__, __LINE__, "%s, byte %zu: %s", name, at, e.text);
        data[at] = kept;
    }
}

static void flipped_bytes_never_crash(void)
{
    for (size_t k = 0; k < N_FORMATS; k++) {
        sound_spec spec = formats[k].spec;
        size_t n, n_in = 6000;
        float *x = mem_array(n_in, sizeof *x);
        sound_signal(x, n_in, spec.rate_hz, 3);
        const char *path = sound_path(formats[k].name);
        char *data = NULL;
        if (sound_encode(path, &spec, x, n_in))
            CHECK_STATUS(file_read(path, 1 << 28, &data, &n, NULL), AKIN_OK);
        if (data) flip_bytes(formats[k].name, data, n);
        mem_free(data);
        mem_free(x);
    }
}

static void memory_out_is_an_error(void)
{
    double x[100] = {0};
    sound_write_wav(sound_path("m.wav"), SOUND_S16, 8000, 1, x, 100);
    akin_error e = {0};
    bool failed = true;
    for (int n = 1; failed && n < 50; n++) {
        mem_fail_at(n);
        akin_status status = drain(sound_path("m.wav"), &e);
        failed = !mem_fail_pending();
        mem_fail_at(0);
        CHECK_EQ_INT(status, failed ? AKIN_ENOMEM : AKIN_OK);
    }
    CHECK(!failed);
}

static void errors_stay(void)
{
    double x[1000] = {0};
    float y[1000];
    x[500] = NAN;
    sound_write_wav(sound_path("s.wav"), SOUND_F32, 8000, 1, x, 1000);
    decoder *d = NULL;
    size_t n;
    akin_error e = {0};
    CHECK_OK(decoder_open(sound_path("s.wav"), &d, &e), e);
    CHECK_STATUS(decoder_read(d, y, 1000, &n, &e), AKIN_EDECODE);
    CHECK_STATUS(decoder_read(d, y, 1000, &n, &e), AKIN_EDECODE);
    CHECK_OK(decoder_seek(d, 0, &e), e);
    CHECK_OK(decoder_read(d, y, 400, &n, &e), e);
    CHECK_EQ_INT(n, 400);
    CHECK_STATUS(decoder_seek(d, -1, &e), AKIN_EUSAGE);
    decoder_close(d);
}

static void info_is_told(void)
{
    double x[8000] = {0};
    sound_write_wav(sound_path("i.wav"), SOUND_S16, 8000, 2, x, 8000);
    decoder *d = NULL;
    akin_error e = {0};
    CHECK_OK(decoder_open(sound_path("i.wav"), &d, &e), e);
    const media_info *info = decoder_get_info(d);
    CHECK_EQ_INT(info->rate_hz, 8000);
    CHECK_EQ_INT(info->n_channels, 2);
    CHECK_NEAR(info->duration_s, 1, 0);
    CHECK_EQ_TEXT(info->codec, "pcm_s16le");
    CHECK_EQ_TEXT(info->container, "wav");
    decoder_close(d);
}

static void names_of_sounds(void)
{
    CHECK(decoder_is_audio_name("a/b.WAV") && decoder_is_audio_name("x.flac"));
    CHECK(decoder_is_audio_name("x.y.opus") && decoder_is_audio_name("f.MP4"));
    CHECK(!decoder_is_audio_name("a.txt") && !decoder_is_audio_name("wav"));
    CHECK(!decoder_is_audio_name("a.wav/notes") &&
          !decoder_is_audio_name("a/.wav") && !decoder_is_audio_name(""));
}

const test_case test_decode_cases[] = {
    {"decode/wav_of_every_kind", wav_of_every_kind},
    {"decode/integers_are_exact", integers_are_exact},
    {"decode/first_channel_alone", first_channel_alone},
    {"decode/formats_decode_to_the_signal", formats_decode_to_the_signal},
    {"decode/seeks_are_exact", seeks_are_exact},
    {"decode/not_finite_is_named", not_finite_is_named},
    {"decode/foreign_files_are_one_line", foreign_files_are_one_line},
    {"decode/cut_off_files_are_errors", cut_off_files_are_errors},
    {"decode/damage_in_the_middle_is_an_error",
     damage_in_the_middle_is_an_error},
    {"decode/a_tail_that_players_ignore_is_fine",
     a_tail_that_players_ignore_is_fine},
    {"decode/a_rate_that_changes_is_an_error", a_rate_that_changes_is_an_error},
    {"decode/flipped_bytes_never_crash", flipped_bytes_never_crash},
    {"decode/memory_out_is_an_error", memory_out_is_an_error},
    {"decode/errors_stay", errors_stay},
    {"decode/info_is_told", info_is_told},
    {"decode/names_of_sounds", names_of_sounds},
    {NULL, NULL},
};
