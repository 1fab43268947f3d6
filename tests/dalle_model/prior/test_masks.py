from collections import Counter

import pytest
import torch

from dalle_model.prior.masks import MaskKind, image_mask, layer_kinds, stream_mask
from tests.support.slow_masks import sees

# Ramesh et al. 2021, figure 11: a 4x4 image; 1 where the row's token attends to the column's.
FIGURE_11_ROW_TOKEN_9 = "0000011111000000"
FIGURE_11_COLUMN_TOKEN_9 = "0100010001000000"
FIGURE_11_CONVOLUTION_TOKEN_9 = "0000111011000000"


@pytest.mark.parametrize("kind", list(MaskKind))
@pytest.mark.parametrize(("grid", "kernel"), [(1, 3), (2, 5), (4, 3), (5, 5), (8, 5)])
def test_equals_the_slow_reference(kind: MaskKind, grid: int, kernel: int) -> None:
    tokens = range(grid * grid)
    expected = [[sees(kind, query, key, grid, kernel) for key in tokens] for query in tokens]
    assert image_mask(kind, grid, kernel).tolist() == expected


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (MaskKind.ROW, FIGURE_11_ROW_TOKEN_9),
        (MaskKind.COLUMN, FIGURE_11_COLUMN_TOKEN_9),
        (MaskKind.CONVOLUTION, FIGURE_11_CONVOLUTION_TOKEN_9),
    ],
)
def test_figure_11(kind: MaskKind, row: str) -> None:
    assert image_mask(kind, grid=4, kernel=3)[9].tolist() == [c == "1" for c in row]


@pytest.mark.parametrize(
    ("kind", "keys"), [(MaskKind.ROW, 33), (MaskKind.COLUMN, 32), (MaskKind.CONVOLUTION, 61)]
)
def test_keys_of_the_papers_last_token(kind: MaskKind, keys: int) -> None:
    assert int(image_mask(kind, grid=32, kernel=11)[-1].sum()) == keys


def test_row_mask_ends_with_the_token_above() -> None:
    seen = image_mask(MaskKind.ROW, grid=32, kernel=11)[500].nonzero().flatten()
    assert (int(seen[0]), int(seen[-1])) == (500 - 32, 500)


def test_layers_of_the_paper() -> None:
    kinds = layer_kinds(64)
    assert [str(kind) for kind in kinds[:4]] == ["row", "column", "row", "row"]
    assert kinds[-1] is MaskKind.CONVOLUTION
    assert Counter(map(str, kinds)) == {"row": 47, "column": 16, "convolution": 1}


def test_stream_mask_gives_every_image_token_all_text_and_text_no_image() -> None:
    mask = stream_mask(MaskKind.COLUMN, text_len=6, grid=4, kernel=3)
    assert mask.shape == (22, 22)
    assert bool(mask[6:, :6].all())
    assert not bool(mask[:6, 6:].any())
    assert torch.equal(mask[:6, :6], torch.ones(6, 6, dtype=torch.bool).tril())
    assert torch.equal(mask[6:, 6:], image_mask(MaskKind.COLUMN, 4, 3))


def test_even_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        image_mask(MaskKind.CONVOLUTION, grid=4, kernel=4)
