"""Both decoders of JPEGs against each other: a file has one outcome, whichever reads it."""

import random
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from benchmarks.material import ARCHIVE
from dalle_model.pixels import Rgb
from pipelines.images import turbo
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import decode
from pipelines.images.rules import UnusableImageError
from pipelines.rejection import Check
from tests.support.raw_images import encode, smooth

CONFIG = ImagesConfig(side=8)
IMAGE = smooth(173, 131, 3)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ODD_PROFILE = PROFILE.replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


PLAIN = {
    **{f"subsampling {n}": encode(IMAGE, "JPEG", subsampling=n) for n in range(3)},
    **{f"orientation {n}": encode(IMAGE, "JPEG", exif=turned(n)) for n in range(1, 9)},
    "grey": encode(IMAGE.convert("L"), "JPEG"),
    "progressive": encode(IMAGE, "JPEG", progressive=True),
    "grey and progressive": encode(IMAGE.convert("L"), "JPEG", progressive=True),
    "RGB as stored": encode(IMAGE, "JPEG", keep_rgb=True),
    "with restarts": encode(IMAGE, "JPEG", restart_marker_blocks=3),
    "sRGB": encode(IMAGE, "JPEG", icc_profile=PROFILE),
    "another profile": encode(IMAGE, "JPEG", icc_profile=ODD_PROFILE),
    "black": encode(Image.new("RGB", (61, 47)), "JPEG"),
    "lossless nearly": encode(IMAGE, "JPEG", quality=100, subsampling=0),
}


def outcome(encoded: bytes) -> Rgb | Check:
    try:
        return decode(encoded, CONFIG).rgb
    except UnusableImageError as error:
        return error.check


def check_both(files: list[bytes], monkeypatch) -> list[Rgb | Check]:
    """The outcomes of files, which are the same without the fast decoder."""
    found = [outcome(encoded) for encoded in files]
    monkeypatch.setattr(turbo, "decode", lambda *_: None)
    for encoded, ours in zip(files, found, strict=True):
        theirs = outcome(encoded)
        if isinstance(ours, Check) or isinstance(theirs, Check):
            assert ours == theirs
        else:
            assert np.array_equal(ours, theirs)
    return found


@pytest.mark.parametrize("name", PLAIN)
def test_plain_files_have_the_pixels_that_pillow_finds(name, monkeypatch) -> None:
    with Image.open(BytesIO(PLAIN[name])) as image:
        assert turbo.decode(PLAIN[name], image, CONFIG) is not None
    assert not isinstance(check_both([PLAIN[name]], monkeypatch)[0], Check)


def test_other_colours_are_left_to_pillow() -> None:
    encoded = encode(IMAGE.convert("CMYK"), "JPEG")
    with Image.open(BytesIO(encoded)) as image:
        assert turbo.decode(encoded, image, CONFIG) is None


def test_a_header_that_two_readers_read_differently_is_left_to_pillow() -> None:
    with Image.open(BytesIO(PLAIN["grey"])) as image:
        assert turbo.decode(encode(smooth(90, 60), "JPEG"), image, CONFIG) is None


def mutations(chance: random.Random) -> Iterator[bytes]:
    for encoded in PLAIN.values():
        for _ in range(25):
            content = bytearray(encoded)
            for _ in range(chance.randint(1, 4)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            if chance.random() < 0.4:
                del content[chance.randrange(len(content)) :]
            if chance.random() < 0.3:
                content += b"\xff\xd9"
            yield bytes(content)


def test_damaged_files_have_one_outcome(monkeypatch) -> None:
    found = check_both(list(mutations(random.Random(4))), monkeypatch)
    refused = sum(isinstance(ours, Check) for ours in found)
    assert refused > 50
    assert len(found) - refused > 50


def test_the_jpegs_of_the_demo_have_one_outcome(monkeypatch) -> None:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with ARCHIVE.open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response)
        bodies = [record.reader.read() for record in records]
    jpegs = [body for body in bodies if body.startswith(b"\xff\xd8")]
    assert len(jpegs) > 100
    check_both(jpegs, monkeypatch)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 480), (160, 120)),
        ((2100, 1500), (263, 188)),
        ((333, 1000), (84, 250)),
        ((127, 200), (64, 100)),
        ((126, 200), (126, 200)),
        ((5000, 5000), (625, 625)),
    ],
)
def test_at_a_scale_no_edge_is_below_the_store_size(size, expected) -> None:
    config = ImagesConfig(side=64, decode="scaled", max_aspect=4)
    encoded = encode(smooth(*size), "JPEG")
    with Image.open(BytesIO(encoded)) as image:
        raw = turbo.decode(encoded, image, config)
    assert raw is not None
    assert raw.shape[1::-1] == expected


def test_at_a_scale_a_file_that_was_cut_is_noticed_as_well() -> None:
    framed = smooth(640, 480)
    framed.paste("teal", (500, 400, 640, 480))
    encoded = encode(framed, "JPEG")
    cut = encoded[: len(encoded) * 2 // 3] + b"\xff\xd9"
    for decoding in ("full", "scaled"):
        config = ImagesConfig(side=64, decode=decoding)
        assert decode(encoded, config).rgb.shape
        with pytest.raises(UnusableImageError, match="truncated"):
            decode(cut, config)
