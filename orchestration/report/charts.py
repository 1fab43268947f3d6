"""Plots of the report, as inline SVG."""

import io

import numpy as np
from matplotlib.figure import Figure

from pipelines.views import Curves, Frequencies, HeatMap, Spread

_BARS = 60  # chosen: some ten pixels each


def curves(view: Curves) -> str:
    """Values over steps; a line goes from each that is there to the next."""
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    steps = np.asarray(view.steps, np.float64)
    for name, values in view.lines.items():
        there = np.isfinite(found := np.asarray(values, np.float64))
        axes.plot(steps[there], found[there], label=name, marker="." if there.sum() < 2 else None)
    if all(np.nanmin(values) >= 0 for values in view.lines.values()):
        axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", integer=True)  # there is no half of a step or of a shard
    axes.legend(frameon=False)
    return svg(figure, view.x, view.y)


def frequencies(view: Frequencies) -> str:
    """How often each thing was used, the most frequent first, on a scale that shows zero."""
    figure = Figure(figsize=(7, 2.2), layout="constrained")
    axes = figure.subplots()
    ordered = np.sort(view.counts)[::-1]
    axes.fill_between(np.arange(len(ordered)), ordered, step="mid", alpha=0.7)
    axes.set_yscale("symlog")
    return svg(figure, view.x, view.y)


def heat_map(view: HeatMap) -> str:
    """A value for each place, as a colour with its scale."""
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(view.values, interpolation="nearest", aspect="equal")
    figure.colorbar(shown, ax=axes, label=view.value)
    return svg(figure, view.x, view.y)


def spread(view: Spread) -> str:
    """Rows by the value of a score, dropped ones on top of those kept, with its limits."""
    figure = Figure(figsize=(7, 2.2), layout="constrained")
    axes = figure.subplots()
    parts = [view.kept, view.dropped]
    axes.hist(parts, bins=_BARS, stacked=True, label=["kept", "dropped"], alpha=0.7)
    for limit in view.limits:
        axes.axvline(limit, color="black", linewidth=1, linestyle="--")
    axes.set_yscale("symlog")  # else the few that are dropped are not seen beside the others
    axes.legend(frameon=False)
    return svg(figure, view.x, "rows")


def svg(figure: Figure, x: str, y: str) -> str:
    """A figure whose one plot has these axes, as an element of a page."""
    axes = figure.axes[0]
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]  # without the XML head, whose DTD names another host
