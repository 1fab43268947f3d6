"""Multi-head attention, over a whole stream or one token at a time."""

from torch import Tensor, nn

from dalle_model.prior.cache import LayerCache
from dalle_model.prior.pattern import Pattern

# Shape letters: B batch, N new positions, D model width, H heads, K channels of one head; 3 is
# query, key and value.


class Attention(nn.Module):
    """Attention to the positions that a pattern allows.

    Args:
        width: channels of the stream, a multiple of `heads`.
        heads: attention heads.
        pattern: which positions each position attends to.
    """

    def __init__(self, width: int, heads: int, pattern: Pattern) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.pattern = pattern

    def forward(self, x_BND: Tensor, cache: LayerCache | None = None) -> Tensor:
        """Attend from new positions to themselves and to those in the cache."""
        B, N, D = x_BND.shape
        qkv_BN3HK = self.query_key_value(x_BND).view(B, N, 3, self.heads, D // self.heads)
        mixed_BNHK = (self.pattern if cache is None else cache).attend(qkv_BN3HK)
        return self.output(mixed_BNHK.reshape(B, N, D))  # type: ignore[no-any-return]
