"""An image for each of the first captions of the training set, next to its original."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model.checkpoint import CheckpointError
from dalle_model.clip.registry import load_scorer
from dalle_model.cuts import Box, Cut
from dalle_model.evaluate.best_of import gains
from dalle_model.evaluate.nearest import Gallery
from dalle_model.evaluate.samples import SampleScore, score_samples
from dalle_model.pixels import Rgb, to_png
from dalle_model.prior.trained import TrainedPrior, check_codec, load_prior
from dalle_model.progress import OnStep
from dalle_model.sample.best import Best, draw_best
from dalle_model.sample.grid import comparison_grid
from dalle_model.sample.images import draw_images
from dalle_model.settings import PairChoice
from dalle_model.shards import image_of, list_shards
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.registry import load_codec
from dalle_model.train.data import open_rows
from dalle_model.train.images import Images
from pipelines.best_of import SCORE_FIELDS, columns_of, with_scores
from pipelines.io.parquet import to_bytes
from pipelines.io.squares import pixels_of, surviving_squares
from pipelines.io.task import StageTask
from pipelines.records import CODEC, IMAGES, PRIOR, TOKENS
from pipelines.samples.config import SamplesConfig

SAMPLES_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("caption", pa.string(), nullable=False),
        pa.field("original", pa.binary(), nullable=False),
        pa.field("reconstruction", pa.binary(), nullable=False),
        pa.field("sample", pa.binary(), nullable=False),
        pa.field("nearest", pa.string(), nullable=False),
        pa.field("is_own", pa.bool_(), nullable=False),
    ]
)
_COLUMNS = ["key", "caption", "image_tokens", "view", "crop", "flipped"]
GRID_ROWS = 16  # chosen: what fits a screen; the report shows all


@dataclass(frozen=True)
class Samples:
    """What the stage writes: a Parquet table, a PNG of its first rows, and figures of it.

    Args:
        table: as Parquet.
        sheet: as PNG.
        score: of the samples that were kept.
        gains: of choosing them, by name; empty where there was no choice.
    """

    table: bytes
    sheet: bytes
    score: SampleScore
    gains: dict[str, float]


def sample_training_captions(task: StageTask, config: SamplesConfig, on_step: OnStep) -> Samples:
    """Draw an image for each of the first captions of the training set, and score them.

    Raises:
        CheckpointError: the prior was trained on codes of another codec, or by an older version.
    """
    codec = load_codec(task.url(CODEC))
    url = task.url(PRIOR)
    trained = load_prior(url)
    check_codec(url, trained.codes, codec.facts)
    rows = _training_rows(task, trained, config.num_captions)
    captions = [row["caption"] for row in rows]
    squares = surviving_squares(task, codec.facts.side, codec.facts.resample)
    if not config.scored_by:
        drawn = draw_images(trained, codec, captions, 1, config.sampling, on_step)
        return _scored(task, codec, rows, squares, drawn[:, 0])
    judge = _Judge([image_of(row["key"]) for row in rows], squares.names, Gallery(squares.rgb))
    scorer = load_scorer(config.scored_by)
    best = draw_best(
        trained, codec, captions, config.best_of, scorer, judge, config.sampling, on_step
    )
    return _scored(task, codec, rows, squares, best.images, best)


@dataclass(frozen=True, eq=False)
class _Judge:
    """Says of images of a caption which are nearest to the caption's own.

    Args:
        own_names: of the image of each caption.
        names: of each image of the gallery.
        gallery: the images of the run.
    """

    own_names: list[str]
    names: list[str]
    gallery: Gallery

    def __call__(self, index: int, images: Rgb) -> list[bool]:
        found = self.gallery.nearest(images)
        return [self.names[place] == self.own_names[index] for place in found]


def _training_rows(task: StageTask, trained: TrainedPrior, number: int) -> list[dict[str, Any]]:
    """The first rows that the prior was trained on, one for each image."""
    if "choice" not in trained.metrics:
        raise CheckpointError(
            f"{task.url(PRIOR)} does not say which rows it was trained on, as an older version "
            "wrote it; `dalle train prior` again"
        )
    choice = PairChoice(**trained.metrics["choice"])
    rows: dict[str, dict[str, Any]] = {}
    for row in open_rows(list_shards(task.url(TOKENS)), choice, _COLUMNS).source:
        if len(rows) == number:
            break
        if row["view"] == 0:
            rows.setdefault(image_of(row["key"]), row)
    return list(rows.values())


def _scored(
    task: StageTask,
    codec: Codec,
    rows: list[dict[str, Any]],
    gallery: Images,
    samples: Rgb,
    best: Best | None = None,
) -> Samples:
    keys, captions = [row["key"] for row in rows], [row["caption"] for row in rows]
    shape = codec.facts.image_shape
    cuts = [
        (row["key"], Cut(Box(*row["crop"].tolist()), bool(row["flipped"]), shape)) for row in rows
    ]
    originals = np.stack(pixels_of(task.input(IMAGES), cuts, codec.facts.resample))
    codes = np.array([row["image_tokens"] for row in rows], codec.facts.dtype)
    decoded = codec.decode(codes)
    own_names = [image_of(key) for key in keys]
    scored = score_samples(samples, own_names, originals, decoded, gallery.rgb, gallery.names)
    columns: dict[str, Any] = {
        "key": keys,
        "caption": captions,
        "original": [to_png(image) for image in originals],
        "reconstruction": [to_png(image) for image in decoded],
        "sample": [to_png(image) for image in samples],
        "nearest": scored.nearest,
        "is_own": scored.is_own,
    }
    schema = SAMPLES_SCHEMA
    if best:
        columns |= columns_of(best)
        schema = pa.schema([*schema, *SCORE_FIELDS])
        captions = with_scores(captions, best.best_scores)
    shown = [column[:GRID_ROWS] for column in (originals, decoded, samples)]
    sheet = io.BytesIO()
    comparison_grid(shown, captions[:GRID_ROWS]).save(sheet, format="PNG")
    table = to_bytes(pa.Table.from_pydict(columns, schema))
    gained = gains(best.scores, best.are_right) if best else {}
    return Samples(table, sheet.getvalue(), scored.score, gained)
