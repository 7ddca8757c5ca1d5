#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fits the constants of akin's built-in sound model `mel` and writes them to models/mel/mel.bin.

    python3 tools/fit_mel.py --work /var/tmp/fit_mel            (about 6 minutes on one core)
    python3 tools/fit_mel.py --work /var/tmp/fit_mel --evaluate ../shared/data/esc10

Needs numpy, scipy and the ffmpeg command. The sounds it learns from come out of the Debian 12 packages in
PACKAGES (game and toy sound effects, drum samples, spoken words): installed ones are used where they are,
the others are fetched with `apt-get download` and unpacked under --work, which needs no root. None of the
data that the model is measured on is among them.

The first part of the code, down to `embed`, is the model itself in plain numpy. It is the specification of
src/model/builtin_mel.c, and tests/data/mel_golden.bin, also written here, holds the two together. After a
new fit, tests/unit/test_builtin_mel.c prints the new bits that it is to be given.


The model in short
------------------
3 s at 48 kHz -> 300 spectra, one each 10 ms (Hann window of 1024 samples) -> 64 mel bands, 50 Hz to 14 kHz
-> logarithm of the power relative to the window's loudest frame, with a floor at -60 dB (so the recording's
gain does not matter, and neither does what a codec does to the inaudible) -> FEATURES numbers:

  levels     5 quantiles over time of each band                                     what spectrum, how steady
  changes    rise (rms, mean) and fall (rms) of each band over 10, 40 and 160 ms    attacks and decays
  shape      mean power, skewness and kurtosis of each band                         rare loud events or a hum
  rhythm     modulation spectrum 0.4-37 Hz of 16 groups of 4 bands                  ticks, rotors, bursts
  texture    magnitudes of the 2-D Fourier transform of 32 bands x 640 ms patches   sweeps, harmonics, trills
             at three heights, averaged over time

-> each brought to mean 0 and deviation 1 -> linear projection to 128 -> length 1.

The projection is a linear discriminant analysis in which a class is a sound's file (files that differ by a
final number only, as in growl-1 and growl-2, are one class), seen several times at different offsets and
speeds, equalised, band-limited, with noise and other sounds beneath. It turns up the directions that tell
sounds apart and turns down those along which one sound differs from itself.


models/mel/mel.bin, little-endian
---------------------------------
  0    char[8]   "AKMEL\\0\\0\\0"
  8    char[24]  identity, "mel-1-" + FNV-1a 64 of everything from byte 32 on, in hex, then zeros
  32   u32[16]   version 1, rate, window samples, fft size, hop, frames, bands, features, dim,
                 number of mel weights, number of rhythm bins, size of the file, 0, 0, 0, 0
  96   f32[2048] cos(2 pi k / 2048): every window and twiddle factor is read from this table
       u16[bands] first FFT bin of each mel band; u16[bands] its number of bins; f32[weights] the weights
       u16[rhythm bins + 1] edges of the rhythm bins, padded with zeros to a multiple of 4 bytes
       f32[features] mean; f32[features] 1 / deviation; f32[dim] scale of each output
       i8[features][dim] the projection, to be multiplied by scale

