import random
from collections import Counter
from itertools import permutations

import pytest

from pipelines.crawl import copies
from pipelines.crawl.blobs import CandidateRef, key_of, pack, unpack
from pipelines.crawl.candidates import rejection
from pipelines.crawl.copies import Dropped, HeldRows, Rejections, survivors, values_of
from pipelines.io.aside import ByteRange
from pipelines.records import Candidate
from pipelines.rejection import REJECTION_SCHEMA


def ref(key: str, page: str = "", source: str = "", blob: ByteRange | None = None) -> CandidateRef:
    return CandidateRef(Candidate(key, "u", "c", page_url=page, source=source), blob)


ROWS = [ref("k", page, source) for page, source in [("1", "b"), ("1", "a"), ("2", "a"), ("1", "a")]]


def settle(batches) -> tuple[list[CandidateRef], list[tuple[str, str]]]:
    """Who survives, and reason and detail of the others, where workers hold one batch each."""
    packed, rejections = [], Rejections()
    for batch in batches:
        held = HeldRows()
        for row in batch:
            held.add(row.candidate.key, pack(row))
        for _, value in held.let_go():
            if isinstance(value, Dropped):
                for dropped in value.rows():
                    rejections.add(*dropped)
            else:
                packed.append(value)
    left = list(survivors(packed, rejections))
    table = rejections.table()
    assert table.num_rows == rejections.count == sum(map(len, batches)) - len(left)
    return left, sorted(
        zip(*(table[name].to_pylist() for name in ("reason", "detail")), strict=True)
    )


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_the_least_of_equal_keys_survives_in_every_order_and_any_parts(cut):
    for order in permutations(ROWS):
        left, others = settle([order[:cut], order[cut:]])
        assert left == [ROWS[1]]
        assert others == [("duplicate_pair", page) for page in ("1", "1", "2")]


def test_of_equal_rows_one_survives_even_if_only_one_refers_to_bytes():
    """As when an image is the text of another one's URL, so that both have one key."""
    rows = [ref("k", blob=blob) for blob in (ByteRange("t", 0, 1), None)]
    for batches in ([rows], [rows[:1], rows[1:]]):
        assert settle(batches) == ([rows[1]], [("duplicate_pair", "")])


def test_many_copies_cross_the_shuffle_as_one_row_and_a_number():
    held, packed = HeldRows(), pack(ROWS[0])
    for _ in range(5_000):
        held.add("k", packed)
    assert not held.is_full
    (_, kept), (key, dropped) = held.let_go()
    assert isinstance(kept, bytes)
    assert unpack(kept) == ROWS[0]
    assert isinstance(dropped, Dropped)
    assert [(values[4], count) for values, count in dropped.rows()] == [("duplicate_pair", 4_999)]
    assert key == "k"
    assert held.let_go() == []


def test_different_rows_are_let_go_once_they_are_many(monkeypatch):
    monkeypatch.setattr(copies, "MAX_HELD", 3)
    held = HeldRows()
    for number in range(2):
        held.add(f"{number}", pack(ref(f"{number}")))
    assert not held.is_full
    held.drop("x", rejection("u", "c", "bad_url", "why", measured=1, threshold=2.5))
    assert held.is_full


def test_rejections_become_columns_in_chunks(monkeypatch):
    monkeypatch.setattr(copies, "_CHUNK", 2)
    rows = [rejection(f"u{n}", "c", "bad_url", measured=n or None) for n in range(5)]
    expected: Counter[tuple[object, ...]] = Counter()
    gathered = Rejections()
    for number, row in enumerate(rows):
        gathered.add(values_of(row), number)
        expected[values_of(row)] = number
    table = gathered.table()
    assert table.schema == REJECTION_SCHEMA
    assert Counter(tuple(row.values()) for row in table.to_pylist()) == +expected


def test_packed_rows_sort_by_their_keys():
    keys = ["b", "a", "ab", "a", "abc"]
    packed = [pack(ref(key, str(number))) for number, key in enumerate(keys)]
    random.Random(0).shuffle(packed)
    assert [key_of(row).decode() for row in sorted(packed)] == sorted(keys)
