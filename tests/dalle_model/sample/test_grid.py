import numpy as np
import pytest
from PIL import ImageFont

from dalle_model.sample.grid import (
    FONT_SIZE,
    MARGIN,
    comparison_grid,
    image_grid,
    shorten,
    tiled_grid,
)


def test_images_stand_under_their_captions_in_order() -> None:
    rows = [np.full((2, 4, 4, 3), value, np.uint8) for value in (10, 200)]
    sheet = np.asarray(image_grid(rows, ["first", "second"], cell=32))
    line = FONT_SIZE + MARGIN
    assert sheet.shape == (MARGIN + 2 * (line + 32 + MARGIN), MARGIN + 2 * (32 + MARGIN), 3)
    for index, value in enumerate((10, 200)):
        top = MARGIN + index * (line + 32 + MARGIN)
        assert (sheet[top : top + line] < 128).any()  # ink of the caption
        assert (sheet[top + line : top + line + 32, MARGIN : MARGIN + 32] == value).all()


def test_long_captions_end_in_an_ellipsis_and_fit() -> None:
    font = ImageFont.load_default(FONT_SIZE)
    text = shorten("a very long caption\nthat goes on and on", 100, font)
    assert text.startswith("a very")
    assert text.endswith("...")
    assert font.getlength(text) <= 100
    assert shorten("a\nb", 100, font) == "a b"


def test_a_caption_a_row_is_needed() -> None:
    with pytest.raises(ValueError, match="got 2 for 1"):
        image_grid([np.zeros((1, 4, 4, 3), np.uint8)], ["a", "b"])


def test_a_comparison_has_a_column_for_each_version() -> None:
    columns = [np.full((2, 4, 4, 3), value, np.uint8) for value in (10, 200)]
    rows = [np.stack([columns[0][n], columns[1][n]]) for n in range(2)]
    expected = image_grid(rows, ["first", "second"])
    assert comparison_grid(columns, ["first", "second"]).tobytes() == expected.tobytes()
    with pytest.raises(ValueError, match="shorter"):
        comparison_grid([columns[0], columns[1][:1]], ["first", "second"])


def test_tiles_stand_beside_each_other_above_the_whole_caption() -> None:
    columns = [np.full((3, 4, 4, 3), value, np.uint8) for value in (10, 200)]
    long = "words that take more than one line of a tile"
    sheet = np.asarray(tiled_grid(columns, ["a", long, "c"], across=2, cell=32))
    height, width = sheet.shape[0] // 2, sheet.shape[1] // 2
    for row, column in ((0, 0), (0, 1), (1, 0)):
        tile = sheet[row * height :, column * width :][:32]
        for value in (10, 200):
            assert (tile == np.uint8(value)).all(axis=2).sum() >= 32 * 32
    short, whole = (
        int((sheet[32:height, part].min(axis=(1, 2)) < 128).sum())
        for part in (slice(width), slice(width, None))
    )
    assert whole > 2 * short > 0
    assert (sheet[height:, width:] == 255).all()


def test_notes_stand_below_their_images() -> None:
    rows = [np.full((2, 4, 4, 3), 255, np.uint8) for _ in range(2)]
    plain = np.asarray(image_grid(rows, ["", ""], cell=32))
    sheet = np.asarray(image_grid(rows, ["", ""], cell=32, notes=[["", "0.9"], ["", ""]]))
    line = FONT_SIZE + MARGIN
    assert sheet.shape == (plain.shape[0] + 2 * line, *plain.shape[1:])
    inked = (sheet < 128).any(axis=(1, 2)).nonzero()[0]
    below = MARGIN + line + 32
    assert below <= inked.min() <= inked.max() < below + line
    assert (sheet < 128).any(axis=(0, 2)).nonzero()[0].min() >= MARGIN + 32 + MARGIN
    with pytest.raises(ValueError, match="shorter"):
        image_grid(rows, ["", ""], notes=[["1"], ["2", "3"]])
