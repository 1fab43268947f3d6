"""`encode` gives the same bytes however it is done: workers, order, shards, kills, a full disk."""

from pathlib import Path

import pytest

from dalle_model.shards import list_shards, read_shards
from orchestration import api
from pipelines.io.layout import StageFolder
from tests.support.many_kills import (
    NUM_SHARDS,
    STAGES,
    Encodes,
    finished,
    prepare,
    survive,
    tokens_of,
    write_config,
)

pytestmark = pytest.mark.slow
NUM_KILLS = 3  # `python -m tests.support.many_kills 50` kills as often as is asked for
NUM_IMAGES = 240


@pytest.fixture(scope="module")
def encodes(tmp_path_factory) -> Encodes:
    return prepare(tmp_path_factory.mktemp("encodes"), NUM_IMAGES)


@pytest.fixture(scope="module")
def expected(encodes) -> dict[str, bytes]:
    root = encodes.fresh("undisturbed")
    assert finished(encodes.config, root)
    found = tokens_of(root)
    # shards and rejections, a manifest and the card
    assert len(found) == 2 * NUM_SHARDS + 2
    assert read_shards(list_shards(f"{root}/encode")).num_rows == NUM_IMAGES
    return found


def test_two_workers(encodes, expected):  # three: `test_views.py`
    root = encodes.fresh("workers")
    api.run(str(encodes.config), str(root), ["encode"], workers=2)
    assert tokens_of(root) == expected


def test_sources_in_another_order(encodes, expected):
    config = write_config(encodes.folder / "shuffled.yaml", ["two", "one"])
    assert finished(config, encodes.folder / "shuffled", (*STAGES, "encode"))
    assert tokens_of(encodes.folder / "shuffled") == expected


def test_another_number_of_shards_has_the_same_rows(encodes, expected):
    config = write_config(encodes.folder / "three.yaml", ["one", "two"], num_shards=3)
    assert finished(config, encodes.folder / "three", (*STAGES, "encode"))
    found = read_shards(list_shards(f"{encodes.folder}/three/encode")).sort_by("key")
    of_eight = read_shards(list_shards(f"{encodes.folder}/undisturbed/encode")).sort_by("key")
    assert found.equals(of_eight)


def test_kills_leave_no_trace(encodes, expected):
    assert survive(encodes, expected, NUM_KILLS).total() == NUM_KILLS


def test_a_full_disk_ends_it_and_freeing_it_goes_on(encodes, expected):
    """A file size limit stands in for the disk: some shards are below it, and some above."""
    root = encodes.fresh("full")
    folder = StageFolder(str(encodes.folder / "undisturbed" / "encode"), NUM_SHARDS)
    sizes = sorted(Path(url).stat().st_size for url in folder.parts())
    assert not finished(encodes.config, root, max_file_bytes=(sizes[0] + sizes[-1]) // 2)
    assert not Path(StageFolder(str(root / "encode")).manifest).exists()
    assert finished(encodes.config, root)
    assert tokens_of(root) == expected
