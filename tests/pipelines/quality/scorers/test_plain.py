import numpy as np
import pytest

from pipelines.quality.scorer import Stored
from pipelines.quality.scorers.plain import SCORER, blankness, entropy
from tests.pipelines.quality.samples import loaded, portrait, texture


def plane(*colour: int) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (32, 32, 3)).copy()


def test_one_colour_is_blank_and_has_no_entropy():
    assert blankness(plane(200, 10, 90)) == 1
    assert entropy(plane(200, 10, 90)) == 0


def test_two_halves_are_half_blank_and_have_one_bit():
    halves = plane(0, 0, 0)
    halves[:16] = 255
    assert blankness(halves) == 0.5
    assert entropy(halves) == pytest.approx(1)


def test_every_level_alike_is_eight_bits():
    grey = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    assert entropy(grey) == pytest.approx(8)
    assert blankness(grey) == 1 / 16  # sixteen levels are one colour


def test_noise_of_a_compressed_plane_is_no_colour_of_its_own():
    noisy = plane(200, 104, 40) + np.random.default_rng(0).integers(-2, 3, (32, 32, 3))
    assert blankness(noisy.astype(np.uint8)) == 1


def test_sides_and_bytes_are_those_of_the_row():
    found = loaded("plain")(Stored(texture(), 777, 1000, 250))
    assert (found["short_side"], found["aspect"], found["stored_bytes"]) == (250, 4, 777)


@pytest.mark.parametrize(
    ("settings", "size", "reason"),
    [
        ({"min_side": 251}, (1000, 250), "small_side"),
        ({"max_aspect": 3.9}, (250, 1000), "long_image"),
        ({"min_bytes": 778}, (256, 256), "few_bytes"),
        ({"max_blankness": 0.001}, (256, 256), "blank"),
        ({"min_entropy": 7.9}, (256, 256), "low_entropy"),
    ],
)
def test_each_limit_has_its_reason(settings, size, reason):
    values = loaded("plain")(Stored(texture(), 777, *size))
    section = SCORER.config.model_validate(settings)
    assert [c.reason for c in SCORER.checks(values, section) if not c.passed] == [reason]


def test_a_photograph_passes_the_defaults_and_a_plane_does_not():
    def failed(rgb):
        values = loaded("plain")(Stored(rgb, 777, 256, 256))
        return [c.reason for c in SCORER.checks(values, SCORER.config()) if not c.passed]

    assert failed(portrait()) == []
    assert failed(plane(9, 9, 9)) == ["blank", "low_entropy"]
