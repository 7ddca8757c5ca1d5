#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fits the constants of the built-in image model `tint`, and is its specification.

    tools/fit_tint.py --pictures cifar10/train [--evaluate cifar10/test]
    tools/fit_tint.py --evaluate cifar10/test

A picture, squashed to 32 x 32, becomes 192 numbers:

1. Patches of 6 x 6 pixels, every second one of the picture and every one of the picture at half its size,
   less their mean and by their contrast.
2. 256 filters over them: centres of a k-means of whitened patches (Coates, Ng and Lee 2011), each with its
   mirror image; what exceeds a threshold is averaged over 3 x 3 and 2 x 2 parts, each filter together with
   its mirror image in the mirrored part, so that a picture and its mirror image are the same.
3. Square roots, and a projection that keeps what tells pictures apart and suppresses what changes when one
   picture is cropped, recoloured, lit otherwise, made smaller or compressed: a linear discriminant analysis with a ridge,
   whose classes are single pictures and whose members are views of them. No label is looked at: the folders
   of the pictures matter only for which are held out and for --evaluate.

The same pictures, machine and libraries give the same constants.
"""

import argparse
import io
import os
import struct
import sys

import numpy as np
import scipy.linalg
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

VERSION = 2
SIDE = 32
PATCH = 6
VALUES = PATCH * PATCH * 3
PAIRS = 128
DIM = 192
SCALES = [(1, 2, 3), (2, 1, 2)]     # (picture / by, step of patches, cells a side)
FEATURES = PAIRS * sum(cells * cells for _, _, cells in SCALES)
CONTRAST_FLOOR = 10                 # of the variance of a patch, values to 255
THRESHOLD = 1.0
WHITENING_FLOOR = 0.1
SEED = 5
HELD_OUT = 1000                     # of each class, the first by name: settings were chosen on them
PATCH_PICTURES, PATCHES_EACH, ROUNDS = 5000, 40, 12
PICTURES, VIEWS = 8000, 4
RIDGE, SHARPNESS = 0.1, 0.25


# ---- the description ------------------------------------------------------------------------------------

def halve(pictures):
    """[n, s, s, 3] bytes -> [n, s/2, s/2, 3]: means of four, rounded."""
    p = pictures.astype(np.uint16)
    return ((p[:, ::2, ::2] + p[:, ::2, 1::2] + p[:, 1::2, ::2] + p[:, 1::2, 1::2] + 2) >> 2).astype(np.uint8)


def mirror(filters):
    """A patch is its rows, of its pixels, of red, green, blue."""
    return filters.reshape(-1, PATCH, PATCH, 3)[:, :, ::-1].reshape(-1, VALUES)


def responses(pictures, step, filters, scale):
    """[n, places, places, filters]: what exceeds the threshold. The sums are whole numbers below 2^24."""
    w = sliding_window_view(pictures, (PATCH, PATCH), (1, 2))[:, ::step, ::step].transpose(0, 1, 2, 4, 5, 3)
    n, places = w.shape[:2]
    p = w.reshape(-1, VALUES).astype(np.float32)
    total, squares = p.sum(1), np.einsum("ij,ij->i", p, p)
    variance = (VALUES * squares.astype(np.float64) - total.astype(np.float64) ** 2).astype(np.float32)
    deviation = np.sqrt(variance + np.float32(CONTRAST_FLOOR * VALUES * VALUES))
    r = p @ filters.T.astype(np.float32)
    r *= VALUES
    r -= total[:, None] * filters.sum(1).astype(np.float32)
    r /= deviation[:, None]
    r *= scale
    r -= np.float32(THRESHOLD)
    np.maximum(r, 0, out=r)
    return r.reshape(n, places, places, -1)


def pool(r, cells):
    places = r.shape[1]
    first = [-(-i * places // cells) for i in range(cells)]
    count = np.diff(first + [places])
    sums = np.add.reduceat(np.add.reduceat(r, first, axis=1), first, axis=2)
    return sums / (count[:, None] * count)[None, :, :, None]


def features(pictures, c):
    """[n, 32, 32, 3] bytes -> [n, FEATURES]"""
    filters = c["filters"].astype(np.int32)
    filters = np.concatenate([filters, mirror(filters)])
    scale = np.concatenate([c["filter_scale"], c["filter_scale"]])
    out = []
    for begin in range(0, len(pictures), 200):
        whole, parts = pictures[begin:begin + 200], []
        for by, step, cells in SCALES:
            r = responses(whole if by == 1 else halve(whole), step, filters, scale)
            f = (pool(r[..., :PAIRS], cells) + pool(r[:, :, ::-1, PAIRS:], cells)) / 2
            parts.append(np.sqrt(f).reshape(len(f), -1))
        out.append(np.concatenate(parts, 1))
    return np.concatenate(out).astype(np.float32)


def embed(pictures, c):
    e = features(pictures, c) @ (c["projection"] * c["scale"]) - c["bias"]
    return e / np.sqrt((e * e).sum(1, keepdims=True))


# ---- fitting --------------------------------------------------------------------------------------------

def load(folder):
    """[n, 32, 32, 3] bytes and the class numbers of folder/CLASS/FILE."""
    pictures, labels = [], []
    for label, name in enumerate(sorted(os.listdir(folder))):
        for file in sorted(os.listdir(os.path.join(folder, name))):
            im = Image.open(os.path.join(folder, name, file)).convert("RGB")
            pictures.append(np.asarray(im.resize((SIDE, SIDE), Image.BICUBIC)))
            labels.append(label)
    return np.stack(pictures), np.array(labels)


def held_out(labels):
    return np.concatenate([np.flatnonzero(labels == c)[:HELD_OUT] for c in np.unique(labels)])


def fit_filters(pictures, rng):
    """Spherical k-means of whitened patches; a patch may be nearest to a centre's mirror image."""
    patches = []
    for p in pictures:
        w = sliding_window_view(p, (PATCH, PATCH), (0, 1)).transpose(0, 1, 3, 4, 2).reshape(-1, VALUES)
        patches.append(w[rng.integers(0, len(w), PATCHES_EACH)])
    x = np.concatenate(patches).astype(np.float32)
    x -= x.mean(1, keepdims=True)
    x /= np.sqrt(x.var(1, keepdims=True) + CONTRAST_FLOOR)
    covariance = x.T @ x / len(x)
    covariance = (covariance + mirror(mirror(covariance).T)) / 2
    value, vector = np.linalg.eigh(covariance.astype(np.float64))
    whiten = ((vector / np.sqrt(value.clip(0) + WHITENING_FLOOR)) @ vector.T).astype(np.float32)
    z = x @ whiten
    z /= np.linalg.norm(z, axis=1, keepdims=True).clip(1e-6)
    centres = z[rng.permutation(len(z))[:PAIRS]]
    for _ in range(ROUNDS):
        nearest = (z @ np.concatenate([centres, mirror(centres)]).T).argmax(1)
        turned = z.copy()
        turned[nearest >= PAIRS] = mirror(z[nearest >= PAIRS])
        nearest %= PAIRS
        for k in range(PAIRS):
            own = turned[nearest == k]
            centres[k] = own.sum(0) if len(own) >= 5 else z[rng.integers(len(z))]
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    filters = centres @ whiten
    filters -= filters.mean(1, keepdims=True)
    scale = np.abs(filters).max(1) / 127
    return {"filters": np.round(filters / scale[:, None]).astype(np.int8), "filter_scale": scale.astype(np.float32)}


