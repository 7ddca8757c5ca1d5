#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves, end to end, that akin and the real perch-hoplite share databases.

    check_hoplite.py AKIN

Run it with the Python of an environment made from requirements-hoplite1.txt:
hoplite opens, searches and changes what akin made, and akin what hoplite made;
or from requirements-hoplite0*.txt: akin reads databases of the schema before
1.0. Exits with 77 when the packages can't be had. The last line is "N passed,
N failed"."""

import csv
import gc
import hashlib
import importlib.metadata
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import wave

try:
    import numpy as np
    from ml_collections import config_dict
    from perch_hoplite.db import sqlite_usearch_impl as impl
except ImportError as error:
    print(f"SKIPPED: no perch-hoplite here ({error})", file=sys.stderr)
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
RATE = 24000
SCORES = {"dot": "dot", "cosine": "cos"}
N_RECALL = 50
TALLY = {True: 0, False: 0}


def check(what, good, detail=""):
    TALLY[bool(good)] += 1
    print(("ok    " if good else "FAIL  ") + what +
          ("" if good else f": {str(detail)[:400]}"), flush=True)
    return good


def equal(what, got, wanted):
    return check(what, got == wanted, f"{got!r}, not {wanted!r}")


# ---- akin -------------------------------------------------------------------


def akin(*args, wanted=0):
    run = subprocess.run([AKIN, *map(str, args)], capture_output=True,
                         text=True)
    if run.returncode != wanted:
        check(f"akin {' '.join(map(str, args))}", False,
              f"exit {run.returncode}: {run.stderr.strip()}")
    return run


def akin_json(*args):
    out = akin(*args, "--json").stdout
    return json.loads(out) if out.strip() else {"results": [], "counts": {}}


def hits(db, *args, n=10):
    found = akin_json("search", db, "-n", n, *args)["results"]
    return [h["window_id"] for h in found], [h["score"] for h in found]


def search_vector(db, vector, score="cosine", n=10):
    path = db.parent / "query.npy"
    np.save(path, vector.astype(np.float32))
    return hits(db, "--vector", path, "--score-function", score, n=n)


def check_verify(what, db):
    run = akin("verify", db)
    check(f"{what}: akin verify finds nothing", not run.stdout.strip(),
          run.stdout.strip())


def exported(db):
    """{(recording, start, end): vector} of akin export."""
    path = db.parent / "export.csv"
    akin("export", db, path)
    csv.field_size_limit(1 << 24)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    equal("akin export writes BirdNET-Analyzer's columns", rows[0],
          ["file_path", "start", "end", "embedding"])
    return {(name, float(start), float(end)):
            np.array(values.split(","), dtype=np.float64)
            for name, start, end, values in rows[1:]}


def write_wav(path, seconds, rng):
    """Every half second another chord and another noise."""
    pieces = []
    for _ in range(2 * seconds):
        t = np.arange(RATE // 2) / RATE
        piece = sum(rng.uniform(0.02, 0.2) *
                    np.sin(2 * np.pi * rng.uniform(100, 11000) * t)
                    for _ in range(rng.integers(1, 4)))
        pieces.append(piece + rng.normal(0, rng.uniform(0.001, 0.1), t.size))
    samples = (np.concatenate(pieces).clip(-1, 1) * 32767).astype("<i2")
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())


# ---- what both must agree on -------------------------------------------------


def all_windows(db):
    """{(recording, start, end): (id, vector)} as hoplite reads it."""
    names = {r.id: r.filename for r in db.get_all_recordings()}
    return {(names[w.recording_id], *w.offsets):
            (w.id, db.get_embedding(w.id)) for w in db.get_all_windows()}


