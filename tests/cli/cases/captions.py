# SPDX-License-Identifier: MIT
"""Text search over real pictures with the model that ships: the captions of
tests/models/captions.json against the first 200 test pictures of each class of
CIFAR-10. Of the ten best pictures, those of a class that the caption means."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

REPO = pathlib.Path(os.environ["REPO"])
PICTURES = pathlib.Path(os.environ.get("AKIN_TEST_DATA",
                                       REPO / "../shared/data")) / "cifar10/test"
PER_CLASS = 200
# Written before the training; another file would be another test.
SHA256 = "fa7c36a81228eeee0653db20fc8fb99f9173c4bececf3987055585134c7b17e3"
GOALS = {"names": 0.95, "free": 0.8}

if not os.environ["RUNTIME"] or not PICTURES.is_dir():
    print("skipped: it takes ONNX Runtime and the pictures of CIFAR-10",
          file=sys.stderr)
    sys.exit(77)
os.environ["AKIN_ONNXRUNTIME"] = os.environ["RUNTIME"]
os.environ["AKIN_MODELS"] = str(REPO / "models")

text = (REPO / "tests/models/captions.json").read_bytes()
print("captions as written:", hashlib.sha256(text).hexdigest() == SHA256)

for folder in sorted(PICTURES.iterdir()):
    os.makedirs(f"pictures/{folder.name}")
    for picture in sorted(folder.iterdir())[:PER_CLASS]:
        os.symlink(picture.resolve(), f"pictures/{folder.name}/{picture.name}")
subprocess.run(["akin", "extract", "-q", "--model", "tiny-clip", "pictures",
                "pictures.db"], check=True)


def precision(caption):
    """Of the ten best, how many are meant."""
    found = subprocess.run(["akin", "search", "pictures.db", "--text",
                            caption["text"], "-n", "10", "--json"],
                           capture_output=True, text=True, check=True)
    hits = json.loads(found.stdout)["results"]
    return sum(pathlib.PurePath(hit["recording"]).parts[-2]
               in caption["classes"] for hit in hits) / len(hits)


for name, captions in json.loads(text).items():
    if name not in GOALS:
        continue
    values = [precision(caption) for caption in captions]
    mean = sum(values) / len(values)
    print(f"{name}: {len(values)} captions, P@10 at least {GOALS[name]}:",
          mean >= GOALS[name] or f"{mean:.3f}")
