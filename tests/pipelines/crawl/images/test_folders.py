import json
import os
from collections import Counter

import pytest

from dalle_model import files
from pipelines.crawl.blobs import CandidateRef, load, pack, unpack
from pipelines.crawl.books import PassedOver
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import MissingInputError, discover, inputs, locations, resolve
from pipelines.crawl.images.folders import NO_IMAGES, folder_extent, read_folder
from pipelines.crawl.images.image import Image, InlineImage
from pipelines.crawl.inputs import read_input
from pipelines.crawl.sources import Source
from pipelines.crawl.streams import UnreadableInputError
from pipelines.crawl.tables.columns import ColumnError
from pipelines.rejection import Rejection
from tests.support.sources import (
    samples,
    write_image_folder,
    write_img2dataset_folder,
    write_img2dataset_tar,
)

LIMIT = 1000
CONFIG = CrawlConfig(sources=(Source(path="unused"),), max_image_bytes=LIMIT)


def _rows(path, **settings) -> list[Image | Rejection]:
    source = Source(path=str(path), **settings)
    read = [row for file in resolve(source, "k") for row in read_folder(file, source, CONFIG)]
    return [row for row in read if not isinstance(row, PassedOver)]


def _pairs(rows) -> list[tuple[bytes | str, str]]:
    return sorted(
        (r.reason if isinstance(r, Rejection) else r.encoded.decode(), r.caption
         if isinstance(r, Rejection) else r.found.caption)
        for r in rows
    )  # fmt: skip


def _write(folder, **contents: str) -> None:
    for name, content in contents.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.mark.parametrize(
    "captions", ["txt", "metadata.csv", "metadata.jsonl", "metadata.parquet", "captions.tsv"]
)
def test_captions_next_to_the_images_or_in_a_table(tmp_path, captions):
    pairs = samples(5)
    write_image_folder(tmp_path / "photos", pairs, captions)
    rows = _rows(tmp_path / "photos")
    assert all(isinstance(row, Image) for row in rows)
    found = {(r.encoded, r.found.caption) for r in rows if isinstance(r, Image)}
    assert found == {(p.encoded, p.caption) for p in pairs}


def test_img2dataset_files(tmp_path):
    pairs = samples(3)
    write_img2dataset_folder(tmp_path / "out", pairs)
    rows = _rows(tmp_path / "out")
    found = {(r.encoded, r.found.caption, r.found.raw_url) for r in rows if isinstance(r, Image)}
    assert found == {(p.encoded, p.caption, p.url) for p in pairs}
    assert len(rows) == 3


def test_tables_that_img2dataset_leaves_next_to_its_output_are_not_a_source(tmp_path):
    write_img2dataset_tar(tmp_path / "tars", samples(2))
    (file,) = resolve(Source(path=f"{tmp_path}/tars"), "k")
    assert file.kind == "tar"
    (tmp_path / "tars" / "00000.tar").unlink()  # now the table is the output itself
    (file,) = resolve(Source(path=f"{tmp_path}/tars"), "k")
    assert file.kind == "table"


def test_each_line_of_a_text_next_to_an_image_is_a_caption(tmp_path):
    _write(tmp_path, a_DOT_jpg="A", a_DOT_txt="one\n\ntwo\n", b_DOT_PNG="B", c_DOT_txt="alone")
    assert _pairs(_rows(tmp_path)) == [("A", "one"), ("A", "two"), ("B", "")]


def test_the_nearest_table_captions_a_folder(tmp_path):
    _write(
        tmp_path,
        metadata_DOT_csv="file_name,text\nx/a.jpg,upper\ny/a.jpg,of y\ny/a.jpg,again\n",
        x__metadata_DOT_csv="file_name,text\na.jpg,nearest\n",
        x__a_DOT_jpg="XA",
        y__a_DOT_jpg="YA",
        y__b_DOT_jpg="YB",
    )
    assert _pairs(_rows(tmp_path)) == [
        ("XA", "nearest"), ("YA", "again"), ("YA", "of y"), ("YB", ""),
    ]  # fmt: skip


