from pipelines.encode.code_view import agreement
from pipelines.io.manifest import Manifest

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
