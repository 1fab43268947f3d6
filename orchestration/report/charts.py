"""Plots of the report, as inline SVG."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from dalle_model.evaluate.reconstruction import code_use


def history(steps: list[dict[str, float]]) -> str:
    """Loss of text and picture over the steps of a training; empty where there is none."""
    if not steps:
        return ""
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    names = [name for name in steps[0] if name.endswith("_ce")]
    for name in names:
        axes.plot([s["step"] for s in steps], [s[name] for s in steps], label=name[:-3])
    axes.set_xlabel("step")
    axes.set_ylabel("nats a token")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(figure)


def code_usage(tokens: npt.NDArray[np.uint16], num_codes: int) -> dict[str, Any]:
    """How a codebook is used: codes seen, perplexity, and a plot of the frequencies.

    Args:
        tokens: `(rows, grid * grid)`, any codes below `num_codes`.
        num_codes: of the codebook.
    """
    use = code_use(tokens, num_codes)
    counts = np.bincount(tokens.ravel(), minlength=num_codes)
    figure = Figure(figsize=(7, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(np.arange(num_codes), np.sort(counts)[::-1], step="mid", alpha=0.7)
    axes.set_yscale("symlog")
    axes.set_xlabel("codes, most used first")
    axes.set_ylabel("times used")
    axes.spines[["top", "right"]].set_visible(False)
    return {
        "used": use.used,
        "perplexity": use.perplexity,
        "usage": _svg(figure),
    }


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]  # without the XML head, whose DTD names another host
