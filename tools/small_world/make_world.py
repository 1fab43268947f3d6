"""Make the small world: `python -m tools.small_world.make_world PACKAGES OUT` writes its tables.

`OUT/train.parquet` holds what the shipped prior is trained on, `OUT/held_out.parquet` what it never
sees: images as PNG with captions. `SOURCES.md` says how to unpack the packages into `PACKAGES`.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model import png
from tools.small_world.emoji import FONTS, emoji
from tools.small_world.shapes import (
    count_combinations,
    counted,
    related,
    relation_combinations,
)
from tools.small_world.split import kept_orders, parts
from tools.small_world.things import TEMPLATES, Thing, captions, fraction

SEED = 0
# Pictures of each combination of shapes; chosen so that an epoch has about as many rows of
# shapes as of people.
OF_EACH_COUNT = 70
OF_EACH_RELATION = 10
HELD_OUT_ORDER_EVERY = 8  # picture of a combination of shapes; chosen, likewise

Row = dict[str, Any]


def world(packages: Path, seed: int = SEED) -> list[Thing]:
    """Everything, in a fixed order: the emoji of all fonts, then shapes that the seed places."""
    things = [thing for style in FONTS for thing in emoji(packages, style)]
    rng = np.random.default_rng(seed)
    for attributes in count_combinations():
        things += [counted(attributes, rng) for _ in range(OF_EACH_COUNT)]
    for attributes in relation_combinations():
        things += [related(attributes, rng) for _ in range(OF_EACH_RELATION)]
    return things


def rows(things: list[Thing]) -> Iterator[Row]:
    """Every picture with its captions; of rendered shapes, which are many, one caption each."""
    for number, (thing, part) in enumerate(zip(things, parts(things), strict=True)):
        kept = kept_orders(thing)
        for order in _orders(thing, number, kept):
            for caption in captions(thing, order):
                yield {
                    "image": thing.image,
                    "caption": caption,
                    "kind": thing.kind,
                    "style": thing.style,
                    "attributes": json.dumps(thing.attributes),
                    "part": "order" if part == "kept" and order not in kept else part,
                    "order": order,
                }


def _orders(thing: Thing, number: int, kept: list[int]) -> list[int]:
    orders = range(len(TEMPLATES[thing.kind]))
    if thing.style:
        return list(orders)
    turn, place = divmod(number, HELD_OUT_ORDER_EVERY)
    if place == 0:
        others = [order for order in orders if order not in kept]
        return [others[turn % len(others)]]
    return [kept[(turn + place) % len(kept)]]


def _write(file: Path, found: list[Row]) -> None:
    """In an order that mixes the kinds, since training reads neighbours together."""
    mixed = sorted(found, key=lambda row: fraction(row["caption"], row["image"].tobytes()))
    table = pa.Table.from_pylist([row | {"image": png.encode(row["image"])} for row in mixed])
    pq.write_table(table, file)


def main() -> None:
    """Write the tables and print how much is in them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", type=Path, help="folder with the unpacked packages")
    parser.add_argument("out", type=Path, help="folder to write to")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    found = list(rows(world(args.packages)))
    _write(args.out / "train.parquet", [row for row in found if row["part"] == "kept"])
    _write(args.out / "held_out.parquet", [row for row in found if row["part"] != "kept"])
    for (kind, part), count in sorted(Counter((r["kind"], r["part"]) for r in found).items()):
        print(f"{kind:<9} {part:<12} {count:>6}")


if __name__ == "__main__":
    main()
