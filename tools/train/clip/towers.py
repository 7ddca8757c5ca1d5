# SPDX-License-Identifier: MIT
"""The two networks: a picture and a text into vectors of the same space."""
import torch
from torch import nn
from torch.nn import functional

DIM = 96
CONTEXT = 128


def unit(x):
    """Rows of length 1."""
    return x / x.square().sum(1, keepdim=True).add(1e-12).sqrt()


def convolution(n_in, n_out, stride=1):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out),
                         nn.ReLU(inplace=True))


class Residual(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.body = nn.Sequential(*[convolution(width, width) for _ in range(depth)])

    def forward(self, x):
        return x + self.body(x)


class ImageTower(nn.Module):
    """A small residual network. Most of its work is done at 16x16 and 8x8, where a CPU is quick."""

    def __init__(self, widths=(16, 40, 80, 112)):
        super().__init__()
        a, b, c, d = widths
        self.body = nn.Sequential(convolution(3, a), convolution(a, b, 2), Residual(b, 1),
                                  convolution(b, c, 2), Residual(c, 2), convolution(c, d, 2), Residual(d, 2))
        self.head = nn.Linear(d, DIM)

    def forward(self, pixels):
        return unit(self.head(self.body(pixels).mean((2, 3))))


class DilatedResidual(nn.Module):
    """Looks at five places, `dilation` apart."""

    def __init__(self, width, dilation):
        super().__init__()
        self.look = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)

    def forward(self, x, mask):
        return x + functional.relu(self.look(x)) * mask


class TextTower(nn.Module):
    """Bytes into a vector: convolutions that see 33 bytes, then the places that matter, four times weighted.

    Which words matter is the pooling's to learn; padding is kept at 0 throughout, so that a text's vector does
    not depend on how far it is padded.
    """

    def __init__(self, width=96, heads=4, width_of_a_byte=24):
        super().__init__()
        self.bytes = nn.Embedding(257, width_of_a_byte, padding_idx=0)
        self.enter = nn.Conv1d(width_of_a_byte, width, 5, padding=2)
        self.looks = nn.ModuleList([DilatedResidual(width, dilation) for dilation in (1, 2, 4)])
        self.weigh = nn.Conv1d(width, heads, 1)
        self.head = nn.Linear(width * heads, DIM)

    def forward(self, ids):
        mask = (ids > 0).float().unsqueeze(1)
        x = functional.relu(self.enter(self.bytes(ids).transpose(1, 2))) * mask
        for look in self.looks:
            x = look(x, mask)
        weights = functional.softmax(self.weigh(x) + (mask - 1) * 1e4, 2)
        return unit(self.head((weights @ x.transpose(1, 2)).flatten(1)))


def encode(texts, length=CONTEXT):
    """The ids of the texts: byte + 1 of ASCII in lower case, cut or padded with 0."""
    ids = torch.zeros(len(texts), length, dtype=torch.int64)
    for row, text in zip(ids, texts):
        raw = text.encode("utf-8").lower()[:length]
        row[:len(raw)] = torch.tensor(list(raw), dtype=torch.int64) + 1
    return ids
