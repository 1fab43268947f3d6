import random
import re
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFile

from dalle_model.pixels import Rgb
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import sniff
from pipelines.images.rules import Reason, UnusableImageError
from pipelines.rejection import Check
from tests.support.raw_images import PNG_HEAD, chunk, decoded, encode, png, shorts, smooth

CONFIG = ImagesConfig(side=8)
IMAGE = smooth(48, 40)


def broken(encoded: bytes, config: ImagesConfig = CONFIG) -> Check:
    with pytest.raises(UnusableImageError) as caught:
        decoded(encoded, config)
    return caught.value.check


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_lossless_formats_keep_every_pixel(form) -> None:
    encoded = encode(IMAGE, form, **({"lossless": True} if form == "WEBP" else {}))
    assert np.array_equal(decoded(encoded, CONFIG), np.asarray(IMAGE))


def test_the_first_of_two_images_in_a_phones_jpeg_is_used() -> None:
    encoded = encode(
        IMAGE, "MPO", save_all=True, append_images=[smooth(48, 40, 9)], quality=95, subsampling=0
    )
    assert np.abs(decoded(encoded, CONFIG).astype(int) - np.asarray(IMAGE)).max() <= 8


@pytest.mark.parametrize(
    ("encoded", "kind"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\n<!doctype html>", "HTML or SVG"),
        (encode(IMAGE, "BMP"), "BMP"),
        (encode(IMAGE, "TIFF"), "TIFF"),
        (encode(IMAGE, "AVIF"), "AVIF"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypisom", "a video or another ISO media file"),
        (b"Not found", "unknown"),
    ],
)
def test_other_formats_reach_no_decoder(encoded, kind) -> None:
    assert sniff(encoded) == kind
    check = broken(encoded)
    assert (check.reason, check.detail.split(";")[0]) == (Reason.WRONG_FORMAT, kind)


def test_the_allow_list_is_the_config() -> None:
    check = broken(encode(IMAGE, "GIF"), ImagesConfig(side=8, formats=("JPEG",)))
    assert check.detail == "GIF; allowed: JPEG"


def sized_png(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG_HEAD + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000)))


