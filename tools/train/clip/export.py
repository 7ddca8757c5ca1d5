# SPDX-License-Identifier: MIT
"""Writes the two towers as ONNX with the card that tells akin how to use them."""
import hashlib
import json
import re

import torch

import data
import towers

OPSET = 17
ABOUT = ("pictures and English text about them, for trying things out and for tests: knows CIFAR-10's ten classes "
         "(airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck) at 32x32 and little else. Trained "
         "on CIFAR-10, Alex Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009, and on "
         "captions made with WordNet 3.0, copyright Princeton University. For real work use OpenCLIP")


def export(tower, example, names, path):
    names_in, names_out = names
    torch.onnx.export(tower, example, str(path), opset_version=OPSET, input_names=[names_in],
                      output_names=[names_out], dynamic_axes={names_in: {0: "n"}, names_out: {0: "n"}})


def describe(path):
    content = path.read_bytes()
    return {"path": path.name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def tensor(name, kind, shape):
    return {"name": name, "type": kind, "shape": shape}


def card(folder):
    return {
        "schema": 1, "name": "tiny-clip", "version": "1", "licence": "MIT",
        "source": "https://www.cs.toronto.edu/~kriz/cifar.html", "about": ABOUT,
        "modality": "image", "dim": towers.DIM,
        "files": [describe(folder / "image.onnx"), describe(folder / "text.onnx")],
        "image": {
            "model": "image.onnx", "size": data.SIDE, "resize": "squash", "interpolation": "bicubic",
            "mean": list(data.MEAN), "std": list(data.STD), "layout": "NCHW",
            "input": tensor("pixel_values", "float32", [None, 3, data.SIDE, data.SIDE]),
            "embedding": tensor("image_embeds", "float32", [None, towers.DIM]), "batch": "dynamic",
        },
        "text": {
            "model": "text.onnx", "tokenizer": "bytes", "context": towers.CONTEXT, "pad": 0,
            "input": tensor("input_ids", "int64", [None, towers.CONTEXT]),
            "embedding": tensor("text_embeds", "float32", [None, towers.DIM]), "batch": "dynamic",
        },
    }


def export_model(image_tower, text_tower, folder):
    folder.mkdir(parents=True, exist_ok=True)
    # The examples' sizes matter for nothing but the axes that are not dynamic.
    pixels, ids = torch.zeros(2, 3, data.SIDE, data.SIDE), towers.encode(["a dog", "a cat"])
    image_tower = image_tower.to(memory_format=torch.contiguous_format).eval()
    export(image_tower, pixels, ("pixel_values", "image_embeds"), folder / "image.onnx")
    export(text_tower.eval(), ids, ("input_ids", "text_embeds"), folder / "text.onnx")
    text = json.dumps(card(folder), indent=2)
    text = re.sub(r"\[[^][{}]*\]", lambda a_list: re.sub(r"\s+", " ", a_list[0]), text)  # on one line
    text = text.replace("[ ", "[").replace(" ]", "]")
    (folder / "model.json").write_text(text + "\n", encoding="ascii")
