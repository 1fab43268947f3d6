"""Codecs of other packages: named by an entry point, known in every process that encodes.

    [project.entry-points."dalle.codecs"]
    mine = "my_package.codec:MyCodec"

`mine` is then the name of a codec, and `mine:URL` the same made with that URL.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from dalle_model import files
from dalle_model.tokenizers.codec import Codec, CodecError, CodecFacts

CODECS = "dalle.codecs"


@dataclass(frozen=True)
class Installed:
    """A codec of another package, by its entry point.

    Args:
        name: of the entry point.
        value: of the entry point: what it imports.
        url: what the codec is made with; None for nothing.
    """

    name: str
    value: str
    url: str | None

    def __str__(self) -> str:
        return f"the entry {self.name!r} ({self.value}) of {CODECS}"


def split_name(name_or_url: str) -> tuple[str, str | None]:
    """The name of an entry point and its URL, of `name` or `name:URL`; a URL alone has no name."""
    name, colon, url = name_or_url.partition(":")
    if not re.fullmatch(r"[\w-]+", name) or url.startswith("//"):
        return "", name_or_url
    return name, url if colon else None


def find_installed(name_or_url: str) -> Installed | None:
    """The entry point that a codec's name means, if an installed package has it."""
    name, url = split_name(name_or_url)
    for point in entry_points(group=CODECS, name=name) if name else ():
        return Installed(name, point.value, url)
    return None


def installed_codec(of: Installed) -> Codec:
    """The codec of an entry point; it is made once, and again where the file at its URL changes.

    Raises:
        CodecError: it cannot be imported or made, is no codec, or its facts make no sense.
    """
    return _made(of, _stamp(of.url))


@lru_cache(maxsize=2)
def _made(of: Installed, _stamp: str) -> Codec:
    (point, *_) = entry_points(group=CODECS, name=of.name)
    try:
        make: Callable[..., Any] = point.load()
    except Exception as error:  # whatever another package raises when it is imported
        raise CodecError(f"{of} cannot be imported: {error!r}; uninstall or fix it") from error
    try:
        codec = make() if of.url is None else make(of.url)
    except Exception as error:  # likewise
        given = "nothing" if of.url is None else repr(of.url)
        raise CodecError(f"{of} makes no codec of {given}: {error!r}; fix it") from error
    if problem := _problem(codec):
        raise CodecError(f"{of} {problem}; correct it in its package")
    return codec  # type: ignore[no-any-return]  # what a protocol asks for is checked above


def _problem(codec: Any) -> str:
    """What is wrong with a codec of another package, if anything."""
    facts = getattr(codec, "facts", None)
    if not isinstance(facts, CodecFacts):
        return "makes a codec whose `facts` are no CodecFacts"
    if not re.fullmatch(r"[0-9a-f]{64}", facts.sha256):
        return f"states the sha256 {facts.sha256[:70]!r}: 64 hexadecimal digits are meant"
    if not facts.name:
        return "states no name"
    needed = ("encode",) if facts.encoder_only else ("encode", "decode")
    missing = [name for name in needed if not callable(getattr(codec, name, None))]
    return f"makes a codec without `{missing[0]}`" if missing else ""


def _stamp(url: str | None) -> str:
    if url is None:
        return ""
    try:
        return str(files.identity(url))
    except Exception:  # noqa: BLE001 - what the URL means is the codec's affair; it need be no file
        return ""
