from pipelines.encode.code_view import agreement, proof
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
    assert proof(manifest({})) == ""


def test_the_tokens_that_differ_when_encoded_again_are_said():
    counts = {"images_proven": 24, "tokens_proven": 1_536, "tokens_differ_by_batch": 0}
    said = ". Of 1,536 tokens of 24 images that were encoded again, 0 differ in batches of another"
    assert proof(manifest(counts)) == f"{said} size"
    fast = proof(manifest(counts | {"tokens_differ_from_exact": 3}))
    assert fast == f"{said} size, and 3 from those in full precision"
