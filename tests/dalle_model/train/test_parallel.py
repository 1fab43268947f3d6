"""Two and four processes against one; weights are compared with a bound that is said.

AdamW divides by the root of the second moment, so that the rounding of a gradient near 0 may move a
weight by a part of the learning rate: weights may differ by a tenth of it, losses by a millionth.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.train.data import open_rows
from dalle_model.train.parallel import Compressed, joined_lists, shared, sums
from dalle_model.train.place import ALONE, ParallelError, Place, joined
from dalle_model.train.prior import train_prior, trained_prior
from dalle_model.train.prior_task import PriorTask
from dalle_model.train.state import RunState, begin
from dalle_model.train.step import DivergedError, train_step
from dalle_model.train.stopping import StoppedError, ask_to_stop
from tests.dalle_model.train.test_prior import shard
from tests.dalle_model.train.test_prior_task import batch
from tests.support.priors import TINY, tiny_tokenizer
from tests.support.ranks import in_ranks

RATE = 1e-3
SETTINGS = PriorTraining(
    steps=4, batch_size=5, accumulation=2, learning_rate=RATE, warmup_steps=2, clip_norm=1.0,
    bpe_dropout=0.1, token_noise=0.5, ema_decay=0.5, precision="float32", workers=0,
)  # fmt: skip
FSDP = replace(SETTINGS, parallel="fsdp", recompute=True)
POWERSGD = replace(SETTINGS, powersgd_rank=2)


def trained(url: str, settings: PriorTraining, place: Place = ALONE) -> RunState:
    rows = open_rows([url], PairChoice())
    # Six rows are held out: of the second batch of them, some process has none.
    rows = replace(rows, held_out=rows.source.only([0, 0, 1, 1, 2, 3]))
    return train_prior(rows, tiny_tokenizer(), TINY, settings, lambda *_: None, place=place)


def what_is_left(state: RunState) -> dict[str, Any]:
    """Losses, weights and their average, in full."""
    return {
        "recent": state.recent,
        "position": state.position,
        "weights": state.parallel.weights(state.task.model),
        "averaged": trained_prior(state).state_dict(),
    }


def shared_trainings(url: str, several: list[PriorTraining]) -> list[dict[str, Any]]:
    with joined("cpu") as place:
        return [what_is_left(trained(url, settings, place)) for settings in several]


def assert_near(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found["position"] == expected["position"]
    assert found["recent"] == pytest.approx(expected["recent"], rel=1e-6)
    for kind in ("weights", "averaged"):
        assert found[kind].keys() == expected[kind].keys()
        for name, weight in expected[kind].items():
            torch.testing.assert_close(found[kind][name], weight, rtol=0, atol=RATE / 10)


@pytest.mark.parametrize(("ranks", "several"), [(2, [SETTINGS, FSDP, POWERSGD]), (4, [FSDP])])
def test_processes_train_what_one_does(
    ranks: int, several: list[PriorTraining], tmp_path: Path
) -> None:
    """Of five rows of a step, in two parts each: the shares are as uneven as can be."""
    url = shard(tmp_path)
    first, *others = in_ranks(ranks, shared_trainings, url, several)
    for found, settings in zip(first, several, strict=True):
        assert_near(found, what_is_left(trained(url, replace(settings, recompute=False))))
    for other in others:
        assert [found["recent"] for found in other] == [found["recent"] for found in first]
        is_whole = [settings.parallel == "ddp" for settings in several]
        assert [len(found["weights"]) > 0 for found in other] == is_whole


def what_each_holds() -> dict[str, Any]:
    """A few trainings of a step or two, in a process of two."""
    found: dict[str, Any] = {}
    with joined("cpu") as place:
        other_rows = batch(6)
        share = slice(0, 3) if place.rank == 0 else slice(3, 6)
        rows = {k: v[share] if k != "next_position" else v for k, v in other_rows.items()}
        found["keys"] = other_rows["key"]
        sharded = begin(PriorTask(TINY, FSDP), FSDP, place)
        train_step(sharded, FSDP, rows)
        found["parts"] = _held(sharded)
        compressed = begin(PriorTask(TINY, POWERSGD), POWERSGD, place)
        assert isinstance(compressed.parallel, Compressed)
        for _ in range(2):  # at first heads are 0, and pass no gradient
            train_step(compressed, POWERSGD, rows)
        found["gradient"] = compressed.recent["gradient_norm"]
        found["left over"] = compressed.parallel.state_dict()
        diverging = begin(PriorTask(TINY, SETTINGS), SETTINGS, place)
        if place.rank == 1:
            row = diverging.task.model.get_parameter("embedding.row.weight")
            row.register_hook(lambda gradient: gradient * torch.nan)
        with pytest.raises(DivergedError) as error:
            train_step(diverging, SETTINGS, rows)
        found["error"] = str(error.value)
        found["sums"] = sums({"a": place.rank, "b": 10}, place), sums({"c": 0.5}, place)
        found["joined"] = joined_lists([str(place.rank)] * (1 + place.rank), place)
    return found


def _held(state: RunState) -> float:
    """Share of the weights, their average and the moments that this process has."""
    moments = [value for o in state.task.optimizers for entry in o.state.values()
               for name, value in entry.items() if name != "step"]  # fmt: skip
    assert state.averaged is not None
    tensors = [*state.task.model.parameters(), *state.averaged.parameters(), *moments]
    assert all(isinstance(tensor, DTensor) for tensor in tensors)
    own = sum(cast(DTensor, tensor).to_local().numel() for tensor in tensors)
    return own / sum(tensor.numel() for tensor in tensors)


@pytest.fixture(scope="module")
def two() -> list[dict[str, Any]]:
    return in_ranks(2, what_each_holds)


def test_with_fsdp_each_holds_its_part_of_everything(two: list[dict[str, Any]]) -> None:
    shares = [found["parts"] for found in two]
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0.4


def test_compressed_gradients_are_those_of_all(two: list[dict[str, Any]]) -> None:
    """And what they leave over is kept for the checkpoint, of the blocks' matrices alone."""
    names = {name for name, _ in PriorTask(TINY, POWERSGD).model.named_parameters()}
    left_over: dict[str, Tensor] = two[0]["left over"]
    assert len(left_over) == 12
    assert all(name.removeprefix("model.") in names for name in left_over)
    assert any(tensor.abs().max() > 0 for tensor in left_over.values())
    assert two[0]["gradient"] == two[1]["gradient"] > 0


