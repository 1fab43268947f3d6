"""DALL-E's prior: one decoder over caption tokens and image tokens.

The stream is T text positions and then G * G image tokens in raster order. The first text position
holds the start-of-text token and the last one the start-of-image token, with the caption and its
padding between them; both count towards T, so that T = 256 and G = 32 give the paper's 1280.
The output at position s predicts the token at position s + 1.
"""

from torch import Tensor, nn

from dalle_model.config import PriorConfig
from dalle_model.prior.block import Block
from dalle_model.prior.cache import LayerCache
from dalle_model.prior.embedding import StreamEmbedding
from dalle_model.prior.masks import layer_kinds
from dalle_model.prior.pattern import Pattern

# Shape letters: B batch, T text positions, G grid side, I image positions, N new positions,
# D model width, V text vocabulary, C image codes.

INIT_GAIN = 0.125  # Source: Child et al. 2019, section 6


class Prior(nn.Module):
    """Sparse transformer whose two heads predict text and image tokens, each in its own vocabulary.

    Source: Ramesh et al. 2021, section 2.2 and appendix B.1; initial values, Child et al. 2019.
    """

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.config = config
        kinds = layer_kinds(config.layers)
        sizes = (config.text_len, config.grid, config.conv_kernel)
        self.embedding = StreamEmbedding(config)
        self.patterns = [Pattern(kind, *sizes) for kind in kinds]
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, pattern) for pattern in self.patterns
        )
        self.norm = nn.LayerNorm(config.width)
        self.text_head = nn.Linear(config.width, config.text_vocab)
        self.image_head = nn.Linear(config.width, config.image_vocab)
        self._initialise()

    def forward(self, text_BT: Tensor, image_BI: Tensor) -> tuple[Tensor, Tensor]:
        """Predict each token from all tokens before it.

        Args:
            text_BT: ids, `pad_id` (= `config.text_vocab`) where empty.
            image_BI: ids in raster order.

        Returns:
            Logits `(B, T - 1, V)` of text positions 1.. and `(B, I, C)` of the image tokens.
        """
        x_BND = self.embedding(text_BT, image_BI)  # of the last token nothing is predicted, but
        for block in self.blocks:  # attention is fastest over whole streams
            x_BND = block(x_BND)
        x_BND = self.norm(x_BND)
        last_text = text_BT.shape[1] - 1
        return self.text_head(x_BND[:, :last_text]), self.image_head(x_BND[:, last_text:-1])

    def prefill(self, text_BT: Tensor) -> tuple[Tensor, list[LayerCache]]:
        """Process captions; returns logits `(B, C)` of the first image token, and the caches."""
        no_image_B0 = text_BT.new_empty(text_BT.shape[0], 0)
        caches = [LayerCache(pattern) for pattern in self.patterns]
        return self._next_logits(self.embedding(text_BT, no_image_B0), caches), caches

    def step(self, token_B: Tensor, position: int, caches: list[LayerCache]) -> Tensor:
        """Process the image token at a raster position; returns logits `(B, C)` of the next one."""
        return self._next_logits(self.embedding.embed_image(token_B[:, None], position), caches)

    def _next_logits(self, x_BND: Tensor, caches: list[LayerCache]) -> Tensor:
        for block, cache in zip(self.blocks, caches, strict=True):
            x_BND = block(x_BND, cache)
        logits_BC: Tensor = self.image_head(self.norm(x_BND[:, -1]))
        return logits_BC

    def _initialise(self) -> None:
        width, depth_scale = self.config.width, (2 * len(self.blocks)) ** -0.5
        for name, weight in self.named_parameters():
            if name.endswith("bias") or name.startswith(("text_head", "image_head")):
                nn.init.zeros_(weight)
            elif name.startswith("embedding"):
                summed = 2 if name.endswith(("row.weight", "column.weight")) else 1
                nn.init.normal_(weight, std=INIT_GAIN / (width * summed) ** 0.5)
            elif weight.ndim == 2:
                is_branch_end = name.endswith(("attention.output.weight", "mlp.2.weight"))
                scale = depth_scale if is_branch_end else 1.0
                nn.init.normal_(weight, std=scale * INIT_GAIN / weight.shape[1] ** 0.5)


def num_parameters(prior: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(weight.numel() for weight in prior.parameters())
