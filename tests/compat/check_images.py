#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares akin's images with Pillow's: every format decoded, every geometry
of CLIP's preprocessing, byte for byte; and its log-mel patches with a plain
numpy version of the published recipe.

usage: check_images.py IMAGE_TOOL

Needs Pillow 12 and numpy (requirements-images.txt; Pillow 13 resizes in another
order). Real photographs are taken from tuxpaint's stamps and
from AKIN_TEST_DATA (or ../shared/data beside the repository); what is not
there is skipped, saying so. The last line is "N passed, N failed, N skipped".
"""

import glob
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageOps, features

import reference_mel

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.environ.get("AKIN_TEST_DATA", os.path.join(ROOT, "..", "shared", "data"))
STAMPS = "/usr/share/tuxpaint/stamps"

counts = {"passed": 0, "failed": 0, "skipped": 0}


class Tool:
    """The helper program, one question a line."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().split(" ", 1)

    def image(self, line):
        word, rest = self.ask(line)
        if word != "ok":
            return rest.strip()
        width, height = map(int, rest.split())
        data = self.process.stdout.read(width * height * 3)
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)

    def mel(self, name, path):
        word, rest = self.ask(f"mel {name} {path}")
        assert word == "ok", rest
        bands, frames = map(int, rest.split())
        data = self.process.stdout.read(bands * frames * 4)
        return np.frombuffer(data, np.float32).reshape(frames, bands)


def result(name, problem):
    counts["failed" if problem else "passed"] += 1
    print(f"{'FAIL' if problem else 'ok  '} {name}{': ' if problem else ''}"
          f"{problem or ''}")


def skip(name, reason):
    counts["skipped"] += 1
    print(f"skip {name}: {reason}")


def difference(ours, theirs):
    """None if equal within nothing, else what differs."""
    if isinstance(ours, str):
        return ours
    theirs = np.asarray(theirs)
    if ours.shape != theirs.shape:
        return f"shape {ours.shape}, Pillow's is {theirs.shape}"
    d = np.abs(ours.astype(int) - theirs)
    return f"max {d.max()}, mean {d.mean():.4f}" if d.any() else None


def largest(ours, theirs):
    if isinstance(ours, str) or ours.shape != np.asarray(theirs).shape:
        return 255
    return int(np.abs(ours.astype(int) - np.asarray(theirs)).max())


def rgb(path):
    with Image.open(path) as im:
        return np.asarray(im.convert("RGB"))


