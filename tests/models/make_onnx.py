#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the tiny ONNX models of the unit tests into tests/data/onnx.

Each has one of the shapes, types or layouts that real models come in, and
computes something that a test can compute, too. Those in hostile/ are models
that a program must refuse. The same bytes come out each time.

    pip install -r tests/models/requirements.txt
    tests/models/make_onnx.py [FOLDER]
"""
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

OPSET, IR = 13, 7  # what ONNX Runtime 1.14 and newer know
DIM = 4
rng = np.random.default_rng(3)


def const(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def model(nodes, inputs, outputs, weights=()):
    graph = h.make_graph(nodes, "test", inputs, outputs, list(weights))
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", OPSET)],
                        producer_name="akin tests")
    made.ir_version = IR
    return made


def value(name, shape, kind=T.FLOAT):
    return h.make_tensor_value_info(name, kind, shape)


def statistics(of, to, axes, keep_first=True):
    """Nodes: mean, mean size, mean square and maximum of a tensor over axes, as
    [batch, 4], or as [4] if there is no batch."""
    def reduce(op, source, name):
        return h.make_node(op, [source], [name], axes=axes, keepdims=0)
    at = 1 if keep_first else 0
    parts = ["s_mean", "s_abs", "s_square", "s_max"]
    nodes = [
        h.make_node("Abs", [of], ["size"]),
        h.make_node("Mul", [of, of], ["square"]),
        reduce("ReduceMean", of, "mean"),
        reduce("ReduceMean", "size", "mean_abs"),
        reduce("ReduceMean", "square", "mean_square"),
        reduce("ReduceMax", of, "max"),
    ]
    for source, part in zip(["mean", "mean_abs", "mean_square", "max"], parts):
        nodes.append(h.make_node("Unsqueeze", [source, "last"], [part]))
    nodes.append(h.make_node("Concat", parts, [to], axis=at))
    return nodes, [const("last", np.array([at], np.int64))]


def simple(name_in, shape, axes, kind=T.FLOAT, keep_first=True,
           name_out="embedding"):
    nodes, weights = statistics(name_in, name_out, axes, keep_first)
    out = [shape[0], DIM] if keep_first else [DIM]
    return model(nodes, [value(name_in, shape, kind)],
                 [value(name_out, out, kind)], weights)


def two_outputs(embedding_first):
    nodes, weights = statistics("input", "embeddings", [1])
    nodes.append(h.make_node("MatMul", ["embeddings", "head"], ["scores"]))
    nodes.append(h.make_node("Sigmoid", ["scores"], ["predictions"]))
    weights.append(const("head", rng.normal(size=(DIM, 3)).astype(np.float32)))
    outputs = [value("embeddings", ["batch", DIM]),
               value("predictions", ["batch", 3])]
    if not embedding_first:
        outputs.reverse()
    return model(nodes, [value("input", ["batch", "samples"])], outputs,
                 weights)


def birdnet(tail):
    """[B, 144000] -> 1024 means of 140 samples -> class scores, as BirdNET v2.4
    has it: the 1024 are no output, and no value_info names them."""
    wide, classes = 1024, 3
    head = rng.normal(size=(wide, classes)).astype(np.float32)
    bias = rng.normal(size=classes).astype(np.float32)
    nodes = [
        h.make_node("Slice", ["inputs", "from", "to", "axis"], ["used"]),
        h.make_node("Reshape", ["used", "parts"], ["folded"]),
        h.make_node("ReduceMean", ["folded"], ["GLOBAL_AVG_POOL/Mean"],
                    axes=[2], keepdims=0),
    ]
    weights = [const("from", np.array([0], np.int64)),
               const("to", np.array([wide * 140], np.int64)),
               const("axis", np.array([1], np.int64)),
               const("parts", np.array([0, wide, 140], np.int64)),
               const("bias", bias)]
    features = "GLOBAL_AVG_POOL/Mean"
    if tail == "gemm":
        weights.append(const("head", head.T.copy()))
        nodes.append(h.make_node("Gemm", [features, "head", "bias"],
                                 ["scores"], transB=1))
    else:  # as float16 weights that are widened, and a sigmoid behind
        weights.append(const("half", head.astype(np.float16)))
        nodes += [
            h.make_node("Cast", ["half"], ["head"], to=T.FLOAT),
            h.make_node("MatMul", [features, "head"], ["product"]),
            h.make_node("Add", ["bias", "product"], ["logits"]),
            h.make_node("Sigmoid", ["logits"], ["scores"]),
        ]
    return model(nodes, [value("inputs", ["batch", 144000])],
                 [value("scores", ["batch", classes])], weights)


def image_u8():
    nodes, weights = statistics("pixel", "embedding", [1, 2, 3])
    nodes.insert(0, h.make_node("Cast", ["image"], ["pixel"], to=T.FLOAT))
    return model(nodes, [value("image", [1, 8, 8, 3], T.UINT8)],
                 [value("embedding", [1, DIM])], weights)


def text(kind, masked, name, shape):
    """The sum of the rows of a table that the ids name; masked ones don't
    count. Row i is [i, 1, -i, i * i]."""
    ids = np.arange(32, dtype=np.float32)
    table = np.stack([ids, np.ones(32, np.float32), -ids, ids * ids], 1)
    nodes = [h.make_node("Gather", ["table", name], ["rows"])]
    inputs = [value(name, shape, kind)]
    weights = [const("table", table), const("one", np.array([1], np.int64)),
               const("two", np.array([2], np.int64))]
    rows = "rows"
    if masked:
        nodes += [
            h.make_node("Cast", ["attention_mask"], ["weight"], to=T.FLOAT),
            h.make_node("Unsqueeze", ["weight", "two"], ["weights"]),
            h.make_node("Mul", ["rows", "weights"], ["kept"]),
        ]
        inputs.append(value("attention_mask", shape, kind))
        rows = "kept"
    nodes.append(h.make_node("ReduceSum", [rows, "one"], ["embedding"],
                             keepdims=0))
    return model(nodes, inputs, [value("embedding", [shape[0], DIM])], weights)


def integers():
    """Outputs of the types that are no float."""
    nodes = [h.make_node("Cast", ["x"], ["as_i64"], to=T.INT64),
             h.make_node("Cast", ["x"], ["as_i32"], to=T.INT32),
             h.make_node("Cast", ["x"], ["as_u8"], to=T.UINT8),
             h.make_node("Cast", ["x"], ["as_f64"], to=T.DOUBLE),
             h.make_node("Cast", ["x"], ["as_text"], to=T.STRING),
             h.make_node("SequenceConstruct", ["x"], ["as_sequence"])]
    kinds = {"as_i64": T.INT64, "as_i32": T.INT32, "as_u8": T.UINT8,
             "as_f64": T.DOUBLE, "as_text": T.STRING}
    outputs = [value(n, ["n"], k) for n, k in kinds.items()]
    outputs.append(h.make_tensor_sequence_value_info("as_sequence", T.FLOAT,
                                                     ["n"]))
    return model(nodes, [value("x", ["n"])], outputs)


def slow():
    """Adds 1 as many times as `rounds` says."""
    body = h.make_graph(
        [h.make_node("Add", ["sum_in", "step"], ["sum_out"]),
         h.make_node("Identity", ["go_in"], ["go_out"])],
        "body",
        [value("i", [], T.INT64), value("go_in", [], T.BOOL),
         value("sum_in", [1])],
        [value("go_out", [], T.BOOL), value("sum_out", [1])])
    return model(
        [h.make_node("Loop", ["rounds", "go", "zero"], ["sum"], body=body)],
        [value("rounds", [], T.INT64)], [value("sum", [1])],
        [const("go", np.array(True)), const("zero", np.zeros(1, np.float32)),
         const("step", np.ones(1, np.float32))])


def keep_outside(tensor, location):
    """Says that a tensor's 16 bytes are in a file of that name."""
    tensor.ClearField("raw_data")
    tensor.data_location = T.EXTERNAL
    for key, text_value in [("location", location), ("offset", "0"),
                            ("length", "16")]:
        entry = tensor.external_data.add()
        entry.key, entry.value = key, text_value


