"""A mirrored site: its images are stored under the addresses by which its pages name them."""

import pytest

from pipelines.crawl.books import PassedOver
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import discover, locations
from pipelines.crawl.images.beside import BESIDE
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.sources import Source
from pipelines.crawl.stored import StoredImage
from pipelines.records import Candidate
from tests.support.sources import png

PAGE = (
    '<img src="../img/a.png" alt="a red barn"><img src="/img/b.png?v=2" alt="a blue door">'
    '<img src="c%3Fd.png" alt="a green hill"><img src="/img/gone.png" alt="a grey cat">'
)


@pytest.fixture
def mirror(tmp_path):
    root = tmp_path / "site"
    for name in ("img", "p"):
        (root / name).mkdir(parents=True)
    (root / "p" / "index.html").write_text(PAGE)
    (root / "img" / "a.png").write_bytes(png(1))
    (root / "img" / "b.png?v=2").write_bytes(png(2))
    (root / "p" / "c?d.png").write_bytes(png(3))
    (root / "img" / "false.png").write_bytes(b"<!doctype html>")
    (root / "img" / "large.png").write_bytes(png(4, 200))
    return root


def _rows(source: Source, limit: int = 400):
    config = CrawlConfig(sources=(source,), max_image_bytes=limit)
    found = discover(config)
    rows = [row for file, s in found.inputs for row in read_input(file, s, config)]
    return rows, found


@pytest.mark.parametrize("kind", [None, "html"])
@pytest.mark.parametrize("base", ["https://site.test/x/", "https://"])
def test_rows_of_pages_find_their_images_among_those_beside_them(mirror, kind, base):
    root = mirror if base.endswith("x/") else mirror.rename(mirror.with_name("site.test")).parent
    rows, _ = _rows(Source(path=str(root), base_url=base, kind=kind))
    wanted = {row.url: row.caption for row in rows if isinstance(row, Candidate)}
    stored = {row.url: row.encoded for row in rows if isinstance(row, StoredImage)}
    own = "https://site.test/x/" if base.endswith("x/") else "https://site.test/"
    found = {wanted[url]: encoded for url, encoded in stored.items() if url in wanted}
    expected = {"a red barn": png(1), "a green hill": png(3)}
    if own == "https://site.test/":  # else `/img` is not in the mirror
        expected["a blue door"] = png(2)
    assert found == expected
    assert f"{own}img/large.png" not in stored


def test_all_that_is_beside_pages_is_counted_and_an_input(mirror):
    source = Source(path=str(mirror), base_url="https://site.test/")
    rows, found = _rows(source)
    assert sum(row == PassedOver(BESIDE) for row in rows) == 3
    counted = [row for row in rows if isinstance(row, PassedOver) and row.what != BESIDE]
    assert sum(row.count for row in counted) == 2
    assert dict(found.books[0].passed_over) == {}
    assert len(locations(CrawlConfig(sources=(source,)))) == 6


def test_images_beside_pages_without_an_address_are_passed_over(mirror):
    rows, found = _rows(Source(path=str(mirror)))
    assert not [row for row in rows if isinstance(row, StoredImage)]
    assert found.books[0].passed_over[".png files"] == 4


def test_images_alone_can_be_the_source(mirror):
    rows, found = _rows(Source(path=str(mirror / "img"), base_url="https://site.test/img/",
                               kind="mirror"))  # fmt: skip
    assert {row.url for row in rows if isinstance(row, StoredImage)} == {
        "https://site.test/img/a.png",
        "https://site.test/img/b.png?v=2",
        "https://site.test/img/b.png%3Fv=2",
    }
    assert [file.kind for file, _ in found.inputs] == ["mirror"]


def test_a_folder_is_read_in_parts(mirror):
    source = Source(path=str(mirror), base_url="https://site.test/")
    config = CrawlConfig(sources=(source,))
    for file, _ in discover(config).inputs:
        size = input_extent(file).size
        whole = list(read_input(file, source, config))
        parts = [
            row
            for start in range(size)
            for row in read_input(file, source, config, start, (start + 1).__gt__)
        ]
        assert parts == whole
