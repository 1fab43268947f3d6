"""Where an image surprises a prior: nats of its tokens as colours over it."""

import io
import textwrap
from collections.abc import Sequence

from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from dalle_model.evaluate.caption_scores import CaptionScore
from dalle_model.pixels import Rgb

MOST, ACROSS = (
    11,
    4,
)  # captions in one map, and images beside each other; chosen: what fits a screen
_OPAQUE = 0.65  # of the colours; chosen: the image is seen through them
_WIDTH = 34  # characters on a line of a caption; chosen: the width of an image


def draw_heat_map(image: Rgb, scores: Sequence[CaptionScore]) -> bytes:
    """The image, and over it what its tokens cost under each of the best captions.

    Args:
        image: uint8 `(height, width, 3)`.
        scores: of captions, each with those of the image; the first `MOST` are shown, in one scale.

    Returns:
        A PNG.
    """
    maps = [(one.caption, -one.image.grid) for one in scores[:MOST] if one.image]
    down = -(-(len(maps) + 1) // ACROSS)
    across = min(len(maps) + 1, ACROSS)
    figure = Figure(figsize=(3 * across + 1, 3.4 * down), dpi=100, layout="constrained")
    every = figure.subplots(down, across, squeeze=False).flatten()
    for axes in every:
        axes.axis("off")
    every[0].imshow(image)
    every[0].set_title("the image", fontsize=9)
    most = max(float(nats.max()) for _, nats in maps)
    height, width = image.shape[:2]
    scale = ScalarMappable(Normalize(0, most))
    place = (-0.5, width - 0.5, height - 0.5, -0.5)
    for axes, (caption, nats) in zip(every[1:], maps, strict=False):
        axes.imshow(image.mean(axis=2), cmap="gray", vmin=0, vmax=255)
        axes.imshow(nats, extent=place, alpha=_OPAQUE, norm=scale.norm, interpolation="nearest")
        axes.set_title(f"{_lines(caption)}\n{-nats.sum():.1f} nats", fontsize=9, parse_math=False)
    figure.colorbar(scale, ax=list(every), label="nats of a token")
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


def _lines(caption: str) -> str:
    return "\n".join(textwrap.wrap(caption, _WIDTH)[:3])
