"""Trains a sample network and exports it to ONNX: train.py resnet20|vit [--epochs N] [--output FILE] [--checkpoint FILE]

Goes on from the checkpoint where there is one. One thread: the same seed gives the same network on the same machine.
"""

import argparse
import time
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

import data
from networks import ResNet20, ViT

SEED = 1
BATCH = 128
RECIPES = {
    "resnet20": dict(
        network=ResNet20, epochs=18, rate=0.1, shift=2, layout=torch.channels_last,
        optimizer=lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)),
    "vit": dict(
        network=ViT, epochs=12, rate=2e-3, shift=0, layout=torch.contiguous_format,
        optimizer=lambda p: torch.optim.AdamW(p, weight_decay=0.05)),
}


def train(recipe, epochs, checkpoint):
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    network = recipe["network"]().to(memory_format=recipe["layout"])
    images, labels = data.read("train")
    steps = len(images) // BATCH
    optimizer = recipe["optimizer"](network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe["rate"], epochs * steps, pct_start=0.2, cycle_momentum=False)
    first, parts = 0, dict(network=network, optimizer=optimizer, schedule=schedule)
    if checkpoint.exists():
        state = torch.load(checkpoint)
        first = state["epoch"]
        generator.set_state(state["generator"])
        for name, part in parts.items():
            part.load_state_dict(state[name])
    for epoch in range(first, epochs):
        start, total = time.time(), 0.0
        network.train()
        for chosen in torch.randperm(len(images), generator=generator)[:steps * BATCH].split(BATCH):
            x = data.normalise(data.augment(images[chosen], recipe["shift"], generator)).to(memory_format=recipe["layout"])
            loss = cross_entropy(network(x), labels[chosen].long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        torch.save(dict({n: p.state_dict() for n, p in parts.items()}, epoch=epoch + 1, generator=generator.get_state()), checkpoint)
        right, count = score(network, "validation")
        print(f"epoch {epoch + 1}/{epochs}: loss {total / steps:.4f}, validation {right / count:.2%}, {time.time() - start:.0f} s", flush=True)
    return network


def score(network, part):
    """How many images of a part are classified rightly, and how many there are."""
    images, labels = data.read(part)
    network.eval()
    with torch.no_grad():
        logits = torch.cat([network(data.normalise(batch)) for batch in images.split(500)])
    return int((logits.argmax(1) == labels).sum()), len(labels)


def export(network, path):
    """Batch normalisation is folded into the convolutions; the batch dimension stays free."""
    network.eval().to(memory_format=torch.contiguous_format)
    torch.onnx.export(
        network, torch.zeros(1, 1, 28, 28), str(path), opset_version=17,
        input_names=["image"], output_names=["logits"], dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=RECIPES)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    options = parser.parse_args()
    recipe = RECIPES[options.network]
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    network = train(recipe, options.epochs or recipe["epochs"], options.checkpoint or Path(f"{options.network}.checkpoint"))
    right, count = score(network, "test")
    print(f"test: {right} of {count} right, {right / count:.2%}")
    export(network, options.output or Path(__file__).parent.parent / f"{options.network}.onnx")


if __name__ == "__main__":
    main()
