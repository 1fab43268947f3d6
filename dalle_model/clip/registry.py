"""Finds a scorer: one that ships, one of another package, or weights, by what their name is."""

from importlib.metadata import version
from importlib.resources import files as package_files

from dalle_model import files
from dalle_model.checkpoint import CheckpointError, inspect_checkpoint
from dalle_model.clip.installed import InstalledScorer, find_scorer
from dalle_model.clip.scorer import Scorer, ScorerError

_SHIPPED = {"demo": "demo_clip.safetensors", "drawn": "drawn_clip.safetensors"}
_LIBRARIES = ("open_clip_torch", "pillow", "torch", "torchvision")  # that decide the last bits
_KIND, _AT, _JSON = "clip", "@", ".json"


def load_scorer(name: str) -> Scorer:
    """Load a scorer.

    Args:
        name: `demo` or `drawn` for one that ships; the URL of a checkpoint of `dalle train clip`;
            `ARCH@URL` for weights of open_clip's architecture ARCH, or of the one that a JSON file
            describes, such as `ViT-B-32@weights.safetensors`; or the name of one that an installed
            package adds, with what it shall load after a colon.

    Raises:
        ScorerError: unknown, missing, damaged, or of another architecture.
        CheckpointError: likewise, of a checkpoint of ours.
    """
    if installed := _installed(name):
        return installed.make()
    architecture, at, url = name.partition(_AT)
    if at:
        return _load_published(architecture, url)
    from dalle_model.clip.trained import load_clip  # loads torch

    _inspected(name)
    return load_clip(scorer_url(name)).scorer()


def scorer_facts(name: str) -> dict[str, str]:
    """What decides the scores of a scorer: digests and versions by name, without torch.

    Args:
        name: as of `load_scorer`.

    Raises:
        ScorerError: it is unknown or missing.
    """
    if installed := _installed(name):
        return installed.facts()
    architecture, at, url = name.partition(_AT)
    libraries = {library: version(library) for library in _LIBRARIES}
    if not at:
        return {"scorer": _inspected(name), **libraries}
    described = _sha256(architecture) if architecture.endswith(_JSON) else architecture
    return {"scorer": f"{described}@{_sha256(url)}", **libraries}


def scorer_url(name: str) -> str:
    """URL of the weights of a scorer that ships; of another one its name."""
    if name in _SHIPPED:
        return str(package_files("dalle_model").joinpath("weights", _SHIPPED[name]))
    return name


def _load_published(name: str, url: str) -> Scorer:
    from dalle_model.clip.architecture import known_architecture  # loads torch
    from dalle_model.clip.clip_scorer import ClipScorer
    from dalle_model.clip.weights import load_weights

    architecture = known_architecture(name)
    model = architecture.build()
    load_weights(model, url)
    return ClipScorer(model, architecture.transform(), architecture.tokenizer())


def _installed(name: str) -> InstalledScorer | None:
    return None if name in _SHIPPED else find_scorer(name)


def _inspected(name: str) -> str:
    """SHA-256 of a checkpoint of ours."""
    try:
        return inspect_checkpoint(scorer_url(name), _KIND).sha256
    except CheckpointError as error:
        raise ScorerError(
            f"{error}. A scorer is {' or '.join(map(repr, _SHIPPED))}, the URL of such a "
            "checkpoint, ARCHITECTURE@URL for weights of open_clip, or the name of one that an "
            "installed package adds"
        ) from error


def _sha256(url: str) -> str:
    try:
        return files.sha256_while_same(url)
    except FileNotFoundError as error:
        raise ScorerError(f"there is no file at {url}") from error
