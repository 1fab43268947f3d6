"""Funnels, candidates and filtered captions for the rules over all data."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from pipelines.captions.corpus.registry import RULES
from pipelines.captions.corpus.rule import CorpusRule
from pipelines.captions.funnel import CorpusSteps, Funnel
from pipelines.captions.result import FAILURE_SCHEMA, FilterResult
from pipelines.captions.rules.rule import Rule
from pipelines.captions.rules.text import RAW_LENGTH
from pipelines.io.keys import pair_key
from tests.support.captions.batches import batch_of


def corpus_rule(name: str) -> CorpusRule:
    rule = RULES[name]
    assert isinstance(rule, CorpusRule)
    return rule


def corpus_steps(limits: Mapping[str, float]) -> CorpusSteps:
    return tuple((corpus_rule(name), limit) for name, limit in limits.items())


def funnel_of(limits: Mapping[str, float], max_raw_chars: float = 1000) -> Funnel:
    """Only rules over all data, on captions taken as they are."""
    raw_length = Rule(
        RAW_LENGTH, lambda batch: np.array([len(t.as_py()) for t in batch.raw], float)
    )
    steps = ((raw_length, max_raw_chars),)
    return Funnel(batch_of([]).spec, steps, corpus_steps=corpus_steps(limits))


def candidates(pairs: Sequence[tuple[str, str]]) -> pa.Table:
    """A table with the columns that rules use, of (image, caption)."""
    columns = {
        "key": [pair_key(image, caption) for image, caption in pairs],
        "caption": [caption for _, caption in pairs],
    }
    return pa.table(
        {name: pa.chunked_array([pa.array(v, pa.string())]) for name, v in columns.items()}
    )


def filtered_of(
    texts: Sequence[str],
    rows: Sequence[int] | None = None,
    types: Sequence[Sequence[str]] | None = None,
) -> FilterResult:
    """Captions that are left, of the first rows where none are named."""
    return FilterResult(
        rows=np.array(range(len(texts)) if rows is None else rows, np.int64),
        texts=pa.array(texts, pa.string()),
        languages=pa.array(["en"] * len(texts), pa.string()),
        types=pa.array([[] for _ in texts] if types is None else types, pa.list_(pa.string())),
        failures=FAILURE_SCHEMA.empty_table(),
    )
