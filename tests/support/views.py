"""Views of images for tests, seeded, and the slow twins of what finds near ones among them."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.cuts import Cut
from pipelines.dedupe.grids import Grid, Values
from pipelines.dedupe.keys import Records
from pipelines.dedupe.near import candidates, keep_best, unique_pairs
from pipelines.dedupe.views import VIEW_DTYPE
from pipelines.sameness.hashes import SKETCH_VALUES
from pipelines.sameness.likeness import MAX_ASPECT_CHANGE


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
    centres = chance.normal(0, 8, (max(1, size // 8), SKETCH_VALUES))
    of = chance.integers(0, len(centres), size)
    made = np.zeros(size, VIEW_DTYPE)
    made["high"] = chance.permutation(size)
    made["pixels"], made["area"] = made["high"], chance.integers(1, 4, size) * 1000
    made["values"] = np.rint(centres[of] + chance.normal(0, 0.6, (size, SKETCH_VALUES))).clip(
        -99, 99
    )
    made["aspect"], made["reach"] = chance.choice([0, 0, 0, 9], size), chance.integers(0, 3, size)
    flips = chance.integers(0, 2, (size, 30)) @ (1 << np.arange(30))
    made["phash"] = of.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ flips.astype(np.uint64)
    return made


def found_near(
    parts: Sequence[Records], num_tables: int, config: DedupeConfig, cut: Cut | None = None
) -> Records:
    """The candidates of all groups that the views of some shards go to."""
    cut = cut or Cut(sum(map(len, parts)))
    config = config.model_copy(update={"num_tables": num_tables})
    groups = defaultdict(list)
    for part in parts:
        for group, views in cut.groups(part, num_tables):
            groups[group].append(views)
    found = [candidates(views, group, cut, config) for group, views in groups.items()]
    return keep_best(unique_pairs(np.concatenate(found)))


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


def meetings_one_by_one(values: Values, grids: Sequence[Grid], crowd: int) -> set[tuple[int, int]]:
    """Every pair that meets in a table: each view is looked for in each cell, level by level."""
    found = set()
    asking: list[tuple[int, tuple[int, ...]]] = [(view, ()) for view in range(len(values))]
    inside: dict[tuple[int, ...], list[int]] = {(): list(range(len(values)))}
    for level, grid in enumerate(grids):
        probes = grid.probes(np.ascontiguousarray(values.T).view(np.uint8)).tolist()
        cells = defaultdict(list)
        for outer, views in inside.items():
            for view in views:
                cells[*outer, probes[0][view]].append(view)
        asked = [((*outer, codes[view]), view) for view, outer in asking for codes in probes]
        is_last = level == len(grids) - 1
        inside = {cell: views for cell, views in cells.items() if len(views) > crowd}
        asking = [(view, cell) for cell, view in asked if cell in inside]
        for cell, view in asked:
            if is_last or cell not in inside:
                found |= {(min(view, o), max(view, o)) for o in cells.get(cell, [])[:crowd]}
    return {pair for pair in found if pair[0] != pair[1]}
