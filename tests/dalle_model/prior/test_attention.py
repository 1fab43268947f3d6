import torch

from dalle_model.prior.attention import Attention
from dalle_model.prior.masks import MaskKind
from dalle_model.prior.pattern import Pattern


def test_masked_positions_have_no_influence() -> None:
    torch.manual_seed(0)
    attention = Attention(16, 2, Pattern(MaskKind.COLUMN, text_len=2, grid=3, kernel=3))
    x = torch.randn(1, 11, 16)
    changed = x.clone()
    changed[0, 2 + 3] += 1  # image position 3: row 1, column 0
    difference = (attention(x) - attention(changed)).abs().sum(dim=-1)[0]
    assert difference.gt(0).nonzero().flatten().tolist() == [2 + 3, 2 + 6]
