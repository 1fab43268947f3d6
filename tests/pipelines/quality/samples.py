"""Images that tests of scorers look at, at 256 px."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dalle_model.pixels import Rgb
from pipelines.quality.registry import registry
from pipelines.quality.scorer import Score, Stored

# The astronaut Eileen Collins, by NASA, in the public domain: `astronaut.png` of scikit-image at
# 256 px, JPEG of quality 85.
PORTRAIT = Path(__file__).parent / "astronaut.jpg"


def portrait() -> Rgb:
    with Image.open(PORTRAIT) as image:
        return np.asarray(image.convert("RGB"))


def texture(seed: int = 0, side: int = 256) -> Rgb:
    """Blobs of colour with neither a face nor a word in them."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def written(words: str = "OPEN DAILY", size: int = 36) -> Rgb:
    """The texture with a line of text 100 px from the top."""
    image = Image.fromarray(texture())
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text((10, 100), words, "white", font, stroke_width=2, stroke_fill="black")
    return np.asarray(image)


def stored(rgb: Rgb) -> Stored:
    return Stored(rgb, 1234, rgb.shape[1], rgb.shape[0])


def weights_of(name: str) -> bytes:
    """The file of a scorer; empty where it has none."""
    (scorer,) = (one for one in registry() if one.name == name)
    return b"" if scorer.weights is None else scorer.weights.read()


def loaded(name: str, **settings) -> Score:
    """A scorer with its weights and these settings."""
    (scorer,) = (one for one in registry() if one.name == name)
    return scorer.load(scorer.config.model_validate(settings), weights_of(name))
