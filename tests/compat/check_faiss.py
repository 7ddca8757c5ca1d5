#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves with the real FAISS that akin's vector indexes are its files.

usage: check_faiss.py FAISS_TOOL           (needs the packages faiss and numpy)

FAISS_TOOL is BUILD/tests/faiss_tool; BUILD/akin is there too.

For every kind and metric: FAISS opens what akin wrote, searches it with equal
results and writes back the same bytes; akin opens what FAISS wrote, searches
it with equal ids and distances (to 1e-5) and writes back the same bytes.
Prints a line a check, the last is "N passed, N failed"; exits 1 on a failure.
"""
import os
import subprocess
import sys
import tempfile

import faiss
import numpy as np

N, N_QUERIES, DIM, K = 3000, 200, 48, 10
TOLERANCE = 1e-5
results = []


def check(name, good, detail=""):
    results.append(bool(good))
    print("%s %s %s" % ("ok  " if good else "FAIL", name, detail), flush=True)


def run(tool, *args):
    done = subprocess.run([tool, *map(str, args)], capture_output=True,
                          text=True)
    return done.returncode, done.stderr.strip()


def make():
    random = np.random.default_rng(1)
    n = N + N_QUERIES
    centres = random.normal(size=(60, DIM))
    x = centres[random.integers(0, 60, n)] + 0.7 * random.normal(size=(n, DIM))
    x = (x * np.exp(0.2 * random.normal(size=(n, 1)))).astype(np.float32)
    return np.ascontiguousarray(x[:N]), np.ascontiguousarray(x[N:])


def core(index):
    """The index inside of maps and transforms, of its own type."""
    index = faiss.downcast_index(index)
    while isinstance(index, (faiss.IndexIDMap, faiss.IndexPreTransform)):
        index = faiss.downcast_index(index.index)
    return index


def set_effort(index, effort):
    index = core(index)
    if isinstance(index, faiss.IndexIVF):
        index.nprobe = effort
    elif isinstance(index, faiss.IndexHNSW):
        index.hnsw.efSearch = effort


def search_akin(tool, folder, path, queries_path, k, effort):
    ids = os.path.join(folder, "ids")
    distances = os.path.join(folder, "distances")
    code, err = run(tool, "search", path, queries_path, k, effort, ids,
                    distances)
    if code:
        return None, None, err
    shape = (-1, k)
    return (np.fromfile(distances, np.float32).reshape(shape),
            np.fromfile(ids, np.int64).reshape(shape), "")


def equal(d, i, d2, i2, graph=False):
    """Ids may differ only where distances are equal; but in a graph, where a
    rounding may turn a query's walk, two queries may."""
    if d2 is None or d.shape != d2.shape:
        return False, "no answer"
    scale = np.maximum(np.abs(d), np.median(np.abs(d[i >= 0])) * 0.1)
    off = np.abs(d.astype(float) - d2) / scale
    same = float(np.mean(i == i2))
    turned = int(np.sum((off > TOLERANCE).any(axis=1)))
    return turned <= (2 if graph else 0) and same > 0.998, \
        "ids %.5f, off %.1e, %d turned" % (same, np.max(off), turned)


def read_bytes(path):
    with open(path, "rb") as f:
        return f.read()


def same_bytes(a, b):
    return read_bytes(a) == read_bytes(b)


def recall(i, x, queries, metric, ids):
    flat = faiss.IndexFlat(DIM, metric)
    flat.add(x)
    _, truth = flat.search(queries, K)
    return np.mean([len(set(a) & set(ids[b])) / K for a, b in zip(i, truth)])


def check_ours(tool, folder, x, queries, kind, metric, effort):
    name = "ours/%s/%s" % (kind, metric)
    path = os.path.join(folder, "ours")
    again = os.path.join(folder, "again")
    code, err = run(tool, "build", kind, metric, os.path.join(folder, "x"),
                    DIM, path)
    check(name + "/built", code == 0, err)
    index = faiss.read_index(path)
    check(name + "/count", index.ntotal == N)
    faiss.write_index(index, again)
    check(name + "/same_bytes", same_bytes(path, again))
    if effort:
        set_effort(index, effort)
    d, i = index.search(queries, K)
    d2, i2, err = search_akin(tool, folder, path,
                              os.path.join(folder, "queries"), K, effort)
    good, detail = equal(d, i, d2, i2, "HNSW" in kind)
    check(name + "/equal_results", good, detail + err)
    if "Norm" in kind or "norm" in kind or kind == "Cosine":
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    ids = np.arange(N) * 3 + 1000 if "IDMap" in kind else np.arange(N)
    kind_metric = faiss.METRIC_INNER_PRODUCT if index.metric_type == 0 \
        else faiss.METRIC_L2
    r = recall(i, x, queries, kind_metric, ids)
    check(name + "/recall", r >= (0.75 if "SQ8" in kind else 0.9),
          "%.4f" % r)


def check_theirs(tool, folder, x, queries, kind, metric, effort):
    name = "theirs/%s/%s" % (kind, metric)
    path = os.path.join(folder, "theirs")
    again = os.path.join(folder, "again")
    index = faiss.index_factory(DIM, kind, faiss.METRIC_L2 if metric == "l2"
                                else faiss.METRIC_INNER_PRODUCT)
    index.train(x)
    if "IDMap" in kind:
        index.add_with_ids(x, np.arange(N, dtype=np.int64) * 7 - 5)
    else:
        index.add(x)
    if effort:
        set_effort(index, effort)
    faiss.write_index(index, path)
    code, err = run(tool, "rewrite", path, again)
    check(name + "/same_bytes", code == 0 and same_bytes(path, again), err)
    d, i = index.search(queries, K)
    q_path = os.path.join(folder, "queries")
    d2, i2, err = search_akin(tool, folder, path, q_path, K, 0)
    good, detail = equal(d, i, d2, i2, "HNSW" in kind)
    check(name + "/equal_results", good, detail + err)
    one = os.path.join(folder, "one")
    queries[:1].tofile(one)
    d1, i1, err = search_akin(tool, folder, path, one, K, 0)
    check(name + "/one_as_many", d1 is not None and
          np.array_equal(d1, d2[:1]) and np.array_equal(i1, i2[:1]))


