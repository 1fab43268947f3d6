"""DALL·E mini: an encoder of the caption, and a decoder of image tokens that reads what it wrote.

The decoder is given the start and all image tokens but the last; its output at position i predicts
image token i from those before it and the whole caption.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dalle_model.mini.block import DecoderBlock, Embedding, EncoderBlock
from dalle_model.mini.config import MiniConfig
from dalle_model.mini.layers import KeysValues, Norm

# Shape letters: B batch, T text positions, I image positions, D model width, H heads, K channels of
# one head, C image ids with the start, of which the first are codes.


@dataclass
class MiniState:
    """What the decoder reads of a caption and of the tokens so far, for each of its layers.

    Args:
        mask: bool `(B, 1, 1, T)`, where the caption is.
        captions: keys and values of the caption, `(B, H, T, K)`.
        images: keys and values of image tokens, `(B, H, I, K)`, of which those so far are filled.
    """

    mask: Tensor
    captions: list[KeysValues]
    images: list[KeysValues]

    @classmethod
    def joined(cls, read: Sequence["MiniState"]) -> "MiniState":
        """The state of captions that were read one by one, in that order.

        A caption by itself gives the same numbers whatever is read beside it.
        """

        def of_layers(parts: Iterable[list[KeysValues]]) -> list[KeysValues]:
            layers = zip(*parts, strict=True)
            return [(torch.cat([k for k, _ in x]), torch.cat([v for _, v in x])) for x in layers]

        return cls(
            torch.cat([state.mask for state in read]),
            of_layers(state.captions for state in read),
            of_layers(state.images for state in read),
        )

    def spread(self, index_B: Tensor) -> "MiniState":
        """The state of other streams, before their first token.

        Args:
            index_B: of each stream's caption. Where there is one caption, it is in memory once.
        """

        def chosen(x: Tensor) -> Tensor:
            return x.expand(len(index_B), -1, -1, -1) if len(x) == 1 else x[index_B]

        captions = [(chosen(keys), chosen(values)) for keys, values in self.captions]
        shapes = [(len(index_B), *keys.shape[1:]) for keys, _ in self.images]
        images = [
            (keys.new_zeros(shape), values.new_zeros(shape))
            for shape, (keys, values) in zip(shapes, self.images, strict=True)
        ]
        return MiniState(chosen(self.mask), captions, images)


class Mini(nn.Module):
    """A BART of two vocabularies, text in and image tokens out, with the norms of NormFormer.

    Source: borisdayma/dalle-mini (f0be4de) `src/dalle_mini/model/modeling.py`.
    """

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.head = nn.Linear(config.width, config.image_vocab + 1, bias=False)
        for weight in self.parameters():
            if weight.ndim == 2:  # norms begin at 1 and 0
                nn.init.normal_(weight, std=config.init_std)

    def forward(self, text_BT: Tensor, image_BI: Tensor) -> Tensor:
        """Predict each image token from the caption and the image tokens before it.

        Args:
            text_BT: ids, `config.text_pad` where empty.
            image_BI: codes in raster order.

        Returns:
            Logits `(B, I, C)`.

        Raises:
            ValueError: there are more positions than the config has.
        """
        memory_BTD, mask_B11T = self.encode(text_BT)
        shifted_BI = torch.cat([self._start(len(image_BI)), image_BI[:, :-1]], dim=1)
        logits_BIC: Tensor = self.head(self.decoder(shifted_BI, memory_BTD, mask_B11T))
        return logits_BIC

    def encode(self, text_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Read captions.

        Returns:
            What the decoder reads, `(B, T, D)`, and where, bool `(B, 1, 1, T)`: not at the padding.
        """
        mask_B11T = (text_BT != self.config.text_pad)[:, None, None]
        memory_BTD: Tensor = self.encoder(text_BT, mask_B11T)
        return memory_BTD, mask_B11T

    def prefill(self, text_BT: Tensor) -> MiniState:
        """Read captions once for all image tokens; `step` begins with `config.start` at 0."""
        memory_BTD, mask_B11T = self.encode(text_BT)
        return self.decoder.begin(memory_BTD, mask_B11T)

    def step(self, token_B: Tensor, position: int, state: MiniState) -> Tensor:
        """Take in the token before a raster position.

        Args:
            token_B: int64; `config.start` at position 0.
            position: of the token that is to be drawn.
            state: of `prefill`, to which the token is added.

        Returns:
            Logits `(B, num_codes)` of the codes that may stand there.
        """
        last_BD = self.decoder.step(token_B, position, state)
        logits_BC: Tensor = self.head(last_BD)
        return logits_BC[:, : self.config.num_codes]

    def _start(self, count: int) -> Tensor:
        start = torch.tensor(self.config.start, device=self.head.weight.device)
        return start.expand(count, 1)


class Encoder(nn.Module):
    """Captions to what the decoder reads of them; every position sees the whole caption."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.embedding = Embedding(config.text_vocab, config.text_len, config.width)
        self.blocks = nn.ModuleList(EncoderBlock(config) for _ in range(config.encoder_layers))
        self.norm = Norm(config.width, config.scaled_norms)

    def forward(self, text_BT: Tensor, mask_B11T: Tensor) -> Tensor:
        """Of ids, `(B, T, D)`."""
        x_BTD = self.embedding(text_BT)
        for block in self.blocks:
            x_BTD = block(x_BTD, mask_B11T)
        memory_BTD: Tensor = self.norm(x_BTD)
        return memory_BTD


class Decoder(nn.Module):
    """Image tokens to what the head reads; a position sees no later one."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.embedding = Embedding(config.image_vocab + 1, config.image_len, config.width)
        self.blocks = nn.ModuleList(DecoderBlock(config) for _ in range(config.decoder_layers))
        self.norm = Norm(config.width, config.scaled_norms)

    def forward(self, image_BI: Tensor, memory_BTD: Tensor, mask_B11T: Tensor) -> Tensor:
        """Of the start and the tokens after it, `(B, I, D)`."""
        x_BID = self.embedding(image_BI)
        for block in self.blocks:
            x_BID = block(x_BID, memory_BTD, mask_B11T)
        out_BID: Tensor = self.norm(x_BID)
        return out_BID

    def begin(self, memory_BTD: Tensor, mask_B11T: Tensor) -> MiniState:
        """The state before the first token."""
        captions = [block.cross.keys_values(memory_BTD) for block in self._blocks()]
        length = len(self.embedding.position.weight)
        shapes = [(*keys.shape[:2], length, keys.shape[3]) for keys, _ in captions]
        images = [(memory_BTD.new_zeros(s), memory_BTD.new_zeros(s)) for s in shapes]
        return MiniState(mask_B11T, captions, images)

    def step(self, token_B: Tensor, position: int, state: MiniState) -> Tensor:
        """Of one token at one position, `(B, D)`."""
        x_B1D = self.embedding(token_B[:, None], position)
        kept = zip(self._blocks(), state.images, state.captions, strict=True)
        for block, image, caption in kept:
            x_B1D = block.step(x_B1D, position, image, caption, state.mask)
        last_BD: Tensor = self.norm(x_B1D[:, 0])
        return last_BD

    def _blocks(self) -> list[DecoderBlock]:
        return [block for block in self.blocks if isinstance(block, DecoderBlock)]
