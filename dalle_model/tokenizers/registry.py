"""Finds a codec: one that ships, one of another package, or a file, by what the file is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files as package_files
from typing import Any

from dalle_model import files
from dalle_model.checkpoint import CheckpointError, Inspected, inspect_checkpoint
from dalle_model.tokenizers.abilities import TakesShapes
from dalle_model.tokenizers.codec import Codec, CodecError, CodecFacts
from dalle_model.tokenizers.facts import dvae_facts, vq_facts, vqgan_facts
from dalle_model.tokenizers.installed import Installed, find_installed, installed_codec
from dalle_model.tokenizers.torchscript import SUFFIXES, read_script

_SHIPPED = {"demo": "demo_vq.safetensors"}
_Facts = Callable[[str, str, Mapping[str, Any], Mapping[str, Any]], CodecFacts]


@dataclass(frozen=True)
class _Kind:
    """A kind of checkpoint.

    Args:
        facts: what its header says of the codes, without torch.
        load: the codec, by the URL of the checkpoint.
    """

    facts: _Facts
    load: Callable[[str], Codec]


def _load_dvae(url: str) -> Codec:
    from dalle_model.tokenizers.dvae_codec import DvaeCodec  # loads torch

    return DvaeCodec.load(url)


def _load_vq(url: str) -> Codec:
    from dalle_model.tokenizers.vq_codec import VqCodec  # likewise

    return VqCodec.load(url)


def _load_vqgan(url: str) -> Codec:
    from dalle_model.tokenizers.vqgan_codec import VqganCodec  # likewise

    return VqganCodec.load(url)


def _load_script(url: str) -> Codec:
    from dalle_model.tokenizers.torchscript_codec import ScriptCodec  # likewise

    return ScriptCodec.load(url)


_KINDS = {
    "dvae": _Kind(dvae_facts, _load_dvae),
    "vq": _Kind(vq_facts, _load_vq),
    "vqgan": _Kind(vqgan_facts, _load_vqgan),
}


def load_codec(name_or_url: str) -> Codec:
    """Load a codec.

    Args:
        name_or_url: `demo` for the one that ships; the URL of a checkpoint; or the name of one that
            an installed package adds, with what it shall load after a colon, as in `mine:x.bin`.
            A YAML file names a pair of TorchScript archives, whose code is run.

    Raises:
        CheckpointError: missing, corrupt, of an unknown kind or another architecture.
    """
    if point := _installed(name_or_url):
        return installed_codec(point)
    if name_or_url.endswith(SUFFIXES):
        return _load_script(name_or_url)
    return _KINDS[_inspected(name_or_url).kind].load(codec_url(name_or_url))


def inspect_codec(name_or_url: str) -> CodecFacts:
    """What a codec says of its codes; of a checkpoint without loading it or torch.

    Args:
        name_or_url: as of `load_codec`.

    Raises:
        CodecError: missing, corrupt, of an unknown kind, or with facts that make no sense.
    """
    if point := _installed(name_or_url):
        return installed_codec(point).facts
    if name_or_url.endswith(SUFFIXES):
        return read_script(name_or_url).facts
    found, url = _inspected(name_or_url), codec_url(name_or_url)
    try:
        return _KINDS[found.kind].facts(url, found.sha256, found.config, found.extra)
    except CheckpointError as error:
        raise CodecError(str(error)) from error


def takes_shapes(name_or_url: str) -> bool:
    """Whether a codec encodes images of other shapes too: `abilities.TakesShapes`.

    Raises:
        CodecError: as `inspect_codec`, of one that an installed package adds.
    """
    if point := _installed(name_or_url):
        return isinstance(installed_codec(point), TakesShapes)
    return not name_or_url.endswith(SUFFIXES)


def codec_kind(name_or_url: str) -> str:
    """The kind of a codec's checkpoint, such as `dvae`; empty where it has none.

    Raises:
        CodecError: as `inspect_codec`.
    """
    if _installed(name_or_url) or name_or_url.endswith(SUFFIXES):
        return ""
    return _inspected(name_or_url).kind


def codec_bytes(name_or_url: str) -> int:
    """Bytes of a codec's files, 0 where that is not known; raises as `inspect_codec`."""
    if _installed(name_or_url):
        return 0
    urls: list[str | None] = [codec_url(name_or_url)]
    if name_or_url.endswith(SUFFIXES):
        script = read_script(name_or_url)
        urls = [script.encoder, script.decoder]
    return sum(int(files.identity(url)["bytes"] or 0) for url in urls if url is not None)


def shipped_codec(sha256: str) -> str | None:
    """The name of the codec that ships with the package and has these weights; None for none."""
    return next((name for name in _SHIPPED if inspect_codec(name).sha256 == sha256), None)


def codec_sha256(name_or_url: str) -> str:
    """SHA-256 of a codec's files; raises as `inspect_codec`."""
    return inspect_codec(name_or_url).sha256


def codec_url(name_or_url: str) -> str:
    """URL of a codec's weights: a shipped codec is given by name, any other by its URL."""
    if name_or_url in _SHIPPED:
        return str(package_files("dalle_model").joinpath("weights", _SHIPPED[name_or_url]))
    return name_or_url


def _installed(name_or_url: str) -> Installed | None:
    return None if name_or_url in _SHIPPED else find_installed(name_or_url)


def _inspected(name_or_url: str) -> Inspected:
    try:
        return inspect_checkpoint(codec_url(name_or_url), *_KINDS)
    except CheckpointError as error:
        raise CodecError(f"{error}{_shipped(name_or_url)}") from error


def _shipped(name: str) -> str:
    """Which codecs have names, where a name was given."""
    if "/" in name or "." in name:
        return ""
    near = get_close_matches(name, _SHIPPED, n=1)
    meant = f"did you mean `{near[0]}`? " if near else ""
    return (
        f". {meant}A codec is {' or '.join(map(repr, _SHIPPED))}, the URL of a checkpoint, or the "
        "name of one that an installed package adds"
    )
