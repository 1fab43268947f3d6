"""The folders of a run's checkpoints, `step-000001000` each: what is in them, and which are kept.

A checkpoint is whole where its `checkpoint.json` is, which is written last and lists all other
files with their SHA-256. On a disk the folder gets its name only then, by a rename; in an object
store, which has no rename, a folder without a manifest is what a killed save left.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from dalle_model import files
from dalle_model.sealed import read_sealed, write_sealed
from dalle_model.train.origin import Origin
from dalle_model.train.state_index import DamagedFileError, Written

SUFFIX = ".training"
MANIFEST = "checkpoint.json"
VERSION = 1
_STEP = re.compile(r"step-(\d{9,})")


@dataclass(frozen=True)
class RunFolder:
    """Where the checkpoints of a run are.

    Args:
        out_url: of the file that the training makes.
        origin: of the run.
    """

    out_url: str
    origin: Origin

    @property
    def root(self) -> str:
        """The folder of all runs that make the file."""
        return self.out_url + SUFFIX

    @property
    def url(self) -> str:
        """The folder of this one."""
        return files.join(self.root, self.origin.name)

    def remove(self) -> None:
        """Delete the checkpoints of the run, which has ended, and leave those of others."""
        files.remove(self.url)
        if not files.list_names(self.root):
            files.remove(self.root)


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint is, and which files it consists of.

    Args:
        step: number of steps taken.
        reached: JSON of the run beside its tensors, such as its position in the data.
        origin: JSON of what the run is a run of; see `dalle_model.train.origin`.
        held_out: loss of held-out data after this step; None where it was not measured.
        ranks: number of processes that wrote it.
        torch: version of torch that wrote it.
        files: by name.
        version: of this document.
    """

    step: int
    reached: dict[str, Any]
    origin: dict[str, Any]
    held_out: float | None
    ranks: int
    torch: str
    files: dict[str, Written]
    version: int = VERSION


def step_folder(run_url: str, step: int) -> str:
    """Where the checkpoint of a step is."""
    return files.join(run_url, f"step-{step:09d}")


def begin_step(run_url: str, step: int) -> str:
    """An empty place for the files of a checkpoint, until it is published."""
    folder = _building(run_url, step)
    if files.is_local(folder):
        files.remove(folder)
    else:
        remove_step(run_url, step)
    return folder


def publish(run_url: str, manifest: Manifest) -> None:
    """Make what lies where `begin_step` says a checkpoint, in place of one of the same step."""
    built, target = (f(run_url, manifest.step) for f in (_building, step_folder))
    write_sealed(files.join(built, MANIFEST), asdict(manifest))
    if built != target:
        remove_step(run_url, manifest.step)
        files.move(built, target)


def read_manifest(folder: str) -> Manifest:
    """The manifest of a checkpoint.

    Raises:
        DamagedFileError: there is none, or none that is undamaged and of this version.
    """
    url = files.join(folder, MANIFEST)
    try:
        values = read_sealed(url)
        written = {name: Written(**entry) for name, entry in values.pop("files").items()}
        manifest = Manifest(files=written, **values)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise DamagedFileError(f"{url} is missing") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(f"{url} is no manifest: {error!s:.200}") from error
    if manifest.version != VERSION:
        raise DamagedFileError(f"{url} is of version {manifest.version!s:.40}, not {VERSION}")
    return manifest


def saved_steps(run_url: str) -> list[int]:
    """Steps of which there is a folder, whole or not, from the first to the last."""
    found = (_STEP.fullmatch(name) for name in files.list_names(run_url))
    return sorted(int(match[1]) for match in found if match)


def other_runs(root: str) -> dict[str, tuple[int, Origin]]:
    """The runs with a checkpoint whose manifest is undamaged: steps taken and origin, by folder."""
    found = {}
    for name in files.list_names(root):
        folder = files.join(root, name)
        for step in saved_steps(folder):
            with suppress(DamagedFileError):
                found[folder] = step, Origin(**read_manifest(step_folder(folder, step)).origin)
    return found


def sweep(run_url: str) -> None:
    """Remove what killed saves have left."""
    if files.is_local(run_url):
        files.sweep_temporary(run_url)
        return
    for step in saved_steps(run_url):
        if not files.exists(files.join(step_folder(run_url, step), MANIFEST)):
            files.remove(step_folder(run_url, step))


def remove_step(run_url: str, step: int) -> None:
    """Delete a checkpoint; killed in between, it leaves what `sweep` removes."""
    folder = step_folder(run_url, step)
    if not files.exists(folder):
        return
    if files.is_local(folder):
        doomed = files.join(run_url, files.TEMPORARY_PREFIX + f"old-{step:09d}")
        files.remove(doomed)
        files.move(folder, doomed)
        folder = doomed
    else:
        files.remove(files.join(folder, MANIFEST))
    files.remove(folder)


def steps_to_keep(held_out: Mapping[int, float | None], keep: int) -> set[int]:
    """The newest steps, and the one with the lowest loss on held-out data.

    Args:
        held_out: that loss by step; None where it was not measured.
        keep: how many of the newest.
    """
    measured = [(loss, step) for step, loss in held_out.items() if loss is not None]
    return {*sorted(held_out)[-keep:], *(step for _, step in sorted(measured)[:1])}


def _building(run_url: str, step: int) -> str:
    if not files.is_local(run_url):
        return step_folder(run_url, step)
    return files.join(run_url, f"{files.TEMPORARY_PREFIX}step-{step:09d}")
