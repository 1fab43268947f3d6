"""What earlier results know of the images of one shard, so that none is requested twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from dalle_model.shards import image_of
from pipelines.fetch.bodies import Source
from pipelines.fetch.config import HASH_MISMATCH
from pipelines.io.earlier import EarlierRows, images_with, readable_row_groups
from pipelines.io.parquet import UnreadableShardError
from pipelines.io.task import StageTask
from pipelines.rejection import Check
from pipelines.web.failures import Reason

# What a row alone was dropped for, whose bytes are not there, and what depended on the other
# images of a host: the work on such an image is not the same.
_ASKED_AGAIN = frozenset({HASH_MISMATCH, Reason.HOST_GIVEN_UP, Reason.HOST_BUDGET, Reason.DEADLINE})
_CHECK = ("reason", "measured", "threshold", "detail")


@dataclass(frozen=True)
class Before:
    """The images of one shard that were asked for before, by their part of the key.

    Args:
        bodies: those whose bytes are kept.
        checks: those that could not be fetched.
    """

    bodies: frozenset[str] = frozenset()
    checks: Mapping[str, Check] = field(default_factory=dict)

    @classmethod
    def of(cls, task: StageTask, index: int) -> "Before":
        """What earlier results know."""
        if not task.earlier_results:
            return cls()
        bodies = frozenset(images_with(task, index, "encoded"))
        checks = _checks(task, index)
        return cls(bodies, {image: checks[image] for image in checks.keys() - bodies})

    def knows(self, image: str) -> bool:
        """Whether an image need not be requested."""
        return image in self.bodies or image in self.checks

    def among(self, images: Mapping[str, str]) -> "Before":
        """The same of some images alone."""
        known = {image: check for image, check in self.checks.items() if image in images}
        return Before(self.bodies & images.keys(), known)

    def joined(self, now: Source, task: StageTask, index: int) -> Source:
        """The bytes that are fetched now, and those from before.

        Reading them raises `UnreadableShardError` where earlier rows have gone meanwhile.
        """
        if not self.bodies:
            return now
        rows = EarlierRows(task, index, ["encoded"])
        return _Joined(now, self.bodies, rows, " or ".join(task.earlier))


class _Joined:
    """Bytes by the image's part of the key, read in the order of the keys."""

    def __init__(self, now: Source, before: frozenset[str], rows: EarlierRows, at: str) -> None:
        self._now, self._before, self._rows, self._at = now, before, rows, at

    def read(self, image_key: str) -> bytes:
        if image_key not in self._before:
            return self._now.read(image_key)
        found = self._rows.find(image_key, lambda row: row["encoded"] is not None)
        if found is None:  # though it was read once before: `Before.of`
            raise UnreadableShardError(
                f"{self._at}: an image was there when this stage began, and its bytes are gone; "
                "let nothing free or replace rows that a run reuses, and run the same command again"
            )
        return cast(bytes, found["encoded"])

    def close(self) -> None:
        self._now.close()


def _checks(task: StageTask, index: int) -> dict[str, Check]:
    found: dict[str, Check] = {}
    for folder in task.earlier_results:
        for table in readable_row_groups(folder.rejected(index), ["key", *_CHECK]):
            for row in table.to_pylist():
                image = image_of(row.pop("key"))
                if row["reason"] not in _ASKED_AGAIN:
                    found.setdefault(image, Check(passed=False, **row))
    return found
