"""Images of equal codes are counted as a slow dictionary does; of too many, about."""

from collections import defaultdict

import numpy as np
import pytest

from dalle_model.shard_sets import equal_codes as module
from dalle_model.shard_sets.equal_codes import EqualCodes, code_hashes, image_hashes


def slow_copies(codes, images) -> tuple[int, int]:
    """Images beyond the first of each row of codes, and the most that have the same."""
    found = defaultdict(set)
    for row, image in zip(codes.tolist(), images.tolist(), strict=True):
        found[tuple(row)].add(image)
    sizes = [len(one) for one in found.values()]
    return sum(size - 1 for size in sizes), max(sizes)


def some_rows(count, seed=0):
    """Rows of few codes, and their images, some of which have several rows."""
    draw = np.random.default_rng(seed)
    images = np.array([f"{n:024x}" for n in draw.integers(0, count, count)], "S24")
    return draw.integers(0, 12, (count, 3)).astype(np.uint16), images


def noted(codes, images) -> EqualCodes:
    found = EqualCodes()
    found.add(code_hashes(codes), image_hashes(images))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_those_of_a_dictionary_in_any_parts(seed):
    codes, images = some_rows(900, seed)
    whole, parts = noted(codes, images), EqualCodes()
    for at in range(0, 900, 130):
        parts.merge(noted(codes[at : at + 130], images[at : at + 130]))
    copies = whole.copies()
    assert (copies.images, copies.largest) == slow_copies(codes, images)
    assert copies.share == 1
    assert parts.copies() == copies


def test_captions_and_views_of_one_image_are_no_copies():
    codes = np.array([[1, 2], [1, 2], [1, 3]], np.uint16)
    assert noted(codes, np.array([b"a" * 24] * 3, "S24")).copies().images == 0


def test_of_too_many_rows_a_part_is_compared_and_the_number_is_about_right(monkeypatch):
    monkeypatch.setattr(module, "MAX_HELD", 4096)
    draw = np.random.default_rng(1)
    codes = np.repeat(draw.integers(0, 1 << 16, (20_000, 8)).astype(np.uint16), 2, axis=0)
    images = np.array([f"{n:024x}" for n in range(40_000)], "S24")
    found = EqualCodes()
    for at in range(0, 40_000, 1000):
        found.merge(noted(codes[at : at + 1000], images[at : at + 1000]))
    copies = found.copies()
    assert copies.share < 1
    assert copies.largest == 2
    assert copies.images == pytest.approx(20_000, rel=0.1)
    assert found.images_held() <= 4096


def test_nothing_has_no_copies():
    assert EqualCodes().copies().images == 0
    assert EqualCodes().images_held() == 0
    assert len(code_hashes(np.zeros((0, 4), np.uint16))) == 0


def test_rows_that_differ_in_one_code_or_its_place_have_other_hashes():
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0, 65535]], np.uint16)
    assert len(np.unique(code_hashes(codes))) == 5
    assert len(np.unique(code_hashes(np.arange(1 << 18, dtype=np.uint32)[:, None]))) == 1 << 18
