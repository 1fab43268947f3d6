"""Compares how an image looks with the perceptual hash that a table has declared for it."""

from collections.abc import Callable

from PIL import Image

from pipelines.io.hashes import hamming, hashes_in
from pipelines.io.perceptual import imagehash_phash
from pipelines.rejection import Check

REASON = "perceptual_mismatch"


def mismatch(declared_hash: str, phash: int, max_hamming: int) -> Check | None:
    """The failed check of a row whose image is another than declared; None of any other row.

    Args:
        declared_hash: as in `Candidate`.
        phash: of the image, 64 bits.
        max_hamming: bits in which the two may differ.
    """
    digits = hashes_in(declared_hash).get("phash")
    if digits is None:
        return None
    distance = hamming(int(digits, 16), phash)
    if distance <= max_hamming:
        return None
    detail = f"phash {phash:016x}, declared {digits}"
    return Check(REASON, False, float(distance), float(max_hamming), detail)


def is_another(
    declared_hash: str, phash: int, stored: Callable[[], Image.Image], max_hamming: int
) -> Check | None:
    """As `mismatch`, but by the hash that others make where our own of the image is too far off.

    Args:
        declared_hash: as in `Candidate`.
        phash: our own of the image; close to that of others for most images.
        stored: the image as stored, asked for only where needed.
        max_hamming: as in `mismatch`.
    """
    if mismatch(declared_hash, phash, max_hamming) is None:
        return None
    return mismatch(declared_hash, imagehash_phash(stored()), max_hamming)
