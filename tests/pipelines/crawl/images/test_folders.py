import json

import pytest

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import locations, resolve
from pipelines.crawl.images.folders import folder_extent, read_folder
from pipelines.crawl.images.image import Image
from pipelines.crawl.sources import Source
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
    return [row for file in resolve(source, "k") for row in read_folder(file, source, CONFIG)]


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


def test_images_next_to_pages_are_ignored_unless_the_config_says_otherwise(tmp_path):
    _write(tmp_path, index_DOT_html="<img src=a.jpg alt=x>", a_DOT_jpg="A", a_DOT_txt="a")
    assert [f.kind for f in resolve(Source(path=str(tmp_path)), "k")] == ["html"]
    assert _pairs(_rows(tmp_path, kind="images")) == [("A", "a")]


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
