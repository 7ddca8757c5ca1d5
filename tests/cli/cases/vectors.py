# SPDX-License-Identifier: MIT
"""Vectors that a config.json names: create, search, put and remove with an
SQLite database, and what odd input is told."""

import json
import math
import os
import pathlib
import sqlite3
import subprocess

import npy

CONFIG = """{
    "database": {"engine": "sqlite", "database": "music.sqlite"},
    "paths": {
        "vector_file": "vectors.npy", // or a folder
        "index_path": "index/songs.index"
    },
    "faiss": {"dimension": 3, "index_type": "FlatL2"},
}
"""


def akin(*args, show=True):
    done = subprocess.run(["akin", *args], capture_output=True, text=True)
    if show:
        print("$ akin", *args)
        print(done.stdout + done.stderr + f"exit {done.returncode}")
    return done


def search(*args, config="config.json"):
    done = akin("search", "--config", config, *args, "--json", show=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def tracks(*args, config="config.json"):
    return [hit["track_id"]
            for hit in search(*args, config=config)["results"]]


def write_config(path, *changes):
    text = CONFIG
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    pathlib.Path(path).write_text(text)


def sql(text, *values, path="music.sqlite"):
    with sqlite3.connect(path) as db:
        rows = db.execute(text, values).fetchall()
    db.close()
    return rows


# ---- the job ------------------------------------------------------------------

# Ten points on a line, and a table of the user's about their tracks.
vectors = [[i, 0, 1] for i in range(10)]
ids = [574, 12, 3, 400, 5, 60, 7, 80, 9, 10]
npy.write("vectors.npy", vectors)
pathlib.Path("tracks.csv").write_text(
    "track_id\n" + "".join(f"{i}\n" for i in ids))
write_config("config.json")
sql("CREATE TABLE tracks (track_id BIGINT, title TEXT, rank INT)")
sql("CREATE TABLE artists (track_id BIGINT, name TEXT)")
for i in ids[:8]:
    sql("INSERT INTO tracks VALUES (?, ?, ?)", i, f"Song, {i}", i * 2)
sql("INSERT INTO artists VALUES (12, 'Émilie')")

akin("create", "--config", "config.json", "--tracks", "tracks.csv")
print(sorted(os.listdir("index")))
print(sql("SELECT * FROM vector_metadata ORDER BY 1 LIMIT 2"))
akin("search", "--config", "config.json", "--track", "574", "-n", "3")
akin("search", "--config", "config.json", "--track", "000574", "-n", "2",
     "--format", "csv", "--quiet")
npy.write("query.npy", [8.5, 0, 1])
akin("search", "--config", "config.json", "--vector", "query.npy", "-n", "3")
found = search("--vector", "query.npy", "-n", "1")
print({key: value for key, value in found.items() if key != "took_ms"})
npy.write("queries.npy", [[0, 0, 1], [9, 0, 1]])
akin("search", "--config", "config.json", "--vector", "queries.npy", "-n", "2")
akin("search", "--config", "config.json", "--vector", "queries.npy", "-n", "1",
     "--format", "csv", "--quiet")
print([(hit["query"], hit["rank"], hit["vector_id"])
       for hit in search("--vector", "queries.npy", "-n", "2")["results"]])

os.environ["COLUMNS"] = "60"
sql("UPDATE tracks SET title = ? WHERE track_id = 3", "é" * 40)
akin("search", "--config", "config.json", "--track", "574", "-n", "2", "--quiet")
del os.environ["COLUMNS"]
for i in range(6):
    sql(f"ALTER TABLE tracks ADD COLUMN column_{i} INT DEFAULT 7")
akin("search", "--config", "config.json", "--track", "574", "-n", "1")

npy.write("new.npy", [[0.25, 0, 1], [20, 0, 1]])
pathlib.Path("new.csv").write_text("track_id\n12\n1000\n")
akin("put", "--config", "config.json", "new.npy", "--tracks", "new.csv")
print(tracks("--track", "574", "-n", "2"), tracks("--track", "1000", "-n", "1"))
akin("put", "--config", "config.json", "new.npy", "--tracks", "new.csv",
     "--json", "--quiet")
akin("remove", "--config", "config.json", "574", "1000")
akin("remove", "--config", "config.json", "574", "--json")
print(tracks("--track", "12", "-n", "2"), sql(
    "SELECT vector_id, track_id FROM vector_metadata ORDER BY 1 LIMIT 3"))

# ---- other kinds of index and of vectors ----------------------------------------

os.makedirs("folder/b")
for name, value in (("000574", 1), ("12", 2), ("b/intro", 3)):
    npy.write(f"folder/{name}.npy", [value, 0, 1])
many = [[math.cos(i), math.sin(i), i % 10] for i in range(400)]
npy.write("many.npy", many)
write_config("folder.json", ('"vectors.npy"', '"folder"'),
             ("music.sqlite", "folder.sqlite"), ("songs.index", "folder.index"))
akin("create", "--config", "folder.json", "-q")
print(sql("SELECT vector_id, track_id FROM vector_metadata ORDER BY 1",
          path="folder.sqlite"))
akin("search", "--config", "folder.json", "--track", "intro")
points = {i: vector for i, vector in enumerate(many)}
points |= {1000: [1, 0, 3], 7: [1, -0.25, 3.25]}
for track in (3, 5, 399):
    del points[track]
asked = [1, -0.0625, 3]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


nearest = {
    "l2sq": lambda v: sum((x - y) ** 2 for x, y in zip(v, asked)),
    "dot": lambda v: -dot(v, asked),
    "cosine": lambda v: -dot(v, asked) / math.sqrt(dot(v, v)),
}
for metric, key in nearest.items():
    nearest[metric] = sorted(points, key=lambda track: key(points[track]))[:6]
npy.write("change.npy", [points[1000], points[7]])
pathlib.Path("change.csv").write_text("track_id\n1000\n7\n")
npy.write("near.npy", asked)
for kind, most in (("IVFFlat", "--recall=1"), ("IVF4,Flat", "--nprobe=4"),
                   ("HNSW8", "--ef=400"), ("IDMap,HNSW8", "--ef=400"),
                   ("IDMap2,IVF4,SQ8", "--nprobe=4"), ("SQ8", None),
                   ("Flat", None), ("Cosine", None), ("FlatIP", None)):
    config = f"{kind.replace(',', '-')}.json"
    write_config(config, ('"vectors.npy"', '"many.npy"'),
                 ('"FlatL2"', f'"{kind}"'),
                 ("songs.index", config.replace("json", "index")),
                 ("music.sqlite", config.replace("json", "sqlite")))
    for line in (["create"], ["put", "change.npy", "--tracks", "change.csv"],
                 ["remove", "3", "5", "399", "1001"]):
        done = akin(*line, "--config", config, "-q", show=False)
        assert done.returncode == 0, done.stderr
    more = [most] if most else []
    found = search("--vector", "near.npy", "-n", "6", *more, config=config)
    order = [int(hit["track_id"]) for hit in found["results"]]
    print(kind, found["metric"], [*(found["effort"] or {})],
          order == nearest[found["metric"]] or order,
          len(search("--track", "8", "-n", "999", *more,
                     config=config)["results"]))
akin("search", "--config", "IVFFlat.json", "--track", "7", "-n", "1",
     "--nprobe", "4")
akin("search", "--config", "IVFFlat.json", "--track", "7", "--ef", "9")
akin("search", "--config", "HNSW8.json", "--track", "7", "-n", "1", "--ef",
     "100")
akin("search", "--config", "config.json", "--track", "12", "--nprobe", "2")
report = json.loads(akin("create", "--config", "config.json", "--vectors",
                         "many.npy", "--json", "-q", show=False).stdout)
print(sorted(report), report["vectors"], report["dim"], report["index"])

# ---- what cannot be -----------------------------------------------------------

here = ("--config", "config.json")
assert akin("create", *here, "-q", "--tracks", "tracks.csv",
            show=False).returncode == 0
akin("search", *here, "--track", "12", "-n", "100", "--format", "csv")
akin("search", *here, "--track", "12", "-n", "0")
akin("search", *here, "--track", "nosuch")
npy.write("wide.npy", [1, 2, 3, 4])
akin("search", *here, "--vector", "wide.npy")
npy.write("nan.npy", [[1, 2, 3], [1, math.nan, 3]])
akin("search", *here, "--vector", "nan.npy")
akin("search", *here, "--vector", "nosuch.npy")
akin("create", *here, "--vectors", "nan.npy")
akin("create", *here, "--vectors", "wide.npy")
akin("create", *here, "--vectors", "nosuch.npy")
akin("create", "--config", "nosuch.json")
pathlib.Path("twice.csv").write_text("track_id\n" + "1\n" * 10)
write_config("twice.json", ("music.sqlite", "twice.sqlite"),
             ("songs.index", "twice.index"))
done = akin("create", "--config", "twice.json", "--tracks", "twice.csv",
            show=False)
print("a track with several vectors:", done.returncode)
pathlib.Path("short.csv").write_text("track_id\n1\n")
akin("create", *here, "--tracks", "short.csv")
write_config("kind.json", ("FlatL2", "PQ16"))
akin("create", "--config", "kind.json")
write_config("unknown.json", ('"faiss"', '"comment": 1, "faiss"'),
             ("music.sqlite", "other.sqlite"), ("songs", "other"))
akin("search", "--config", "unknown.json", "--track", "1")
pathlib.Path("broken.json").write_text("{\n  paths: 1}")
akin("create", "--config", "broken.json")
akin("put", *here, "new.npy")
npy.write("one.npy", [[1, 2, 3, 4]])
pathlib.Path("one.csv").write_text("track_id\n1\n")
akin("put", *here, "one.npy", "--tracks", "one.csv")
print("as it was:", tracks("--track", "574", "-n", "2"))

# A table as pandas writes it, without akin's journal, and then with a gap.
foreign = "sub/v.index.sqlite"
pathlib.Path("foreign.json").write_text(
    '{"paths": {"vector_file": "queries.npy", "index_path": "sub/v.index"}}')
akin("create", "--config", "foreign.json", "-q", show=False)
for text in ("DROP TABLE akin_vector_state", "DROP TABLE vector_metadata",
             "CREATE TABLE vector_metadata (vector_id BIGINT, track_id BIGINT, "
             "vector_dimensions BIGINT, faiss_index TEXT)",
             "INSERT INTO vector_metadata VALUES (0, 5, 3, 'FlatL2'), "
             "(1, 6, 3, 'FlatL2')"):
    sql(text, path=foreign)
print("foreign:", tracks("--track", "5", config="foreign.json"))
sql("DELETE FROM vector_metadata WHERE track_id = 6", path=foreign)
akin("search", "--config", "foreign.json", "--track", "5")
akin("remove", "--config", "foreign.json", "5")
akin("create", "--config", "foreign.json", "-q")
akin("remove", "--config", "foreign.json", "0", "1")
akin("search", "--config", "foreign.json", "--vector", "query.npy")

pathlib.Path("index/songs.index").write_bytes(b"IxF2 and no more")
akin("search", *here, "--track", "574")
os.remove("index/songs.index")
akin("search", *here, "--track", "574")
os.remove("music.sqlite")
akin("search", *here, "--track", "574")

# ---- misuse -------------------------------------------------------------------

for line in ("create", "create --config c x.npy", "put --config c",
             "put x.npy", "remove --config c", "remove 574",
             "search --config c", "search --config c --track 1 --vector q.npy",
             "search --config c songs.db --track 1",
             "search --config c --file x.wav",
             "search --config c --track 1 --filter x",
             "search --config c --track 1 --exact",
             "search --config c --track 1 --nprobe 2 --ef 3",
             "search --config c --track 1 --recall 2",
             "search songs.db --track 1", "search songs.db --window 1 --ef 9"):
    done = akin(*line.split(), show=False)
    print(done.returncode, line, "|", done.stderr.splitlines()[0])
