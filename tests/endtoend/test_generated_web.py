"""Images of real size from pages to a selection: what was planted is in the books."""

import pytest

from tests.support.commands import checksums
from tests.support.generated_web import expected
from tests.support.raw_server import running
from tests.support.real_size_web import Runs, books, check_books

pytestmark = pytest.mark.slow
NUM_IMAGES = 80


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    with running("tests.support.generated_web") as port:
        yield Runs(tmp_path_factory.mktemp("generated"), NUM_IMAGES, port)


def test_every_kind_of_oddity_is_planted():
    assert all(reasons.total() > 0 for reasons in expected(NUM_IMAGES).values())


@pytest.mark.timeout(600)
def test_the_books_say_what_was_planted_and_no_disturbance_changes_a_byte(runs, tmp_path):
    """The other run has two workers and another order of pages, and is killed once."""
    whole = runs.run(tmp_path / "first")
    check_books(books(tmp_path / "first"), NUM_IMAGES)
    options = ["--workers", 2, "--config", runs.shuffled]
    for root in runs.killed(tmp_path / "killed", 1, whole.wall_s, *options):
        assert checksums(root) == checksums(tmp_path / "first")
