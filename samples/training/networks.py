"""The two sample networks, for images of 28×28 pixels, one channel, ten classes."""

import torch
from torch import nn


def normalised(before, after, kernel, stride):
    return nn.Sequential(nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(after))


class Block(nn.Module):
    """Two 3×3 convolutions beside a shortcut (He et al. 2016, Deep residual learning, figure 2)."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.first = normalised(before, after, 3, stride)
        self.second = normalised(after, after, 3, 1)
        self.shortcut = nn.Identity() if before == after else normalised(before, after, 1, stride)

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


class ResNet20(nn.Module):
    """The ResNet-20 of CIFAR-10 with a stem of stride 2 and projection shortcuts: 16, 32, 64 channels at 14×14, 7×7, 4×4."""

    def __init__(self):
        super().__init__()
        self.stem = normalised(1, 16, 5, 2)
        widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
        self.blocks = nn.Sequential(*[Block(a, b, 1 if a == b else 2) for a, b in zip(widths, widths[1:])])
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        x = self.blocks(torch.relu(self.stem(x)))
        return self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Attention(nn.Module):
    """Multi-head self-attention with one product for queries, keys and values (Vaswani et al. 2017)."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax((q * (width // self.heads) ** -0.5) @ k.transpose(2, 3), 3)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, tokens, width))


class Encoder(nn.Module):
    """A transformer block, normalised before each half (Dosovitskiy et al. 2021, An image is worth 16×16 words, equations 2 and 3)."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width), nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """A vision transformer on 4×4 tokens; three convolutions of stride 2 embed the patches (Xiao et al. 2021, Early convolutions help
    transformers see better), the mean token is classified."""

    def __init__(self, width=64, depth=4, heads=2, hidden=128):
        super().__init__()
        self.stem = nn.Sequential(
            normalised(1, 16, 3, 2), nn.ReLU(), normalised(16, 32, 3, 2), nn.ReLU(), normalised(32, width, 3, 2))
        self.position = nn.Parameter(torch.randn(1, 16, width) * 0.02)
        self.blocks = nn.Sequential(*[Encoder(width, heads, hidden) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2) + self.position
        return self.head(self.norm(self.blocks(x)).mean(1))
