"""Multi-head attention under a fixed mask, over a whole stream or one token at a time."""

from torch import Tensor, nn

from dalle_model.prior.pattern import Pattern, attend_masked

# Shape letters: B batch, N new positions, P positions so far, S stream positions, D model width,
# H heads, K channels of one head; 3 is query, key and value.


class KeyValueCache:
    """Keys and values of the positions that one layer has processed.

    Args:
        keys_BHSK: room for every position of the stream.
        values_BHSK: the same.
    """

    def __init__(self, keys_BHSK: Tensor, values_BHSK: Tensor) -> None:
        self.keys_BHSK, self.values_BHSK, self.length = keys_BHSK, values_BHSK, 0

    def append(self, keys_BHNK: Tensor, values_BHNK: Tensor) -> tuple[Tensor, Tensor]:
        """Add new positions; returns all keys and values so far, `(B, H, P, K)`."""
        end = self.length + keys_BHNK.shape[2]
        self.keys_BHSK[:, :, self.length : end] = keys_BHNK
        self.values_BHSK[:, :, self.length : end] = values_BHNK
        self.length = end
        return self.keys_BHSK[:, :, :end], self.values_BHSK[:, :, :end]

    def repeat(self, times: int) -> "KeyValueCache":
        """Each stream `times` times, with its copies next to each other."""
        cache = KeyValueCache(
            self.keys_BHSK.repeat_interleave(times, dim=0),
            self.values_BHSK.repeat_interleave(times, dim=0),
        )
        cache.length = self.length
        return cache


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

    def forward(self, x_BND: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Attend from new positions to themselves and to those in the cache."""
        B, N, D = x_BND.shape
        qkv_BN3HK = self.query_key_value(x_BND).view(B, N, 3, self.heads, D // self.heads)
        if cache is None:
            mixed_BNHK = self.pattern.attend(qkv_BN3HK)
        else:
            q_BHNK, k_BHNK, v_BHNK = qkv_BN3HK.transpose(1, 3).unbind(2)
            k_BHPK, v_BHPK = cache.append(k_BHNK, v_BHNK)
            P = k_BHPK.shape[2]
            mask_NP = self.pattern.mask_on(x_BND.device)[P - N : P, :P]
            mixed_BNHK = attend_masked(q_BHNK, k_BHPK, v_BHPK, mask_NP).transpose(1, 2)
        return self.output(mixed_BNHK.reshape(B, N, D))  # type: ignore[no-any-return]
