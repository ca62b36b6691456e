"""Writes ../images: 512 training images for calibration and 2,000 test images, equally many a class, as PNG class folders."""

from pathlib import Path

import torch
from PIL import Image

import data

FOLDER = Path(__file__).parent.parent / "images"
SEED = 1


def write(folder, part, count):
    """File names are positions in the data set's file of training or test images."""
    images, labels = data.read(part)
    generator = torch.Generator().manual_seed(SEED)
    for label, name in enumerate(data.CLASSES):
        share = (count + len(data.CLASSES) - 1 - label) // len(data.CLASSES)
        members = torch.nonzero(labels == label).flatten()
        target = folder / f"{label}-{name}"
        target.mkdir(parents=True)
        for index in members[torch.randperm(len(members), generator=generator)[:share]].tolist():
            Image.fromarray(images[index].numpy()).save(target / f"{index:05}.png", optimize=True)


write(FOLDER / "calibration", "train", 512)
write(FOLDER / "test", "test", 2000)
