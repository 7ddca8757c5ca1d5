# SPDX-License-Identifier: MIT
"""Vectors into a database and out of it: npy, FAISS, Arrow, CSV, text."""

import json
import os
import pathlib
import subprocess

import npy


def akin(*args, show=True):
    done = subprocess.run(["akin", *args], capture_output=True, text=True)
    if show:
        print("$ akin", *args)
        print(done.stdout + done.stderr + f"exit {done.returncode}")
    return done


def answers(*args):
    done = akin("search", *args, "--json", show=False)
    assert done.returncode == 0, done.stderr
    return [(hit["recording"], round(hit["score"], 4))
            for hit in json.loads(done.stdout)["results"]]


# Numbers that float16 holds exactly.
vectors = [[1, 0, 0, 0.5], [0, 1, 0, 0.5], [0, 0, 1, 0.5], [1, 1, 0, 0]]
npy.write("vectors.npy", vectors)
npy.write("query.npy", [[1, 0.25, 0, 0]])
pathlib.Path("tracks.csv").write_text(
    "name,start,end\nlive/a.wav,0,3\nlive/a.wav,3,6\nb.wav,0,3\nc.wav,0,3\n")

akin("import", "vectors.npy", "songs.db", "--tracks", "tracks.csv", "--model",
     "my-model")
akin("import", "vectors.npy", "songs.db", "--tracks", "tracks.csv", "--model",
     "my-model", "--json", "-q")
akin("search", "songs.db", "--vector", "query.npy", "--quiet")
akin("search", "songs.db", "--window", "1", "--filter", "recording = 'live/*'",
     "--quiet")
akin("label", "songs.db", "--window", "2", "--label", "good")
info = json.loads(akin("info", "songs.db", "--json", show=False).stdout)
print(info["model"], info["counts"])
akin("verify", "songs.db")

# ---- out, and in again -----------------------------------------------------------

akin("export", "songs.db", "songs.npy")
print(npy.read("songs.npy") == vectors)
print(pathlib.Path("songs.npy.csv").read_text(), end="")
akin("import", "songs.npy", "again.db", "--tracks", "songs.npy.csv", "-q")
print(answers("again.db", "--vector", "query.npy")
      == answers("songs.db", "--vector", "query.npy"))
akin("export", "songs.db", "songs.faiss")
akin("export", "songs.db", "songs.index", "--to", "faiss", "--json")
print(pathlib.Path("songs.faiss").read_bytes()
      == pathlib.Path("songs.index").read_bytes())
akin("export", "songs.db", "songs.arrow")
akin("export", "songs.db", "songs.arrows", "--json")
for to, name in (("arrow", "songs.arrow"), ("arrow-stream", "songs.arrows")):
    akin("export", "songs.db", "songs.bin", "--to", to, "-q", show=False)
    print(pathlib.Path("songs.bin").read_bytes()
          == pathlib.Path(name).read_bytes())
akin("export", "songs.db", "songs.csv", "--to", "csv")
akin("export", "songs.db", "texts", "--to", "text")
print(sorted(str(path) for path in pathlib.Path("texts").rglob("*.txt")))
wanted = [score for _, score in answers("songs.db", "--vector", "query.npy")]
os.mkdir("folder")
for i, vector in enumerate(vectors):
    npy.write(f"folder/t{i}.npy", vector)
for source in ("songs.npy", "songs.faiss", "songs.csv", "songs.arrow",
               "songs.arrows", "songs.bin", "folder"):
    name = f"from-{source}.db"
    akin("import", source, name)
    found = answers(name, "--vector", "query.npy")
    print([score for _, score in found] == wanted, found[0][0])
info = json.loads(akin("info", "from-songs.arrow.db", "--json",
                       show=False).stdout)
print(info["model"], info["counts"])
akin("export", "from-songs.arrows.db", "back.arrow", show=False)
print(pathlib.Path("back.arrow").read_bytes()
      == pathlib.Path("songs.arrow").read_bytes())

# ---- what cannot be -----------------------------------------------------------

npy.write("wide.npy", [[1, 2, 3, 4, 5]])
akin("import", "wide.npy", "songs.db", "--model", "my-model")
akin("import", "vectors.npy", "songs.db", "--model", "another")
akin("import", "nosuch.npy", "songs.db")
pathlib.Path("short.csv").write_text("name\na.wav\n")
akin("import", "vectors.npy", "short.db", "--tracks", "short.csv")
pathlib.Path("broken.faiss").write_bytes(
    pathlib.Path("songs.faiss").read_bytes()[:-7])
akin("import", "broken.faiss", "broken.db")
pathlib.Path("broken.npy").write_bytes(b"\x93NUMPY\x01\x00")
akin("import", "broken.npy", "broken.db")
pathlib.Path("broken.arrow").write_bytes(
    pathlib.Path("songs.arrow").read_bytes()[:-7])
akin("import", "broken.arrow", "broken.db")
pathlib.Path("text.arrows").write_text("file_path,start,end,embedding\n")
akin("import", "text.arrows", "broken.db")
akin("import", "vectors.npy")
akin("export", "songs.db")
akin("export", "songs.db", "x.csv", "--to", "text")
akin("export", "nosuch.db", "x.npy")
print(sorted(name for name in os.listdir() if name.endswith(".db")))
