#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times usearch's graph (PyPI: usearch) as peer_bench.h says, in f32 and i8.

usage: peer_usearch.py --base B.npy --queries Q.npy --truth T.npy
                       --metric l2sq|cosine|dot [--threads N] [--k 10]

Speed is that of usearch's own loop over the queries on one thread, which has
no share of Python's cost of a call; p50 and p99 are of single calls and have
it. Its i8 is of vectors scaled to length 1: with l2sq its recall suffers from
what it was not made for, and is told as it is.
"""
import argparse
import json
import os
import statistics
import time

import numpy as np
from usearch.index import Index

EFFORTS = [10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 128, 160, 200,
           256, 320, 400, 512]
PASSES = 5
KINDS = {"l2sq": "l2sq", "cosine": "cos", "dot": "ip"}


def arguments():
    parser = argparse.ArgumentParser()
    for name in "base", "queries", "truth":
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--metric", required=True, choices=KINDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--k", type=int, default=10)
    return parser.parse_args()


def unit(x):
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1)


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def recall(found, truth):
    hits = sum(len(np.intersect1d(f, t)) for f, t in zip(found, truth))
    return hits / truth.size


def time_all(index, queries, k):
    start = time.perf_counter()
    found = index.search(queries, k, threads=1).keys
    return time.perf_counter() - start, found


def time_each(index, queries, k):
    took = []
    for q in queries:
        start = time.perf_counter()
        index.search(q, k, threads=1)
        took.append(time.perf_counter() - start)
    return took


def measure(index, queries, truth, k):
    passes = [time_all(index, queries, k) for _ in range(PASSES)]
    seconds = statistics.median(p[0] for p in passes)
    took = time_each(index, queries, k)
    return {
        "recall10": round(recall(passes[0][1], truth), 4),
        "qps": round(len(queries) / seconds, 1),
        "p50_us": round(np.percentile(took, 50) * 1e6, 2),
        "p99_us": round(np.percentile(took, 99) * 1e6, 2),
    }


def bench(dtype, args, base, queries, truth):
    before = resident_bytes()
    index = Index(ndim=base.shape[1], metric=KINDS[args.metric], dtype=dtype,
                  connectivity=16)
    start = time.perf_counter()
    index.add(np.arange(len(base)), base, threads=args.threads)
    built = {
        "engine": "usearch-" + dtype,
        "build_s": round(time.perf_counter() - start, 3),
        "threads": args.threads,
        "bytes": resident_bytes() - before,
    }
    for effort in EFFORTS:
        index.expansion_search = effort
        built["params"] = "M=16,efc=%d,ef=%d" % (index.expansion_add, effort)
        print(json.dumps({**built, **measure(index, queries, truth, args.k)},
                         separators=(",", ":")), flush=True)


def main():
    args = arguments()
    base, queries = np.load(args.base), np.load(args.queries)
    truth = np.load(args.truth)[:, :args.k]
    if args.metric == "cosine":
        base, queries = unit(base), unit(queries)
    for dtype in "f32", "i8":
        bench(dtype, args, base, queries, truth)


if __name__ == "__main__":
    main()
