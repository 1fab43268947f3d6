"""The task of a stage whose inputs lie in the run directory, each in a folder named by its role."""

from pathlib import Path

from pipelines.io.task import StageTask
from pipelines.records import CANDIDATES, CAPTIONS, CODEC, FETCHED, IMAGES, SELECTION

ROLES = (CANDIDATES, CAPTIONS, FETCHED, IMAGES, SELECTION)


def stage_task(
    root: Path | str,
    stage: str,
    num_shards: int = 1,
    pending: tuple[int, ...] | None = None,
    codec: str = "demo",
) -> StageTask:
    """The work of a stage on all shards, or on those that are pending."""
    return StageTask(
        root=str(root),
        stage=stage,
        num_shards=num_shards,
        attempt="attempt",
        fingerprint="fingerprint",
        pending=tuple(range(num_shards)) if pending is None else pending,
        inputs={role: (f"{root}/inputs/{role}",) for role in ROLES} | {CODEC: (codec,)},
    )
