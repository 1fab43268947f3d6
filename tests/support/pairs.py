"""A small world of pairs: a square of a colour at a place, and what it is called."""

from pathlib import Path

import numpy as np

from dalle_model.clip.config import ClipConfig
from dalle_model.data.augment import Augmentation
from dalle_model.train.clip import PairSource, TrainingPairs, open_pairs
from tests.support.training_images import name_of, source_of

SIDE = 16
COLOURS = {
    "red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 230), "yellow": (230, 220, 40),
    "black": (10, 10, 10), "white": (250, 250, 250), "pink": (240, 130, 190),
}  # fmt: skip
PLACES = {"left": slice(0, 8), "right": slice(8, 16)}

TINY = ClipConfig(
    image_size=SIDE, patch_size=8, vision_width=32, vision_layers=1, vision_head_width=16,
    text_width=32, text_layers=1, text_heads=2, text_len=8, vocab_size=400, embed_dim=16,
)  # fmt: skip


def pair(number):
    """An image, and its captions in two word orders."""
    rng = np.random.default_rng(number)
    colour, place = rng.choice(list(COLOURS)), rng.choice(list(PLACES))
    image = rng.integers(100, 130, (SIDE, SIDE, 3))
    image[:, PLACES[place]] = COLOURS[colour] + rng.integers(0, 5, (SIDE, 8, 3))
    return image.astype(np.uint8), [f"{colour} on the {place}", f"{place}: {colour}"]


def pair_source(number, first=0):
    found = [pair(first + n) for n in range(number)]
    captions = {name_of(n): texts for n, (_, texts) in enumerate(found)}
    return PairSource(source_of([image for image, _ in found], str(number)), lambda: captions)


def training_pairs(folder: Path, number: int, max_shift: int = 0) -> TrainingPairs:
    augmentation = Augmentation("shift", SIDE, max_shift, mirrors=False)
    return open_pairs(pair_source(number), f"{folder}/clip.safetensors", augmentation)
