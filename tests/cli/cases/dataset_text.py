# SPDX-License-Identifier: MIT
"""Texts that look for pictures in a dataset, with the model that ships: of the ten
best of 1,000 test pictures of CIFAR-10, those of the class that the text names."""

import json
import os
import pathlib
import subprocess
import sys

REPO = pathlib.Path(os.environ["REPO"])
PICTURES = pathlib.Path(os.environ.get("AKIN_TEST_DATA",
                                       REPO / "../shared/data")) / "cifar10/test"
PER_CLASS = 100
LEAST, LEAST_MEAN = 0.7, 0.95

if not os.environ["RUNTIME"] or not PICTURES.is_dir():
    print("skipped: it takes ONNX Runtime and the pictures of CIFAR-10",
          file=sys.stderr)
    sys.exit(77)
os.environ["AKIN_ONNXRUNTIME"] = os.environ["RUNTIME"]
os.environ["AKIN_MODELS"] = str(REPO / "models")


def akin(*args):
    done = subprocess.run(["akin", *args, "--json"], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


classes = sorted(folder.name for folder in PICTURES.iterdir())
with open("metadata.jsonl", "w") as f:
    for name in classes:
        for picture in sorted((PICTURES / name).iterdir())[:PER_CLASS]:
            os.makedirs(f"pictures/{name}", exist_ok=True)
            copy = pathlib.Path("pictures") / name / picture.name
            copy.write_bytes(picture.read_bytes())
            f.write(json.dumps({"image": f"{name}/{picture.name}",
                                "kind": name}) + "\n")
print(akin("dataset", "import", "pictures", "lib/cifar", "-q", "--metadata",
           "metadata.jsonl")["items"], "items")
subprocess.run(["akin", "dataset", "add-table", "lib/cifar", "--table", "emb",
                "--model", "tiny-clip", "-q"], check=True)
print(akin("dataset", "compute", "lib/cifar", "--table", "emb",
           "-q")["embedded"], "embedded")


def search(*args):
    found = akin("search", "lib/cifar", "--table", "emb", "-n", "10", *args)
    return [hit["item"]["kind"] for hit in found["results"]]


precisions = {}
for name in classes:
    kinds = search("--text", f"a photo of a {name}")
    precisions[name] = kinds.count(name) / len(kinds)
print("P@10 of each class at least", LEAST, "and", LEAST_MEAN, "on average:",
      (min(precisions.values()) >= LEAST and
       sum(precisions.values()) / len(precisions) >= LEAST_MEAN) or precisions)
for name, precision in precisions.items():
    print(f"{name}: P@10 {precision:.1f}")
cat = classes[3]
print("where:", set(search("--text", f"a photo of a {cat}", "--where",
                           f"kind <> '{cat}'")) & {cat})
mixed = search("--text", f"a photo of a {cat}^0.5", "--not-text",
               f"a photo of a {cat}")
print("unlike:", cat in mixed)
done = akin("dataset", "tag", "lib/cifar", "--table", "emb", "-q", "--labels",
            ",".join(classes))
rows = akin("dataset", "get", "lib/cifar", "item")["rows"]
right = sum(row["tag"] == row["kind"] for row in rows) / len(rows)
print(done["tagged"], "tagged; the right tag for more than 60 %:", right > 0.6 or right)
print(all(0 < row["tag_score"] <= 1 for row in rows))
print("by tag:", len(akin("dataset", "get", "lib/cifar", "item", "--where",
                          "tag_score > 0")["rows"]))
