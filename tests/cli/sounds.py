# SPDX-License-Identifier: MIT
"""Synthesised sounds for the command-line tests: a few kinds that are told
apart easily, in recordings whose names carry dates."""

import array
import math
import pathlib
import random
import struct
import sys
import wave

RATE_HZ = 22050


def trill(t, _):
    return 0.6 * math.sin(2 * math.pi * 3500 * t) if t * 12 % 1 < 0.5 else 0.0


def hum(t, _):
    return (0.5 * math.sin(2 * math.pi * 120 * t)
            + 0.3 * math.sin(2 * math.pi * 240 * t))


def hiss(_, generator):
    return 0.4 * generator.uniform(-1, 1)


def sweep(t, _):
    return 0.6 * math.sin(2 * math.pi * (300 + 400 * (t % 1.5)) * (t % 1.5))


def clicks(t, generator):
    return 0.9 * generator.uniform(-1, 1) if t * 5 % 1 < 0.02 else 0.0


def samples(parts, rate_hz=RATE_HZ, seed=1):
    """16-bit samples of (kind, seconds) parts, one behind the other."""
    generator = random.Random(seed)
    out = array.array("h")
    for kind, seconds in parts:
        out.extend(int(32767 * kind(i / rate_hz, generator))
                   for i in range(round(seconds * rate_hz)))
    if sys.byteorder == "big":
        out.byteswap()
    return out


def write_wav(path, parts, rate_hz=RATE_HZ, seed=1):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(samples(parts, rate_hz, seed).tobytes())


def write_long_wav(path, minutes, rate_hz=8000):
    """A minute of clicks, hums and sweeps, again and again."""
    minute = samples([(clicks, 20), (hum, 20), (sweep, 20)], rate_hz).tobytes()
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        for _ in range(minutes):
            out.writeframes(minute)


def write_float_wav(path, values, rate_hz=RATE_HZ):
    """Any floats as they are: 32-bit float WAV."""
    body = struct.pack(f"<{len(values)}f", *values)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(body), b"WAVE",
                       b"fmt ", 16, 3, 1, rate_hz, 4 * rate_hz, 4, 32,
                       b"data", len(body))
    pathlib.Path(path).write_bytes(head + body)


def make(folder):
    """birds/ with dated names, frogs/ with an awkward one, and a call."""
    folder = pathlib.Path(folder)
    write_wav(folder / "birds/SITE1_20230512_060000.wav",
              [(trill, 3), (hiss, 3), (hum, 3), (sweep, 0.5)])
    write_wav(folder / "birds/SITE1_20230512_180000.wav",
              [(hum, 3), (clicks, 3)], seed=2)
    write_wav(folder / "birds/SITE2_20230601_053000.wav",
              [(sweep, 3), (trill, 3), (hiss, 1)], seed=3)
    write_wav(folder / 'frogs/pond, "east".wav',
              [(clicks, 3), (sweep, 3)], seed=4)
    write_wav(folder / "call.wav", [(trill, 3)], seed=5)
    write_wav(folder / "long call.wav", [(hum, 3), (trill, 3), (clicks, 3)],
              seed=6)


if __name__ == "__main__":
    make(sys.argv[1])
