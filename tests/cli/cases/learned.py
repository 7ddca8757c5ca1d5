# SPDX-License-Identifier: MIT
"""Learned models, where ONNX Runtime is: a tiny one that scores three classes,
checked, used, and its classes shown."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

if not os.environ["RUNTIME"]:
    print("skipped: there is no ONNX Runtime here", file=sys.stderr)
    sys.exit(77)

SOUNDS = os.environ["SOUNDS"]
DATA = pathlib.Path(os.environ["REPO"]) / "tests/data"
os.environ["AKIN_ONNXRUNTIME"] = os.environ["RUNTIME"]
os.environ["AKIN_MODELS"] = f"{os.getcwd()}/models"


def akin(*args, show=True):
    done = subprocess.run(["akin", *args], capture_output=True, text=True)
    if show:
        print("$ akin", *args)
        print(done.stdout + done.stderr + f"exit {done.returncode}")
    return done


os.makedirs("models/three")
shutil.copy(DATA / "onnx/two_outputs.onnx", "models/three/wave.onnx")
pathlib.Path("models/three/labels.txt").write_text("hum\nhiss\nring\n")
pathlib.Path("models/three/model.json").write_text(json.dumps({
    "schema": 1, "name": "three", "modality": "sound", "dim": 4,
    "sound": {"model": "wave.onnx", "sample_rate": 8000, "window_seconds": 1,
              "embedding": {"name": "embeddings"},
              "scores": {"name": "predictions",
                         "labels": {"path": "labels.txt"}}}}))

# Times and tensors belong to the runtime's version: only the verdict is kept.
checked = akin("model", "check", "three", show=False)
print(checked.stdout.strip().split("\n")[-1], checked.returncode)
found = json.loads(akin("model", "check", "three", "--json",
                        show=False).stdout)
print(found["usable"], found["problems"],
      sorted({f["kind"] for f in found["findings"]} | {"warning"}))

akin("extract", "-q", "--model", "three", "--scores", "2", f"{SOUNDS}/birds",
     "three.db")
info = json.loads(akin("info", "three.db", "--json", show=False).stdout)
print(info["model"]["modality"], info["counts"]["scores"] ==
      2 * info["counts"]["windows"])
hit = json.loads(akin("search", "three.db", "--window", "1", "-n", "1",
                      "--json", show=False).stdout)["results"][0]
scores = [c["score"] for c in hit["classes"]]
print(len(scores), scores == sorted(scores, reverse=True),
      {c["name"] for c in hit["classes"]} <= {"hum", "hiss", "ring"})
table = akin("search", "three.db", "--window", "1", "-n", "1", show=False)
print(table.stdout.split("\n")[0].split())
csv = akin("search", "three.db", "--window", "1", "-n", "1", "--format", "csv",
           show=False)
print(csv.stdout.split("\n")[0].split(",")[-1],
      len(csv.stdout.split("\n")[1].split(",")[-1].split(";")))
akin("extract", "-q", "--model", "three", "--device", "gpu", SOUNDS, "x.db")

# Pictures by words; a model of sounds takes none.
shutil.copytree(DATA / "models/pictures", "models/pictures")
os.mkdir("in")
for name in ("rgb.png", "420.jpg", "grey.jpg"):
    shutil.copy(DATA / "image" / name, "in")
akin("extract", "--model", "pictures", "in", "pictures.db")
akin("search", "pictures.db", "--text", "two words", "-n", "2")
print(akin("search", "pictures.db", "--text", "two words", "-n", "1", "--json",
           "--quiet", show=False).stdout.split(', "mode"')[0])
akin("search", "three.db", "--text", "two words")
akin("model", "show", "models/pictures")

# A damaged graph, and one that is not as its card says.
pathlib.Path("models/three/wave.onnx").write_bytes(b"no graph")
akin("search", "three.db", "--window", "1", "-n", "1", "--quiet")
akin("search", "three.db", "--file", f"{SOUNDS}/call.wav")
print(akin("model", "check", "three", show=False).returncode)