def test_a_gradient_that_is_not_finite_on_one_stops_all(two: list[dict[str, Any]]) -> None:
    """Before the update, and both name the rows of both."""
    assert two[0]["error"] == two[1]["error"]
    assert two[0]["error"].endswith(", ".join(two[0]["keys"]))


def test_sums_and_lists_are_those_of_all(two: list[dict[str, Any]]) -> None:
    for found in two:
        assert found["sums"] == ({"a": 1, "b": 20}, {"c": 1.0})
        assert found["joined"] == ["0", "1", "1"]


def stopped(url: str) -> tuple[str, int]:
    """Rank 0 alone is asked to stop, in step 2."""
    seen = []

    def on_step(done: int, _total: int, _figures: object) -> None:
        seen.append(done)
        if done == 2:
            ask_to_stop()

    with joined("cpu") as place:
        rows = open_rows([url], PairChoice())
        with pytest.raises(StoppedError) as error:
            train_prior(rows, tiny_tokenizer(), TINY, SETTINGS, on_step, place=place)
    return str(error.value).partition(";")[0], len(seen)


def test_all_stop_after_the_same_step(tmp_path: Path) -> None:
    """The others learn of it with the step that comes next; they are not told of steps."""
    assert in_ranks(2, stopped, shard(tmp_path)) == [
        ("stopped after step 3 of 4", 3),
        ("stopped after step 3 of 4", 0),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (replace(FSDP, optimizer="muon"), "set `optimizer: adamw`, or `parallel: ddp`"),
        (replace(FSDP, batch_size=1), "a step has 1 rows, and there are 2 processes"),
    ],
)
def test_what_cannot_be_shared_is_refused(settings: PriorTraining, message: str) -> None:
    place = Place(torch.device("cpu"), 0, 2, cast(Any, object()))
    with pytest.raises(ParallelError, match=message):
        shared(PriorTask(TINY, settings), None, settings, place)
