# SPDX-License-Identifier: MIT
"""Compares features.py with src/media/log_mel.c, which is compiled into the work folder for this.

    python3 check_log_mel.py --work FOLDER

Needs a C compiler and FFmpeg's headers."""
import argparse
import ctypes
import os
import subprocess

import numpy as np

import features

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
SOURCES = ("src/media/log_mel.c", "src/base/memory.c", "src/base/error.c")


class Spec(ctypes.Structure):
    """struct log_mel_spec"""
    _fields_ = [(name, ctypes.c_uint32) for name in
                ("rate_hz", "window_samples", "hop_samples", "n_fft", "n_mels", "n_frames")]
    _fields_ += [(name, ctypes.c_double) for name in ("min_hz", "max_hz", "log_offset")]


def build(work):
    path = os.path.join(os.path.abspath(work), "log_mel.so")
    subprocess.run(["cc", "-O2", "-std=gnu17", "-shared", "-fPIC", "-Iinclude", "-Isrc", *SOURCES, "-o", path,
                    "-lavutil", "-lm"], cwd=ROOT, check=True)
    return ctypes.CDLL(path)


def log_mel_in_c(library, samples):
    spec = Spec(features.RATE_HZ, features.WINDOW, features.HOP, features.FFT, features.BANDS, features.FRAMES,
                features.FMIN_HZ, features.FMAX_HZ, features.LOG_OFFSET)
    handle = ctypes.c_void_p()
    status = library.log_mel_new(ctypes.byref(spec), ctypes.byref(handle), None)
    assert status == 0, status
    out = np.zeros((features.FRAMES, features.BANDS), np.float32)
    samples = np.ascontiguousarray(samples, np.float32)
    library.log_mel_write(handle, samples.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(len(samples)),
                          out.ctypes.data_as(ctypes.c_void_p))
    library.log_mel_free(handle)
    return out


def sounds():
    random = np.random.default_rng(1)
    t = np.arange(features.WINDOW_S * features.RATE_HZ) / features.RATE_HZ
    yield "noise", random.normal(0, 0.1, len(t))
    yield "faint noise", random.normal(0, 1e-5, len(t))
    yield "sweep", 0.5 * np.sin(2 * np.pi * (100 + 2000 * t) * t)
    yield "silence", np.zeros(len(t))
    yield "half a window", random.normal(0, 0.1, len(t) // 2 + 7)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    library = build(parser.parse_args().work)
    for name, samples in sounds():
        samples = samples.astype(np.float32)
        here = features.log_mel(features.mel_magnitudes(samples))
        worst = np.abs(here - log_mel_in_c(library, samples)).max()
        print(f"{name}: differs by {worst:.1e}")
        assert worst < 1e-4


if __name__ == "__main__":
    main()