tests/data/mel_golden.bin: u32 number of cases, then f32[cases][128], the embeddings of golden_input(case).
"""
import argparse
import os
import random
import re
import struct
import subprocess
import sys

import numpy as np
import scipy.fft
import scipy.linalg

PACKAGES = [
    "tuxpaint-stamps-default", "sonic-pi-samples", "wesnoth-1.16-data", "hedgewars-data",
    "colobot-common-sounds", "boswars-data", "freedink-data", "minetest-data", "oxygen-sounds",
    "sound-theme-freedesktop", "bucklespring-data",
]
SEED = 1
VIEWS = 20          # augmented windows of each file
RIDGE = 4.0         # share of the mean within-class variance that is added to every feature's
SHARPNESS = 0.3     # outputs are weighted by their discriminant ratio to this power

VERSION = 1
RATE = 48000
WINDOW = 3 * RATE
FFT = 1024
HOP = 480
FRAMES = WINDOW // HOP
BANDS = 64
LOW_HZ, HIGH_HZ = 50.0, 14000.0
FLOOR = 1e-6
DIM = 128

QUANTILE_RANKS = [15, 75, 150, 224, 284]           # of 300 sorted frames: 5, 25, 50, 75, 95 %
LAGS = [1, 4, 16]
RHYTHM_FRAMES, RHYTHM_GROUPS = 256, 16
RHYTHM_STARTS = [0, FRAMES - RHYTHM_FRAMES]
RHYTHM_EDGES = sorted(set(int(round(e)) for e in np.geomspace(1, 96, 25)))
PATCH_FRAMES, PATCH_HOP, PATCHES, PATCH_BANDS = 64, 32, 8, 32
PATCH_HEIGHTS = [0, 16, 32]
PATCH_TIME, PATCH_SPECTRAL = 16, 12                 # frequencies kept: 0..15 in time, -11..11 in pitch

COS = np.cos(2 * np.pi * np.arange(2048) / 2048).astype(np.float32)


# ---- the model ------------------------------------------------------------------------------------------

def hann(n):
    """Hann window whose samples lie half a step in from the ends; n divides 1024."""
    return (0.5 - 0.5 * COS[(2 * np.arange(n) + 1) * (1024 // n)]).astype(np.float32)


def half_sine(n):
    return COS[(512 - (2 * np.arange(n) + 1) * (512 // n)) % 2048]


def mel_weights():
    """[BANDS, FFT/2+1] triangles, each bin holding the mean of the triangle over the bin's width."""
    to_mel = lambda hz: 2595 * np.log10(1 + hz / 700)
    edge = 700 * (10 ** (np.linspace(to_mel(LOW_HZ), to_mel(HIGH_HZ), BANDS + 2) / 2595) - 1)
    step = RATE / FFT
    hz = (np.arange(FFT // 2 + 1)[:, None] + (np.arange(16) + 0.5) / 16 - 0.5) * step
    rows = [np.maximum(np.minimum((hz - edge[b]) / (edge[b + 1] - edge[b]),
                                  (edge[b + 2] - hz) / (edge[b + 2] - edge[b + 1])), 0).mean(1)
            for b in range(BANDS)]
    return np.array(rows, np.float32)


MEL = mel_weights()


def condition(samples):
    """Removes what must not matter: non-finite samples, the offset, the gain (by a power of two)."""
    x = np.where(np.isfinite(samples), samples, 0).astype(np.float32)
    peak = np.abs(x).max()
    if peak < 2.0 ** -100:
        return np.zeros(WINDOW, np.float32)
    x = np.ldexp(x, -int(np.frexp(peak)[1])).astype(np.float32)
    return x - np.float32(x.sum(dtype=np.float64) / WINDOW)


def frame_power(x):
    """[FRAMES, FFT/2+1]; frame t is centred on sample t * HOP + HOP / 2, outside the window is zero."""
    before = (FFT - HOP) // 2
    padded = np.pad(x, (before, FFT))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP][:FRAMES]
    s = np.fft.rfft(frames * hann(FFT), axis=1)
    return (s.real ** 2 + s.imag ** 2).astype(np.float32)


def log_mel(power):
    """[FRAMES, BANDS] natural logarithm of 1 + the power in units of the floor; exactly 0 in silence."""
    mel = power @ MEL.T
    unit = np.float32(max(mel.sum(1).max(), 1e-30)) * np.float32(FLOOR)
    return np.log(mel / unit + np.float32(1)).astype(np.float32)


def levels(L):
    return np.sort(L, 1)[:, QUANTILE_RANKS].reshape(len(L), -1)


def changes(L):
    out = []
    for lag in LAGS:
        d = L[:, lag:] - L[:, :-lag]
        rise, fall = np.maximum(d, 0), np.maximum(-d, 0)
        out += [np.sqrt((rise * rise).mean(1)), np.sqrt((fall * fall).mean(1)), rise.mean(1)]
    return np.concatenate(out, 1)


def shape(L):
    mean_power = np.log(np.expm1(L).mean(1) + 1)
    d = L - L.mean(1, keepdims=True)
    d2 = d * d
    deviation = np.sqrt(d2.mean(1)) + 0.1
    skewness = (d2 * d).mean(1) / deviation ** 3
    kurtosis = np.sqrt((d2 * d2).mean(1)) / deviation ** 2
    return np.concatenate([mean_power, skewness, kurtosis], 1)


def rhythm(L):
    g = L.reshape(len(L), FRAMES, RHYTHM_GROUPS, -1).mean(3)
    window = hann(RHYTHM_FRAMES)[:, None]
    total = 0
    for start in RHYTHM_STARTS:
        s = g[:, start:start + RHYTHM_FRAMES]
        total = total + np.abs(scipy.fft.rfft((s - s.mean(1, keepdims=True)) * window, axis=1))
    total = total / len(RHYTHM_STARTS)
    bins = [total[:, a:b].mean(1) for a, b in zip(RHYTHM_EDGES[:-1], RHYTHM_EDGES[1:])]
    return np.sqrt(np.stack(bins, 1)).reshape(len(L), -1)


def texture(L):
    window = hann(PATCH_FRAMES)[:, None] * half_sine(PATCH_BANDS)[None]
    out = []
    for low in PATCH_HEIGHTS:
        total = 0
        for p in range(PATCHES):
            x = L[:, p * PATCH_HOP:p * PATCH_HOP + PATCH_FRAMES, low:low + PATCH_BANDS]
            x = (x - x.mean((1, 2), keepdims=True)) * window
            total = total + np.abs(scipy.fft.fft2(x, axes=(1, 2)))
        m = np.sqrt(total / PATCHES)
        # m[t, s] of a real patch equals m[-t, -s]: t >= 0 is enough, and s >= 0 for t = 0.
        out.append(m[:, 0, :PATCH_SPECTRAL])
        signed = np.r_[-(PATCH_SPECTRAL - 1):PATCH_SPECTRAL] % PATCH_BANDS
        out.append(m[:, 1:PATCH_TIME][:, :, signed].reshape(len(L), -1))
    return np.concatenate(out, 1)


def features(L):
    """L [n, FRAMES, BANDS] -> [n, FEATURES]"""
    parts = [np.concatenate([levels(b), changes(b), shape(b), rhythm(b), texture(b)], 1)
             for b in (L[i:i + 128] for i in range(0, len(L), 128))]
    return np.concatenate(parts).astype(np.float32)


def project(F, c):
    y = ((F - c["mean"]) * c["inverse"]) @ (c["projection"].astype(np.float32) * c["scale"])
    return y / np.linalg.norm(y, axis=1, keepdims=True)


def embed(windows, c):
    return project(features(np.stack([log_mel(frame_power(condition(w))) for w in windows])), c)


# ---- the sounds it learns from --------------------------------------------------------------------------

def package_files(package, work):
    """[(name inside the package, path)], sorted."""
    listed = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True)
    paths = [p for p in listed.stdout.split("\n") if os.path.isfile(p)] if listed.returncode == 0 else []
    root = os.path.join(work, "root", package)
    if not paths:
        if not os.path.isdir(root):
            debs = os.path.join(work, "debs")
            os.makedirs(debs, exist_ok=True)
            subprocess.run(["apt-get", "download", package], cwd=debs, check=True)
            deb = next(f for f in sorted(os.listdir(debs)) if f.startswith(package + "_"))
            os.makedirs(root)
            subprocess.run(["dpkg-deb", "-x", os.path.join(debs, deb), root], check=True)
        paths = [os.path.join(d, f) for d, _, names in os.walk(root) for f in names]
    files = [(os.path.relpath(p, root) if p.startswith(root) else p.lstrip("/"), p) for p in paths]
    return sorted(f for f in files if f[0].lower().endswith((".ogg", ".wav", ".flac", ".mp3", ".oga")))


