import hashlib
import random
import subprocess
import sys
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dalle_model import png
from tests.support.raw_images import PNG_HEAD, chunk, encode, smooth


def random_image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (7, 5), (256, 341)])
def test_both_readers_give_every_pixel_back(size):
    rgb = random_image(*size)
    encoded = png.encode(rgb)
    own = png.decode(encoded)
    assert own is not None
    assert np.array_equal(own, rgb)
    with Image.open(BytesIO(encoded)) as image:
        assert np.array_equal(np.asarray(image), rgb)
        assert image.info == {}


def test_any_memory_layout_gives_the_same_bytes():
    rgb = random_image(6, 8)
    assert png.encode(np.asfortranarray(rgb)) == png.encode(rgb)
    assert png.encode(rgb.transpose(1, 0, 2)) == png.encode(rgb.transpose(1, 0, 2).copy())


def test_the_bytes_are_those_of_every_processor():
    """A shard's digest holds them; a libdeflate that writes others is another stage."""
    drawn = random.Random(0)
    rows = [[drawn.choice(b"aab") * n % 256 for n in range(96)] for _ in range(64)]
    encoded = png.encode(np.array(rows, np.uint8).reshape(64, 32, 3))
    assert (
        hashlib.sha256(encoded).hexdigest()
        == "190c56064ce8c340dc8418820398682dbbd130708936e715fb8f4b10d0f87828"
    )


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "1"])
def test_the_files_of_others_are_left_to_others(mode):
    assert png.decode(encode(smooth(9, 7).convert(mode), "PNG")) is None


def test_no_damaged_file_is_taken_for_an_own_one():
    rgb, chance = random_image(20, 30), random.Random(0)
    encoded = png.encode(rgb)
    for _ in range(300):
        damaged = bytearray(encoded)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        assert png.decode(bytes(damaged)) is None
    for length in range(0, len(encoded), 7):
        assert png.decode(encoded[:length]) is None


@pytest.mark.parametrize(
    "rows", [b"", b"\2" + bytes(26), b"\2" + bytes(28), b"\1" + bytes(27), bytes(10_000_000)]
)
def test_rows_that_do_not_fit_the_head_are_refused(rows):
    head = (9).to_bytes(4, "big") + (1).to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert png.decode(PNG_HEAD + parts) is None


def test_without_libdeflate_files_are_written_and_read_by_zlib():
    rgb = random_image(8, 8)
    code = (
        "import sys; sys.modules['deflate'] = None\n"
        "import numpy as np; from dalle_model import png\n"
        "encoded = sys.stdin.buffer.read(); rgb = png.decode(encoded)\n"
        "assert np.array_equal(png.decode(png.encode(rgb)), rgb)\n"
        "sys.stdout.buffer.write(rgb.tobytes())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], input=png.encode(rgb), capture_output=True, check=True
    )
    assert ran.stdout == rgb.tobytes()


def test_without_compression_the_file_is_of_another_size_and_the_same_pixels():
    rgb = np.zeros((30, 20, 3), np.uint8)
    plain = png.encode(rgb, level=0)
    assert len(plain) > rgb.size > len(png.encode(rgb))
    own = png.decode(plain)
    assert own is not None
    assert np.array_equal(own, rgb)
