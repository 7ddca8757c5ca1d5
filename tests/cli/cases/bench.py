# SPDX-License-Identifier: MIT
"""akin bench index: rows and lines have their shape, numbers aside; what is
wrong with files and options is named."""

import json
import os
import random
import re
import struct
import subprocess

import npy


def akin(*args, show=True):
    done = subprocess.run(["akin", *args], capture_output=True, text=True)
    if show:
        print("$ akin", *args)
        print(masked(done.stdout) + done.stderr + f"exit {done.returncode}")
    return done


def masked(text):
    """Measured numbers, which have a point; columns are as wide as they are."""
    text = re.sub(r"links=32,effort=\d+", "links=32,effort=DEFAULT", text)
    return re.sub(" +", " ", re.sub(r"\b\d+\.\d+(?=\s)", "N", text))


def write_ids(path, rows, code):
    head = (f"{{'descr': '<{'i4' if code == 'i' else 'i8'}', "
            f"'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}")
    head += " " * (-(len(head) + 11) % 64) + "\n"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)))
        out.write(head.encode())
        for row in rows:
            out.write(struct.pack(f"<{len(row)}{code}", *row))


def lines(*args):
    done = akin("bench", "index", *args, "--json", show=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


# Points on a line: whole numbers are nearest in an order that is known.
npy.write("base.npy", [[i, 1, 0] for i in range(60)])
npy.write("queries.npy", [[i + 0.25, 1, 0] for i in range(0, 50, 10)])
truth = [[i, i + 1, i - 1 if i else 2] for i in range(0, 50, 10)]
write_ids("truth.npy", truth, "i")
write_ids("wide.npy", truth, "q")
files = ("--base", "base.npy", "--queries", "queries.npy", "--metric", "l2sq",
         "--threads", "1")

akin("bench")
akin("bench", "index", *files, "-k", "3")
akin("bench", "index", *files, "-k", "3", "--truth", "truth.npy",
     "--type", "f32", "--links", "16", "--effort", "40", "--seed", "7",
     "--save", "points.index")
print("saved:", os.path.exists("points.index"))
for name in ("truth.npy", "wide.npy"):
    for line in lines(*files, "--k", "3", "--truth", name):
        print(list(line), masked(line["params"]), line["recall10"],
              line["qps"] > 0, line["p50_us"] is None)

# More vectors than are looked at one by one.
random.seed(1)
npy.write("many.npy", [[random.random() for _ in range(8)]
                       for _ in range(4500)])
npy.write("asked.npy", [[random.random() for _ in range(8)]
                        for _ in range(20)])
for metric in ("l2sq", "cosine", "dot"):
    found = lines("--base", "many.npy", "--queries", "asked.npy", "--metric",
                  metric)
    ways = [line["params"] for line in found]
    print(metric, len(found) > 2, re.sub("codes|vectors", "ROUTE", masked(ways[0])),
          ways[-2], ways[-1].split("threads")[0],
          min(line["recall10"] for line in found) > 0.5,
          [line["recall10"] for line in found[-2:]])

for line in ("", "--base base.npy --queries queries.npy",
             "--base base.npy --queries queries.npy --metric l1"):
    akin("bench", "index", *line.split())
akin("bench", "search")
akin("bench", "index", "more", *files)
akin("bench", "index", *files, "-k", "61")
akin("bench", "index", *files, "--truth", "base.npy")
akin("bench", "index", *files, "-k", "4", "--truth", "truth.npy")
akin("bench", "index", *files, "--base", "none.npy")
akin("bench", "index", *files, "--queries", "many.npy")
