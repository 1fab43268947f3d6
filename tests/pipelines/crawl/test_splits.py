from pipelines.crawl.splits import Claims, every, extent_of_bytes, extent_of_items


def test_items_share_the_bytes_of_their_input():
    assert extent_of_items(10, 1000, split_bytes=250).step == 2
    assert extent_of_items(10, 1000, split_bytes=10).step == 1
    assert extent_of_items(0, 1000).size == 0
    assert extent_of_bytes(1000, split_bytes=10).size == 1000


def test_claims_remember_a_refusal():
    claims = Claims(lambda position: position < 3)
    assert claims(2)
    assert not claims.was_refused
    assert not claims(3)
    assert claims.was_refused
    assert every(10**12)
