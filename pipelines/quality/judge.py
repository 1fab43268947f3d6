"""The verdict on one image: its scores, or the first rule that it fails."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from dalle_model.errors import DalleError
from dalle_model.pixels import from_stored
from pipelines.quality.config import ScoresConfig
from pipelines.quality.scorer import Score, Scorer, Stored, Values
from pipelines.rejection import Check, first_failure

Row = dict[str, Any]

UNDECODABLE = "undecodable"
FAILED = "scorer_failed"  # what no rule of a scorer is called
_DETAIL = 200  # characters of an error's message


@dataclass(frozen=True)
class _Part:
    scorer: Scorer
    section: BaseModel
    score: Score


class Judge:
    """Judges images, one after the other; nothing of one is left for the next.

    Args:
        config: which scorers, and their limits.

    Raises:
        ScorerError: the weights or the libraries of one cannot be used.
    """

    def __init__(self, config: ScoresConfig) -> None:
        self._parts = [
            _Part(scorer, section, scorer.load(section, _weights(scorer)))
            for scorer, section in config.asked()
        ]

    def judge(self, row: Row) -> Values | Check:
        """The columns of a row's image, or why it is dropped; a scorer behind that is not asked.

        Args:
            row: of image shards, with `image`, `width` and `height`.
        """
        try:
            rgb = from_stored(row["image"])
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on a broken file
            return Check(UNDECODABLE, passed=False, detail=type(error).__name__)
        stored = Stored(rgb, len(row["image"]), row["width"], row["height"])
        found: Row = {}
        for part in self._parts:
            values = _scored(part, stored)
            failed = values if isinstance(values, Check) else None
            if not isinstance(values, Check):
                failed = first_failure(part.scorer.checks(values, part.section))
                found |= values
            if failed is not None:
                return failed
        return found


@lru_cache(maxsize=1)
def shared_judge(config: ScoresConfig, _fingerprint: str) -> Judge:
    """That of this process; another one for other settings or weights."""
    return Judge(config)


def _weights(scorer: Scorer) -> bytes:
    return b"" if scorer.weights is None else scorer.weights.read()


def _scored(part: _Part, stored: Stored) -> Values | Check:
    """The columns of a scorer as a shard holds them; one that fails on an image ends no run."""
    try:
        values = part.score(stored)
    except (DalleError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a model of another package raises anything
        return _failed(part.scorer, f"{type(error).__name__}: {str(error)[:_DETAIL]}")
    columns = part.scorer.columns(part.section)
    rounded = {column.name: _as_stored(values[column.name], column.type) for column in columns}
    for name, value in rounded.items():
        if isinstance(value, float) and not math.isfinite(value):
            return _failed(part.scorer, f"{name} is {value}")
    return rounded


def _as_stored(value: Any, kind: pa.DataType) -> Any:
    """A value as it will be read back, so that a limit means the same then."""
    return float(np.float32(value)) if kind == pa.float32() else value


def _failed(scorer: Scorer, detail: str) -> Check:
    return Check(FAILED, passed=False, detail=f"{scorer.name}: {detail}")