def external(location):
    """-(x + a vector of 4 that is in another file)."""
    made = model([h.make_node("Add", ["x", "offset"], ["inner"]),
                  h.make_node("Neg", ["inner"], ["embedding"])],
                 [value("x", ["batch", DIM])],
                 [value("embedding", ["batch", DIM])],
                 [const("offset", np.arange(DIM, dtype=np.float32))])
    keep_outside(made.graph.initializer[0], location)
    return made


def external_nested(location):
    """The same in a constant of a branch of an If."""
    tensor = const("inner", np.arange(DIM, dtype=np.float32))
    keep_outside(tensor, location)
    branch = [h.make_graph([h.make_node("Constant", [], [name], value=tensor)],
                           name, [], [value(name, [DIM])])
              for name in ("a", "b")]
    return model([h.make_node("If", ["x"], ["embedding"],
                              then_branch=branch[0], else_branch=branch[1])],
                 [value("x", [], T.BOOL)], [value("embedding", [DIM])])


def wrong_dims():
    return model([h.make_node("MatMul", ["x", "w"], ["embedding"])],
                 [value("x", ["batch", 8])], [value("embedding", ["batch", 4])],
                 [const("w", np.ones((7, 4), np.float32))])


def huge_weights():
    tensor = const("w", np.ones(2, np.float32))
    del tensor.dims[:]
    tensor.dims.extend([1 << 40, 1 << 20])
    return model([h.make_node("MatMul", ["x", "w"], ["embedding"])],
                 [value("x", ["batch", 1 << 40])],
                 [value("embedding", ["batch", 1 << 20])], [tensor])