def disturb(picture, rng):
    """Another view of a picture: a part of it, in other light and colours, smaller, compressed."""
    area, aspect = np.sqrt(rng.uniform(0.55, 1)), np.exp(rng.uniform(-0.2, 0.2))
    w, h = min(SIDE, SIDE * area * aspect), min(SIDE, SIDE * area / aspect)
    left, top = rng.uniform(0, SIDE - w), rng.uniform(0, SIDE - h)
    im = Image.fromarray(picture).resize((SIDE, SIDE), Image.BICUBIC, box=(left, top, left + w, top + h))
    if rng.random() < 0.4:      # was smaller once
        less = int(rng.integers(20, SIDE))
        im = im.resize((less, less), Image.BICUBIC).resize((SIDE, SIDE), Image.BICUBIC)
    x = np.asarray(im).astype(np.float32)
    mean = x.mean()
    x = (x - mean) * np.exp(rng.uniform(-0.4, 0.4)) + mean * np.exp(rng.uniform(-0.3, 0.3))
    x = x * np.exp(rng.uniform(-0.12, 0.12, 3))
    if rng.random() < 0.3:
        less = rng.uniform(0, 0.8)
        x = x * (1 - less) + (x @ [0.299, 0.587, 0.114])[..., None] * less
    x = x.clip(0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        file = io.BytesIO()
        Image.fromarray(x).save(file, "JPEG", quality=int(rng.integers(50, 95)))
        x = np.asarray(Image.open(file).convert("RGB"))
    return x


def fit_projection(F):
    """F [pictures, views, FEATURES]"""
    mean = F.mean((0, 1))
    F = F - mean
    centre = F.mean(1)
    rest = (F - centre[:, None]).reshape(-1, F.shape[-1])
    within = (rest.T @ rest / len(rest)).astype(np.float64)
    within[np.diag_indices_from(within)] += RIDGE * np.trace(within) / len(within)
    between = (centre.T @ centre / len(centre)).astype(np.float64)
    n = len(within)
    ratio, v = scipy.linalg.eigh(between, within, subset_by_index=[n - DIM, n - 1])
    P = v[:, ::-1] * ratio[::-1] ** SHARPNESS
    P *= np.sign(P[np.abs(P).argmax(0), np.arange(DIM)])    # an eigenvector's sign is arbitrary: fix it
    P /= np.sqrt(np.mean((centre @ P) ** 2))
    scale = (np.abs(P).max(0) / 127).astype(np.float32)
    projection = np.round(P / scale).astype(np.int8)
    return {"scale": scale, "projection": projection,
            "bias": (mean @ (projection * scale)).astype(np.float32)}


def fit(pictures):
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(pictures))
    c = fit_filters(pictures[order[:PATCH_PICTURES]], rng)
    print("filters fitted", flush=True)
    views = np.stack([disturb(pictures[k], rng) for k in order[:PICTURES] for _ in range(VIEWS)])
    F = features(views, c)
    return {**c, **fit_projection(F.reshape(-1, VIEWS, FEATURES))}


