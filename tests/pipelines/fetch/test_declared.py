import hashlib

import pytest

from pipelines.fetch.declared import differing_hash, is_perceptual
from pipelines.rejection import Check

MD5, SHA256 = hashlib.md5(b"image").hexdigest(), hashlib.sha256(b"image").hexdigest()
LOOK = "phash:00ff00ff00ff00ff"


@pytest.mark.parametrize(
    "declared", ["", LOOK, f"md5:{MD5}", f"sha256:{SHA256}", f"md5:{MD5} sha256:{SHA256} {LOOK}"]
)
def test_bytes_with_the_declared_hashes_differ_in_none(declared):
    assert differing_hash(declared, b"image") is None


def test_the_hash_that_differs_is_told():
    assert differing_hash(f"md5:{MD5} sha256:{'0' * 64}", b"image") == Check(
        "hash_mismatch", False, detail=f"sha256 {SHA256}, declared {'0' * 64}"
    )


def test_a_perceptual_hash_stands_in_for_exact_ones():
    assert is_perceptual(f"md5:{MD5} {LOOK}")
    assert not is_perceptual(f"md5:{MD5}")