def huge_input():
    return simple("x", [1, 1 << 50], [1])


def huge_result():
    return model([h.make_node("ConstantOfShape", ["shape"], ["embedding"])],
                 [value("shape", [1], T.INT64)], [value("embedding", ["n"])])


def bad_name():
    return simple("x\x1b[31m", ["batch", "n"], [1])


def main():
    root = Path(__file__).resolve().parent.parent / "data" / "onnx"
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else root
    beside = "external.bin"
    good = {
        "wave_fixed": simple("input", [1, 480], [1]),
        "wave_dynamic": simple("samples", ["batch", "n"], [1]),
        "wave_1d": simple("x", ["n"], [0], keep_first=False),
        "wave_3d": simple("audio", ["batch", 1, "n"], [1, 2]),
        "wave_half": simple("input", ["batch", "n"], [1], T.FLOAT16),
        "wave_double": simple("input", ["batch", "n"], [1], T.DOUBLE),
        "mel_4d": simple("mel", ["batch", 1, 96, 64], [1, 2, 3]),
        "mel_3d": simple("mel", ["batch", 96, 64], [1, 2]),
        "two_outputs": two_outputs(True),
        "two_outputs_swapped": two_outputs(False),
        "birdnet_gemm": birdnet("gemm"),
        "birdnet_matmul": birdnet("matmul"),
        "image_nchw": simple("image", ["batch", 3, 8, 8], [1, 2, 3]),
        "image_nhwc": simple("image", ["batch", 8, 8, 3], [1, 2, 3]),
        "image_u8": image_u8(),
        "text_i32": text(T.INT32, False, "text", [1, 8]),
        "text_i64": text(T.INT64, False, "input_ids", ["batch", "length"]),
        "text_i64_mask": text(T.INT64, True, "input_ids",
                              ["batch", "length"]),
        "text_i32_mask": text(T.INT32, True, "input_ids", [1, 8]),
        "integers": integers(),
        "slow": slow(),
        "external": external(beside),
    }
    hostile = {
        "wrong_dims": wrong_dims(),
        "huge_weights": huge_weights(),
        "huge_input": huge_input(),
        "huge_result": huge_result(),
        "bad_name": bad_name(),
        "external_missing": external("nowhere.bin"),
        "external_parent": external("../external.bin"),
        "external_hidden_parent": external("a/../../external.bin"),
        "external_absolute": external("/etc/passwd"),
        "external_memory": external("*/_ORT_MEM_ADDR_/*"),
        "external_folder": external("."),
        "external_nested": external_nested("../external.bin"),
    }
    for folder, models in ((root, good), (root / "hostile", hostile)):
        folder.mkdir(parents=True, exist_ok=True)
        for name, made in models.items():
            data = made.SerializeToString(deterministic=True)
            assert len(data) < 20000, name
            (folder / f"{name}.onnx").write_bytes(data)
    for name in good:
        if name != "external":
            onnx.checker.check_model(str(root / f"{name}.onnx"))
    offsets = np.arange(DIM, dtype=np.float32)
    (root / beside).write_bytes(offsets.tobytes())


if __name__ == "__main__":
    main()
