"""Pictures that are easily told apart, as rows of the images stage, and finished runs of them."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from dalle_model.pixels import Rgb, to_png
from pipelines.io.finish import finish_shard
from pipelines.io.keys import pair_key, shard_of
from pipelines.io.manifest import Manifest, write_manifest
from pipelines.io.task import ShardResult, StageTask, Stopwatch
from pipelines.records import IMAGE_SCHEMA, SELECTION_SCHEMA
from pipelines.rejection import Check, reject
from pipelines.sameness.hashes import describe
from tests.support.image_rows import row
from tests.support.tasks import stage_task

Row = dict[str, Any]
DECIDING = {"side": 48, "resize": "lanczos", "crop": "none"}  # of the images, what decides hashes


def picture(seed: int) -> Rgb:
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((48, 48), Image.Resampling.BICUBIC))


def hash_of(number: int) -> str:
    return blake2b(bytes([number]), digest_size=16).hexdigest()


def image_row(url: str, caption: str, rgb: Rgb, edge: int, pixel_hash: str) -> Row:
    made = row(0, image=to_png(rgb), width=edge, height=edge) | describe(rgb)
    return made | {
        "key": pair_key(url, caption),
        "url": url,
        "caption": caption,
        "pixel_hash": pixel_hash,
    }


def in_shards(rows: Sequence[Row], num_shards: int, schema: pa.Schema) -> list[pa.Table]:
    """Rows as the tables of shards, each sorted by key."""
    mine = [[r for r in rows if shard_of(r["key"], num_shards) == n] for n in range(num_shards)]
    named = [
        [{name: r.get(name) for name in schema.names} for r in sorted(part, key=lambda r: r["key"])]
        for part in mine
    ]
    return [pa.Table.from_pylist(part, schema=schema) for part in named]


def finished_run(
    root: Path, rows: Sequence[Row], num_shards: int, dropped: Sequence[Row] = ()
) -> str:
    """The directory of a run of these images, of which a filter has dropped some."""
    images = _finish(stage_task(root, "images", num_shards), IMAGE_SCHEMA, rows, [], {})
    inputs = {"images": images.digest}
    gone = [r["key"] for r in dropped]
    kept = [r for r in rows if r["key"] not in gone]
    _finish(stage_task(root, "filter", num_shards), SELECTION_SCHEMA, kept, dropped, inputs)
    return str(root)


def _finish(
    task: StageTask,
    schema: pa.Schema,
    kept: Sequence[Row],
    dropped: Sequence[Row],
    inputs: dict[str, str],
) -> Manifest:
    reports = []
    for index, table in enumerate(in_shards(kept, task.num_shards, schema)):
        gone = [r for r in dropped if shard_of(r["key"], task.num_shards) == index]
        rejected = [reject(r, task.stage, Check("bad", passed=False)) for r in gone]
        result = ShardResult(table, rejected, table.num_rows + len(gone))
        reports.append(finish_shard(task, index, result, Stopwatch()))
    identity: Row = {"stage": task.stage, "fingerprint": "f", "config": DECIDING}
    manifest = Manifest.of_shards(
        reports, task.num_shards, **identity, inputs=inputs, dependencies={}
    )
    write_manifest(task.folder, manifest)
    return manifest
