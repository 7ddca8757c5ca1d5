# SPDX-License-Identifier: MIT
"""What both trainings share: randomness by number, the learning rate's course, checkpoints."""
import torch


def seeded(*numbers):
    """A generator for the step or epoch that the numbers name."""
    value = 0
    for number in numbers:
        value = value * 1000003 + number
    return torch.Generator().manual_seed(value)


def ramp(progress, warm_up=0.2):
    """The share of the learning rate at `progress` from 0 to 1: linearly up, then linearly down to 0."""
    return min(progress / warm_up, (1 - progress) / (1 - warm_up))


def save_atomically(value, path):
    """A run killed while writing leaves the last checkpoint whole."""
    part = path.with_suffix(".part")
    torch.save(value, part)
    part.rename(path)
