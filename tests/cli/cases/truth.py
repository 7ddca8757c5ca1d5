# SPDX-License-Identifier: MIT
"""Scores and order of every score function, for one and for several query
vectors, against a plain computation over the exported embeddings."""

import csv
import json
import math
import os
import struct
import subprocess

SOUNDS = os.environ["SOUNDS"]


def akin(*args):
    done = subprocess.run(["akin", *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def embeddings(db):
    """Window id -> vector; the export is in the order of the ids, from 1."""
    akin("export", db, "all.csv")
    with open("all.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    return {i + 1: [float(x) for x in row["embedding"].split(",")]
            for i, row in enumerate(rows)}


def write_npy(path, rows, kind):
    shape = f"({len(rows)}, {len(rows[0])})" if len(rows) > 1 else \
        f"({len(rows[0])},)"
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    head = head.ljust(128 - 10 - 1) + "\n"
    flat = [x for row in rows for x in row]
    code = "f" if kind == "<f4" else "d"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)))
        out.write(head.encode() + struct.pack(f"<{len(flat)}{code}", *flat))


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


SCORES = {
    "cosine": lambda a, b: dot(a, b) / math.sqrt(dot(a, a) * dot(b, b)),
    "dot": dot,
    "euclidean": lambda a, b: math.dist(a, b),
}


def truth(stored, queries, name):
    scored = [(math.fsum(SCORES[name](q, v) for q in queries) / len(queries), i)
              for i, v in stored.items()]
    return sorted(scored, key=lambda s: (s[0] if name == "euclidean" else -s[0],
                                         s[1]))


def compare(name, hits, expected):
    assert len(hits) == len(expected), (len(hits), len(expected))
    for hit, (score, _) in zip(hits, expected):
        assert abs(hit["score"] - score) < 1e-4 * max(1, abs(score)), \
            (name, hit, score)
    by_id = {i: score for score, i in expected}
    for hit in hits:
        assert abs(by_id[hit["window_id"]] - hit["score"]) < \
            1e-4 * max(1, abs(hit["score"]))


akin("extract", "-q", f"{SOUNDS}/birds", f"{SOUNDS}/frogs", "birds.db")
akin("extract", "-q", f"{SOUNDS}/long call.wav", "call.db")
stored = embeddings("birds.db")
queries = list(embeddings("call.db").values())
write_npy("one.npy", queries[:1], "<f4")
write_npy("three.npy", queries, "<f8")
for name in SCORES:
    for path, vectors in (("one.npy", queries[:1]), ("three.npy", queries)):
        found = json.loads(akin("search", "birds.db", "--vector", path, "-n",
                                "100", "--score-function", name, "--json"))
        compare(name, found["results"], truth(stored, vectors, name))
    print(name, "holds for one vector and for the mean over three")

# A file's segments are the same three vectors, before their rounding.
found = json.loads(akin("search", "birds.db", "--file",
                        f"{SOUNDS}/long call.wav", "--crop-mode", "segments",
                        "-n", "100", "--json"))
expected = {i: score for score, i in truth(stored, queries, "cosine")}
for hit in found["results"]:
    assert abs(hit["score"] - expected[hit["window_id"]]) < 2e-3, hit
print("--crop-mode segments is the mean over the windows of the file")

for threads in ("1", "3"):
    again = json.loads(akin("search", "birds.db", "--vector", "three.npy",
                            "-n", "100", "--json", "-t", threads))
    assert again["results"] == json.loads(
        akin("search", "birds.db", "--vector", "three.npy", "-n", "100",
             "--json"))["results"]
print("the same at any number of threads")
