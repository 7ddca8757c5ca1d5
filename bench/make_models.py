#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes two models with random weights, as large as those of real use, for
bench_models: what they compute means nothing, what it costs is right.

birdnet-sized: 3 s of 48 kHz -> two mel spectrograms by convolution (0 to 3 kHz,
0.5 to 15 kHz; 96 x 511) -> EfficientNet-B0 -> 1024 numbers; 5 million weights,
2.1 GFLOP. vit-b-32-sized: a picture of 224 x 224 -> CLIP's ViT-B/32 -> 512
numbers; 88 million weights, 8.8 GFLOP.

    pip install onnx    (or apt-get install python3-onnx)
    bench/make_models.py FOLDER

makes FOLDER/birdnet-sized and FOLDER/vit-b-32-sized, cards included."""
import json
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OPSET, IR = 17, 8
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]

# Width, depth, kernel, stride and expansion of EfficientNet-B0's stages.
B0 = [(16, 1, 3, 1, 1), (24, 2, 3, 2, 6), (40, 2, 5, 2, 6), (80, 3, 3, 2, 6),
      (112, 3, 5, 1, 6), (192, 4, 5, 2, 6), (320, 1, 3, 1, 6)]


class Graph:
    """Nodes and weights in the order in which they are asked for."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights, self.n = [], [], 0

    def name(self):
        self.n += 1
        return f"t{self.n}"

    def const(self, array):
        name = self.name()
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def random(self, *shape, n_in):
        values = self.rng.standard_normal(shape, np.float32)
        return self.const(values / np.float32(np.sqrt(n_in)))

    def op(self, kind, *inputs, to=None, **attributes):
        to = to or self.name()
        self.nodes.append(helper.make_node(kind, inputs, [to], **attributes))
        return to

    def save(self, path, source, shape, dim):
        def value(name, shape):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT,
                                                 ["batch", *shape])
        graph = helper.make_graph(self.nodes, "bench", [value(source, shape)],
                                  [value("embedding", [dim])], self.weights)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="akin bench")
        model.ir_version = IR
        path.write_bytes(model.SerializeToString())


# ---- sound ------------------------------------------------------------------


def mel_matrix(n_bands, bins_hz, low, high):
    """[bands, bins]"""
    def mel(hz):
        return 2595 * np.log10(1 + np.asarray(hz) / 700)
    edges = np.linspace(mel(low), mel(high), n_bands + 2)[:, None]
    at = mel(bins_hz)[None, :]
    rising = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def spectrogram(g, samples, fft, hop, low, high):
    """[n, 1, samples] -> [n, 1, 96, 511]; only the bins that a band needs."""
    bins = np.arange(int(low * fft / 48000), int(high * fft / 48000) + 2)
    turn = 2 * np.pi * bins[:, None] * np.arange(fft)[None, :] / fft
    window = np.hanning(fft)[None, :]
    waves = np.concatenate([np.cos(turn) * window, np.sin(turn) * window])
    kernel = g.const(waves[:, None, :].astype(np.float32))
    parts = g.op("Conv", samples, kernel, strides=[hop])
    squares = g.op("Mul", parts, parts)
    split = g.const(np.array([len(bins)] * 2, np.int64))
    real, imaginary = g.name(), g.name()
    g.nodes.append(helper.make_node("Split", [squares, split],
                                    [real, imaginary], axis=1))
    power = g.op("Add", real, imaginary)
    mel = g.const(mel_matrix(96, bins * 48000 / fft, low, high))
    bands = g.op("Sqrt", g.op("MatMul", mel, power))
    return g.op("Unsqueeze", bands, g.const(np.array([1], np.int64)))


def swish(g, x):
    return g.op("Mul", x, g.op("Sigmoid", x))


