"""Archives with planted oddities: as many records as were put in are accounted for."""

import pytest

from tests.support.odd_archives import faults_of, odd_archive


@pytest.mark.parametrize("seed", range(60))
def test_the_books_of_an_odd_archive_close(seed):
    archive = odd_archive(seed)
    assert faults_of(archive) == [], archive.recipe


def test_books_that_do_not_close_are_noticed():
    archives = [odd_archive(seed) for seed in range(60)]
    assert {archive.is_zip for archive in archives} == {True, False}
    assert sum(archive.num_bad for archive in archives) > 30
    assert sum(len(archive.pages) for archive in archives) > 100
    one = next(archive for archive in archives if archive.pages and not archive.is_zip)
    one.pages.append("http://site.test/another")
    assert faults_of(one)
