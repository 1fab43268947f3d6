import pickle

import pytest

from pipelines.images.config import ImagesConfig
from pipelines.images.rules import Reason, UnusableImageError, checks
from pipelines.rejection import first_failure

CONFIG = ImagesConfig(side=64, min_bytes=100, max_pixels=1_000_000)


def reason(width: int, height: int, num_bytes: int = 1000) -> str | None:
    broken = first_failure(checks(width, height, num_bytes, CONFIG))
    return None if broken is None else broken.reason


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (64, 64, None),
        (63, 64, "too_small"),
        (64, 128, None),
        (128, 64, None),
        (64, 129, "aspect_ratio"),
        (129, 64, "aspect_ratio"),
        (1000, 1000, None),
        (1001, 1000, "too_many_pixels"),
        (0, 0, "too_small"),
    ],
)
def test_limits_are_inclusive(width, height, expected) -> None:
    assert reason(width, height) == expected


def test_small_files_go_first() -> None:
    assert reason(1, 1, num_bytes=99) == "too_few_bytes"


def test_a_size_that_is_not_known_is_not_checked() -> None:
    found = [check.reason for check in checks(100, 100, None, CONFIG)]
    assert found == ["too_many_pixels", "too_small", "aspect_ratio"]


def test_every_rule_reports_what_it_measured() -> None:
    found = {check.reason: check for check in checks(300, 100, 1000, CONFIG)}
    assert found["aspect_ratio"].measured == 3.0
    assert found["aspect_ratio"].threshold == 2.0
    assert found["too_many_pixels"].measured == 30_000.0
    assert all(check.detail == "300x100" for check in found.values())


def test_the_error_survives_pickling() -> None:
    error = UnusableImageError(Reason.TOO_SMALL, "1x1", 1.0, 64.0)
    assert pickle.loads(pickle.dumps(error)).check == error.check
