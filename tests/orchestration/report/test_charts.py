"""Plots are inline SVG that asks no other host."""

import re

import numpy as np

from orchestration.report.page import kind, plot
from pipelines.views import Curves, HeatMap

VIEW = HeatMap("title", "about", "column", "row", "entropy (bits)", np.arange(12.0).reshape(3, 4))


def test_a_heat_map_is_a_picture_with_its_scale():
    svg = plot(VIEW)
    assert kind(VIEW) == "plot"
    assert svg.startswith("<svg")
    links = re.findall(r'(?:href|src)="([^"#]+)"', svg)
    assert links
    assert all(link.startswith("data:image/png;base64,") for link in links)
    for name in ("column", "row", "entropy (bits)"):
        assert f"<!-- {name} -->" in svg


def test_other_values_are_another_picture_and_the_same_the_same():
    other = HeatMap("title", "about", "column", "row", "entropy (bits)", VIEW.values.T)
    pictures = [re.findall(r"base64,[^\"]+", plot(view)) for view in (VIEW, VIEW, other)]
    assert pictures[0] == pictures[1] != pictures[2]


def test_a_line_joins_the_values_that_are_there():
    with_gaps = Curves("t", "a", "step", "nats", [1, 2, 3], {"held out": [3.0, np.nan, 1.0]})
    without = Curves("t", "a", "step", "nats", [1, 3], {"held out": [3.0, 1.0]})
    assert lines_in(plot(with_gaps)) == lines_in(plot(without))


def test_values_below_zero_are_seen():
    """The loss of a dVAE is a likelihood of pixels, and falls below 0."""
    low = Curves("t", "a", "step", "nats", [1, 2], {"loss": [-1.0, -2.0]})
    high = Curves("t", "a", "step", "nats", [1, 2], {"loss": [2.0, 1.0]})
    axis = re.findall(r"<!-- (\u2212?[\d.]+) -->", plot(low))
    assert any(number.startswith("\u2212") for number in axis)
    assert "<!-- 0.0 -->" in plot(high)


def lines_in(svg: str) -> list[str]:
    return re.findall(r'<path d="([^"]+)" clip-path', svg)
