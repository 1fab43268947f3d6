"""What a checkpoint costs a training: `python -m benchmarks.checkpoints`.

A prior of 10 million parameters takes steps and is saved now and then, in a process for each way:
by this program beside the steps, and by `torch.save` between them. The time is that for which the
steps wait, by the clock and of the processor. Memory is the largest resident size of the process,
less that of one that saves nothing.
"""

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import torch

from dalle_model.config import PriorConfig
from dalle_model.data.reader import Batch
from dalle_model.prior.model import num_parameters
from dalle_model.settings import PriorTraining
from dalle_model.train.checkpoint_folders import RunFolder
from dalle_model.train.checkpoints import Checkpoints
from dalle_model.train.origin import origin_of
from dalle_model.train.prior_task import PriorTask
from dalle_model.train.state import RunState, begin
from dalle_model.train.step import train_step

MODEL = PriorConfig(
    text_vocab=4096, text_len=64, image_vocab=1024, grid=8, layers=6, heads=5, head_dim=64,
    conv_kernel=5,
)  # fmt: skip
SETTINGS = PriorTraining(steps=1000, batch_size=4, ema_decay=0.999, precision="float32", threads=1)
SAVES, STEPS_APART = 5, 3


class Cost(NamedTuple):
    """Of saves, in the median, and of the process that made them.

    Args:
        blocked_s: between two steps, for which the training waits.
        cpu_s: of the thread of the training in that time.
        resident_mb: the largest resident size of the process.
        parameters: of the model.
        state_mb: of the tensors that are saved.
    """

    blocked_s: float
    cpu_s: float
    resident_mb: float
    parameters: int
    state_mb: float


def measure() -> None:
    """Print what each way of saving costs."""
    none = _apart("none")
    print(f"{none.parameters:,} parameters, {none.state_mb:.0f} MB of state")
    for name in ("checkpoint", "torch.save"):
        cost = _apart(name)
        more = cost.resident_mb - none.resident_mb
        seconds = f"{cost.blocked_s * 1e3:6.0f} ms, CPU {cost.cpu_s * 1e3:5.0f} ms"
        print(f"{name:10} blocks {seconds}, takes {more:4.0f} MB", flush=True)


def cost_of(way: str) -> Cost:
    """Train in this process, and save now and then in one of three ways."""
    torch.set_num_threads(1)
    state = begin(PriorTask(MODEL, SETTINGS), SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(str(Path(folder, "prior")), origin_of(SETTINGS, MODEL.to_dict(), "drawn"))
        with Checkpoints(run, keep=1) as checkpoints:
            ways = {
                "none": lambda: None,
                "checkpoint": lambda: checkpoints.save(state),
                "torch.save": lambda: _save_at_once(state, Path(folder, "state.pt")),
            }
            seconds = [_blocked(state, ways[way]) for _ in range(SAVES)]
    tensors = [v for v in state.state_dict().values() if isinstance(v, torch.Tensor)]
    wall, cpu = zip(*seconds, strict=True)
    return Cost(
        statistics.median(wall),
        statistics.median(cpu),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,  # KiB on Linux
        num_parameters(state.task.model),
        sum(tensor.nbytes for tensor in tensors) / 1e6,
    )


def _blocked(state: RunState, save: Callable[[], None]) -> tuple[float, float]:
    for _ in range(STEPS_APART):
        train_step(state, SETTINGS, _batch(state.step))
    wall, cpu = time.perf_counter(), time.thread_time()
    save()
    return time.perf_counter() - wall, time.thread_time() - cpu


def _save_at_once(state: RunState, path: Path) -> None:
    """As is usual: a file of all tensors, synced, then renamed."""
    with path.with_suffix(".new").open("wb") as stream:
        torch.save(state.state_dict(), stream)
        os.fsync(stream.fileno())
    path.with_suffix(".new").replace(path)


def _batch(step: int) -> Batch:
    draw = torch.Generator().manual_seed(step)
    rows = SETTINGS.batch_size
    return {
        "key": [str(n) for n in range(rows)],
        "text": torch.randint(MODEL.text_vocab, (rows, MODEL.text_len), generator=draw),
        "image_tokens": torch.randint(MODEL.image_vocab, (rows, MODEL.grid**2), generator=draw),
        "epoch": torch.zeros(rows, dtype=torch.int64),
        "row": torch.arange(rows),
        "next_position": (step + 1) * rows,
    }


def _apart(way: str) -> Cost:
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        return other.submit(cost_of, way).result()


if __name__ == "__main__":
    measure()
