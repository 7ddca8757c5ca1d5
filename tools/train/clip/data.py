# SPDX-License-Identifier: MIT
"""CIFAR-10's pictures as arrays, and what is done to them before the image tower sees them."""
import io
import pathlib
import tarfile

import numpy
import torch
from PIL import Image

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)
SIDE = 32
DEV_PER_CLASS = 250  # pictures of train.tar that are held out: no training step sees them


def decode(file):
    """A picture as [32, 32, 3] bytes, squashed to that size as the model's card says."""
    with Image.open(file) as image:
        image = image.convert("RGB")
        if image.size != (SIDE, SIDE):
            image = image.resize((SIDE, SIDE), Image.BICUBIC)
        return numpy.asarray(image)


def read_tar(path):
    """All pictures of a tar of FOLDER/CLASS/NAME.jpg, in the order of their names."""
    with tarfile.open(path) as tar:
        members = sorted((m for m in tar.getmembers() if m.isfile()), key=lambda m: m.name)
        pictures = [decode(io.BytesIO(tar.extractfile(m).read())) for m in members]
        labels = [CLASSES.index(m.name.split("/")[-2]) for m in members]
    return numpy.stack(pictures), numpy.array(labels)


def read_folder(path):
    """All pictures of a folder of CLASS/NAME.jpg, in the order of their names."""
    files = sorted(pathlib.Path(path).glob("*/*.jpg"))
    labels = [CLASSES.index(file.parent.name) for file in files]
    return numpy.stack([decode(file) for file in files]), numpy.array(labels)


def split(pictures, labels):
    """((pictures, labels) to train on, (pictures, labels) held out): the last ones of each class."""
    held_out = numpy.zeros(len(labels), bool)
    for label in range(len(CLASSES)):
        held_out[numpy.flatnonzero(labels == label)[-DEV_PER_CLASS:]] = True
    return (pictures[~held_out], labels[~held_out]), (pictures[held_out], labels[held_out])


def load_train(data, work):
    """`split` of train.tar; decoding takes a while, so the arrays are kept in `work`."""
    cache = work / "train.npz"
    if not cache.exists():
        pictures, labels = read_tar(data / "train.tar")
        numpy.savez(cache, pictures=pictures, labels=labels)
    with numpy.load(cache) as arrays:
        return split(arrays["pictures"], arrays["labels"])


def standardise(pictures):
    """Bytes [n, 32, 32, 3] into what the tower gets, [n, 3, 32, 32]."""
    x = torch.as_tensor(pictures, dtype=torch.float32) / 255
    return ((x - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)


def augment(pictures, generator):
    """The same, each picture shifted by up to 4 pixels, mirrored or not, and its colours changed a little."""
    n = len(pictures)
    padded = numpy.pad(pictures, ((0, 0), (4, 4), (4, 4), (0, 0)), "reflect")
    offsets = torch.randint(0, 9, (2, n, 1), generator=generator)
    rows, columns = offsets + torch.arange(SIDE)
    mirrored = torch.rand(n, 1, generator=generator) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    shifted = torch.from_numpy(padded)[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    x = standardise(shifted)
    gain = 1 + 0.15 * torch.randn(n, 1, 1, 1, generator=generator)
    tint = 0.1 * torch.randn(n, 3, 1, 1, generator=generator)
    return x * gain + tint
