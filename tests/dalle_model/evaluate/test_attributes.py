import numpy as np
import pytest

from dalle_model.evaluate.attributes import chance, score_attributes

RNG = np.random.default_rng(0)
GALLERY = RNG.integers(0, 256, (6, 4, 4, 3)).astype(np.uint8)
DESCRIBED = [{"who": who, "tone": tone} for who in ("cook", "pilot", "judge") for tone in "ld"]


def test_own_pictures_and_shared_attributes_are_counted() -> None:
    samples = GALLERY[[0, 1, 3, 5]]  # own, another tone, another one of the same tone, own
    found = score_attributes(samples, [0, 0, 5, 5], GALLERY, DESCRIBED)
    assert (found.samples, found.own) == (4, 0.5)
    assert found.attributes == {"who": 0.75, "tone": 0.75}


def test_a_picture_of_equal_pixels_is_the_own_one() -> None:
    twice = np.concatenate([GALLERY, GALLERY[:1]])
    found = score_attributes(GALLERY[:1], [6], twice, [*DESCRIBED, {"who": "cook", "tone": "l"}])
    assert found.own == 1


def test_an_attribute_counts_for_the_pictures_that_have_it() -> None:
    described = [{"who": "cook"}, {"hour": "one"}, *DESCRIBED[2:]]
    found = score_attributes(GALLERY[[0, 0]], [0, 1], GALLERY, described)
    assert found.attributes == {"who": 1.0, "hour": 0.0}


def test_chance_is_the_score_of_pictures_at_random() -> None:
    expected = chance([0, 3], DESCRIBED)
    draws = RNG.integers(6, size=20_000)
    found = score_attributes(GALLERY[draws], np.resize([0, 3], 20_000), GALLERY, DESCRIBED)
    assert expected.own == pytest.approx(1 / 6)
    assert found.own == pytest.approx(expected.own, abs=0.01)
    for name, share in expected.attributes.items():
        assert found.attributes[name] == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("own", [[], [0, 1]])
def test_counts_that_do_not_fit_are_refused(own: list[int]) -> None:
    with pytest.raises(ValueError, match=f"1 samples with {len(own)} own pictures"):
        score_attributes(GALLERY[:1], own, GALLERY, DESCRIBED)
