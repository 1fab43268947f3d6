import io

import numpy as np
import pytest
from PIL import Image

from pipelines.images.declared import is_another, mismatch
from pipelines.images.hashes import phash
from pipelines.io.hashes import declared, hamming
from pipelines.io.perceptual import imagehash_phash
from pipelines.rejection import Check
from tests.pipelines.io.test_perceptual import waves

LIMIT = 10


@pytest.mark.parametrize(("declared_hash", "value"), [("", 1), ("md5:0", 1), ("phash:00", 0b1111)])
def test_a_hash_within_the_limit_or_none_is_no_mismatch(declared_hash, value):
    assert mismatch(declared_hash, value, max_hamming=4) is None


def test_a_mismatch_says_how_far_off_the_image_is():
    digits = "0" * 16
    assert mismatch(f"sha256:00 phash:{digits}", 0b11111, max_hamming=4) == Check(
        "perceptual_mismatch", False, 5.0, 4.0, f"phash 000000000000001f, declared {digits}"
    )


def never() -> Image.Image:
    raise AssertionError


def test_the_stored_image_is_not_asked_for_where_the_own_hash_is_near():
    image = waves(1, 64, 64)
    own = phash(np.asarray(image))
    assert is_another(f"phash:{imagehash_phash(image):016x}", own, never, LIMIT) is None
    assert is_another("md5:00", own, never, LIMIT) is None


def square() -> Image.Image:
    """A drawing, half of whose frequencies are rounding noise, which our own hash leaves out."""
    drawing = Image.new("RGB", (64, 64), "white")
    drawing.paste((0, 0, 0), (16, 16, 48, 48))
    return drawing


def test_a_drawing_is_judged_by_the_hash_of_others():
    drawing = square()
    own, others = phash(np.asarray(drawing)), imagehash_phash(drawing)
    assert hamming(own, others) == 4
    assert is_another(f"phash:{others:016x}", own, lambda: drawing, max_hamming=3) is None
    found = is_another(f"phash:{~others % 2**64:016x}", own, lambda: drawing, max_hamming=3)
    assert found is not None
    assert found.measured == 64


def test_an_image_that_was_recompressed_or_scaled_is_the_same():
    for seed in range(20):
        image = waves(seed, 320, 240)
        text = declared({"phash": f"{imagehash_phash(image):016x}"})
        buffer = io.BytesIO()
        image.resize((160, 120)).save(buffer, "JPEG", quality=50)
        again = Image.open(buffer).convert("RGB")
        assert is_another(text, phash(np.asarray(again)), again.copy, LIMIT) is None
        other = waves(seed + 100, 320, 240)
        assert is_another(text, phash(np.asarray(other)), other.copy, LIMIT) is not None
