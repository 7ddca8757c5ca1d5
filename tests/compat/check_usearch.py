#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves with the real usearch that akin's index files are its files.

usage: check_usearch.py USEARCH_TOOL      (needs the packages usearch and numpy)

usearch opens what akin wrote (load and view), searches it with recall@10 of at
least 0.95 at expansion 64, adds, removes and saves; akin opens that again.
Prints a line a check, the last is "N passed, N failed"; exits 1 on a failure.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
from usearch.index import Index

N, N_QUERIES, DIM, K, EF = 20000, 500, 256, 10, 64
FLOOR = 0.95
results = []


def check(name, good, detail=""):
    results.append(bool(good))
    print("%s %s %s" % ("ok  " if good else "FAIL", name, detail), flush=True)


def make(kind):
    """Clusters of normal noise; rows first, then queries; as float16 holds."""
    random = np.random.default_rng(1)
    n = N + N_QUERIES
    centres = random.normal(size=(200, DIM))
    x = centres[random.integers(0, 200, n)] + 0.6 * random.normal(size=(n, DIM))
    if kind in ("normalised", "half_equal"):
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    if kind == "lengths_vary":
        x *= np.exp(0.4 * random.normal(size=(n, 1)))
    if kind == "like_relu":
        x = np.maximum(x, 0) * np.exp(0.2 * random.normal(size=(n, 1)))
    if kind == "low_rank":
        basis = random.normal(size=(64, DIM))
        x = (random.normal(size=(n, 64)) * np.arange(1, 65) ** -0.5) @ basis
        x += 0.05 * random.normal(size=(n, DIM))
    if kind == "half_equal":
        x[random.permutation(N)[: N // 2]] = x[0]
    x = x.astype(np.float16).astype(np.float32)
    return np.ascontiguousarray(x[:N]), np.ascontiguousarray(x[N:])


def recall(keys, x, queries):
    """A hit counts if it is no farther than the true K-th."""
    good = 0
    for i, q in enumerate(queries):
        scores = x @ q
        kth = np.partition(scores, len(scores) - K)[-K]
        hits = scores[np.asarray(keys[i], dtype=np.int64) - 1]
        good += np.sum(hits >= kth - 1e-5 * abs(kth))
    return good / (K * len(queries))


def new_index():
    return Index(ndim=DIM, metric="ip", dtype="f16", connectivity=16,
                 expansion_add=128, expansion_search=EF)


def run(tool, *args):
    done = subprocess.run([tool, *map(str, args)], capture_output=True,
                          text=True)
    return done.returncode, done.stdout, done.stderr.strip()


def search_with_akin(tool, path, queries_path):
    code, out, err = run(tool, "search", path, queries_path, K, EF)
    if code:
        raise SystemExit("usearch_tool: " + err)
    return [list(map(int, line.split())) for line in out.splitlines()]


def check_kind(tool, folder, kind, threads):
    x, queries = make(kind)
    x_path = os.path.join(folder, "x.f32")
    q_path = os.path.join(folder, "q.f32")
    path = os.path.join(folder, kind + ".index")
    x.tofile(x_path)
    queries.tofile(q_path)
    code, _, err = run(tool, "build", x_path, DIM, path, threads)
    check(kind + "/builds", code == 0, err)
    index = new_index()
    index.load(path)
    index.expansion_search = EF
    check(kind + "/loads", len(index) == N)
    r = recall(index.search(queries, K).keys, x, queries)
    check(kind + "/recall_of_usearch", r >= FLOOR, "%.4f" % r)
    view = new_index()
    view.view(path)
    view.expansion_search = EF
    r = recall(view.search(queries, K).keys, x, queries)
    check(kind + "/recall_of_view", r >= FLOOR, "%.4f" % r)
    view.reset()
    r = recall(search_with_akin(tool, path, q_path), x, queries)
    check(kind + "/recall_of_akin", r >= FLOOR, "%.4f" % r)
    return x, queries, q_path, path


def check_round_trip(tool, folder, x, queries, q_path, path):
    """usearch goes on with akin's file, then akin with usearch's."""
    index = new_index()
    index.load(path)
    rows = np.asarray(index.get(np.arange(1, 101)), dtype=np.float32)
    check("round_trip/vectors", np.array_equal(rows, x[:100]))
    removed = np.arange(1, 501)
    index.remove(removed)
    added = np.arange(N + 1, N + 1001)
    more = x[:1000][::-1] * np.float32(0.5)
    index.add(added, more.astype(np.float16))
    saved = os.path.join(folder, "usearch.index")
    index.save(saved)
    code, out, err = run(tool, "check", saved)
    check("round_trip/akin_opens", code == 0, err)
    check("round_trip/counts", out.split()[-1:] == [str(N - 500 + 1000)],
          out.strip())
    every = np.concatenate([x, more])
    every[:500] = 0
    keys = search_with_akin(tool, saved, q_path)
    check("round_trip/removed_stay_away",
          not any(k <= 500 for row in keys for k in row))
    r = recall(keys, every, queries)
    check("round_trip/recall_of_akin", r >= FLOOR, "%.4f" % r)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    tool = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        first = check_kind(tool, folder, "normalised", 1)
        check_kind(tool, folder, "lengths_vary", 2)
        check_kind(tool, folder, "raw", 2)
        check_kind(tool, folder, "like_relu", 2)
        check_kind(tool, folder, "low_rank", 1)
        check_kind(tool, folder, "half_equal", 2)
        check_round_trip(tool, folder, *first)
    print("%d passed, %d failed" % (sum(results), len(results) - sum(results)))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
