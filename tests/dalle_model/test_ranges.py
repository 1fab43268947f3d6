import io
import random
import tracemalloc

import fsspec
import pytest

from dalle_model import files, ranges
from dalle_model.ranges import BLOCK_BYTES, HEAD_BYTES, open_in_ranges, read_range
from tests.support.counted_store import PROTOCOL, CountedStore, counted_store
from tests.support.s3_server import s3_server

URL = f"{PROTOCOL}://bucket/object"


@pytest.fixture
def store():
    return counted_store()


def _put(num_bytes: int, seed: int = 0) -> bytes:
    content = random.Random(seed).randbytes(num_bytes)
    files.write_bytes(URL, content)
    return content


@pytest.mark.parametrize("num_bytes", [1, HEAD_BYTES + 1, BLOCK_BYTES])
def test_an_object_of_a_block_is_one_request(store, num_bytes):
    content = _put(num_bytes)
    with open_in_ranges(URL) as stream:
        stream.seek(num_bytes - 1)
        assert stream.read(1) == content[-1:]
        assert stream.seek(0, io.SEEK_END) == num_bytes
        stream.seek(0)
        assert stream.read() == content
    assert store.requests["GET"] == 1
    assert sum(size for _, size in store.answers) == num_bytes


def test_a_reading_forwards_asks_once_for_each_byte_and_for_a_block_at_a_time(store):
    content = _put(3 * BLOCK_BYTES + 5)
    with open_in_ranges(URL) as stream:
        found = [stream.read(1000)]
        while piece := stream.read(1 << 20):
            found.append(piece)
            stream.seek(-500, io.SEEK_CUR)
            assert stream.read(500) == piece[-500:]
    assert b"".join(found) == content
    sizes = [size for _, size in store.answers]
    assert sizes == [HEAD_BYTES, BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES - HEAD_BYTES + 5]


def test_a_step_back_asks_for_what_is_not_held_alone(store):
    content = _put(4 * BLOCK_BYTES)
    with open_in_ranges(URL) as stream:
        for place in (20 << 20, (20 << 20) - 1000, 0, (20 << 20) - 500, 20 << 20):
            stream.seek(place)
            assert stream.read(10) == content[place : place + 10]
    assert [size for _, size in store.answers] == [BLOCK_BYTES, 1000, HEAD_BYTES]


def test_a_reader_that_looks_ahead_comes_back_without_a_further_request(store):
    _put(4 * BLOCK_BYTES)
    with open_in_ranges(URL) as stream:
        for place in (0, HEAD_BYTES + 50_000, HEAD_BYTES):
            stream.seek(place)
            stream.read(10)
    assert [size for _, size in store.answers] == [HEAD_BYTES, BLOCK_BYTES]


def test_a_part_asks_for_the_head_and_for_its_own_blocks(store):
    content = _put(6 * BLOCK_BYTES)
    with open_in_ranges(URL) as stream:
        stream.read(100)
        stream.seek(4 * BLOCK_BYTES)
        assert stream.read(10) == content[4 * BLOCK_BYTES :][:10]
        stream.seek(1)
        assert stream.read(10) == content[1:11]  # the head is held for good
    assert [size for _, size in store.answers] == [HEAD_BYTES, BLOCK_BYTES]


def test_few_blocks_are_held(store):
    _put(8 * BLOCK_BYTES)
    with open_in_ranges(URL) as stream:
        tracemalloc.start()
        try:
            while stream.read(1 << 20):
                pass
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert held < HEAD_BYTES + 2.1 * BLOCK_BYTES
    assert peak < HEAD_BYTES + 3.3 * BLOCK_BYTES


