"""The rule on the language."""

import numpy as np
from numpy.typing import NDArray

from pipelines.captions.batch import Batch
from pipelines.captions.rules.rule import Rule
from pipelines.text.language import UNDETERMINED

LANGUAGE = "wrong_language"


def probability(batch: Batch) -> NDArray[np.float64]:
    """Probability of the wanted language; NaN where the caption is too short to tell."""
    spoken = batch.spoken
    return np.where(spoken.is_of(UNDETERMINED), np.nan, spoken.probabilities)


def languages(batch: Batch) -> list[str]:
    """The language found in each caption."""
    found: list[str] = batch.spoken.languages.to_pylist()
    return found


RULES = (Rule(LANGUAGE, probability, is_floor=True, details=languages),)
