# SPDX-License-Identifier: MIT
"""Writes PNG pictures, so that tests need no library for it."""

import pathlib
import struct
import zlib


def write(path, width, height, pixel):
    """pixel(x, y) -> (r, g, b), each 0 to 255."""
    rows = b"".join(
        b"\0" + bytes(c for x in range(width) for c in pixel(x, y))
        for y in range(height))

    def chunk(kind, data):
        body = kind + data
        return (struct.pack(">I", len(data)) + body
                + struct.pack(">I", zlib.crc32(body)))

    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
