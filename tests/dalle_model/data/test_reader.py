import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dalle_model.data.choice import Choice
from dalle_model.data.order import FullOrder, StoredOrder, WindowOrder, places
from dalle_model.data.reader import ReaderError, Step, Text, TokenReader, steps
from dalle_model.data.source import open_source
from dalle_model.vocab import CaptionTokenizer, train_bpe
from tests.support.token_shards import write_numbered_shards

ROOT = Path(__file__).resolve().parents[3]
CAPTIONS = [f"caption {n}" for n in range(200)]


@pytest.fixture(scope="module")
def urls(tmp_path_factory) -> list[str]:
    return write_numbered_shards(tmp_path_factory.mktemp("rows"), [90, 0, 83, 120], group_rows=16)


@pytest.fixture(scope="module")
def tokenizer() -> CaptionTokenizer:
    return CaptionTokenizer(train_bpe(CAPTIONS, 300))


def numbers(batch) -> list[int]:
    return [int(caption.split()[1]) for caption in batch["caption"]]


def test_a_batch_has_the_rows_at_its_positions(urls):
    source = open_source(urls)
    reader = TokenReader(source, WindowOrder(source.group_rows, 3, 4))
    batch = reader.read([0, 500, 292])
    place = places(reader.order, [0, 500, 292])
    assert numbers(batch) == place.rows.tolist() == batch["row"].tolist()
    assert batch["epoch"].tolist() == [0, 1, 0]
    assert batch["image_tokens"][:, 0].tolist() == [n % 16 for n in numbers(batch)]


@pytest.mark.parametrize("batch", [1, 7, 100, 3000])
def test_a_stream_is_the_batches_one_by_one(urls, batch):
    source = open_source(urls)
    reader = TokenReader(source, FullOrder(len(source), 1))
    taken = list(steps(5, batch, stop=400))
    assert taken[-1].next_position == 400
    for step, found in zip(taken, reader.stream(taken), strict=True):
        wanted = reader.read(list(step.positions))
        assert found.pop("next_position") == step.next_position
        assert found.keys() == wanted.keys()
        assert numbers(found) == numbers(wanted)
        np.testing.assert_array_equal(found["image_tokens"], wanted["image_tokens"])


def test_steps_are_shared_by_ranks_and_taken_in_turns():
    whole = list(steps(3, 10, stop=30))
    assert whole == [Step(range(3, 13), 13), Step(range(13, 23), 23), Step(range(23, 30), 30)]
    of_ranks = [list(steps(3, 10, 30, rank, 3)) for rank in range(3)]
    for step, shares in zip(whole, zip(*of_ranks, strict=True), strict=True):
        assert [p for share in shares for p in share.positions] == list(step.positions)
        assert {share.next_position for share in shares} == {step.next_position}
    assert [*steps(3, 10, 30, every=2), *steps(13, 10, 30, every=2)] == [
        whole[0],
        whole[2],
        whole[1],
    ]
    endless = steps(10**15, 8)
    assert next(endless).positions.start == 10**15


def test_three_ranks_then_one_then_two_read_every_row_once(urls):
    """Through the end of two epochs, with another batch each time."""
    source = open_source(urls)
    reader = TokenReader(source, WindowOrder(source.group_rows, 0, 4))
    position, found = 0, []
    for ranks, batch, count in ((3, 32, 5), (1, 20, 12), (2, 9, 30)):
        stop = position + batch * count
        of_ranks = [reader.stream(steps(position, batch, stop, r, ranks)) for r in range(ranks)]
        for shares in zip(*of_ranks, strict=True):
            found += [n for share in shares for n in numbers(share)]
        position = stop
    assert position > 2 * len(source)
    assert found == numbers(reader.read(range(position)))
    for epoch in (0, 1):
        assert sorted(found[epoch * 293 : (epoch + 1) * 293]) == list(range(293))


NEXT = """
import sys, json
from dalle_model.data.order import WindowOrder
from dalle_model.data.reader import TokenReader, steps
from dalle_model.data.source import open_source
source = open_source(json.loads(sys.argv[1]))
reader = TokenReader(source, WindowOrder(source.group_rows, 0, 4))
positions = json.loads(sys.argv[2])
print(json.dumps([next(reader.stream(steps(p, 8)))["caption"] for p in positions]))
"""


