"""Hostile images become small pixels in a process that can do nothing else."""

import io
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipelines.images.config import ImagesConfig
from pipelines.images.measure import measure
from pipelines.io import miniatures
from pipelines.io.locked_process import Unseen, answered
from pipelines.io.miniatures import Miniature, miniature_of
from tests.pipelines.io.test_perceptual import waves


def encoded(image: Image.Image, kind: str = "PNG", **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def seen(content: bytes) -> Miniature:
    found = miniature_of(content)
    assert isinstance(found, Miniature)
    return found


PNG = encoded(waves(1, 400, 300))
TURNED = Image.Exif()
TURNED[0x0112] = 6
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    "content",
    [
        PNG,
        encoded(waves(2, 640, 480), "JPEG", quality=90),
        encoded(waves(3, 640, 480), "JPEG", quality=90, exif=TURNED),
        encoded(waves(4, 300, 400), "WEBP", lossless=True, icc_profile=SRGB),
        encoded(waves(5, 300, 400).convert("P"), "GIF"),
        encoded(waves(6, 300, 400).convert("L"), "JPEG"),
    ],
)
def test_all_pixels_are_those_of_the_images_stage(content: bytes) -> None:
    """So that equal pixels have equal hashes, whoever decoded them."""
    found, stored = seen(content), measure(content, ImagesConfig(resize="lanczos"))
    assert found.pixel_hash == stored.pixel_hash
    assert (found.width, found.height) == (stored.width, stored.height)
    assert min(found.rgb.shape[:2]) == 256
    apart = np.abs(found.rgb.astype(int) - stored.stored)
    assert apart.mean() < 1


def test_a_small_image_stays_and_a_long_one_is_bounded() -> None:
    assert seen(encoded(waves(1, 40, 30))).rgb.shape == (30, 40, 3)
    assert seen(encoded(Image.new("RGB", (9000, 300)))).rgb.shape == (68, 2048, 3)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not decoded: UnidentifiedImageError"),
        (encoded(waves(1, 40, 30), "BMP"), "not decoded: UnidentifiedImageError"),
        (encoded(waves(2, 640, 480), "JPEG")[:2000], "not decoded: OSError"),
        (encoded(Image.new("1", (20_000, 20_000))), "20000x20000: too many pixels"),
    ],
)
def test_what_cannot_be_seen_says_why(content: bytes, why: str) -> None:
    assert miniature_of(content) == Unseen(why)


def test_a_crash_costs_one_image() -> None:
    seen(PNG)
    child = miniatures._PROCESS._child
    assert child is not None
    os.kill(child.pid, signal.SIGSEGV)
    assert miniature_of(PNG) == Unseen("the decoder has crashed")
    assert seen(PNG).width == 400


@pytest.mark.parametrize(
    "lie",
    [
        b"\0\0\0\0",  # no reason
        b"\0\0\xff\xff",  # a longer reason than there is
        b"\x00\x02\x00\x02",  # both edges above 256
        b"\x08\0\x08\0" + bytes(24),  # an original smaller than its miniature
        b"\x08\0\x08\0" + b"\x08\0\0\0\x08\0\0\0" + bytes(16) + bytes(10),  # too few pixels
    ],
)
def test_an_answer_that_it_never_gives_is_a_crash(lie: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(lie)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            answered(ours, b"", time.monotonic() + 5, miniatures._read_miniature)


@pytest.mark.parametrize("attempt", ["open('/etc/passwd')", "socket.socket()", "os.fork()"])
def test_the_process_can_do_nothing_but_decode(attempt: str) -> None:
    code = (
        "import os, socket\n"
        "from pipelines.io.miniatures import _give_up_rights\n"
        "_give_up_rights()\n"
        f"try: {attempt}\n"
        "except OSError: print('refused')\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "refused"
