"""The test images of a set, by the files that split it."""

from pathlib import Path

import pytest

from pipelines.image_sets.config import ImageSet
from pipelines.image_sets.listing import ImageSetError
from pipelines.image_sets.splits import images_of_test_split


def split(path: Path, images: str, splits: str) -> set[str] | None:
    (path / "images.txt").write_text(images)
    (path / "train_test_split.txt").write_text(splits)
    return images_of_test_split(ImageSet(path=str(path), name="birds"))


def test_the_zeros_of_the_split_are_the_test_images(tmp_path: Path) -> None:
    names = "1 001.Auk/a.jpg\n2 001.Auk/b.jpg\n3 002.Jay/c.jpg\n"
    found = split(tmp_path, names, "1 0\n2 1\n3 0\n")
    assert found == {"images/001.Auk/a.jpg", "images/002.Jay/c.jpg"}


def test_without_the_two_files_nothing_is_split(tmp_path: Path) -> None:
    (tmp_path / "images.txt").write_text("1 a.jpg\n")
    assert images_of_test_split(ImageSet(path=str(tmp_path), name="birds")) is None


@pytest.mark.parametrize(
    ("splits", "why"),
    [("1 0\n3 1\n", "number different images"), ("1\n2 0\n", "needs a number and a value")],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, splits: str, why: str) -> None:
    with pytest.raises(ImageSetError, match=f"the set birds: .*{why}"):
        split(tmp_path, "1 a.jpg\n2 b.jpg\n", splits)
