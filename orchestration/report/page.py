"""The report of a run: one HTML file, from the run directory alone, that asks no other host."""

import base64
import io

from jinja2 import Environment, PackageLoader, select_autoescape
from PIL import Image

from dalle_model import files
from dalle_model.pixels import from_stored
from orchestration.report.views import ReportView, report_view
from pipelines.io.layout import RunFolder
from pipelines.views import Curves, Frequencies, Gallery, HeatMap, Pairs, Spread, View

SHOWN = 128  # pixels; chosen: twice what the page shows, for screens with two pixels in one


def write_report(root: str) -> str:
    """Build the report and write it into the run directory.

    Returns:
        URL of the HTML file.

    Raises:
        NoRunError: the directory holds no run.
    """
    url = RunFolder(root).report
    files.write_bytes(url, render(report_view(root)).encode())
    return url


def render(view: ReportView) -> str:
    """The report as HTML."""
    environment = Environment(
        loader=PackageLoader("orchestration.report"),
        autoescape=select_autoescape(),
        trim_blocks=True,
    )
    environment.filters |= {"data_uri": data_uri, "plot": plot, "kind": kind}
    return environment.get_template("report.html").render(view=view)


def data_uri(image: bytes) -> str:
    """A PNG or a JPEG as text that an `<img>` can hold, no larger than it is looked at."""
    small = _small(image)
    kind = "jpeg" if small.startswith(b"\xff\xd8") else "png"
    return f"data:image/{kind};base64," + base64.b64encode(small).decode()


def _small(image: bytes) -> bytes:
    """An image as it is, or as a JPEG whose shorter edge is `SHOWN`: fifty of 256 px are 5 MB."""
    try:
        rgb = from_stored(image)
    except (OSError, SyntaxError, ValueError):  # damaged, as the browser will show
        return image
    shorter = min(rgb.shape[:2])
    if shorter <= SHOWN:
        return image
    height, width = (round(length * SHOWN / shorter) for length in rgb.shape[:2])
    buffer = io.BytesIO()
    Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX).save(buffer, "JPEG")
    return buffer.getvalue()


def plot(view: View) -> str:
    """Inline SVG of a view that has a plot."""
    from orchestration.report import charts  # matplotlib: a third of a second, where it is needed

    if isinstance(view, Curves):
        return charts.curves(view)
    if isinstance(view, Frequencies):
        return charts.frequencies(view)
    if isinstance(view, HeatMap):
        return charts.heat_map(view)
    if isinstance(view, Spread):
        return charts.spread(view)
    return ""


def kind(view: View) -> str:
    """`gallery`, `pairs` or `plot`: how a view is laid out."""
    if isinstance(view, Pairs):
        return "pairs"
    return "gallery" if isinstance(view, Gallery) else "plot"
