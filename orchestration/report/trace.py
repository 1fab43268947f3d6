"""The way of rows through the stages of a run, as data: what each stage did with them, and why."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.errors import DalleError
from orchestration.engine.config import RunConfig, load_run_config
from orchestration.engine.graph import Graph
from pipelines.io.keys import shard_of
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.io.parquet import read_row_groups
from pipelines.io.task import StageTask
from pipelines.rejection import Check
from pipelines.stage import Stage
from pipelines.web.urls import canonical_url

_HEAVY = ("encoded", "image", "full_image", "image_tokens", "text_tokens")
_KEY = re.compile(r"[0-9a-f]{8,40}")
_URL = re.compile(r"(?:https?://|urn:)\S+", re.IGNORECASE)


class ExplainError(DalleError):
    """The row cannot be explained."""


@dataclass(frozen=True)
class Step:
    """What one stage did with one row.

    Args:
        stage: its name.
        kept: whether the row was kept.
        row: as stored, kept or dropped, without images and tokens.
        checks: the rules of the stage applied again, those of a dropped row at least the one that
            it failed; empty for a row kept by a config that has changed since.
        is_up_to_date: the stage was made with the settings that hold now.
        locations: where the limit of each rule is written; empty where that is not known.
    """

    stage: str
    kept: bool
    row: dict[str, Any]
    checks: list[Check]
    is_up_to_date: bool
    locations: Mapping[str, str] = field(default_factory=dict)


def trace(root: str, query: str) -> dict[str, list[Step]]:
    """The way of every row that a query names.

    Args:
        root: URL of the run directory.
        query: a key, the start of one (8 digits or more), or an image or page URL.

    Returns:
        By key, sorted, a step for each stage that had the row.

    Raises:
        ExplainError: no finished stage, or no such row.
        NoRunError: no such run.
    """
    tracer = _Tracer(root)
    steps: dict[str, list[Step]] = {}
    for step in tracer.steps(query):
        steps.setdefault(step.row["key"], []).append(step)
    if not steps:
        raise ExplainError(
            f"no row in {root} has the key or URL {query!r}; keys are 40 hex digits, "
            "URLs are compared in canonical form"
        )
    return dict(sorted(steps.items()))


def is_caption(query: str) -> bool:
    """Whether a query is the text of a caption: neither a key nor a URL."""
    return not (_KEY.fullmatch(query) or _URL.fullmatch(query))


class _Tracer:
    """The finished stages of one run."""

    def __init__(self, root: str) -> None:
        self._config: RunConfig = load_run_config(root)
        self._run = RunFolder(root, self._config.num_shards)
        self._graph = Graph.of(self._config)
        self._finished = [
            (stage, manifest)
            for stage in self._graph.stages
            if stage.is_sharded and (manifest := read_manifest(self._run.stage(stage.name)))
        ]
        if not self._finished:
            raise ExplainError(f"no finished stage in {root}; `dalle run` makes one")

    def steps(self, query: str) -> Iterator[Step]:
        """What each stage did with each row of a query, in the order of the stages."""
        for stage, manifest in self._finished:
            is_up_to_date = self._is_up_to_date(manifest)
            locations = stage.locations(self._config.section(stage)) if is_up_to_date else {}
            task = self._task(stage, manifest)
            for index in _shards(manifest, query):
                for kept, url in ((True, task.part(index)), (False, task.rejected(index))):
                    for row in _matches(url, query):
                        checks = self._checks(stage, task, row) if is_up_to_date else []
                        if not kept and all(check.passed for check in checks):
                            checks = [*checks, _failed(row)]
                        yield Step(stage.name, kept, row, checks, is_up_to_date, locations)

    def _is_up_to_date(self, manifest: Manifest) -> bool:
        try:
            return self._graph.is_up_to_date(manifest)
        except (ModuleNotFoundError, PackageNotFoundError):  # its rules cannot be applied here
            return False

    def _task(self, stage: Stage, manifest: Manifest) -> StageTask:
        return StageTask(
            root=self._run.url,
            stage=stage.name,
            num_shards=manifest.num_shards,
            attempt="",
            fingerprint=manifest.fingerprint,
            pending=(),
            inputs=self._graph.input_urls(stage, self._run),
        )

    def _checks(self, stage: Stage, task: StageTask, row: dict[str, Any]) -> list[Check]:
        return stage.checks(task, row, self._config.section(stage))


def _failed(row: Mapping[str, Any]) -> Check:
    """The rule that a dropped row failed, as it was recorded."""
    return Check(row["reason"], False, row["measured"], row["threshold"], row["detail"])


def _shards(manifest: Manifest, query: str) -> Iterable[int]:
    if re.fullmatch(r"[0-9a-f]{16,40}", query):
        return [shard_of(query, manifest.num_shards)]
    return range(manifest.num_shards)


def _matches(url: str, query: str) -> list[dict[str, Any]]:
    return [row for group in read_row_groups(url) for row in _matching(group, query)]


def _matching(table: pa.Table, query: str) -> list[dict[str, Any]]:
    if "sha256" in table.column_names and "encoded" in table.column_names:
        table = table.append_column("bytes", pc.binary_length(table["encoded"]))
    table = table.drop_columns([name for name in _HEAVY if name in table.column_names])
    if _KEY.fullmatch(query):
        mask = pc.starts_with(table["key"], query)
    else:
        mask = pc.equal(table["url"], _canonical(query))
        if "page_url" in table.column_names:
            mask = pc.or_(mask, pc.equal(table["page_url"], query))
    rows: list[dict[str, Any]] = table.filter(pc.fill_null(mask, pa.scalar(False))).to_pylist()
    return rows


def _canonical(query: str) -> str:
    try:
        return canonical_url(query)
    except ValueError:
        return query
