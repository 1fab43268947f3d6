from pipelines.crawl import splits
from pipelines.crawl.splits import (
    Claims,
    Extent,
    every,
    extent_of_bytes,
    extent_of_items,
    in_few_parts,
)


def test_items_share_the_bytes_of_their_input(monkeypatch):
    monkeypatch.setattr(splits, "SPLIT_BYTES", 250)
    assert extent_of_items(10, 1000) == Extent(10, 2)
    assert extent_of_items(10, 10_000) == Extent(10, 1)
    assert extent_of_items(0, 1000).size == 0
    assert extent_of_bytes(1000) == Extent(1000, 250)


def test_claims_remember_a_refusal():
    claims = Claims(lambda position: position < 3)
    answers = [(claims(position), claims.was_refused) for position in (2, 3)]
    assert answers == [(True, False), (False, True)]
    assert every(10**12)


def test_an_input_that_each_part_walks_over_has_few_parts():
    assert in_few_parts(Extent(1001, 10)) == Extent(1001, 251)
    assert in_few_parts(Extent(1001, 400)) == Extent(1001, 400)
