"""What the worker and a decoder say to each other: numbers in fixed places, and plain pixels.

A decoder has read strangers' bytes, so its answer is a stranger's word too. Nothing in it is parsed
but numbers, each with a range; how many pixels follow is worked out from them; and whatever is
stored or read by a later stage is made of those pixels by the worker.
"""

import math
import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dalle_model.pixels import Rgb
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import MAX_DETAIL
from pipelines.images.measure import Measured
from pipelines.images.rules import Reason, checks
from pipelines.images.size import store_size
from pipelines.rejection import Check, first_failure

REASONS = tuple(Reason)
MEASURED, REFUSED = 1, 2
_REQUEST = struct.Struct("<?I")  # whether it compares, bytes of the file
_ANSWER = struct.Struct("<Bd")  # kind, CPU seconds
_IMAGE = struct.Struct("<II16s?")  # width, height, hash, whether there is a second image
_CHECK = struct.Struct("<BddH")  # reason, measured, threshold, bytes of the detail
_MAX_DETAIL_BYTES = 4 * MAX_DETAIL  # of UTF-8

Read = Callable[[int], bytes | bytearray]


class ProtocolError(Exception):
    """The other side has gone, or says what it cannot mean."""


class Answer(NamedTuple):
    """The outcome of one image.

    Args:
        outcome: what was measured, or the rule that was broken.
        cpu_s: CPU seconds that the decoder spent on it.
    """

    outcome: Measured | Check
    cpu_s: float = 0.0


def pack_request(encoded: bytes, compares: bool) -> list[bytes]:
    """A request as buffers to send one behind the other."""
    return [_REQUEST.pack(compares, len(encoded)), encoded]


def read_request(read: Read) -> tuple[bytes, bool]:
    """The file of a request, and whether it is to be decoded in full as well."""
    compares, size = _REQUEST.unpack(read(_REQUEST.size))
    return bytes(read(size)), compares


def pack_answer(answer: Answer) -> list[bytes | memoryview]:
    """An answer as buffers to send one behind the other."""
    outcome, cpu_s = answer
    if isinstance(outcome, Measured):
        digest, has_full = bytes.fromhex(outcome.pixel_hash), outcome.full is not None
        head = _IMAGE.pack(outcome.width, outcome.height, digest, has_full)
        images = [image for image in (outcome.stored, outcome.full) if image is not None]
        return [_ANSWER.pack(MEASURED, cpu_s), head, *map(_pixels_of, images)]
    detail = outcome.detail[:MAX_DETAIL].encode("utf-8", "replace")
    numbers = (_or_nan(outcome.measured), _or_nan(outcome.threshold))
    reason = REASONS.index(Reason(outcome.reason))
    return [_ANSWER.pack(REFUSED, cpu_s), _CHECK.pack(reason, *numbers, len(detail)), detail]


def read_answer(read: Read, config: ImagesConfig) -> Answer:
    """An answer, checked.

    Raises:
        ProtocolError: it is none that a decoder gives for an image under this config.
    """
    kind, cpu_s = _ANSWER.unpack(read(_ANSWER.size))
    if not 0 <= cpu_s <= 10 * config.timeout_s:  # so that neither NaN nor nonsense is added up
        raise ProtocolError("CPU seconds")
    if kind == MEASURED:
        return Answer(_read_image(read, config), cpu_s)
    if kind == REFUSED:
        return Answer(_read_check(read), cpu_s)
    raise ProtocolError("kind of answer")


def _read_image(read: Read, config: ImagesConfig) -> Measured:
    width, height, digest, has_full = _IMAGE.unpack(read(_IMAGE.size))
    if not width or not height or first_failure(checks(width, height, None, config)):
        raise ProtocolError("size")
    stored_width, stored_height = store_size(width, height, config)

    def image() -> Rgb:
        pixels = np.frombuffer(read(3 * stored_width * stored_height), np.uint8)
        return pixels.reshape(stored_height, stored_width, 3)

    return Measured(width, height, digest.hex(), image(), image() if has_full else None)


def _read_check(read: Read) -> Check:
    number, measured, threshold, size = _CHECK.unpack(read(_CHECK.size))
    if number >= len(REASONS) or size > _MAX_DETAIL_BYTES:
        raise ProtocolError("reason")
    detail = bytes(read(size)).decode("utf-8", "replace")
    return Check(str(REASONS[number]), False, _or_none(measured), _or_none(threshold), detail)


def _pixels_of(image: Rgb) -> memoryview:
    return np.ascontiguousarray(image).data.cast("B")


def _or_nan(number: float | None) -> float:
    return math.nan if number is None else number


def _or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None
