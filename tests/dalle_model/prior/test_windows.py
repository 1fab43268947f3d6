import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from dalle_model.prior.masks import MaskKind, image_mask, stream_mask
from dalle_model.prior.windows import attend_in_windows, window_bias, windows

SIZES = [  # text positions, grid, kernel: windows that begin before the text among them
    (1, 1, 3), (3, 2, 5), (5, 3, 3), (16, 8, 5), (7, 4, 11), (40, 6, 5), (2, 5, 7),
]  # fmt: skip
KINDS = pytest.mark.parametrize("kind", list(MaskKind))


def random_qkv(text_len: int, grid: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    shape = (2, text_len + grid**2, 3, 3, 8)
    return torch.randn(shape, generator=draw).requires_grad_()


def all_scores(qkv: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    queries, keys, values = qkv.transpose(1, 3).unbind(2)
    scores = (queries @ keys.transpose(2, 3) / keys.shape[-1] ** 0.5).masked_fill(~mask, -torch.inf)
    return (scores.softmax(dim=-1) @ values).transpose(1, 2)


@KINDS
@pytest.mark.parametrize("sizes", SIZES)
def test_equal_to_all_scores_under_the_mask_forward_and_backward(
    kind: MaskKind, sizes: tuple[int, int, int]
) -> None:
    qkv = random_qkv(*sizes[:2])
    mixed = attend_in_windows(qkv, kind, *sizes)
    expected = all_scores(qkv, stream_mask(kind, *sizes))
    weights = torch.randn(mixed.shape, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((mixed * weights).sum(), qkv)
    (expected_gradient,) = torch.autograd.grad((expected * weights).sum(), qkv)
    torch.testing.assert_close(mixed, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(gradient, expected_gradient, atol=1e-5, rtol=0)


@KINDS
def test_large_scores_do_not_overflow(kind: MaskKind) -> None:
    qkv = 30 * random_qkv(4, 4).detach()
    queries, keys, values = qkv.transpose(1, 3).unbind(2)
    mask = stream_mask(kind, 4, 4, 3)
    expected = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    mixed = attend_in_windows(qkv, kind, 4, 4, 3)
    torch.testing.assert_close(mixed, expected.transpose(1, 2), atol=1e-3, rtol=1e-4)


@KINDS
@pytest.mark.parametrize("sizes", SIZES)
def test_each_allowed_score_is_in_one_window(kind: MaskKind, sizes: tuple[int, int, int]) -> None:
    _, grid, kernel = sizes
    assert int((window_bias(kind, grid, kernel) == 0).sum()) == int(
        image_mask(kind, grid, kernel).sum()
    )


def test_scores_of_the_papers_stream() -> None:
    """Of 1280 x 1280: the text's, causal, then 256 + W for each image token."""
    lengths = {kind: windows(kind, 256, 32, 11).reach + 32 for kind in MaskKind}
    assert lengths == {"row": 64, "column": 32, "convolution": 197}


def test_bfloat16_is_mixed_in_float32() -> None:
    qkv = random_qkv(5, 3).detach().bfloat16()
    mixed = attend_in_windows(qkv, MaskKind.ROW, 5, 3, 3)
    expected = attend_in_windows(qkv.float(), MaskKind.ROW, 5, 3, 3)
    assert torch.equal(mixed, expected.bfloat16())
