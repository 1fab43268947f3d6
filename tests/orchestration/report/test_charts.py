"""Plots are inline SVG that asks no other host."""

import re

import numpy as np

from orchestration.report.page import kind, plot
from pipelines.views import HeatMap

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
