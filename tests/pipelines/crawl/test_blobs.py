import pytest

from pipelines.crawl.blobs import (
    NOWHERE,
    Brought,
    ChangedInputError,
    Place,
    Placed,
    pack,
    put_aside,
    take_back,
    unpack,
)
from pipelines.io.keys import local_pair_key
from pipelines.records import Candidate
from pipelines.rejection import Rejection

REJECTION = Rejection("k", "u", "c", "crawl", "bad_record")


def _brought(encoded: bytes, caption: str = "c", place: Place = NOWHERE) -> Brought:
    return Brought(Candidate(local_pair_key(encoded, caption), "u", caption), encoded, place)


def _placed(rows, folder, limit=100) -> list[Placed]:
    return [row for row in put_aside(rows, str(folder), limit) if isinstance(row, Placed)]


def test_rows_without_bytes_pass_and_write_nothing(tmp_path):
    candidate = Candidate("k", "u", "c")
    place = Place("t.tar", 512, 3)
    rows = list(put_aside([candidate, REJECTION, _brought(b"abc", place=place)], str(tmp_path)))
    assert rows[:2] == [Placed(candidate), REJECTION]
    assert isinstance(rows[2], Placed)
    assert rows[2].place == place
    assert list(tmp_path.iterdir()) == []


def test_bytes_put_aside_are_those_taken_back(tmp_path):
    pictures = [bytes([n]) * (n * 7 % 60 + 1) for n in range(40)]
    placed = _placed([_brought(p) for p in pictures], tmp_path)
    taken = {row["key"]: row["encoded"] for row in take_back(placed)}
    assert taken == {local_pair_key(p, "c"): p for p in pictures}
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) > 5
    assert max(sizes) < 100 + 60


def test_the_captions_of_a_picture_share_its_bytes(tmp_path):
    rows = [_brought(b"picture", caption) for caption in ("one", "two")]
    placed = _placed(rows, tmp_path)
    assert placed[0].place == placed[1].place
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [7]


def test_the_same_work_again_writes_the_same_file(tmp_path):
    first = _placed([_brought(b"a"), _brought(b"b")], tmp_path)
    second = _placed([_brought(b"b"), _brought(b"a")], tmp_path)
    assert sorted(first) == sorted(second)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_candidate_is_unpacked_as_it_was_packed():
    candidate = Candidate("k", "u", "c", "p", "alt", "s", "en", "CC0", "noai")
    for placed in (Placed(candidate), Placed(candidate, Place("t.tar", 512, 3))):
        assert unpack(pack(placed)) == placed


def test_bytes_that_changed_are_an_error(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"picture")
    row = Placed(_brought(b"picture").candidate, Place(str(path), 0, 7))
    assert take_back([row])[0]["encoded"] == b"picture"
    path.write_bytes(b"another")
    with pytest.raises(ChangedInputError, match=r"a\.jpg: a picture is not what it was"):
        take_back([row])