def check_same_content(what, path):
    """Counts and every embedding; returns hoplite's windows."""
    db = impl.SQLiteUSearchDB.create(str(path))
    theirs = all_windows(db)
    n_embeddings, ids = db.count_embeddings(), db.match_window_ids()
    batch = db.get_embeddings_batch(np.array(sorted(ids)))
    counts = akin_json("info", path)["counts"]
    equal(f"{what}: hoplite and akin count the windows",
          (len(ids), n_embeddings), (counts["windows"], counts["vectors"]))
    equal(f"{what}: and the recordings", len(db.get_all_recordings()),
          counts["recordings"])
    equal(f"{what}: and the annotations", len(db.get_all_annotations()),
          counts["annotations"])
    equal(f"{what}: nothing is journaled", counts["pending"], 0)
    db.db.close()
    by_id = {id: vector for id, vector in theirs.values()}
    check(f"{what}: hoplite reads them in one batch as one by one",
          all(np.array_equal(by_id[id], row)
              for id, row in zip(sorted(ids), batch)))
    ours = exported(path)
    equal(f"{what}: akin export has the same windows", ours.keys(),
          theirs.keys())
    wrong = [k for k in ours.keys() & theirs.keys() if not np.array_equal(
        ours[k].astype(np.float16), theirs[k][1].astype(np.float16))]
    check(f"{what}: all {len(ours)} embeddings are the same", not wrong,
          wrong[:3])
    return theirs


def same_order(ours, theirs, scores, tolerance):
    """The same ids; those whose scores are near may change places."""
    if len(ours) != len(theirs):
        return False
    return all(a == b or (a in scores and b in scores and
                          abs(scores[a] - scores[b]) <= tolerance)
               for a, b in zip(ours, theirs))


def check_same_answers(what, path, windows, rng):
    """Brute force by hoplite's score functions, as they are (float16 norms)
    and over float32 data, against akin's answers."""
    from perch_hoplite.db import brutalism, score_functions

    db = impl.SQLiteUSearchDB.create(str(path))
    rows = list(windows.values())
    dim = rows[0][1].shape[0]
    scale = np.abs(np.stack([v for _, v in rows])).mean()
    queries = [rows[i][1].astype(np.float32)
               for i in rng.choice(len(rows), 6, replace=False)]
    queries += [rng.normal(0, scale, dim).astype(np.float32) for _ in range(6)]
    for score, name in SCORES.items():
        plain = score_functions.get_score_fn(name)
        n_same = n_near = worst = 0
        for query in queries:
            ours, our_scores = search_vector(path, query, score)
            exact = list(brutalism.brute_search(
                db, query, 10, lambda d, q: plain(d.astype(np.float32), q)))
            exact.sort(key=lambda r: -r.sort_score)
            ids = [int(r.window_id) for r in exact]
            scores = {int(r.window_id): float(r.sort_score) for r in exact}
            n_same += same_order(ours, ids, scores, 1e-6 * max(
                1, *map(abs, scores.values())))
            worst = max(worst, *(abs(s - scores.get(i, np.inf))
                                 for i, s in zip(ours, our_scores)))
            raw = list(brutalism.brute_search(db, query, 10, plain))
            raw.sort(key=lambda r: -r.sort_score)
            n_near += same_order(
                [int(r.window_id) for r in raw], ids, scores | {
                    int(r.window_id): float(r.sort_score) for r in raw}, 5e-3)
        equal(f"{what}: the same top 10 by {score}, exact", n_same,
              len(queries))
        equal(f"{what}: the same top 10 by {score}, hoplite's rounding apart",
              n_near, len(queries))
        largest = max(1, np.linalg.norm(queries[0]) ** 2
                      if score == "dot" else 1)
        check(f"{what}: the same {score} scores, at most {worst:.2g} apart",
              worst <= 1e-5 * largest, worst)
    threaded = brutalism.threaded_brute_search(db, queries[0], 10,
                                               score_functions.numpy_dot)
    equal(f"{what}: threaded brute force agrees",
          [int(r.window_id) for r in sorted(threaded,
                                            key=lambda r: -r.sort_score)],
          search_vector(path, queries[0], "dot")[0])
    check_ann(what, path, db, rows, rng)
    check_window_queries(what, path, db, rows, rng)
    db.db.close()
    gc.collect()  # the connections of the threads


