"""A match of a row with a reference, and its form as evidence."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

# From the surest to the least sure: the same file, the same pixels, the same look, the same
# content, the same words.
By = Literal["file", "pixels", "look", "embedding", "caption"]
ORDER: tuple[By, ...] = ("file", "pixels", "look", "embedding", "caption")


@dataclass(frozen=True)
class Match:
    """One reference that a row matches.

    Args:
        of: name of the set.
        reference: name of the image in it.
        by: how it was found.
        value: by look, the bits in which the hashes differ, 0 for the same file or pixels; by
            embedding, the cosine; by caption, how many sequences of words are shared.
    """

    of: str
    reference: str
    by: By
    value: float

    @property
    def is_of_image(self) -> bool:
        return self.by != "caption"

    @property
    def rank(self) -> tuple[int, float, str, str]:
        """Surest first."""
        is_more_better = self.by in ("embedding", "caption")
        value = -self.value if is_more_better else self.value
        return ORDER.index(self.by), value, self.of, self.reference


def surest(matches: Iterable[Match]) -> list[Match]:
    """Of each set the surest match by image and the surest by caption, surest first."""
    found: dict[tuple[str, bool], Match] = {}
    for match in sorted(matches, key=lambda match: match.rank):
        found.setdefault((match.of, match.is_of_image), match)
    return list(found.values())


def to_text(matches: Iterable[Match]) -> str:
    """Matches as canonical JSON, as `detail` and the column `contamination` hold them."""
    rows = [
        {"by": m.by, "of": m.of, "reference": m.reference, "value": round(m.value, 6)}
        for m in matches
    ]
    return json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def from_text(text: str) -> list[Match]:
    """The matches that `to_text` wrote."""
    rows: list[dict[str, Any]] = json.loads(text)
    return [Match(row["of"], row["reference"], row["by"], row["value"]) for row in rows]
