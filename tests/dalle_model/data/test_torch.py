import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from dalle_model.data.cache import cached
from dalle_model.data.order import FullOrder, WindowOrder
from dalle_model.data.reader import Text, TokenReader
from dalle_model.data.source import open_source
from dalle_model.data.torch import TokenLoader, TokenStream
from dalle_model.vocab import CaptionTokenizer, train_bpe
from tests.support.token_shards import write_numbered_shards

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> TokenReader:
    urls = write_numbered_shards(tmp_path_factory.mktemp("rows"), [90, 83], group_rows=16)
    source = open_source(urls)
    tokenizer = CaptionTokenizer(train_bpe(["a caption"], 300))
    text = Text(tokenizer, 30, 300, dropout=0.3)
    return TokenReader(source, WindowOrder(source.group_rows, 0, 4), text)


def rows(batches) -> list[int]:
    return [row for batch in batches for row in batch["row"].tolist()]


def some(loader, count: int) -> list:
    return [batch for _, batch in zip(range(count), loader, strict=False)]


def test_batches_are_tensors(reader):
    (batch,) = some(TokenLoader(TokenStream(reader, 4)), 1)
    assert batch["image_tokens"].dtype == torch.uint16
    assert batch["image_tokens"].shape == (4, 9)
    assert batch["text"].dtype == batch["row"].dtype == torch.int64
    assert batch["text"].shape == (4, 30)
    assert [len(caption) > 7 for caption in batch["caption"]] == [True] * 4
    assert batch["next_position"] == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(reader, workers):
    alone = list(TokenLoader(TokenStream(reader, 10, epochs=2)))
    several = list(TokenLoader(TokenStream(reader, 10, epochs=2), workers))
    assert rows(alone) == rows(several) == reader.read(range(346))["row"].tolist()
    assert [len(batch["row"]) for batch in alone] == [10] * 34 + [6]
    for one, other in zip(alone, several, strict=True):
        assert torch.equal(one["text"], other["text"])


def test_a_started_worker_gets_its_reader_by_pickle(reader, tmp_path):
    source = cached(reader.source, str(tmp_path / "rows.cache"))
    stream = TokenStream(TokenReader(source, reader.order, reader.text), 10, epochs=1)
    context = multiprocessing.get_context("forkserver")
    assert rows(TokenLoader(stream, 1, multiprocessing_context=context)) == rows(stream)


def test_the_state_is_of_the_batches_that_the_loop_has_had(reader):
    """Workers are ahead of the loop by some batches, which are not lost."""
    loader = TokenLoader(TokenStream(reader, 10), workers=2)
    first = some(loader, 7)
    state = loader.state_dict()
    assert state == {"position": 70} == {"position": first[-1]["next_position"]}
    again = TokenLoader(TokenStream(reader, 16), workers=1)
    again.load_state_dict(state)
    assert rows(first + some(again, 3)) == reader.read(range(118))["row"].tolist()
    assert rows(some(again, 1)) == reader.read(range(118, 134))["row"].tolist()


def test_ranks_may_change_from_three_to_one_to_two(reader):
    state, found = {"position": 0}, []
    for ranks, batch, count in ((3, 32, 3), (1, 20, 4), (2, 9, 5)):
        of_ranks = []
        for rank in range(ranks):
            loader = TokenLoader(TokenStream(reader, batch, rank, ranks))
            loader.load_state_dict(state)
            of_ranks.append(some(loader, count))
            after = loader.state_dict()
        found += [row for shares in zip(*of_ranks, strict=True) for row in rows(shares)]
        state = after
    assert state["position"] == 96 + 80 + 45
    assert found == reader.read(range(221))["row"].tolist()


def test_the_random_numbers_of_a_loop_are_left_alone(reader):
    before = torch.get_rng_state()
    some(TokenLoader(TokenStream(reader, 4), workers=1), 2)
    assert torch.equal(torch.get_rng_state(), before)


class Stateful(torch.utils.data.IterableDataset):
    """What `torchdata.StatefulDataLoader` does in a worker: restores the stream, asks after each."""

    def __init__(self, stream: TokenStream, states: dict[int, dict]) -> None:
        self.stream, self.states = stream, states

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        if worker.id in self.states:
            self.stream.load_state_dict(self.states[worker.id])
        for batch in self.stream:
            yield worker.id, self.stream.state_dict(), batch


def test_each_worker_tells_where_its_own_next_batch_begins(reader):
    loader = DataLoader(Stateful(TokenStream(reader, 10), {}), batch_size=None, num_workers=2)
    first = some(loader, 5)
    states = {worker: state for worker, state, _ in first}
    assert states == {0: {"position": 60}, 1: {"position": 50}}
    again = DataLoader(Stateful(TokenStream(reader, 10), states), batch_size=None, num_workers=2)
    after = sorted((batch for *_, batch in some(again, 4)), key=lambda b: b["next_position"])
    assert rows([*(batch for *_, batch in first), *after]) == reader.read(range(90))["row"].tolist()


@pytest.mark.parametrize(("batch", "rank", "ranks"), [(0, 0, 1), (4, 2, 2), (4, -1, 2)])
def test_a_rank_that_is_none_is_refused(reader, batch, rank, ranks):
    with pytest.raises(ValueError, match="rank"):
        TokenStream(reader, batch, rank, ranks)