# ---- the file -------------------------------------------------------------------------------------------

def write_constants(c, path):
    body = c["filter_scale"].astype("<f4").tobytes() + c["scale"].astype("<f4").tobytes() + \
        c["bias"].astype("<f4").tobytes() + c["filters"].tobytes() + c["projection"].tobytes()
    rest = struct.pack("<8I", VERSION, SIDE, PATCH, PAIRS, FEATURES, DIM, 64 + len(body), 0) + body
    h = 0xcbf29ce484222325
    for byte in rest:
        h = (h ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    identity = b"tint-%d-%016x" % (VERSION, h)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(b"AKTINT\0\0" + identity.ljust(24, b"\0") + rest)
    print(path, 64 + len(body), "bytes,", identity.decode())


def read_constants(path):
    data, at, c = open(path, "rb").read(), 64, {}
    for name, kind, shape in (("filter_scale", "<f4", (PAIRS,)), ("scale", "<f4", (DIM,)), ("bias", "<f4", (DIM,)),
                              ("filters", "i1", (PAIRS, VALUES)), ("projection", "i1", (FEATURES, DIM))):
        c[name] = np.frombuffer(data, kind, int(np.prod(shape)), at).reshape(shape)
        at += c[name].nbytes
    return c


# ---- golden vectors -------------------------------------------------------------------------------------

GOLDEN_CASES = 8


def golden_input(seed):
    """Slopes, stripes and noise by whole numbers, so that C can make the same pictures."""
    planes, noise = np.zeros(3 * SIDE * SIDE, np.uint8), (seed * 2654435761 + 1) & 0xffffffff
    for i in range(len(planes)):
        c, y, x = i // (SIDE * SIDE), i % (SIDE * SIDE) // SIDE, i % SIDE
        noise = (noise * 1664525 + 1013904223) & 0xffffffff
        v = (x * (c + seed) + y * (3 - c)) % 200 + noise % 40
        planes[i] = v // 2 if (x * seed + y * 3) // 9 % 4 == c else v
    return planes.reshape(3, SIDE, SIDE).transpose(1, 2, 0)


def write_golden(c, path):
    E = embed(np.stack([golden_input(k) for k in range(GOLDEN_CASES)]), c)
    with open(path, "wb") as f:
        f.write(struct.pack("<I", GOLDEN_CASES) + E.astype("<f4").tobytes())


# ---- measuring ------------------------------------------------------------------------------------------

def retrieval(E, labels, queries_each=100):
    """The first of each class are asked for, the others answer."""
    asked = np.concatenate([np.flatnonzero(labels == c)[:queries_each] for c in np.unique(labels)])
    others = np.setdiff1d(np.arange(len(labels)), asked)
    order = np.argsort(-(E[asked] @ E[others].T), axis=1, kind="stable")
    hit = labels[others][order] == labels[asked][:, None]
    precision = np.cumsum(hit, 1) / np.arange(1, len(others) + 1)
    average = (precision * hit).sum(1) / hit.sum(1)
    return hit[:, 0].mean(), hit[:, :10].mean(), average.mean()


def evaluate(c, name, pictures, labels):
    print("%s: P@1 %.3f  P@10 %.3f  mAP %.3f" % (name, *retrieval(embed(pictures, c), labels)), flush=True)


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    p = argparse.ArgumentParser(description="fit the constants of the built-in image model")
    p.add_argument("--pictures", help="folder CLASS/FILE to fit on; without it nothing is fitted")
    p.add_argument("--evaluate", help="folder CLASS/FILE to measure retrieval on")
    p.add_argument("--output", default=os.path.join(here, "models", "tint", "tint.bin"))
    p.add_argument("--golden", default=os.path.join(here, "tests", "data", "tint_golden.bin"))
    a = p.parse_args()
    if a.pictures:
        pictures, labels = load(a.pictures)
        out = held_out(labels)
        write_constants(fit(np.delete(pictures, out, axis=0)), a.output)
        write_golden(read_constants(a.output), a.golden)
        evaluate(read_constants(a.output), "held out", pictures[out], labels[out])
    if a.evaluate:
        evaluate(read_constants(a.output), a.evaluate, *load(a.evaluate))
    return 0


if __name__ == "__main__":
    sys.exit(main())
