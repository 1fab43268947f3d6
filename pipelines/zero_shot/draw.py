"""An image for each of some captions that were held out, judged by what it shows.

Pictures are what the codec keeps of them: the gallery is decoded from tokens.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model.clip.registry import load_scorer
from dalle_model.evaluate.best_of import gains
from dalle_model.evaluate.nearest import Gallery
from dalle_model.evaluate.shapes import shows
from dalle_model.pixels import Rgb, to_png
from dalle_model.prior.trained import check_codec, load_prior
from dalle_model.progress import OnStep
from dalle_model.sample.best import Best, draw_best
from dalle_model.sample.grid import tiled_grid
from dalle_model.sample.images import draw_images
from dalle_model.shards import list_shards, read_shards
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.registry import load_codec
from pipelines.best_of import SCORE_FIELDS, columns_of, with_scores
from pipelines.io.parquet import to_bytes
from pipelines.io.task import StageTask
from pipelines.records import CODEC, PRIOR
from pipelines.zero_shot.config import ZeroShotConfig

ZERO_SHOT_SCHEMA = pa.schema(
    [
        pa.field("caption", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("picture", pa.binary(), nullable=False),
        pa.field("sample", pa.binary(), nullable=False),
        pa.field("is_right", pa.bool_(), nullable=False),
    ]
)
ASKED, GALLERY = "combination", "gallery"  # in the column `asked` of the shards
_COLUMNS = ["key", "caption", "image_tokens", "asked", "attributes", "kind", "style"]
# Kinds that a checker reads out of the image, since their pictures are not of one place.
_RENDERED = ("count", "relation")
SHEET_ROWS, ACROSS = 40, 5  # chosen: what fits a screen; the report shows all
_DECODED_TOGETHER = 256  # images; chosen: some 100 MB

Row = dict[str, Any]


@dataclass(frozen=True)
class ZeroShot:
    """What the stage writes: a Parquet table, a PNG of its first rows, and figures of it."""

    table: bytes
    sheet: bytes
    metrics: dict[str, Any]


def sample_held_out(task: StageTask, config: ZeroShotConfig, on_step: OnStep) -> ZeroShot:
    """Draw an image for each caption, and judge it.

    Raises:
        CheckpointError: the prior was trained on codes of another codec, or by an older version.
        ShardError: the shards of the world are missing, damaged, or of other columns.
    """
    codec, url = load_codec(task.url(CODEC)), task.url(PRIOR)
    trained = load_prior(url)
    check_codec(url, trained.codes, codec.facts)
    rows = read_shards(list_shards(config.world), _COLUMNS).to_pylist()
    chosen = in_turn([row for row in rows if row["asked"] == ASKED])[: config.num_captions]
    captions = [row["caption"] for row in chosen]
    gallery = [row for row in rows if row["asked"] == GALLERY]
    judge = _Judge(chosen, gallery, Gallery(_pictures(codec, gallery)))
    pictures = _pictures(codec, chosen)
    if not config.scored_by:
        samples = draw_images(trained, codec, captions, 1, config.sampling, on_step)[:, 0]
        return _judged(judge, samples, judge.are_right(chosen, samples), pictures)
    scorer = load_scorer(config.scored_by)
    best = draw_best(
        trained, codec, captions, config.best_of, scorer, judge, config.sampling, on_step
    )
    return _judged(judge, best.images, best.best_are_right, pictures, best)


def in_turn(rows: Sequence[Row]) -> list[Row]:
    """A caption of each combination, by kind in turn, until each kind has no more."""
    by_kind: dict[str, dict[tuple[str, str], Row]] = {}
    for row in sorted(rows, key=lambda row: str(row["key"])):
        combination = (row["attributes"], row["style"] or "")
        by_kind.setdefault(row["kind"], {}).setdefault(combination, row)
    turns = zip_longest(*(by_kind[kind].values() for kind in sorted(by_kind)))
    return [row for row in chain.from_iterable(turns) if row is not None]


def is_right(row: Row, sample: Rgb, found: Row) -> bool:
    """Whether a sample shows what a caption says.

    Args:
        row: of the caption.
        sample: uint8 `(height, width, 3)`.
        found: of the picture of the gallery that the sample is nearest to.
    """
    if row["kind"] in _RENDERED:
        return shows(sample, json.loads(row["attributes"]))
    return all(found[name] == row[name] for name in ("kind", "style", "attributes"))


@dataclass(frozen=True, eq=False)
class _Judge:
    """Says of images of a caption which are right.

    Args:
        rows: of the captions.
        found_in: rows of the gallery.
        gallery: its images.
    """

    rows: list[Row]
    found_in: list[Row]
    gallery: Gallery

    def __call__(self, index: int, images: Rgb) -> list[bool]:
        return self.are_right([self.rows[index]] * len(images), images)

    def are_right(self, rows: list[Row], images: Rgb) -> list[bool]:
        """Of images, each of a caption of its own."""
        found = [self.found_in[place] for place in self.gallery.nearest(images)]
        return [is_right(*each) for each in zip(rows, images, found, strict=True)]


def _judged(
    judge: _Judge, samples: Rgb, right: list[bool], pictures: Rgb, best: Best | None = None
) -> ZeroShot:
    chosen, captions = judge.rows, [row["caption"] for row in judge.rows]
    columns: dict[str, Any] = {
        "caption": captions,
        "kind": [row["kind"] for row in chosen],
        "picture": [to_png(image) for image in pictures],
        "sample": [to_png(image) for image in samples],
        "is_right": right,
    }
    metrics = {
        "captions": len(chosen),
        "right": sum(right),
        "rate": sum(right) / len(chosen),
        "chance": 1 / len(judge.found_in),
        "gallery": len(judge.found_in),
        **dict(_rates(chosen, right)),
    }
    schema = ZERO_SHOT_SCHEMA
    if best:
        columns |= columns_of(best)
        metrics |= gains(best.scores, best.are_right)
        schema = pa.schema([*schema, *SCORE_FIELDS])
        captions = with_scores(captions, best.best_scores)
    sheet = io.BytesIO()
    shown = [pictures[:SHEET_ROWS], samples[:SHEET_ROWS]]
    tiled_grid(shown, captions[:SHEET_ROWS], ACROSS).save(sheet, format="PNG")
    table = to_bytes(pa.Table.from_pydict(columns, schema))
    return ZeroShot(table, sheet.getvalue(), metrics)


def _rates(rows: list[Row], right: list[bool]) -> Iterator[tuple[str, float]]:
    for kind in sorted({row["kind"] for row in rows}):
        own = [ok for row, ok in zip(rows, right, strict=True) if row["kind"] == kind]
        yield f"rate_{kind}", sum(own) / len(own)


def _pictures(codec: Codec, rows: list[Row]) -> Rgb:
    codes = np.array([row["image_tokens"] for row in rows], codec.facts.dtype)
    parts = np.split(codes, range(_DECODED_TOGETHER, len(codes), _DECODED_TOGETHER))
    return np.concatenate([codec.decode(part) for part in parts])
