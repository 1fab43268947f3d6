import pytest

from dalle_model.files import sha256
from pipelines.crawl.blobs import (
    CandidateRef,
    ChangedInputError,
    load,
    pack,
    spill,
    unpack,
)
from pipelines.crawl.images.image import InlineImage
from pipelines.io.aside import ByteRange
from pipelines.io.keys import local_pair_key
from pipelines.records import Candidate
from pipelines.rejection import Rejection

REJECTION = Rejection("k", "u", "c", "crawl", "bad_record")


def _inline(encoded: bytes, caption: str = "c", blob: ByteRange | None = None) -> InlineImage:
    return InlineImage(Candidate(local_pair_key(encoded, caption), "u", caption), encoded, blob)


def _refs(rows, folder, limit=100) -> list[CandidateRef]:
    return [row for row in spill(rows, str(folder), limit) if isinstance(row, CandidateRef)]


def test_rows_without_bytes_pass_and_write_nothing(tmp_path):
    candidate = Candidate("k", "u", "c")
    blob = ByteRange("t.tar", 512, 3)
    rows = list(spill([candidate, REJECTION, _inline(b"abc", blob=blob)], str(tmp_path)))
    assert rows[:2] == [CandidateRef(candidate), REJECTION]
    assert isinstance(rows[2], CandidateRef)
    assert rows[2].blob == blob
    assert list(tmp_path.iterdir()) == []


def test_bytes_spilled_are_those_loaded(tmp_path):
    images = [bytes([n]) * (n * 7 % 60 + 1) for n in range(40)]
    refs = _refs([_inline(p) for p in images], tmp_path)
    taken = {row["key"]: row["encoded"] for row in load(refs)}
    assert taken == {local_pair_key(p, "c"): p for p in images}
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) > 5
    assert max(sizes) < 100 + 60


def test_the_captions_of_an_image_share_its_bytes(tmp_path):
    rows = [_inline(b"picture", caption) for caption in ("one", "two")]
    refs = _refs(rows, tmp_path)
    assert refs[0].blob == refs[1].blob
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [7]


def test_the_first_caption_of_an_image_alone_holds_its_bytes(tmp_path):
    captions = ("one", "two", "three")
    refs = _refs([_inline(b"picture", c) for c in captions] + [_inline(b"other")], tmp_path)
    rows = sorted(load(reversed(refs)), key=lambda row: row["key"])
    held = [row["encoded"] for row in rows if row["sha256"] == sha256(b"picture")]
    assert held == [b"picture", None, None]
    assert [r["encoded"] for r in rows if r["sha256"] == sha256(b"other")] == [b"other"]


def test_the_same_work_again_writes_the_same_file(tmp_path):
    first = _refs([_inline(b"a"), _inline(b"b")], tmp_path)
    second = _refs([_inline(b"b"), _inline(b"a")], tmp_path)
    assert sorted(first) == sorted(second)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_candidate_is_unpacked_as_it_was_packed():
    candidate = Candidate("k", "u", "c", "p", "alt", "s", "en", "CC0", "noai")
    for ref in (CandidateRef(candidate), CandidateRef(candidate, ByteRange("t.tar", 512, 3))):
        assert unpack(pack(ref)) == ref


def test_bytes_that_changed_are_an_error(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"picture")
    row = CandidateRef(_inline(b"picture").candidate, ByteRange(str(path), 0, 7))
    assert load([row])[0]["encoded"] == b"picture"
    path.write_bytes(b"another")
    with pytest.raises(ChangedInputError, match=r"a\.jpg: an image is not what it was"):
        load([row])