def test_rows_of_a_table_without_an_image_or_in_error(tmp_path):
    _write(
        tmp_path,
        metadata_DOT_jsonl='{"file_name": "a.jpg", "text": "a"}\n{\n'
        '{"file_name": "../../etc/passwd", "text": "up"}\n{"file_name": "gone.jpg", "text": "b"}\n',
        sub__a_DOT_jpg="SA",
        a_DOT_jpg="A",
    )
    rows = _rows(tmp_path)
    assert _pairs(rows) == [
        ("A", "a"), ("SA", ""), ("bad_record", ""), ("no_picture", "b"), ("no_picture", "up"),
    ]  # fmt: skip


def test_bad_metadata_and_large_images(tmp_path):
    _write(tmp_path, a_DOT_jpg="A", a_DOT_json="{", b_DOT_jpg="x" * (LIMIT + 1), b_DOT_txt="large")
    bad, large = _rows(tmp_path)
    assert isinstance(bad, Rejection)
    assert bad.reason == "bad_metadata"
    assert isinstance(large, Image)
    assert (large.encoded, large.num_bytes) == (b"", LIMIT + 1)


def test_a_glob_takes_the_images_it_names(tmp_path):
    _write(tmp_path, a_DOT_jpg="A", a_DOT_txt="a", b_DOT_jpg="B", b_DOT_txt="b")
    assert _pairs(_rows(tmp_path / "a*")) == [("A", "a")]
    assert _pairs(_rows(tmp_path / "b.jpg")) == [("B", "b")]


def _books(path, **settings) -> dict[str, int]:
    """What a source holds beside images and their texts."""
    config = CrawlConfig(sources=(Source(path=str(path), **settings),), max_image_bytes=LIMIT)
    found = discover(config)
    counts = Counter(found.books[0].passed_over)
    for file, source in found.inputs:
        for row in read_input(file, source, config):
            if isinstance(row, PassedOver):
                counts[row.what] += row.count
    return dict(counts)


def test_captioned_images_are_a_folder_of_images_whatever_page_is_beside_them(tmp_path):
    _write(
        tmp_path,
        gallery__index_DOT_html="<img src=a.jpg alt=x>",
        gallery__a_DOT_jpg="A",
        gallery__a_DOT_txt="a",
        site__index_DOT_html="<img src=http://site.test/logo.png alt=x>",
        site__logo_DOT_png="L",
    )
    kinds = [(f.name, f.kind) for f in resolve(Source(path=str(tmp_path)), "k")]
    assert kinds == [("gallery", "images"), ("site/index.html", "html")]
    assert _books(tmp_path) == {"pages in folders of images": 1, ".png files": 1}
    pages = resolve(Source(path=f"{tmp_path}/**/*.html", kind="html"), "k")
    assert [f.name for f in pages] == ["gallery/index.html", "site/index.html"]
    assert _pairs(_rows(tmp_path, kind="images")) == [("A", "a"), ("L", "")]


@pytest.mark.parametrize(
    "name", ["a.txt", "a.json", "a.caption", "metadata.csv", "../captions.tsv"]
)
def test_what_captions_an_image_beside_a_page(tmp_path, name):
    _write(tmp_path, x__index_DOT_html="", x__a_DOT_jpg="A", x__b_DOT_jpg="B")
    assert [f.kind for f in resolve(Source(path=str(tmp_path)), "k")] == ["html"]
    (tmp_path / "x" / name).write_text("{}" if name.endswith("json") else "file_name,text\n")
    assert "images" in {f.kind for f in resolve(Source(path=str(tmp_path)), "k")}


