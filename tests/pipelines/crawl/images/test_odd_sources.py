"""Generated folders and tars: each file that was put in is in a row, in a rejection or counted."""

import operator
import random
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from pipelines.crawl.books import PassedOver
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import discover, files_of
from pipelines.crawl.images import folders
from pipelines.crawl.images.image import InlineImage
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.sources import InputFile, Source
from pipelines.rejection import Rejection
from tests.support.odd_sources import LIMIT, Outcome, odd_folder, odd_tar

NUM_SOURCES = 40


def _config(path: Path) -> CrawlConfig:
    return CrawlConfig(sources=(Source(path=str(path)),), max_image_bytes=LIMIT)


def _read(file: InputFile, config: CrawlConfig, steps: list[int]) -> Outcome:
    """What an input gives in parts that end at some positions."""
    found = Outcome()
    for start, stop in zip([0, *steps], [*steps, input_extent(file).size], strict=True):
        for row in read_input(file, config.sources[0], config, start, partial(operator.gt, stop)):
            if isinstance(row, PassedOver):
                found.passed_over[row.what] += row.count
            elif isinstance(row, Rejection):
                found.rejected[row.reason] += 1
            elif isinstance(row, InlineImage):
                found.kept[row.candidate.caption] += 1
    return found


def _parts(file: InputFile, seed: int) -> list[int]:
    size, chance = input_extent(file).size, random.Random(seed)
    return sorted(chance.sample(range(1, size), min(size - 1, chance.randrange(4))))


def check_folder(path: Path, seed: int) -> None:
    """A folder gives what was planted, and all of its files are accounted for."""
    expected, config = odd_folder(path, seed), _config(path)
    discovered = discover(config)
    found = Outcome(passed_over=Counter(discovered.books[0].passed_over))
    num_read = 0
    for file, _ in discovered.inputs:
        outcome = _read(file, config, _parts(file, seed))
        num_read += len(files_of(file)) - outcome.passed_over[folders.NO_IMAGES]
        found.add(outcome)
    assert (found.kept, found.rejected) == (expected.kept, expected.rejected)
    assert found.passed_over == expected.passed_over
    assert num_read + found.passed_over.total() == expected.num_files


def check_tar(folder: Path, seed: int) -> None:
    """A tar gives what was planted, read as one and in parts."""
    content, expected = odd_tar(seed)
    path = folder / "odd.tar"
    path.write_bytes(content)
    ((file, _),) = discover(_config(path)).inputs
    for steps in ([], _parts(file, seed)):
        found = _read(file, _config(path), steps)
        assert (found.kept, found.rejected) == (expected.kept, expected.rejected)
        assert found.passed_over == expected.passed_over


@pytest.mark.parametrize("seed", range(NUM_SOURCES))
def test_a_folder_of_oddities(tmp_path, seed):
    check_folder(tmp_path, seed)


@pytest.mark.parametrize("seed", range(NUM_SOURCES))
def test_a_tar_of_oddities(tmp_path, seed):
    check_tar(tmp_path, seed)
