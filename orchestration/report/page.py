"""The report of a run: one HTML file, from the run directory alone, that asks no other host."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, PackageLoader, select_autoescape

from dalle_model import files
from orchestration.engine import artifacts as places
from orchestration.engine.config import RunConfig, load_run_config
from orchestration.engine.graph import graph
from orchestration.engine.manifest import Manifest, read_manifest, read_rejected, read_timings
from orchestration.report import charts
from orchestration.report.funnels import funnels
from pipelines.io.parquet import read_table

REPORT = "report/index.html"
EXAMPLES = 4  # chosen: dropped rows shown for each reason
KEPT_PICTURES = 48  # chosen: three rows on a wide screen


@dataclass(frozen=True)
class StageRow:
    """One stage in the table of the books."""

    name: str
    manifest: Manifest
    wall_s: float
    cpu_s: float

    @property
    def dropped(self) -> int:
        return sum(self.manifest.rejected.values())

    @property
    def is_balanced(self) -> bool:
        return self.manifest.rows_in == self.manifest.rows_out + self.dropped

    @property
    def rows_per_s(self) -> float:
        return self.manifest.rows_in / self.wall_s if self.wall_s else 0.0


def write_report(root: str) -> str:
    """Build the report and write it into the run directory.

    Returns:
        URL of the HTML file.

    Raises:
        ExplainError: the directory holds no run.
    """
    url = files.join(root, REPORT)
    files.write_bytes(url, render(root).encode())
    return url


def render(root: str) -> str:
    """The report as HTML."""
    config = load_run_config(root)
    rows = list(_stage_rows(root, config))
    sharded = [row for row in rows if row.manifest.num_shards]
    models = {row.name: row for row in rows if not row.manifest.num_shards}
    environment = Environment(
        loader=PackageLoader("orchestration.report"),
        autoescape=select_autoescape(),
        trim_blocks=True,
    )
    return environment.get_template("report.html").render(
        name=config.name,
        rows=sharded,
        models=models,
        funnel=list(_funnel(sharded)),
        captions=funnels(root),
        rejections={row.name: list(_rejections(root, row.manifest)) for row in sharded},
        kept=_kept_pictures(root),
        samples=_samples(root),
        history=charts.history(_history(root)),
        codec=_codec(root),
        total_wall=sum(row.wall_s for row in rows),
        total_cpu=sum(row.cpu_s for row in rows),
    )


def data_uri(png: bytes) -> str:
    """A PNG as text that an `<img>` can hold."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _stage_rows(root: str, config: RunConfig) -> Iterator[StageRow]:
    for stage in graph(config):
        manifest = read_manifest(root, stage.name)
        if manifest is not None:
            timings = read_timings(root, stage.name)
            yield StageRow(
                stage.name, manifest, timings.get("wall_s", 0.0), timings.get("cpu_s", 0.0)
            )


def _funnel(rows: list[StageRow]) -> Iterator[dict[str, Any]]:
    """What is left after each stage, as a share of all candidates."""
    total = max((row.manifest.rows_in for row in rows[:1]), default=0)
    for row in rows:
        left = row.manifest.rows_out
        yield {"name": row.name, "rows": left, "share": left / total if total else 0.0}


def _rejections(root: str, manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Each reason of a stage with its count and a few of the rows."""
    table = read_rejected(root, manifest)
    for reason, count in sorted(manifest.rejected.items(), key=lambda item: (-item[1], item[0])):
        examples = table.filter(pc.equal(table["reason"], reason)).slice(0, EXAMPLES).to_pylist()
        yield {"reason": reason, "count": count, "examples": examples}


def _first_part(root: str, stage: str) -> pa.Table | None:
    manifest = read_manifest(root, stage)
    if manifest is None or not manifest.files:
        return None
    return read_table(files.join(root, stage, manifest.files[0]["name"]))


def _kept_pictures(root: str) -> list[dict[str, str]]:
    pictures, survivors = _first_part(root, "images"), _first_part(root, "dedupe")
    if pictures is None or survivors is None:
        return []
    kept = pictures.filter(pc.is_in(pictures["key"], survivors["key"])).slice(0, KEPT_PICTURES)
    return [
        {"src": data_uri(row["png"]), "caption": row["caption"], "key": row["key"]}
        for row in kept.select(["key", "caption", "png"]).to_pylist()
    ]


def _samples(root: str) -> list[dict[str, Any]]:
    manifest = read_manifest(root, "samples")
    if manifest is None:
        return []
    rows = read_table(files.join(root, places.SAMPLES_TABLE)).to_pylist()
    pictures = ("original", "reconstruction", "sample")
    return [row | {name: data_uri(row[name]) for name in pictures} for row in rows]


def _history(root: str) -> list[dict[str, float]]:
    if read_manifest(root, "prior") is None:
        return []
    history: list[dict[str, float]] = files.read_json(files.join(root, places.HISTORY))
    return history


def _codec(root: str) -> dict[str, Any]:
    from dalle_model.shards import image_tokens, read_metadata, read_shards

    manifest = read_manifest(root, "encode")
    if manifest is None or not manifest.rows_out:
        return {}
    urls = [files.join(root, "encode", entry["name"]) for entry in manifest.files]
    metadata = read_metadata(urls[0])
    tokens = image_tokens(read_shards(urls, columns=["image_tokens"]))
    return charts.code_usage(tokens, metadata.num_codes) | {
        "codec": metadata.codec,
        "sha256": metadata.codec_sha256,
        "grid": metadata.grid,
        "num_codes": metadata.num_codes,
        "side": metadata.side,
        "bytes": sum(entry["bytes"] for entry in manifest.files),
    }
