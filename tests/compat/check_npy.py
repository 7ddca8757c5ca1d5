#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves with the real NumPy that akin reads and writes its files.

usage: check_npy.py NPY_TOOL                          (needs the package numpy)

akin reads what numpy.save, savez and savez_compressed write, of every type,
byte order, order of axes and shape, as the same float32 numbers bit for bit,
and says of the rest what it is; numpy loads what akin writes, which is byte
for byte what numpy.save writes. Prints a line a check, the last is "N passed,
N failed"; exits 1 on a failure.
"""
import io
import itertools
import os
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile

import numpy as np

TYPES = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "|i1", "|u1"]
SHAPES = [(1,), (128,), (1, 128), (300, 1), (0, 7), (7, 96), (1000, 33)]
results = []


def check(name, good, detail=""):
    results.append(bool(good))
    if not good:
        print("FAIL %s %s" % (name, detail), flush=True)
    return good


def ok(name, first):
    """One line for the checks from the first on, if all were good."""
    if all(results[first:]):
        print("ok   %s (%d)" % (name, len(results) - first), flush=True)


class Tool:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *args):
        return subprocess.run([self.program, *map(str, args)],
                              capture_output=True, text=True)

    def read(self, path):
        """(array, "") or (None, what was said)."""
        out = self.path("out.f32")
        done = self.run("read", path, out)
        if done.returncode:
            return None, done.stderr.strip()
        shape = tuple(map(int, done.stdout.split()))
        return np.fromfile(out, "<f4").reshape(shape), ""

    def check_reads(self, name, path, array):
        with np.errstate(over="ignore"):
            wanted = np.atleast_2d(array).astype("<f4")
        seen, why = self.read(path)
        check(name, seen is not None and seen.shape == wanted.shape and
              seen.tobytes() == wanted.tobytes(),
              why or "%s, not %s" % (seen, wanted))

    def check_refuses(self, name, path, words):
        seen, why = self.read(path)
        check(name, seen is None and words in why and "\n" not in why, why)


def arrays(random):
    """Every type and shape, in both orders, with the ends of the type."""
    for kind, shape, order in itertools.product(TYPES, SHAPES, "CF"):
        dtype = np.dtype(kind)
        if dtype.kind == "f":
            a = random.normal(size=shape) * 10.0 ** random.integers(-9, 5)
            a = a.astype(dtype)
            ends = [np.inf, -np.inf, -0.0, np.finfo(dtype).max,
                    np.finfo(dtype).tiny, np.finfo(dtype).smallest_subnormal]
        else:
            a = random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max,
                                size=shape, endpoint=True).astype(dtype)
            ends = [np.iinfo(dtype).min, np.iinfo(dtype).max]
        a.flat[:len(ends)] = ends[:a.size]
        yield "%s %s %s" % (kind, shape, order), np.asarray(a, order=order)


def check_types(tool, random):
    first = len(results)
    path = tool.path("a.npy")
    for name, a in arrays(random):
        np.save(path, a)
        tool.check_reads("save " + name, path, a)
    ok("numpy.save", first)


def check_versions(tool, random):
    first = len(results)
    path = tool.path("a.npy")
    a = random.normal(size=(5, 6)).astype("<f4")
    for version in (1, 0), (2, 0), (3, 0):
        with open(path, "wb") as out:
            np.lib.format.write_array(out, a, version=version)
            out.write(b"something behind the array")
        tool.check_reads("version %d" % version[0], path, a)
    for text in ('{"descr":"<f4","fortran_order":False,"shape":(5,6)}',
                 "{'shape': (5L, 6L), 'fortran_order': False, 'descr': '<f4'}",
                 "{ 'descr' : '<f4' , 'fortran_order' : False , "
                 "'shape' : ( 5 , 6 , ) , }"):
        with open(path, "wb") as out:
            out.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(text) + 1) +
                      text.encode() + b"\n" + a.tobytes())
        check("numpy loads " + text, np.array_equal(np.load(path), a))
        tool.check_reads(text, path, a)
    ok("versions and spellings", first)


def check_zips(tool, random):
    first = len(results)
    path = tool.path("a.npz")
    other = np.arange(9.0).reshape(3, 3)
    for save in np.savez, np.savez_compressed:
        for name, a in arrays(random):
            save(path, vectors=a)
            tool.check_reads("%s %s" % (save.__name__, name), path, a)
        a = random.normal(size=(20, 8)).astype("<f4")
        for name in "vectors", "embeddings", "arr_0":
            save(path, other=other, **{name: a})
            tool.check_reads("%s %s" % (save.__name__, name), path, a)
        save(path, other, embeddings=a)
        tool.check_reads("embeddings before arr_0", path, a)
        save(path, ids=np.arange(20), words=np.array([["a", "b"]]), m=a)
        tool.check_reads("the only matrix", path, a)
        save(path, one=a, two=a)
        tool.check_refuses("two matrices", path, "it holds one, two")
        with open(path, "ab") as out:  # Python finds the directory, too
            out.write(b"behind the zip")
        tool.check_refuses("two matrices and more", path, "one, two")
    big = random.integers(0, 3, size=(5000, 700)).astype("|u1")
    for a in big, np.asfortranarray(big):
        np.savez_compressed(path, vectors=a)
        tool.check_reads("a large deflated one", path, a)
    ok("numpy.savez", first)


class Pipe(io.RawIOBase):
    """A file that cannot seek: Python then puts sizes behind the members."""

    def __init__(self, out):
        self.out = out

    def writable(self):
        return True

    def write(self, data):
        return self.out.write(data)


def check_zip_writers(tool, random):
    first = len(results)
    path = tool.path("a.npz")
    a = random.normal(size=(20, 8)).astype("<f8")
    member = io.BytesIO()
    np.save(member, a)
    for method in zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED:
        with open(path, "wb") as out, \
                zipfile.ZipFile(Pipe(out), "w", method) as z:
            z.writestr("vectors.npy", member.getvalue())
            z.comment = b"PK\5\6 a comment"
        tool.check_reads("a stream, method %d" % method, path, a)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as z:
        z.writestr("vectors.npy", member.getvalue())
    tool.check_refuses("bzip2", path, "method 12")
    with zipfile.ZipFile(path, "w") as z:  # more than the old count can say
        for i in range(65534):
            z.writestr("%d.txt" % i, "")
        z.writestr("vectors.npy", member.getvalue())
    tool.check_reads("65535 members", path, a)
    ok("zips of others", first)


def check_refusals(tool):
    first = len(results)
    path = tool.path("a.npy")
    for a, words in (
            (np.float32(3), "the shape ()"),
            (np.zeros((2, 3, 4), "f4"), "the shape (2, 3, 4)"),
            (np.zeros(3, "i8"), "integers ('<i8')"),
            (np.zeros(3, "?"), "booleans"),
            (np.zeros(3, "c8"), "complex numbers"),
            (np.zeros(3, "g"), "long floats"),
            (np.array(["a", "bc"]), "texts"),
            (np.array([b"a"]), "texts"),
            (np.array([None]), "Python objects"),
            (np.zeros(3, "M8[s]"), "times"),
            (np.zeros(3, [("id", "<i8"), ("v", "<f4", (3,))]), "records"),
            (np.zeros(3, [("\u20ac", "<f4")]), "records")):
        np.save(path, a, allow_pickle=True)
        tool.check_refuses(words, path, words)
    np.save(path, np.zeros((4, 5), "f4"))
    os.truncate(path, os.path.getsize(path) - 1)
    tool.check_refuses("short data", path, "it ends after 19 of 20 numbers")
    ok("refusals", first)


def check_writes(tool, random):
    first = len(results)
    source, path = tool.path("in.f32"), tool.path("a.npy")
    for n, dim in ((0, 4), (1, 1), (1, 512), (9, 1), (10, 3), (99999, 7),
                   (3000, 1000), (5, 0)):
        a = random.normal(size=(n, dim)).astype("<f4")
        a.tofile(source)
        saved = io.BytesIO()
        np.save(saved, a)
        for rows in [], [1000]:
            done = tool.run("write", source, n, dim, path, *rows)
            name = "(%d, %d) %s" % (n, dim, rows)
            check(name, done.returncode == 0, done.stderr)
            with open(path, "rb") as seen:
                check(name + " bytes", seen.read() == saved.getvalue())
            check(name + " loads", np.array_equal(np.load(path), a))
    ok("what akin writes", first)


def main():
    warnings.simplefilter("ignore")  # old formats are what this is about
    print("numpy %s" % np.__version__)
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        tool = Tool(os.path.abspath(sys.argv[1]), folder)
        check_types(tool, random)
        check_versions(tool, random)
        check_zips(tool, random)
        check_zip_writers(tool, random)
        check_refusals(tool)
        check_writes(tool, random)
    print("%d passed, %d failed" % (sum(results), results.count(False)))
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
