import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from dalle_model.data.cache import cached
from dalle_model.data.order import FullOrder, WindowOrder, places
from dalle_model.data.reader import Text, TokenReader
from dalle_model.data.source import open_source
from dalle_model.data.torch import State, TokenLoader, TokenStream
from dalle_model.shards import ShardError
from dalle_model.vocab import CaptionTokenizer, train_bpe
from tests.support import forked
from tests.support.documents import snippets
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


def some(loader, count: int) -> list[Any]:
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
    loader = TokenLoader(stream, 1, multiprocessing_context=forked.context())
    assert rows(loader) == rows(stream)


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
    state: State = {"position": 0}
    found: list[int] = []
    for ranks, batch, count in ((3, 32, 3), (1, 20, 4), (2, 9, 5)):
        loaders = [TokenLoader(TokenStream(reader, batch, rank, ranks)) for rank in range(ranks)]
        for loader in loaders:
            loader.load_state_dict(state)
        of_ranks = [some(loader, count) for loader in loaders]
        found += [row for shares in zip(*of_ranks, strict=True) for row in rows(shares)]
        state, *others = (loader.state_dict() for loader in loaders)
        assert others == [state] * (ranks - 1)
    assert state["position"] == 96 + 80 + 45
    assert found == reader.read(range(221))["row"].tolist()


def test_the_random_numbers_of_a_loop_are_left_alone(reader):
    before = torch.get_rng_state()
    some(TokenLoader(TokenStream(reader, 4), workers=1), 2)
    assert torch.equal(torch.get_rng_state(), before)


class Stateful(torch.utils.data.IterableDataset[Any]):
    """As `torchdata.StatefulDataLoader` in a worker: restores the stream, asks after each batch."""

    def __init__(self, stream: TokenStream, states: dict[int, State]) -> None:
        self.stream, self.states = stream, states

    def __iter__(self):
        worker: Any = torch.utils.data.get_worker_info()
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


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_shard_is_told_in_its_own_words(tmp_path, workers):
    (url,) = write_numbered_shards(tmp_path, [16])
    source = open_source([url])
    reader = TokenReader(source, FullOrder(16))
    content = Path(url).read_bytes()
    Path(url).write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    with pytest.raises(ShardError, match=r"^row group \d of .*part-0\.parquet cannot be read: .*"):
        some(TokenLoader(TokenStream(reader, 16), workers), 1)


def test_workers_that_stay_are_refused(reader):
    with pytest.raises(ValueError, match="never see the state of the loop"):
        TokenLoader(TokenStream(reader, 4), workers=1, persistent_workers=True)


@pytest.mark.parametrize(("batch", "rank", "ranks"), [(0, 0, 1), (4, 2, 2), (4, -1, 2)])
def test_a_rank_that_is_none_is_refused(reader, batch, rank, ranks):
    with pytest.raises(ValueError, match="rank"):
        TokenStream(reader, batch, rank, ranks)


def looped(folder: Path, ranks: int, position: int) -> list[list[str]]:
    """What the loop that docs/reader.md shows prints in each of some processes."""
    (loop, *_) = snippets("python", path=ROOT / "docs" / "reader.md")
    own = {"WORLD_SIZE": str(ranks), "POSITION": str(position), "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", loop.text],
            cwd=folder,
            env=os.environ | own | {"RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(ranks)
    ]
    outputs = [process.communicate(timeout=240)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * ranks
    return outputs


@pytest.mark.slow
def test_the_loop_that_is_shown_goes_on_after_a_stop_on_two_ranks(tmp_path):
    """Two processes, stopped after three batches, and two others that go on."""
    run = tmp_path / "runs" / "my-run"
    write_numbered_shards(run / "encode", [20, 13])
    CaptionTokenizer(train_bpe(["a caption"], 300)).save(str(run / "bpe" / "bpe.json"))
    of_steps = []
    for position in (0, 24):
        two = looped(tmp_path, 2, position)
        assert {lines[-1] for lines in two} == {str({"position": position + 24})}
        of_steps += [",".join(map(rows_shown, shares)) for shares in zip(*two, strict=True)][:-1]
    source = open_source(str(run / "encode"))
    wanted = places(WindowOrder(source.group_rows, 0), range(48)).rows.tolist()
    assert [int(row) for step in of_steps for row in step.split(",")] == wanted


def rows_shown(line: str) -> str:
    """The rows in a line that the loop prints; nothing of the line with the state."""
    found = re.search(r"\[([\d, ]+)\] torch", line)
    return found[1].replace(" ", "") if found else ""
