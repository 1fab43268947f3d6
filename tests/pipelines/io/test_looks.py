"""Hostile bytes are looked at in a process of their own, which can do nothing else."""

import io
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from PIL import Image

from pipelines.io import locked_process, looks
from pipelines.io.hashes import hamming
from pipelines.io.locked_process import Unseen, answered
from pipelines.io.looks import looks_of
from pipelines.io.perceptual import imagehash_phash
from tests.pipelines.io.test_perceptual import waves


def encoded(image: Image.Image, kind: str = "PNG", **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


IMAGE = waves(1, 200, 120)
PNG = encoded(IMAGE)


def seen(content: bytes) -> tuple[int, ...]:
    found = looks_of(content)
    assert not isinstance(found, Unseen)
    return found


def test_an_image_without_loss_has_the_hash_of_imagehash():
    assert looks_of(PNG) == (imagehash_phash(IMAGE),)


@pytest.mark.parametrize("kind", looks.FORMATS)
def test_each_format_is_seen(kind):
    large = waves(2, 1400, 900)
    (found,) = seen(encoded(large.convert("P") if kind == "GIF" else large, kind))
    assert hamming(found, imagehash_phash(large)) <= 4


def test_an_image_is_seen_as_stored_and_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = encoded(IMAGE, "PNG", exif=exif)
    upright = IMAGE.transpose(Image.Transpose.ROTATE_270)
    assert set(seen(stored)) == {imagehash_phash(IMAGE), imagehash_phash(upright)}


def test_an_image_is_seen_with_its_transparency_and_without():
    clear = IMAGE.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(IMAGE.size))
    found = seen(encoded(clear))
    assert imagehash_phash(IMAGE) in found
    assert len(found) == 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not decoded: UnidentifiedImageError"),
        (b"<svg/>", "not decoded: UnidentifiedImageError"),
        (encoded(IMAGE, "BMP"), "not decoded: UnidentifiedImageError"),
        (encoded(Image.new("1", (20_000, 20_000))), "20000x20000: too many pixels"),
    ],
)
def test_what_cannot_be_seen_says_why(content, why):
    assert looks_of(content) == Unseen(why)


def test_an_image_that_was_cut_is_seen_as_far_as_it_goes():
    whole = encoded(IMAGE, "JPEG")
    assert len(seen(whole[: len(whole) // 2])) == 1


def child_id() -> int:
    looks_of(PNG)
    assert looks._PROCESS._child is not None
    return looks._PROCESS._child.pid


def test_a_crash_costs_one_image():
    for name in (signal.SIGSEGV, signal.SIGKILL):
        before = child_id()
        os.kill(before, name)
        assert looks_of(PNG) == Unseen("the decoder has crashed")
        assert looks_of(PNG) == (imagehash_phash(IMAGE),)
        assert child_id() != before


def test_a_decoder_that_hangs_is_ended(monkeypatch):
    os.kill(child_id(), signal.SIGSTOP)
    with monkeypatch.context() as patched:
        patched.setattr(locked_process, "DEADLINE_S", 0.05)
        assert looks_of(PNG) == Unseen("the decoder has hung")
    assert looks_of(PNG) == (imagehash_phash(IMAGE),)


@pytest.mark.parametrize(
    "lie",
    [
        b"\x04\x00" + bytes(32),
        b"\xff\xff" + bytes(300),
        b"\x00\x00",
        b"\x01",
    ],
)
def test_an_answer_that_it_never_gives_is_a_crash(lie):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(lie)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            answered(ours, b"an image", time.monotonic() + 5, looks._read_looks)


def test_reasons_are_cut_to_what_an_answer_holds():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(looks._packed("x" * 1000))
        found = answered(ours, b"", time.monotonic() + 5, looks._read_looks)
        assert found == Unseen("x" * 255)


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd')",
        "open(sys.argv[0], 'ab')",
        "socket.socket()",
        "os.pipe()",
        "os.fork()",
        "os.kill(os.getppid(), 0)",
        "bytearray(3 << 30)",
    ],
)
def test_the_process_can_do_nothing_but_decode(attempt):
    code = (
        "import os, socket, sys\n"
        "from pipelines.io.looks import _give_up_rights, _look\n"
        "_give_up_rights()\n"
        f"try: {attempt}\n"
        "except (OSError, MemoryError): print('refused')\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "refused"
