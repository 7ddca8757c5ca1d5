# SPDX-License-Identifier: MIT
"""The examples of the README that are marked for it run as they stand."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import npy
import sounds

SOUNDS = pathlib.Path(os.environ["SOUNDS"])
REPO = pathlib.Path(os.environ["REPO"])
README = REPO / "README.md"
if not os.environ["RUNTIME"]:
    print("skipped: some of the examples take ONNX Runtime", file=sys.stderr)
    sys.exit(77)

shutil.copytree(SOUNDS / "birds", "recordings")
shutil.copy(SOUNDS / "call.wav", "call.wav")
sounds.write_wav("more.wav", [(sounds.hiss, 40)])
os.mkdir("pictures")
for name in ("420.jpg", "444.jpg", "rgb.png", "lossy.webp", "film.mp4"):
    shutil.copy(REPO / "tests/data/image" / name, "pictures")
shutil.copy(REPO / "tests/data/image/422.jpg", "fox.jpg")
vectors = [[i % 7, i % 5, i, 1] for i in range(100)]
npy.write("vectors.npy", vectors)
npy.write("query.npy", [vectors[8]])
npy.write("new.npy", [[1, 2, 3, 4]])
pathlib.Path("new.csv").write_text("track_id\n100\n")
pathlib.Path("config.json").write_text(
    '{"paths": {"vector_file": "vectors.npy", "index_path": "index.faiss"}}')
os.environ["AKIN_ONNXRUNTIME"] = os.environ["RUNTIME"]
os.environ["AKIN_MODELS"] = str(REPO / "models")
blocks = re.findall(r"<!-- test.*?-->\n```sh\n(.*?)```", README.read_text(),
                    re.S)
print(len(blocks), "blocks")
for block in blocks:
    for line in re.sub(r"\\\n\s*", "", block).strip().split("\n"):
        done = subprocess.run(["bash", "-c", line], capture_output=True,
                              text=True)
        print(done.returncode, line)
        if done.returncode:
            print(done.stderr)
