"""What a CPU can show: the blocks, the order of tokens, and that nothing is compiled twice."""

from collections.abc import Iterator

import pytest
import torch

from dalle_model.prior import flex
from dalle_model.prior.flex import allowed, block_mask, transpose_image
from dalle_model.prior.masks import MaskKind, column_major, stream_mask
from dalle_model.prior.pattern import Pattern

KINDS = pytest.mark.parametrize("kind", list(MaskKind))


@KINDS
@pytest.mark.parametrize("sizes", [(1, 1, 3), (3, 2, 5), (16, 8, 5), (7, 4, 11), (2, 5, 7)])
def test_allows_what_the_mask_allows(kind: MaskKind, sizes: tuple[int, int, int]) -> None:
    text_len, grid, _ = sizes
    mask = stream_mask(kind, *sizes)
    if kind is MaskKind.COLUMN:
        order = torch.cat([torch.arange(text_len), text_len + column_major(grid)])
        mask = mask[order][:, order]
    position = torch.arange(len(mask))
    none = torch.tensor(0)
    assert torch.equal(allowed(kind, *sizes)(none, none, position[:, None], position), mask)


@pytest.mark.parametrize(
    ("kind", "blocks"), [(MaskKind.ROW, 34), (MaskKind.COLUMN, 27), (MaskKind.CONVOLUTION, 40)]
)
def test_blocks_of_128_at_the_papers_size(kind: MaskKind, blocks: int) -> None:
    """Of 100, of which 55 are causal; in raster order a column layer needs all of these."""
    assert round(100 - block_mask(kind, 256, 32, 11).sparsity()) == blocks


def test_order_of_columns_and_back() -> None:
    x = torch.arange(2 + 9)[None, :, None]
    turned = transpose_image(x, grid=3)
    assert turned.flatten().tolist() == [0, 1, 2, 5, 8, 3, 6, 9, 4, 7, 10]
    assert torch.equal(transpose_image(turned, grid=3), x)


@pytest.fixture
def compiled_without_code(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Graphs are captured and run as they are: making code of them takes a compiler, and time."""
    monkeypatch.setitem(flex.COMPILATION, "backend", "eager")
    flex.compiled.cache_clear()
    yield
    flex.compiled.cache_clear()


@pytest.mark.usefixtures("compiled_without_code")
def test_equal_to_windows_and_compiled_once_a_kind() -> None:
    sizes = (20, 12, 5)
    qkv = torch.randn(2, 164, 3, 2, 16, generator=torch.Generator().manual_seed(0))
    for kind in MaskKind:
        mixed = flex.attend_in_blocks(qkv, kind, *sizes)
        torch.testing.assert_close(mixed, Pattern(kind, *sizes).attend(qkv), atol=1e-5, rtol=0)
    with torch.compiler.set_stance("fail_on_recompile"):
        for kind in MaskKind:
            flex.attend_in_blocks(qkv.clone(), kind, *sizes)
