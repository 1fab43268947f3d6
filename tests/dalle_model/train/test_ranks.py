"""Checkpoints of several ranks; in one process, `test_checkpoints.py`."""

from pathlib import Path

import pytest
import torch

from dalle_model.sealed import read_sealed
from dalle_model.train.checkpoint_folders import SUFFIX
from dalle_model.train.checkpoints import Checkpoints
from dalle_model.train.ranks import group_of_all, number_of, on_each, on_first, rank_in
from tests.support import sharded_training
from tests.support.tiny_training import TinyRun, folder_of


def in_one_process(out_url: str, steps: int) -> TinyRun:
    run = TinyRun("adamw", seed=1)
    with Checkpoints(folder_of(out_url), keep=1) as checkpoints:
        checkpoints.load(run)
        while run.step < steps:
            run.take_step()
        checkpoints.save(run)
    return run


@pytest.mark.parametrize("layout", ["sharded", "replicated"])
def test_what_two_ranks_save_one_loads_and_the_other_way_round(layout, tmp_path, caplog):
    out_url = str(tmp_path / "tiny.safetensors")
    saved = sharded_training.train(out_url, 2, 2, layout)
    (folder,) = Path(out_url + SUFFIX).glob("*/step-000000002")
    manifest = read_sealed(str(folder / "checkpoint.json"))
    assert (manifest["ranks"], set(manifest["files"])) == (
        2, {".metadata", "__0_0.distcp", "__1_0.distcp"},
    )  # fmt: skip
    run = in_one_process(out_url, steps=2)
    assert run.step == 2
    assert saved.keys() == run.tensors().keys()
    assert all(torch.equal(value, saved[name]) for name, value in run.tensors().items())
    assert "with ranks 1, before 2: the weights may not be bit for bit" in caplog.text
    on_two = in_one_process(out_url, steps=3)
    again = sharded_training.train(out_url, 2, 3, layout)
    assert all(torch.equal(value, again[name]) for name, value in on_two.tensors().items())


def test_one_two_and_one_rank_in_turn_give_the_weights_of_one(tmp_path):
    """To rounding, as the sum of a batch is another one: with the same global batch."""
    out_url = str(tmp_path / "tiny.safetensors")
    straight = TinyRun("adamw", seed=1)
    for _ in range(6):
        straight.take_step()
    in_one_process(out_url, steps=2)
    sharded_training.train(out_url, 2, 4)
    turns = in_one_process(out_url, steps=6)
    for name, value in straight.tensors().items():
        torch.testing.assert_close(turns.tensors()[name], value, rtol=1e-4, atol=1e-6)


def test_in_one_process_all_is_done_by_it():
    assert (group_of_all(), rank_in(None), number_of(None)) == (None, 0, 1)
    assert (on_each(None, lambda: 3), on_first(None, lambda: 4)) == ([3], 4)
    with pytest.raises(ZeroDivisionError):
        on_each(None, lambda: 1 // 0)
