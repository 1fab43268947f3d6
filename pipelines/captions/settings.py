"""What a recipe chooses apart from its limits."""

import posixpath
from typing import Any

from pydantic import BaseModel, ConfigDict

from dalle_model import files

_BUNDLED = {"vocabulary": "wordfreq", "profanities": "better-profanity", "graph": "default"}


class Settings(BaseModel):
    """The section `settings` of a recipe; what it leaves out is as here.

    Paths are relative to the folder of the file, recipe or config, that names them.

    Args:
        language: ISO 639-1 code of the language wanted.
        judged_letters: captions with fewer letters may stay undetermined.
        clear_probability: another language is believed of short captions too from here on.
        crop_boilerplate: whether framing phrases are cut off before the rules look.
        tagger: of parts of speech: `perceptron`, or `spacy:` and the name of a pipeline, or the
            absolute path of its folder.
        vocabulary: words with counts: `wordfreq`, or path or URL of lines `token<TAB>count`.
        profanities: `better-profanity`, or path or URL of a file with a phrase a line.
        graph: `default`, or path or URL of a table of entities and their types.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = "en"
    judged_letters: float = 12
    clear_probability: float = 0.3
    crop_boilerplate: bool = True
    tagger: str = "perceptron"
    vocabulary: str = _BUNDLED["vocabulary"]
    profanities: str = _BUNDLED["profanities"]
    graph: str = _BUNDLED["graph"]


def located(name: str, value: Any, folder: str) -> Any:
    """The value of a setting; where it is a plain path, counted from a folder."""
    is_file = isinstance(value, str) and value != _BUNDLED.get(name, value)
    return posixpath.join(folder, value) if is_file and not files.is_url(value) else value
