"""Images like photographs, of real size, many a second: crops of a few fields of seeded noise.

As in photographs, power falls with frequency (1/f), so files are as large as those of cameras:
some 170 kB for a JPEG of 0.7 megapixels.
"""

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDES = (500, 1200)  # pixels, the shortest and the longest; chosen: what the web mostly serves
MAX_ASPECT = 1.8  # below the limit of 2 of the images stage
_FIELD_SIDE = 1400
_NUM_FIELDS = 6

Rgb = NDArray[np.uint8]


def photograph(seed: int) -> Image.Image:
    """The image of a seed: no two show the same part of the same field in the same colours."""
    rng, number, (left, top, right, bottom), turn = _drawn(seed)
    crop = _field(number)[top:bottom, left:right][:, ::turn]
    return Image.fromarray(_recoloured(crop, rng))


def miniature(seed: int, side: int) -> tuple[Rgb, int, int]:
    """The same with its shorter edge at `side` pixels, in a tenth of the time; and its own size.

    It is cut out of a field of half the size and recoloured last, which changes pixels by little.
    """
    rng, number, (left, top, right, bottom), turn = _drawn(seed)
    width, height = right - left, bottom - top
    scale = side / min(width, height)
    half = _half_field(number).crop((left // 2, top // 2, right // 2, bottom // 2))
    small = half.resize((round(width * scale), round(height * scale)), Image.Resampling.BILINEAR)
    return _recoloured(np.asarray(small)[:, ::turn], rng), width, height


def jpeg(seed: int, **options: object) -> bytes:
    """A photograph as JPEG, of quality 80 to 90 unless the options give another one."""
    buffer = io.BytesIO()
    quality = 80 + seed % 11
    photograph(seed).save(buffer, "JPEG", **{"quality": quality, **options})
    return buffer.getvalue()


def _drawn(seed: int) -> tuple[np.random.Generator, int, tuple[int, int, int, int], int]:
    """The chance that recolours it, the number of its field, its box there, and -1 if mirrored."""
    rng = np.random.default_rng(seed)
    short = int(rng.integers(SIDES[0], 900))
    long = int(min(SIDES[1], short * rng.uniform(1, MAX_ASPECT)))
    width, height = (long, short) if rng.random() < 0.7 else (short, long)
    number = int(rng.integers(_NUM_FIELDS))
    top, left = map(int, rng.integers(0, [_FIELD_SIDE - height, _FIELD_SIDE - width]))
    return rng, number, (left, top, left + width, top + height), int(rng.choice((-1, 1)))


def _recoloured(crop: Rgb, rng: np.random.Generator) -> Rgb:
    """Its channels in another order and brightness, by tables: a copy costs no arithmetic."""
    found = np.empty_like(crop)
    levels = np.arange(256, dtype=np.float64)
    for channel, source in enumerate(rng.permutation(3)):
        table = np.clip(levels * rng.uniform(0.7, 1.15) + rng.uniform(-20, 20), 0, 255)
        found[..., channel] = table.astype(np.uint8)[crop[..., source]]
    return found


@lru_cache(maxsize=_NUM_FIELDS)
def _field(number: int) -> Rgb:
    rng = np.random.default_rng([number, 1])
    total = np.zeros((_FIELD_SIDE, _FIELD_SIDE, 3), np.float32)
    for octave in range(2, 10):
        grid = rng.normal(size=(2**octave, 2**octave, 3)).astype(np.float32)
        for channel in range(3):
            layer = Image.fromarray(grid[..., channel])
            size = (_FIELD_SIDE, _FIELD_SIDE)
            scaled = np.asarray(layer.resize(size, Image.Resampling.BICUBIC))
            total[..., channel] += scaled * (60 / octave**1.1)
    total += rng.normal(size=(_FIELD_SIDE, _FIELD_SIDE, 1)).astype(np.float32) * 7
    return np.clip(total + 128, 0, 255).astype(np.uint8)


@lru_cache(maxsize=_NUM_FIELDS)
def _half_field(number: int) -> Image.Image:
    return Image.fromarray(_field(number)).reduce(2)
