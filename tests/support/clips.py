"""A CLIP of random weights, small enough for a test, and files of it as they are published."""

import json

import numpy as np
import torch

SIDE = 32
TINY = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": SIDE,
        "patch_size": 16,
        "width": 32,
        "layers": 2,
        "head_width": 16,
    },
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def tiny_model(config=None, seed=0):
    """A model of open_clip whose norms and biases are random too."""
    from open_clip.model import CLIP

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = CLIP(**(config or TINY)).eval()
        for weight in model.parameters():
            if weight.ndim == 1:
                weight.data += torch.randn_like(weight) * 0.1
    return model


def write_architecture(path, config=None):
    path.write_text(json.dumps(config or TINY))
    return str(path)


def random_images(number, seed=0):
    """Images of several shapes, smooth enough that a filter matters."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(20, 90, (number, 2))
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
