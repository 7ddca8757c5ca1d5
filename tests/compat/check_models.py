#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what akin's learned models give for real files with the same graphs
in ONNX Runtime, driven by libsndfile, soxr and Pillow.

    check_models.py AKIN

Models with random weights are made for it (random_models.py). Sounds and
pictures are made, too; more of both are taken from AKIN_TEST_DATA (or
../shared/data beside the repository) and from tuxpaint's stamps, saying so
where they are not there. akin runs this environment's ONNX Runtime unless
AKIN_ONNXRUNTIME names another. Exits with 77 when the packages can't be had.
The last line is "N passed, N failed, N skipped"."""

import csv
import dataclasses
import functools
import glob
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
    import onnxruntime
    import soundfile
    import soxr
    from PIL import Image
    import check_images
    import random_models
    import reference_mel
except ImportError as error:
    print(f"SKIPPED: a package is missing ({error})", file=sys.stderr)
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("AKIN_TEST_DATA", ROOT / "../shared/data"))
SILENCE_RMS = 1e-4  # below it, a window is whatever the decoder's last bit is
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
TALLY = {"passed": 0, "failed": 0, "skipped": 0}


def check(what, good, detail=""):
    TALLY["passed" if good else "failed"] += 1
    print(("ok    " if good else "FAIL  ") + what +
          ("" if good else f": {str(detail)[:400]}"), flush=True)
    return good


def skip(what, why):
    TALLY["skipped"] += 1
    print(f"skip  {what}: {why}")


# ---- files ------------------------------------------------------------------


def scene(seconds, rate, channels, seed):
    """[samples, channels]: every half second another chord, sweep and noise;
    the channels have little in common."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    out = np.zeros((n, channels))
    for c in range(channels):
        for start in range(0, n, rate // 2):
            t = np.arange(min(rate // 2, n - start)) / rate
            piece = rng.normal(0, 10 ** rng.uniform(-4, -1.3), t.size)
            for _ in range(rng.integers(1, 4)):
                hz, sweep = rng.uniform(100, 0.4 * rate), rng.uniform(-1, 1)
                turns = hz * t + sweep * 0.1 * rate * t * t
                piece += rng.uniform(0.02, 0.15) * np.sin(2 * np.pi * turns)
            out[start:start + t.size, c] = piece
    return out.clip(-1, 1)


# Name, rate, seconds, channels and how it is stored.
SCENES = [
    ("a.wav", 48000, 9.0, 1, {"subtype": "PCM_16"}),
    ("b.wav", 44100, 7.3, 2, {"subtype": "PCM_16"}),
    ("c.wav", 22050, 5.0, 1, {"subtype": "PCM_24"}),
    ("d.wav", 32000, 12.34567, 2, {"subtype": "FLOAT"}),
    ("e.wav", 16000, 4.7, 1, {"subtype": "PCM_16"}),
    ("f.wav", 96000, 3.5, 1, {"subtype": "PCM_24"}),
    ("g.flac", 48000, 6.1, 2, {"subtype": "PCM_16"}),
    ("h.flac", 44100, 20.0, 1, {"subtype": "PCM_24"}),
    ("i.flac", 22050, 0.7, 2, {"subtype": "PCM_16"}),
    ("j.flac", 48000, 3.0, 1, {"subtype": "PCM_16"}),
    ("k.flac", 32000, 5.0005, 1, {"subtype": "PCM_16"}),
    ("l.ogg", 44100, 8.2, 2, {"subtype": "VORBIS"}),
    ("m.mp3", 44100, 6.5, 1, {"subtype": "MPEG_LAYER_III"}),
]


def make_sounds(folder):
    """Synthesised ones, and of ESC-10 four of each class."""
    folder.mkdir()
    for seed, (name, rate, seconds, channels, stored) in enumerate(SCENES):
        samples = scene(seconds, rate, channels, seed)
        if name == "h.flac":
            samples[7 * rate:13 * rate] = 0
        soundfile.write(folder / name, samples, rate, **stored)
    classes = sorted(DATA.glob("esc10/*/"))
    if not classes:
        skip("real sounds", f"there is no {DATA / 'esc10'}")
    for where in classes:
        files = sorted(where.glob("*.ogg"))
        for path in random.Random(1).sample(files, min(4, len(files))):
            shutil.copy(path, folder / f"{where.name[:3]}-{path.name}")


PICTURES = [(640, 480, "jpg", {"quality": 85}),
            (1023, 767, "jpg", {"quality": 92, "subsampling": 1}),
            (333, 500, "jpg", {"quality": 70, "progressive": True}),
            (225, 224, "png", {}), (801, 299, "png", {}),
            (37, 53, "png", {}), (300, 1201, "png", {}),
            (517, 389, "webp", {"quality": 80}),
            (1601, 1203, "webp", {"lossless": True, "method": 0})]


def make_pictures(folder):
    """Synthesised ones, thumbnails of CIFAR-10 and drawings and photographs
    of tuxpaint."""
    folder.mkdir()
    for i, (width, height, ending, stored) in enumerate(PICTURES):
        im = check_images.photograph(width, height, i)
        im.save(folder / f"made{i}.{ending}", **stored)
    im = check_images.photograph(401, 287, 20)
    im.convert("L").save(folder / "grey.jpg")
    check_images.with_alpha(im).save(folder / "alpha.png")
    for name, found in (
            ("cifar10", sorted(DATA.glob("cifar10/test/**/*.jpg"))),
            ("stamps", sorted(map(pathlib.Path, glob.glob(
                f"{check_images.STAMPS}/**/*.png", recursive=True))))):
        if not found:
            skip(f"pictures of {name}", "not there")
        chosen = random.Random(2).sample(found, min(60, len(found)))
        for i, path in enumerate(chosen):
            shutil.copy(path, folder / f"{name}{i}{path.suffix}")


# ---- the reference: files to items ------------------------------------------


@dataclasses.dataclass
class Item:
    """A window or a picture as it enters the model."""
    key: tuple  # (file's name, start, end)
    values: np.ndarray
    resampled: bool = False
    silent: bool = False


@functools.lru_cache(maxsize=None)
def read_sound(path, rate, mono):
    """(samples at rate, seconds of the file, whether resampled)"""
    samples, own = soundfile.read(path, dtype="float32", always_2d=True)
    seconds = len(samples) / own
    samples = samples[:, 0] if mono == "first" else samples.mean(axis=1)
    if own != rate:
        samples = soxr.resample(samples, own, rate, quality="HQ")
    return samples, seconds, own != rate


def normalize(window, how, peak):
    if how != "peak":
        return window
    window = window - window.mean()
    largest = np.abs(window).max()
    return window * (peak / largest) if largest > 0 else window


def sound_items(folder, sound, overlap):
    """Windows as BirdNET-Analyzer cuts them: every (window - overlap) seconds
    while there is sound, the last one padded with zeros."""
    rate, length = sound["sample_rate"], sound["window_seconds"]
    n, hop, items = round(length * rate), length - overlap, []
    for path in sorted(folder.iterdir()):
        samples, seconds, resampled = read_sound(path, rate,
                                                 sound.get("mono", "average"))
        for k in range(math.ceil(seconds / hop - 1e-9)):
            start = k * hop
            window = np.zeros(n, np.float32)
            cut = samples[round(start * rate):][:n]
            window[:len(cut)] = cut
            silent = np.sqrt(np.mean(window ** 2)) < SILENCE_RMS
            window = normalize(window, sound.get("normalize"),
                               sound.get("peak", 0))
            if sound["input"].get("kind") == "log-mel":
                offset = sound["input"]["mel"]["log_offset"]
                window = reference_mel.log_mel(window, offset)[:96]
            items.append(Item((path.name, start, min(start + length, seconds)),
                              window.astype(np.float32), resampled, silent))
    return items


def image_items(folder, card):
    """Pillow's resizing, then (x / 255 - mean) / std."""
    height, width = card["size"] if isinstance(card["size"], list) \
        else (card["size"], card["size"])
    filter_ = Image.Resampling[card["interpolation"].upper()]
    items = []
    for path in sorted(folder.iterdir()):
        with Image.open(path) as im:
            im = im.convert("RGB")
        if card["resize"] == "squash":
            pixels = np.asarray(im.resize((width, height), filter_))
        else:
            pixels = check_images.clip_input(im, width, filter_)
        mean, std = np.array(card["mean"]), np.array(card["std"])
        values = ((pixels / 255.0 - mean) / std).astype(np.float32)
        if card["layout"] == "NCHW":
            values = values.transpose(2, 0, 1)
        items.append(Item((path.name, 0.0, 0.0), values))
    return items


# ---- akin -------------------------------------------------------------------


def akin(*args):
    run = subprocess.run([AKIN, *map(str, args)], capture_output=True,
                         text=True)
    if run.returncode != 0:
        check(f"akin {' '.join(map(str, args))}", False,
              f"exit {run.returncode}: {run.stderr.strip()}{run.stdout}")
    return run


def exported(db):
    """{(file's name, start, end): vector}"""
    path = db.with_suffix(".csv")
    akin("export", db, path)
    if not path.exists():
        return {}
    csv.field_size_limit(1 << 24)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return {(pathlib.PurePath(name).name, float(start), float(end)):
            np.array(values.split(","), np.float64)
            for name, start, end, values in rows}


def extracted(model, files, db, *options):
    akin("extract", "--model", model, "-q", *options, files, db)
    return exported(db)


# ---- comparing --------------------------------------------------------------


def rounded(key):
    return key[0], round(key[1], 5), round(key[2], 5)


def check_windows(name, items, seen):
    """The seen vectors in the order of items, or None."""
    seen = {rounded(key): vector for key, vector in seen.items()}
    wanted = [rounded(item.key) for item in items]
    same = check(f"{name}: the same {len(wanted)} windows",
                 sorted(seen) == sorted(wanted),
                 f"too many {sorted(set(seen) - set(wanted))[:4]}, "
                 f"missing {sorted(set(wanted) - set(seen))[:4]}")
    return np.stack([seen[key] for key in wanted]) if same else None


def check_cosines(name, items, cosines, least):
    if not items:
        return
    at = int(np.argmin(cosines))
    print(f"      {name}: {len(items)}, cosine at least {cosines[at]:.9f}, "
          f"median {np.median(cosines):.9f}")
    check(f"{name}: cosine >= {least}", cosines[at] >= least,
          f"{cosines[at]} of {items[at].key}, below in "
          f"{int((cosines < least).sum())}")


def check_vectors(name, items, wanted, seen, classes):
    """classes: (name, which items, least cosine)"""
    norms = np.linalg.norm(wanted, axis=1)
    between = (wanted @ wanted.T) / np.outer(norms, norms)
    apart = np.median(np.abs(between[np.triu_indices(len(items), 1)]))
    check(f"{name}: the model tells the inputs apart", apart < 0.5,
          f"two have a median cosine of {apart}")
    cosines = (wanted * seen).sum(1) / norms / np.linalg.norm(seen, axis=1)
    for what, chosen, least in classes:
        which = [i for i, item in enumerate(items) if chosen(item)]
        check_cosines(f"{name}, {what}", [items[i] for i in which],
                      cosines[which], least)


SOUND_CLASSES = [
    ("as recorded", lambda i: not i.resampled and not i.silent, 0.99999),
    ("resampled", lambda i: i.resampled and not i.silent, 0.999)]
IMAGE_CLASSES = [("pictures", lambda i: True, 0.9999)]


def check_ways(name, model, files, db, seen, options):
    """Other batches and threads: the same windows and vectors."""
    for batch, threads in ((1, 1), (8, 1), (8, 2), (3, 2)):
        other = extracted(model, files, db.with_name(f"{db.name}-{batch}"
                                                     f"-{threads}"),
                          "--batch-size", batch, "--threads", threads, *options)
        far = max((np.abs(other[key] - seen[key]).max()
                   for key in seen if key in other), default=math.inf)
        check(f"{name}: the same with batches of {batch}, threads {threads}",
              other.keys() == seen.keys() and far <= 1e-3,
              f"{len(other.keys() ^ seen.keys())} windows differ, values by "
              f"{far:.2g}")


# ---- the models --------------------------------------------------------------


def card(name, modality, dim, part):
    return {"schema": 1, "name": name, "modality": modality, "dim": dim,
            modality: {"model": "model.onnx", **part}}


def wave_48k(sounds):
    """3 s at 48 kHz, any batch, as BirdNET."""
    sound = {"sample_rate": 48000, "window_seconds": 3,
             "input": {"name": "input"}, "embedding": {"name": "embedding"}}
    items = [i.values for i in sound_items(sounds, sound, 0)]
    return (card("wave-48k", "sound", 128, sound),
            random_models.wave(items, ["batch", 144000]))


def wave_tail(sounds):
    """The same, the embedding being what enters the last layer."""
    made, _ = wave_48k(sounds)
    sound = {**made["sound"], "embedding": {"rule": "before-last-gemm"}}
    items = [i.values for i in sound_items(sounds, sound, 0)]
    return (card("wave-tail", "sound", 96, sound),
            random_models.wave(items, ["batch", 144000], 96, classes=10))


def wave_32k(sounds, half=False):
    """5 s at 32 kHz, the first channel, each window to a peak of 0.25, in
    batches of four."""
    sound = {"sample_rate": 32000, "window_seconds": 5, "mono": "first",
             "normalize": "peak", "peak": 0.25, "batch": 4,
             "input": {"shape": [4, 1, 160000]}, "embedding": {}}
    items = [i.values for i in sound_items(sounds, sound, 0) if not i.silent]
    return (card("wave-32k-half" if half else "wave-32k", "sound", 128, sound),
            random_models.wave(items, [4, 1, 160000], half=half))


def mel_patches(sounds):
    """VGGish's input."""
    mel = {"fft": 512, "window": 400, "hop": 160, "bands": 64, "frames": 96,
           "fmin": 125, "fmax": 7500, "log_offset": 0.01}
    sound = {"sample_rate": 16000, "window_seconds": 0.975,
             "input": {"kind": "log-mel", "mel": mel}, "embedding": {}}
    items = [i.values for i in sound_items(sounds, sound, 0)]
    return (card("mel-patches", "sound", 128, sound),
            random_models.log_mel(items, ["batch", 96, 64]))


def clip_like(pictures):
    image = {"size": 224, "resize": "shortest", "interpolation": "bicubic",
             "mean": MEAN, "std": STD, "layout": "NCHW",
             "input": {"name": "input"}, "embedding": {"name": "embedding"}}
    items = [i.values for i in image_items(pictures, image)]
    return (card("clip-like", "image", 512, image),
            random_models.image(items, ["batch", 3, 224, 224], 512, "NCHW"))


def squash_like(pictures):
    image = {"size": [96, 160], "resize": "squash",
             "interpolation": "bilinear", "mean": [0.5] * 3, "std": [0.5] * 3,
             "layout": "NHWC", "input": {}, "embedding": {}}
    items = [i.values for i in image_items(pictures, image)]
    return (card("squash-like", "image", 64, image),
            random_models.image(items, ["batch", 96, 160, 3], 64, "NHWC"))


# How it is made, by how much windows overlap, whether other batches are tried.
SOUND_MODELS = [(wave_48k, 0, True), (wave_48k, 1, False),
                (wave_tail, 0, False), (wave_32k, 0, True),
                (functools.partial(wave_32k, half=True), 2.5, False),
                (mel_patches, 0, True), (mel_patches, 0.5, False)]
IMAGE_MODELS = [clip_like, squash_like]


def check_model(work, files, made, items, overlap=0, ways=True):
    """made: card and graph; items: what the reference feeds it."""
    wanted_card, graph = made
    name = wanted_card["name"] + (f", overlap {overlap}" if overlap else "")
    folder = work / "models" / f"{wanted_card['name']}-{overlap}"
    random_models.save(graph, folder, wanted_card)
    akin("model", "check", folder)
    options = ["--overlap", overlap] if overlap else []
    db = work / f"{folder.name}.db"
    seen = extracted(folder, files, db, *options)
    vectors = check_windows(name, items, seen)
    if vectors is None:
        return
    reference = random_models.session(random_models.with_inner(graph)
                                      if "tail" in name else graph)
    wanted = random_models.run(reference, [i.values for i in items])
    check_vectors(name, items, wanted, vectors, SOUND_CLASSES
                  if wanted_card["modality"] == "sound" else IMAGE_CLASSES)
    if ways:
        check_ways(name, folder, files, db, seen, options)


def use_own_runtime():
    where = pathlib.Path(onnxruntime.__file__).parent / "capi"
    found = sorted(where.glob("libonnxruntime.so*"))
    if not os.environ.get("AKIN_ONNXRUNTIME") and found:
        os.environ["AKIN_ONNXRUNTIME"] = str(found[0])


def main():
    use_own_runtime()
    warnings.simplefilter("ignore")  # Pillow's, of transparent palettes
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        sounds, pictures = work / "sounds", work / "pictures"
        make_sounds(sounds)
        make_pictures(pictures)
        for make, overlap, ways in SOUND_MODELS:
            made = make(sounds)
            check_model(work, sounds, made,
                        sound_items(sounds, made[0]["sound"], overlap),
                        overlap, ways)
        for make in IMAGE_MODELS:
            made = make(pictures)
            check_model(work, pictures, made,
                        image_items(pictures, made[0]["image"]))
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**TALLY))
    return 1 if TALLY["failed"] else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check_models.py AKIN")
    AKIN = os.path.abspath(sys.argv[1])
    sys.exit(main())
