#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/data/image: small images and films of every kind, and what Pillow
reads from them and resizes them to, in expected.txt:

  decode FILE WIDTH HEIGHT HASH
  resize FILE MODE FILTER WIDTH HEIGHT HASH     (MODE: shortest squash longest,
                                                and :SIDE)

HASH is FNV-1a, 64 bits, of the RGB bytes. usage: make_images.py, with Pillow 12,
numpy and the program ffmpeg.
"""

import os
import struct
import subprocess
import zlib

import numpy as np
from PIL import Image

import check_images
from check_images import photograph, with_alpha

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "data", "image")
lines = []


def fnv(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def expect(name, pixels=None):
    path = os.path.join(OUT, name)
    if pixels is None:
        pixels = check_images.rgb(path)
    height, width = pixels.shape[:2]
    lines.append(f"decode {name} {width} {height} {fnv(pixels.tobytes())}")
    assert os.path.getsize(path) < 10000, name


def save(im, name, **options):
    im.save(os.path.join(OUT, name), **options)
    expect(name)


def chunk(name, data):
    return (struct.pack(">I", len(data)) + name + data +
            struct.pack(">I", zlib.crc32(name + data)))


def write_png(name, pixels, depth, color, interlaced=False):
    """What Pillow cannot write: 16 bits a colour, Adam7. pixels[h, w, c]."""
    height, width = pixels.shape[:2]
    dtype = ">u2" if depth == 16 else np.uint8
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
                  (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b""
    for x, y, dx, dy in passes:
        for row in pixels[y::dy, x::dx]:
            if row.size:
                raw += b"\0" + row.astype(dtype).tobytes()
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0,
                       int(interlaced))
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) +
                chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def make_jpeg():
    im = photograph(37, 29)
    save(im, "420.jpg", quality=80)
    save(im, "422.jpg", quality=80, subsampling=1)
    save(im, "444.jpg", quality=80, subsampling=0)
    save(im, "progressive.jpg", quality=80, progressive=True)
    save(im.convert("L"), "grey.jpg", quality=80)
    save(im.convert("CMYK"), "cmyk.jpg", quality=80)
    for orientation in 3, 6:
        exif = Image.Exif()
        exif[274] = orientation
        save(im, f"turned{orientation}.jpg", exif=exif)
    im.save(os.path.join(OUT, "jpeg_named.png"), "jpeg", quality=75)
    expect("jpeg_named.png")
    save(photograph(120, 90), "resize.jpg", quality=60)


def make_png():
    im = photograph(31, 23)
    for mode in "RGB", "RGBA", "LA", "L", "1":
        save((with_alpha(im) if "A" in mode else im).convert(mode),
             f"{mode.lower()}.png")
    save(im.quantize(16), "palette4.png", bits=4)
    save(im.quantize(200), "palette.png", transparency=3)
    exif = Image.Exif()
    exif[274] = 6
    save(im, "turned6.png", exif=exif)
    high = np.asarray(im).astype(int) * 257 - 17 * (np.asarray(im) > 3)
    write_png("rgb16.png", high, 16, 2)
    expect("rgb16.png")
    write_png("grey16.png", high[..., :1], 16, 0)
    expect("grey16.png", np.repeat(high[..., :1] >> 8, 3, 2).astype(np.uint8))
    write_png("interlaced.png", np.asarray(im), 8, 2, True)
    expect("interlaced.png")


def make_others():
    im = photograph(31, 23)
    save(im, "rgb.bmp")
    save(im.quantize(40), "palette.bmp")
    save(im.quantize(30), "one.gif", transparency=4)
    save(im.quantize(30), "moving.gif", save_all=True, disposal=2,
         append_images=[photograph(31, 23, 3).quantize(9)])
    save(im, "lzw.tiff", compression="tiff_lzw")
    save(im.convert("L"), "grey.tiff")
    save(im, "turned6.tiff", tiffinfo={274: 6})
    save(im, "lossy.webp", quality=70)
    save(im, "lossless.webp", lossless=True)
    save(with_alpha(im), "alpha.webp", quality=60)
    save(with_alpha(im), "moving.webp", quality=60, save_all=True,
         append_images=[photograph(31, 23, 4)])
    save(im, "rgb.ppm")
    save(im, "lossless.jp2")
    im.save(os.path.join(OUT, "jpeg_inside.tiff"), compression="jpeg")


def resized(im, mode, filter, width, height):
    mode, _, side = mode.partition(":")
    if side:
        side = int(side)
        return check_images.side_then_cut(
            im, (side, side) if mode == "squash" else side, (width, height),
            filter)
    if mode == "squash":
        return np.asarray(im.resize((width, height), filter))
    if mode == "shortest" and width == height:
        return check_images.clip_input(im, width, filter)
    return check_images.keep_ratio(im, (width, height), filter,
                                   mode == "longest")


def make_resized():
    filters = {"bicubic": Image.Resampling.BICUBIC,
               "bilinear": Image.Resampling.BILINEAR,
               "nearest": Image.Resampling.NEAREST}
    sizes = [("shortest", 32, 32), ("squash", 32, 32), ("longest", 32, 32),
             ("squash", 301, 47), ("shortest", 224, 224), ("squash", 40, 200),
             ("shortest", 50, 20), ("shortest:73", 64, 64),
             ("shortest:40", 31, 20), ("squash:80", 64, 71)]
    for source in "resize.jpg", "turned6.tiff", "rgb.png":
        im = Image.open(os.path.join(OUT, source)).convert("RGB")
        for name, filter in filters.items():
            for mode, width, height in sizes:
                out = resized(im, mode, filter, width, height)
                assert out.shape == (height, width, 3)
                lines.append(f"resize {source} {mode} {name} {width} {height} "
                             f"{fnv(out.tobytes())}")


def film_frames(n=60):
    """Frame i is grey of level 4 i, with a mark that tells up from down."""
    for i in range(n):
        frame = np.full((48, 64, 3), 4 * i, np.uint8)
        frame[:8, :8] = 255
        yield frame.tobytes()


def make_film(name, *options):
    path = os.path.join(OUT, name)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt",
                    "rgb24", "-s", "64x48", "-r", "5", "-i", "-", "-bitexact",
                    "-pix_fmt", "yuv420p", *options, path],
                   input=b"".join(film_frames()), check=True)
    assert os.path.getsize(path) < 10000, (name, os.path.getsize(path))


def turn_film(name):
    """Writes a quarter turn to the right into the film's display matrix."""
    path = os.path.join(OUT, name)
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    assert struct.unpack_from(">9i", data, at)[:5] == (one, 0, 0, 0, one)
    struct.pack_into(">9i", data, at, 0, one, 0, -one, 0, 0, 48 * one, 0, 1 << 30)
    with open(path, "wb") as f:
        f.write(data)


def make_films():
    h264 = ["-c:v", "libx264", "-g", "10", "-bf", "2", "-crf", "30"]
    make_film("film.mp4", *h264, "-movflags", "+faststart")
    make_film("turned.mp4", *h264, "-t", "2")
    turn_film("turned.mp4")
    make_film("film.mkv", *h264)
    make_film("film.webm", "-c:v", "libvpx-vp9", "-g", "10", "-crf", "40")
    make_film("film.avi", "-c:v", "mpeg4", "-g", "10", "-q:v", "8", "-t", "9")
    make_film("film.ts", "-c:v", "mpeg2video", "-g", "10", "-q:v", "20",
              "-strict", "-2", "-t", "2")


def main():
    os.makedirs(OUT, exist_ok=True)
    make_jpeg()
    make_png()
    make_others()
    make_resized()
    make_films()
    with open(os.path.join(OUT, "expected.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")
    print(f"{len(lines)} lines in expected.txt")


if __name__ == "__main__":
    main()
