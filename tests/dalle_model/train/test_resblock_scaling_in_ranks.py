"""Two processes that train in half precision agree on scales, skipped updates and halvings."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from dalle_model.settings import PriorTraining
from dalle_model.train.place import ALONE, Place, joined
from dalle_model.train.prior_task import PriorTask
from dalle_model.train.state import RunState, begin
from dalle_model.train.step import train_step
from dalle_model.train.task import parts
from tests.dalle_model.train.test_prior_task import batch
from tests.support.priors import TINY
from tests.support.ranks import in_ranks

HALF = PriorTraining(
    batch_size=4, learning_rate=1e-3, warmup_steps=1, precision="float16", second_moment_max=5.0,
    moment_bits=16, ema_decay=0, schedule="plateau", plateau_patience=0,
)  # fmt: skip


def trained(settings: PriorTraining, place: Place = ALONE) -> dict[str, Any]:
    """Three steps, of which the second overflows, in the last process and in one branch."""
    state = begin(PriorTask(TINY, settings), settings, place)
    rows = parts(batch(4), place.ranks)[place.rank]
    layer = state.task.model.get_submodule("blocks.1.mlp.2")
    for step in range(3):
        breaks = step == 1 and place.rank == place.ranks - 1
        hook = layer.register_forward_hook(_overflows if breaks else _runs)
        train_step(state, settings, rows)
        hook.remove()
        ce = float(
            step + 1 - 4 * place.rank * step
        )  # rising in the first process, falling in the second
        state.task.measured({"held_out_text_ce": ce, "held_out_image_ce": ce})
    return what_is_left(state)


def _runs(*_: Any) -> None:
    pass


def _overflows(layer: Any, inputs: Any, output: Tensor) -> None:
    del layer, inputs
    output.register_hook(lambda gradient: gradient + torch.inf)


def what_is_left(state: RunState) -> dict[str, Any]:
    scales = state.task.objective.get_buffer("scaling.thousandths")
    return {
        "weights": state.parallel.weights(state.task.model),
        "scales": scales.tolist(),
        "skipped": state.recent["skipped"],
        "rate": state.task.rate_share(state.step),
    }


def in_all_ways() -> list[dict[str, Any]]:
    with joined("cpu") as place:
        ways = (HALF, replace(HALF, parallel="fsdp"), replace(HALF, powersgd_rank=2))
        return [trained(settings, place) for settings in ways]


@pytest.fixture(scope="module")
def found() -> list[list[dict[str, Any]]]:
    return in_ranks(2, in_all_ways)


def test_what_overflows_in_one_process_is_skipped_in_all(found) -> None:
    for ways in found:
        for left in ways:
            assert (left["skipped"], left["rate"]) == (1, 1 / 4)
            assert left["scales"] == [13_003] * 3 + [12_502] + [13_003] * 2


@pytest.mark.parametrize(("way", "kind"), [(0, "ddp"), (1, "fsdp")])
def test_weights_are_those_of_one_process(found, way: int, kind: str) -> None:
    alone = trained(HALF)
    assert alone["scales"] == found[0][way]["scales"], kind
    for name, weight in alone["weights"].items():
        # AdamW divides by the root of the second moment: rounding may move a weight by a part of
        # the learning rate.
        torch.testing.assert_close(found[0][way]["weights"][name], weight, rtol=0, atol=5e-4)
