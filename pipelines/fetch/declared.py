"""Compares the bytes served with the exact hashes that a table has declared for them.

A page can change owner between the day on which a table was made and the day on which its images
are fetched. Source: Carlini et al. 2023, "Poisoning Web-Scale Training Datasets is Practical",
which names such hashes as the defence, and what they cost: an image that was only compressed again
differs as well. So where a row declares a perceptual hash too, that one decides, in the stage that
decodes; the row is kept here, and counted.
"""

from pipelines.fetch.config import HASH_MISMATCH
from pipelines.io.hashes import EXACT, exact_hash, hashes_in
from pipelines.rejection import Check

DRIFTED = "exact hashes that differ, where the perceptual one decides"


def differing_hash(declared_hash: str, encoded: bytes) -> Check | None:
    """The exact hash that a row declares and its bytes do not have; None where there is none.

    Args:
        declared_hash: as in `Candidate`.
        encoded: as served.
    """
    for kind, digits in hashes_in(declared_hash).items():
        if kind in EXACT and (found := exact_hash(encoded, kind)) != digits:
            return Check(HASH_MISMATCH, passed=False, detail=f"{kind} {found}, declared {digits}")
    return None


def is_perceptual(declared_hash: str) -> bool:
    """Whether a row declares a perceptual hash, which stands in for an exact one that differs."""
    return "phash" in hashes_in(declared_hash)
