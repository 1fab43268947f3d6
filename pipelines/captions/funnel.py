"""Rules in order: each sees what those before it left, and `checks` shows them all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.captions.batch import Batch, ColumnSpec, unchanged
from pipelines.captions.corpus.rule import CorpusRule
from pipelines.captions.result import FAILURE_SCHEMA, FilterResult, failure_rows
from pipelines.captions.rules.rule import Rule
from pipelines.captions.rules.text import RAW_LENGTH
from pipelines.rejection import Check
from pipelines.text.entities.rewriting import Rewritten

_TYPES = pa.list_(pa.string())

RuleSteps = tuple[tuple[Rule, float], ...]
CorpusSteps = tuple[tuple[CorpusRule, float], ...]


@dataclass(frozen=True)
class Funnel:
    """A recipe with all choices made.

    Args:
        spec: how the columns that rules look at are derived.
        steps: rules and their limits, first to last.
        rewrite: makes another text of a caption that passed; None leaves it.
        rewritten_steps: rules and their limits on what `rewrite` leaves.
        corpus_steps: rules over all data and their limits, first to last.
    """

    spec: ColumnSpec
    steps: RuleSteps
    rewrite: Callable[[Batch], Rewritten] | None = None
    rewritten_steps: RuleSteps = ()
    corpus_steps: CorpusSteps = ()

    @property
    def data(self) -> dict[str, float]:
        """Limits of the rules over all data, first to last, by name."""
        return {rule.name: limit for rule, limit in self.corpus_steps}

    @property
    def max_raw_chars(self) -> float:
        """Captions with more characters as found are not read at all."""
        return next((limit for rule, limit in self.steps if rule.name == RAW_LENGTH), np.inf)


def apply_rules(batch: Batch, funnel: Funnel) -> FilterResult:
    """Apply every rule on one caption to the captions that the rules before it left."""
    left, rows, failures = _apply(batch, np.arange(len(batch)), funnel.steps)
    languages, types = left.spoken.languages, pa.array([[]] * len(left), _TYPES)
    if funnel.rewrite:
        rewritten, passed = funnel.rewrite(left), rows
        left, rows, more = _apply(_as_rewritten(rewritten, funnel), passed, funnel.rewritten_steps)
        indices = pa.array(np.searchsorted(passed, rows))
        languages, types = languages.take(indices), pa.array(rewritten.types, _TYPES).take(indices)
        failures += more
    return FilterResult(rows, left.text, languages, types, pa.concat_tables(failures))


def checks(raw: str, funnel: Funnel) -> Iterator[Check]:
    """Every check of a caption in the funnel's order, each computed when the iterator gets there.

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
    return Batch(pa.array([raw.encode(errors="ignore").decode()], pa.string()), funnel.spec)


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
    spec = replace(funnel.spec, normalise=unchanged, crop=unchanged)
    unresolved = rewritten.unresolved.astype(np.float64)
    return Batch(pa.array(rewritten.texts, pa.string()), spec, unresolved=unresolved)


def _apply(
    batch: Batch, rows: NDArray[np.int64], steps: RuleSteps
) -> tuple[Batch, NDArray[np.int64], list[pa.Table]]:
    """The captions that pass, their rows, and the failures of the others."""
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
