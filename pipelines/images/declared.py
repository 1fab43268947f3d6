"""Compares how an image looks with the perceptual hash that a table has declared for it."""

from pipelines.io.hashes import hamming, hashes_in
from pipelines.io.locked_process import Unseen
from pipelines.io.looks import looks_of
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


def is_another(declared_hash: str, phash: int, encoded: bytes, max_hamming: int) -> Check | None:
    """As `mismatch`, but by the hashes that others make where our own of the image is too far off.

    Our own is of the image as stored, which may be cropped, and is on white where the image is
    transparent. So a row is dropped only if none of the looks of the file is near.

    Args:
        declared_hash: as in `Candidate`.
        phash: our own of the image; close to that of others for most images, and at hand.
        encoded: the file as served; decoded again, and only where needed.
        max_hamming: as in `mismatch`.
    """
    failed = mismatch(declared_hash, phash, max_hamming)
    looks = () if failed is None else looks_of(encoded)
    if failed is None or isinstance(looks, Unseen):
        return failed
    found = [mismatch(declared_hash, look, max_hamming) for look in looks]
    return None if None in found else found[0]
