"""What says that a stage is finished, and of what: fingerprints, manifests, timings.

A fingerprint names the work: stage, schema version, settings, content digests of the inputs, and
the digests of models and word lists. A manifest's own content digest is over its output files only.
So a stage that is done again and gives the same bytes leaves every later stage up to date.
`dalle_model.sealed` sees to it that a damaged manifest is none.
"""

import platform
import posixpath
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import version
from typing import Any, Self, get_origin, get_type_hints

import pyarrow as pa

from dalle_model import files
from dalle_model.sealed import read_sealed, write_sealed
from pipelines.io.layout import StageFolder, part_name, rejected_name
from pipelines.io.manifest_groups import (
    Entry,
    GroupedEntries,
    Groups,
    content_digest,
    digest_of,
    drop_other_groups,
    in_groups,
    is_grouped,
    names_of_shards,
    write_groups,
)
from pipelines.io.parquet import read_table
from pipelines.io.task import ShardReport
from pipelines.rejection import REJECTION_SCHEMA

_ENTRY = ("name", "bytes", "sha256")
# A file is missing, a folder or in place of one, or not JSON.
_NO_DOCUMENT = (
    FileNotFoundError,
    NotADirectoryError,
    IsADirectoryError,
    ValueError,
    RecursionError,
)


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
        rows_in, rows_out: the books; `rows_in == rows_kept + sum(rejected.values())`.
        rows_added: rows out beyond the first that one row in became, such as further views.
        rejected: rows dropped by reason.
        files: `name`, `bytes`, `sha256` (and `rows`) of the output, in order; those of very many
            shards are read where they are used (`pipelines.io.manifest_groups`).
        rejected_files: the same of the rejections; not part of the digest.
        metrics: what a stage measured that is a property of its result.
        passed_over: what its inputs held that was no row, by kind.
        warnings: for a person, one line each.
        row_work: names what was done for a row, beside what the row itself says; empty where it
            is not taken over by other results.
        retried: for each time that dropped rows were taken up again: by reason, `rows` and how many
            came `back`.
    """

    stage: str
    fingerprint: str
    config: dict[str, Any]
    inputs: dict[str, str]
    dependencies: dict[str, str]
    num_shards: int = 0
    rows_in: int = 0
    rows_out: int = 0
    rows_added: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    files: Sequence[Entry] = field(default_factory=list)
    rejected_files: Sequence[Entry] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    passed_over: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    row_work: str = ""
    retried: list[dict[str, Any]] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """SHA-256 over the names and checksums of the output files; over those of their groups."""
        if not is_grouped(self.num_shards):
            return content_digest(self.files)
        digests = [group["digest"] for group in self.groups.entries] if self.groups else None
        return digest_of(digests or [content_digest(part) for part in in_groups(self.files)])

    @property
    def groups(self) -> Groups | None:
        """The groups in which a manifest that was read lists its files; None where in none."""
        return self.files.groups if isinstance(self.files, GroupedEntries) else None

    @property
    def pinned(self) -> Sequence[Entry]:
        """Entries whose checksums pin all files: of the groups, or of the files themselves."""
        return self.groups.entries if self.groups else [*self.files, *self.rejected_files]

    def names(self) -> list[str]:
        """Paths below the stage's folder of all that makes up the result but `manifest.json`."""
        if is_grouped(self.num_shards):
            return names_of_shards(self.num_shards)
        return [entry["name"] for entry in (*self.files, *self.rejected_files)]

    @property
    def rows_kept(self) -> int:
        """Rows in that became rows out."""
        return self.rows_out - self.rows_added

    @property
    def reject_rate(self) -> float:
        """Rows dropped for each row in; 0 where none came in."""
        return 1 - self.rows_kept / self.rows_in if self.rows_in else 0.0

    @classmethod
    def of_shards(cls, reports: Iterable[ShardReport], num_shards: int, **identity: Any) -> Self:
        """Add up the reports of all shards of a stage."""
        ordered = sorted(reports, key=lambda report: report.index)
        rejected: Counter[str] = Counter()
        passed_over: Counter[str] = Counter()
        tallies: Counter[str] = Counter()
        for report in ordered:
            rejected.update(report.reasons)
            passed_over.update(report.passed_over)
            tallies.update(report.tallies)
        return cls(
            **identity,
            num_shards=num_shards,
            rows_in=sum(report.rows_in for report in ordered),
            rows_out=sum(report.rows_out for report in ordered),
            rows_added=sum(report.rows_added for report in ordered),
            rejected=dict(sorted(rejected.items())),
            files=[{"name": part_name(r.index, num_shards), **r.kept_file} for r in ordered],
            rejected_files=[
                {"name": rejected_name(r.index, num_shards), **r.rejected_file} for r in ordered
            ],
            metrics=dict(sorted(tallies.items())),
            passed_over=dict(sorted(passed_over.items())),
            warnings=[line for report in ordered for line in report.warnings],
        )