def check_ann(what, path, db, rows, rng):
    """usearch sums float16 products in float16 where the processor can, so its
    exact search may put another of two near ones into the top 10."""
    vectors = {id: v.astype(np.float32) for id, v in rows}
    found = exact = n_far = 0
    for i in rng.choice(len(rows), N_RECALL):
        query = rows[i][1].astype(np.float32)
        query = query + rng.normal(0, 0.1 * np.abs(query).mean(), query.size)
        query = query.astype(np.float16).astype(np.float32)  # as usearch does
        ids, scores = search_vector(path, query, "dot")
        theirs = db.search(query, 10, approximate=True)
        found += len(set(ids) & {int(r.window_id) for r in theirs})
        theirs = db.search(query, 10, approximate=False)
        other = {int(r.window_id) for r in theirs} - set(ids)
        exact += 10 - len(other)
        n_far += sum(scores[-1] - vectors[j] @ query > 0.01 * np.linalg.norm(
            query) * np.linalg.norm(vectors[j]) for j in other)
    recall = found / (10 * N_RECALL)
    check(f"{what}: recall of hoplite's ANN search {recall:.3f}",
          recall >= 0.9)
    check(f"{what}: usearch's exact search finds "
          f"{exact / (10 * N_RECALL):.3f}, others are near ones",
          n_far == 0 and exact >= 9 * N_RECALL, f"{n_far} are not")


def check_window_queries(what, path, db, rows, rng):
    from perch_hoplite.db import brutalism, score_functions

    good = 0
    for i in rng.choice(len(rows), 5, replace=False):
        id, vector = rows[i]
        theirs = brutalism.brute_search(
            db, vector.astype(np.float32), 11,
            lambda d, q: score_functions.numpy_cos(d.astype(np.float32), q))
        ids = [int(r.window_id) for r in sorted(theirs,
                                                key=lambda r: -r.sort_score)]
        scores = {int(r.window_id): float(r.sort_score) for r in theirs}
        good += same_order(hits(path, "--window", id)[0],
                           [j for j in ids if j != id][:10], scores, 1e-6)
    equal(f"{what}: the same top 10 for a window", good, 5)


# ---- perch-hoplite 1.x -------------------------------------------------------


def check_made_by_akin(folder, rng):
    what = "made by akin"
    for i in range(12):
        write_wav(folder / f"rec/site{i % 3}/{i}.wav", 30, rng)
    write_wav(folder / "rec/k\u00f6nig, \u00fcber.wav", 4, rng)
    db = folder / "db"
    akin("extract", folder / "rec", db, "--overlap", "2.25")
    windows = check_same_content(what, db)
    check_same_answers(what, db, windows, rng)
    return db, windows


def check_pictures(folder):
    """A picture is a window from 0 to 0, a frame one from its time to it."""
    what = "pictures"
    pictures = folder / "pictures"
    pictures.mkdir()
    for name in ("rgb.png", "420.jpg", "lossy.webp", "film.mp4"):
        shutil.copy(HERE.parent / "data/image" / name, pictures)
    db = folder / "pictures.db"
    akin("extract", "--model", "tint", "--every", "0.4", pictures, db)
    windows = check_same_content(what, db)
    stills = [k for k in windows if not k[0].endswith("film.mp4")]
    frames = [k for k in windows if k[0].endswith("film.mp4")]
    equal(f"{what}: each has one window at 0", [tuple(k[1:]) for k in stills],
          [(0.0, 0.0)] * 3)
    check(f"{what}: the film has several, without length", len(frames) > 1 and
          all(k[1] == k[2] for k in frames), frames)


