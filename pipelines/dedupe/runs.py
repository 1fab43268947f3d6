"""The runs whose images meet: finished ones, whose images stay, and behind them the run itself.

Shards of all runs are counted through: those of the first finished run, of the next, and of the run
itself. So an image is found by its run and its key, whatever the number of shards of each run.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedupe.against import FinishedRun
from pipelines.dedupe.keys import Records
from pipelines.io.selections import surviving_rows
from pipelines.io.task import StageTask


@dataclass(frozen=True)
class Runs:
    """Finished runs, by number, and the run itself, whose number follows.

    Args:
        num_shards: of the run itself.
        finished: in the order of the config.
    """

    num_shards: int
    finished: tuple[FinishedRun, ...] = ()

    @property
    def own(self) -> int:
        """The number of the run itself."""
        return len(self.finished)

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where the shards of each run start; at last, how many shards there are."""
        counts = [*(run.num_shards for run in self.finished), self.num_shards]
        return np.cumsum([0, *counts])

    @property
    def total_shards(self) -> int:
        """Of all runs."""
        return int(self.starts[-1])

    def place(self, shard: int) -> tuple[int, int]:
        """The run of a shard, and its number there."""
        run = int(np.searchsorted(self.starts, shard, "right")) - 1
        return run, shard - int(self.starts[run])

    def holders(self, pairs: Records) -> npt.NDArray[np.int64]:
        """The shards of the better images of pairs."""
        runs = pairs["better_run"]
        counts = np.diff(self.starts).astype(np.uint64)[runs]
        return np.asarray(self.starts[runs] + (pairs["better_high"] % counts).astype(np.int64))

    def rows(self, task: StageTask, shard: int, columns: list[str]) -> pa.Table:
        """Some columns of the images of a shard that its run keeps up to here, in key order."""
        run, index = self.place(shard)
        if run == self.own:
            return surviving_rows(task, index, columns)
        return self.finished[run].surviving(index, columns)
