import io
import json
import pickle
import tarfile
from collections import Counter

import pytest

from pipelines.crawl.books import PassedOver
from pipelines.crawl.images import tars
from pipelines.crawl.images.image import MAX_TEXT_BYTES, Image
from pipelines.crawl.images.tars import read_tar, tar_extent
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import WHOLE
from pipelines.rejection import Rejection
from tests.support.sources import tar_of

LIMIT = 1000
SOURCE = Source(path="t")


def _rows(content: bytes, source: Source = SOURCE) -> list[Image | Rejection]:
    read = read_tar(io.BytesIO(content), "t.tar", source, LIMIT)
    return [row for row in read if not isinstance(row, PassedOver)]


def _passed_over(content: bytes) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in read_tar(io.BytesIO(content), "t.tar", SOURCE, LIMIT):
        if isinstance(row, PassedOver):
            counts[row.what] += row.count
    return counts


def _captions(members: list[tuple[str, bytes]], **settings) -> list[str]:
    """Caption of each image, reason of each rejection."""
    rows = _rows(tar_of(members), Source(path="t", **settings))
    return [r.reason if isinstance(r, Rejection) else r.found.caption for r in rows]


def _pairs(*members: tuple[str, bytes]) -> list[tuple[str, str]]:
    """Content and caption of each image; reason and caption of each rejection."""
    return [
        (r.reason, r.caption) if isinstance(r, Rejection) else (r.encoded.decode(), r.found.caption)
        for r in _rows(tar_of(members))
    ]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("a.jpg", b"p"), ("a.txt", b"\xef\xbb\xbfa barn\r\n")], ["a barn"]),
        ([("a.txt", b"a barn"), ("a.WEBP", b"p")], ["a barn"]),
        ([("a.jpg", b"p"), ("a.json", b'{"caption": "from json"}')], ["from json"]),
        ([("a.gif", b"p"), ("a.json", b'{"TEXT": ["one", "two"]}')], ["one", "two"]),
        ([("a.jpg", b"p"), ("a.json", b'{"caption": "j"}'), ("a.txt", b"t")], ["j"]),
        ([("a.jpg", b"p"), ("a.json", b'{"n": 1}'), ("a.txt", b"two\nlines")], ["two\nlines"]),
        ([("a.jpg", b"p"), ("a.cls", b"3")], [""]),
        ([("x/a.jpg", b"p"), ("y/a.txt", b"other")], ["", "no_picture"]),
        ([("a.jpg", b"p"), ("b.txt", b"t"), ("a.txt", b"t")], ["", "no_picture", "no_picture"]),
        ([("a.seg.png", b"p"), ("a.jpg", b"q"), ("a.txt", b"t")], ["t"]),
        ([("a.jpg", b"p"), ("a.txt", b"t"), ("a.jpg", b"q"), ("a.txt", b"u")], ["t", "u"]),
        ([("a.jpg", b"p"), ("a.json", b"{"), ("b.jpg", b"p"), ("b.txt", b"b")],
         ["bad_metadata", "b"]),
        ([("a.jpg", b"p"), ("a.json", b"[1]")], ["bad_metadata"]),
        ([("a.jpg", b"p"), ("a.json", b"[" * 100_000)], ["bad_metadata"]),
        ([("a.jpg", b"p"), ("a.txt", b"x" * (MAX_TEXT_BYTES + 1))], ["bad_metadata"]),
        ([("README.md", b"read"), ("data", b"x"), ("._a.jpg", b"mac")], []),
    ],
)  # fmt: skip
def test_samples(members, expected):
    assert _captions(members) == expected


def test_keys_of_the_json_are_mapped_like_columns():
    document = json.dumps({"words": "a barn", "link": "http://site.test/a.jpg", "license": "CC0"})
    content = tar_of([("a.jpg", b"p"), ("a.json", document.encode())])
    (row,) = _rows(content, Source(path="t", caption_column="words", url_column="link", name="s"))
    assert isinstance(row, Image)
    found = row.found
    assert (found.caption, found.raw_url, found.license) == (
        "a barn", "http://site.test/a.jpg", "CC0",
    )  # fmt: skip
    assert (found.source, found.text_source) == ("s", "file")


def test_the_blob_of_an_image_is_the_range_of_its_bytes():
    content = tar_of([("a.jpg", b"picture"), ("a.txt", b"t")], tarfile.PAX_FORMAT)
    (row,) = _rows(content)
    assert isinstance(row, Image)
    assert row.blob is not None
    location, offset, length = row.blob
    assert location == "t.tar"
    assert content[offset : offset + length] == b"picture" == row.encoded


