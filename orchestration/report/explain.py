"""One row through the stages of a run: measured values, thresholds, verdicts, recipe lines."""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from dalle_model.errors import DalleError
from orchestration.engine.config import RunConfig, load_run_config
from orchestration.engine.graph import graph, is_as_it_was
from orchestration.engine.manifest import Manifest, read_manifest, stage_task
from pipelines.captions.config import CaptionsConfig
from pipelines.io.keys import shard_of
from pipelines.io.parquet import read_table
from pipelines.io.task import part_name
from pipelines.rejection import Check

MAX_ROWS = 20  # chosen: what fits a terminal; a URL with more captions says how many
MAX_CAPTION_CHARS = 500  # chosen: six lines of a terminal
MAX_DETAIL_CHARS = 60  # chosen: of a check that passed, what fits the rest of a line
_HEAVY = ("encoded", "png", "image_tokens", "text_tokens")
_KEY = re.compile(r"[0-9a-f]{8,40}")
_URL = re.compile(r"(?:https?://|urn:)\S+", re.IGNORECASE)

Lines = dict[str, str]  # where each rule of the captions stage is written, as `dalle.yaml:12`


class ExplainError(DalleError):
    """The row cannot be explained."""


@dataclass(frozen=True)
class Step:
    """What one stage did with one row."""

    stage: str
    kept: bool
    row: dict[str, Any]
    checks: list[Check]
    is_as_it_was: bool


def explain(root: str, query: str) -> str:
    """The way of every row that the query names, as text.

    Args:
        root: URL of the run directory.
        query: a key, the start of one (8 digits or more), or an image or page URL.

    Raises:
        ExplainError: no such run, or no such row.
    """
    config = load_run_config(root)
    manifests = [m for s in graph(config) if (m := read_manifest(root, s.name)) and m.num_shards]
    if not manifests:
        raise ExplainError(f"no finished stage in {root}; `dalle run` makes one")
    steps: dict[str, list[Step]] = {}
    for manifest in manifests:
        for step in _steps(root, manifest, config, query):
            steps.setdefault(step.row["key"], []).append(step)
    if not steps:
        raise ExplainError(
            f"no row in {root} has the key or URL {query!r}; keys are 40 hex digits, "
            "URLs are compared in canonical form"
        )
    judged = any(s.stage == "captions" and s.is_as_it_was for s in chain(*steps.values()))
    lines = recipe_lines(config.captions) if judged else {}
    told = [_tell(key, steps[key], lines) for key in sorted(steps)[:MAX_ROWS]]
    if len(steps) > MAX_ROWS:
        told.append(f"… and {len(steps) - MAX_ROWS} more rows; give a longer key")
    return "\n\n".join(told)


def explain_caption(caption: str, config: CaptionsConfig) -> str:
    """Every rule of a recipe held against a text that need not be in any run.

    Args:
        caption: raw, as a page would have it.
        config: the recipe and its overrides.
    """
    from pipelines.captions.corpus.explain import explain_text

    lines = recipe_lines(config)
    checks, becomes = explain_text(caption, config)
    failed = next((check.reason for check in checks if not check.passed), "")
    told = [
        f"caption  {_short(caption)}",
        f"recipe   {config.recipe}",
        f"captions DROPPED  ({failed})" if failed else f"becomes  {_short(becomes)}",
        *(_line(check, lines) for check in checks),
    ]
    return "\n".join(_printable(line) for line in told)


def is_caption(query: str) -> bool:
    """Whether a query is the text of a caption: neither a key nor a URL."""
    return not (_KEY.fullmatch(query) or _URL.fullmatch(query))


def recipe_lines(config: CaptionsConfig) -> Lines:
    """Where each limit of the captions stage stands: file and line, or the config's overrides."""
    from pipelines.captions.recipe import recipe_url, rule_lines

    name = posixpath.basename(recipe_url(config.recipe))
    written = {rule: f"{name}:{line}" for rule, line in rule_lines(config.recipe).items()}
    return written | dict.fromkeys(config.overrides, "captions.overrides")


