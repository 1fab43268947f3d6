"""Plots are inline SVG that asks no other host."""

import base64
import io
import re

import numpy as np
from PIL import Image

from dalle_model.pixels import to_png
from orchestration.report.page import SHOWN, data_uri, kind, plot
from pipelines.views import Curves, HeatMap, Spread
from tests.support.image_rows import noise

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


def test_a_limit_is_seen_where_it_is():
    values = np.linspace(0, 1, 50)
    pictures = {
        limits: plot(Spread("t", "a", "score", values[25:], values[:25], limits, ()))
        for limits in [(), (0.5,), (0.6,)]
    }
    without, at_half, above = (len(lines_in(svg)) for svg in pictures.values())
    assert at_half == above == without + 1
    assert len(set(pictures.values())) == 3
    for name in ("score", "rows", "kept", "dropped"):
        assert f"<!-- {name} -->" in pictures[()]


def test_images_are_no_larger_than_they_are_looked_at():
    small, large = noise(1, SHOWN, SHOWN + 9), noise(2, 2 * SHOWN, 3 * SHOWN)
    shown = [
        base64.b64decode(data_uri(to_png(image)).partition(",")[2]) for image in (small, large)
    ]
    assert shown[0] == to_png(small)
    assert Image.open(io.BytesIO(shown[1])).size == (SHOWN * 3 // 2, SHOWN)
    assert data_uri(to_png(large)).startswith("data:image/jpeg;")


def lines_in(svg: str) -> list[str]:
    return re.findall(r'<path d="([^"]+)" clip-path', svg)