def check_changed_by_hoplite(folder, path, before, rng):
    from perch_hoplite.db import datatypes

    what = "changed by hoplite"
    dim = next(iter(before.values()))[1].size
    db = impl.SQLiteUSearchDB.create(str(path))
    deployment = db.insert_deployment("forest", "study", 51.5, -0.1)
    recording = db.insert_recording("elsewhere/x.wav", None, deployment)
    vectors = rng.normal(0, 1, (21, dim)).astype(np.float16)
    ids = list(db.insert_windows_batch(
        [{"recording_id": recording, "offsets": [3.0 * i, 3.0 * i + 3]}
         for i in range(20)], vectors[:20]))
    ids.append(db.insert_window(recording, [60.0, 63.0], vectors[20]))
    db.insert_annotation(recording, [61.0, 62.0], "owl",
                         datatypes.LabelType.POSITIVE, "me")
    db.insert_annotation(recording, [0.0, 3.0], "wren",
                         datatypes.LabelType.NEGATIVE, "me")
    db.commit()
    db.db.close()
    check_verify(what, path)
    windows = check_same_content(what, path)
    equal(f"{what}: its windows were added", len(windows), len(before) + 21)
    top = [search_vector(path, v, s, 1)[0] for v in vectors for s in SCORES]
    equal(f"{what}: its windows are answers", top,
          [[i] for i in ids for _ in SCORES])
    found = akin_json("search", path, "--window", ids[0], "--filter",
                      "label = owl and project = study")["results"]
    equal(f"{what}: its labels can be asked for",
          [(h["window_id"], h["labels"], h["recording"], h["deployment"])
           for h in found], [(ids[20], ["owl"], "elsewhere/x.wav", "forest")])
    check_same_answers(what, path, windows, rng)
    return ids, vectors


def check_removed_by_hoplite(path, ids, vectors, before, rng):
    what = "removed by hoplite"
    db = impl.SQLiteUSearchDB.create(str(path))
    gone = [before[k][0] for k in sorted(before)[5:60:6]] + ids[3:9]
    for id in gone:
        db.remove_window(id)
    db.commit()
    db.db.close()
    check_verify(what, path)
    windows = check_same_content(what, path)
    left = [i for i, _ in windows.values()]
    check(f"{what}: they are gone", not set(gone) & set(left))
    answers = set()
    for vector in vectors[3:9]:
        answers |= set(search_vector(path, vector, "dot", 50)[0])
    check(f"{what}: they are no answers", not set(gone) & answers,
          set(gone) & answers)
    akin("search", path, "--window", gone[0], wanted=3)
    check_same_answers(what, path, windows, rng)
    db = impl.SQLiteUSearchDB.create(str(path))  # into the freed slots
    recording = db.get_all_recordings()[0].id
    more = rng.normal(0, 1, (4, vectors.shape[1])).astype(np.float16)
    again = [db.insert_window(recording, [1000.0 + i, 1001.0 + i], v)
             for i, v in enumerate(more)]
    db.commit()
    db.db.close()
    check_verify("freed slots used again", path)
    equal("freed slots used again: akin finds what is in them",
          [search_vector(path, v, "cosine", 1)[0] for v in more],
          [[i] for i in again])


def check_continued_by_akin(folder, path, rng):
    what = "continued by akin"
    n = akin_json("info", path)["counts"]["windows"]
    run = akin("extract", folder / "rec", path)
    equal(f"{what}: nothing new to do", akin_json("info", path)["counts"][
        "windows"], n)
    for i in range(3):
        write_wav(folder / f"rec/more/{i}.wav", 20, rng)
    run = akin("extract", folder / "rec", path)
    check_verify(what, path)
    windows = check_same_content(what, path)
    check(f"{what}: more windows", len(windows) > n, run.stderr)
    check_same_answers(what, path, windows, rng)
    db = impl.SQLiteUSearchDB.create(str(path))
    recording = db.insert_recording("last.wav", None, None)
    vector = rng.normal(0, 1, db.get_embedding_dim()).astype(np.float16)
    id = db.insert_window(recording, [0.0, 3.0], vector)
    db.commit()
    db.db.close()
    check_verify("and by hoplite again", path)
    equal("and by hoplite again: akin finds it",
          search_vector(path, vector, "cosine", 1)[0], [id])


