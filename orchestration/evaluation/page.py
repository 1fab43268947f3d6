"""The page of an evaluation: one HTML file that asks no other host."""

from collections.abc import Iterator

from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape

from orchestration.evaluation.measures import Figure
from orchestration.evaluation.results import Evaluation, label, table
from orchestration.report.page import data_uri


def render(found: Evaluation) -> str:
    """An evaluation as HTML."""
    heads, rows = table(found)
    return (
        environment()
        .get_template("evaluation.html")
        .render(found=found, heads=heads, rows=rows, curves=list(_curves(found)))
    )


def environment() -> Environment:
    """Templates of evaluations, in the style of the report."""
    rooms = ("orchestration.evaluation", "orchestration.report")
    made = Environment(
        loader=ChoiceLoader([PackageLoader(room) for room in rooms]),
        autoescape=select_autoescape(),
        trim_blocks=True,
    )
    made.filters["data_uri"] = data_uri
    return made


def _curves(found: Evaluation) -> Iterator[tuple[str, str]]:
    """Title and SVG of each measure over blur, and over the number of images chosen from."""
    from orchestration.evaluation import plots  # matplotlib, where there is a curve

    by_measure: dict[str, list[Figure]] = {}
    for figure in found.figures:
        name = label(figure.measure, is_inception=found.is_inception)
        by_measure.setdefault(name, []).append(figure)
    most = max(figure.best_of for figure in found.figures)
    first = found.figures[0].blur
    for name, figures in by_measure.items():
        blurred = [one for one in figures if one.best_of == most]
        if len({one.blur for one in blurred}) > 1:
            yield f"{name} against blur", plots.over_blur(blurred, name)
        chosen = [one for one in figures if one.blur == first]
        if len({one.best_of for one in chosen}) > 1:
            yield f"{name} against the number chosen from", plots.over_number(chosen, name)