def test_images_are_known_by_their_suffix_or_else_by_their_bytes(tmp_path):
    names = ["b.jfif", "c.JPE", "d.bmp", "e.TIFF", "f.avif", "g.heic", "h.pjpeg", "i.jxl"]
    for name in ["a.jpg", *names]:
        (tmp_path / name).write_text("<html>no image")
        (tmp_path / f"{name[0]}.txt").write_text(name)
    for name in ("photo", "1.5 litre", "x.jpg_large"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff")
        (tmp_path / f"{name}.txt").write_text(name)
    (tmp_path / "LICENSE").write_text("BM is how a bitmap begins")
    expected = ["a.jpg", *names, "photo", "1.5 litre", "x.jpg_large"]
    rows = [row for row in _rows(tmp_path) if isinstance(row, Image)]
    assert sorted(row.found.caption for row in rows) == sorted(expected)
    assert _books(tmp_path) == {NO_IMAGES: 1}


def test_a_folder_of_images_without_suffixes_is_one_by_their_bytes(tmp_path):
    _write(tmp_path, notes="n", notes_DOT_txt="of notes", LICENSE="l")
    with pytest.raises(MissingInputError):
        resolve(Source(path=str(tmp_path)), "k")
    (tmp_path / "photo").write_bytes(b"GIF89a")
    (tmp_path / "photo.txt").write_text("of the photo")
    assert _pairs(_rows(tmp_path)) == [("GIF89a", "of the photo")]
    assert _pairs(_rows(tmp_path / "photo")) == [("GIF89a", "of the photo")]


def test_texts_of_other_encodings_suffixes_and_cases(tmp_path):
    text = "a café table"
    for name, content in {
        "a.txt": text.encode("utf-16"),
        "b.caption": text.encode("cp1252"),
        "c.json": f'{{"caption": "{text}"}}'.encode("utf-16"),
        "d.TXT": text.encode("utf-8-sig"),
        "e.txt": b"\xff\xfea",
        "f.txt": text.encode(),
        "f.caption": b"never read",
    }.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / f"{name[0]}.jpg").write_text(name[0])
    assert _pairs(_rows(tmp_path)) == [
        ("a", text), ("b", text), ("bad_metadata", ""), ("c", text), ("d", text), ("f", text),
    ]  # fmt: skip
    assert _books(tmp_path) == {".caption files": 1}


