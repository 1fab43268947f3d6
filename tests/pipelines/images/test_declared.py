import io

import numpy as np
import pytest
from PIL import Image

from pipelines.images.declared import is_another, mismatch
from pipelines.io.hashes import declared, hamming
from pipelines.io.perceptual import imagehash_phash
from pipelines.rejection import Check
from pipelines.sameness.hashes import phash
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


def encoded(image: Image.Image, kind: str = "PNG", **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def test_the_file_is_not_decoded_again_where_the_own_hash_is_near(monkeypatch):
    monkeypatch.setattr("pipelines.images.declared.looks_of", None)
    image = waves(1, 64, 64)
    own = phash(np.asarray(image))
    assert is_another(f"phash:{imagehash_phash(image):016x}", own, b"", LIMIT) is None
    assert is_another("md5:00", own, b"", LIMIT) is None


def square() -> Image.Image:
    """A drawing, half of whose frequencies are rounding noise, which our own hash leaves out."""
    drawing = Image.new("RGB", (64, 64), "white")
    drawing.paste((0, 0, 0), (16, 16, 48, 48))
    return drawing


def test_a_drawing_is_judged_by_the_hash_of_others():
    drawing = square()
    own, others = phash(np.asarray(drawing)), imagehash_phash(drawing)
    assert hamming(own, others) == 4
    assert is_another(f"phash:{others:016x}", own, encoded(drawing), max_hamming=3) is None
    found = is_another(f"phash:{~others % 2**64:016x}", own, encoded(drawing), max_hamming=3)
    assert found is not None
    assert found.measured == 64


def test_an_image_that_is_stored_in_part_is_judged_whole():
    image = waves(5, 300, 120)
    own = phash(np.asarray(image.crop((90, 0, 210, 120))))
    declared_hash = declared({"phash": f"{imagehash_phash(image):016x}"})
    assert mismatch(declared_hash, own, LIMIT) is not None
    assert is_another(declared_hash, own, encoded(image), LIMIT) is None


def test_colours_below_transparency_may_have_been_hashed_or_not():
    image = waves(6, 90, 90).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    on_white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    own = phash(np.asarray(on_white))
    for look in (image.convert("RGB"), on_white):
        text = declared({"phash": f"{imagehash_phash(look):016x}"})
        assert is_another(text, own, encoded(image), LIMIT) is None


def test_a_file_that_cannot_be_decoded_again_is_judged_by_the_own_hash():
    found = is_another(f"phash:{'0' * 16}", 0xFFFF, b"no image", LIMIT)
    assert found is not None
    assert found.measured == 16


def test_an_image_that_was_recompressed_or_scaled_is_the_same():
    for seed in range(20):
        image = waves(seed, 320, 240)
        text = declared({"phash": f"{imagehash_phash(image):016x}"})
        again = encoded(image.resize((160, 120)), "JPEG", quality=50)
        own = phash(np.asarray(Image.open(io.BytesIO(again)).convert("RGB")))
        assert is_another(text, own, again, LIMIT) is None
        other = waves(seed + 100, 320, 240)
        assert is_another(text, phash(np.asarray(other)), encoded(other), LIMIT) is not None
