"""What has become of the images of some buckets: their bytes aside, and a note of each outcome.

A note is written once the bytes that it tells of are in their file. So a worker that takes a bucket
up again, after a crash, asks for no image that is noted.
"""

import posixpath
import threading
from collections.abc import Iterator
from typing import NamedTuple

from dalle_model import files
from pipelines.fetch.blocklists import Blocked
from pipelines.fetch.buckets import Image, Outcome, pack_outcomes, unpack_outcomes
from pipelines.io.aside import ASIDE_BYTES, put_aside
from pipelines.io.layout import StageFolder
from pipelines.rejection import Check
from pipelines.web.failures import FetchFailure

NOTED = "fetched"  # the kind of what is noted on the way
_BUCKET, _BYTES = "bucket-", "bytes"
_WRITTEN_AFTER = 10_000  # outcomes; chosen: minutes of work, of images that all fail as well
_NOTED_AFTER = 1000  # outcomes of a bucket that is not at its end; chosen: few notes, little lost


class Fetched(NamedTuple):
    """An image with its bytes, of a bucket."""

    bucket: int
    image: Image
    encoded: bytes


class Journal:
    """The outcomes of the buckets of one worker.

    Args:
        folder: URL of a folder for files and notes.
        blocked: images on its lists are written nowhere.
        limit: bytes of one file, after which it is written.
    """

    def __init__(self, folder: str, blocked: Blocked, limit: int = ASIDE_BYTES) -> None:
        self._folder, self._blocked, self._limit = folder, blocked, limit
        self._before = frozenset(files.list_names(folder))
        self._lock = threading.Lock()  # one thread adds, another writes
        self._waiting: list[Fetched] = []
        self._num_bytes = self._num_added = 0
        self._outcomes: dict[int, dict[str, Outcome]] = {}
        self._unnoted: dict[int, list[Outcome]] = {}
        self._num_notes: dict[int, int] = {}
        self._ended: set[int] = set()

    def read(self, bucket: int) -> dict[str, Outcome]:
        """The outcomes noted before, by the image's part of the key."""
        folder = self._notes(bucket)
        names = files.list_names(folder) if posixpath.basename(folder) in self._before else []
        noted = (unpack_outcomes(files.read_bytes(files.join(folder, name))) for name in names)
        known = {outcome.key: outcome for note in noted for outcome in note}
        self._num_notes[bucket], self._outcomes[bucket] = len(names), dict(known)
        return known

    def add(self, bucket: int, image: Image, found: bytes | FetchFailure) -> None:
        """Take an outcome; the last one of an image counts."""
        self._num_added += 1
        if isinstance(found, bytes):
            self._num_bytes += len(found)
            self._waiting.append(Fetched(bucket, image, found))
        else:
            self._record(bucket, failed(image, found))

    @property
    def is_full(self) -> bool:
        """Whether it is time to write."""
        return self._num_bytes >= self._limit or self._num_added >= _WRITTEN_AFTER

    def take(self) -> list[Fetched]:
        """The images whose bytes wait to be written, and wait no more."""
        taken, self._waiting = self._waiting, []
        self._num_bytes = self._num_added = 0
        return taken

    def write(self, taken: list[Fetched]) -> None:
        """Write the bytes of images to a file, and then the notes that are due."""
        allowed: dict[tuple[int, str], Fetched] = {}  # a shard finds its own side by side
        for fetched in sorted(taken, key=lambda each: (each.image.shard, each.image.key)):
            if listed := self._blocked.of_bytes(fetched.encoded):
                self._record(fetched.bucket, rejected(fetched.image, listed))
            else:
                allowed[fetched.bucket, fetched.image.key] = fetched
        if allowed:
            places = put_aside(
                {name: f.encoded for name, f in allowed.items()}, files.join(self._folder, _BYTES)
            )
            for name, (bucket, image, _) in allowed.items():
                self._record(
                    bucket, Outcome(image.key, image.shard, "", "", None, None, *places[name])
                )
        still_waiting = {fetched.bucket for fetched in self._waiting}
        self._note(self._ended - still_waiting)

    def end(self, bucket: int) -> None:
        """Take no further outcome of a bucket."""
        self._ended.add(bucket)

    def close(self) -> None:
        """Write all that waits."""
        self.write(self.take())

    def by_shard(self) -> Iterator[tuple[int, bytes]]:
        """The outcomes of each bucket and shard, packed; the bytes of all of them are written."""
        for outcomes in self._outcomes.values():
            shards: dict[int, list[Outcome]] = {}
            for outcome in outcomes.values():
                shards.setdefault(outcome.shard, []).append(outcome)
            yield from ((shard, pack_outcomes(found)) for shard, found in shards.items())

    def _record(self, bucket: int, outcome: Outcome) -> None:
        with self._lock:
            self._outcomes.setdefault(bucket, {})[outcome.key] = outcome
            self._unnoted.setdefault(bucket, []).append(outcome)

    def _note(self, ended: set[int]) -> None:
        with self._lock:
            due = [
                bucket
                for bucket, outcomes in self._unnoted.items()
                if bucket in ended or len(outcomes) >= _NOTED_AFTER
            ]
            notes = {bucket: self._unnoted.pop(bucket) for bucket in due}
        for bucket, outcomes in notes.items():
            number = self._num_notes.get(bucket, 0)
            url = files.join(self._notes(bucket), f"{number:05d}.notes")
            files.write_bytes(url, pack_outcomes(outcomes))
            self._num_notes[bucket] = number + 1

    def _notes(self, bucket: int) -> str:
        return files.join(self._folder, f"{_BUCKET}{bucket:05d}")


def num_buckets(folder: StageFolder) -> int:
    """The buckets of which something is noted, by this work or an earlier one."""
    kinds = [name for name in files.list_names(folder.progress) if name.startswith(NOTED)]
    names = (name for kind in kinds for name in files.list_names(files.join(folder.progress, kind)))
    return sum(name.startswith(_BUCKET) for name in names)


def failed(image: Image, failure: FetchFailure) -> Outcome:
    """The outcome of an image that could not be fetched."""
    return Outcome(
        *image[:2], failure.reason.value, failure.detail, failure.measured, failure.threshold
    )


def rejected(image: Image, check: Check) -> Outcome:
    """The outcome of an image whose bytes may not be kept."""
    return Outcome(*image[:2], check.reason, check.detail, check.measured, check.threshold)
