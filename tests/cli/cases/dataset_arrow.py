# SPDX-License-Identifier: MIT
"""A table of a dataset out as Arrow, and into another table."""

import json
import pathlib
import subprocess

import png


def akin(*args, show=True):
    done = subprocess.run(["akin", *args], capture_output=True, text=True)
    if show:
        print("$ akin", *args)
        print(done.stdout + done.stderr + f"exit {done.returncode}")
    return done


def vectors(library, table):
    rows = json.loads(akin("dataset", "get", library, table, "--json",
                           show=False).stdout)["rows"]
    return {row["view_ref"]["id"]: row["vector"] for row in rows}


def make(library, colours):
    for i in range(colours):
        png.write(f"{library}-in/p{i}.png", 32, 32,
                  lambda x, y, i=i: (40 * i, 255 - 40 * i, 7 * x))
    akin("dataset", "import", f"{library}-in", f"lib/{library}", "-q",
         show=False)


make("one", 4)
make("two", 2)  # whose views have ids of their own
akin("dataset", "add-table", "lib/one", "--table", "emb", "-q")
akin("dataset", "compute", "lib/one", "--table", "emb", "-q")
akin("export", "lib/one", "emb.arrow", "--table", "emb")
akin("export", "lib/one", "emb.arrows", "--table", "emb", "--json", "-q")
akin("export", "lib/one", "emb.bin", "--table", "emb", "--to", "arrow", "-q")
print(pathlib.Path("emb.bin").read_bytes()[:6])

akin("import", "emb.arrow", "lib/one", "--table", "again", "--model", "tint")
akin("import", "emb.arrows", "lib/one", "--table", "again", "--model", "tint",
     "--json", "-q")
akin("import", "emb.arrows", "lib/one", "--table", "again", "--model", "tint",
     "--force")
print(vectors("lib/one", "again") == vectors("lib/one", "emb"))
akin("import", "emb.arrow", "lib/two", "--table", "emb", "--model", "tint",
     "--json")
akin("import", "emb.arrow", "vectors.db", "-q")  # a database takes them, too
print(json.loads(akin("info", "vectors.db", "--json",
                      show=False).stdout)["counts"]["windows"])

# ---- what cannot be -----------------------------------------------------------

akin("export", "lib/one", "emb.npy", "--table", "emb")
akin("export", "lib/one", "emb.arrow", "--table", "none")
akin("export", "vectors.db", "emb.arrow", "--table", "emb")
akin("import", "emb.arrow", "lib/one")
akin("import", "emb.arrow", "lib/one", "--table", "emb", "--tracks", "t.csv")
akin("import", "emb.arrow", "vectors.db", "--force")
akin("import", "nosuch.arrow", "lib/one", "--table", "emb")
pathlib.Path("broken.arrow").write_bytes(
    pathlib.Path("emb.arrow").read_bytes()[:-7])
akin("import", "broken.arrow", "lib/one", "--table", "broken")
print(sorted(str(path) for path in pathlib.Path("lib/one/tables").iterdir()))
