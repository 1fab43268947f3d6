"""What says that a stage is finished, and of what: fingerprints, manifests, timings.

A fingerprint names the work: stage, schema version, settings, content digests of the inputs, and
the digests of models and word lists. A manifest's own content digest is over its output files only.
So a stage that is done again and gives the same bytes leaves every later stage up to date.
"""

import json
import platform
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Self

import pyarrow as pa

from dalle_model import files
from pipelines.io.parquet import read_table
from pipelines.io.task import ShardReport, StageTask, part_name
from pipelines.rejection import REJECTION_SCHEMA

MANIFEST = "manifest.json"
TIMINGS = "timings.json"


@dataclass(frozen=True)
class Manifest:
    """A finished stage.

    Args:
        stage: its name.
        fingerprint: of the work.
        config: the settings that went into the fingerprint.
        inputs: content digest of the manifest of each stage that it read.
        dependencies: version or sha256 of every model, word list and library that matters.
        num_shards: of the run; 0 for a stage that writes no shards.
        rows_in, rows_out: the books; `rows_in == rows_out + sum(rejected.values())`.
        rejected: rows dropped by reason.
        files: `name`, `bytes`, `sha256` (and `rows`) of the output, in order.
        rejected_files: the same of the rejections; not part of the digest.
        metrics: what a stage measured that is a property of its result.
    """

    stage: str
    fingerprint: str
    config: dict[str, Any]
    inputs: dict[str, str]
    dependencies: dict[str, str]
    num_shards: int = 0
    rows_in: int = 0
    rows_out: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    rejected_files: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over the names and checksums of the output files."""
        return digest_of([[entry["name"], entry["sha256"]] for entry in self.files])

    @property
    def reject_rate(self) -> float:
        """Rows dropped for each row in; 0 where none came in."""
        return 1 - self.rows_out / self.rows_in if self.rows_in else 0.0

    @classmethod
    def of_shards(cls, reports: Iterable[ShardReport], num_shards: int, **identity: Any) -> Self:
        """Add up the reports of all shards of a stage."""
        ordered = sorted(reports, key=lambda report: report.index)
        rejected: Counter[str] = Counter()
        for report in ordered:
            rejected.update(report.reasons)
        names = [part_name(report.index, num_shards) for report in ordered]
        return cls(
            **identity,
            num_shards=num_shards,
            rows_in=sum(report.rows_in for report in ordered),
            rows_out=sum(report.rows_out for report in ordered),
            rejected=dict(sorted(rejected.items())),
            files=[{"name": n, **r.kept_file} for n, r in zip(names, ordered, strict=True)],
            rejected_files=[
                {"name": f"rejected/{n}", **r.rejected_file}
                for n, r in zip(names, ordered, strict=True)
            ],
        )


def digest_of(document: Any) -> str:
    """SHA-256 of a JSON-ready value in canonical form."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def read_manifest(root: str, stage: str) -> Manifest | None:
    """The manifest of a stage; None where it is not finished or its manifest is unreadable."""
    try:
        return Manifest(**files.read_json(files.join(root, stage, MANIFEST)))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_manifest(root: str, manifest: Manifest) -> None:
    """Say that a stage is finished; the last thing written."""
    files.write_json(files.join(root, manifest.stage, MANIFEST), asdict(manifest))


def read_timings(root: str, stage: str) -> dict[str, Any]:
    """Seconds, host and versions of a stage's last run; empty where there are none."""
    try:
        return dict(files.read_json(files.join(root, stage, TIMINGS)))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def read_rejected(root: str, manifest: Manifest, columns: list[str] | None = None) -> pa.Table:
    """The rows that a finished stage has dropped, of all shards."""
    urls = [files.join(root, manifest.stage, entry["name"]) for entry in manifest.rejected_files]
    empty = REJECTION_SCHEMA.empty_table().select(columns or REJECTION_SCHEMA.names)
    return pa.concat_tables([empty, *(read_table(url, columns) for url in urls)])


def write_timings(root: str, stage: str, timings: dict[str, Any]) -> None:
    """Write what no comparison reads."""
    environment = {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "pyarrow": version("pyarrow"),
    }
    files.write_json(files.join(root, stage, TIMINGS), timings | environment)


def missing_files(root: str, manifest: Manifest) -> list[str]:
    """Output files of the manifest that the folder does not hold, or holds in another size."""
    missing = []
    for entry in manifest.files + manifest.rejected_files:
        url = files.join(root, manifest.stage, entry["name"])
        if not files.exists(url) or files.identity(url)["bytes"] != entry["bytes"]:
            missing.append(url)
    return missing


def stage_task(root: str, stage: str, num_shards: int, fingerprint: str, attempt: str) -> StageTask:
    """The whole work of a stage: all its shards."""
    return StageTask(root, stage, num_shards, attempt, fingerprint, tuple(range(num_shards)))
