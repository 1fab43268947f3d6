import numpy as np
import pytest

from pipelines.captions.corpus import minhash
from pipelines.captions.corpus.minhash import BANDS, ROWS, RUN, band_hashes

TEXT = "a small brown dog runs over the wet sand of an empty beach in the evening sun"


def runs(text: str) -> set[str]:
    padded = text + "\0" * (RUN - 1)
    return {padded[n : n + RUN] for n in range(len(text))}


def jaccard(one: str, other: str) -> float:
    return len(runs(one) & runs(other)) / len(runs(one) | runs(other))


def pairs(share: float, count: int = 400) -> list[tuple[str, str]]:
    """Texts that begin alike, with about this share of their runs in common."""
    chance, length = np.random.default_rng(0), 120
    same = RUN - 1 + round(2 * length * share / (1 + share))
    letters = [
        "".join(chr(97 + n) for n in chance.integers(0, 26, 2 * length - same))
        for _ in range(count)
    ]
    return [(text[:length], text[:same] + text[length:]) for text in letters]


@pytest.mark.parametrize("share", [0.4, 0.6, 0.8])
def test_texts_share_a_band_as_often_as_the_published_curve_says(share) -> None:
    """Leskovec, Rajaraman and Ullman, section 3.4.2: 1 - (1 - s^rows)^bands."""
    ones, others = zip(*pairs(share), strict=True)
    found = np.any(band_hashes(ones) == band_hashes(others), axis=1).mean()
    share = float(np.mean([jaccard(*pair) for pair in pairs(share)]))
    expected = 1 - (1 - share**ROWS) ** BANDS
    assert abs(found - expected) < 0.08


def test_a_text_has_the_same_bands_wherever_it_stands(monkeypatch) -> None:
    texts = [*(TEXT[:n] for n in range(1, 20)), "é", "狗狗", "\ud800", "x" * 500]
    expected = band_hashes(texts)
    monkeypatch.setattr(minhash, "_AT_ONCE", 3)
    assert np.array_equal(band_hashes(texts), expected)
    assert np.array_equal(band_hashes(texts[::-1])[::-1], expected)
    assert np.array_equal(band_hashes(texts[3:4]), expected[3:4])


def test_bands_are_the_same_on_every_machine() -> None:
    (bands,) = band_hashes(["a dog on a beach"])
    assert int(bands[0]) == 10037327130448399612


def test_short_texts_are_told_apart() -> None:
    bands = band_hashes(["a", "b", "ab", "ba", "abc"])
    assert len(np.unique(bands[:, 0])) == 5


def test_no_text_has_no_bands() -> None:
    assert band_hashes([]).shape == (0, BANDS)
