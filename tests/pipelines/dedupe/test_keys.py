import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dedupe.keys import (
    PAIR_DTYPE,
    best_first,
    distinct,
    find_images,
    first_rows,
    image_digits,
    order_by,
    pair_digits,
    parse_hex,
    shards_of,
    starts_of_runs,
)
from pipelines.io.keys import shard_of

KEYS = st.lists(st.text("0123456789abcdef", min_size=40, max_size=40), max_size=20)


@given(KEYS, st.integers(1, 100))
def test_columns_of_integers_say_what_the_text_says(keys, num_shards) -> None:
    pairs = parse_hex(pa.chunked_array([pa.array(keys, pa.string())]), PAIR_DTYPE)
    assert pair_digits(pairs) == keys
    assert image_digits(pairs) == [key[:24] for key in keys]
    assert shards_of(pairs, num_shards).tolist() == [shard_of(key, num_shards) for key in keys]


@given(KEYS, KEYS)
def test_images_are_found_where_they_stand(keys, among) -> None:
    among = sorted({*among, *keys[::2]})
    pairs = parse_hex(pa.chunked_array([pa.array(keys, pa.string())]), PAIR_DTYPE)
    images = parse_hex(pa.chunked_array([pa.array(among, pa.string())]), PAIR_DTYPE)
    places = find_images(pairs, images)
    digits = [key[:24] for key in among]
    for key, place in zip(keys, places.tolist(), strict=True):
        assert (place >= 0) == (key[:24] in digits)
        assert place < 0 or digits[place] == key[:24]


def test_images_that_share_64_bits_are_told_apart() -> None:
    keys = ["a" * 16 + f"{low:08x}" + "0" * 16 for low in range(5)]
    pairs = parse_hex(pa.chunked_array([keys]), PAIR_DTYPE)
    assert find_images(pairs, pairs).tolist() == [0, 1, 2, 3, 4]
    assert find_images(pairs, pairs[[0, 4]]).tolist() == [0, -1, -1, -1, 1]


def test_finished_runs_then_larger_images_rank_first_and_keys_break_ties() -> None:
    images = np.array(
        [(3, 1, 10, 1), (1, 2, 10, 1), (1, 1, 10, 1), (9, 9, 11, 1), (5, 5, 1, 0)],
        [("high", "<u8"), ("low", "<u4"), ("area", "<u8"), ("run", "u1")],
    )
    assert best_first(images).tolist() == [4, 3, 2, 1, 0]


def test_runs_start_where_any_column_changes() -> None:
    assert starts_of_runs(np.array([1, 1, 1, 2]), np.array([1, 2, 2, 2])).tolist() == [0, 1, 3]
    assert starts_of_runs(np.array([])).tolist() == []
    pairs = np.array([(1, 1, 5), (1, 1, 6), (1, 2, 5)], PAIR_DTYPE)
    assert first_rows(pairs).tolist() == [0, 2]
    assert first_rows(pairs[:0]).tolist() == []


NUMBERS = st.one_of(
    st.integers(0, 2), st.integers(2**63, 2**63 + 9), st.integers(0, 2**64 - 1)
)  # few values, values that differ in their last bits, and any


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=40))
def test_the_first_column_decides_then_the_next_then_the_position(rows) -> None:
    columns = np.array(rows, ">u8").reshape(-1, 2).T
    expected = sorted(range(len(rows)), key=lambda row: rows[row])
    assert order_by(*columns).tolist() == expected


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=40))
def test_distinct_rows_are_numbered_in_their_order(rows) -> None:
    firsts, which = distinct(*np.array(rows, np.uint64).reshape(-1, 2).T)
    assert [rows[first] for first in firsts] == sorted({*rows})
    assert [rows.index(rows[first]) for first in firsts] == firsts.tolist()
    assert [rows[firsts[number]] for number in which] == rows
