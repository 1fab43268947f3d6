"""Taggers by name; none is loaded before it is needed."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dalle_model.files import sha256
from pipelines.text.tagging.tagged import Tagger, TaggerError

PERCEPTRON = "perceptron"
_SPACY = "spacy:"


@cache
def load_tagger(spec: str) -> Tagger:
    """The tagger of that name; loaded once per process.

    Args:
        spec: `perceptron`, or `spacy:` and the name or path of a spaCy pipeline.

    Raises:
        TaggerError: there is no such tagger, or it is not installed.
    """
    if spec == PERCEPTRON:
        from pipelines.text.tagging.perceptron import PerceptronTagger

        return PerceptronTagger()
    from pipelines.text.tagging.spacy_tagger import SpacyTagger

    return SpacyTagger(_spacy_model(spec))


def tagger_versions(spec: str) -> dict[str, str]:
    """Name -> version or sha256 of what a tagger's result depends on; loads no model.

    Raises:
        TaggerError: as `load_tagger`.
    """
    if spec == PERCEPTRON:
        from pipelines.text.tagging.weights import WEIGHTS_PATH

        return {"tagger": sha256(WEIGHTS_PATH.read_bytes())}
    model = _spacy_model(spec)
    return {"spacy": _version_of_spacy(spec), "tagger": _version_of_model(model)}


def _spacy_model(spec: str) -> str:
    if not spec.startswith(_SPACY) or spec == _SPACY:
        raise TaggerError(
            f"tagger {spec!r}: unknown; write `{PERCEPTRON}`, or `{_SPACY}` and the name of a "
            f"spaCy pipeline, such as `{_SPACY}en_core_web_sm`"
        )
    return spec.removeprefix(_SPACY)


def _version_of_spacy(spec: str) -> str:
    try:
        return version("spacy")
    except PackageNotFoundError as error:
        raise TaggerError(
            f"tagger {spec!r}: spaCy is not installed; run `pip install spacy`"
        ) from error


def _version_of_model(model: str) -> str:
    """Version of an installed pipeline, or sha256 over the files of one in a folder."""
    folder = Path(model)
    if folder.is_dir():
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return sha256("".join(sha256(path.read_bytes()) for path in paths).encode())
    try:
        return f"{model} {version(model)}"
    except PackageNotFoundError as error:
        raise TaggerError(
            f"tagger '{_SPACY}{model}': no such spaCy pipeline is installed; "
            f"run `python -m spacy download {model}`"
        ) from error
