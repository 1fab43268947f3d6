from pathlib import Path

import pytest

from pipelines.encode.code_view import agreement, code_frequencies, proof
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.views import Frequencies
from tests.support.token_shards import token_row, write_token_shard

COUNTS = {"images_compared": 12, "tokens_compared": 12_288, "tokens_equal": 11_059}


def manifest(counts: dict[str, int]) -> Manifest:
    return Manifest("encode", "f", {}, {}, {}, metrics=counts)


def test_the_share_of_equal_tokens_is_said():
    said = agreement(manifest(COUNTS))
    assert said == (
        ". Of 12,288 tokens of 12 images decoded at a scale, 90.0% are those of full decoding"
    )


def test_nothing_is_said_where_nothing_was_compared():
    assert agreement(manifest({})) == ""
    assert proof(manifest({})) == ""


def test_the_tokens_that_differ_when_encoded_again_are_said():
    counts = {"images_proven": 24, "tokens_proven": 1_536, "tokens_differ_by_batch": 0}
    said = ". Of 1,536 tokens of 24 images that were encoded again, 0 differ in batches of another"
    assert proof(manifest(counts)) == f"{said} size"
    fast = proof(manifest(counts | {"tokens_differ_from_exact": 3}))
    assert fast == f"{said} size, and 3 from those in full precision"


@pytest.mark.parametrize(
    ("changes", "row", "words"),
    [
        ({}, {}, "images of 24 x 24 px to 3 x 3 tokens in raster order, each of 16 codes"),
        ({"codebooks": 3, "token_shape": (3,), "order": "scales"}, {}, "3 tokens in grids"),
        (
            {"token_shape": None, "image_shape": None},
            {"token_shape": [1, 9]},
            "5 codes used, perplexity 4; token shapes 1 x 9 of 3 rows; shards",
        ),
    ],
)
def test_all_codes_are_counted_whatever_their_shape(tmp_path, changes, row, words):
    folder = StageFolder(str(tmp_path), 1)
    rows = [token_row(f"{n:040d}", "a boat", [n, 5] * 4 + [7]) | row for n in range(3)]
    path = Path(write_token_shard(Path(folder.part(0)), rows, **changes))
    entry = {"name": path.name, "rows": 3, "bytes": 1000, "sha256": ""}
    made = Manifest("encode", "f", {}, {}, {}, rows_out=3, files=[entry])
    (view,) = code_frequencies(folder, made)
    assert isinstance(view, Frequencies)
    assert list(view.counts) == [4, 4, 4, 0, 0, 12, 0, 3] + [0] * 8
    assert words in view.about
    assert "5 codes used" in view.about