def check_journaled(folder, path):
    """A database whose checkpoint is still to come: hoplite sees the windows
    that are in the index file; akin all of them, and finishes it."""
    copy = folder / "copy"
    shutil.copytree(path, copy)
    before = akin_json("info", copy)["counts"]
    write_wav(folder / "rec/late.wav", 10, np.random.default_rng(1))
    akin("extract", folder / "rec", copy)
    after = akin_json("info", copy)["counts"]
    (copy / "usearch.index").write_bytes((path / "usearch.index").read_bytes())
    run = akin("verify", copy, wanted=4)
    n = after["windows"] - before["windows"]
    check("an old usearch.index: akin verify counts what is missing",
          f"{n} windows have no vector" in run.stdout, run.stdout)
    akin("verify", copy, "--repair")
    akin("extract", folder / "rec", copy)
    check_verify("an old usearch.index, repaired", copy)
    check_same_content("an old usearch.index, repaired", copy)


def usearch_config(dim):
    return config_dict.create(
        dtype="float16", embedding_dim=dim, expansion_add=256,
        expansion_search=128, metric_name="IP")


def birdnet_settings():
    return config_dict.create(BANDPASS_FMIN=50, BANDPASS_FMAX=12000,
                              AUDIO_SPEED=0.5, AUDIO_ROOT="/data/birds")


def check_made_by_hoplite(folder, rng):
    what = "made by hoplite"
    path = folder / "theirs"
    db = impl.SQLiteUSearchDB.create(str(path), usearch_config(1024))
    db.insert_metadata("birdnet_analyzer_settings", birdnet_settings())
    deployment = db.insert_deployment("birdnet_default",
                                      "birdnet_analyzer_dataset", None, None)
    centers = rng.gamma(1, 0.4, (20, 1024))
    for r in range(3):
        recording = db.insert_recording(f"night/{r}.flac", None, deployment)
        vectors = centers[rng.integers(0, 20, 100)] + rng.normal(
            0, 0.1, (100, 1024))
        db.insert_windows_batch(
            [{"recording_id": recording, "offsets": [1.5 * i, 1.5 * i + 1.5]}
             for i in range(100)], vectors.astype(np.float16))
    db.commit()
    db.db.close()
    info = akin_json("info", path)
    equal(f"{what}: akin reads the settings",
          [info["settings"].get(k) for k in
           ("fmin", "fmax", "audio_speed", "audio_root")],
          [50, 12000, 0.5, "/data/birds"])
    equal(f"{what}: and counts", [info["counts"][k] for k in
          ("windows", "vectors", "pending")], [300, 300, 0])
    equal(f"{what}: and the dimension", info["model"]["dim"], 1024)
    before = sorted(p.name for p in path.iterdir())
    check_verify(what, path)
    windows = check_same_content(what, path)
    check_same_answers(what, path, windows, rng)
    equal(f"{what}: reading left no file behind",
          [p.name for p in path.iterdir() if p.name not in before], [])


# ---- perch-hoplite 0.1.x -----------------------------------------------------


def make_old(path, vectors, pairs, metadata):
    from perch_hoplite.db import interface

    cls = getattr(impl, "SQLiteUsearchDB", None) or impl.SQLiteUSearchDB
    db = cls.create(str(path), usearch_config(vectors.shape[1]))
    ids = []
    for i, (vector, pair) in enumerate(zip(vectors, pairs)):
        source = interface.EmbeddingSource("birds", f"/data/{i % 7}.wav",
                                           np.array(pair))
        ids.append(int(db.insert_embedding(vector.astype(np.float32), source)))
    db.insert_label(interface.Label(ids[0], "owl",
                                    interface.LabelType.POSITIVE, "me"))
    for key, value in metadata.items():
        db.insert_metadata(key, config_dict.create(**value))
    db.commit()
    stored = [np.asarray(db.get_embedding(i)) for i in ids]
    db.db.close()
    return ids, stored


