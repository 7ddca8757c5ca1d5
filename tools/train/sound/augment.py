# SPDX-License-Identifier: MIT
"""What may happen to a recording without making it another sound, done to mel magnitudes."""
import numpy as np
import torch
from torch.nn import functional as F

import features

SPEED = 0.22          # faster or slower by up to
BAND_SHIFT = 3.0      # bands up or down by up to
EQ_POINTS, EQ_DB = 6, 9.0
MIX_DB = (-30.0, -3.0)
NOISE_DB = (-45.0, -5.0)
MASK_BANDS, MASK_FRAMES = 10, 40
QUIETEST = 0.05       # a window's power against the clip's loudest window


def loud_starts(magnitudes):
    """For each clip the first frames of windows that are not mostly the digital silence clips are padded with."""
    power = np.pad((magnitudes.astype(float) ** 2).sum(2).cumsum(1), ((0, 0), (1, 0)))
    window = power[:, features.FRAMES:] - power[:, :-features.FRAMES]
    return [np.flatnonzero(row >= QUIETEST * row.max()) for row in window]


class Augment:
    def __init__(self, magnitudes, generator):
        self.magnitudes = torch.from_numpy(magnitudes)
        self.starts = loud_starts(magnitudes)
        self.g = generator
        widths = features.mel_weights().sum(0)
        self.white = torch.from_numpy(widths / widths.mean()).float()   # white noise in each band

    def uniform(self, low, high, *shape):
        return torch.rand(*shape, generator=self.g) * (high - low) + low

    def chance(self, p, n):
        return (torch.rand(n, 1, 1, generator=self.g) < p).float()

    def __call__(self, clips):
        """Log-mel patches [n, FRAMES, BANDS], one of each clip."""
        x = self.cut(clips)
        x = self.mix(x)
        x = x * self.equaliser(len(x))
        x = self.add_noise(x)
        x = self.mask(x)
        return torch.log(x + features.LOG_OFFSET)

    def cut(self, clips):
        """A window anywhere in the clip, played faster or slower and moved up or down, in one interpolation."""
        n, last_frame, last_band = len(clips), features.CLIP_FRAMES - 1, features.BANDS - 1
        length = (features.FRAMES - 1) * self.uniform(1 - SPEED, 1 + SPEED, n)
        pick = self.uniform(0, 1, n).tolist()
        start = torch.tensor([float(s[int(p * len(s))]) for p, s in
                              zip(pick, (self.starts[c] for c in clips))])
        start = torch.minimum(start, last_frame - length)
        time = start[:, None] + length[:, None] * torch.linspace(0, 1, features.FRAMES)
        band = torch.arange(features.BANDS) + self.uniform(-BAND_SHIFT, BAND_SHIFT, n)[:, None]
        grid = torch.stack(torch.broadcast_tensors((2 * band / last_band - 1)[:, None, :],
                                                   (2 * time / last_frame - 1)[:, :, None]), 3)
        x = self.magnitudes[torch.as_tensor(clips)].unsqueeze(1)
        return F.grid_sample(x, grid, padding_mode="border", align_corners=True).squeeze(1)

    def level(self, decibels, x):
        """Of something that is to be so loud against x."""
        return 10 ** (decibels / 20) * (x ** 2).mean((1, 2), keepdim=True).sqrt()

    def mix(self, x):
        """Every other patch gets another one beneath it. Powers add, since phases are unrelated."""
        n = len(x)
        other = x[torch.randperm(n, generator=self.g)]
        gain = self.level(self.uniform(*MIX_DB, n, 1, 1), x) / (self.level(torch.zeros(1), other) + 1e-9)
        return torch.sqrt(x ** 2 + self.chance(0.5, n) * (gain * other) ** 2)

    def equaliser(self, n):
        points = self.uniform(-EQ_DB, EQ_DB, n, 1, EQ_POINTS)
        return 10 ** (F.interpolate(points, features.BANDS, mode="linear", align_corners=True) / 20)

    def add_noise(self, x):
        n = len(x)
        ripple = 1 + 0.3 * torch.randn(x.shape, generator=self.g)
        noise = self.level(self.uniform(*NOISE_DB, n, 1, 1), x) * self.white * ripple
        return torch.sqrt(x ** 2 + self.chance(0.5, n) * noise ** 2)

    def stripe(self, n, size, widest):
        """[n, size]: 0 in a run of up to `widest`, else 1."""
        width = self.uniform(0, widest, n, 1)
        start = self.uniform(0, 1, n, 1) * (size - width)
        at = torch.arange(size)
        return 1 - ((at >= start) & (at < start + width)).float()

    def mask(self, x):
        n = len(x)
        x = x * self.stripe(n, features.BANDS, MASK_BANDS)[:, None, :]
        x = x * self.stripe(n, features.FRAMES, MASK_FRAMES)[:, :, None]
        highest = self.uniform(features.BANDS * 0.6, features.BANDS * 1.6, n, 1)   # a low-pass, in 4 of 10
        return x * (torch.arange(features.BANDS) < highest).float()[:, None, :]
