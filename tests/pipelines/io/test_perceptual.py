import numpy as np
import pytest
from PIL import Image

from pipelines.io.perceptual import imagehash_phash

# Source: imagehash 4.3.2, `phash` of these images, with Pillow 13 and scipy 1.17.
MADE_BY_IMAGEHASH = {
    (1, 64, 48): "8ce3d8b83acbc534",
    (2, 300, 200): "fc6c8d47db2420da",
    (3, 640, 480): "dd79e29cd5ee0011",
}


def waves(seed: int, width: int, height: int) -> Image.Image:
    """Smooth colours, the same everywhere."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(("made", "digits"), MADE_BY_IMAGEHASH.items())
def test_it_is_the_hash_of_imagehash(made, digits):
    assert f"{imagehash_phash(waves(*made)):016x}" == digits


def test_so_it_is_where_all_frequencies_but_a_few_are_nothing():
    square = Image.new("L", (64, 64), 255)
    square.paste(0, (16, 16, 48, 48))
    assert f"{imagehash_phash(square):016x}" == "a800820082002800"
