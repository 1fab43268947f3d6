"""The rules that an image's header can break, and the error that names the broken one."""

from collections.abc import Iterator
from enum import StrEnum

from pipelines.images.config import ImagesConfig
from pipelines.rejection import Check


class Reason(StrEnum):
    """Why an image is dropped."""

    WRONG_FORMAT = "wrong_format"
    UNDECODABLE = "undecodable"
    TRUNCATED = "truncated"
    TOO_FEW_BYTES = "too_few_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    ASPECT_RATIO = "aspect_ratio"
    OUT_OF_MEMORY = "out_of_memory"
    DECODER_CRASHED = "decoder_crashed"
    DECODER_TIMED_OUT = "decoder_timed_out"


class UnusableImageError(ValueError):
    """An image cannot be used; `check` holds the broken rule, the measured value and the limit."""

    def __init__(
        self,
        reason: str,
        detail: str = "",
        measured: float | None = None,
        threshold: float | None = None,
    ) -> None:
        super().__init__(reason, detail, measured, threshold)  # all as args: survives pickling
        self.check = Check(str(reason), False, measured, threshold, detail)


def checks(width: int, height: int, num_bytes: int | None, config: ImagesConfig) -> Iterator[Check]:
    """Every rule that needs no decoded pixels.

    Args:
        width: in pixels; swapping it with `height` changes nothing, so orientation can wait.
        height: in pixels.
        num_bytes: of the encoded file; None, where it is no longer known, skips the rule.
        config: the limits.
    """
    size = f"{width}x{height}"
    long, short = max(width, height), min(width, height)
    pixels, aspect = width * height, long / max(short, 1)
    if num_bytes is not None:
        yield _at_least(Reason.TOO_FEW_BYTES, num_bytes, config.min_bytes, size)
    yield _at_most(Reason.TOO_MANY_PIXELS, pixels, config.max_pixels, size)
    yield _at_least(Reason.TOO_SMALL, short, config.smallest_side, size)
    yield _at_most(Reason.ASPECT_RATIO, aspect, config.max_aspect, size)


def _at_least(reason: Reason, measured: float, threshold: float, detail: str) -> Check:
    return Check(reason.value, measured >= threshold, float(measured), float(threshold), detail)


def _at_most(reason: Reason, measured: float, threshold: float, detail: str) -> Check:
    return Check(reason.value, measured <= threshold, float(measured), float(threshold), detail)
