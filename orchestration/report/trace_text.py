"""The way of a row, or of a text, as lines for a terminal."""

from collections.abc import Mapping
from typing import Any

from orchestration.engine.comparison import stage_with_recipes
from orchestration.engine.config import NoRunError, RunConfig, load_run_config
from orchestration.engine.graph import Graph
from orchestration.engine.latest import latest_run
from orchestration.engine.registry import registry
from orchestration.report.trace import Step, Trace
from pipelines.io.carried import unpacked
from pipelines.rejection import Check
from pipelines.stage import TextTrace

MAX_ROWS = 20  # chosen: what fits a terminal; a URL with more captions says how many
MAX_CAPTION_CHARS = 500  # chosen: six lines of a terminal
NO_CAPTION = "(none)"  # of an image that came without one
MAX_DETAIL_CHARS = 60  # chosen: of a check that passed, what fits the rest of a line
_FACTS = ("language", "width", "height", "phash", "bytes", "sha256", "view", "text_source")


def steps_text(trace: Trace) -> str:
    """The way of each row, a paragraph a row.

    Args:
        trace: of the rows that a query names.
    """
    steps = trace.steps
    paragraphs = [_row(key, steps[key]) for key in list(steps)[:MAX_ROWS]]
    if trace.num_rows > MAX_ROWS:
        paragraphs.append(
            f"… and {trace.num_rows - MAX_ROWS:,} more rows; give a longer key, URL or name"
        )
    return "\n\n".join(paragraphs)


def explain_text(text: str, directory: str = "", recipe: str = "") -> str:
    """What a recipe makes of a text that need not be in any run.

    Args:
        text: a caption.
        directory: of the run whose recipe it is; the latest by default.
        recipe: in place of a run's.

    Raises:
        NoRunError: no recipe is given, and there is no such run.
    """
    if recipe:
        bundled_first = sorted(registry().values(), key=lambda stage: not stage.is_default)
        stage, recipes = stage_with_recipes(bundled_first)
        section = recipes.chosen(stage.config(), recipe)
    else:
        config = _config_for_texts(directory)
        stage, recipes = stage_with_recipes(Graph.of(config).stages)
        section = config.section(stage)
    traced = recipes.trace(text, section)
    return text_trace_text(
        text, recipes.name(section), traced, stage.locations(section), stage.name
    )


def _config_for_texts(directory: str) -> RunConfig:
    try:
        return load_run_config(directory or latest_run())
    except NoRunError as error:
        raise NoRunError(f"{error}. A text needs no run: name a recipe with --recipe") from error


def text_trace_text(
    text: str, recipe: str, traced: TextTrace, locations: Mapping[str, str], stage: str
) -> str:
    """Every rule of a recipe applied to a text that need not be in any run."""
    failed = next((check.reason for check in traced.checks if not check.passed), "")
    lines = [
        f"caption  {_short(text)}",
        f"recipe   {recipe}",
        f"{stage} DROPPED  ({failed})" if failed else f"becomes  {_short(traced.becomes)}",
        *(_check(check, locations) for check in traced.checks),
    ]
    return "\n".join(_printable(line) for line in lines)


def _row(key: str, steps: list[Step]) -> str:
    first = steps[0].row
    lines = [f"key      {key}", f"url      {first['url']}", f"caption  {_short(first['caption'])}"]
    if first.get("page_url"):
        lines.append(f"page     {first['page_url']}")
    lines += _of_source(steps)
    for step in steps:
        lines.append(f"{step.stage:<10} {'kept' if step.kept else 'DROPPED'}{_facts(step)}")
        if not step.is_up_to_date:
            lines.append(
                "           the config has changed since, or what it names; `dalle run` applies it"
            )
        lines += [_check(check, step.locations) for check in step.checks]
    return "\n".join(_printable(line) for line in lines)


def _of_source(steps: list[Step]) -> list[str]:
    """The name of an image in its source, and what is carried along from there."""
    rows = [step.row for step in steps]
    name = next((row["name"] for row in rows if row.get("name")), "")
    carried = unpacked(next((row["carried"] for row in rows if row.get("carried")), ""))
    values = ", ".join(f"{name} {value}" for name, value in carried.items())
    found = {"name": name, "carries": _short(values)}
    return [f"{what:<8} {value}" for what, value in found.items() if value]


def _short(caption: str) -> str:
    """A caption for one line; of a long one the start and its length."""
    if not caption:
        return NO_CAPTION
    if len(caption) <= MAX_CAPTION_CHARS:
        return caption
    return f"{caption[:MAX_CAPTION_CHARS]}… ({len(caption):,} characters)"


def _printable(line: str) -> str:
    """Control characters as escapes: what a page wrote must not steer the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def _facts(step: Step) -> str:
    names = (*_FACTS, *step.scores)
    facts = [f"{name} {_value(step.row[name])}" for name in names if step.row.get(name) is not None]
    return f"  ({', '.join(facts)})" if facts else ""


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _check(check: Check, locations: Mapping[str, str]) -> str:
    values = [
        f"{name} {value:g}"
        for name, value in (("measured", check.measured), ("threshold", check.threshold))
        if value is not None
    ]
    verdict = "ok  " if check.passed else "FAIL"
    where = f"  {locations.get(check.reason, ''):<35}" if locations else ""
    detail = check.detail
    if check.passed and len(detail) > MAX_DETAIL_CHARS:
        detail = detail[:MAX_DETAIL_CHARS] + "…"
    rest = f"{'  '.join(values):<34}{where}  {detail}"
    return f"           {verdict} {check.reason:<24} {rest}".rstrip()
