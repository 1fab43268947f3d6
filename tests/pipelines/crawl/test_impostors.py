import re

import pytest

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import resolve
from pipelines.crawl.impostors import impostor
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import WHOLE
from pipelines.rejection import Rejection

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:abab\nsize 123456\n"
PAGE = b"\xef\xbb\xbf \r\n<!DOCTYPE html><title>Not found</title>"
ERROR = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
NAMES = (
    "a.parquet",
    "a.csv",
    "a.tsv.gz",
    "a.jsonl",
    "a.tar",
    "a.tgz",
    "a.warc.gz",
    "a.warc.wat.gz",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("content", "words"),
    [(POINTER, "Git LFS pointer.*git lfs pull"), (PAGE, "HTML page"), (ERROR, "XML document")],
)
def test_what_only_stands_for_a_file_is_one_rejection_in_words(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    source = Source(path=f"{tmp_path}/{name}")
    config = CrawlConfig(sources=(source,))
    (file,) = resolve(source, "k")
    (row,) = read_input(file, source, config)
    assert isinstance(row, Rejection)
    assert row.reason == "bad_record"
    assert re.search(words, row.detail)
    assert input_extent(file) == WHOLE
    assert list(read_input(file, source, config, start=1)) == []


@pytest.mark.parametrize(
    ("head", "kind"),
    [(PAGE, "html"), (ERROR, "of-another-package"), (b"", "table"), (b"version,url\n", "table"),
     (b"<htm", "table"), (b"PAR1", "table")],
)  # fmt: skip
def test_what_may_be_of_its_kind(head, kind):
    assert impostor(head, kind) == ""


def test_a_pointer_is_no_page():
    assert "git lfs pull" in impostor(POINTER, "html")
