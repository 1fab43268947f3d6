"""A new format is one `Reader`: nothing else in the package knows of it."""

from collections import Counter
from functools import partial
from operator import gt

import pytest

from pipelines.crawl.candidates import Found, rejection
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import inputs, locations, resolve
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.readers.reader import Reader, Rows
from pipelines.crawl.readers.registry import register, unregister
from pipelines.crawl.section import KnownSource
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import Claim, Extent, extent_of_bytes
from pipelines.crawl.streams import OpenInput
from pipelines.crawl.tables.lines import read_lines
from pipelines.records import Candidate
from pipelines.rejection import Rejection


def read_ndtxt(
    opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim
) -> Rows:
    """Lines of a URL, a blank and a caption."""
    del config
    for _, line in read_lines(opened.stream, start, claim):
        url, _, caption = line.strip("\r\n").partition(" ")
        if url:
            yield Found(url, caption, "table", source=source.name)
        else:
            yield rejection("", caption, "bad_record", "no URL in the line")


def ndtxt_extent(opened: OpenInput) -> Extent:
    return extent_of_bytes(opened.size)


READER = Reader(kind="ndtxt", suffixes=(".ndtxt",), read=read_ndtxt, extent=ndtxt_extent)
LINES = [f"http://site.test/{n}.jpg caption {n}" for n in range(20)] + [" no URL", "/x.jpg a"]


@pytest.fixture
def folder(tmp_path):
    """A folder with a file of the new format and one of an old format."""
    register(READER)
    (tmp_path / "a.ndtxt").write_text("\n".join(LINES))
    (tmp_path / "b.tsv").write_text("of a table\thttp://site.test/t.jpg\n")
    yield tmp_path
    unregister(READER)


def test_files_are_found_by_suffix_and_by_kind(folder):
    found = resolve(Source(path=str(folder)), "k")
    assert found == [
        InputFile(f"{folder}/a.ndtxt", "ndtxt"),
        InputFile(f"{folder}/b.tsv", "table"),
    ]
    (file,) = resolve(Source(path=f"{folder}/b.tsv", kind="ndtxt"), "k")
    assert file.kind == "ndtxt"


def test_rows_come_with_those_of_other_formats(folder):
    config = CrawlConfig(sources=(Source(path=str(folder), name="mine"),))
    rows = [row for file, source in inputs(config) for row in read_input(file, source, config)]
    captions = [row.caption for row in rows if isinstance(row, Candidate)]
    assert captions == [*(f"caption {n}" for n in range(20)), "of a table"]
    assert {row.source for row in rows if isinstance(row, Candidate)} == {"mine"}
    assert [row.reason for row in rows if isinstance(row, Rejection)] == ["bad_record", "bad_url"]
    assert locations(config) == [f"{folder}/a.ndtxt", f"{folder}/b.tsv"]


@pytest.mark.parametrize("step", [1, 7, 100])
def test_parts_make_the_whole(folder, step):
    source = Source(path=f"{folder}/a.ndtxt")
    config = CrawlConfig(sources=(source,))
    (file,) = resolve(source, "k")
    size = input_extent(file).size
    assert size == (folder / "a.ndtxt").stat().st_size
    parts: Counter[str] = Counter()
    for start in range(0, size, step):
        before_next = partial(gt, start + step)
        parts.update(map(repr, read_input(file, source, config, start, before_next)))
    assert parts == Counter(map(repr, read_input(file, source, config)))


def test_without_its_reader_the_kind_is_unknown():
    with pytest.raises(ValueError, match="'ndtxt' is not a kind of source; known are warc, wat"):
        KnownSource(path="a.ndtxt", kind="ndtxt")
