from collections import Counter

import numpy as np
import pytest

from dalle_model.data.choice import AllRows, Choice, ChoiceError, SomeRows, only
from dalle_model.data.image_reader import HELD_OUT_DIGIT
from dalle_model.data.source import open_source
from tests.support.token_shards import numbered_key, write_numbered_shards

NUM_ROWS = 2000


@pytest.fixture(scope="module")
def urls(tmp_path_factory) -> list[str]:
    return write_numbered_shards(tmp_path_factory.mktemp("rows"), [900, 1100], group_rows=128)


def chosen(urls: list[str], **choice) -> list[int]:
    """Numbers of the rows of a source, as their captions tell."""
    source = open_source(urls, ["caption"], Choice(**choice))
    captions = source.take(range(len(source)))["caption"].to_pylist()
    assert source.group_rows.sum() == len(captions)
    return [int(caption.split()[1]) for caption in captions]


@pytest.mark.parametrize(
    ("where", "is_wanted"),
    [
        ([("clip_score", ">", 0.3)], lambda n: n % 7 != 3 and n > 300),
        ([("clip_score", "!=", 0.5)], lambda n: n % 7 != 3 and n != 500),
        ([("clip_score", "<=", 0.3), ("source", "==", "a")],
         lambda n: n % 7 != 3 and n <= 300 and n % 2 == 0),
        ([("width", ">=", 24)], lambda n: True),
        ([("width", "<", 24)], lambda n: False),
        ([("source_key", "==", "x")], lambda n: False),
    ],
)  # fmt: skip
def test_conditions_leave_the_rows_that_meet_them_all(urls, where, is_wanted):
    assert chosen(urls, where=where) == [n for n in range(NUM_ROWS) if is_wanted(n)]


def test_held_out_rows_are_those_of_some_images_and_the_others_are_kept(urls):
    held_out = chosen(urls, held_out=1 / 16, part="held_out")
    kept = chosen(urls, held_out=1 / 16)
    assert sorted(held_out + kept) == list(range(NUM_ROWS))
    ends = {numbered_key(n)[23] for n in held_out}
    assert ends == {HELD_OUT_DIGIT}
    assert HELD_OUT_DIGIT not in {numbered_key(n)[23] for n in kept}
    assert chosen(urls, held_out=1 / 16, part="all") == list(range(NUM_ROWS))
    assert set(held_out) < set(chosen(urls, held_out=0.3, part="held_out"))


def test_a_larger_set_holds_the_same_rows_out(urls):
    assert chosen(urls[:1], held_out=0.1, part="held_out") == [
        n for n in chosen(urls, held_out=0.1, part="held_out") if n < 900
    ]


def test_a_weight_is_how_often_the_rows_of_a_source_are_read(urls):
    read = Counter(chosen(urls, weights={"a": 2.25, "b": 0.5}))
    of_a, of_b = ([read[n] for n in range(first, NUM_ROWS, 2)] for first in (0, 1))
    assert set(of_a) == {2, 3}
    assert set(of_b) == {0, 1}
    assert np.mean(of_a) == pytest.approx(2.25, abs=0.05)
    assert np.mean(of_b) == pytest.approx(0.5, abs=0.05)
    assert chosen(urls, weights={"a": 0}) == list(range(1, NUM_ROWS, 2))


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"where": [("clip_score", "~", 1)]}, "no comparison '~'; there are ==, !=, <"),
        ({"where": [("clip_score", ">", "high")]}, "clip_score > 'high' cannot be compared"),
        ({"weights": {"c": 2}}, r"no row has the source 'c'; there are \['a', 'b'\]"),
        ({"weights": {"a": -1}}, "weights must not be negative"),
        ({"held_out": 2}, "held_out is a share, 0 to 1, not 2"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(urls, choice, words):
    with pytest.raises(ChoiceError, match=words):
        chosen(urls, **choice)


def test_rows_can_be_given_by_number(urls):
    source = open_source(urls, ["caption"]).only([3, 3, 127, 128, 900, 1999])
    captions = source.take(range(len(source)))["caption"].to_pylist()
    assert captions == [f"caption {n}" for n in (3, 3, 127, 128, 900, 1999)]
    assert source.group_rows.tolist() == [3, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]


def test_a_row_takes_two_bytes_or_four():
    many = SomeRows(np.array([70_000, 5]), [np.array([1, 69_999]), np.array([4])])
    assert many.rows(np.array([2, 1, 0])).tolist() == [70_004, 69_999, 1]
    assert many.num_bytes == 3 * 4
    few = only(np.array([4096] * 3), np.arange(0, 12_288, 2))
    assert few.num_bytes == 6144 * 2
    assert few.rows(np.arange(6144)).tolist() == list(range(0, 12_288, 2))
    assert AllRows(np.array([3, 4])).rows(np.arange(7)).tolist() == list(range(7))
