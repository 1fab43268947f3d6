from pipelines.crawl import splits
from pipelines.crawl.splits import Claims, Extent, every, extent_of_bytes, extent_of_items


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
