from collections.abc import Iterable
from itertools import permutations

from pipelines.dedupe.captions import cap_captions
from pipelines.dedupe.signatures import Pair


def pair(image: int, number: int = 0) -> Pair:
    return {"key": f"{image:024x}{number:016x}", "url": "", "caption": "a dog"}


def kept(group: Iterable[Pair], max_images: int) -> list[str]:
    return [p["key"] for p, check in cap_captions(group, max_images) if check is None]


def test_the_first_images_by_key_are_kept_in_any_order() -> None:
    group = [pair(image) for image in range(4)]
    for order in permutations(group):
        assert kept(order, 2) == [group[0]["key"], group[1]["key"]]


def test_images_are_counted_not_pairs() -> None:
    group = [pair(1, 1), pair(1, 2), pair(2)]
    assert len(kept(group, 2)) == 3
    assert len(kept(group, 1)) == 2


def test_a_dropped_pair_reports_how_many_share_its_caption() -> None:
    outcomes = list(cap_captions([pair(image) for image in range(12)], 10))
    dropped = [check for _, check in outcomes if check is not None]
    assert len(outcomes) == 12
    assert len(dropped) == 2
    assert {(c.reason, c.measured, c.threshold) for c in dropped} == {("caption_cap", 12.0, 10.0)}
    assert {c.detail for c in dropped} == {pair(0)["key"]}
