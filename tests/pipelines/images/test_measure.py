import numpy as np
import pytest
from PIL import Image

from pipelines.images.config import ImagesConfig
from pipelines.images.measure import measure
from pipelines.images.size import store_size
from pipelines.sameness.pixel_hash import pixel_hash
from tests.support.raw_images import decoded, encode, smooth

CONFIG = ImagesConfig(side=32, resize="lanczos")


def with_(**changes) -> ImagesConfig:
    return CONFIG.model_copy(update=changes)


def test_an_image_is_measured_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = measure(encode(smooth(90, 60), "PNG", exif=exif), CONFIG)
    assert (found.width, found.height, found.stored.shape) == (60, 90, (48, 32, 3))
    upright = smooth(90, 60).transpose(Image.Transpose.ROTATE_270)
    assert found.pixel_hash == pixel_hash(np.asarray(upright))
    small = upright.resize((32, 48), Image.Resampling.LANCZOS)
    assert np.array_equal(found.stored, np.asarray(small))


def test_the_centre_alone_can_be_kept() -> None:
    config = with_(crop="center")
    assert store_size(151, 100, config) == (32, 32)
    assert store_size(20, 16, with_(crop="center", side=16)) == (16, 16)
    found = measure(encode(smooth(90, 60), "PNG"), config)
    middle = smooth(90, 60).crop((15, 0, 75, 60)).resize((32, 32), Image.Resampling.LANCZOS)
    assert np.array_equal(found.stored, np.asarray(middle))
    assert found.pixel_hash == pixel_hash(np.asarray(smooth(90, 60)))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("crop", ["none", "center"])
@pytest.mark.parametrize("size", [(97, 63), (401, 300), (1031, 777)])
def test_at_a_scale_sizes_are_those_of_full_decoding(orientation, crop, size) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    encoded = encode(smooth(*size), "JPEG", exif=exif)
    full = measure(encoded, with_(crop=crop))
    scaled = measure(encoded, with_(crop=crop, decode="scaled"), compares=True)
    assert (scaled.width, scaled.height) == (full.width, full.height)
    assert scaled.stored.shape == full.stored.shape
    assert scaled.full is not None
    assert np.array_equal(scaled.full, full.stored)
    assert scaled.pixel_hash != full.pixel_hash
    # A part of an edge is rounded up, which moves what is at the end of it by some of a pixel.
    assert np.abs(scaled.stored.astype(int) - full.stored).mean() <= 5


def test_only_jpegs_are_decoded_at_a_scale() -> None:
    encoded = encode(smooth(400, 300), "PNG")
    found = measure(encoded, with_(decode="scaled"), compares=True)
    assert found.full is None
    assert found.pixel_hash == measure(encoded, CONFIG).pixel_hash


def test_the_hash_is_of_the_pixels_as_decoded() -> None:
    encoded = encode(smooth(400, 300), "JPEG")
    config = with_(decode="scaled")
    assert measure(encoded, config).pixel_hash == pixel_hash(decoded(encoded, config))
