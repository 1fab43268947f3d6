from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from dalle_model.prior import pattern
from dalle_model.prior.masks import MaskKind, stream_mask
from dalle_model.prior.pattern import Pattern, attend_short

SIZES = (20, 12, 5)  # 164 positions: a stream for windows


def random_qkv(positions: int) -> torch.Tensor:
    return torch.randn(2, positions, 3, 2, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", list(MaskKind))
def test_short_and_long_streams_are_mixed_alike(kind: MaskKind) -> None:
    qkv = random_qkv(164)
    mixed = Pattern(kind, *SIZES).attend(qkv)
    with patch.object(pattern, "SHORT_STREAM", 1000):
        all_scores = Pattern(kind, *SIZES).attend(qkv)
    assert not torch.equal(mixed, all_scores)  # two ways
    torch.testing.assert_close(mixed, all_scores, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", list(MaskKind))
def test_part_of_a_stream_is_mixed_as_in_the_whole(kind: MaskKind) -> None:
    qkv, of = random_qkv(164), Pattern(kind, *SIZES)
    for positions in (3, 20, 163):
        torch.testing.assert_close(
            of.attend(qkv[:, :positions]), of.attend(qkv)[:, :positions], atol=1e-5, rtol=0
        )


def test_short_attention_equals_the_fused_kernel() -> None:
    draw = torch.Generator().manual_seed(0)
    queries, keys, values = (torch.randn(2, 3, 13, 8, generator=draw) for _ in range(3))
    mask = stream_mask(MaskKind.ROW, text_len=4, grid=3, kernel=3)
    fused = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    torch.testing.assert_close(attend_short(queries, keys, values, mask), fused)


def test_what_sampling_made_serves_training() -> None:
    qkv, of = random_qkv(164), Pattern(MaskKind.ROW, 20, 12, 3)
    with torch.inference_mode():
        of.attend(qkv)
    of.attend(qkv.requires_grad_()).sum().backward()
    assert qkv.grad is not None


@pytest.mark.parametrize("kind", list(MaskKind))
def test_compiles_once(kind: MaskKind) -> None:
    qkv, of = random_qkv(164).requires_grad_(), Pattern(kind, *SIZES)
    compiled = torch.compile(of.attend, backend="eager")
    torch.testing.assert_close(compiled(qkv), of.attend(qkv))
    with torch.compiler.set_stance("fail_on_recompile"):
        compiled(qkv.detach().clone().requires_grad_())
