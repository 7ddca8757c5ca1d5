#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times akin's vector index beside FAISS in one run, in turn: CSV on stdout.

usage: compare_faiss.py BENCH_VECTORS [--rows 8000,100000,1000000]
                        [--threads 1,2] [--types Flat,IVF]

Clustered float32 vectors of 128 dimensions, seeded. IVF has 4 sqrt(n) lists
(n / 39 at most) and visits a twelfth of them (8 at least), in both. A ratio is
the median of those of single turns, FAISS's time by akin's: above 1, akin is
faster. Seconds are medians too. Needs the packages faiss and numpy.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

import faiss
import numpy as np

DIM, K, N_QUERIES = 128, 10, 1000


def make(n, random, centres):
    x = centres[random.integers(0, len(centres), n)]
    return (x + 0.6 * random.standard_normal((n, DIM))).astype(np.float32)


class Akin:
    def __init__(self, program, x_path, q_path):
        self.process = subprocess.Popen(
            [program, x_path, q_path, str(DIM)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return [float(s) for s in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def faiss_build(kind, n_lists, x):
    start = time.perf_counter()
    if kind == "Flat":
        index = faiss.IndexFlatL2(DIM)
    else:
        index = faiss.index_factory(DIM, "IVF%d,Flat" % n_lists)
        index.train(x)
    trained = time.perf_counter()
    index.add(x)
    return index, trained - start, time.perf_counter() - trained


def faiss_search(index, queries, at_once):
    start = time.perf_counter()
    ids = [index.search(queries[i:i + at_once], K)[1]
           for i in range(0, len(queries), at_once)]
    return time.perf_counter() - start, np.concatenate(ids)


def recall(ids, truth):
    return np.mean([len(set(a) & set(b)) / K for a, b in zip(ids, truth)])


def row(*values):
    print(*values, sep=",", flush=True)


def report(what, n, threads, ours, theirs, scale, ours_recall, theirs_recall):
    ratio = statistics.median(t / o for o, t in zip(ours, theirs))
    row(*what, n, threads, "%.4f" % (statistics.median(ours) * scale),
        "%.4f" % (statistics.median(theirs) * scale), "%.3f" % ratio,
        "%.4f" % ours_recall, "%.4f" % theirs_recall)


def compare(akin, kind, x, queries, truth, threads, folder):
    n = len(x)
    n_lists = max(1, min(int(4 * n ** 0.5), n // 39))
    probes = min(n_lists, max(8, n_lists // 12))
    faiss.omp_set_num_threads(threads)
    name = "Flat" if kind == "Flat" else "IVF%d" % n_lists
    turns = 1 if n > 200000 else 3
    ours, theirs = [], []
    for _ in range(turns):
        index, train, add = faiss_build(kind, n_lists, x)
        theirs.append(train + add)
        ours.append(sum(akin.ask(
            "build", "Flat" if kind == "Flat" else "IVF%d,Flat" % n_lists,
            threads)))
    if kind != "Flat":
        index.nprobe = probes
    report((name, "build"), n, threads, ours, theirs, 1, 0, 0)
    for mode, at_once in (("single", 1), ("batch", N_QUERIES)):
        limit = N_QUERIES
        if at_once == 1 and n * (1 if kind == "Flat" else 0.1) > 50000:
            limit = 40 if n > 200000 and kind == "Flat" else 200
        ours, theirs = [], []
        for _ in range(9 if n <= 200000 else 5):
            seconds, ids = faiss_search(index, queries[:limit], at_once)
            theirs.append(seconds / limit)
            seconds, = akin.ask("search", at_once, limit,
                                0 if kind == "Flat" else probes, K, threads)
            ours.append(seconds / limit)
        path = os.path.join(folder, "ids")
        akin.ask("ids", path)
        own = np.fromfile(path, np.int64).reshape(-1, K)
        report((name, mode), n, threads, ours, theirs, 1e6,
               recall(own, truth), recall(ids, truth))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--rows", default="8000,100000,1000000")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--types", default="Flat,IVF")
    args = parser.parse_args()
    row("index", "what", "rows", "threads", "akin", "faiss", "ratio",
        "akin_recall", "faiss_recall")
    random = np.random.default_rng(1)
    centres = random.standard_normal((1000, DIM))
    for n in map(int, args.rows.split(",")):
        x, queries = make(n, random, centres), make(N_QUERIES, random, centres)
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, p) for p in ("x", "q")]
            x.tofile(paths[0])
            queries.tofile(paths[1])
            flat, _, _ = faiss_build("Flat", 0, x)
            _, truth = faiss_search(flat, queries, N_QUERIES)
            del flat
            akin = Akin(args.program, *paths)
            for threads in map(int, args.threads.split(",")):
                for kind in args.types.split(","):
                    compare(akin, kind, x, queries, truth, threads, folder)
            akin.close()


if __name__ == "__main__":
    main()
