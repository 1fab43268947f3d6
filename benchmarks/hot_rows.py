"""Input of `hot_keys`: tables of pairs, shards of candidates, shards of images that are drawn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model import files
from pipelines.io import parquet
from pipelines.io.keys import pair_key, shard_of
from pipelines.records import CANDIDATE_SCHEMA, CANDIDATES, IMAGE_SCHEMA, IMAGES
from tests.support.many_images import columns, pictures
from tests.support.tasks import stage_task

NUM_SHARDS = 16
NUM_INPUTS = 8
DISTINCT = "all different"
PAIR, IMAGE, CAPTION = "one pair", "one image, captions differ", "one caption, images differ"
PIXELS, PHASH = "equal pixels, URLs differ", "one hash, pixels differ"
CASES = {
    "crawl": (DISTINCT, PAIR, IMAGE, CAPTION),
    "captions": (DISTINCT, IMAGE, CAPTION),
    "dedupe": (DISTINCT, IMAGE, CAPTION, PIXELS, PHASH),
}
_BATCH = 5_000

Pair = tuple[str, str]


def pair(case: str, number: int) -> Pair:
    """The URL and the caption of a row."""
    of_image = 0 if case in {PAIR, IMAGE} else number
    of_text = 0 if case in {PAIR, CAPTION} else number
    return (
        f"https://cdn.site.test/images/2026/11/{of_image:09d}/photograph-of-a-thing.jpg",
        f"a photograph of the thing with number {of_text} upon a wooden table",
    )


def config_of(stage: str, folder: str) -> dict[str, Any]:
    """The section of a stage; captions are counted over all data as well."""
    if stage == "crawl":
        return {"sources": [{"path": f"{folder}/tables/*.tsv"}]}
    if stage == "captions":
        return {"recipe": "align", "overrides": {"image_with_many_texts": None}}
    return {}


def write_input(stage: str, case: str, num_rows: int, folder: str) -> None:
    """Write what a stage reads."""
    if stage == "crawl":
        _write_tables(case, num_rows, Path(folder) / "tables")
        return
    task = stage_task(folder, stage, NUM_SHARDS)
    role, schema = (CANDIDATES, CANDIDATE_SCHEMA) if stage == "captions" else (IMAGES, IMAGE_SCHEMA)
    made = _candidates(case, num_rows) if stage == "captions" else _images(case, num_rows)
    shards: list[list[pa.Table]] = [[schema.empty_table()] for _ in range(NUM_SHARDS)]
    for table in made:
        of = np.array([shard_of(key, NUM_SHARDS) for key in table["key"].to_pylist()])
        for index in np.unique(of).tolist():
            shards[index].append(table.filter(pa.array(of == index)))
    for index, parts in enumerate(shards):
        whole = pa.concat_tables(parts).sort_by("key")
        files.write_bytes(task.input(role).part(index), parquet.to_bytes(whole))


def _write_tables(case: str, num_rows: int, folder: Path) -> None:
    folder.mkdir()
    for number in range(NUM_INPUTS):
        with (folder / f"{number}.tsv").open("w") as out:
            for row in range(number, num_rows, NUM_INPUTS):
                url, caption = pair(case, row)
                out.write(f"{caption}\t{url}\n")


def _batches(num_rows: int) -> Iterator[range]:
    return (range(low, min(low + _BATCH, num_rows)) for low in range(0, num_rows, _BATCH))


def _candidates(case: str, num_rows: int) -> Iterator[pa.Table]:
    for numbers in _batches(num_rows):
        pairs = [pair(case, number) for number in numbers]
        yield _table(_of_pairs(pairs), CANDIDATE_SCHEMA)


def _of_pairs(pairs: list[Pair]) -> dict[str, list[Any]]:
    urls, texts = (list(values) for values in zip(*pairs, strict=True))
    return {"key": [pair_key(*each) for each in pairs], "url": urls, "caption": texts}


def _images(case: str, num_rows: int) -> Iterator[pa.Table]:
    """Drawn as 16x16 cells, as in `tests.support.many_images`; no stored pixels."""
    chance = np.random.default_rng(0)
    shared = columns(pictures(1, chance), border=False)
    for numbers in _batches(num_rows):
        count = len(numbers)
        is_shared = case in {IMAGE, PIXELS, PHASH}
        drawn = shared if is_shared else columns(pictures(count, chance), border=False)
        sketches, thumbnails, phashes = (
            list(values) * count if is_shared else values for values in drawn
        )
        hashes = [chance.bytes(16).hex() for _ in numbers]
        if case in {IMAGE, PIXELS}:
            hashes = ["0" * 32] * count
        yield _table(
            _of_pairs([pair(case, number) for number in numbers])
            | {"sketch": sketches, "thumbnail": thumbnails, "phash": phashes}
            | {"pixel_hash": hashes, "width": [640] * count, "height": [480] * count},
            IMAGE_SCHEMA,
        )


def _table(made: dict[str, list[Any]], schema: pa.Schema) -> pa.Table:
    count = len(made["key"])
    empty = {
        field.name: [None if field.nullable else b"" if pa.types.is_binary(field.type) else ""]
        * count
        for field in schema
        if field.name not in made
    }
    return pa.table({name: (made | empty)[name] for name in schema.names}, schema)