def sized_jpeg(width: int, height: int) -> bytes:
    encoded = bytearray(encode(IMAGE, "JPEG"))
    frame = encoded.index(b"\xff\xc0")
    encoded[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(encoded)


def sized_gif(width: int, height: int) -> bytes:
    encoded = encode(IMAGE, "GIF")
    return encoded[:6] + struct.pack("<HH", width, height) + encoded[10:]


BOMBS = {
    "png below Pillow's limit": sized_png(8000, 8000),
    "png where Pillow warns": sized_png(10_000, 10_000),
    "png where Pillow raises": sized_png(60_000, 60_000),
    "jpeg": sized_jpeg(65_000, 65_000),
    "gif": sized_gif(65_535, 65_535),
    "one column": sized_png(1, 60_000_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_by_their_header(name, monkeypatch) -> None:
    loads: list[object] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", loads.append)
    check = broken(BOMBS[name])
    assert check.reason == Reason.TOO_MANY_PIXELS
    assert check.threshold == CONFIG.max_pixels
    assert loads == []


def test_shape_and_size_are_refused_by_the_header(monkeypatch) -> None:
    loads: list[object] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", loads.append)
    assert broken(encode(smooth(100, 40), "JPEG")).reason == Reason.ASPECT_RATIO
    assert broken(encode(smooth(7, 7), "PNG")).reason == Reason.TOO_SMALL
    assert loads == []


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF"])
def test_half_an_image_is_truncated(form) -> None:
    encoded = encode(smooth(200, 200), form)
    assert broken(encoded[: len(encoded) // 2]).reason == Reason.TRUNCATED


def test_messages_are_the_same_in_every_process() -> None:
    check = broken(b"\xff\xd8\xff" + b"nonsense" * 10)
    assert check.reason == Reason.UNDECODABLE
    assert check.detail == "UnidentifiedImageError: cannot identify image file"


def seeds() -> Iterator[bytes]:
    palette = IMAGE.quantize(16)
    turned = Image.Exif()
    turned[0x0112] = 6
    yield encode(IMAGE, "JPEG", exif=turned)
    yield encode(IMAGE, "JPEG", progressive=True)
    yield encode(IMAGE.convert("CMYK"), "JPEG")
    yield encode(IMAGE, "PNG")
    yield encode(palette, "PNG", transparency=0)
    yield png(8, 8, 16, 0, shorts(*range(0, 64_000, 8000)), chunk(b"tRNS", shorts(8000)))
    yield encode(IMAGE, "WEBP")
    yield encode(palette, "GIF", save_all=True, append_images=[smooth(48, 40, 2).quantize(16)])


def mutated(encoded: bytes, chance: random.Random) -> bytes:
    content = bytearray(encoded)
    for _ in range(chance.randint(1, 8)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    if chance.random() < 0.3:
        start = chance.randrange(len(content))
        del content[start : start + chance.randint(1, 64)]
    return bytes(content)


def outcome(encoded: bytes) -> Rgb | Check:
    try:
        return decoded(encoded, CONFIG)
    except UnusableImageError as error:
        return error.check


def test_five_hundred_damaged_images_give_pixels_or_a_reason() -> None:
    chance, originals = random.Random(1), list(seeds())
    found = [outcome(mutated(originals[n % len(originals)], chance)) for n in range(500)]
    checks = [check for check in found if isinstance(check, Check)]
    decoded = [rgb for rgb in found if not isinstance(rgb, Check)]
    assert all(check.reason in set(Reason) for check in checks)
    assert not any(re.search(r"0x[0-9a-f]{6,}", check.detail) for check in checks)
    assert all(rgb.dtype == np.uint8 and rgb.shape[2] == 3 for rgb in decoded)
    assert len(checks) > 100
    assert len(decoded) > 100


def test_an_unexpected_error_of_a_decoder_is_a_reason(monkeypatch) -> None:
    def fails(image: object) -> None:
        raise KeyError("MPO")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fails)
    check = broken(encode(IMAGE, "PNG"))
    assert (check.reason, check.detail) == (Reason.UNDECODABLE, "KeyError: 'MPO'")


def test_the_bytes_of_a_mended_file_are_those_served() -> None:
    odd = chunk(b"zTXt", b"k\0\7" + bytes(5000))
    encoded = encode(IMAGE, "PNG")
    served = encoded[:33] + odd + encoded[33:]
    limit = len(encoded) + 1000
    assert decoded(served, ImagesConfig(side=8, min_bytes=limit)).shape == (40, 48, 3)
    assert broken(encoded, ImagesConfig(side=8, min_bytes=limit)).reason == Reason.TOO_FEW_BYTES


def test_a_rule_that_a_mended_file_breaks_is_the_reason() -> None:
    encoded = encode(smooth(7, 7), "PNG")
    served = encoded[:33] + chunk(b"zTXt", b"k\0\7x") + encoded[33:]
    assert broken(served).reason == Reason.TOO_SMALL


def test_a_sound_file_is_decoded_once_and_as_it_is(monkeypatch) -> None:
    opened: list[bytes] = []
    real = Image.open

    def spy(stream: BytesIO, formats: list[str]) -> Image.Image:
        opened.append(stream.getvalue())
        return real(stream, formats=formats)

    monkeypatch.setattr(Image, "open", spy)
    for encoded in seeds():
        decoded(encoded, CONFIG)
        assert opened == [encoded]
        opened.clear()


def test_the_first_frame_of_an_animation_is_used() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    for form in ("GIF", "WEBP", "PNG"):
        buffer = BytesIO()
        frames[0].save(buffer, form, save_all=True, append_images=frames[1:])
        found = decoded(buffer.getvalue(), CONFIG)[0, 0].astype(int)
        assert np.abs(found - [255, 0, 0]).max() <= 2
