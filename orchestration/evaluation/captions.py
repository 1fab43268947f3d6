"""The captions of a reference that models are to draw images for, as the paper chose them."""

import csv
import io
from dataclasses import dataclass

import numpy as np

from dalle_model import files
from orchestration.evaluation.sets import PictureSet, read_reference

# Source: Ramesh et al. 2021, section 3.1: captions of MS-COCO; of CUB all different ones are taken.
NUMBER = 30_000
COLUMNS = ("file_name", "caption", "reference")


@dataclass(frozen=True)
class DrawnCaptions:
    """Captions that were written.

    Args:
        url: of the table.
        number: of its rows.
        total: captions of the set from which they were drawn.
    """

    url: str
    number: int
    total: int

    def __str__(self) -> str:
        return f"captions {self.url}: {self.number:,} of {self.total:,}"


def write_captions(
    reference: str, out: str, number: int, seed: int, captions: str
) -> DrawnCaptions:
    """Draw captions of a reference, and write them as CSV with the names that samples should have.

    Args:
        reference: path of a set, as `read_reference` takes it.
        out: URL of the table.
        number: of captions at most.
        seed: of the draw.
        captions: of the set, where its layout has several.
    """
    pairs = caption_pairs(read_reference(reference, captions))
    chosen = drawn(len(pairs), number, seed)
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for place, row in enumerate(chosen):
        caption, name = pairs[row]
        table.writerow([f"{place:06d}.png", caption, name])
    files.write_bytes(out, stream.getvalue().encode())
    return DrawnCaptions(out, len(chosen), len(pairs))


def caption_pairs(found: PictureSet) -> list[tuple[str, str]]:
    """Captions with the names of their images: of CUB each caption once, of others all."""
    pairs = [(c, one.image.name) for one in found.pictures for c in one.image.captions]
    if found.layout != "cub":
        return pairs
    first: dict[str, str] = {}
    for caption, name in pairs:
        first.setdefault(caption, name)
    return list(first.items())


def drawn(total: int, number: int, seed: int) -> list[int]:
    """Places of captions, in the order of the set: all where there are no more than asked for."""
    if total <= number:
        return list(range(total))
    places = np.random.default_rng(seed).choice(total, number, replace=False)
    return [int(place) for place in np.sort(places)]
