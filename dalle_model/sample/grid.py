"""Images in a grid, each row under its caption, for people to look at."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dalle_model.pixels import Rgb

FONT_SIZE = 15  # chosen: readable at 100 % on a screen; pixels
MARGIN = 8  # chosen; pixels
BACKGROUND, INK = "white", "black"


def image_grid(
    images: Sequence[Rgb],
    captions: Sequence[str],
    cell: int = 128,
    notes: Sequence[Sequence[str]] = (),
) -> Image.Image:
    """Draw one row for each caption, with the caption above its images.

    Args:
        images: for each caption uint8 `(columns, height, width, 3)`.
        captions: one for each row; shortened where they would not fit the width.
        cell: longer edge of each image in the grid, in pixels; images are scaled without
            smoothing, to show the very pixels that the model made.
        notes: for each caption a text below each of its images, such as a score; none by default.

    Returns:
        An RGB image.

    Raises:
        ValueError: no rows, or not one caption or as many notes for each row.
    """
    if not images or len(images) != len(captions):
        raise ValueError(f"a grid needs a caption a row, got {len(captions)} for {len(images)}")
    font = ImageFont.load_default(FONT_SIZE)
    line = FONT_SIZE + MARGIN
    step = cell + MARGIN
    height = line + step + (line if notes else 0)  # of a row
    width = MARGIN + step * max(len(row) for row in images)
    sheet = Image.new("RGB", (width, MARGIN + len(images) * height), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    texts = notes or [[""] * len(row) for row in images]
    for index, (row, caption, below) in enumerate(zip(images, captions, texts, strict=True)):
        top = MARGIN + index * height
        text = shorten(caption, width - 2 * MARGIN, font)
        pen.text((MARGIN, top), text, fill=INK, font=font)
        for column, (image, note) in enumerate(zip(row, below, strict=True)):
            left = MARGIN + column * step
            sheet.paste(_scaled(image, cell), (left, top + line))
            pen.text((left, top + line + cell), shorten(note, cell, font), fill=INK, font=font)
    return sheet


def comparison_grid(columns: Sequence[Sequence[Rgb] | Rgb], captions: Sequence[str]) -> Image.Image:
    """Draw versions of the same images next to each other, one row for each caption.

    Args:
        columns: of each row uint8 `(height, width, 3)`, the same in all columns, such as originals
            and their reconstructions.
        captions: one for each row.

    Returns:
        An RGB image.

    Raises:
        ValueError: no rows, or columns and captions of different lengths.
    """
    return image_grid([np.stack(row) for row in zip(*columns, strict=True)], captions)


def tiled_grid(
    columns: Sequence[Rgb], captions: Sequence[str], across: int, cell: int = 96
) -> Image.Image:
    """Like `comparison_grid`, with several captions beside each other and each whole, below.

    Args:
        columns: as of `comparison_grid`.
        captions: one for each tile, on as many lines as it takes.
        across: tiles beside each other.
        cell: longer edge of each image, in pixels.
    """
    tiles = list(zip(*columns, strict=True))
    font, line = ImageFont.load_default(FONT_SIZE), FONT_SIZE + MARGIN // 4
    step = cell + MARGIN // 2
    width = len(columns) * step
    texts = [_lines(text, width, font) for text in captions]
    height = cell + line * max(map(len, texts)) + MARGIN
    down = -(-len(tiles) // across)
    size = (across * (width + 2 * MARGIN), down * (height + MARGIN))
    sheet = Image.new("RGB", size, BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for index, (tile, text) in enumerate(zip(tiles, texts, strict=True)):
        row, column = divmod(index, across)
        left, top = MARGIN + column * (width + 2 * MARGIN), row * (height + MARGIN)
        for place, image in enumerate(tile):
            sheet.paste(_scaled(image, cell), (left + place * step, top))
        pen.multiline_text((left, top + cell), "\n".join(text), fill=INK, font=font, spacing=1)
    return sheet


def _lines(
    caption: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> list[str]:
    """The words of a caption on lines that are no wider, where no word is."""
    lines = [""]
    for word in caption.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def shorten(caption: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """The caption on one line, with an ellipsis where it is wider than `width` pixels."""
    text = " ".join(caption.split())
    measure = font.getlength
    if measure(text) <= width:
        return text
    while text and measure(text + "...") > width:
        text = text[:-1]
    return text + "..."


def _scaled(image: Rgb, cell: int) -> Image.Image:
    unscaled = Image.fromarray(np.ascontiguousarray(image))
    width, height = (round(edge * cell / max(unscaled.size)) for edge in unscaled.size)
    return unscaled.resize((width, height), Image.Resampling.NEAREST)
