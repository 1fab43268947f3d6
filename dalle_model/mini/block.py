"""What both stacks of DALL·E mini are made of: an embedding, and blocks with norms around them."""

from torch import Tensor, nn

from dalle_model.mini.config import MiniConfig
from dalle_model.mini.layers import Attention, GatedMlp, KeysValues, Norm

# Shape letters: B batch, T text positions, I image positions, N positions of either, D model width,
# H heads, K channels of one head.


class Embedding(nn.Module):
    """Token and learned position, summed and normed; neither is scaled.

    Args:
        rows: of the table of tokens.
        length: positions.
        width: channels.
    """

    def __init__(self, rows: int, length: int, width: int) -> None:
        super().__init__()
        self.token = nn.Embedding(rows, width)
        self.position = nn.Embedding(length, width)
        self.norm = Norm(width)

    def forward(self, ids_BN: Tensor, first: int = 0) -> Tensor:
        """Embed consecutive tokens, the first of them at position `first`, as `(B, N, D)`."""
        end, length = first + ids_BN.shape[1], len(self.position.weight)
        if end > length:
            raise ValueError(f"{end} positions where the model has {length}")
        position_ND = self.position.weight[first:end]
        embedded_BND: Tensor = self.norm(self.token(ids_BN) + position_ND)
        return embedded_BND


class EncoderBlock(nn.Module):
    """Attention to the whole caption, then the gated unit; each is added to the stream."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.attention_norm = Norm(config.width, config.scaled_norms)
        self.attention = Attention(config.width, config.heads)
        self.attention_out_norm = Norm(config.width)
        self.mlp = GatedMlp(config.width, config.ffn, config.scaled_norms)

    def forward(self, x_BTD: Tensor, mask_B11T: Tensor) -> Tensor:
        """Same shape."""
        asked_BTD = self.attention_norm(x_BTD)
        read = self.attention.keys_values(asked_BTD)
        x_BTD = x_BTD + self.attention_out_norm(self.attention(asked_BTD, read, mask_B11T))
        out_BTD: Tensor = x_BTD + self.mlp(x_BTD)
        return out_BTD


class DecoderBlock(nn.Module):
    """Attention to earlier image tokens, then to the caption, then the gated unit."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.attention_norm = Norm(config.width, config.scaled_norms)
        self.attention = Attention(config.width, config.heads)
        self.attention_out_norm = Norm(config.width)
        self.cross_norm = Norm(config.width, config.scaled_norms)
        self.cross = Attention(config.width, config.heads)
        self.cross_out_norm = Norm(config.width)
        self.mlp = GatedMlp(config.width, config.ffn, config.scaled_norms)

    def forward(self, x_BID: Tensor, memory_BTD: Tensor, mask_B11T: Tensor) -> Tensor:
        """Process all image positions at once; same shape."""
        asked_BID = self.attention_norm(x_BID)
        read = self.attention.keys_values(asked_BID)
        mixed_BID = self.attention(asked_BID, read, is_causal=True)
        return self._rest(x_BID, mixed_BID, self.cross.keys_values(memory_BTD), mask_B11T)

    def step(
        self, x_B1D: Tensor, position: int, image: KeysValues, caption: KeysValues, mask: Tensor
    ) -> Tensor:
        """Process one image position, and keep its keys and values in `image`."""
        asked_B1D = self.attention_norm(x_B1D)
        for kept_BHIK, new_BH1K in zip(image, self.attention.keys_values(asked_B1D), strict=True):
            kept_BHIK[:, :, position] = new_BH1K[:, :, 0]
        keys, values = (kept[:, :, : position + 1] for kept in image)
        return self._rest(x_B1D, self.attention(asked_B1D, (keys, values)), caption, mask)

    def _rest(
        self, x_BND: Tensor, mixed_BND: Tensor, caption: KeysValues, mask_B11T: Tensor
    ) -> Tensor:
        x_BND = x_BND + self.attention_out_norm(mixed_BND)
        crossed_BND = self.cross(self.cross_norm(x_BND), caption, mask_B11T)
        x_BND = x_BND + self.cross_out_norm(crossed_BND)
        out_BND: Tensor = x_BND + self.mlp(x_BND)
        return out_BND
