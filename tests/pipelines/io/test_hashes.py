import hashlib
import math

import pytest

from pipelines.io.hashes import HashKind, declared, exact_hash, hamming, hash_in, hashes_in, is_hash

MD5, SHA256 = hashlib.md5(b"x"), hashlib.sha256(b"x")


@pytest.mark.parametrize(
    ("cell", "kind", "found"),
    [
        (MD5.hexdigest(), "md5", MD5.hexdigest()),
        (f" {MD5.hexdigest().upper()}\n", "md5", MD5.hexdigest()),
        (MD5.digest(), "md5", MD5.hexdigest()),
        (MD5.hexdigest().encode(), "md5", MD5.hexdigest()),
        (SHA256.hexdigest(), "sha256", SHA256.hexdigest()),
        ("00ff00ff00ff00ff", "phash", "00ff00ff00ff00ff"),
        (255, "phash", "00000000000000ff"),
        (-1, "phash", "f" * 16),
        (1 << 63, "phash", "8" + "0" * 15),
        (None, "md5", ""),
        (math.nan, "md5", ""),
        ("", "sha256", ""),
        (b"", "sha256", ""),
        ("nan", "md5", None),
        (SHA256.hexdigest(), "md5", None),
        ("g" * 32, "md5", None),
        ("\u0660" * 16, "phash", None),
        (255, "md5", None),
        (1 << 64, "phash", None),
        (0.5, "phash", None),
        (["00ff00ff00ff00ff"], "phash", None),
    ],
)
def test_the_hash_in_a_cell(cell, kind, found):
    assert hash_in(cell, kind) == found


def test_hashes_travel_as_one_text():
    hashes: dict[HashKind, str] = {"phash": "0" * 16, "md5": MD5.hexdigest(), "sha256": ""}
    text = declared(hashes)
    assert text == f"md5:{MD5.hexdigest()} phash:{'0' * 16}"
    assert hashes_in(text) == {"md5": MD5.hexdigest(), "phash": "0" * 16}
    assert (declared({}), hashes_in("")) == ("", {})


def test_exact_hashes_are_those_of_the_bytes():
    assert exact_hash(b"x", "md5") == MD5.hexdigest()
    assert exact_hash(b"x", "sha256") == SHA256.hexdigest()


def test_perceptual_hashes_differ_in_bits():
    assert hamming(0b1011, 0b0010) == 2
    assert hamming(0, (1 << 64) - 1) == 64


def test_digits_are_in_lower_case():
    assert is_hash("ab" * 8, "phash")
    assert not is_hash("AB" * 8, "phash")
