"""Every selection at once on images of real size: what was planted is dropped, scores travel."""

import pytest

from dalle_model.shards import list_shards, read_shards
from tests.support.commands import checksums, dalle
from tests.support.raw_server import running
from tests.support.real_size_web import Runs, books
from tests.support.selected_web import (
    ALL_STAGES,
    SCORES,
    SHARDED,
    check_selections,
    evaluated,
    mislabelled,
    other_files,
    write_planted,
)

pytestmark = pytest.mark.slow
NUM_IMAGES = 60


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("selected")
    with running("tests.support.generated_web") as port:
        sections = write_planted(folder / "planted", NUM_IMAGES)
        yield Runs(folder, NUM_IMAGES, port, ALL_STAGES, sections)


def test_copies_of_an_evaluation_set_and_wrong_labels_are_planted():
    assert min(len(evaluated(NUM_IMAGES)), len(mislabelled(NUM_IMAGES))) > 0


@pytest.fixture(scope="module")
def first(runs):
    root = runs.folder / "first"
    runs.run(root)
    return root


@pytest.mark.timeout(600)
def test_the_books_say_what_was_planted_and_no_disturbance_changes_a_byte(runs, first):
    """The other run has two workers and another order of pages."""
    other = runs.folder / "other"
    found = books(first, SHARDED)
    check_selections(first, found, NUM_IMAGES)
    runs.run(other, (), "--config", runs.shuffled, "--workers", 2)
    assert other_files(other, checksums(first, ALL_STAGES)) == []


def test_the_scores_of_a_row_are_told_and_the_report_shows_how_they_are_spread(first):
    key = read_shards(list_shards(f"{first}/encode"))["key"][0].as_py()
    told = dalle("explain", key, "--dir", first).stdout
    assert [name for name in SCORES if f"{name} " not in told] == []
    html = (first / "report" / "index.html").read_text()
    assert [n for n in SCORES if f": {n}</h2>" not in html] == []
