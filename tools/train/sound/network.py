# SPDX-License-Identifier: MIT
"""The network: 3 s of log-mel in, a vector of length 1 and a score for each class out."""
import torch
from torch import nn
from torch.nn import functional as F

import features

FLOOR = 7.0      # natural logarithms of magnitude below the loudest: 61 dB
CHANNELS = (16, 32, 48, 96)
DIM = 96
SCALE = 12.0     # of the cosines that become logits


class Level(nn.Module):
    """Levels below the patch's loudest point, in [0, 1] with a soft floor.

    A gain adds a constant to the logarithm, so it drops out here; what lies under the floor, where recorders
    and codecs differ, does too."""

    def forward(self, x):
        loudest = x.amax(dim=(1, 2), keepdim=True)
        return torch.log(torch.exp(x - loudest + FLOOR) + 1) / FLOOR


class Residual(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(n, n, 3, padding=1, bias=False), nn.BatchNorm2d(n), nn.ReLU(),
                                  nn.Conv2d(n, n, 3, padding=1, bias=False), nn.BatchNorm2d(n))

    def forward(self, x):
        return F.relu(x + self.body(x))


def shrink(n_in, n_out):
    """Half as many frames and bands."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False),
                         nn.BatchNorm2d(n_out), nn.ReLU())


class Net(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        a, b, c, d = CHANNELS
        self.level = Level()
        # Where a band lies matters, which a convolution alone does not see.
        self.band = nn.Parameter(torch.zeros(1, a, 1, features.BANDS // 2))
        self.stem = nn.Conv2d(1, a, 5, stride=2, padding=2, bias=False)
        self.stem_norm = nn.Sequential(nn.BatchNorm2d(a), nn.ReLU())
        self.body = nn.Sequential(shrink(a, b), shrink(b, c), Residual(c), shrink(c, d), Residual(d))
        self.project = nn.Sequential(nn.BatchNorm1d(2 * d), nn.Linear(2 * d, DIM, bias=False),
                                     nn.BatchNorm1d(DIM, affine=False))
        self.classes = nn.Parameter(torch.randn(n_classes, DIM) * 0.1)

    def pool(self, patches):
        """[n, FRAMES, BANDS] -> [n, 2 * CHANNELS[-1]]: each trait on the average and at its strongest moment."""
        x = self.level(patches).unsqueeze(1)
        x = self.body(self.stem_norm(self.stem(x) + self.band))
        x = x.mean(3)
        return torch.cat([x.mean(2), x.amax(2)], 1)

    def forward(self, patches):
        embedding = F.normalize(self.project(self.pool(patches)))
        return embedding, SCALE * embedding @ F.normalize(self.classes).t()
