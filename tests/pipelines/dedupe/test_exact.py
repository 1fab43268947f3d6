from itertools import permutations

from pipelines.dedupe.exact import best, exact_duplicates
from tests.support.signatures import signature


def test_one_of_equal_images_is_kept_in_any_order() -> None:
    group = [signature(name, pixel_hash="same") for name in "bca"]
    for order in permutations(group):
        assert best(order).image_key == "a"
        found = dict(exact_duplicates(order))
        assert set(found) == {"b", "c"}
        assert {d.better for d in found.values()} == {(-10_000, "a")}
        assert {d.reason for d in found.values()} == {"exact_duplicate"}


def test_a_single_image_is_no_duplicate() -> None:
    assert list(exact_duplicates([signature("a")])) == []
