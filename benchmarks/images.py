"""Decoding, scaling and storing images: against img2dataset, in and out of the sandbox, and by PNG.

The photographs are made up: noise of all scales, as JPEGs of 500 to 1200 px.
"""

import io
import os
import time
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from functools import lru_cache
from statistics import median

import numpy as np
from PIL import Image

from benchmarks.material import SIDE, pairs
from benchmarks.measure import Contestant, Row, Seconds, race, size, speed
from dalle_model.pixels import Rgb, from_stored, to_png
from pipelines.images.config import ImagesConfig
from pipelines.images.measure import Measured
from pipelines.images.measure import measure as measure_one
from pipelines.images.sandbox.sandbox import Sandbox
from pipelines.images.shard import columns

NUM_IMAGES = 300
NUM_PHOTOS = 60
PHOTO_SIZES = ((500, 700), (640, 480), (800, 600), (1024, 768), (1200, 800), (900, 1200))
LARGE_SIDE = 256  # pixels: of the paper; the archive holds 20 images of that size
PILLOW_LEVEL = 3  # the fastest of Pillow's that is no larger than its default
PEER = "peer: img2dataset, center_crop and JPEG of quality 95, decode to bytes"
SQUARE = {"side": LARGE_SIDE, "crop": "center"}
OURS: dict[str, dict[str, object]] = {
    "full decode, PNG": SQUARE,
    "scaled decode, PNG": SQUARE | {"decode": "scaled"},
    "full decode, JPEG": SQUARE | {"store": "jpeg"},
    "full decode, Lanczos, PNG": SQUARE | {"resize": "lanczos"},
}


def measure() -> list[Row]:
    """Images per CPU-second, and bytes of an image."""
    encoded = [pair.encoded for pair in pairs(NUM_IMAGES)]
    config = ImagesConfig(side=SIDE, resize="lanczos")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about palettes with transparency
        times = race(
            lambda: _stored_rows(encoded, config),
            lambda: [_decode_and_resize(content) for content in encoded],
        )
    floor = "floor: Pillow decode and resize"
    rows = [speed("Image to stored row, 64 px", "images", floor, len(encoded), times)]
    rows += _against_the_peer()
    rows.append(_sandbox())
    for name, stored in _stores().items():
        rows += _png(name, stored)
    return rows


@lru_cache
def photographs() -> tuple[bytes, ...]:
    """JPEGs of quality 85 with detail at every scale, as photographs have."""
    return tuple(_photograph(number) for number in range(NUM_PHOTOS))


def _photograph(number: int) -> bytes:
    chance = np.random.default_rng(number)
    width, height = PHOTO_SIZES[number % len(PHOTO_SIZES)]
    pixels = np.full((height, width, 3), 128, np.float32)
    for octave in range(2, 9):
        coarse = chance.normal(
            size=(2 + height * 2**octave // 1200, 2 + width * 2**octave // 1200, 3)
        )
        for colour in range(3):
            plane = Image.fromarray(coarse[..., colour].astype(np.float32))
            wave = plane.resize((width, height), Image.Resampling.BICUBIC)
            pixels[..., colour] += np.asarray(wave) * (60 / octave**1.1)
    pixels += chance.normal(size=(height, width, 1)) * 6
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _against_the_peer() -> list[Row]:
    peer = _img2dataset()
    rows = []
    for name, settings in OURS.items():
        config = ImagesConfig.model_validate(settings)

        def ours(config: ImagesConfig = config) -> list[object]:
            return _stored_rows(photographs(), config)

        times = race(ours, peer)
        rows.append(speed(f"Photograph to stored row, {name}", "images", PEER, NUM_PHOTOS, times))
    return rows


def _img2dataset() -> Contestant:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # else it asks the network at import
    import cv2
    from img2dataset import resizer

    cv2.setNumThreads(1)
    resizer.SuppressStdoutStderr = nullcontext  # it redirects this process's own output
    resize = resizer.Resizer(LARGE_SIDE, "center_crop", False)
    return lambda: [resize(io.BytesIO(content)) for content in photographs()]


def _sandbox() -> Row:
    """The cost of the child process: CPU seconds of both sides against one."""
    config = ImagesConfig.model_validate(SQUARE)
    sandbox = Sandbox()

    def apart() -> Seconds:
        cpu, wall = time.process_time(), time.perf_counter()
        answers = [sandbox.measure(content, config) for content in photographs()]
        elsewhere = sum(answer.cpu_s for answer in answers)
        return Seconds(time.process_time() - cpu + elsewhere, time.perf_counter() - wall)

    def alone() -> Seconds:
        cpu, wall = time.process_time(), time.perf_counter()
        for content in photographs():
            measure_one(content, config)
        return Seconds(time.process_time() - cpu, time.perf_counter() - wall)

    apart(), alone()
    turns = [(apart(), alone()) for _ in range(3)]
    sandbox.close()
    times = [_median([turn[side] for turn in turns]) for side in (0, 1)]
    name, other = "Photograph to pixels, in the sandbox", "floor: the same in this process"
    return speed(name, "images", other, NUM_PHOTOS, times)


def _median(times: Sequence[Seconds]) -> Seconds:
    return Seconds(median(t.cpu for t in times), median(t.wall for t in times))


def _stores() -> dict[str, list[Rgb]]:
    found = {}
    for side in (SIDE, LARGE_SIDE):
        config = ImagesConfig(side=side, resize="lanczos")
        chosen = [pair.encoded for pair in pairs(NUM_IMAGES, side)]
        found[f"drawings of {side} px"] = [measure_one(one, config).stored for one in chosen]
    config = ImagesConfig(side=LARGE_SIDE)
    found["photographs of 256 px"] = [measure_one(one, config).stored for one in photographs()]
    return found


def _png(name: str, stored: list[Rgb]) -> list[Row]:
    ours, theirs = [to_png(rgb) for rgb in stored], [_by_pillow(rgb) for rgb in stored]
    other = f"Pillow, level {PILLOW_LEVEL}"
    writing = race(
        lambda: [to_png(rgb) for rgb in stored], lambda: [_by_pillow(rgb) for rgb in stored]
    )
    reading = race(
        lambda: [from_stored(one) for one in ours], lambda: [_read_by_pillow(one) for one in theirs]
    )
    return [
        speed(f"PNG written, {name}", "images", other, len(stored), writing),
        speed(f"PNG read, {name}", "images", other, len(stored), reading),
        size(f"PNG, {name}", "bytes/image", other, _mean(ours), _mean(theirs)),
    ]


def _mean(files: list[bytes]) -> float:
    return sum(map(len, files)) / len(files)


def _stored_rows(files: Sequence[bytes], config: ImagesConfig) -> list[object]:
    found: list[Measured] = [measure_one(content, config) for content in files]
    return [columns(one, config) for one in found]


def _decode_and_resize(encoded: bytes) -> Rgb:
    """As fast as Pillow alone: no checks, no profile, no hash, nothing stored."""
    with Image.open(io.BytesIO(encoded)) as image:
        scale = SIDE / min(image.size)
        width, height = (round(edge * scale) for edge in image.size)
        resized = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def _by_pillow(rgb: Rgb) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="PNG", compress_level=PILLOW_LEVEL)
    return buffer.getvalue()


def _read_by_pillow(encoded: bytes) -> Rgb:
    with Image.open(io.BytesIO(encoded), formats=["PNG"]) as image:
        return np.asarray(image.convert("RGB"))
