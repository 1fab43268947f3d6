"""Rules in order: each sees what those before it left, and `explain` sees them all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.captions.batch import Batch, Reading, as_it_is
from pipelines.captions.rules.rule import Rule
from pipelines.captions.rules.text import RAW_LENGTH
from pipelines.rejection import Check

_TYPES = pa.list_(pa.string())

Steps = tuple[tuple[Rule, float], ...]


class Rewritten(Protocol):
    """What the rewriting of a recipe makes of captions; each `[captions]`."""

    @property
    def texts(self) -> list[str]:
        """The texts to keep."""

    @property
    def types(self) -> list[list[str]]:
        """The types of the entities that were replaced."""

    @property
    def unresolved(self) -> NDArray[np.int64]:
        """Number of names that were not."""


@dataclass(frozen=True)
class Funnel:
    """A recipe with all choices made.

    Args:
        reading: how the columns that rules look at are worked out.
        steps: rules and their limits, first to last.
        rewrite: makes another text of a caption that passed; None leaves it.
        rewritten_steps: rules and their limits on what `rewrite` leaves.
        data: limits of the rules over all data, first to last, by name.
    """

    reading: Reading
    steps: Steps
    rewrite: Callable[[Batch], Rewritten] | None = None
    rewritten_steps: Steps = ()
    data: dict[str, float] = field(default_factory=dict)


_ROW = pa.field("row", pa.int64(), nullable=False)
FAILURE_SCHEMA = pa.schema(
    [
        _ROW,
        pa.field("reason", pa.string(), nullable=False),
        pa.field("measured", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("detail", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Verdicts:
    """What a funnel makes of a batch.

    Args:
        rows: int64 `[kept]`, which captions passed, ascending.
        texts: what is kept of them, `[kept]`.
        languages: ISO 639 codes, `[kept]`; `und` where it is open.
        types: of the entities that the rewriting resolved, a list for each, `[kept]`.
        failures: in `FAILURE_SCHEMA`, one row for each of the others, in the order of the funnel.
    """

    rows: NDArray[np.int64]
    texts: pa.StringArray | pa.ChunkedArray
    languages: pa.StringArray | pa.ChunkedArray
    types: pa.ListArray | pa.ChunkedArray
    failures: pa.Table

    def is_kept(self, num_captions: int) -> NDArray[np.bool_]:
        """The captions of `rows` as a mask, bool `[num_captions]`."""
        mask = np.zeros(num_captions, np.bool_)
        mask[self.rows] = True
        return mask

    def moved(self, by: int) -> Self:
        """The same for a batch that begins with another caption than the first."""
        rows = pa.array(self.failures["row"].to_numpy() + by)
        return replace(self, rows=self.rows + by, failures=self.failures.set_column(0, _ROW, rows))


def joined(parts: Sequence[Verdicts]) -> Verdicts:
    """The verdicts on batches, one after the other, as one."""
    return Verdicts(
        rows=np.concatenate([part.rows for part in parts]),
        texts=pa.chunked_array([part.texts for part in parts]),
        languages=pa.chunked_array([part.languages for part in parts]),
        types=pa.chunked_array([part.types for part in parts]),
        failures=pa.concat_tables([part.failures for part in parts]),
    )


def judge(batch: Batch, funnel: Funnel) -> Verdicts:
    """Hold every rule against those captions of a batch that the rules before it left."""
    alive, rows, failures = _sift(batch, np.arange(len(batch)), funnel.steps)
    languages, types = alive.spoken.languages, pa.array([[]] * len(alive), _TYPES)
    if funnel.rewrite:
        rewritten, passed = funnel.rewrite(alive), rows
        alive, rows, more = _sift(_as_rewritten(rewritten, funnel), passed, funnel.rewritten_steps)
        places = pa.array(np.searchsorted(passed, rows))
        languages, types = languages.take(places), pa.array(rewritten.types, _TYPES).take(places)
        failures += more
    return Verdicts(rows, alive.text, languages, types, pa.concat_tables(failures))


def checks(raw: str, funnel: Funnel) -> Iterator[Check]:
    """Every check of a caption in the funnel's order, each computed when it is asked for.

    Ends after the first where the raw text is too long to be worth reading.
    """
    batch = batch_of(raw, funnel)
    for rule, limit in funnel.steps:
        check = _check(rule, limit, batch)
        yield check
        if rule.name == RAW_LENGTH and not check.passed:
            return
    if funnel.rewrite:
        batch = _as_rewritten(funnel.rewrite(batch), funnel)
        yield from (_check(rule, limit, batch) for rule, limit in funnel.rewritten_steps)


def batch_of(raw: str, funnel: Funnel) -> Batch:
    """A batch of one caption; half a character, which a terminal may pass on, is left out."""
    return Batch(pa.array([raw.encode(errors="ignore").decode()], pa.string()), funnel.reading)


def _check(rule: Rule, limit: float, batch: Batch) -> Check:
    measured = rule.measure(batch)
    return Check(
        rule.name,
        passed=bool(rule.passes(measured, limit)[0]),
        measured=None if np.isnan(measured[0]) else float(measured[0]),
        threshold=limit,
        detail=rule.details(batch)[0] if rule.details else "",
    )


def _as_rewritten(rewritten: Rewritten, funnel: Funnel) -> Batch:
    """A batch of texts that are neither normalised nor cropped again."""
    reading = replace(funnel.reading, normalise=as_it_is, crop=as_it_is)
    unresolved = rewritten.unresolved.astype(np.float64)
    return Batch(pa.array(rewritten.texts, pa.string()), reading, unresolved=unresolved)


def _sift(
    batch: Batch, rows: NDArray[np.int64], steps: Steps
) -> tuple[Batch, NDArray[np.int64], list[pa.Table]]:
    failures = [FAILURE_SCHEMA.empty_table()]
    for rule, limit in steps:
        if not len(batch):
            break
        measured = rule.measure(batch)
        passes = rule.passes(measured, limit)
        if not passes.all():
            failed = ~passes
            details = rule.details(batch.take(failed)) if rule.details else None
            failures.append(failure_rows(rule.name, rows[failed], measured[failed], limit, details))
            batch, rows = batch.take(passes), rows[passes]
    return batch, rows, failures


def failure_rows(
    reason: str,
    rows: NDArray[np.int64],
    measured: NDArray[np.float64],
    limit: float,
    details: Sequence[str] | None,
) -> pa.Table:
    """Captions that fail one rule, in `FAILURE_SCHEMA`."""
    columns = [
        pa.array(rows),
        pa.repeat(reason, len(rows)),
        pa.array(measured),
        pa.repeat(limit, len(rows)),
        pa.repeat("", len(rows)) if details is None else pa.array(details, pa.string()),
    ]
    return pa.table(columns, schema=FAILURE_SCHEMA)
