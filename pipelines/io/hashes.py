"""Hashes of images as others give them, in tables and in lists, and as a row carries them.

Exact ones are of the bytes as served. A perceptual one is 64 bits of how an image looks; two are
compared by the bits in which they differ.
"""

import re
from collections.abc import Mapping
from hashlib import md5, sha256
from typing import Any, Literal, get_args

HashKind = Literal["md5", "sha256", "phash"]

KINDS: tuple[HashKind, ...] = get_args(HashKind)
EXACT: tuple[Literal["md5", "sha256"], ...] = ("md5", "sha256")
PHASH_BITS = 64
NUM_DIGITS: Mapping[HashKind, int] = {"md5": 32, "sha256": 64, "phash": 16}  # hexadecimal

_HEX = re.compile("[0-9a-f]+")


def hash_in(cell: Any, kind: HashKind) -> str | None:
    """The hash in a cell of a table, as hexadecimal digits; empty where the cell is.

    It may be text, the bytes of such text, the bytes of the hash itself or, of a perceptual hash,
    an integer of 64 bits, with or without a sign.

    Returns:
        None where the cell holds something else.
    """
    if cell is None or cell != cell:  # NaN, which pandas writes for nothing
        return ""
    if isinstance(cell, bytes):
        if 2 * len(cell) == NUM_DIGITS[kind]:
            return cell.hex()
        cell = cell.decode("latin-1")
    if isinstance(cell, int) and kind == "phash" and -(1 << 63) <= cell < 1 << 64:
        return f"{cell % (1 << 64):016x}"
    text = cell.strip().lower() if isinstance(cell, str) else "?"
    return text if not text or is_hash(text, kind) else None


def is_hash(text: str, kind: HashKind) -> bool:
    """Whether a text is the hexadecimal digits of a hash, in lower case."""
    return len(text) == NUM_DIGITS[kind] and _HEX.fullmatch(text) is not None


def declared(hashes: Mapping[HashKind, str]) -> str:
    """Hashes as the column `declared_hash` holds them, such as `md5:00… phash:00…`."""
    return " ".join(f"{kind}:{hashes[kind]}" for kind in KINDS if hashes.get(kind))


def hashes_in(declared_hash: str) -> dict[str, str]:
    """The hexadecimal digits in a `declared_hash`, by kind."""
    return dict(part.split(":", 1) for part in declared_hash.split())


def exact_hash(content: bytes, kind: str) -> str:
    """The exact hash of some bytes, as hexadecimal digits."""
    if kind == "sha256":
        return sha256(content).hexdigest()
    return md5(content, usedforsecurity=False).hexdigest()


def hamming(one: int, other: int) -> int:
    """The bits in which two perceptual hashes differ."""
    return (one ^ other).bit_count()
