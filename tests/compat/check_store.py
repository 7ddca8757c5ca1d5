#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the store against the real perch-hoplite.

    check_store.py STORE_TOOL

Run it with the Python of an environment made from requirements-hoplite1.txt
(both write and read each other's databases) or requirements-hoplite0.txt (its
databases of the schema before 1.0 are read). Packages are installed with
"pip install --no-deps -r FILE": what else perch-hoplite asks for is TensorFlow
and its kin, which its db part does not import.
"""

import datetime
import importlib.metadata
import json
import math
import pathlib
import sqlite3
import struct
import subprocess
import sys
import tempfile

import numpy as np
from ml_collections import config_dict

DIM = 8
FAILURES = []


def check(what, ok, detail=""):
    print(("ok    " if ok else "FAIL  ") + what + ("" if ok else f": {detail}"))
    if not ok:
        FAILURES.append(what)


def equal(what, got, wanted):
    check(what, got == wanted, f"{got!r}, not {wanted!r}")


def tool(verb, folder):
    path = folder / "hoplite.sqlite"
    run = subprocess.run([TOOL, verb, path], capture_output=True, text=True)
    check(f"store_tool {verb}", run.returncode == 0, run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()]


def rows(dump, kind):
    return [row for row in dump if kind in row]


def usearch_config():
    return config_dict.create(
        dtype="float16", embedding_dim=DIM, expansion_add=256,
        expansion_search=128, metric_name="IP")


def empty_index():
    """The 112 bytes of a usearch v2.21 index of float16 without entries."""
    head = struct.pack("<7sHHHBBBBQQQB22x", b"usearch", 2, 21, 0, ord("i"), 12,
                       14, 15, 0, 0, DIM, 0)
    graph = struct.pack("<5Q", 0, 16, 32, 2**64 - 1, 0)
    return struct.pack("<II", 0, 2 * DIM) + head + graph


def schema(path):
    """Tables and indexes of hoplite's: their SQL and their columns."""
    db = sqlite3.connect(path)
    found = {}
    for name, kind, sql in db.execute(
            "SELECT name, type, sql FROM sqlite_master ORDER BY name"):
        if name.startswith(("akin_", "sqlite_")):
            continue
        columns = db.execute(f"PRAGMA table_info({name})").fetchall()
        sql = sql.replace("IF NOT EXISTS ", "")
        found[name] = (kind, "".join(sql.split()), columns)
    db.close()
    return found


# ---- perch-hoplite 1.x ------------------------------------------------------


def check_made_by_akin(folder):
    from perch_hoplite.db import sqlite_usearch_impl as impl

    tool("make", folder)
    (folder / "usearch.index").write_bytes(empty_index())
    db = impl.SQLiteUSearchDB.create(str(folder))
    equal("hoplite reads the config", db.get_embedding_dim(), DIM)
    equal("hoplite reads the project", db.get_all_projects(), ["akin"])
    equal("hoplite reads the deployment",
          [d.name for d in db.get_all_deployments()], ["marsh"])
    recording, = db.get_all_recordings()
    equal("hoplite reads the recording", recording.filename, "x/made.wav")
    equal("hoplite reads the date", recording.datetime,
          datetime.datetime(2023, 5, 12, 6))
    equal("hoplite reads the windows",
          [w.offsets for w in db.get_all_windows()],
          [[0.0, 3.0], [3.0, 6.0], [6.0, 9.0]])
    equal("hoplite counts the windows", len(db.match_window_ids()), 3)
    annotation, = db.get_all_annotations()
    equal("hoplite reads the annotation",
          (annotation.label, annotation.offsets, int(annotation.label_type),
           annotation.provenance),
          ("wr\u00e9n", [3.5, 5.25], 1, "akin"))
    equal("hoplite finds no other columns",
          [c for c in db.get_extra_table_columns().values() if c], [])
    add_by_hoplite(db)
    dump = tool("dump", folder)
    equal("akin counts what hoplite added",
          [dump[0][k] for k in ("deployments", "recordings", "windows",
                                "annotations", "pending")], [2, 2, 4, 2, 3])
    window = rows(dump, "window")[3]
    equal("akin reads hoplite's window", window, {
        "window": 4, "recording_id": 2, "start": 1.5, "end": 4.5,
        "imprecise": False, "recording": "y/\u00fc.wav",
        "datetime": "2024-02-29T23:59:58.250000", "deployment": "forest",
        "project": "hoplite", "labels": ["-owl"]})
    equal("akin finds nothing wrong", rows(dump, "problem"), [])


def add_by_hoplite(db):
    from perch_hoplite.db import datatypes

    deployment = db.insert_deployment("forest", "hoplite", 51.5, -0.1)
    recording = db.insert_recording(
        "y/\u00fc.wav", datetime.datetime(2024, 2, 29, 23, 59, 58, 250000),
        deployment)
    window = db.insert_window(recording, [1.5, 4.5],
                              np.ones(DIM, dtype=np.float32))
    db.insert_annotation(recording, [1.5, 4.5], "owl",
                         datatypes.LabelType.NEGATIVE, "hoplite")
    db.commit()
    equal("hoplite keeps the vector it added",
          db.get_embedding(window).tolist(), [1.0] * DIM)
    db.db.close()


