import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

import pytest

from pipelines.crawl import copies
from pipelines.crawl.blobs import CandidateRef, pack, unpack
from pipelines.crawl.candidates import rejection
from pipelines.crawl.copies import HeldRows, Settled, Survivors, duplicate_of
from pipelines.crawl.shard import complete_shard
from pipelines.io.aside import ByteRange
from pipelines.io.keys import pair_key, shard_of
from pipelines.io.task import StageTask
from pipelines.records import Candidate
from tests.support.crowded import Row, expected

TASK = StageTask("run", "crawl", 1, "attempt", "fingerprint", (0,))
KEY = pair_key("u", "c")


def ref(
    key: str = KEY, page: str = "", source: str = "", blob: ByteRange | None = None
) -> CandidateRef:
    return CandidateRef(Candidate(key, "u", "c", page_url=page, source=source), blob)


ROWS = [ref(KEY, page, source) for page, source in [("1", "b"), ("1", "a"), ("2", "a"), ("1", "a")]]


def held(
    rows: Iterable[CandidateRef], num_shards: int = 1, most: int | None = None
) -> list[tuple[int, Settled]]:
    """What a worker sends of these rows."""
    worker = HeldRows(num_shards, most)
    sent: list[tuple[int, Settled]] = []
    for row in rows:
        worker.add(row.candidate.key, pack(row))
        if worker.is_full:
            sent += worker.let_go()
    return [*sent, *worker.let_go()]


def settle(batches: Sequence[Sequence[CandidateRef]], most: int | None = None) -> list[Row]:
    """Key, page, reason, measured and threshold of each row, where workers hold one batch each."""
    blocks = [block for batch in batches for _, block in held(batch, most=most)]
    random.shuffle(blocks)
    result: Any = complete_shard(TASK, 0, iter(blocks), most)
    assert result.rows_in == sum(map(len, batches))
    names = ["key", "detail", "reason", "measured", "threshold"]
    kept = [(r["key"], r["page_url"], "", None, None) for r in result.kept.to_pylist()]
    dropped = [tuple(row[name] for name in names) for row in result.rejected.to_pylist()]
    return sorted([*kept, *dropped], key=repr)


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_the_least_of_equal_keys_survives_in_every_order_and_any_parts(cut):
    for order in permutations(ROWS):
        found = settle([order[:cut], order[cut:]])
        assert [(page, reason) for _, page, reason, _, _ in found] == [
            ("1", ""),
            ("1", "duplicate_pair"),
            ("1", "duplicate_pair"),
            ("2", "duplicate_pair"),
        ]


def test_the_survivor_of_equal_keys_is_the_least_row():
    for order in permutations(ROWS):
        ((_, block),) = held(order)
        assert [unpack(packed) for packed in block.candidates()] == [ROWS[1]]


def test_of_equal_images_the_first_by_name_survives_and_the_others_tell_theirs():
    images = [
        CandidateRef(Candidate(KEY, "u", "c", name=name, carried=carried), ByteRange("t", at, 1))
        for at, (name, carried) in enumerate(
            [("b.jpg", ""), ("a.jpg", '{"id":"2"}'), ("c.jpg", "")]
        )
    ]
    for order in permutations(images):
        for cut in range(3):
            blocks = [b for part in (order[:cut], order[cut:]) for _, b in held(part)]
            found = [row for block in blocks for row in block.candidates()]
            survivors = Survivors(None, lambda values, count: None)
            for packed in found:
                survivors.add(KEY, packed)
            assert survivors.rows() == {KEY: pack(images[1])}
    assert duplicate_of(images[0]).detail == "b.jpg"


def test_of_equal_rows_one_survives_even_if_only_one_refers_to_bytes():
    """As when an image is the text of another one's URL, so that both have one key."""
    rows = [ref(blob=blob) for blob in (ByteRange("t", 0, 1), None)]
    for batches in ([rows], [rows[:1], rows[1:]]):
        assert [reason for _, _, reason, _, _ in settle(batches)] == ["", "duplicate_pair"]


