"""Make the small world: `python -m tools.small_world.make_world PACKAGES OUT` writes its tables.

`OUT/train.parquet` holds what the shipped prior is trained on; `OUT/held_out.parquet` what it is
judged by: captions that it never sees, with their images, and all emoji with a caption each, as a
gallery. Images are PNG. `demo/SOURCES.md` says how to unpack the packages into `PACKAGES`.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model import png
from tools.small_world.emoji import FONTS, emoji
from tools.small_world.questions import questions
from tools.small_world.shapes import (
    count_combinations,
    counted,
    related,
    relation_combinations,
)
from tools.small_world.split import kept_orders, parts
from tools.small_world.things import Thing, captions, fraction

SEED = 0
# Pictures of each combination of shapes; chosen so that an epoch has about as many rows of
# shapes as of people.
OF_EACH_COUNT = 70
OF_EACH_RELATION = 10
HELD_OUT_ORDER_EVERY = 8  # picture of a shape; chosen
ASKED = 100  # captions of a kind and part of the split; chosen: what fits a minute of sampling

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


def trained(things: list[Thing]) -> Iterator[Row]:
    """Pictures that are not held out, in all word orders that are not; of shapes in one each."""
    for number, (thing, part) in enumerate(zip(things, parts(things), strict=True)):
        if part == "kept":
            for order in _orders(thing, number):
                for caption in captions(thing, order):
                    yield {"image": thing.image, "caption": caption}


def judged(things: list[Thing], most: int = ASKED) -> Iterator[Row]:
    """Held-out captions, and a gallery of all emoji, with what `zero_shot` reads of them."""
    for question in questions(things, most):
        if question.asked != "trained":
            yield _judged(things[question.thing], question.caption, question.asked)
    for thing in things:
        if thing.style:
            named = ", ".join((thing.kind, *thing.attributes.values(), thing.style))
            yield _judged(thing, named, "gallery")


def _judged(thing: Thing, caption: str, asked: str) -> Row:
    return {
        "image": thing.image,
        "caption": caption,
        "kind": thing.kind,
        "style": thing.style,
        "attributes": json.dumps(thing.attributes),
        "asked": asked,
    }


def _orders(thing: Thing, number: int) -> list[int]:
    """Of a rendered shape, one of its combination by turns; every eighth is of a held-out order."""
    kept = kept_orders(thing)
    turn, place = divmod(number, HELD_OUT_ORDER_EVERY)
    if thing.style:
        return kept
    return [] if place == 0 else [kept[(turn + place) % len(kept)]]


def _write(file: Path, found: Iterator[Row]) -> None:
    """In an order that mixes the kinds, since training reads neighbours together."""
    mixed = sorted(found, key=lambda row: fraction(row["caption"], row["image"].tobytes()))
    table = pa.Table.from_pylist([row | {"image": png.encode(row["image"])} for row in mixed])
    pq.write_table(table, file)
    print(f"{len(mixed):>6} rows  {file}")


def main() -> None:
    """Write the tables and print how much is in them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", type=Path, help="folder with the unpacked packages")
    parser.add_argument("out", type=Path, help="folder to write to")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    things = world(args.packages)
    _write(args.out / "train.parquet", trained(things))
    _write(args.out / "held_out.parquet", judged(things))


if __name__ == "__main__":
    main()