def choose_files(work):
    """[(class, path)]. Folders of hundreds of voices or of music give a few files each."""
    rng = random.Random(SEED)
    chosen = []
    for package in PACKAGES:
        files = package_files(package, work)
        spoken = [f for f in files if "_desc" in f[0]]
        files = [f for f in files if "_desc" not in f[0] and "/symbols/" not in f[0]]
        folders = {}
        for name, path in files:
            folders.setdefault(os.path.dirname(name), []).append((name, path))
        for folder, members in sorted(folders.items()):
            limit = 6 if "oices" in folder else 4 if "usic" in folder else 20 if "buckle" in folder else \
                3 if "boswars" in folder else len(members)
            for name, path in sorted(rng.sample(members, min(limit, len(members)))):
                stem = re.sub(r"[-_ .]*\d+[a-z]?$", "", os.path.splitext(name)[0])
                chosen.append(("buckle" if "buckle" in name else stem, path))
        chosen += [(name, path) for name, path in sorted(rng.sample(spoken, min(160, len(spoken))))]
    return chosen


def decode(path):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-t", "60", "-i", path, "-ac", "1", "-af",
                          "aresample=resampler=soxr", "-ar", str(RATE), "-f", "f32le", "-"],
                         capture_output=True).stdout
    return np.frombuffer(raw[:len(raw) // 4 * 4], np.float32)


def load_sounds(work):
    """[(class, samples with peak 1)]; of long files three pieces of 8 s. Decoded once per --work."""
    cache = os.path.join(work, "sounds.npz")
    if not os.path.exists(cache):
        names, sounds = [], []
        for name, path in choose_files(work):
            x = decode(path)
            if len(x) < RATE // 20 or np.sqrt(np.mean(x.astype(np.float64) ** 2)) < 1e-3:
                continue
            piece = 8 * RATE
            if len(x) > 3 * piece:
                x = np.concatenate([x[(len(x) - piece) * k // 2:][:piece] for k in range(3)])
            names.append(name)
            sounds.append(np.round(x / np.abs(x).max() * 32000).astype(np.int16))
        np.savez(cache, names=names, lengths=[len(s) for s in sounds], samples=np.concatenate(sounds))
    z = np.load(cache)
    pieces = np.split(z["samples"], np.cumsum(z["lengths"])[:-1])
    return list(zip(z["names"], (p.astype(np.float32) / 32000 for p in pieces)))


# ---- views of a sound -----------------------------------------------------------------------------------

def place(x, rng):
    """A window of the sound: a piece of a long one; a short one looped, repeated or alone."""
    if rng.random() > 0.4:
        speed = rng.uniform(0.88, 1.13)
        x = np.interp(np.arange(0, len(x) - 1, speed), np.arange(len(x)), x).astype(np.float32)
    if len(x) >= WINDOW:
        start = rng.integers(0, len(x) - WINDOW + 1)
        return x[start:start + WINDOW]
    way = rng.random()
    if way < 0.5:
        if way > 0.25 or len(x) < WINDOW // 6:
            x = np.concatenate([x, np.zeros(rng.integers(RATE // 10, RATE), np.float32)])
        start = rng.integers(0, len(x))
        return np.resize(x, WINDOW + len(x))[start:start + WINDOW]
    out = np.zeros(WINDOW, np.float32)
    start = rng.integers(0, WINDOW - len(x) + 1)
    out[start:start + len(x)] = x
    return out


def disturb(power, other, rng):
    """Equalises a power spectrogram, adds noise and another sound beneath it, and limits its band."""
    hz = np.arange(FFT // 2 + 1) * RATE / FFT
    octave = np.log2(np.maximum(hz, 40) / 1000)
    gain = 10 ** (np.clip(rng.normal(0, 1.5), -3, 3) * octave / 10)
    power = power * gain
    loudest = power.sum(1).max()
    if rng.random() < 0.75:
        noise = 10 ** (rng.uniform(-6, 0) * octave / 10)
        level = loudest * 10 ** (-rng.uniform(10, 60) / 10) / noise.sum()
        power = power + level * noise * rng.exponential(1, power.shape)
    if rng.random() < 0.3:
        below = frame_power(place(other, rng))
        power = power + below * loudest * 10 ** (-rng.uniform(12, 30) / 10) / (below.sum(1).max() + 1e-9)
    if rng.random() < 0.4:      # as from a recorder of 8 to 32 kHz, or a codec
        power = power / (1 + (hz / np.exp(rng.uniform(np.log(3500), np.log(14000)))) ** 24)
    if rng.random() < 0.2:
        power = power / (1 + (rng.uniform(50, 200) / np.maximum(hz, 20)) ** 4)
    return power.astype(np.float32)


def views(sounds):
    """Features and class numbers of VIEWS windows of each sound."""
    rng = np.random.default_rng(SEED)
    classes = {name: i for i, name in enumerate(sorted({n for n, _ in sounds}))}
    parts, labels = [], []
    for name, x in sounds:
        L = []
        for _ in range(3 * VIEWS):
            w = place(x, rng)
            if np.sqrt(np.mean(w ** 2)) >= 1e-3 and len(L) < VIEWS:
                L.append(log_mel(disturb(frame_power(w), sounds[rng.integers(len(sounds))][1], rng)))
        if L:
            parts.append(features(np.stack(L)))
            labels += [classes[name]] * len(L)
    return np.concatenate(parts), np.array(labels)


# ---- fitting --------------------------------------------------------------------------------------------

def fit(F, labels):
    mean, deviation = F.mean(0), F.std(0)
    inverse = 1 / (deviation + 1e-3 * deviation.mean())
    Z = (F - mean) * inverse
    used, index, count = np.unique(labels, return_inverse=True, return_counts=True)
    centre = np.zeros((len(used), Z.shape[1]))
    np.add.at(centre, index, Z)
    centre /= count[:, None]
    rest = Z - centre[index].astype(np.float32)
    within = (rest.T @ rest / len(rest)).astype(np.float64)
    within[np.diag_indices_from(within)] += RIDGE * np.trace(within) / len(within)
    spread = centre - centre.mean(0)
    n = len(within)
    ratio, v = scipy.linalg.eigh(spread.T @ spread / len(spread), within, subset_by_index=[n - DIM, n - 1])
    P = v[:, ::-1] * ratio[::-1] ** SHARPNESS
    P *= np.sign(P[np.abs(P).argmax(0), np.arange(DIM)])   # an eigenvector's sign is arbitrary: fix it
    P /= np.sqrt(np.mean((Z @ P) ** 2))
    scale = np.abs(P).max(0) / 127
    return {"mean": mean.astype(np.float32), "inverse": inverse.astype(np.float32),
            "scale": scale.astype(np.float32), "projection": np.round(P / scale).astype(np.int8)}


def write_constants(c, path):
    first = [int(np.flatnonzero(row)[0]) for row in MEL]
    count = [int(np.flatnonzero(row)[-1]) + 1 - f for row, f in zip(MEL, first)]
    weights = np.concatenate([row[f:f + k] for row, f, k in zip(MEL, first, count)])
    edges = struct.pack("<%dH" % len(RHYTHM_EDGES), *RHYTHM_EDGES)
    edges += b"\0" * (-len(edges) % 4)
    body = COS.astype("<f4").tobytes() + np.array(first + count, "<u2").tobytes() + \
        weights.astype("<f4").tobytes() + edges + c["mean"].astype("<f4").tobytes() + \
        c["inverse"].astype("<f4").tobytes() + c["scale"].astype("<f4").tobytes() + c["projection"].tobytes()
    numbers = [VERSION, RATE, WINDOW, FFT, HOP, FRAMES, BANDS, len(c["mean"]), DIM, len(weights),
               len(RHYTHM_EDGES) - 1, 96 + len(body), 0, 0, 0, 0]
    rest = struct.pack("<16I", *numbers) + body
    h = 0xcbf29ce484222325
    for byte in rest:
        h = (h ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    identity = b"mel-%d-%016x" % (VERSION, h)
    with open(path, "wb") as f:
        f.write(b"AKMEL\0\0\0" + identity.ljust(24, b"\0") + rest)
    print(path, 96 + len(body), "bytes,", len(c["mean"]), "features,", identity.decode())


def read_constants(path):
    data = open(path, "rb").read()
    n = struct.unpack_from("<16I", data, 32)
    F, dim, weights, bins = n[7], n[8], n[9], n[10]
    at = 96 + 4 * 2048 + 4 * BANDS + 4 * weights + (2 * (bins + 1) + 3) // 4 * 4
    take = lambda dtype, k, at: np.frombuffer(data, dtype, k, at)
    return {"mean": take("<f4", F, at), "inverse": take("<f4", F, at + 4 * F),
            "scale": take("<f4", dim, at + 8 * F),
            "projection": take("i1", F * dim, at + 8 * F + 4 * dim).reshape(F, dim)}


# ---- golden vectors -------------------------------------------------------------------------------------

GOLDEN_CASES = 5


def golden_input(case):
    """Integer arithmetic and exact scalings only, so that C can make the same samples.

    0  silence
    1  white noise: s = s * 1664525 + 1013904223 mod 2^32 from s = 1; x = ((s >> 8) - 2^23) / 2^25
    2  square wave of period 109 samples, +-1/4, on for 9600 samples and off for 14400 in turn
    3  sawtooth chirp: step += 500, phase += step (mod 2^32) from step = 20000000, phase = 0;
       x = ((phase >> 8) - 2^23) / 2^24
    4  the noise of case 1, where n mod 24000 < 480, else the same / 1024
    """
    n = np.arange(WINDOW)
    if case == 0:
        return np.zeros(WINDOW, np.float32)
    if case == 2:
        tone = np.where(n % 109 < 55, 0.25, -0.25)
        return np.where(n % 24000 < 9600, tone, 0).astype(np.float32)
    if case == 3:
        step = (20000000 + 500 * (n + 1)) & 0xffffffff
        phase = np.cumsum(step) & 0xffffffff
        return (((phase >> 8) - 2 ** 23) / 2.0 ** 24).astype(np.float32)
    s, noise = 1, np.zeros(WINDOW)
    for i in range(WINDOW):
        s = (s * 1664525 + 1013904223) & 0xffffffff
        noise[i] = ((s >> 8) - 2 ** 23) / 2.0 ** 25
    if case == 4:
        noise = np.where(n % 24000 < 480, noise, noise / 1024)
    return noise.astype(np.float32)


def write_golden(c, path):
    E = embed([golden_input(k) for k in range(GOLDEN_CASES)], c)
    with open(path, "wb") as f:
        f.write(struct.pack("<I", GOLDEN_CASES) + E.astype("<f4").tobytes())
    print(path, "first numbers:", E[:, 0])


# ---- measuring ------------------------------------------------------------------------------------------

def load_labelled(folder):
    """Windows at 0 s and 2 s of every clip of folder/CLASS/FOLD-*.ogg, without the silent ones."""
    windows, labels, folds = [], [], []
    names = sorted(d for d in os.listdir(folder) if os.path.isdir(os.path.join(folder, d)))
    for label, name in enumerate(names):
        for clip in sorted(os.listdir(os.path.join(folder, name))):
            x = decode(os.path.join(folder, name, clip))
            for start in (0, 2 * RATE):
                w = x[start:start + WINDOW]
                w = np.pad(w, (0, WINDOW - len(w)))
                if np.sqrt(np.mean(w.astype(np.float64) ** 2)) >= 0.001:
                    windows.append(w)
                    labels.append(label)
                    folds.append(clip[0])
    return windows, np.array(labels), np.array(folds), names


def retrieval(E, labels, folds):
    """[n, 3]: P@1, P@10 and average precision of each query, answered by the other folds only."""
    score = E @ E.T
    out = np.zeros((len(E), 3))
    for i in range(len(E)):
        others = np.flatnonzero(folds != folds[i])
        hit = labels[others[np.argsort(-score[i, others], kind="stable")]] == labels[i]
        rank = np.flatnonzero(hit) + 1
        out[i] = hit[0], hit[:10].mean(), np.mean(np.arange(1, len(rank) + 1) / rank)
    return out


def evaluate(c, folder):
    windows, labels, folds, names = load_labelled(folder)
    E = embed(windows, c)
    r = retrieval(E, labels, folds)
    for k, name in enumerate(names):
        print("%-24s P@1 %.3f  P@10 %.3f  mAP %.3f" % (name, *r[labels == k].mean(0)))
    print("%-24s P@1 %.3f  P@10 %.3f  mAP %.3f" % ("%d windows" % len(E), *r.mean(0)))


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    p = argparse.ArgumentParser(description="fit the constants of the built-in sound model")
    p.add_argument("--work", help="folder for packages and decoded sounds; without it nothing is fitted")
    p.add_argument("--evaluate", help="folder CLASS/FOLD-*.ogg to measure retrieval on")
    p.add_argument("--output", default=os.path.join(here, "models", "mel", "mel.bin"))
    p.add_argument("--golden", default=os.path.join(here, "tests", "data", "mel_golden.bin"))
    a = p.parse_args()
    if a.work:
        os.makedirs(a.work, exist_ok=True)
        sounds = load_sounds(a.work)
        F, labels = views(sounds)
        print(len(sounds), "sounds,", len(np.unique(labels)), "classes,", len(F), "windows")
        write_constants(fit(F, labels), a.output)
        write_golden(read_constants(a.output), a.golden)
    if a.evaluate:
        evaluate(read_constants(a.output), a.evaluate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