def test_a_rejected_candidate_keeps_its_key():
    """The key of an image that came as bytes is not that of its URL."""
    rows = [ref("ab" * 20, page) for page in ("1", "2")]
    assert {key for key, *_ in settle([rows])} == {"ab" * 20}


def test_many_copies_cross_the_shuffle_as_one_row_and_a_number():
    packed, worker = pack(ROWS[0]), HeldRows(1, None)
    for _ in range(5_000):
        worker.add(KEY, packed)
    assert not worker.is_full
    ((shard, block),) = worker.let_go()
    assert shard == 0
    assert [unpack(kept) for kept in block.candidates()] == [ROWS[0]]
    assert [(row[4], count) for row, count in block.rejections()] == [("duplicate_pair", 4_999)]
    assert list(worker.let_go()) == []


@pytest.mark.parametrize("pages", [1, 20_000])
def test_a_hot_pair_crosses_the_shuffle_in_as_few_elements_as_different_pairs(pages):
    hot = [ref(page=f"{number % pages}") for number in range(40_000)]
    different = [ref(pair_key(f"{n}", "")) for n in range(40_000)]
    assert len(held(hot, 16)) <= 5
    assert len(held(different, 16)) <= 5 * 16


def test_a_crowded_image_sends_few_candidates_however_many_captions_it_has():
    captions = [ref(pair_key("u", f"{number}")) for number in range(40_000)]
    random.Random(0).shuffle(captions)
    blocks = [block for _, block in held(captions, 16, most=100)]
    assert len(blocks) <= 5
    assert sum(len(block.candidates()) for block in blocks) <= 5 * 100


def test_different_rows_are_let_go_once_they_are_many(monkeypatch):
    monkeypatch.setattr(copies, "MAX_HELD", 3)
    worker = HeldRows(4, None)
    for number in range(2):
        worker.add(pair_key(f"{number}", ""), pack(ref(pair_key(f"{number}", ""))))
    assert not worker.is_full
    worker.drop(rejection("u", "c", "bad_url", "why", measured=1, threshold=2.5))
    assert worker.is_full


def test_large_rows_are_let_go_once_they_weigh_much(monkeypatch):
    monkeypatch.setattr(copies, "MAX_HELD_BYTES", 1_000)
    worker = HeldRows(1, None)
    worker.drop(rejection("u", "c" * 900, "caption_too_long"))
    assert not worker.is_full
    worker.add(KEY, pack(ref(page="p" * 100)))
    assert worker.is_full


def test_a_block_gives_back_what_is_in_it_and_goes_to_the_shard_of_its_keys():
    rows = [ref(pair_key(f"{number}", "")) for number in range(50)]
    worker = HeldRows(3, None)
    for row in rows:
        worker.add(row.candidate.key, pack(row))
    worker.drop(bad := rejection("u", "c", "bad_url", "why"))
    blocks = dict(worker.let_go())
    assert all(
        shard_of(unpack(packed).candidate.key, 3) == shard
        for shard, block in blocks.items()
        for packed in block.candidates()
    )
    (dropped,) = blocks[shard_of(bad.key, 3)].rejections()
    assert dropped == (tuple(vars(bad).values()), 1)
    assert sum(len(block.candidates()) for block in blocks.values()) == 50
    assert Settled.of([], Counter()).candidates() == []


@pytest.mark.parametrize("most", [1, 3, None])
def test_captions_of_an_image_are_capped_alike_in_any_parts(most, monkeypatch):
    monkeypatch.setattr(copies, "MAX_HELD", 7)
    chance = random.Random(most)
    for _ in range(30):
        rows = [
            ref(pair_key(f"image {chance.randrange(4)}", f"{chance.randrange(8)}"), f"{n % 3}")
            for n in range(60)
        ]
        cuts = sorted(chance.sample(range(60), 3))
        batches = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, 60], strict=True)]
        assert settle(batches, most) == expected([row.candidate for row in rows], most)