def test_a_gzipped_tar_has_no_blobs_and_is_one_piece():
    packed = tar_of([("a.jpg", b"picture"), ("a.txt", b"t")], mode="w:gz")
    (row,) = _rows(packed)
    assert isinstance(row, Image)
    assert (row.encoded, row.blob) == (b"picture", None)
    assert tar_extent(io.BytesIO(packed), is_local=True) == WHOLE


def test_a_cut_gzipped_tar_keeps_what_came_before():
    members = [
        (f"{n}.{s}", bytes([n, i] * 150)) for n in range(9) for i, s in enumerate(["jpg", "txt"])
    ]
    rows = _rows(tar_of(members, mode="w:gz")[:-80])
    assert isinstance(rows[0], Image)
    assert [(r.reason, r.detail) for r in rows if isinstance(r, Rejection)] == [
        ("bad_record", "damaged compression")
    ]


def test_a_large_image_is_not_read():
    (row,) = _rows(tar_of([("a.jpg", b"x" * (LIMIT + 1)), ("a.txt", b"t")]))
    assert isinstance(row, Image)
    assert (row.encoded, row.num_bytes) == (b"", LIMIT + 1)


@pytest.mark.parametrize("keep", [512 + 10, 512, 4 * 512 + 3])
def test_a_tar_that_ends_within_a_file(keep):
    content = tar_of([("a.jpg", b"x" * 600), ("a.txt", b"a caption")])
    (row,) = _rows(content[:keep])
    assert isinstance(row, Rejection)
    assert row.reason == "bad_record"


def test_hostile_members_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, link in [("a.jpg", "secret.jpg"), ("b.jpg", "/etc/passwd")]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
        for name, content in [
            ("a.txt", b"of a link"),
            ("../../c.jpg", b"p"),
            ("../../c.txt", b"up"),
            ("/etc/d.jpg", b"p"),
            ("/etc/d.txt", b"root"),
            ("pipe:touch owned; .jpg", b"p"),
            ("pipe:touch owned; .txt", b"pipe"),
            ("e.pkl", pickle.dumps(print)),
            ("e.pth", b"cos\nsystem\n(S'touch owned'\ntR."),
            ("e.jpg", b"p"),
            ("e.txt", b"pickled"),
        ]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    rows = _rows(sink.getvalue())
    assert [r.reason if isinstance(r, Rejection) else r.found.caption for r in rows] == [
        "no_picture", "up", "root", "pipe", "pickled",
    ]  # fmt: skip
    assert b"secret" not in {r.encoded for r in rows if isinstance(r, Image)}
    assert [path.name for path in tmp_path.iterdir()] == ["secret.jpg"]


@pytest.mark.parametrize(
    "members",
    [
        [("000.image.jpg", b"p"), ("000.caption.txt", b"t")],
        [("000.caption.txt", b"t"), ("000.image.jpg", b"p")],
        [("0.large.png", b"p"), ("0.txt", b"t")],
        [("0.512.png", b"p"), ("0.txt", b"t")],
        [("0.jpg", b"p"), ("0.caption.txt", b"t")],
        [("0.jpg", b"p"), ("0.json", b"{}"), ("0.caption.txt", b"t")],
        [("0.jpg", b"p"), ("0.txt", b"t"), ("0.boxes.json", b"[1]")],
        [("0.rgb.left.jpg", b"p"), ("0.caption.txt", b"t"), ("0.boxes.json", b"[1]")],
        [("0.jpg", b"p"), ("0.meta.json", b'{"caption": "t"}')],
        [("pic.v1.jpg", b"p"), ("pic.v1.txt", b"t")],
        [("2024.05.01 photo.jpg", b"p"), ("2024.05.01 photo.json", b'{"caption": "t"}')],
        [("a.b/0.jpg", b"p"), ("a.b/0.txt", b"t")],
        [("0.jpg", b"p"), ("0.caption", b"t")],
        [("0.jpg", b"p"), ("0.txt", b"t"), ("0.caption", b"other")],
        [("photo.2024-05-01.jpg", b"p"), ("photo.2024-05-01.caption.txt", b"t")],
        [("2024.05.01 photo.image.jpg", b"p"), ("2024.05.01 photo.caption.txt", b"t")],
        [("0.jpg", b"p"), ("0.jpg.txt", b"t")],
        [("0.jpg_large", b"\xff\xd8\xff"), ("0.txt", b"t")],
    ],
)
def test_a_name_with_dots_is_paired_by_the_convention_or_by_its_stem(members):
    assert _captions(members) == ["t"]


