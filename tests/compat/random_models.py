# SPDX-License-Identifier: MIT
"""Models with random weights for check_models.py: small, but made of what real
ones are made of, and telling any two inputs well apart.

A random network gives all inputs nearly the same vector, and comparing such
vectors proves nothing. So the last layer here is set by what the network gives
for the inputs of the check: their vectors have mean 0 and spread evenly."""

import json

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET, IR = 13, 7


class Net:
    """A graph under construction; `x` is the tensor that was made last."""

    def __init__(self, seed, half=False):
        self.rng = np.random.default_rng(seed)
        self.float = np.float16 if half else np.float32
        self.type = TensorProto.FLOAT16 if half else TensorProto.FLOAT
        self.nodes, self.weights, self.x = [], [], "input"

    def const(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(self, kind, *inputs, to=None, **attributes):
        self.x = to or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [self.x],
                                           **attributes))
        return self.x

    def conv(self, n_in, n_out, kernel, stride):
        """A convolution along each of kernel's axes and a leaky ReLU."""
        n = n_in * int(np.prod(kernel))
        weights = self.rng.normal(0, (2 / n) ** 0.5, (n_out, n_in, *kernel))
        bias = self.rng.normal(0, 0.02, n_out)
        self.op("Conv", self.x, self.const(weights.astype(self.float)),
                self.const(bias.astype(self.float)), kernel_shape=kernel,
                strides=[stride] * len(kernel))
        self.op("LeakyRelu", self.x, alpha=0.1)

    def pool(self, axes):
        """Mean and mean size over axes, side by side."""
        x = self.x
        mean = self.op("ReduceMean", x, axes=axes, keepdims=0)
        size = self.op("ReduceMean", self.op("Abs", x), axes=axes, keepdims=0)
        self.op("Concat", mean, size, axis=1)

    def model(self, shape):
        """So far, with x as its only output."""
        graph = helper.make_graph(
            self.nodes, "random",
            [helper.make_tensor_value_info("input", self.type, shape)],
            [helper.make_tensor_value_info(self.x, self.type, None)],
            self.weights)
        made = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)])
        made.ir_version = IR
        return made

    def end(self, shape, items, dim, to="embedding"):
        """The last layer: the principal components of what comes of the items,
        of about equal size, turned at random."""
        given = run(session(self.model(shape)), items)
        mean = given.mean(0)
        _, size, parts = np.linalg.svd(given - mean, full_matrices=False)
        size = size / len(items) ** 0.5
        weights = (parts.T / (size + 0.03 * size[0])) @ self.rng.normal(
            0, len(size) ** -0.5, (len(size), dim))
        self.op("Gemm", self.x, self.const(weights.astype(self.float)),
                self.const((-mean @ weights).astype(self.float)), to=to)


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return onnxruntime.InferenceSession(data, options,
                                        providers=["CPUExecutionProvider"])


def run(made, items):
    """float32 [n, ...] -> float32 [n, dim], in the batches the graph takes;
    zeros fill up the last one of a fixed batch."""
    port = made.get_inputs()[0]
    fixed = port.shape[0] if isinstance(port.shape[0], int) else 0
    kind = np.float16 if "float16" in port.type else np.float32
    shape = [n if isinstance(n, int) else 1 for n in port.shape[1:]]
    vectors = []
    for i in range(0, len(items), fixed or 8):
        part = np.stack(items[i:i + (fixed or 8)]).reshape(-1, *shape)
        n = len(part)
        if fixed > n:
            part = np.concatenate([part, np.zeros((fixed - n, *shape))])
        vectors.append(made.run(None, {port.name: part.astype(kind)})[-1][:n])
    return np.concatenate(vectors).astype(np.float64)


# ---- the networks -----------------------------------------------------------


def wave(items, shape, dim=128, half=False, classes=0):
    """Convolutions over the samples; with classes, the embedding is an inner
    tensor and the output is what a classifier makes of it, as BirdNET has
    it."""
    net = Net(1, half)
    if len(shape) == 2:
        net.op("Unsqueeze", "input", net.const(np.array([1], np.int64)))
    gain = net.const(np.array(10, net.float))
    net.op("Mul", net.x, gain)
    n_in = 1
    for n_out, kernel, stride in ((24, 32, 4), (32, 16, 4), (48, 8, 4),
                                  (64, 8, 4), (64, 4, 2)):
        net.conv(n_in, n_out, [kernel], stride)
        n_in = n_out
    net.pool([2])
    net.end(shape, items, dim, to="embedding" if not classes else "inner")
    if classes:
        net.op("Gemm", "inner",
               net.const(net.rng.normal(0, 0.1, (dim, classes))
                         .astype(net.float)), to="logits")
    return net.model(shape)


def log_mel(items, shape, dim=128):
    net = Net(2)
    net.op("Unsqueeze", "input", net.const(np.array([1], np.int64)))
    for n_in, n_out in (1, 16), (16, 32), (32, 64):
        net.conv(n_in, n_out, [5, 5], 2)
    net.pool([2, 3])
    net.end(shape, items, dim)
    return net.model(shape)


def image(items, shape, dim, layout):
    """Patches, as a ViT begins, then what keeps their places apart."""
    net = Net(3)
    if layout == "NHWC":
        net.op("Transpose", "input", perm=[0, 3, 1, 2])
    net.conv(3, 48, [16, 16], 16)
    net.conv(48, 48, [1, 1], 1)
    net.conv(48, 16, [3, 3], 1)
    net.op("Flatten", net.x, axis=1)
    net.end(shape, items, dim)
    return net.model(shape)


def with_inner(model):
    """A copy that gives what enters the last Gemm as its last output."""
    copy = type(model)()
    copy.CopyFrom(model)
    inner = [n for n in copy.graph.node if n.op_type == "Gemm"][-1].input[0]
    copy.graph.output.append(helper.make_tensor_value_info(
        inner, TensorProto.FLOAT, None))
    return copy


def save(model, folder, card):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "model.json").write_text(json.dumps(card, indent=2),
                                       encoding="utf-8")
