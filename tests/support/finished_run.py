"""A run directory whose images are finished, written without running a stage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from dalle_model import files
from orchestration.engine.config import config_class, keep_config
from pipelines.io import parquet
from pipelines.io.keys import pair_key, shard_of
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, write_manifest
from pipelines.records import IMAGE_SCHEMA, SELECTION_SCHEMA
from tests.support.image_rows import row

Row = dict[str, Any]
NUM_SHARDS = 2
STAGES = (("images", IMAGE_SCHEMA), ("dedupe", SELECTION_SCHEMA))


def image_row(number: int, site: str = "http://x.test", **changes: Any) -> Row:
    """A row of the image shards; several images have more than one caption."""
    made = row(number) | {"url": f"{site}/{number}.png", "caption": f"a café of number {number}"}
    made |= {"sha256": files.sha256(str(number).encode()), **changes}
    return made | {"key": pair_key(made["url"], made["caption"])}


def write_run(
    root: Path, rows: Sequence[Row], dropped: Sequence[Row] = (), carry: Row | None = None
) -> Path:
    """A run of these images, from which the selection has dropped some."""
    source = {"path": "pairs.tsv", "carry": carry or {}}
    config = config_class().model_validate(
        {"num_shards": NUM_SHARDS, "crawl": {"sources": [source]}}
    )
    keep_config(str(root), config)
    gone = {one["key"] for one in dropped}
    for stage, schema in STAGES:
        folder = RunFolder(str(root), NUM_SHARDS).stage(stage)
        written = []
        kept = [r for r in rows if stage == "images" or r["key"] not in gone]
        for index in range(NUM_SHARDS):
            shard = [r for r in kept if shard_of(r["key"], NUM_SHARDS) == index]
            shard = [
                {n: r.get(n) for n in schema.names} for r in sorted(shard, key=lambda r: r["key"])
            ]
            content = parquet.to_bytes(pa.Table.from_pylist(shard, schema=schema))
            files.write_bytes(folder.part(index), content)
            entry = {"name": Path(folder.part(index)).name, "rows": len(shard)}
            written.append(entry | {"bytes": len(content), "sha256": files.sha256(content)})
        identity: Row = {"config": {}, "inputs": {}, "dependencies": {}}
        manifest = Manifest(stage, "f", **identity, num_shards=NUM_SHARDS, files=written)
        write_manifest(folder, manifest)
    return root
