"""Whether the bytes of an image, once they are here, may be kept for a row."""

from collections.abc import Iterable
from typing import Any

from dalle_model.shards import image_of
from pipelines.fetch.blocklists import Blocked
from pipelines.fetch.declared import DRIFTED, differing_hash, is_perceptual
from pipelines.rejection import Check

Row = dict[str, Any]


class Judge:
    """Judges the rows of one shard: by the block-lists, then by the hashes that a row declares.

    Args:
        blocked: the entries of all lists.
        judged: images that have been found to be on no list.
    """

    def __init__(self, blocked: Blocked, judged: Iterable[str] = ()) -> None:
        self._blocked = blocked
        self._listed: dict[str, Check | None] = dict.fromkeys(judged)
        self._num_drifted = 0

    def failed(self, row: Row, encoded: bytes) -> Check | None:
        """The check that keeps a row from being kept; None where all passed."""
        listed = self._on_a_list(image_of(row["key"]), encoded)
        if listed is not None:
            return listed
        differing = differing_hash(row["declared_hash"], encoded)
        if differing is not None and is_perceptual(row["declared_hash"]):
            self._num_drifted += 1
            return None
        return differing

    @property
    def passed_over(self) -> dict[str, int]:
        """What was not held against rows, by kind."""
        return {DRIFTED: self._num_drifted} if self._num_drifted else {}

    def _on_a_list(self, image_key: str, encoded: bytes) -> Check | None:
        if image_key not in self._listed:
            self._listed[image_key] = self._blocked.of_bytes(encoded)
        return self._listed[image_key]
