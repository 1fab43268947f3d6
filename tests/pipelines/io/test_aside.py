import random
from collections import Counter

import pytest

from dalle_model import files
from pipelines.io.aside import ByteRange, put_aside, take_back
from tests.support.counted_store import PROTOCOL, CountedStore, counted_store

CONTENTS = {"a": b"first", "b": b"second, longer", "c": b"third"}
IMAGE_BYTES = 41_000
URL = f"{PROTOCOL}://bucket/a.tar"


@pytest.fixture
def store():
    return counted_store()


@pytest.fixture(params=["disk", "store"])
def folder(request, tmp_path, store):
    return str(tmp_path) if request.param == "disk" else f"{PROTOCOL}://bucket/aside"


@pytest.mark.parametrize("names", ["abc", "ac", "cb", "b", ""])
def test_what_is_put_aside_is_taken_back(folder, names):
    places = put_aside(CONTENTS, folder)
    chosen = {name: places[name] for name in names}
    assert dict(take_back(chosen)) == {name: CONTENTS[name] for name in names}


def test_one_place_may_have_many_names_and_places_may_overlap(folder):
    place = put_aside(CONTENTS, folder)["b"]
    inside = place._replace(offset=place.offset + 1, length=3)
    behind = place._replace(offset=place.offset + place.length, length=5)
    places = {"one": place, "two": place, "inside": inside, "behind": behind}
    assert dict(take_back(places)) == {
        "one": b"second, longer", "two": b"second, longer", "inside": b"eco", "behind": b"third",
    }  # fmt: skip


def test_what_lies_side_by_side_is_one_request(store):
    folder = f"{PROTOCOL}://bucket/aside"
    one, other = put_aside(CONTENTS, folder), put_aside({"d": b"d"}, folder)
    assert dict(take_back(one | other)) == CONTENTS | {"d": b"d"}
    assert sorted(size for _, size in store.answers) == [1, 24]


def test_a_request_is_of_bounded_size_unless_an_image_is_larger(store):
    sizes = [3 << 20, 3 << 20, 3 << 20, 9 << 20, 1]
    contents = {number: bytes([number]) * size for number, size in enumerate(sizes)}
    assert dict(take_back(put_aside(contents, f"{PROTOCOL}://bucket/aside"))) == contents
    assert sorted(size for _, size in store.answers) == [1, 3 << 20, 6 << 20, 9 << 20]


def test_objects_of_which_no_range_can_be_had_are_each_read_whole_once(store, monkeypatch):
    answer = CountedStore.cat_file

    def whole_alone(self, path, start=None, end=None):
        if start is not None:
            raise ValueError("checksum of the whole")
        return answer(self, path)

    monkeypatch.setattr(store, "cat_file", whole_alone)
    contents = {number: bytes([number]) * 70_000 for number in range(8)}
    folder = f"{PROTOCOL}://bucket/aside"
    places = put_aside(contents, folder) | put_aside({"other": b"x" * 9}, folder)
    wanted = {name: place for name, place in places.items() if name in {1, 3, 5, "other"}}
    found = dict(take_back(wanted))
    assert found == {number: contents[number] for number in (1, 3, 5)} | {"other": b"x" * 9}
    assert store.requests["GET"] == 2


def test_equal_contents_are_one_file(tmp_path):
    assert put_aside(CONTENTS, str(tmp_path)) == put_aside(CONTENTS, str(tmp_path))
    assert len(files.list_names(str(tmp_path))) == 1


def test_a_file_that_is_gone_is_named(folder):
    gone = ByteRange(f"{folder}/gone.bin", 0, 1)
    with pytest.raises(FileNotFoundError, match=r"gone\.bin"):
        dict(take_back({"a": gone}))


def test_a_file_that_is_shorter_than_it_was_is_an_error(folder):
    place = put_aside(CONTENTS, folder)["c"]
    with pytest.raises(EOFError, match=r"\.bin ends before byte 25"):
        dict(take_back({"c": place, "d": place._replace(length=6)}))


@pytest.mark.parametrize("num_shards", [4, 16, 64])
def test_a_tar_shared_by_shards_is_fetched_once_in_all(store, num_shards):
    """A shard's images lie anywhere in it. Whole, it would be fetched once for each shard."""
    num_images = 1000
    tar = random.Random(1).randbytes(num_images * IMAGE_BYTES)
    files.write_bytes(URL, tar)
    chance = random.Random(2)
    shard_of = {number: chance.randrange(num_shards) for number in range(num_images)}
    for shard in range(num_shards):
        places = {
            number: ByteRange(URL, number * IMAGE_BYTES + 512, IMAGE_BYTES - 1024)
            for number in range(num_images)
            if shard_of[number] == shard
        }
        for number, content in take_back(places):
            begin = number * IMAGE_BYTES + 512
            assert content == tar[begin : begin + IMAGE_BYTES - 1024]
    asked = Counter(size > IMAGE_BYTES for _, size in store.answers)
    fetched = sum(size for _, size in store.answers)
    assert asked.total() <= num_images
    assert asked[True] > 0
    assert fetched < 1.2 * len(tar)