def check_made_by_hoplite(folder):
    from perch_hoplite.db import sqlite_usearch_impl as impl

    db = impl.SQLiteUSearchDB.create(str(folder), usearch_config())
    add_by_hoplite(db)
    tool("add", folder)
    dump = tool("dump", folder)
    equal("akin reads hoplite's config", json.loads(dump[0]["config"]),
          usearch_config().to_dict())
    equal("akin adds to hoplite's database",
          [w["window"] for w in rows(dump, "window")], [1, 2, 3, 4])
    equal("akin finds nothing wrong there", rows(dump, "problem"), [])
    db = impl.SQLiteUSearchDB.create(str(folder), readonly=True)
    equal("hoplite reads both",
          [r.filename for r in db.get_all_recordings()],
          ["y/\u00fc.wav", "x/added.wav"])
    db.db.close()


def check_hoplite1(folder):
    made, other = folder / "made", folder / "other"
    made.mkdir()
    other.mkdir()
    check_made_by_akin(made)
    check_made_by_hoplite(other)
    fresh = folder / "fresh"
    fresh.mkdir()
    tool("make", fresh)
    ours = schema(fresh / "hoplite.sqlite")
    theirs = schema(other / "hoplite.sqlite")
    for name in sorted(set(ours) | set(theirs)):
        equal(f"schema of {name}", ours.get(name), theirs.get(name))


# ---- perch-hoplite 0.1.x ----------------------------------------------------


def make_old(folder, offsets, metadata):
    from perch_hoplite.db import interface
    from perch_hoplite.db import sqlite_usearch_impl as impl

    cls = getattr(impl, "SQLiteUsearchDB", None) or impl.SQLiteUSearchDB
    db = cls.create(str(folder), usearch_config())
    sources = ["/data/a.wav", "20230512"]
    for i, pair in enumerate(offsets):
        source = interface.EmbeddingSource("birds", sources[i % 2],
                                           np.array(pair))
        key = db.insert_embedding(np.ones(DIM, dtype=np.float32), source)
        db.insert_label(interface.Label(
            key, f"label{i}", interface.LabelType(i % 2), "me"))
    for key, value in metadata.items():
        db.insert_metadata(key, config_dict.create(**value))
    db.commit()
    db.db.close()


def stored_bytes(folder):
    db = sqlite3.connect(folder / "hoplite.sqlite")
    n, = db.execute("SELECT max(length(offsets)) FROM hoplite_embeddings"
                    ).fetchone()
    db.close()
    return n


def check_old(folder, name, offsets, wanted, metadata):
    folder = folder / name
    folder.mkdir()
    make_old(folder, offsets, metadata)
    n_bytes = stored_bytes(folder)
    # float16 keeps 11 bits, float32 24.
    bits = 11 if n_bytes == 2 * len(offsets[0]) else 24
    dump = tool("dump", folder)
    check(f"{name}: seen as old", dump[0]["old"])
    windows = rows(dump, "window")
    equal(f"{name}: number of windows", len(windows), len(offsets))
    for window, (start, end) in zip(windows, wanted):
        near = (math.isclose(window["start"], start, rel_tol=2.0**-bits) and
                math.isclose(window["end"], end, rel_tol=2.0**-bits))
        check(f"{name}: ({start}, {end}) as {n_bytes} bytes", near, window)
        equal(f"{name}: imprecise", window["imprecise"], bits == 11)
    equal(f"{name}: names", [w["recording"] for w in windows],
          (["/data/a.wav", "20230512"] * len(offsets))[:len(offsets)])
    equal(f"{name}: dataset", {w["deployment"] for w in windows}, {"birds"})
    equal(f"{name}: own labels",
          [("" if i % 2 else "-") + f"label{i}" in w["labels"]
           for i, w in enumerate(windows)], [True] * len(offsets))
    equal(f"{name}: nothing wrong", rows(dump, "problem"), [])


def check_hoplite0(folder):
    starts = [0.5, 3.1, 600.4, 60.0]
    pairs = [(s, s + 3) for s in starts]
    check_old(folder, "birdnet", pairs, pairs, {
        "birdnet_analyzer_settings": {"BANDPASS_FMIN": 0}})
    check_old(folder, "perch", [(s,) for s in starts],
              [(s, s + 2.5) for s in starts],
              {"model_config": {"model_config": {"window_size_s": 2.5}}})
    check_old(folder, "unknown", [(s,) for s in starts],
              [(s, s + 5) for s in starts], {})


def main():
    version = importlib.metadata.version("perch-hoplite")
    print(f"perch-hoplite {version}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if version.startswith("0."):
            check_hoplite0(folder)
        else:
            check_hoplite1(folder)
    print(f"{len(FAILURES)} failed")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    TOOL = sys.argv[1]
    sys.exit(main())
