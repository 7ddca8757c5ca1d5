# SPDX-License-Identifier: MIT
"""A dataset from a folder of pictures to answers: import, tables, compute, get,
search, duplicates, and all of it again."""

import json
import os
import pathlib
import subprocess

import npy
import png


def akin(*args, show=True):
    done = subprocess.run(["akin", *args], capture_output=True, text=True)
    if show:
        print("$ akin", *args)
        print(done.stdout + done.stderr + f"exit {done.returncode}")
    return done


def answers(*args):
    done = akin("search", "lib/shapes", "--table", "emb", *args, "--json",
                show=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return [hit["item"]["id"] for hit in found["results"]], found


def stripes(hue, width):
    def pixel(x, y):
        on = (x // width) % 2 == 0
        return tuple(int((220 if on else 60) * part) for part in hue)
    return pixel


HUES = {"red": (1, 0.1, 0.1), "green": (0.1, 1, 0.1), "blue": (0.1, 0.1, 1)}
rows = {"train": [], "test": []}
for split in rows:
    for colour, hue in HUES.items():
        for width in (3, 8):
            name = f"{colour}{width}"
            png.write(f"in/{split}/{name}.png", 48, 32, stripes(hue, width))
            rows[split].append({"id": f"{split}-{name}", "image": f"{name}.png",
                                "colour": colour, "width": width})
png.write("in/train/side.png", 40, 40, stripes((1, 1, 0.2), 2))
rows["train"][0] = {"id": "train-red3",
                    "views": {"image": "red3.png", "side": "side.png"},
                    "colour": "red", "width": 3, "note": None}
for split, lines in rows.items():
    pathlib.Path(f"in/{split}/metadata.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in lines))

akin("dataset", "import", "in", "lib/shapes", "--id", "shapes", "--description",
     "stripes")
akin("dataset", "import", "in", "lib/shapes")
akin("dataset", "list", "lib")
akin("dataset", "add-table", "lib/shapes", "--table", "emb")
akin("dataset", "add-table", "lib/shapes", "--table", "emb")
akin("dataset", "add-table", "lib/shapes", "--table", "emb", "--exist-ok")
akin("dataset", "add-table", "lib/shapes", "--table", "a/b")
akin("search", "lib/shapes", "--table", "emb", "--file", "in/test/red8.png")
akin("dataset", "compute", "lib/shapes", "--table", "emb", "-q")
print(json.loads(akin("dataset", "compute", "lib/shapes", "--table", "emb",
                      "--json", "-q", show=False).stdout)["skipped"],
      "views are there already")
akin("dataset", "list", "lib/shapes")
akin("info", "lib/shapes/tables/emb")

# ---- rows -------------------------------------------------------------------

akin("dataset", "get", "lib/shapes", "item", "--where",
     "colour = 'red' and (width > 3 or split = 'test')", "--sort", "id")
got = json.loads(akin("dataset", "get", "lib/shapes", "side", "--json",
                      show=False).stdout)["rows"]
print([(row["item_ref"], row["url"], row["width"], row["format"])
       for row in got])
got = json.loads(akin("dataset", "get", "lib/shapes", "emb", "--limit", "2",
                      "--json", show=False).stdout)["rows"]
print([sorted(row) for row in got], got[0]["shape"] == [len(got[0]["vector"])])
npy.write("query.npy", [got[0]["vector"]])
akin("dataset", "get", "lib/shapes", "item", "--where", "color = 'red'")
akin("dataset", "get", "lib/shapes", "item", "--where", "width > > 3")
akin("dataset", "get", "lib/shapes", "items")

# ---- answers ----------------------------------------------------------------

akin("search", "lib/shapes", "--table", "emb", "--file", "in/test/red8.png",
     "-n", "3", "--quiet")
ids, found = answers("--file", "in/test/red8.png", "-n", "12")
print(len(ids), found["total"], found["total_matching"], found["model"])
print(set(ids[:2]) == {"test-red8", "train-red8"})
first = [hit for hit in found["results"]][0]
print(abs(first["distance"] - (2 - 2 * first["similarity"])) < 1e-6,
      sorted(first))
pages = sum((answers("--file", "in/test/red8.png", "-n", "5", "--skip",
                     str(skip))[0] for skip in (0, 5, 10)), [])
print("pages:", pages == ids)
print("item:", answers("--item", "test-red8", "-n", "1")[0])
print("not itself:", "test-red8" in answers("--item", "test-red8", "-n", "99")[0])
print("where:", answers("--item", "test-red8", "--where",
                        "colour <> 'red' and width = 8", "-n", "4")[0])
print("unlike:", answers("--file", "in/test/red8.png", "--not-file",
                         "in/test/red8.png^2", "-n", "1")[0][0].endswith("red8"))
print("vector:", answers("--vector", "query.npy", "-n", "1")[0] ==
      [got[0]["item_ref"]["id"]])
side = answers("--file", "in/train/side.png", "-n", "1")[1]["results"][0]
print("best view:", side["item"]["id"], side["view"])
print("threshold:", answers("--file", "in/test/red8.png", "--min-similarity",
                            "0.9999")[0])
akin("search", "lib/shapes", "--table", "emb", "--text", "red")
akin("search", "lib/shapes", "--table", "none", "--file", "in/test/red8.png")
akin("search", "lib/shapes", "--table", "emb", "--item", "nobody")
akin("search", "lib/shapes", "--table", "emb")
akin("search", "lib/shapes", "--table", "emb", "--filter", "id = 1")
akin("search", "lib/shapes", "--where", "width = 3")
akin("search", "lib/none", "--table", "emb", "--item", "x")
groups = json.loads(akin("dataset", "duplicates", "lib/shapes", "--table", "emb",
                         "--threshold", "0.9999", "--json", "-q",
                         show=False).stdout)["groups"]
print([[view["item"] for view in group] for group in groups])
akin("dataset", "tag", "lib/shapes", "--table", "emb", "--labels", "a,b")

# ---- what changes -----------------------------------------------------------

png.write("in/test/green8.png", 48, 32, stripes(HUES["blue"], 8))
os.utime("in/test/green8.png", (1700000000, 1700000000))
pathlib.Path("in/test/broken.png").write_bytes(b"no picture")
with open("in/test/metadata.jsonl", "a") as f:
    f.write(json.dumps({"id": "test-broken", "image": "broken.png"}) + "\n")
    f.write("{no json\n")
akin("dataset", "import", "in", "lib/shapes")
print(json.loads(akin("dataset", "compute", "lib/shapes", "--table", "emb",
                      "--json", "-q", show=False).stdout)["embedded"],
      "embedded again")
print("changed:", answers("--file", "in/train/blue8.png", "-n", "3")[0])
akin("dataset", "remove", "lib/shapes", "--id", "test-green8",
     "--id", "nobody")
print("removed:", answers("--file", "in/train/blue8.png", "-n", "99")[1]["total"])
akin("dataset", "drop-table", "lib/shapes", "--table", "emb")
akin("dataset", "list", "lib/shapes")
akin("dataset")
akin("dataset", "wrong")