def test_after_a_stop_anywhere_another_process_goes_on_with_the_next_rows(urls):
    """50 random stops; a position is all that another process is told."""
    source = open_source(urls)
    reader = TokenReader(source, WindowOrder(source.group_rows, 0, 4))
    whole = reader.read(range(2000))["caption"]
    stops = random.Random(4).sample(range(1990), 50)
    command = [sys.executable, "-c", NEXT, json.dumps(urls), json.dumps(stops)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert json.loads(output) == [whole[stop : stop + 8] for stop in stops]


def test_captions_are_encoded_as_the_prior_reads_them(urls, tokenizer):
    source = open_source(urls)
    text = Text(tokenizer, text_len=12, pad_id=300)
    batch = TokenReader(source, StoredOrder(len(source)), text).read(range(5))
    np.testing.assert_array_equal(batch["text"], tokenizer.encode_batch(CAPTIONS[:5], 12, 300))


def test_merges_are_dropped_by_seed_epoch_and_row_whoever_reads(urls, tokenizer):
    source = open_source(urls)

    def encoded(seed: int, positions: list[int]) -> list[list[int]]:
        text = Text(tokenizer, 40, 300, dropout=0.5, seed=seed)
        reader = TokenReader(source, FullOrder(len(source)), text)
        found: list[list[int]] = reader.read(positions)["text"].tolist()
        return found

    together = encoded(0, [0, 1, 2, 3])
    assert together == encoded(0, [0, 1]) + encoded(0, [2, 3])
    assert together != encoded(1, [0, 1, 2, 3])
    row = int(places(FullOrder(len(source)), 0).rows)
    epochs = [
        np.flatnonzero(FullOrder(293).rows_of(e, np.arange(293)) == row)[0] + 293 * e
        for e in range(4)
    ]
    assert len({tuple(ids) for ids in encoded(0, epochs)}) > 1  # the same row, other merges
    assert encoded(0, []) == []


def test_repeats_of_a_row_in_an_epoch_have_merges_of_their_own(urls, tokenizer):
    source = open_source(urls, choice=Choice(weights={"a": 40}))
    text = Text(tokenizer, 40, 300, dropout=0.5)
    batch = TokenReader(source, StoredOrder(len(source)), text).read(range(40))
    assert set(batch["caption"]) == {"caption 0"}
    assert len({tuple(ids) for ids in batch["text"].tolist()}) > 1


@pytest.mark.parametrize("merges", [0.0, 0.5])
def test_captions_are_left_out_by_seed_epoch_and_row(urls, tokenizer, merges):
    source = open_source(urls)

    def is_empty(seed: int, positions: range) -> np.ndarray:
        text = Text(tokenizer, 40, 300, merges, seed, caption_dropout=0.2)
        reader = TokenReader(source, FullOrder(len(source)), text)
        return (reader.read(positions)["text"][:, 1:-1] == text.pad_id).all(axis=1)

    epochs = is_empty(0, range(293 * 3))
    assert 0.15 < epochs.mean() < 0.25  # of 879: 3.7 standard deviations
    assert (epochs[200:300] == is_empty(0, range(200, 300))).all()
    assert (epochs != is_empty(1, range(293 * 3))).any()
    rows = places(FullOrder(len(source)), range(293 * 3)).rows
    by_row = epochs[np.argsort(rows, kind="stable")].reshape(293, 3)
    assert (by_row.sum(axis=1) == 3).mean() < 0.05  # others in each epoch


def test_an_order_of_other_rows_is_refused(urls):
    source = open_source(urls)
    with pytest.raises(ReaderError, match="an order of 292 rows for a source of 293"):
        TokenReader(source, FullOrder(292))
    nothing = open_source(urls, choice=Choice([("width", "<", 0)]))
    with pytest.raises(ReaderError, match="of which there must be a row"):
        TokenReader(nothing, FullOrder(0))


def test_a_window_that_is_not_held_is_refused_with_what_it_takes(urls):
    source = open_source(urls, cache_bytes=2500)
    with pytest.raises(ReaderError, match=r"give `open_source` a `cache_bytes` of [0-9,]+, or"):
        TokenReader(source, WindowOrder(source.group_rows))
    TokenReader(source, WindowOrder(source.group_rows, window=1))


def test_grain_reads_the_same_rows_in_the_same_order(urls):
    grain = pytest.importorskip("grain")
    source = open_source(urls)
    reader = TokenReader(source, WindowOrder(source.group_rows, 0, 4))
    shuffled = grain.MapDataset.source(source).seed(0).shuffle()
    assert sorted(int(row["caption"].split()[1]) for row in shuffled) == list(range(293))
    batches = grain.MapDataset.range(40, 700).batch(10).map(reader.read)
    read = grain.ReadOptions(num_threads=2)
    found = [n for batch in batches.to_iter_dataset(read) for n in numbers(batch)]
    assert found == places(reader.order, range(40, 700)).rows.tolist()
