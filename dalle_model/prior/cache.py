"""Keys and values that the layers still read when the next image token is sampled.

A layer keeps the text and, of the image, what its pattern can still reach: a ring of G + 1 tokens
for rows and of a few rows for the convolution, all tokens in the order of columns for columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

from dalle_model.prior.masks import MaskKind, window_distances
from dalle_model.prior.pattern import Pattern
from dalle_model.prior.windows import fused_attention
from dalle_model.threads import torch_threads

# Shape letters: M captions, B streams, T text positions, N new positions, G grid side, Z slots,
# P slots that are read, H heads, K channels of one head; 3 is query, key and value.

Slots = slice | list[int]


@dataclass
class LayerCache:
    """Keys and values of one layer.

    Args:
        pattern: of the layer.
        text: keys and values `(B, H, T, K)`; None before the text is read.
        image: keys and values `(B, H, Z, K)`.
        length: image tokens so far.
    """

    pattern: Pattern
    text: tuple[Tensor, Tensor] | None = None
    image: tuple[Tensor, Tensor] | None = None
    length: int = 0

    def attend(self, qkv_BN3HK: Tensor) -> Tensor:
        """Take in the whole text, or the next image token, and mix the values that it reads.

        Args:
            qkv_BN3HK: N is T, then 1. Streams after those of the text fill the batch up to a
                size; they are left out here, and mixed to zeros.

        Returns:
            `(B, N, H, K)`.
        """
        if self.text is None:
            self.text = tuple(qkv_BN3HK.transpose(1, 3)[:, :, 1:].contiguous().unbind(2))  # type: ignore[assignment]
            return self.pattern.attend(qkv_BN3HK)
        filled, count = len(qkv_BN3HK), len(self.text[0])
        q_BH1K, k_BH1K, v_BH1K = qkv_BN3HK[:count].transpose(1, 3).unbind(2)
        write, read = slots(self.pattern, self.length)
        if self.image is None:
            shape = (count, k_BH1K.shape[1], num_slots(self.pattern), k_BH1K.shape[3])
            self.image = k_BH1K.new_zeros(shape), k_BH1K.new_zeros(shape)
        keys_BHZK, values_BHZK = self.image
        keys_BHZK[:, :, write], values_BHZK[:, :, write] = k_BH1K[:, :, 0], v_BH1K[:, :, 0]
        self.length += 1
        image = keys_BHZK[:, :, read], values_BHZK[:, :, read]
        return _mix(q_BH1K, self.text, image, filled - count).transpose(1, 2)

    def num_bytes(self) -> int:
        """Memory of keys and values."""
        kept = [x.untyped_storage() for x in [*(self.text or ()), *(self.image or ())]]
        return sum({storage.data_ptr(): storage.nbytes() for storage in kept}.values())


def spread_captions(read: Sequence[LayerCache], index_B: Tensor) -> LayerCache:
    """Streams of image tokens for captions that a layer has read.

    Args:
        read: a cache for each caption.
        index_B: of each stream's caption. Where there is one caption, it is in memory once.
    """
    texts = [cache.text for cache in read if cache.text is not None]
    joined = [torch.cat(parts) for parts in zip(*texts, strict=True)]
    count = len(index_B)
    keys, values = (x.expand(count, -1, -1, -1) if len(x) == 1 else x[index_B] for x in joined)
    return LayerCache(read[0].pattern, (keys, values))


def num_slots(pattern: Pattern) -> int:
    """Image tokens that a layer keeps."""
    last = pattern.grid**2
    if pattern.kind is MaskKind.COLUMN:
        return last
    if pattern.kind is MaskKind.ROW:
        return min(last, pattern.grid + 1)
    return min(last, max(window_distances(pattern.grid, pattern.kernel)) + 1)


def slots(pattern: Pattern, position: int) -> tuple[int, Slots]:
    """Where the token at a raster position is kept, and which slots it reads, its own included."""
    size = num_slots(pattern)
    if pattern.kind is MaskKind.COLUMN:
        row, column = divmod(position, pattern.grid)
        first = column * pattern.grid
        return first + row, slice(first, first + row + 1)
    if pattern.kind is MaskKind.ROW:
        return position % size, slice(0, min(position + 1, size))
    distances = set(window_distances(pattern.grid, pattern.kernel))
    return position % size, sorted((position - d) % size for d in distances if d <= position)


def _mix(
    q_BH1K: Tensor, text: tuple[Tensor, Tensor], image: tuple[Tensor, Tensor], num_zeros: int
) -> Tensor:
    """Attention to two parts with one softmax, and streams of zeros, `(B + num_zeros, H, 1, K)`.

    On a CPU the parts are joined after the zeros are added: elementwise functions round otherwise
    in the last few numbers, which do not fill a vector.
    """
    end = (0, 0, 0, 0, 0, 0, 0, num_zeros)
    if q_BH1K.device.type != "cpu":
        keys_BHPK, values_BHPK = (torch.cat(both, dim=2) for both in zip(text, image, strict=True))
        return F.pad(F.scaled_dot_product_attention(q_BH1K, keys_BHPK, values_BHPK), end)
    with torch_threads(1):  # more share the work by how many streams there are, and sum otherwise
        text_BH1K, text_log_sum_BH1 = fused_attention(q_BH1K, *text)
        image_BH1K, image_log_sum_BH1 = fused_attention(q_BH1K, *image)
    share_BH1 = F.pad(image_log_sum_BH1 - text_log_sum_BH1, end[2:]).sigmoid_()
    mixed_BH1K: Tensor = F.pad(text_BH1K, end).lerp_(
        F.pad(image_BH1K, end), share_BH1.to(q_BH1K.dtype)[..., None]
    )
    return mixed_BH1K