def conv(g, x, n_in, n_out, kernel=1, stride=1, group=1):
    """He's weights for what a swish passes on, so that values keep their
    size through the depth."""
    fan_in = n_in // group * kernel * kernel
    weights = g.random(n_out, n_in // group, kernel, kernel, n_in=fan_in / 2)
    bias = g.const(np.zeros(n_out, np.float32))
    return g.op("Conv", x, weights, bias, kernel_shape=[kernel, kernel],
                strides=[stride, stride], group=group,
                pads=[kernel // 2] * 4)


def squeeze(g, x, width, n_in):
    """Squeeze-and-excitation."""
    pooled = g.op("GlobalAveragePool", x)
    small = swish(g, conv(g, pooled, width, n_in // 4))
    return g.op("Mul", x, g.op("Sigmoid", conv(g, small, n_in // 4, width)))


def block(g, x, n_in, n_out, kernel, stride, expansion):
    width = n_in * expansion
    inner = x if expansion == 1 else swish(g, conv(g, x, n_in, width))
    inner = swish(g, conv(g, inner, width, width, kernel, stride, width))
    inner = conv(g, squeeze(g, inner, width, n_in), width, n_out)
    return g.op("Add", x, inner) if stride == 1 and n_in == n_out else inner


def birdnet_sized(path):
    g = Graph(1)
    samples = g.op("Unsqueeze", "input", g.const(np.array([1], np.int64)))
    x = g.op("Concat", spectrogram(g, samples, 2048, 278, 0, 3000),
             spectrogram(g, samples, 1024, 280, 500, 15000), axis=1)
    x = swish(g, conv(g, x, 2, 32, 3, 2))
    n_in = 32
    for width, depth, kernel, stride, expansion in B0:
        for i in range(depth):
            x = block(g, x, n_in, width, kernel, stride if i == 0 else 1,
                      expansion)
            n_in = width
    x = g.op("GlobalAveragePool", swish(g, conv(g, x, n_in, 1024)))
    g.op("Flatten", x, to="embedding", axis=1)
    g.save(path, "input", [144000], 1024)


# ---- pictures ---------------------------------------------------------------


class Vit:
    """The image tower of CLIP."""

    side, patch, width, depth, heads, dim = 224, 32, 768, 12, 12, 512

    def __init__(self):
        self.g = Graph(2)
        self.n = (self.side // self.patch) ** 2 + 1

    def shape(self, *lengths):
        return self.g.const(np.array(lengths, np.int64))

    def norm(self, x):
        ones = self.g.const(np.ones(self.width, np.float32))
        zeros = self.g.const(np.zeros(self.width, np.float32))
        return self.g.op("LayerNormalization", x, ones, zeros, axis=-1)

    def linear(self, x, n_in, n_out):
        product = self.g.op("MatMul", x, self.g.random(n_in, n_out, n_in=n_in))
        return self.g.op("Add", product,
                         self.g.const(np.zeros(n_out, np.float32)))

    def head(self, x, turned):
        """[n, 50, 768] -> [n, 12, 50, 64], or [n, 12, 64, 50]."""
        rows = self.shape(0, self.n, self.heads, self.width // self.heads)
        return self.g.op("Transpose", self.g.op("Reshape", x, rows),
                         perm=[0, 2, 3, 1] if turned else [0, 2, 1, 3])

    def attention(self, x):
        g, width = self.g, self.width
        query, key, value = (self.linear(x, width, width) for _ in range(3))
        scores = g.op("MatMul", self.head(query, False), self.head(key, True))
        scale = g.const(np.float32((width // self.heads) ** -0.5))
        weights = g.op("Softmax", g.op("Mul", scores, scale), axis=-1)
        mixed = g.op("Transpose", g.op("MatMul", weights,
                                       self.head(value, False)),
                     perm=[0, 2, 1, 3])
        flat = g.op("Reshape", mixed, self.shape(0, self.n, width))
        return self.linear(flat, width, width)

    def gelu(self, x):
        g = self.g
        half, one, root = (g.const(np.float32(v)) for v in (0.5, 1, 2 ** 0.5))
        error = g.op("Erf", g.op("Div", x, root))
        return g.op("Mul", g.op("Mul", x, g.op("Add", error, one)), half)

    def tokens(self, x):
        """[n, 3, 224, 224] -> [n, 50, 768]: the class token and the patches."""
        g, patch, width = self.g, self.patch, self.width
        kernel = g.random(width, 3, patch, patch, n_in=3 * patch * patch)
        x = g.op("Conv", x, kernel, strides=[patch, patch],
                 kernel_shape=[patch, patch])
        x = g.op("Reshape", x, self.shape(0, width, -1))
        x = g.op("Transpose", x, perm=[0, 2, 1])
        first = g.op("Mul", g.op("ReduceMean", x, axes=[1], keepdims=1),
                     g.const(np.float32(0)))
        first = g.op("Add", first, g.random(1, 1, width, n_in=1))
        x = g.op("Concat", first, x, axis=1)
        return g.op("Add", x, g.random(1, self.n, width, n_in=1))

    def save(self, path):
        g, width = self.g, self.width
        x = self.norm(self.tokens("image"))
        for _ in range(self.depth):
            x = g.op("Add", x, self.attention(self.norm(x)))
            inner = self.gelu(self.linear(self.norm(x), width, 4 * width))
            x = g.op("Add", x, self.linear(inner, 4 * width, width))
        first = g.op("Gather", x, g.const(np.int64(0)), axis=1)
        g.op("MatMul", self.norm(first),
             g.random(width, self.dim, n_in=width), to="embedding")
        g.save(path, "image", [3, self.side, self.side], self.dim)


# ---- folders ----------------------------------------------------------------


def card(name, modality, dim, part):
    return {"schema": 1, "name": name, "modality": modality, "dim": dim,
            "about": "random weights, for measuring speed", modality: part}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    cards = [
        card("birdnet-sized", "sound", 1024, {
            "model": "model.onnx", "sample_rate": 48000, "window_seconds": 3,
            "input": {"name": "input"}, "embedding": {"name": "embedding"}}),
        card("vit-b-32-sized", "image", 512, {
            "model": "model.onnx", "size": 224, "mean": MEAN, "std": STD,
            "input": {"name": "image"}, "embedding": {"name": "embedding"}}),
    ]
    for made, save in zip(cards, (birdnet_sized, Vit().save)):
        folder = Path(sys.argv[1], made["name"])
        folder.mkdir(parents=True, exist_ok=True)
        save(folder / "model.onnx")
        (folder / "model.json").write_text(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    main()
