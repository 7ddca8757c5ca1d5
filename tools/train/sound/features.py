# SPDX-License-Identifier: MIT
"""What goes into the network: ESC-10 as mel spectrograms, by the recipe that models/esc-net/model.json states.

The recipe is that of src/media/log_mel.c, in numpy; check_log_mel.py compares the two.
"""
import os
import subprocess

import numpy as np

RATE_HZ = 32000
WINDOW_S = 3
FFT = WINDOW = 1024   # samples
HOP = 320
BANDS = 64
FRAMES = 297          # as many as 3 s hold
FMIN_HZ, FMAX_HZ = 50.0, 14000.0
LOG_OFFSET = 1e-6     # far below 16 bits, so that gain is a mere shift of the logarithm

CLIP_S = 5
CLIP_FRAMES = (CLIP_S * RATE_HZ - WINDOW) // HOP + 1
STARTS_S = (0, 2)     # the windows that are measured, as in bench/bench_retrieval.c
SILENCE_RMS = 1e-3    # windows below it are left out, as there


def mel_from_hz(hz):
    return 1127 * np.log1p(np.asarray(hz, float) / 700)


def mel_weights():
    """[FFT / 2 + 1, BANDS]: triangles that are linear in mel; bin 0 belongs to none."""
    edges = np.linspace(mel_from_hz(FMIN_HZ), mel_from_hz(FMAX_HZ), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    mel = mel_from_hz(np.arange(FFT // 2 + 1) * RATE_HZ / FFT)[:, None]
    weights = np.minimum((mel - low) / (centre - low), (high - mel) / (high - centre)).clip(0)
    weights[0] = 0
    return weights


def mel_magnitudes(samples, n_frames=FRAMES):
    """[n_frames, BANDS] of the sound's beginning; what lacks is silence."""
    padded = np.zeros((n_frames - 1) * HOP + WINDOW)
    n = min(len(samples), len(padded))
    padded[:n] = samples[:n]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    return np.abs(np.fft.rfft(frames * hann, FFT)) @ mel_weights()


def log_mel(magnitudes):
    return np.log(magnitudes + LOG_OFFSET).astype(np.float32)


# ---- ESC-10 -------------------------------------------------------------------------------------------------

def decode(path):
    """The first 5 s at RATE_HZ."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", str(RATE_HZ), "-f", "f32le", "-"]
    samples = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<f4")
    return np.pad(samples, (0, max(0, CLIP_S * RATE_HZ - len(samples))))[:CLIP_S * RATE_HZ]


def list_clips(root):
    """[(name, class, fold, source)]: CLASS/FOLD-SOURCE-TAKE.ogg, source being the recording it was cut from."""
    clips = []
    folders = sorted(d for d in os.listdir(root) if os.path.isdir(os.path.join(root, d)))
    for label, folder in enumerate(folders):
        for file in sorted(os.listdir(os.path.join(root, folder))):
            fold, source, _ = file.split("-")
            clips.append((f"{folder}/{file}", label, int(fold), source))
    return clips, [folder.split(" - ")[1] for folder in folders]


def rms_of_windows(samples):
    n = WINDOW_S * RATE_HZ
    return [np.sqrt(np.mean(samples[s * RATE_HZ:s * RATE_HZ + n].astype(float) ** 2)) for s in STARTS_S]


def make(root):
    clips, classes = list_clips(root)
    magnitudes, rms = [], []
    for name, *_ in clips:
        samples = decode(os.path.join(root, name))
        magnitudes.append(mel_magnitudes(samples, CLIP_FRAMES).astype(np.float32))
        rms.append(rms_of_windows(samples))
    names, labels, folds, sources = zip(*clips)
    return {"magnitudes": np.array(magnitudes), "rms": np.array(rms), "names": np.array(names),
            "labels": np.array(labels), "folds": np.array(folds), "sources": np.array(sources),
            "classes": np.array(classes)}


def load(root, work):
    """The data set as a dict of arrays, decoded once and kept in the work folder."""
    path = os.path.join(work, "esc10.npz")
    if not os.path.exists(path):
        os.makedirs(work, exist_ok=True)
        np.savez(path + ".part.npz", **make(root))
        os.replace(path + ".part.npz", path)
    with np.load(path) as kept:
        return dict(kept)


def windows(data):
    """The windows that are measured: patches [n, FRAMES, BANDS], and of each its clip and its start in s."""
    clip, start = np.nonzero(data["rms"] >= SILENCE_RMS)
    start = np.array(STARTS_S)[start]
    first = start * RATE_HZ // HOP
    patches = np.array([data["magnitudes"][c, f:f + FRAMES] for c, f in zip(clip, first)])
    return log_mel(patches), clip, start
