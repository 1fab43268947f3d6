"""Views of images for tests, seeded, and the slow twin of what finds near ones among them."""

import numpy as np

from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.keys import Records
from pipelines.dedupe.near import MAX_ASPECT_CHANGE
from pipelines.dedupe.views import NUM_VALUES, VIEW_DTYPE


def view(
    image: int,
    *,
    area: int = 10_000,
    phash: int = 0,
    values: int = 0,
    aspect: int = 0,
    reach: int = 0,
    number: int = 0,
) -> Records:
    """One view; images with other numbers have other pixels."""
    made = np.zeros(1, VIEW_DTYPE)
    made["high"], made["area"], made["pixels"], made["view"] = image, area, image, number
    made["phash"], made["values"], made["aspect"], made["reach"] = phash, values, aspect, reach
    return made


def crowd(size: int, seed: int) -> Records:
    """Views around a few centres: many are near each other, and many narrowly are not."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(0, 8, (max(1, size // 8), NUM_VALUES))
    of = chance.integers(0, len(centres), size)
    made = np.zeros(size, VIEW_DTYPE)
    made["high"] = chance.permutation(size)
    made["pixels"], made["area"] = made["high"], chance.integers(1, 4, size) * 1000
    made["values"] = np.rint(centres[of] + chance.normal(0, 0.6, (size, NUM_VALUES))).clip(-99, 99)
    made["aspect"], made["reach"] = chance.choice([0, 0, 0, 9], size), chance.integers(0, 3, size)
    flips = chance.integers(0, 2, (size, 30)) @ (1 << np.arange(30))
    made["phash"] = of.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ flips.astype(np.uint64)
    return made


def near_by_brute_force(views: Records, config: DedupeConfig) -> set[tuple[int, int]]:
    """Every pair (image, better image) whose views are within the three limits."""
    found = set()
    for one in views:
        for other in views:
            if (-int(other["area"]), int(other["high"])) < (-int(one["area"]), int(one["high"])):
                bits = (int(one["phash"]) ^ int(other["phash"])).bit_count()
                apart = one["values"].astype(float) - other["values"]
                limit = max(one["reach"], other["reach"]) + config.max_sketch_distance
                if (
                    bits <= config.max_hamming
                    and (apart**2).sum() <= float(limit) ** 2
                    and abs(int(one["aspect"]) - int(other["aspect"])) <= MAX_ASPECT_CHANGE
                ):
                    found.add((int(one["high"]), int(other["high"])))
    return found
