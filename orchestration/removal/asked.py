"""What a person asks to have removed: lists with a value a line, as digests from here on."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt

from dalle_model import files
from dalle_model.errors import UsageError
from dalle_model.shards import IMAGE_DIGITS
from pipelines.io.lists import hash_of_line, host_of_line, lines_in, url_of_line
from pipelines.io.refusals import Kind, Refusals, digest, refusals_in

KEY_DIGITS = 40
# Bits in which an image may differ from a perceptual hash. As `fetch.blocklists.max_hamming`.
MAX_HAMMING = 8

_KEY = re.compile(f"[0-9a-f]{{{KEY_DIGITS}}}|[0-9a-f]{{{IMAGE_DIGITS}}}")
_LOOK = "phash"

Values = Iterator[tuple[str, str]]  # kind and value


class TakedownError(UsageError):
    """What is to be removed is not said, or a line of a list is no entry: which, and why."""


@dataclass(frozen=True)
class Asked:
    """What is to be removed.

    Args:
        refusals: digests of all values but perceptual hashes.
        looks: perceptual hashes, uint64 `(entries,)`.
        counts: entries of the lists, by kind, for the receipt.
        has_md5: whether images are named by the MD5 of their bytes.
        is_by_digests: whether digests of another run are among them, whose kinds nobody knows.
        takes_copies: whether rows go that were dropped as copies of one that goes.
    """

    refusals: Refusals = field(default_factory=Refusals)
    looks: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    counts: Mapping[str, int] = field(default_factory=dict)
    has_md5: bool = False
    is_by_digests: bool = False
    takes_copies: bool = False

    def __bool__(self) -> bool:
        return bool(self.refusals) or bool(self.looks.size)


def read_asked(
    *, urls: str = "", hosts: str = "", keys: str = "", hashes: str = "", refused: str = ""
) -> Asked:
    """What some lists ask for.

    Args:
        urls: path or URL of a list of URLs, of images or of pages.
        hosts: likewise of hosts, which stand for all below them too.
        keys: of keys of pairs (40 digits) or of images (24).
        hashes: md5, sha256 or phash, of images.
        refused: what was removed from another run: its list of digests.

    Raises:
        TakedownError: a list cannot be read, or a line of it is no entry; gives its number.
    """
    parts: list[tuple[str, str, Callable[[str], tuple[str, str]]]] = [
        ("urls", urls, lambda line: ("url", url_of_line(line))),
        ("hosts", hosts, lambda line: ("host", host_of_line(line))),
        ("keys", keys, _key),
        ("hashes", hashes, _hash),
    ]
    values: set[tuple[str, str]] = set()
    for name, path, parse in parts:
        values.update(_entries(name, path, parse) if path else ())
    looks = [int(value, 16) for kind, value in sorted(values) if kind == _LOOK]
    others: list[tuple[Kind, str]] = [pair for pair in values if pair[0] != _LOOK]  # type: ignore[misc]
    given = _digests(refused).digests
    digests = frozenset(digest(*pair) for pair in others) | given
    kinds = [kind for kind, _ in values]
    counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    if refused:
        counts["refused"] = len(given)
    return Asked(
        Refusals(digests), np.array(looks, np.uint64), counts, "md5" in kinds, bool(refused)
    )


def checked_date(text: str) -> str:
    """A date as it was given, which may be empty.

    Raises:
        TakedownError: it is none.
    """
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise TakedownError(f"--date: {text[:40]!r} is no date such as 2026-11-30") from error


def _entries(name: str, path: str, parse: Callable[[str], tuple[str, str]]) -> Values:
    for number, line in lines_in(_content(name, path)):
        try:
            yield parse(line)
        except ValueError as error:
            raise TakedownError(
                f"{path}:{number}: {line[:100]!r} is no entry of --{name}: {error}"
            ) from error


def _digests(path: str) -> Refusals:
    if not path:
        return Refusals()
    content = _content("refused", path)
    try:
        return refusals_in(content)
    except ValueError as error:
        raise TakedownError(f"--refused {path}: {error}") from error


def _content(name: str, path: str) -> bytes:
    try:
        return files.read_bytes(path)
    except Exception as error:  # whatever the file system of a URL raises
        raise TakedownError(
            f"--{name}: {path} cannot be read: {type(error).__name__}: {error}"
        ) from error


def _key(line: str) -> tuple[str, str]:
    if not _KEY.fullmatch(line.lower()):
        raise ValueError(
            f"{KEY_DIGITS} hexadecimal digits are expected, or the first {IMAGE_DIGITS} of them, "
            "which name an image"
        )
    return ("key" if len(line) == KEY_DIGITS else "image"), line.lower()


def _hash(line: str) -> tuple[str, str]:
    kind, _, digits = hash_of_line(line).partition(":")
    return kind, digits