def photograph(width, height, seed=1):
    """Smooth shapes, edges and noise: what codecs find hard."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    channels = []
    for c in range(3):
        v = 127 + 90 * np.sin(9 * x * (c + 1)) * np.cos(7 * y * (3 - c))
        v += 60 * (((x * 13 + y * 17 * (c + 1)) % 1) > 0.8)
        channels.append(v + rng.normal(0, 6, v.shape))
    return Image.fromarray(np.clip(np.stack(channels, -1), 0, 255)
                           .astype(np.uint8), "RGB")


def with_alpha(im):
    alpha = photograph(im.width, im.height, 9).convert("L")
    out = im.convert("RGBA")
    out.putalpha(alpha)
    return out


def grey16(im):
    v = np.asarray(im.convert("L")).astype(np.uint16)
    return Image.fromarray(v * 251 + 17)


def jpeg_files(save):
    for size in (64, 48), (37, 29), (1, 1), (2, 3), (129, 17), (500, 333):
        im = photograph(*size)
        for sampling in range(3):
            for extra in {}, {"progressive": True}, {"restart_marker_rows": 1}:
                save(im, "jpg", quality=80, subsampling=sampling, **extra)
        save(im.convert("L"), "jpg")
        save(im.convert("CMYK"), "jpg", quality=90)
    save(photograph(200, 150), "jpg", quality=5)
    save(photograph(200, 150), "jpg", quality=100, keep_rgb=True)


def png_files(save):
    im = photograph(61, 47)
    for mode in "RGB", "L", "1", "P", "LA", "RGBA":
        source = with_alpha(im) if "A" in mode else im
        save(source.convert(mode), "png")
    palette = im.quantize(200)
    for bits in 1, 2, 4:
        save(im.quantize(1 << bits), "png", bits=bits)
    save(palette, "png", transparency=3)
    save(palette, "png", transparency=bytes(range(200)))
    save(im, "png", transparency=(10, 20, 30))
    save(im.convert("L"), "png", transparency=7)


def other_files(save):
    im = photograph(75, 58)
    for mode in "RGB", "L", "1", "P":
        save(im.convert(mode), "bmp")
        save(im.convert(mode), "tiff")
    save(with_alpha(im), "bmp")
    for kind in "tiff_lzw", "tiff_adobe_deflate", "packbits":
        for mode in "RGB", "L", "P":
            save(im.convert(mode), "tiff", compression=kind)
    save(with_alpha(im), "tiff")
    save(im.convert("1"), "tiff", compression="group4")
    save(im.convert("P"), "gif")
    save(im.convert("L"), "gif")
    save(im.quantize(64), "gif", transparency=5)
    save(im.quantize(64), "gif", interlace=1, save_all=True,
         append_images=[photograph(75, 58, 3).quantize(16)])
    for mode in "RGB", "L", "1":
        save(im.convert(mode), "ppm")
    for size in (75, 58), (64, 48), (1, 1), (3, 2), (33, 1), (1, 40):
        one = photograph(*size)
        save(one, "webp", quality=70)
        save(one, "webp", lossless=True)
        save(with_alpha(one), "webp", quality=70)
        save(with_alpha(one), "webp", lossless=True)
    save(im, "webp", save_all=True, append_images=[photograph(75, 58, 4)])
    save(with_alpha(im), "webp", save_all=True, quality=60,
         append_images=[photograph(75, 58, 4)])
    if features.check("jpg_2000"):
        save(im, "jp2")
        save(im.convert("L"), "jp2")


# Not to the byte: name, how far at most, and why.
def near_files(save):
    im = photograph(75, 58)
    save(im.convert("CMYK"), "tiff", 1)
    if features.check("jpg_2000"):
        save(im, "jp2", 2, irreversible=True, quality_layers=[20])
    if features.check("avif"):
        even = photograph(76, 58)
        save(even, "avif", 1, quality=90, subsampling="4:4:4")
        save(even, "avif", 2, quality=90, subsampling="4:2:0")


def check_made(tool, folder):
    for makers in jpeg_files, png_files, other_files:
        made = []

        def save(im, ending, **options):
            path = os.path.join(folder, f"{makers.__name__}{len(made)}.{ending}")
            im.save(path, **options)
            made.append((path, im.mode, im.size, options))

        makers(save)
        for path, mode, size, options in made:
            problem = difference(tool.image(f"decode - {path}"), rgb(path))
            name = f"{os.path.splitext(path)[1][1:]} {mode} {size} {options}"
            result(name[:100], problem)
    made = []

    def save_near(im, ending, bound, **options):
        path = os.path.join(folder, f"near{len(made)}.{ending}")
        im.save(path, **options)
        made.append((path, im.mode, bound, options))

    near_files(save_near)
    for path, mode, bound, options in made:
        d = largest(tool.image(f"decode - {path}"), rgb(path))
        print(f"     {path}: max {d}")
        result(f"{os.path.basename(path)} {mode} {options} within {bound}",
               None if d <= bound else f"max {d}")


def check_grey16(tool, folder):
    """Pillow clips 16-bit grey; the high byte is what it takes of colours."""
    im = grey16(photograph(61, 47))
    wanted = (np.asarray(im).astype(int) >> 8).astype(np.uint8)
    for ending in "png", "tiff":
        path = os.path.join(folder, f"grey16.{ending}")
        im.save(path)
        result(f"16-bit grey {ending}",
               difference(tool.image(f"decode - {path}"),
                          np.stack([wanted] * 3, -1)))


def check_white(tool, folder):
    path = os.path.join(folder, "white.png")
    im = with_alpha(photograph(61, 47))
    im.save(path)
    white = Image.new("RGBA", im.size, "white")
    wanted = np.asarray(Image.alpha_composite(white, im).convert("RGB"))
    d = largest(tool.image(f"decode w {path}"), wanted)
    result("alpha on white within 1", None if d <= 1 else f"max {d}")


def check_upright(tool, folder):
    im = photograph(31, 22)
    for ending in "jpg", "png", "webp", "tiff":
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[274] = orientation
            path = os.path.join(folder, f"turned{orientation}.{ending}")
            im.save(path, exif=exif)
            with Image.open(path) as turned:
                wanted = np.asarray(ImageOps.exif_transpose(turned)
                                    .convert("RGB"))
            result(f"orientation {orientation} {ending}",
                   difference(tool.image(f"decode u {path}"), wanted))
            result(f"orientation {orientation} {ending}, not asked for",
                   difference(tool.image(f"decode - {path}"), rgb(path)))


def check_real(tool, name, paths, most):
    if not paths:
        skip(name, "not there")
        return
    random.Random(1).shuffle(paths)
    bad = [f"{p}: {d}" for p in paths[:most]
           if (d := difference(tool.image(f"decode - {p}"), rgb(p)))]
    result(f"{name}: {len(paths[:most])} files to the byte",
           f"{len(bad)} differ, such as {bad[:3]}" if bad else None)


def check_recoded(tool, folder, paths, most):
    """Real pictures as JPEG and WebP of usual settings."""
    bad = []
    n = 0
    for source in paths[:most]:
        im = Image.open(source).convert("RGB")
        for options in ({"quality": 75}, {"quality": 92, "subsampling": 1},
                        {"quality": 85, "progressive": True}):
            path = os.path.join(folder, "recoded.jpg")
            im.save(path, **options)
            d = difference(tool.image(f"decode - {path}"), rgb(path))
            n += 1
            if d:
                bad.append(f"{source} {options}: {d}")
        path = os.path.join(folder, "recoded.webp")
        im.save(path, quality=75)
        d = difference(tool.image(f"decode - {path}"), rgb(path))
        n += 1
        if d:
            bad.append(f"{source} webp: {d}")
    result(f"real pictures as JPEG and WebP: {n} files to the byte",
           f"{len(bad)} differ, such as {bad[:3]}" if bad else None)


def clip_input(im, size, filter):
    """torchvision's Resize and CenterCrop, with Pillow."""
    w, h = im.size
    short, long = min(w, h), max(w, h)
    scaled = int(size * long / short)
    new = (size, scaled) if w <= h else (scaled, size)
    im = im.resize(new, filter)
    left, top = (int(round((n - size) / 2.0)) for n in new)
    return np.asarray(im.crop((left, top, left + size, top + size)))


