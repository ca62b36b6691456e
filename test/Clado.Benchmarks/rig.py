"""Writes the networks of the rig: of the size that people quantize, weights random but shaped like trained ones.

Needs python3-torchvision (Debian). Usage: python3 rig.py FOLDER IMAGES [NAME ...]
Weights are normal, scaled by fan-in; normalizations get the statistics of images; the last layer gives each class a mean of 0 over images
and a spread as of trained networks, so that answers depend on the image.
"""

import os
import random
import sys

import torch
import torchvision

from exports import prepared, statistics_of

SPREAD = 2.5  # of a class's score over images, in nats
DAMPING = 0.25  # of what a residual branch adds: undamped, random networks forget the image, and what is spread then is noise
CLASSIFIERS = ["resnet50", "mobilenet_v3_large", "efficientnet_b0", "convnext_tiny", "swin_t", "vit_b_16", "deit_small"]


class Block(torch.nn.Sequential):
    """Convolution, normalization, SiLU."""

    def __init__(self, inputs, outputs, kernel=1, stride=1):
        super().__init__(
            torch.nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), torch.nn.BatchNorm2d(outputs), torch.nn.SiLU())


class Split(torch.nn.Module):
    """Two halves of the channels, one of which goes through bottlenecks; all stages are joined."""

    def __init__(self, inputs, outputs, depth, adds):
        super().__init__()
        half = outputs // 2
        self.first, self.adds = Block(inputs, outputs), adds
        self.inner = torch.nn.ModuleList(torch.nn.Sequential(Block(half, half, 3), Block(half, half, 3)) for _ in range(depth))
        self.last = Block(half * (2 + depth), outputs)

    def forward(self, x):
        parts = list(self.first(x).chunk(2, 1))
        for block in self.inner:
            parts.append(parts[-1] + block(parts[-1]) if self.adds else block(parts[-1]))
        return self.last(torch.cat(parts, 1))


class Pyramid(torch.nn.Module):
    """Pooling at three sizes."""

    def __init__(self, channels):
        super().__init__()
        self.first, self.last = Block(channels, channels // 2), Block(channels * 2, channels)
        self.pool = torch.nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        parts = [self.first(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.last(torch.cat(parts, 1))


class Detector(torch.nn.Module):
    """One-stage detector with three scales, as widely used ones are built: boxes and scores of all places, 12 million weights."""

    def __init__(self, width=32, classes=80):
        super().__init__()
        w = [width * 2 ** i for i in range(5)]
        self.stem = torch.nn.Sequential(Block(3, w[0], 3, 2), Block(w[0], w[1], 3, 2), Split(w[1], w[1], 1, True))
        self.down = torch.nn.ModuleList([
            torch.nn.Sequential(Block(w[1], w[2], 3, 2), Split(w[2], w[2], 2, True)),
            torch.nn.Sequential(Block(w[2], w[3], 3, 2), Split(w[3], w[3], 2, True)),
            torch.nn.Sequential(Block(w[3], w[4], 3, 2), Split(w[4], w[4], 1, True), Pyramid(w[4]))])
        self.up = torch.nn.ModuleList([Split(w[4] + w[3], w[3], 1, False), Split(w[3] + w[2], w[2], 1, False)])
        self.again = torch.nn.ModuleList([Block(w[2], w[2], 3, 2), Block(w[3], w[3], 3, 2)])
        self.joined = torch.nn.ModuleList([Split(w[2] + w[3], w[3], 1, False), Split(w[3] + w[4], w[4], 1, False)])

        def head(channels, outputs):
            return torch.nn.Sequential(Block(channels, w[2], 3), Block(w[2], w[2], 3), torch.nn.Conv2d(w[2], outputs, 1))

        self.boxes = torch.nn.ModuleList(head(channels, 4) for channels in w[2:])
        self.scores = torch.nn.ModuleList(head(channels, classes) for channels in w[2:])

    def forward(self, image):
        x = self.stem(image)
        maps = []
        for stage in self.down:
            x = stage(x)
            maps.append(x)
        low, middle, high = maps
        middle = self.up[0](torch.cat([torch.nn.functional.interpolate(high, scale_factor=2.0), middle], 1))
        low = self.up[1](torch.cat([torch.nn.functional.interpolate(middle, scale_factor=2.0), low], 1))
        middle = self.joined[0](torch.cat([self.again[0](low), middle], 1))
        high = self.joined[1](torch.cat([self.again[1](middle), high], 1))
        outputs = [torch.cat([box(x), score(x)], 1).flatten(2) for box, score, x in zip(self.boxes, self.scores, (low, middle, high))]
        return torch.cat(outputs, 2)


def make(name):
    if name == "detector":
        return Detector(), 640
    if name == "deit_small":
        return torchvision.models.VisionTransformer(224, 16, num_layers=12, num_heads=6, hidden_dim=384, mlp_dim=1536), 224
    return getattr(torchvision.models, name)(weights=None), 224


def scale_by_fan_in(network):
    for module in network.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            fan_in = module.weight[0].numel()
            # A Relu takes half of the variance.
            gain = 2 if isinstance(module, torch.nn.Conv2d) else 1
            torch.nn.init.normal_(module.weight, std=(gain / fan_in) ** 0.5)
            if module.bias is not None:
                torch.nn.init.normal_(module.bias, std=0.05)


def damp_branches(network):
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torchvision.models.resnet.Bottleneck):
                module.bn3.weight.fill_(DAMPING)
            elif hasattr(module, "use_res_connect") and module.use_res_connect:
                module.block[-1][1].weight.fill_(DAMPING)
            elif hasattr(module, "layer_scale"):
                module.layer_scale.fill_(DAMPING)


def spread_scores(network, images, side):
    last = [module for module in network.modules() if isinstance(module, torch.nn.Linear)][-1]
    with torch.no_grad():
        scores = torch.cat([network(batch) for batch in prepared(images, side)])
        factor = SPREAD / scores.std(0).mean()
        last.weight.mul_(factor)
        last.bias.copy_((last.bias - scores.mean(0)) * factor)


def main(folder, images, *names):
    os.makedirs(folder, exist_ok=True)
    for name in names or [*CLASSIFIERS, "detector"]:
        torch.manual_seed(0)
        random.seed(0)
        network, side = make(name)
        scale_by_fan_in(network)
        damp_branches(network)
        network.eval()
        if any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules()):
            statistics_of(network, images, side)
        network.eval()
        if name != "detector":
            spread_scores(network, images, side)
        torch.onnx.export(
            network, torch.randn(1, 3, side, side), os.path.join(folder, name + ".onnx"), opset_version=17, input_names=["input"],
            output_names=["output"], dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})
        print(name, sum(p.numel() for p in network.parameters()), "weights", flush=True)


main(*sys.argv[1:])
