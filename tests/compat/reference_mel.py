# SPDX-License-Identifier: MIT
"""The log-mel spectrogram of VGGish and YAMNet in numpy, from the published
description of the recipe: periodic Hann window of 25 ms every 10 ms, magnitude
of an FFT of 512 points, 64 triangles linear in HTK mel between 125 and 7500 Hz,
natural logarithm of the sum plus an offset.

usage: reference_mel.py tests/data/log_mel_golden.bin   (writes it)"""

import sys

import numpy as np

RATE, WINDOW, HOP, FFT, BANDS, LOW, HIGH = 16000, 400, 160, 512, 64, 125.0, 7500.0


def mel(hz):
    return 1127.0 * np.log(1.0 + np.asarray(hz, float) / 700.0)


def mel_matrix():
    """[bins, bands]; the bin of 0 Hz belongs to none."""
    bins = mel(np.linspace(0.0, RATE / 2.0, FFT // 2 + 1))[:, None]
    edges = np.linspace(mel(LOW), mel(HIGH), BANDS + 2)
    low, center, high = edges[None, :-2], edges[None, 1:-1], edges[None, 2:]
    rising = (bins - low) / (center - low)
    falling = (high - bins) / (high - center)
    matrix = np.maximum(0.0, np.minimum(rising, falling))
    matrix[0] = 0.0
    return matrix


def log_mel(samples, offset):
    """[frames, bands] of all whole frames."""
    samples = np.asarray(samples, float)
    n = 1 + (len(samples) - WINDOW) // HOP
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
    frames = np.stack([samples[i * HOP:i * HOP + WINDOW] for i in range(n)])
    spectrum = np.abs(np.fft.rfft(frames * hann, FFT))
    return np.log(spectrum @ mel_matrix() + offset)


def test_sound():
    """The sound of tests/unit/test_log_mel.c: first faint, then loud."""
    i = np.arange(15600, dtype=np.int64)
    value = ((i * i * 7 + i * 13) % 2003 - 1001) / 2048
    return (value / np.where(i < 5200, 4096, 1)).astype(np.float32)


def main():
    """Writes the golden file: frames 0, 40 and 95 for both offsets."""
    with open(sys.argv[1], "wb") as f:
        for offset in 0.01, 0.001:
            patch = log_mel(test_sound(), offset)
            f.write(patch[[0, 40, 95]].astype("<f4").tobytes())


if __name__ == "__main__":
    main()
