import numpy as np
import pytest

from dalle_model.pixels import from_stored
from dalle_model.tokenizers.codec import CodecFacts
from pipelines.images.measure import measure
from pipelines.images.own import SCHEMA, config_for, image_row
from pipelines.images.shard import columns
from pipelines.records import Candidate
from pipelines.rejection import Rejection
from tests.support.raw_images import encode, smooth

CANDIDATE = Candidate("k" * 40, "urn:sha256:0", "a caption", source="photos", name="a.jpg")


def facts(height: int, width: int) -> CodecFacts:
    return CodecFacts("c", "0" * 64, (height, width), (2, 2), 8, "lanczos", (0.0, 1.0))


@pytest.mark.parametrize("shape", [(16, 16), (16, 24)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_row_has_the_values_that_the_images_stage_gives_it(shape, kind):
    encoded, config = encode(smooth(70, 40), kind), config_for(facts(*shape))
    row = image_row(CANDIDATE, encoded, config)
    expected = columns(measure(encoded, config), config)
    assert not isinstance(row, Rejection)
    assert list(row) == SCHEMA.names
    for name in ("width", "height", "phash"):
        assert row[name] == expected[name]
    assert np.array_equal(from_stored(row["image"]), from_stored(expected["image"]))
    assert (row["caption"], row["source"], row["name"]) == ("a caption", "photos", "a.jpg")


@pytest.mark.parametrize(("width", "stored"), [(16, (16, 16, 3)), (24, (24, 42, 3))])
def test_only_the_square_of_a_square_codec_is_kept(width, stored):
    row = image_row(CANDIDATE, encode(smooth(70, 40), "PNG"), config_for(facts(16, width)))
    assert not isinstance(row, Rejection)
    assert from_stored(row["image"]).shape == stored


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"no image", "wrong_format"),
        (encode(smooth(15, 90), "PNG"), "too_small"),
        (encode(smooth(90, 90), "PNG")[:200], "truncated"),
    ],
)
def test_what_cannot_be_used_is_a_rejection_of_the_images_stage(encoded, reason):
    found = image_row(CANDIDATE, encoded, config_for(facts(16, 16)))
    assert isinstance(found, Rejection)
    assert (found.stage, found.reason, found.key) == ("images", reason, "k" * 40)
