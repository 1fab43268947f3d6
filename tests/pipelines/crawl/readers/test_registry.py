from dataclasses import replace

import pytest

from pipelines.crawl.discovery import files_of
from pipelines.crawl.readers import folder, parquet, text_table, warc
from pipelines.crawl.readers.registry import (
    kind_of,
    kinds,
    reader_for,
    readers,
    readers_of,
    register,
    unregister,
)
from pipelines.crawl.section import KnownSource
from pipelines.crawl.sources import InputFile
from pipelines.crawl.streams import OpenInput


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.warc", "warc"),
        ("s3://bucket/X.WARC.GZ", "warc"),
        ("x.htm", "html"),
        ("x.csv.gz", "table"),
        ("x.parquet", "table"),
        ("x.ndjson.gz", "table"),
        ("00000.tar", "tar"),
        ("x.tgz", "tar"),
        ("x.wat.gz", "wat"),
        ("crawl.WACZ", "wacz"),
        ("x.warc.zst", "warc"),
        ("x.gz", None),
        ("x.jpg", None),
        ("warc", None),
    ],
)
def test_kind_by_suffix(name, kind):
    assert kind_of(name) == kind


def test_every_kind_has_one_reader_for_all_other_content():
    assert kinds() == ("warc", "wat", "wacz", "html", "mirror", "table", "tar", "images")
    for kind in kinds():
        assert [bool(reader.magic) for reader in readers_of(kind)].count(False) == 1


def test_content_tells_the_formats_of_a_kind_apart(tmp_path):
    for name, content, reader in [
        ("a.tsv", b"PAR1", parquet.READER),
        ("a.parquet", b"caption\tURL\n", parquet.READER),
        ("empty", b"", text_table.READER),
    ]:
        (tmp_path / name).write_bytes(content)
        with OpenInput(InputFile(f"{tmp_path}/{name}", "table")) as opened:
            assert reader_for(opened) is reader
            assert opened.stream.read() == content


def test_an_input_that_needs_no_look_is_not_opened(tmp_path):
    with OpenInput(InputFile(f"{tmp_path}/gone", "images")) as opened:
        assert reader_for(opened) is folder.READER
    assert files_of(InputFile(f"{tmp_path}/gone.warc", "warc")) == [f"{tmp_path}/gone.warc"]


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"kind\n.*'wrac' is not a kind of source; known are warc, "
    ):
        KnownSource(path="a.warc", kind="wrac")


def test_a_reader_is_registered_once_and_forgotten():
    again = replace(warc.READER, kind="again", suffixes=(".again",))
    register(again)
    try:
        assert (kinds()[-1], kind_of("x.AGAIN")) == ("again", "again")
        with pytest.raises(ValueError, match=r"^\.again files are already read as kind 'again'$"):
            register(again)
    finally:
        unregister(again)
    assert again not in readers()


def test_a_second_reader_of_a_kind_needs_magic():
    with pytest.raises(ValueError, match=r"kind 'table' already has a reader for .*b''"):
        register(replace(text_table.READER, suffixes=(".dat",)))


def test_the_longest_suffix_decides():
    longer = replace(warc.READER, kind="longer", suffixes=(".other.csv",))
    register(longer)
    try:
        assert (kind_of("a.other.csv"), kind_of("a.csv")) == ("longer", "table")
    finally:
        unregister(longer)
