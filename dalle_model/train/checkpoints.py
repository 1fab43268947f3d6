"""Checkpoints of a run, written while it goes on, from which it is resumed bit for bit.

They lie next to the file that a training makes: `prior.safetensors.training/<name>/step-000001000`,
where the name is that of the run's origin. So a run with other settings has a folder of its own,
and one that is given its old settings back goes on where it was.
"""

import copy
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Protocol, Self

import torch
from torch import Tensor
from torch.distributed.checkpoint.staging import BlockingAsyncStager

from dalle_model import files
from dalle_model.checkpoint import CheckpointError
from dalle_model.train.checkpoint_folders import (
    Manifest,
    RunFolder,
    begin_step,
    other_runs,
    publish,
    read_manifest,
    remove_step,
    saved_steps,
    step_folder,
    steps_to_keep,
    sweep,
)
from dalle_model.train.origin import Origin, check_going_on, warn_of_others
from dalle_model.train.ranks import group_of_all, number_of, on_first, rank_in
from dalle_model.train.state_files import read_tensors, write_tensors
from dalle_model.train.state_index import DamagedFileError

_LOG = logging.getLogger(__name__)


class Resumable(Protocol):
    """A run between two steps.

    Attributes:
        step: number of the next step, from 0.
    """

    step: int

    def state_dict(self) -> dict[str, Any]:
        """All that the next steps depend on, by name.

        Tensors are those of the run, not copies: they are read in place. All else is small JSON,
        equal on all ranks.
        """
        ...

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, after its tensors were read in place."""
        ...


class Checkpoints:
    """The checkpoints of a run: loads the newest whole one, saves, and keeps a few.

    In a distributed run all ranks make one and call the same methods, also in the end.
    """

    def __init__(self, run: RunFolder, keep: int) -> None:
        """Make nothing yet.

        Args:
            run: whose they are.
            keep: how many of the newest checkpoints stay, at least 1; the one with the lowest
                held-out loss stays too.
        """
        self._run, self._keep = run, keep
        self._group = group_of_all()
        # Pinned memory, kept from save to save, where there is a device to copy from.
        self._stager = BlockingAsyncStager(cache_staged_state_dict=torch.cuda.is_available())
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._saving: Future[None] | None = None
        self._damaged: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._thread.shutdown()  # a save that has begun is finished in any case
        if kind is None:
            self.wait()

    def load(self, state: Resumable) -> bool:
        """Bring a fresh state to where the run was last saved; False where it never was.

        A checkpoint is read only if its manifest and all its files hash to what they did when they
        were written. One that is damaged is named in a warning, and the one before it is read.

        The hashes find damage, not malice: who can write into the folder can write hashes too. No
        code of theirs is run nevertheless; see `dalle_model.train.state_index`.

        Raises:
            CheckpointError: no checkpoint of the run is whole; or it has taken more steps than are
                asked for; or holds other tensors.
        """
        steps = on_first(self._group, self._begin)
        for step in reversed(steps):
            try:
                self._load(state, step_folder(self._run.url, step))
                return True
            except DamagedFileError as error:
                self._damaged.add(step)
                self._warn("a damaged checkpoint is passed over: %s", error)
        if steps:
            raise CheckpointError(
                f"none of the {len(steps)} checkpoints in {self._run.url} is whole: put a copy of "
                "one in its place to go on, or delete the folder to begin anew"
            )
        return False

    def save(self, state: Resumable, held_out: float | None = None) -> None:
        """Save the state as it is now; the steps go on while it is written.

        What blocks them is a copy of the state in memory, and the save before if it is not done.

        Args:
            state: of the run.
            held_out: loss on held-out data, where it was measured after this very step.

        Raises:
            OSError: of the save before, such as that of a full disk.
        """
        self.wait()
        tensors, reached = _parted(state.state_dict())
        staged = self._stager.stage(tensors)
        manifest = Manifest(
            state.step, reached, asdict(self._run.origin), held_out, number_of(self._group),
            torch.__version__, {},
        )  # fmt: skip
        self._saving = self._thread.submit(self._write, staged, manifest)

    def wait(self) -> None:
        """Until what is being saved is whole; raises as `save`."""
        saving, self._saving = self._saving, None
        if saving is not None:
            saving.result()

    def _begin(self) -> list[int]:
        """Clear up, and look for what there is; says so if there are other runs alone."""
        if files.exists(self._run.root) and not files.is_folder(self._run.root):
            raise CheckpointError(
                f"{self._run.root} is a file, as versions before this one saved a run: go on with "
                "the version that wrote it, or delete it to begin anew"
            )
        sweep(self._run.url)
        steps = saved_steps(self._run.url)
        if not steps:
            warn_of_others(self._run.origin, other_runs(self._run.root))
        return steps

    def _load(self, state: Resumable, folder: str) -> None:
        manifest = on_first(self._group, partial(read_manifest, folder))
        tensors, _ = _parted(state.state_dict())
        read_tensors(folder, manifest.files, tensors, self._group)
        before = Origin(**manifest.origin)
        reached = manifest.step, self._run.url
        on_first(self._group, lambda: check_going_on(self._run.origin, before, *reached))
        state.load_state_dict({**tensors, **manifest.reached})

    def _write(self, tensors: dict[str, Tensor], manifest: Manifest) -> None:
        """Write a checkpoint, and drop old ones once it is whole; in the thread of saves."""
        folder = on_first(self._group, partial(begin_step, self._run.url, manifest.step))
        try:
            written = write_tensors(folder, tensors, self._group)
            on_first(self._group, partial(publish, self._run.url, replace(manifest, files=written)))
        except BaseException:
            if rank_in(self._group) == 0:  # room on a full disk
                files.remove(folder)
            raise
        self._damaged.discard(manifest.step)
        on_first(self._group, self._drop_old)

    def _drop_old(self) -> None:
        held_out = {}
        for step in set(saved_steps(self._run.url)) - self._damaged:
            with suppress(DamagedFileError):
                held_out[step] = read_manifest(step_folder(self._run.url, step)).held_out
        for step in held_out.keys() - steps_to_keep(held_out, self._keep):
            remove_step(self._run.url, step)

    def _warn(self, message: str, *arguments: object) -> None:
        if rank_in(self._group) == 0:
            _LOG.warning(message, *arguments)


def _parted(values: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a state, and a copy of all else, which the next steps do not change."""
    tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    return tensors, copy.deepcopy({n: v for n, v in values.items() if n not in tensors})
