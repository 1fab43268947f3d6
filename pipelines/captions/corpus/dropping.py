"""Verdicts on single captions and what fails over all data -> the verdicts that count."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.captions.batch import Batch
from pipelines.captions.corpus.counting import types_of
from pipelines.captions.corpus.items import (
    Failures,
    Items,
    failures,
    ngram_items,
    text_items,
    token_items,
)
from pipelines.captions.corpus.rules import DATA_RULES, RARE_NGRAMS, RARE_TYPES, TEXT_OF_MANY_IMAGES
from pipelines.captions.corpus.tally import Tally
from pipelines.captions.funnel import Funnel, Verdicts, failure_rows


def drop(
    verdicts: Verdicts, raw: pa.ChunkedArray, failing: Mapping[str, Tally], funnel: Funnel
) -> Verdicts:
    """Let the data rules drop captions, in the order of the recipe.

    Args:
        verdicts: of the rules that look at one caption alone.
        raw: all captions of the shard as found.
        failing: for each rule that drops something here, the hashes and what was measured.
        funnel: its `data` holds the limits.
    """
    for name in funnel.data:
        if name in failing:
            items = _items(name, verdicts, raw, funnel)
            found = failures(items, failing[name], DATA_RULES[name].is_floor)
            verdicts = _without(verdicts, name, found, funnel.data[name])
    return verdicts


def _items(name: str, verdicts: Verdicts, raw: pa.ChunkedArray, funnel: Funnel) -> Items:
    if name == TEXT_OF_MANY_IMAGES:
        return text_items(verdicts.texts.to_pylist())
    if name == RARE_TYPES:
        return token_items(types_of(verdicts))
    if name == RARE_NGRAMS:  # of the text before any rewriting, as they were counted
        left = raw.take(pa.array(verdicts.rows)).combine_chunks()
        return ngram_items(Batch(left, funnel.reading).lowered)
    raise KeyError(name)


def _without(verdicts: Verdicts, reason: str, found: Failures, limit: float) -> Verdicts:
    is_left: npt.NDArray[np.bool_] = np.ones(len(verdicts.rows), np.bool_)
    is_left[found.captions] = False
    mask = pa.array(is_left)
    dropped = failure_rows(
        reason, verdicts.rows[found.captions], found.measured, limit, found.details
    )
    return replace(
        verdicts,
        rows=verdicts.rows[is_left],
        texts=verdicts.texts.filter(mask),
        languages=verdicts.languages.filter(mask),
        types=verdicts.types.filter(mask),
        failures=pa.concat_tables([verdicts.failures, dropped]),
    )
