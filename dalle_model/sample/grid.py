"""Pictures in a grid, each row under its caption, for people to look at."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dalle_model.pixels import Rgb

FONT_SIZE = 15  # chosen: readable at 100 % on a screen; pixels
MARGIN = 8  # chosen; pixels
BACKGROUND, INK = "white", "black"


def picture_grid(pictures: Sequence[Rgb], captions: Sequence[str], cell: int = 128) -> Image.Image:
    """Draw one row for each caption, with the caption above its pictures.

    Args:
        pictures: for each caption uint8 `(columns, side, side, 3)`.
        captions: one for each row; shortened where they would run over the edge.
        cell: edge of a drawn picture, in pixels; scaled without smoothing, so that what the model
            made is what is seen.

    Returns:
        An RGB picture.

    Raises:
        ValueError: no rows, or another number of captions than of rows.
    """
    if not pictures or len(pictures) != len(captions):
        raise ValueError(f"a grid needs a caption a row, got {len(captions)} for {len(pictures)}")
    font = ImageFont.load_default(FONT_SIZE)
    line = FONT_SIZE + MARGIN
    step = cell + MARGIN
    width = MARGIN + step * max(len(row) for row in pictures)
    sheet = Image.new("RGB", (width, MARGIN + len(pictures) * (line + step)), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for index, (row, caption) in enumerate(zip(pictures, captions, strict=True)):
        top = MARGIN + index * (line + step)
        text = shorten(caption, width - 2 * MARGIN, font)
        pen.text((MARGIN, top), text, fill=INK, font=font)
        for column, picture in enumerate(row):
            sheet.paste(_scaled(picture, cell), (MARGIN + column * step, top + line))
    return sheet


def shorten(caption: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """The caption on one line, with an ellipsis where it is wider than `width` pixels."""
    text = " ".join(caption.split())
    measure = font.getlength
    if measure(text) <= width:
        return text
    while text and measure(text + "...") > width:
        text = text[:-1]
    return text + "..."


def _scaled(picture: Rgb, cell: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(picture))
    return image.resize((cell, cell), Image.Resampling.NEAREST)
