"""Fashion-MNIST as Debian's package dataset-fashion-mnist installs it."""

import gzip
import math
from pathlib import Path

import numpy
import torch

FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot"]
VALIDATION = 5000  # the last of the 60,000 training images: designs and schedules are chosen on them, never on the test images
MEAN, STD = 0.286, 0.353  # of the training pixels, as fractions of 255


def read(part):
    """Images [n, 28, 28] and labels [n], both uint8; part is train, validation or test."""
    prefix = "t10k" if part == "test" else "train"
    images = idx(FOLDER / f"{prefix}-images-idx3-ubyte.gz")
    labels = idx(FOLDER / f"{prefix}-labels-idx1-ubyte.gz")
    chosen = {"train": slice(0, -VALIDATION), "validation": slice(-VALIDATION, None), "test": slice(None)}[part]
    return images[chosen], labels[chosen]


def idx(path):
    """An IDX file: two zero bytes, the type (8: uint8), the rank, the dimensions as big-endian 32-bit numbers, the values."""
    raw = gzip.decompress(path.read_bytes())
    rank = raw[3]
    shape = numpy.frombuffer(raw, ">u4", rank, 4)
    return torch.from_numpy(numpy.frombuffer(raw, numpy.uint8, math.prod(map(int, shape)), 4 + 4 * rank).reshape(shape).copy())


def normalise(images):
    """Network inputs [n, 1, 28, 28]: what preprocessing.json says."""
    return ((images.unsqueeze(1).float() * (1 / 255)) - MEAN) / STD


def augment(images, shift, generator):
    """Mirrors half of the images and shifts each by up to some pixels, zeros moving in."""
    n = len(images)
    mirrored = torch.rand(n, 1, 1, generator=generator) < 0.5
    images = torch.where(mirrored, images.flip(2), images)
    rows = torch.randint(0, 2 * shift + 1, (n, 1), generator=generator) + torch.arange(28)
    columns = torch.randint(0, 2 * shift + 1, (n, 1), generator=generator) + torch.arange(28)
    padded = torch.nn.functional.pad(images, (shift,) * 4)
    return padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
