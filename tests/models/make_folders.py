#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the tiny models of the unit tests into tests/data/models: folders with
a card, graphs and labels, each of another layout that real models come in. The
graphs compute what a test can compute, too; see make_onnx.py. The same bytes
come out each time.

    pip install -r tests/models/requirements.txt
    tests/models/make_folders.py [FOLDER]
"""
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

from make_onnx import DIM, const, model, simple, statistics, value

SAMPLES, CLASSES = 480, 3
HEAD = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)


def birds(factor):
    """The means of 8 parts of a window, times a factor, and as scores the first
    three and [0, 1, -1]; the means are no output."""
    parts = 8
    head = np.eye(CLASSES, parts, dtype=np.float32)
    nodes = [
        h.make_node("Reshape", ["inputs", "parts"], ["folded"]),
        h.make_node("ReduceMean", ["folded"], ["means"], axes=[2], keepdims=0),
        h.make_node("Mul", ["means", "factor"], ["POOL/Mean"]),
        h.make_node("Gemm", ["POOL/Mean", "head", "bias"], ["scores"],
                    transB=1),
    ]
    return model(nodes, [value("inputs", ["batch", SAMPLES])],
                 [value("scores", ["batch", CLASSES])],
                 [const("parts", np.array([0, parts, SAMPLES // parts],
                                          np.int64)),
                  const("factor", np.array([factor], np.float32)),
                  const("head", head),
                  const("bias", np.array([0, 1, -1], np.float32))])


def fours():
    """Always four windows; the statistics as [4, 1, 4], and logits that are the
    first three of them."""
    nodes, weights = statistics("windows", "flat", [1])
    nodes += [h.make_node("MatMul", ["flat", "head"], ["logits"]),
              h.make_node("Unsqueeze", ["flat", "last"], ["features"])]
    weights = [const("last", np.array([1], np.int64)), const("head", HEAD)]
    return model(nodes, [value("windows", [4, SAMPLES])],
                 [value("logits", [4, CLASSES]),
                  value("features", [4, 1, DIM])], weights)


def text(rows_only):
    """Row i of a table for each id i: [i, 1, -i, i * i]. Either these rows, or
    their sum over the tokens that the mask leaves."""
    ids = np.arange(129, dtype=np.float32)
    table = np.stack([ids, np.ones(129, np.float32), -ids, ids * ids], 1)
    if rows_only:
        return model([h.make_node("Gather", ["table", "ids"], ["rows"])],
                     [value("ids", [1, 8], T.INT32)],
                     [value("rows", [1, 8, DIM])], [const("table", table)])
    nodes = [
        h.make_node("Gather", ["table", "input_ids"], ["rows"]),
        h.make_node("Cast", ["attention_mask"], ["weight"], to=T.FLOAT),
        h.make_node("Unsqueeze", ["weight", "two"], ["weights"]),
        h.make_node("Mul", ["rows", "weights"], ["kept"]),
        h.make_node("ReduceSum", ["kept", "one"], ["text_embeds"], keepdims=0),
    ]
    shape = ["batch", "length"]
    return model(nodes, [value("input_ids", shape, T.INT64),
                         value("attention_mask", shape, T.INT64)],
                 [value("text_embeds", ["batch", DIM])],
                 [const("table", table), const("one", np.array([1], np.int64)),
                  const("two", np.array([2], np.int64))])


def pixels():
    nodes, weights = statistics("number", "embedding", [1, 2, 3])
    nodes.insert(0, h.make_node("Cast", ["image"], ["number"], to=T.FLOAT))
    return model(nodes, [value("image", [1, 8, 8, 3], T.UINT8)],
                 [value("embedding", [1, DIM])], weights)


def sound_card(name, rate=16000, dim=DIM, window=SAMPLES, **sound):
    return {"schema": 1, "name": name, "modality": "sound", "dim": dim,
            "sound": {"model": "sound.onnx", "sample_rate": rate,
                      "window_seconds": window / rate, **sound}}


def image_card(name, image, text_part):
    return {"schema": 1, "name": name, "modality": "image", "dim": DIM,
            "image": {"model": "image.onnx", "size": 8, **image},
            "text": {"model": "text.onnx", "tokenizer": "bytes", "context": 8,
                     **text_part}}


RULE = {"rule": "before-last-gemm"}
MEL = {"fft": 256, "window": 200, "hop": 80, "bands": 16, "frames": 10,
       "fmin": 100, "fmax": 4000, "log_offset": 0.01}
TABLE = "code;name;more\n1;Parus major;x\n2;\"Apus; \"\"apus\"\"\";y\n3;Rana;z\n"

FOLDERS = {
    "birds": {
        "model.json": sound_card(
            "birds", dim=8, embedding=RULE, version="2.4", licence="CC0",
            input={"type": "float32", "shape": [None, SAMPLES]},
            scores={"type": "float32", "shape": [None, CLASSES],
                    "activation": "sigmoid",
                    "labels": {"path": "labels.txt"}}),
        "sound.onnx": birds(1),
        "labels.txt": "Parus major_Great tit\r\nApus apus\nRana temporaria\n",
    },
    "constant": {
        "model.json": sound_card("constant", dim=8, embedding=RULE),
        "sound.onnx": birds(0),
    },
    "fours": {
        "model.json": sound_card(
            "fours", batch=4, normalize="peak", peak=0.25, mono="first",
            embedding={"name": "features"},
            scores={"name": "logits", "activation": "softmax",
                    "labels": {"path": "labels.csv", "delimiter": ";",
                               "header": True, "column": "name"}}),
        "sound.onnx": fours(),
        "labels.csv": TABLE,
    },
    "waves": {
        "model.json": sound_card("waves"),
        "sound.onnx": simple("x", [SAMPLES], [0], keep_first=False),
    },
    "halves": {
        "model.json": sound_card("halves"),
        "sound.onnx": simple("audio", ["batch", 1, SAMPLES], [1, 2],
                             T.FLOAT16),
    },
    "patches": {
        "model.json": sound_card(
            "patches", rate=8000, window=920,
            input={"kind": "log-mel", "type": "float32", "mel": MEL}),
        "sound.onnx": simple("mel", ["batch", 1, 10, 16], [1, 2, 3]),
    },
    "pictures": {
        "model.json": image_card("pictures", {"mean": 0.5, "std": 0.25}, {}),
        "image.onnx": simple("image", ["batch", 3, 8, 8], [1, 2, 3],
                             name_out="image_embeds"),
        "text.onnx": text(False),
    },
    "pixels": {
        "model.json": image_card(
            "pixels",
            {"mean": 0, "std": 1, "scale": False, "layout": "NHWC",
             "resize": "squash", "interpolation": "nearest", "batch": 1},
            {"pooling": "end-token"}),
        "image.onnx": pixels(),
        "text.onnx": text(True),
    },
}


def main():
    root = Path(__file__).resolve().parent.parent / "data" / "models"
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else root
    for folder, files in FOLDERS.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            if isinstance(content, dict):
                content = json.dumps(content, indent=2) + "\n"
            if isinstance(content, str):
                data = content.encode()
            else:
                onnx.checker.check_model(content)
                data = content.SerializeToString(deterministic=True)
            assert len(data) < 8000, name
            (root / folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
