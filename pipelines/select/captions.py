"""Rules on captions, as DataComp counts and as the two language identifiers read them."""

import re
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dalle_model.errors import UsageError
from pipelines.select.recipe import LANGUAGE, TEXT, Judged, Rule, at_least, texts
from pipelines.select.settings import SelectSettings
from pipelines.text.language import likeliest

ENGLISH = "en"
# Source: mlfoundations/datacomp at 4a8df19, `baselines/apply_filter.py`, like all of this module.
_CLD3_MIN_BYTES, _CLD3_MAX_BYTES = 0, 1000

# Words as fastText cuts them, and the end of a line, which it counts as one.
# Source: fastText 0.9.2, `Dictionary::readWord`.
_FASTTEXT_WORDS = re.compile(r"[^ \n\r\t\v\f\0]+|\n")


class DetectorError(UsageError):
    """A language identifier is not installed."""


def more_words_than(number: int) -> Rule:
    """Words between any white space."""
    least = number + 1
    return Rule("few_words", lambda rows: at_least(num_words(rows), least), least)


def more_fasttext_words_than(number: int) -> Rule:
    """Words as fastText cuts them: only at ASCII white space, and each line break is one."""
    least = number + 1
    return Rule("few_words", lambda rows: at_least(num_fasttext_words(rows), least), least)


def more_characters_than(number: int) -> Rule:
    """Unicode code points."""
    least = number + 1
    return Rule("few_characters", lambda rows: at_least(num_characters(rows), least), least)


def english(settings: SelectSettings, published: str) -> Rule:
    """Captions in English.

    Args:
        settings: with the identifier chosen, if it is another than the published one.
        published: that identifier.
    """
    detect = _DETECTORS[settings.detector or published]

    def judge(rows: pa.Table) -> Judged:
        languages = detect(rows)
        passes = np.array([language == ENGLISH for language in languages], np.bool_)
        return Judged(passes, details=languages)

    return Rule("not_english", judge)


def num_words(rows: pa.Table) -> NDArray[np.int64]:
    """How many words each caption has."""
    return np.array([len(text.split()) for text in texts(rows)], np.int64)


def num_fasttext_words(rows: pa.Table) -> NDArray[np.int64]:
    """How many words fastText cuts each caption into."""
    return np.array([len(_FASTTEXT_WORDS.findall(text)) for text in texts(rows)], np.int64)


def num_characters(rows: pa.Table) -> NDArray[np.int64]:
    """How many code points each caption has."""
    return np.asarray(pc.fill_null(pc.utf8_length(rows[TEXT]), 0), np.int64)


def detector_columns(settings: SelectSettings, published: str) -> tuple[str, ...]:
    """The columns that tell the language."""
    return (LANGUAGE,) if (settings.detector or published) == "column" else ()


def _by_fasttext(rows: pa.Table) -> list[str]:
    return likeliest(texts(rows))


def _by_cld3(rows: pa.Table) -> list[str]:
    model = _cld3()
    return [model.FindLanguage(text=t.replace("\n", " ")).language for t in texts(rows)]


def _by_column(rows: pa.Table) -> list[str]:
    return [language or "" for language in rows[LANGUAGE].to_pylist()]


@cache
def _cld3() -> Any:
    try:
        import gcld3  # type: ignore[import-not-found]  # optional
    except ImportError as error:
        raise DetectorError(
            "`select.detector` gcld3 needs a library that no extra brings; run "
            "`pip install cld3-py`, or set `select.detector: fasttext`, which keeps other rows"
        ) from error
    return gcld3.NNetLanguageIdentifier(_CLD3_MIN_BYTES, _CLD3_MAX_BYTES)


_DETECTORS = {"fasttext": _by_fasttext, "gcld3": _by_cld3, "column": _by_column}
