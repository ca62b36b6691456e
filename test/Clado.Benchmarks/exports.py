"""Writes ONNX files as PyTorch exports them, of torchvision's networks with random weights: what readers of other people's files have to cope with.

Needs python3-torchvision (Debian). Usage: python3 exports.py FOLDER [IMAGES]
With a folder of images, normalizations get the statistics of those, so that activations live as in a trained network.
"""

import glob
import os
import random
import sys

import torch
import torchvision
from PIL import Image

CLASSIFIERS = {  # name: (side of the image, opset)
    "squeezenet1_1": (224, 9),
    "mobilenet_v2": (224, 11),
    "densenet121": (224, 12),
    "mobilenet_v3_small": (224, 13),
    "mnasnet0_5": (224, 13),
    "shufflenet_v2_x0_5": (224, 13),
    "efficientnet_b0": (224, 13),
    "regnet_y_400mf": (224, 13),
    "googlenet": (224, 13),
    "resnext50_32x4d": (224, 13),
    "inception_v3": (299, 13),
    "swin_t": (224, 17),
    "vit_b_32": (224, 17),
    "convnext_tiny": (224, 17),
}
SEGMENTERS = ["lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large", "fcn_resnet50"]
DETECTORS = {  # name: side of the image
    "ssdlite320_mobilenet_v3_large": 320,
    "fasterrcnn_mobilenet_v3_large_320_fpn": 320,
}
HEADS = {"retinanet_resnet50_fpn": 224, "ssdlite320_mobilenet_v3_large": 320}
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
BATCHES, BATCH = 6, 16


class Segmentation(torch.nn.Module):
    """The scores alone, without the dictionary around them."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return self.network(image)["out"]


class Detection(torch.nn.Module):
    """Boxes, scores and classes of one image, without the lists around them."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        found = self.network([image[0]])[0]
        return found["boxes"], found["scores"], found["labels"]


class Head(torch.nn.Module):
    """Backbone and head of a detector: scores and boxes of all places, before anything is chosen among them."""

    def __init__(self, network):
        super().__init__()
        self.backbone = network.backbone
        self.head = network.head

    def forward(self, image):
        outputs = self.head(list(self.backbone(image).values()))
        return outputs["cls_logits"], outputs["bbox_regression"]


def random_statistics(network):
    """Gives normalizations statistics, scales and shifts of their own."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.1, 0.1)


def prepared(folder, side):
    """Batches of images, drawn anew in the same way each time."""
    files = sorted(glob.glob(os.path.join(folder, "**", "*.jpg"), recursive=True))
    prepare = torchvision.transforms.Compose([
        torchvision.transforms.Resize(side), torchvision.transforms.CenterCrop(side), torchvision.transforms.ToTensor(),
        torchvision.transforms.Normalize(MEAN, STD)])
    chosen = iter(random.Random(0).sample(files, BATCHES * BATCH))
    for _ in range(BATCHES):
        yield torch.stack([prepare(Image.open(next(chosen)).convert("RGB")) for _ in range(BATCH)])


def statistics_of(network, folder, side):
    """Gives normalizations the statistics of images."""
    normalizations = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for module in normalizations:
        # The mean of all batches, each with the same weight.
        module.reset_running_stats()
        module.momentum = None
        module.train()
    with torch.no_grad():
        for batch in prepared(folder, side):
            network(batch)


def export(network, name, side, opset, folder, images, outputs=("output",), free_batch=False):
    network.eval()
    random_statistics(network)
    if images:
        body = network.network.backbone if isinstance(network, Detection) else network
        statistics_of(body, images, side)
        network.eval()
    axes = {tensor: {0: "batch"} for tensor in ("input", *outputs)} if free_batch else None
    torch.onnx.export(network, torch.randn(1, 3, side, side), os.path.join(folder, name + ".onnx"), opset_version=opset,
                      input_names=["input"], output_names=list(outputs), dynamic_axes=axes)


def main(folder, images=None):
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(0)
    for name, (side, opset) in CLASSIFIERS.items():
        options = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
        export(getattr(torchvision.models, name)(weights=None, **options), name, side, opset, folder, images, free_batch=True)
    for name in SEGMENTERS:
        network = getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None)
        export(Segmentation(network), name, 224, 13, folder, images)
    for name, side in DETECTORS.items():
        network = getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None, num_classes=21)
        export(Detection(network), name, side, 13, folder, images, outputs=("boxes", "scores", "classes"))
    for name, side in HEADS.items():
        network = getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None)
        export(Head(network), name + "_head", side, 13, folder, images, outputs=("scores", "boxes"))


if __name__ == "__main__":
    main(*sys.argv[1:])
