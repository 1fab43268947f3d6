"""Only names and sizes are looked at: the files of these folders are no images."""

from pathlib import Path

import pytest

from pipelines.crawl.amount import amount
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import MissingInputError
from pipelines.crawl.sources import Source
from pipelines.stage import Amount


def config(*paths: Path) -> CrawlConfig:
    return CrawlConfig(sources=tuple(Source(path=str(path)) for path in paths))


@pytest.fixture
def folder(tmp_path) -> Path:
    for number in range(3):
        below = tmp_path / "images" / f"{number % 2}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number}.jpg").write_bytes(bytes(100))
        (below / f"{number}.txt").write_text("a barn")
    return tmp_path / "images"


def test_the_images_of_a_folder_and_their_bytes(folder):
    assert amount(config(folder)) == Amount(3, 300)
    assert amount(config(folder, folder / "0")) == Amount(3, 300)


def test_a_table_must_be_read(folder, tmp_path):
    (tmp_path / "pairs.tsv").write_text("a barn\thttp://h.example/1.png\n")
    assert amount(config(folder, tmp_path / "pairs.tsv")) is None


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(MissingInputError):
        amount(config(tmp_path / "gone"))