def side_then_cut(im, side, size, filter):
    """torchvision's Resize(side) or, of a pair, Resize(pair), CenterCrop."""
    if not isinstance(side, tuple):
        short = min(im.size)
        side = tuple(int(side * n / short) for n in im.size)
    im = im.resize(side, filter)
    left, top = (int(round((n - s) / 2.0)) for n, s in zip(im.size, size))
    return np.asarray(im.crop((left, top, left + size[0], top + size[1])))


def keep_ratio(im, size, filter, longest):
    """open_clip's ResizeKeepRatio, then its crop or pad."""
    ratios = im.width / size[0], im.height / size[1]
    ratio = max(ratios) if longest else min(ratios)
    new = tuple(max(1, round(n / ratio)) for n in im.size)
    im = im.resize(new, filter)
    if not longest:
        left, top = (int(round((n - s) / 2.0)) for n, s in zip(new, size))
        return np.asarray(im.crop((left, top, left + size[0], top + size[1])))
    out = Image.new("RGB", size)
    out.paste(im, ((size[0] - new[0]) // 2, (size[1] - new[1]) // 2))
    return np.asarray(out)


SIZES = [(896, 550), (574, 690), (1500, 1069), (829, 1096), (2560, 1920),
         (850, 638), (980, 416), (960, 540), (2500, 1667), (1050, 1200),
         (1280, 1280), (224, 224), (3, 1000), (300, 31000), (32, 32), (33, 31), (1, 1), (2, 700),
         (700, 2), (225, 224), (100, 7), (5, 5), (224, 230)]


def check_resize(tool, folder):
    for size in SIZES:
        im = photograph(*size)
        path = os.path.join(folder, "resize.png")
        im.save(path, compress_level=1)
        for name, filter in (("bicubic", Image.Resampling.BICUBIC),
                             ("bilinear", Image.Resampling.BILINEAR),
                             ("nearest", Image.Resampling.NEAREST)):
            pairs = [
                ("shortest", tool.image(f"spec 224 224 shortest {name} {path}"),
                 clip_input(im, 224, filter)),
                ("squash", tool.image(f"spec 256 256 squash {name} {path}"),
                 im.resize((256, 256), filter)),
                ("squash", tool.image(f"spec 384 129 squash {name} {path}"),
                 im.resize((384, 129), filter)),
                ("longest", tool.image(f"spec 224 224 longest {name} {path}"),
                 keep_ratio(im, (224, 224), filter, True)),
                ("side", tool.image(f"spec 224 200 shortest:256 {name} {path}"),
                 side_then_cut(im, 256, (224, 200), filter)),
                ("side squash",
                 tool.image(f"spec 224 224 squash:256 {name} {path}"),
                 side_then_cut(im, (256, 256), (224, 224), filter)),
                ("oblong", tool.image(f"spec 200 120 shortest {name} {path}"),
                 keep_ratio(im, (200, 120), filter, False)),
            ]
            for mode, ours, theirs in pairs:
                result(f"resize {size} {mode} {name}", difference(ours, theirs))


def check_mel(tool, folder):
    rng = np.random.default_rng(3)
    t = np.arange(15600) / 16000
    sounds = {
        "noise": rng.normal(0, 0.1, t.size),
        "tone": np.sin(2 * np.pi * 1000 * t),
        "chirp": 0.5 * np.sin(2 * np.pi * (50 * t + 3900 * t * t)),
        "faint": 1e-4 * np.sin(2 * np.pi * 440 * t),
        "silence": np.zeros(t.size),
        "click": (np.arange(t.size) == 8000).astype(float),
    }
    for name, samples in sounds.items():
        samples = samples.astype(np.float32)
        path = os.path.join(folder, "mel.f32")
        samples.tofile(path)
        for kind, offset in ("vggish", 0.01), ("yamnet", 0.001):
            ours = tool.mel(kind, path)
            theirs = reference_mel.log_mel(samples, offset)[:96]
            d = np.abs(ours - theirs).max()
            print(f"     log-mel {kind} {name}: max {d:.2e}")
            result(f"log-mel {kind} {name} within 1e-4",
                   None if d <= 1e-4 else f"max {d}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check_images.py IMAGE_TOOL")
    tool = Tool(sys.argv[1])
    stamps = sorted(glob.glob(f"{STAMPS}/**/*.png", recursive=True))
    cifar = sorted(glob.glob(f"{DATA}/cifar10/**/*.jpg", recursive=True))
    with tempfile.TemporaryDirectory() as folder:
        check_made(tool, folder)
        check_grey16(tool, folder)
        check_white(tool, folder)
        check_upright(tool, folder)
        check_resize(tool, folder)
        check_mel(tool, folder)
        check_real(tool, "tuxpaint stamps", stamps, 800)
        check_real(tool, "cifar10 photographs", cifar, 2000)
        if stamps:
            check_recoded(tool, folder, stamps, 60)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
