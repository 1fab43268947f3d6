from hypothesis import given
from hypothesis import strategies as st

from dalle_model.shards import image_of
from pipelines.io.keys import local_pair_key, pair_key, shard_of

URL = "http://host.example/a.png"


def test_a_key_is_the_image_then_the_caption():
    key = pair_key(URL, "a red apple")
    assert key == pair_key(URL, "a red apple")
    assert len(key) == 40
    assert image_of(key) == image_of(pair_key(URL, "another caption"))
    assert key[24:] == pair_key("http://host.example/b.png", "a red apple")[24:]


def test_a_pinned_key_never_changes():
    assert pair_key(URL, "a red apple") == "050b399a23789ac9170dff53df4f20b98852cc71"


@given(st.text(), st.text(), st.integers(1, 1000))
def test_all_captions_of_an_image_share_its_shard(one, two, num_shards):
    shards = {shard_of(pair_key(URL, text), num_shards) for text in (one, two)}
    assert len(shards) == 1
    assert 0 <= shards.pop() < num_shards


def test_local_images_are_named_by_their_bytes():
    assert local_pair_key(b"png", "x") == local_pair_key(b"png", "x")
    assert image_of(local_pair_key(b"png", "x")) != image_of(local_pair_key(b"jpg", "x"))
