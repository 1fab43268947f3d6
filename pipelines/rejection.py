"""A row that a stage drops: data with a stable reason, never an exception and never silence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Check:
    """One rule applied to one row, whether it passed or not.

    Args:
        reason: lower snake case; names the rule, the rejection and the counter.
        passed: whether the row may stay.
        measured: the value found, where the rule measures a number.
        threshold: the limit it was compared with.
        detail: what a number cannot say, such as the language found.
    """

    reason: str
    passed: bool
    measured: float | None = None
    threshold: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class Rejection:
    """A dropped row: which, where, why, and the measured value with its threshold."""

    key: str
    url: str
    caption: str
    stage: str
    reason: str
    measured: float | None = None
    threshold: float | None = None
    detail: str = ""


REJECTION_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("caption", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("measured", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("detail", pa.string(), nullable=False),
    ]
)


def first_failure(checks: Iterable[Check]) -> Check | None:
    """The first check that did not pass; later ones are not even computed."""
    return next((check for check in checks if not check.passed), None)


def reject(row: Mapping[str, object], stage: str, check: Check) -> Rejection:
    """Turn a failed check of a row (its `key`, `url`, `caption`) into a `Rejection`."""
    return Rejection(
        key=str(row["key"]),
        url=str(row["url"]),
        caption=str(row["caption"]),
        stage=stage,
        reason=check.reason,
        measured=check.measured,
        threshold=check.threshold,
        detail=check.detail,
    )