def test_names_that_differ_after_the_first_dot_are_samples_of_their_own():
    dates = [f"2024.05.0{n} photo" for n in range(4)]
    pairs = [(f"{d}.{s}", d.encode()) for d in dates for s in ("jpg", "txt")]
    assert _pairs(*pairs) == [(d, d) for d in dates]
    by_kind = sorted(pairs, key=lambda member: member[0][-3:])
    assert _pairs(*by_kind) == [(d, d) for d in dates]
    assert _pairs(*pairs[1:-1]) == [
        ("no_picture", dates[0]), *((d, d) for d in dates[1:3]), (dates[3], ""),
    ]  # fmt: skip
    assert _pairs(pairs[0], pairs[3]) == [(dates[0], ""), ("no_picture", dates[1])]


def test_names_with_dots_of_both_kinds():
    members = [(f"pic.v{n}.{role}", b"%d" % n) for n in (1, 2) for role in ("image.jpg", "txt")]
    assert _pairs(*members) == [("1", "1"), ("2", "2")]
    members = [(f"pic.{n}.{role}", b"%d" % n) for n in (1, 2) for role in ("a.jpg", "b.txt")]
    assert _pairs(*members) == [("1", "1"), ("2", "2")]


def test_one_year_of_names_is_not_held_whole(monkeypatch):
    monkeypatch.setattr(tars, "_MAX_FILES", 7)
    stems = [f"2024.{n:03d} photo" for n in range(20)]
    pairs = [(f"{stem}.{s}", stem.encode()) for stem in stems for s in ("jpg", "json", "txt")]
    pairs = [(name, b"{}" if name.endswith("json") else content) for name, content in pairs]
    assert _pairs(*pairs) == [(stem, stem) for stem in stems]
    starts: list[int] = []

    def claim(position: int) -> bool:
        starts.append(position)
        return True

    assert len(list(read_tar(io.BytesIO(tar_of(pairs)), "", SOURCE, LIMIT, 0, claim))) == 20
    assert len(starts) == 7  # of three samples each


def test_further_files_of_a_sample_are_counted():
    content = tar_of(
        [
            ("a.input.jpg", b"first"),
            ("a.target.jpg", b"second"),
            ("a.txt", b"of a"),
            ("a.tags.txt", b"tags"),
            ("a.cls", b"1"),
            ("b.seg.png", b"mask"),
            ("b.jpg", b"third"),
            ("b.txt", b"of b"),
        ]
    )
    rows = _rows(content)
    assert [(r.encoded, r.found.caption) for r in rows if isinstance(r, Image)] == [
        (b"first", "of a"),
        (b"third", "of b"),
    ]
    assert len(rows) == 2
    assert _passed_over(content) == {
        tars.FURTHER_IMAGES: 2, tars.FURTHER_TEXTS: 1, tars.OTHERS: 1,
    }  # fmt: skip


def test_an_image_is_known_by_its_bytes_whatever_its_name():
    png = b"\x89PNG\r\n\x1a\n"
    assert _captions([("a", png), ("a.txt", b"t"), ("b.dat", png), ("b.txt", b"u")]) == ["t", "u"]
    assert _captions([("a.JFIF", b"p"), ("a.txt", b"t"), ("b.avif", b"p"), ("b.txt", b"u")]) == [
        "t", "u",
    ]  # fmt: skip


def test_all_else_in_a_tar_is_counted_and_ends_no_sample():
    png = b"\x89PNG\r\n\x1a\n"
    members = [("README", b"read"), ("._a.jpg", b"mac"), ("a.jpg", png), ("LICENSE", b"BM"),
               ("a.txt", b"t"), ("a.pkl", b"x"), ("b.mp4", b"\0\0\0\x18ftypisom")]  # fmt: skip
    assert _captions(members) == ["t"]
    assert _passed_over(tar_of(members)) == {tars.NO_SUFFIX: 2, tars.HIDDEN: 1, tars.OTHERS: 2}


def test_texts_of_other_encodings_and_of_none():
    text = "a café table"
    assert _captions(
        [
            *[("a.jpg", b"p"), ("a.txt", text.encode("utf-16"))],
            *[("b.jpg", b"p"), ("b.txt", text.encode("cp1252"))],
            *[("c.jpg", b"p"), ("c.json", f'{{"caption": "{text}"}}'.encode("utf-16"))],
            *[("d.jpg", b"p"), ("d.txt", b"\xff\xfea")],
        ]
    ) == [text, text, text, "bad_metadata"]


def test_names_that_are_no_utf_8_stay_apart():
    members = [("caf\udce9.jpg", b"p"), ("caf\udce9.txt", b"t"), ("caf\udce8.txt", b"u")]
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", errors="surrogateescape") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    rows = _rows(sink.getvalue())
    assert [r.reason if isinstance(r, Rejection) else r.found.caption for r in rows] == [
        "t", "no_picture",
    ]  # fmt: skip