def _steps(root: str, manifest: Manifest, config: RunConfig, query: str) -> Iterator[Step]:
    is_same = is_as_it_was(manifest, config)
    for index in _shards(manifest, query):
        name = part_name(index, manifest.num_shards)
        for row in _matches(files.join(root, manifest.stage, name), query):
            checks = _checks(root, manifest, row, config) if is_same else []
            yield Step(manifest.stage, True, row, checks, is_same)
        for row in _matches(files.join(root, manifest.stage, "rejected", name), query):
            checks = _checks_of_rejected(root, manifest, row, config if is_same else None)
            yield Step(manifest.stage, False, row, checks, is_same)


def _shards(manifest: Manifest, query: str) -> Iterable[int]:
    if re.fullmatch(r"[0-9a-f]{16,40}", query):
        return [shard_of(query, manifest.num_shards)]
    return range(manifest.num_shards)


def _matches(url: str, query: str) -> list[dict[str, Any]]:
    table = read_table(url)
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
    from pipelines.web.urls import canonical_url

    try:
        return canonical_url(query)
    except ValueError:
        return query


def _checks(root: str, manifest: Manifest, row: dict[str, Any], config: RunConfig) -> list[Check]:
    """The rules of a stage held again against a row that it kept."""
    if manifest.stage == "captions":
        return _captions_checks(root, manifest, row, config)
    if manifest.stage == "images":
        from pipelines.images.rules import checks

        return list(checks(row["width"], row["height"], None, config.images))
    return []


def _checks_of_rejected(
    root: str, manifest: Manifest, row: dict[str, Any], config: RunConfig | None
) -> list[Check]:
    """What dropped a row; for a caption all rules, where the config is as it was."""
    if manifest.stage == "captions" and config is not None:
        return _captions_checks(root, manifest, row, config)
    return [Check(row["reason"], False, row["measured"], row["threshold"], row["detail"])]


def _captions_checks(
    root: str, manifest: Manifest, row: dict[str, Any], config: RunConfig
) -> list[Check]:
    from pipelines.captions.corpus.explain import explain_row

    task = stage_task(root, manifest.stage, manifest.num_shards, manifest.fingerprint, "")
    return explain_row(task, row, config.captions)


def _tell(key: str, steps: list[Step], lines_of: Lines) -> str:
    first = steps[0].row
    lines = [f"key      {key}", f"url      {first['url']}", f"caption  {_short(first['caption'])}"]
    if first.get("page_url"):
        lines.append(f"page     {first['page_url']}")
    for step in steps:
        lines.append(f"{step.stage:<10} {'kept' if step.kept else 'DROPPED'}{_facts(step)}")
        if not step.is_as_it_was:
            lines.append(
                "           the config has changed since, or what it names; `dalle run` applies it"
            )
        where = lines_of if step.stage == "captions" else {}
        lines += [_line(check, where) for check in step.checks]
    return "\n".join(_printable(line) for line in lines)


def _short(caption: str) -> str:
    """A caption for one line; of a long one the start and its length."""
    if len(caption) <= MAX_CAPTION_CHARS:
        return caption
    return f"{caption[:MAX_CAPTION_CHARS]}… ({len(caption):,} characters)"


def _printable(line: str) -> str:
    """Control characters as escapes: what a page wrote must not steer the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def _facts(step: Step) -> str:
    names = ("language", "width", "height", "phash", "bytes", "sha256", "view", "text_source")
    facts = [f"{name} {step.row[name]}" for name in names if step.row.get(name) is not None]
    return f"  ({', '.join(facts)})" if facts else ""


def _line(check: Check, lines_of: Lines) -> str:
    values = [
        f"{name} {value:g}"
        for name, value in (("measured", check.measured), ("threshold", check.threshold))
        if value is not None
    ]
    verdict = "ok  " if check.passed else "FAIL"
    where = f"  {lines_of.get(check.reason, ''):<27}" if lines_of else ""
    detail = check.detail
    if check.passed and len(detail) > MAX_DETAIL_CHARS:
        detail = detail[:MAX_DETAIL_CHARS] + "…"
    said = f"{'  '.join(values):<34}{where}  {detail}"
    return f"           {verdict} {check.reason:<24} {said}".rstrip()
