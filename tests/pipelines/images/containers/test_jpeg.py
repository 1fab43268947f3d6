from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.images.config import ImagesConfig
from pipelines.images.containers.jpeg import (
    has_all_scans,
    may_be_cut,
    segments,
    with_ends,
    without_side_data,
)
from pipelines.images.rules import Reason, UnusableImageError
from tests.support.raw_images import decoded, encode, smooth

CONFIG = ImagesConfig(side=8)
IMAGE = smooth(53, 41, 7)
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "with points of restart": {"restart_marker_rows": 1},
    "progressive with points of restart": {"progressive": True, "restart_marker_rows": 1},
}
MODES = ["RGB", "L", "CMYK"]
PLAIN = encode(IMAGE, "JPEG")


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def outcome(encoded: bytes) -> str:
    try:
        return decoded(encoded, CONFIG).tobytes().hex()
    except UnusableImageError as error:
        return error.check.reason


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_end_mark_does_not_cost_the_image(kind, mode):
    whole = encode(IMAGE.convert(mode), "JPEG", **KINDS[kind])
    assert whole.endswith(b"\xff\xd9")
    for cut in (whole[:-1], whole[:-2], whole[:-2] + b"\r\n", whole[:-2] + bytes(100)):
        assert outcome(cut) == outcome(whole)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_made_up_for_pixels_that_were_cut(kind, mode):
    whole = encode(IMAGE.convert(mode), "JPEG", **KINDS[kind])
    truth = outcome(whole)
    for length in range(len(whole) // 3, len(whole) - 2, 7):
        found = outcome(whole[:length])
        assert found in (Reason.TRUNCATED, Reason.UNDECODABLE, truth)
    half = outcome(whole[: len(whole) * 2 // 3])
    assert half == Reason.TRUNCATED


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["baseline", "with points of restart"])
def test_an_end_mark_within_a_scan_is_noticed(kind, mode):
    whole = encode(IMAGE.convert(mode), "JPEG", **KINDS[kind])
    scan = next(found.start for found in segments(whole) if found.marker == 0xDA)
    for length in range(scan + 20, len(whole) - 40, 7):
        assert outcome(whole[:length] + b"\xff\xd9") == Reason.TRUNCATED


def test_scans_that_end_early_before_others_are_noticed():
    whole = encode(IMAGE, "JPEG", progressive=True)
    starts = [found.start for found in segments(whole) if found.marker == 0xDA]
    assert outcome(whole[: starts[1] + 40] + b"\xff\xd9") == Reason.TRUNCATED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colour", ["white", "black", "teal"])
def test_an_image_of_one_colour_is_whole(kind, colour):
    whole = encode(Image.new("RGB", (40, 30), colour), "JPEG", **KINDS[kind])
    assert len(outcome(whole)) == 2 * 40 * 30 * 3


@pytest.mark.parametrize(("colour", "is_suspect"), [("white", False), ("black", True)])
def test_what_is_decoded_twice(colour, is_suspect):
    framed = IMAGE.copy()
    framed.paste(colour, (40, 0, 53, 41))
    assert may_be_cut(PLAIN, np.asarray(framed), False) is is_suspect
    assert not may_be_cut(PLAIN, np.asarray(IMAGE), False)
    progressive = encode(IMAGE, "JPEG", progressive=True)
    framed.paste("white", (40, 0, 53, 41))
    assert not may_be_cut(progressive, np.asarray(framed), True)
    assert may_be_cut(progressive[:-500] + PLAIN[-2:], np.asarray(framed), True)


SIDE_DATA = {
    "a thumbnail's header cut short": segment(0xE0, b"JFIF\0"),
    "a profile cut short": segment(0xE2, b"ICC_PROFILE\0"),
    "Photoshop's cut short": segment(0xED, b"Photoshop 3.0\x008BIM\0\1"),
    "Adobe's cut short": segment(0xEE, b"Adobe"),
    "Exif of garbage": segment(0xE1, b"Exif\0\0garbage"),
    "XMP of garbage": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0\xff\xfe"),
    "a second image of garbage": segment(0xE2, b"MPF\0garbage"),
    "a comment without a length": b"\xff\xfe\0\0",
}


@pytest.mark.parametrize("name", SIDE_DATA)
@pytest.mark.parametrize("end", [b"\xff\xd9", b""])
def test_side_data_does_not_cost_the_image(name, end):
    encoded = PLAIN[:2] + SIDE_DATA[name] + PLAIN[2:-2] + end
    assert outcome(encoded) == outcome(PLAIN)


def test_a_second_image_that_is_cut_does_not_cost_the_first():
    pair = encode(IMAGE, "MPO", save_all=True, append_images=[smooth(53, 41, 9)])
    assert outcome(pair[:-200]) == outcome(pair)


def test_a_length_beyond_the_file_is_a_rejection():
    assert outcome(PLAIN[:2] + b"\xff\xe1\xff\xff" + PLAIN[2:]) == Reason.TRUNCATED


def test_what_decides_colours_and_orientation_survives():
    needed = [
        segment(0xE0, b"JFIF\0" + bytes(9)),
        segment(0xE1, b"Exif\0\0x"),
        segment(0xE2, b"ICC_PROFILE\0\1\1x"),
        segment(0xEE, b"Adobe" + bytes(7)),
    ]
    dropped = [segment(0xFE, b"hello"), segment(0xE5, b"x"), segment(0xE2, b"MPF\0x")]
    rest = PLAIN[next(s.start for s in segments(PLAIN) if s.marker == 0xDB) :]
    encoded = b"\xff\xd8" + b"".join(needed + dropped) + rest
    assert without_side_data(encoded) == b"\xff\xd8" + b"".join(needed) + rest


def test_missing_scans_are_found():
    progressive = encode(IMAGE, "JPEG", progressive=True)
    scans = [found.start for found in segments(progressive) if found.marker == 0xDA]
    assert len(scans) > 3
    assert has_all_scans(progressive)
    assert not any(has_all_scans(progressive[:start]) for start in scans)
    assert with_ends(progressive[: scans[-1]]) == []


def test_a_file_with_an_end_needs_none():
    assert with_ends(PLAIN) == []


def test_every_end_is_tried_behind_another_filling():
    ended = with_ends(PLAIN[:-2])
    assert ended[0] == PLAIN
    assert len(set(ended)) == 4
    assert all(b"\xff" not in found[len(PLAIN) - 2 :][:999] for found in ended[1:])


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff", b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xc0\0\3x"]
)
def test_a_file_without_a_scan_is_left_alone(content):
    assert without_side_data(content) == content
    assert with_ends(content) == []
