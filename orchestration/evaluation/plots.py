"""Curves of an evaluation, as inline SVG: solid for all images, dashed without overlaps."""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure as Plot

from orchestration.evaluation.measures import Figure
from orchestration.report.charts import svg

_STYLES = {"all": "-", "without_overlaps": "--"}


def over_blur(figures: Sequence[Figure], y: str) -> str:
    """Values of one measure over the radius of the blur."""
    return _curves(figures, "blur radius on both sides, pixels", y, lambda one: one.blur)


def over_number(figures: Sequence[Figure], y: str) -> str:
    """Values of one measure over the number of images that one was chosen from."""
    return _curves(figures, "images of a caption that one is chosen from", y, _number, by_two=True)


def _curves(
    figures: Sequence[Figure],
    x: str,
    y: str,
    place: Callable[[Figure], float],
    *,
    by_two: bool = False,
) -> str:
    plot = Plot(figsize=(5, 3.2), layout="constrained")
    axes = plot.subplots()
    names = list(dict.fromkeys(figure.samples for figure in figures))
    for colour, name in enumerate(names):
        for part, style in _STYLES.items():
            mine = [one for one in figures if (one.samples, one.part) == (name, part)]
            if mine:
                label = name if part == "all" else f"{name}, overlaps removed"
                places, values = [place(one) for one in mine], [one.value for one in mine]
                axes.plot(
                    places, values, style, marker="o", markersize=4, color=f"C{colour}", label=label
                )
    if by_two:
        axes.set_xscale("log", base=2)
    axes.set_xticks(sorted({place(one) for one in figures}))
    axes.xaxis.set_major_formatter("{x:g}")
    plot.legend(loc="outside lower center", ncols=2, frameon=False)  # on no curve
    return svg(plot, x, y)


def _number(figure: Figure) -> float:
    return float(figure.best_of)
