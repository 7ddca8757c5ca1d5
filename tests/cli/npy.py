# SPDX-License-Identifier: MIT
"""Writes and reads .npy files of float32, without numpy."""

import ast
import struct


def write(path, rows):
    """A list of rows as [n, dim]; a list of numbers as [dim]."""
    is_row = not rows or not isinstance(rows[0], (list, tuple))
    shape = f"({len(rows)},)" if is_row else f"({len(rows)}, {len(rows[0])})"
    values = rows if is_row else [value for row in rows for value in row]
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)))
        out.write(head.encode() + struct.pack(f"<{len(values)}f", *values))


def read(path):
    """The rows of a file [n, dim] of little-endian float32."""
    with open(path, "rb") as file:
        data = file.read()
    begin = 10 + struct.unpack_from("<H", data, 8)[0]
    head = ast.literal_eval(data[10:begin].decode())
    assert head["descr"] == "<f4" and not head["fortran_order"], head
    n, dim = head["shape"]
    values = struct.unpack_from(f"<{n * dim}f", data, begin)
    return [list(values[i * dim:(i + 1) * dim]) for i in range(n)]
