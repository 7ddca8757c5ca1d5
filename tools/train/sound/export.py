# SPDX-License-Identifier: MIT
"""Writes models/esc-net: the network as ONNX, its labels and its card, and checks that they say the same."""
import hashlib
import json
import os
import re
import shutil

import numpy as np
import onnx
import onnxruntime
import torch

import features
from network import DIM
from train import embed

FOLDER = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../models/esc-net"))
ABOUT = ("ten everyday sounds: dog bark, rain, sea waves, baby cry, clock tick, sneeze, helicopter, chainsaw, "
         "rooster, fire. A small example, trained on the 400 clips of ESC-10; for real work take BirdNET or Perch. "
         "Derived from ESC-10 by K. J. Piczak (CC-BY-3.0), whose clips are of Freesound (CC0, CC-BY, two "
         "CC-Sampling+), credited in ATTRIBUTION.txt")


def write_graph(net, path):
    example = torch.zeros(2, features.FRAMES, features.BANDS)
    torch.onnx.export(net, example, path, opset_version=17, input_names=["input"],
                      output_names=["embedding", "scores"],
                      dynamic_axes={name: {0: "n"} for name in ("input", "embedding", "scores")})
    onnx.checker.check_model(path, full_check=True)


def check_graph(net, path, patches):
    """The largest difference of a vector or a score between ONNX Runtime and torch, in batches of 1 and more."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = embed(net, patches)
    worst = [0.0, 0.0]
    for at, n in ((0, 1), (1, 7), (8, 64), (0, len(patches))):
        got = session.run(["embedding", "scores"], {"input": patches[at:at + n]})
        worst = [max(x, np.abs(g - v[at:at + n]).max()) for x, g, v in zip(worst, got, wanted)]
    assert max(worst) < 1e-5, worst
    return worst


def describe(path):
    with open(path, "rb") as file:
        content = file.read()
    return {"path": os.path.basename(path), "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def card(files, n_classes):
    mel = {"fft": features.FFT, "window": features.WINDOW, "hop": features.HOP, "bands": features.BANDS,
           "frames": features.FRAMES, "fmin": int(features.FMIN_HZ), "fmax": int(features.FMAX_HZ),
           "log_offset": features.LOG_OFFSET, "scale": "htk", "spectrum": "magnitude"}
    sound = {"model": files[0]["path"], "sample_rate": features.RATE_HZ, "window_seconds": features.WINDOW_S,
             "mono": "average", "normalize": "none",
             "input": {"name": "input", "kind": "log-mel", "type": "float32",
                       "shape": [None, features.FRAMES, features.BANDS], "mel": mel},
             "embedding": {"name": "embedding", "type": "float32", "shape": [None, DIM]},
             "scores": {"name": "scores", "type": "float32", "shape": [None, n_classes], "activation": "softmax",
                        "labels": {"path": files[1]["path"]}},
             "batch": "dynamic"}
    return {"schema": 1, "name": "esc-net", "version": "1", "licence": "CC-BY-3.0",
            "source": "https://github.com/karoldvl/ESC-10", "about": ABOUT, "modality": "sound", "dim": DIM,
            "files": files, "sound": sound}


def write_json(value, path):
    """Lists of numbers and null stay on one line, as in the cards written by hand."""
    text = json.dumps(value, indent=2)
    text = re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)
    with open(path, "w") as file:
        file.write(text + "\n")


def write(data, net, patches, root):
    os.makedirs(FOLDER, exist_ok=True)
    names = "esc-net.onnx", "labels.txt", "ATTRIBUTION.txt"
    graph, labels, credits = (os.path.join(FOLDER, name) for name in names)
    write_graph(net, graph)
    with open(labels, "w") as file:
        file.writelines(f"{name}\n" for name in data["classes"])
    shutil.copyfile(os.path.join(root, "ATTRIBUTION.txt"), credits)
    files = [describe(path) for path in (graph, labels, credits)]
    write_json(card(files, len(data["classes"])), os.path.join(FOLDER, "model.json"))
    vectors, scores = check_graph(net, graph, patches)
    print(f"{graph}: {os.path.getsize(graph)} bytes; from torch differ vectors by {vectors:.1e}, "
          f"scores by {scores:.1e}")