def check_removal(tool, folder, kind):
    name = "removal/" + kind
    path = os.path.join(folder, "ours")
    less = os.path.join(folder, "less")
    run(tool, "build", kind, "l2", os.path.join(folder, "x"), DIM, path)
    code, err = run(tool, "remove", path, 1000, 900, less)
    index = faiss.read_index(less)
    gone = 300 if "IDMap" in kind else 900
    check(name + "/count", code == 0 and index.ntotal == N - gone, err)
    set_effort(index, 64)
    d, i = index.search(np.fromfile(os.path.join(folder, "queries"),
                                    np.float32).reshape(-1, DIM), K)
    d2, i2, err = search_akin(tool, folder, less,
                              os.path.join(folder, "queries"), K, 64)
    good, detail = equal(d, i, d2, i2, "HNSW" in kind)
    check(name + "/equal_results", good, detail + err)


def check_edges(tool, folder, x, queries):
    for kind in ("Flat", "SQ8", "IVF20,Flat", "HNSW16", "IDMap,Flat"):
        for metric in ("l2", "ip"):
            few = os.path.join(folder, "few")
            path = os.path.join(folder, "few.index")
            x[:25].tofile(few)
            run(tool, "build", kind, metric, few, DIM, path)
            index = faiss.read_index(path)
            set_effort(index, 40 if "HNSW" in kind else 20)
            q = queries[:9].copy()
            d, i = index.search(q, 30)
            q_path = os.path.join(folder, "q9")
            q.tofile(q_path)
            d2, i2, err = search_akin(tool, folder, path, q_path, 30, 40)
            good, detail = equal(d, i, d2, i2)
            check("edges/%s/%s/k_over_n" % (kind, metric), good, detail + err)
            q[4, 3] = np.nan
            q.tofile(q_path)
            d2, i2, err = search_akin(tool, folder, path, q_path, 3, 40)
            check("edges/%s/%s/nan" % (kind, metric), d2 is not None and
                  (i2[4] == -1).all() and (i2[3] >= 0).all(), err)


def check_database(akin, folder, x):
    """A database of akin as a FAISS index, and back."""
    npy, db = os.path.join(folder, "x.npy"), os.path.join(folder, "x.db")
    out, again = os.path.join(folder, "x.faiss"), os.path.join(folder, "y.db")
    np.save(npy, x)
    for step in (["import", npy, db], ["export", db, out],
                 ["import", out, again], ["export", again, again + ".npy"]):
        code, err = run(akin, *step)
        check("database/%s" % " ".join(step[:1]), code == 0, err)
    halves = x.astype(np.float16).astype(np.float32)
    index = faiss.read_index(out)
    inner = faiss.downcast_index(index.index)
    check("database/all_vectors", index.ntotal == len(x) and np.array_equal(
        inner.reconstruct_n(0, len(x)), halves))
    d, i = index.search(halves[:20], 3)
    truth = halves[:20] @ halves.T
    check("database/searched", np.allclose(d[:, 0], truth.max(axis=1),
                                           rtol=1e-4))
    check("database/ids", (i[:, 0] == truth.argmax(axis=1) + 1).all())
    check("database/back_again", np.array_equal(np.load(again + ".npy"),
                                                halves))


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    tool = os.path.abspath(sys.argv[1])
    print("faiss", faiss.__version__)
    x, queries = make()
    with tempfile.TemporaryDirectory() as folder:
        x.tofile(os.path.join(folder, "x"))
        queries.tofile(os.path.join(folder, "queries"))
        kinds = [("Flat", 0), ("SQ8", 0), ("IVF40,Flat", 8), ("IVF40,SQ8", 8),
                 ("IVF7,Flat", 7), ("HNSW", 64), ("HNSW16,Flat", 100),
                 ("IDMap,Flat", 0), ("IDMap2,Flat", 0), ("IDMap,SQ8", 0),
                 ("IDMap2,HNSW16", 80), ("L2norm,Flat", 0), ("Flat,IDMap", 0),
                 ("L2norm,IVF40,Flat", 8), ("IDMap,L2norm,Flat", 0)]
        for kind, effort in kinds + [("IDMap,IVF40,Flat", 8)]:
            for metric in ("l2", "ip"):
                check_ours(tool, folder, x, queries, kind, metric, effort)
        for kind, effort in (("FlatL2", 0), ("FlatIP", 0), ("Cosine", 0),
                             ("IVFFlat", 12)):
            check_ours(tool, folder, x, queries, kind, "-", effort)
        for kind, effort in kinds:
            for metric in ("l2", "ip"):
                check_theirs(tool, folder, x, queries, kind, metric, effort)
        for kind in ("Flat", "SQ8", "IVF40,Flat", "IVF40,SQ8", "HNSW16",
                     "IDMap,Flat", "IDMap2,HNSW16"):
            check_removal(tool, folder, kind)
        check_edges(tool, folder, x, queries)
        build = os.path.dirname(os.path.dirname(tool))
        check_database(os.path.join(build, "akin"), folder, x)
    print("%d passed, %d failed" % (sum(results), len(results) - sum(results)))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