def read_manifest(folder: StageFolder) -> Manifest | None:
    """The manifest of a stage; None where it is not finished or its manifest is unreadable."""
    return parse_manifest(folder.manifest)


def parse_manifest(url: str) -> Manifest | None:
    """The manifest in a file; None where there is none, or one damaged or of another version."""
    try:
        values = read_sealed(url)
        groups = values.pop("groups", None)
        manifest = _checked(Manifest(**values))
        return manifest if groups is None else _with_groups(url, manifest, groups)
    except (*_NO_DOCUMENT, TypeError):
        return None


def _with_groups(url: str, manifest: Manifest, entries: list[Entry]) -> Manifest:
    folder = StageFolder(url.rpartition("/")[0], manifest.num_shards)
    groups = Groups(folder, entries, manifest.num_shards)
    kept, rejected = GroupedEntries(groups, "files"), GroupedEntries(groups, "rejected_files")
    return replace(manifest, files=kept, rejected_files=rejected)


def _checked(manifest: Manifest) -> Manifest:
    """The same manifest; raises `TypeError` where a value is of another type than its field."""
    for name, kind in get_type_hints(Manifest).items():
        if not isinstance(getattr(manifest, name), get_origin(kind) or kind):
            raise TypeError(f"{name} is not {kind}")
    entries: list[Any] = [*manifest.files, *manifest.rejected_files]  # as they stand in a file
    for entry in entries:
        if not isinstance(entry, dict) or [type(entry.get(n)) for n in _ENTRY] != [str, int, str]:
            raise TypeError(f"{entry} is no entry of a file")
    return manifest


def write_manifest(folder: StageFolder, manifest: Manifest) -> None:
    """Say that a stage is finished; the last thing written."""
    document = {each.name: getattr(manifest, each.name) for each in fields(manifest)}
    groups: list[Entry] = []
    if is_grouped(manifest.num_shards):
        groups = write_groups(folder, manifest.files, manifest.rejected_files)
        document |= {"files": [], "rejected_files": [], "groups": groups}
    drop_other_groups(folder, groups)
    write_sealed(folder.manifest, document)


def read_timings(folder: StageFolder) -> dict[str, Any]:
    """Seconds, host and versions of a stage's last run; empty where there are none."""
    try:
        return dict(files.read_json(folder.timings))
    except (*_NO_DOCUMENT, TypeError):
        return {}


def write_timings(folder: StageFolder, timings: dict[str, Any]) -> None:
    """Write what no comparison reads."""
    environment = {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "pyarrow": version("pyarrow"),
    }
    files.write_json(folder.timings, timings | environment)


def read_rejected(
    folder: StageFolder, manifest: Manifest, columns: list[str] | None = None
) -> pa.Table:
    """The rows that a finished stage has dropped, of all shards."""
    urls = [folder.file(entry["name"]) for entry in manifest.rejected_files]
    empty = REJECTION_SCHEMA.empty_table().select(columns or REJECTION_SCHEMA.names)
    return pa.concat_tables([empty, *(read_table(url, columns) for url in urls)])


def missing_files(folder: StageFolder, manifest: Manifest) -> list[str]:
    """URLs of output files that the folder does not hold, or holds in another size."""
    below = {name.rpartition("/")[0] for name in manifest.names()}
    sizes = {
        posixpath.join(path, name): size
        for path in below
        for name, size in files.list_sizes(folder.file(path)).items()
    }
    entries = manifest.groups.suspects(sizes) if manifest.groups else manifest.pinned
    return [folder.file(e["name"]) for e in entries if sizes.get(e["name"]) != e["bytes"]]


def file_entry(folder: StageFolder, name: str) -> dict[str, Any]:
    """A file of a stage that writes no shards, as its manifest lists it."""
    content = files.read_bytes(folder.file(name))
    return {"name": name, "bytes": len(content), "sha256": files.sha256(content)}