def test_any_order_gives_the_bytes_of_the_object(store, monkeypatch):
    monkeypatch.setattr(ranges, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(ranges, "HEAD_BYTES", 300)
    chance = random.Random(3)
    content = _put(10_123)
    with open_in_ranges(URL) as stream:
        for _ in range(300):
            place, length = chance.randrange(11_000), chance.randrange(3000)
            stream.seek(place)
            assert stream.read(length) == content[place : place + length]
        stream.seek(10**18)  # as a header may say
        assert stream.read(1) == b""


def test_an_object_that_is_replaced_while_it_is_read_is_an_error(store):
    _put(2 * BLOCK_BYTES)
    with open_in_ranges(URL) as stream:
        stream.read(10)
        _put(2 * BLOCK_BYTES, seed=1)
        stream.seek(BLOCK_BYTES)
        with pytest.raises(OSError, match=r"replaced while it was read.*counted://bucket/object"):
            stream.read(10)


def test_a_short_answer_is_an_error_not_the_end(store, monkeypatch):
    _put(2 * BLOCK_BYTES)
    answer = CountedStore.cat_file
    monkeypatch.setattr(store, "cat_file", lambda *asked: answer(*asked)[:-1])
    with open_in_ranges(URL) as stream, pytest.raises(OSError, match="2097151 bytes instead of"):
        stream.read()


def test_a_store_that_fails_is_an_os_error_in_the_words_of_its_library(store, monkeypatch):
    _put(2 * BLOCK_BYTES)
    with open_in_ranges(URL) as stream:
        stream.seek(BLOCK_BYTES)
        stream.read(1)
        stream.seek(0)

        def failing(*_asked):
            raise RuntimeError("connection reset")

        monkeypatch.setattr(store, "cat_file", failing)
        with pytest.raises(OSError, match="RuntimeError: connection reset"):
            stream.read()
    with open_in_ranges(URL) as stream, pytest.raises(OSError, match="connection reset"):
        stream.read()
    monkeypatch.setattr(store, "info", failing)
    with pytest.raises(OSError, match="connection reset"):
        open_in_ranges(URL)


def test_what_is_not_there_or_empty(store):
    with pytest.raises(FileNotFoundError):
        open_in_ranges(URL)
    _put(0)
    assert open_in_ranges(URL).read() == b""


def _answering_whole_objects_alone(store, monkeypatch):
    answer = CountedStore.cat_file

    def whole_alone(self, path, start=None, end=None):
        if start:
            raise ValueError("checksum of the whole")
        return answer(self, path, None, end)

    monkeypatch.setattr(store, "cat_file", whole_alone)


def test_a_store_that_refuses_ranges_is_read_whole_and_once(store, monkeypatch, caplog):
    content = _put(3 * BLOCK_BYTES)
    _answering_whole_objects_alone(store, monkeypatch)
    with open_in_ranges(URL) as stream:
        assert stream.read() == content
    assert store.requests["GET"] == 2  # the first bytes, and the whole
    assert read_range(URL, 2, 3) is None
    assert "read whole" in caplog.text


def test_a_store_that_takes_no_notice_of_a_range(store, monkeypatch):
    _put(100)
    answer = CountedStore.cat_file
    monkeypatch.setattr(store, "cat_file", lambda self, path, **_: answer(self, path))
    assert read_range(URL, 20, 30) is None


@pytest.mark.parametrize("place", ["disk", "memory"])
@pytest.mark.parametrize(
    ("offset", "length", "found"), [(2, 3, b"234"), (8, 5, b"89"), (0, 0, b"")]
)
def test_a_range_is_read_alone(tmp_path, place, offset, length, found):
    url = str(tmp_path / "digits") if place == "disk" else "memory://ranges/digits"
    files.write_bytes(url, b"0123456789")
    assert read_range(url, offset, length) == found
    with pytest.raises(FileNotFoundError):
        read_range(url + "-gone", 0, 1)


def test_a_disk_is_read_as_ever(tmp_path):
    (tmp_path / "x").write_bytes(b"0123")
    with open_in_ranges(str(tmp_path / "x")) as stream:
        assert stream.read() == b"0123"


def test_a_server_of_s3_that_sums_the_whole_and_knows_no_condition(tmp_path, monkeypatch, caplog):
    """rclone answers a range with the checksum of the whole object, and ignores `If-Match`."""
    content = random.Random(5).randbytes(2 * BLOCK_BYTES + 7)
    with s3_server(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        files.write_bytes("s3://bucket/x", content)
        assert read_range("s3://bucket/x", BLOCK_BYTES - 3, 10) == content[BLOCK_BYTES - 3 :][:10]
        with open_in_ranges("s3://bucket/x") as stream:
            assert stream.read(10) == content[:10]
            stream.seek(-7, io.SEEK_END)
            assert stream.read() == content[-7:]
            files.write_bytes("s3://bucket/x", content[::-1])
            stream.seek(BLOCK_BYTES)
            with pytest.raises(OSError, match="replaced while it was read"):
                stream.read(1)
        with pytest.raises(FileNotFoundError):
            open_in_ranges("s3://bucket/gone")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    assert "read whole" not in caplog.text
