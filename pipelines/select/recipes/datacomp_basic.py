"""DataComp's basic filter: English, some words, a large enough image of a usual shape."""

from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.select.captions import (
    detector_columns,
    english,
    more_characters_than,
    more_words_than,
)
from pipelines.select.recipe import (
    HEIGHT,
    TEXT,
    WIDTH,
    Judged,
    Published,
    Recipe,
    Rule,
    Settled,
    at_least,
    at_most,
    column,
)
from pipelines.select.settings import SelectSettings

# Source: Gadre et al. 2023 (DataComp, arXiv 2304.14108), section 5, and mlfoundations/datacomp at
# 4a8df19, `load_uids_with_basic_filter_helper`.
MAX_SHORT_WORDS, MAX_SHORT_CHARACTERS = 2, 5
MIN_SIDE, MAX_ASPECT = 200, 3.0


def rules(settings: SelectSettings, _: Settled) -> tuple[Rule, ...]:
    """Sizes first: they cost nothing."""
    return (
        Rule("small_image", _sides, MIN_SIDE),
        Rule("long_image", _aspects, MAX_ASPECT),
        more_words_than(MAX_SHORT_WORDS),
        more_characters_than(MAX_SHORT_CHARACTERS),
        english(settings, "fasttext"),
    )


def _sides(rows: pa.Table) -> Judged:
    return at_least(np.minimum(*_size(rows)), MIN_SIDE)


def _aspects(rows: pa.Table) -> Judged:
    width, height = _size(rows)
    return at_most(np.maximum(width, height) / np.minimum(width, height), MAX_ASPECT)


def _size(rows: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    read = partial(column, rows)
    return read(WIDTH).astype(np.float64), read(HEIGHT).astype(np.float64)


RECIPE = Recipe(
    "datacomp_basic",
    "English captions of some length, images of some size",
    "Gadre et al. 2023 (arXiv 2304.14108), section 5",
    lambda settings: (TEXT, WIDTH, HEIGHT, *detector_columns(settings, "fasttext")),
    rules,
    takes=("detector",),
    published=(Published("small", 0.038, 0.150),),
)
