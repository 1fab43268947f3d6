"""Trainings of a tiny prior in a process that dies: after a step, or before a file is touched."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace

from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.train.checkpoint_folders import SUFFIX
from dalle_model.train.prior import train_from_shards
from tests.support import forked
from tests.support.priors import TINY, tiny_tokenizer

_FILE_EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir"}


def ended(
    shard_url: str, out_url: str, settings: PriorTraining, dies_after: int = 0, dies_at: int = 0
) -> int | None:
    """Train to the end, from a checkpoint where there is one, and return the exit status.

    Args:
        shard_url: to train on.
        out_url: of the prior.
        settings: of the training.
        dies_after: number of its own steps after which it is killed, while it may be saved; 0 for
            never.
        dies_at: number of the operation on a file of the checkpoints before which it is killed.
    """
    process = forked.start(_train, shard_url, out_url, settings, dies_after, dies_at)
    process.join()
    return process.exitcode


def _train(
    shard_url: str, out_url: str, settings: PriorTraining, dies_after: int, dies_at: int
) -> None:
    if dies_at:
        sys.addaudithook(_Killer(dies_at))
    left = [dies_after]

    def on_step(_done: int, _total: int, _recent: Mapping[str, float]) -> None:
        left[0] -= 1
        if left[0] == 0:
            _die()

    config, tokenizer = replace(TINY, layers=1), tiny_tokenizer()
    train_from_shards([shard_url], tokenizer, out_url, config, settings, PairChoice(), on_step)


class _Killer:
    """An audit hook, which Python calls before operations on files, in any thread."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _FILE_EVENTS and SUFFIX in str(arguments[0]):
            self.left -= 1
            if self.left == 0:
                _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