def digests(path):
    return {p.name: hashlib.md5(p.read_bytes()).hexdigest()
            for p in path.iterdir()}


def true_top(ids, stored, query, score):
    data = np.stack(stored).astype(np.float64)
    query = query.astype(np.float64)
    found = data @ query
    if score == "cosine":
        found /= np.linalg.norm(data, axis=1) * np.linalg.norm(query)
    if score == "euclidean":
        found = -np.linalg.norm(data - query, axis=1)
    return [ids[i] for i in np.argsort(-found, kind="stable")[:10]]


def check_old(folder, name, metadata, n_offsets, rng):
    what = f"before 1.0, {name}"
    path = folder / name
    pairs = [(3.0 * i, 3.0 * i + 3)[:n_offsets] for i in range(200)]
    ids, stored = make_old(path, rng.normal(0, 1, (200, 256)).astype(
        np.float16), pairs, metadata)
    files = digests(path)
    info = akin_json("info", path)
    equal(f"{what}: akin counts", [info["counts"][k] for k in
          ("windows", "vectors", "recordings")], [200, 200, 7])
    check_verify(what, path)
    n_good, queries = 0, rng.normal(0, 1, (8, 256)).astype(np.float32)
    for score in ("cosine", "dot", "euclidean"):
        for query in queries:
            n_good += (search_vector(path, query, score)[0] ==
                       true_top(ids, stored, query, score))
    equal(f"{what}: the same top 10", n_good, 3 * len(queries))
    wanted = [i for i in true_top(ids, stored, stored[5], "cosine")
              if i != ids[5]]
    equal(f"{what}: the same top 9 for a window",
          hits(path, "--window", ids[5], n=9)[0], wanted[:9])
    found = akin_json("search", path, "--window", ids[5], "--filter",
                      "label = owl")["results"]
    equal(f"{what}: labels", [(h["window_id"], h["labels"]) for h in found],
          [(ids[0], ["owl"])])
    check_not_written(what, folder, path)
    equal(f"{what}: not a byte was changed", digests(path), files)


def check_not_written(what, folder, path):
    write_wav(folder / "rec/a.wav", 3, np.random.default_rng(1))
    for args in (("extract", folder / "rec", path),
                 ("label", path, "--window", "1", "--label", "x"),
                 ("verify", path, "--repair")):
        run = akin(*args, wanted=3)
        check(f"{what}: akin {args[0]} is refused in one line",
              run.stderr.count("\n") == 1 and str(path) in run.stderr,
              run.stderr)


def main():
    version = importlib.metadata.version("perch-hoplite")
    rng = np.random.default_rng(20240229)
    print(f"perch-hoplite {version}, usearch "
          f"{importlib.metadata.version('usearch')}")
    with tempfile.TemporaryDirectory(prefix="akin-hoplite-") as folder:
        folder = pathlib.Path(folder)
        if version.startswith("0."):
            birdnet = {"birdnet_analyzer_settings":
                       birdnet_settings().to_dict()}
            check_old(folder, "BirdNET-Analyzer's", birdnet, 2, rng)
            check_old(folder, "Perch's", {"model_config": {
                "model_config": {"window_size_s": 3.0}}}, 1, rng)
        else:
            path, windows = check_made_by_akin(folder, rng)
            ids, vectors = check_changed_by_hoplite(folder, path, windows, rng)
            check_removed_by_hoplite(path, ids, vectors, windows, rng)
            check_continued_by_akin(folder, path, rng)
            check_journaled(folder, path)
            check_pictures(folder)
            check_made_by_hoplite(folder, rng)
    print(f"{TALLY[True]} passed, {TALLY[False]} failed")
    return 1 if TALLY[False] else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    AKIN = sys.argv[1]
    sys.exit(main())