def test_what_is_no_file_costs_only_itself(tmp_path):
    _write(tmp_path, a_DOT_jpg="A", a_DOT_txt="a", b_DOT_jpg="B", album_DOT_jpg__x_DOT_jpg="X")
    _write(tmp_path, album_DOT_jpg__x_DOT_txt="x", c_DOT_jpg="C", c_DOT_txt__inner="i")
    (tmp_path / "gone.jpg").symlink_to("/nowhere/gone.jpg")
    (tmp_path / "b.txt").symlink_to("/nowhere/b.txt")
    (tmp_path / "circle").symlink_to(".")
    (tmp_path / "linked.jpg").symlink_to("a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "a.caption")
    assert _pairs(_rows(tmp_path)) == [("A", ""), ("A", "a"), ("B", ""), ("C", ""), ("X", "x")]
    assert _books(tmp_path) == {
        "links to nothing": 2,
        "links to folders": 1,
        "pipes, sockets and devices": 2,
        "files without a suffix": 1,
    }


def test_what_may_not_be_read_costs_only_itself(tmp_path, monkeypatch):
    _write(tmp_path, a_DOT_jpg="A", a_DOT_txt="a", b_DOT_jpg="B", c_DOT_jpg="C", c_DOT_txt="c")
    _write(tmp_path, locked__d_DOT_jpg="D")
    open_read, scandir = files.open_read, os.scandir

    def refuse(path, names, otherwise):
        if path.endswith(names):
            raise PermissionError(13, "Permission denied")
        return otherwise(path)

    monkeypatch.setattr(files, "open_read", lambda p: refuse(p, ("b.jpg", "c.txt"), open_read))
    monkeypatch.setattr(os, "scandir", lambda p: refuse(p, "locked", scandir))
    assert _pairs(_rows(tmp_path)) == [("A", "a"), ("unreadable_file", ""), ("unreadable_file", "")]
    assert _books(tmp_path) == {"folders that may not be listed": 1}
    monkeypatch.setattr(files, "open_read", lambda p: refuse("/nowhere", "x", open))
    with pytest.raises(UnreadableInputError, match="No such file"):
        _rows(tmp_path)


ODD_NAMES = [
    *["[1]*?", "#50%20", " ", "-rf", "two\nlines", "a::b", "~", "file:c", "http:", "A", "a"],
    *[os.fsdecode(b"caf\xe9"), "cafe\u0301", "café"],
]


@pytest.mark.parametrize("folder", ["plain", "a::b", "http:", os.fsdecode(b"caf\xe9 [1]"), "~"])
def test_a_local_name_is_taken_as_it_is(tmp_path, folder):
    (tmp_path / folder).mkdir()
    for name in ODD_NAMES:
        (tmp_path / folder / f"{name}.jpg").write_bytes(os.fsencode(name))
        (tmp_path / folder / f"{name}.txt").write_text(f"of {name!a}")
    is_utf8 = files.printable(folder) == folder  # as a config file is
    source = Source(path=f"{tmp_path}/{folder}" if is_utf8 else str(tmp_path))
    config = CrawlConfig(sources=(source,))
    rows = [row for file, _ in inputs(config) for row in read_input(file, source, config)]
    found = [CandidateRef(r.candidate, r.blob) for r in rows if isinstance(r, InlineImage)]
    captions = {row["encoded"]: row["caption"] for row in load(map(unpack, map(pack, found)))}
    assert len(rows) == len(ODD_NAMES)
    assert captions == {os.fsencode(name): f"of {name!a}" for name in ODD_NAMES}


def test_tables_beside_the_one_that_is_read_are_counted(tmp_path):
    table = "file_name,text\na.jpg,a\nb.svg,b\n.c.jpg,c\n"
    _write(tmp_path, metadata_DOT_csv=table, captions_DOT_tsv="a.jpg\tother\n", a_DOT_jpg="A")
    _write(tmp_path, b_DOT_svg="B", _DOT_c_DOT_jpg="C")
    rows = _rows(tmp_path)
    assert _pairs(rows) == [("A", "a"), ("no_picture", "b"), ("no_picture", "c")]
    assert [r.detail for r in rows if isinstance(r, Rejection)] == [
        "what the table names is no image by its suffix"
    ] * 2
    assert _books(tmp_path) == {
        "further tables of captions": 1, ".svg files": 1, "hidden files": 1,
    }  # fmt: skip


def test_a_table_without_images_below_it_is_a_table(tmp_path):
    _write(tmp_path, metadata_DOT_csv="url,text\nhttp://site.test/a.jpg,a\n")
    assert [f.kind for f in resolve(Source(path=str(tmp_path)), "k")] == ["table"]


def test_a_table_without_captions_names_the_setting(tmp_path):
    _write(tmp_path, metadata_DOT_csv="file_name,label\na.jpg,3\n", a_DOT_jpg="A")
    with pytest.raises(ColumnError, match="set `caption_column`"):
        _rows(tmp_path)
    assert _pairs(_rows(tmp_path, caption_column="label")) == [("A", "3")]


def test_all_files_of_a_folder_are_watched(tmp_path):
    write_img2dataset_folder(tmp_path / "out", samples(2))
    (tmp_path / "out" / "metadata.jsonl").write_text(json.dumps({"file_name": "x", "text": "y"}))
    found = locations(CrawlConfig(sources=(Source(path=f"{tmp_path}/out"),)))
    names = [url.removeprefix(f"{tmp_path}/out/") for url in found]
    assert names == sorted(
        [f"00000/{n:09d}.{s}" for n in range(2) for s in ("jpg", "json", "txt")]
        + ["metadata.jsonl"]
    )


def test_a_folder_with_a_table_alone_still_has_a_position(tmp_path):
    _write(tmp_path, metadata_DOT_csv="file_name,text\nx/a.jpg,a\n", x__a_DOT_jpg="A")
    extents = [folder_extent(f).size for f in resolve(Source(path=str(tmp_path)), "k")]
    assert extents == [1, 1]
