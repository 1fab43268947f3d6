"""Pictures that people look at: samples beside their captions, and shards decoded again."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.evaluate.samples import SampleScore, score_samples
from dalle_model.pixels import Rgb, from_png, square, to_png
from dalle_model.prior.trained import TrainedPrior, check_codec, load_prior
from dalle_model.progress import OnStep
from dalle_model.sample.grid import comparison_grid, image_grid
from dalle_model.sample.images import draw_images, sample_images
from dalle_model.settings import SampleSettings
from dalle_model.shards import (
    ShardError,
    image_of,
    image_tokens,
    list_shards,
    read_metadata,
    read_shards,
)
from dalle_model.tokenizers.codec import Codec, load_codec
from dalle_model.train.images import ImagesError, distinct_images
from orchestration.beam.stages import codec_of
from orchestration.engine import artifacts as places
from orchestration.engine.config import load_run_config
from pipelines.io.parquet import read_table, to_bytes

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
GRID_ROWS = 16  # chosen: what fits a screen; the report shows all


class NoPriorError(DalleError):
    """There is nothing to draw from: where, and the command that makes it."""


@dataclass(frozen=True)
class Samples:
    """What the stage `samples` writes: a Parquet table, a PNG, and the score."""

    table: bytes
    picture: bytes
    score: SampleScore


def sample_training_captions(
    root: str,
    codec_name: str,
    num_captions: int,
    settings: SampleSettings,
    on_step: OnStep,
) -> Samples:
    """Draw one picture for each of the first captions of the training set, and judge them.

    Raises:
        CheckpointError: the prior was trained on codes of another codec.
    """
    codec = load_codec(codec_name)
    url = files.join(root, places.PRIOR)
    trained = load_prior(url)
    check_codec(url, trained.codes, codec)
    rows = _training_rows(root, trained, num_captions)
    captions = [row["caption"] for row in rows]
    drawn = draw_images(trained, codec, captions, 1, settings, on_step)
    return _judge(root, codec, rows, drawn[:, 0])


def first_caption(root: str) -> str:
    """The first caption of the stage `samples`: one that its prior has seen in training."""
    table = read_table(files.join(root, places.SAMPLES_TABLE), ["caption"])
    return str(table["caption"][0].as_py())


def draw_samples(
    root: str,
    caption: str,
    number: int,
    out: str,
    settings: SampleSettings,
    on_step: OnStep,
) -> str:
    """Pictures for one caption, as a PNG.

    Raises:
        NoPriorError: the run has no prior.
        CheckpointError: its prior or codec cannot be used.
    """
    config = load_run_config(root)
    url = files.join(root, places.PRIOR)
    if not files.exists(url):
        raise NoPriorError(
            f"{root} has no prior; `dalle train prior --config FILE --dir {root}` makes one"
        )
    codec = load_codec(codec_of(config, root))
    pictures = sample_images(url, codec, [caption], number, settings, on_step)
    return _write(out, image_grid(list(pictures), [caption]))


def draw_grid(root: str, number: int, out: str) -> str:
    """Originals beside what their tokens hold, read back from the token shards.

    Raises:
        ShardError: no shards, unreadable or empty ones, or shards of another codec than the run's.
        CheckpointError: the run's codec cannot be used.
    """
    urls = list_shards(files.join(root, "encode"))
    codec = load_codec(codec_of(load_run_config(root), root))
    made_by = read_metadata(urls[0]).codec_sha256
    if made_by != codec.sha256:
        raise ShardError(
            f"{urls[0]} was made by the codec {made_by[:12]}, the run's codec is "
            f"{codec.sha256[:12]}; `dalle run encode` makes the shards again"
        )
    table = read_shards(urls).slice(0, number)
    if not table.num_rows:
        raise ShardError(f"the token shards of {root} hold no row; `dalle report` tells why")
    originals = _originals(root, table["key"].to_pylist(), codec.side)
    decoded = codec.decode(image_tokens(table))
    return _write(
        out, comparison_grid([np.stack(originals), decoded], table["caption"].to_pylist())
    )


def surviving_images(root: str, side: int) -> Iterator[tuple[str, Rgb]]:
    """Squares of the images that `dedupe` kept, or of all images where it has not run yet.

    Args:
        root: URL of the run directory.
        side: edge of the squares, in pixels.

    Raises:
        ImagesError: there are none.
        UnreadableShardError: a shard is missing or corrupt.
    """
    seen: set[str] = set()
    for name in files.list_names(files.join(root, "images")):
        if not name.startswith("part-"):
            continue
        survivors = _survivors(files.join(root, "dedupe", name))
        table = read_table(files.join(root, "images", name), ["key", "png"])
        for row in table.to_pylist():
            image = image_of(row["key"])
            if image not in seen and (survivors is None or row["key"] in survivors):
                seen.add(image)
                yield image, square(from_png(row["png"]), side)
    if not seen:
        raise ImagesError(f"no images in {root}; `dalle run images` makes them")


def _survivors(url: str) -> set[str] | None:
    return set(read_table(url, ["key"])["key"].to_pylist()) if files.exists(url) else None


def _training_rows(root: str, trained: TrainedPrior, number: int) -> list[dict[str, Any]]:
    """Key, caption and tokens of the first training pairs, one for each picture."""
    table = read_shards(
        list_shards(files.join(root, "encode")), ["key", "caption", "image_tokens", "view"]
    )
    by_key = {row["key"]: row for row in table.to_pylist() if row["view"] == 0}
    rows: dict[str, dict[str, Any]] = {}
    for key in trained.metrics["keys"]:
        if key in by_key:
            rows.setdefault(image_of(key), by_key[key])
    return list(rows.values())[:number]


def _judge(root: str, codec: Codec, rows: list[dict[str, Any]], samples: Rgb) -> Samples:
    gallery = distinct_images(surviving_images(root, codec.side))
    keys, captions = [row["key"] for row in rows], [row["caption"] for row in rows]
    originals = np.stack(_originals(root, keys, codec.side))
    decoded = codec.decode(np.array([row["image_tokens"] for row in rows], np.uint16))
    own_names = [image_of(key) for key in keys]
    scored = score_samples(samples, own_names, originals, decoded, gallery.rgb, gallery.names)
    columns = {
        "key": keys,
        "caption": captions,
        "original": [to_png(image) for image in originals],
        "reconstruction": [to_png(image) for image in decoded],
        "sample": [to_png(image) for image in samples],
        "nearest": scored.nearest,
        "is_own": scored.is_own,
    }
    shown = [column[:GRID_ROWS] for column in (originals, decoded, samples)]
    picture = comparison_grid(shown, captions[:GRID_ROWS])
    table = pa.Table.from_pydict(columns, SAMPLES_SCHEMA)
    return Samples(to_bytes(table), _png(picture), scored.score)


def _originals(root: str, keys: list[str], side: int) -> list[Rgb]:
    """The stored pictures of some keys, as the encoder saw them."""
    wanted = set(keys)
    found: dict[str, Rgb] = {}
    folder = files.join(root, "images")
    for name in files.list_names(folder):
        if name.startswith("part-"):
            for row in read_table(files.join(folder, name), ["key", "png"]).to_pylist():
                if row["key"] in wanted:
                    found[row["key"]] = square(from_png(row["png"]), side)
    return [found[key] for key in keys]


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _write(out: str, picture: Image.Image) -> str:
    files.write_bytes(out, _png(picture))
    return out
