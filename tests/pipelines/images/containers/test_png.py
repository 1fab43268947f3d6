import struct
import zlib

import numpy as np
import pytest
from PIL import PngImagePlugin

from pipelines.images.config import ImagesConfig
from pipelines.images.containers.png import MAX_INFLATED, chunks, without_side_data
from pipelines.images.rules import Reason, UnusableImageError
from tests.support.raw_images import PNG_HEAD, chunk, decoded, encode, png, shorts, smooth

CONFIG = ImagesConfig(side=8)
IMAGE = smooth(48, 40)
PLAIN = encode(IMAGE, "PNG")
HEAD, DATA, END = (found.whole for found in chunks(PLAIN))
LARGE = zlib.compress(bytes(MAX_INFLATED + 1))
BACKGROUND = chunk(b"bKGD", bytes(6))
XMP = b'<x tiff:Orientation="6"/>'


def damaged(whole: bytes) -> bytes:
    """A chunk whose checksum is wrong."""
    return whole[:-1] + bytes([whole[-1] ^ 1])


def with_chunk(whole: bytes) -> bytes:
    return PNG_HEAD + HEAD + whole + DATA + END


SIDE_DATA = {
    "a text of 2 MB, compressed": chunk(b"zTXt", b"k\0\0" + LARGE),
    "an international text of 2 MB": chunk(b"iTXt", b"k\0\1\0\0\0" + LARGE),
    "a text compressed in no known way": chunk(b"zTXt", b"k\0\7abc"),
    "a text with a wrong checksum": damaged(chunk(b"tEXt", b"k\0x")),
    "a time with a wrong checksum": damaged(chunk(b"tIME", bytes(7))),
    "a text whose name is a field of Pillow's": chunk(b"tEXt", b"transparency\0x"),
    "a text called interlace": chunk(b"tEXt", b"interlace\0x"),
    "a text called bbox": chunk(b"tEXt", b"bbox\0x"),
    "a gamma cut short": chunk(b"gAMA", b"\0"),
    "a size cut short": chunk(b"pHYs", b"\0"),
    "a transparency cut short": chunk(b"tRNS", b"\0"),
    "a transparency with a wrong checksum": damaged(chunk(b"tRNS", shorts(0, 0, 0))),
    "a profile of 2 MB": chunk(b"iCCP", b"p\0\0" + LARGE),
    "a profile without a name": chunk(b"iCCP", b"p"),
    "a profile compressed in no known way": chunk(b"iCCP", b"p\0\7abc"),
    "frames cut short": chunk(b"acTL", b"\0") + chunk(b"fcTL", b"\0"),
}


@pytest.mark.parametrize("name", SIDE_DATA)
def test_side_data_does_not_cost_the_image(name):
    before_pixels = with_chunk(SIDE_DATA[name])
    behind_pixels = PNG_HEAD + HEAD + DATA + SIDE_DATA[name] + END
    for encoded in (before_pixels, behind_pixels):
        assert np.array_equal(decoded(encoded, CONFIG), np.asarray(IMAGE))


def test_many_texts_do_not_cost_the_image(monkeypatch):
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_MEMORY", 1000)  # 64 MiB
    assert np.array_equal(
        decoded(with_chunk(chunk(b"tEXt", b"k\0" + bytes(2000))), CONFIG), np.asarray(IMAGE)
    )


@pytest.mark.parametrize(
    "tail", [b"", END + b"junk", END + chunk(b"tEXt", b"k\0x"), chunk(b"tEXt", b"k\0xxxxxx")[:-9]]
)
def test_what_follows_the_pixels_does_not_cost_the_image(tail):
    assert np.array_equal(decoded(PNG_HEAD + HEAD + DATA + tail, CONFIG), np.asarray(IMAGE))


@pytest.mark.parametrize(
    "encoded",
    [
        PNG_HEAD + damaged(HEAD) + DATA + END,
        PNG_HEAD + HEAD + DATA[:400] + bytes([DATA[400] ^ 1]) + DATA[401:] + END,
        with_chunk(b"\0\0\0\1a-b!x" + bytes(4)),
        with_chunk(b"\0\xff\xff\xfftEXt"),
    ],
)
def test_damage_to_the_pixels_is_a_rejection(encoded):
    with pytest.raises(UnusableImageError) as caught:
        decoded(encoded, CONFIG)
    assert caught.value.check.reason in (Reason.UNDECODABLE, Reason.TRUNCATED)


def test_a_damaged_palette_is_a_rejection():
    palette = [found.whole for found in chunks(encode(IMAGE.quantize(16), "PNG"))]
    encoded = PNG_HEAD + b"".join([palette[0], damaged(palette[1]), *palette[2:]])
    with pytest.raises(UnusableImageError):
        decoded(encoded, CONFIG)


def test_what_changes_pixels_is_kept_beside_damage():
    odd = SIDE_DATA["a text with a wrong checksum"]
    key = chunk(b"tRNS", shorts(70))
    row = bytes([70, 1, 2, 3, 4, 5, 6, 7])
    assert decoded(png(8, 8, 8, 0, row, key, odd), CONFIG)[0, 0].tolist() == [255, 255, 255]
    turned = chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0" + bytes(4))
    assert decoded(PNG_HEAD + HEAD + turned + odd + DATA + END, CONFIG).shape == (48, 40, 3)


@pytest.mark.parametrize(
    "xmp",
    [
        b"\0\0\0\0" + XMP,
        b"\1\0\0\0" + zlib.compress(XMP),
    ],
)
def test_an_orientation_in_a_text_is_kept_beside_damage(xmp):
    text = chunk(b"iTXt", b"XML:com.adobe.xmp\0" + xmp)
    odd = SIDE_DATA["a text with a wrong checksum"]
    assert decoded(with_chunk(text), CONFIG).shape == (48, 40, 3)
    assert decoded(with_chunk(text + odd), CONFIG).shape == (48, 40, 3)


@pytest.mark.parametrize("name", [b"iCCP", b"eXIf", b"tRNS"])
def test_what_decides_pixels_survives(name):
    content = {b"iCCP": b"p\0\0" + zlib.compress(b"x"), b"eXIf": b"x", b"tRNS": bytes(6)}[name]
    assert without_side_data(with_chunk(chunk(name, content))) == with_chunk(chunk(name, content))


def test_what_decides_no_pixels_is_dropped():
    assert without_side_data(with_chunk(BACKGROUND)) == PLAIN


def test_anything_is_walked_to_its_end():
    for content in (b"", PNG_HEAD, PNG_HEAD + b"\0", PLAIN[:30], PNG_HEAD + struct.pack(">I", 9)):
        assert without_side_data(content).startswith(PNG_HEAD)
