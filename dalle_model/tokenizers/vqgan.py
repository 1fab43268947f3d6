"""VQGAN: a convolutional encoder, a codebook, and a decoder trained against a discriminator.

Modules and parameters are named as in the release, so that its state dicts load key by key.
Source: CompVis/taming-transformers (3ba01b2) `taming/modules/diffusionmodules/model.py`,
`taming/modules/vqvae/quantize.py`, `taming/models/vqgan.py`; Esser et al. 2021.
"""

from torch import Tensor, nn
from torch.nn import functional

from dalle_model.tokenizers.quantizers import quantizer
from dalle_model.tokenizers.vqgan_config import VqganConfig

# Shape letters: B batch, C colour channels (3), N channels of a feature map, H and W its height and
# width, S S height and width of an image in pixels, G G rows and columns of tokens, E channels of
# a codebook's vectors, Z of the feature map before them.

_GROUPS = 32  # Source: `model.py`, `Normalize`


class ResnetBlock(nn.Module):
    """Two 3x3 convolutions, each after a group norm and a swish, added to their input."""

    def __init__(self, n_in: int, n_out: int, eps: float) -> None:
        super().__init__()
        self.norm1, self.conv1 = _norm(n_in, eps), nn.Conv2d(n_in, n_out, 3, padding=1)
        self.norm2, self.conv2 = _norm(n_out, eps), nn.Conv2d(n_out, n_out, 3, padding=1)
        if n_in != n_out:
            self.nin_shortcut = nn.Conv2d(n_in, n_out, 1)
        self.widens = n_in != n_out

    def forward(self, x_BNHW: Tensor) -> Tensor:
        """Same height and width, `n_out` channels."""
        h_BNHW = self.conv1(functional.silu(self.norm1(x_BNHW)))
        change_BNHW: Tensor = self.conv2(functional.silu(self.norm2(h_BNHW)))
        kept_BNHW: Tensor = self.nin_shortcut(x_BNHW) if self.widens else x_BNHW
        return kept_BNHW + change_BNHW


class AttnBlock(nn.Module):
    """Attention of one head over all positions of a feature map, added to its input."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.norm = _norm(width, eps)
        self.q, self.k, self.v = (nn.Conv2d(width, width, 1) for _ in range(3))
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x_BNHW: Tensor) -> Tensor:
        """Same shape."""
        h_BNHW = self.norm(x_BNHW)
        q, k, v = (at(h_BNHW).flatten(2).mT[:, None] for at in (self.q, self.k, self.v))
        mixed_BLN = functional.scaled_dot_product_attention(q, k, v)[:, 0]
        projected_BNHW: Tensor = self.proj_out(mixed_BLN.mT.reshape(x_BNHW.shape))
        return x_BNHW + projected_BNHW


class Downsample(nn.Module):
    """A 3x3 convolution of stride 2, padded to the right and below alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x_BNHW: Tensor) -> Tensor:
        """Half the height and width."""
        halved_BNHW: Tensor = self.conv(functional.pad(x_BNHW, (0, 1, 0, 1)))
        return halved_BNHW


class Upsample(nn.Module):
    """Each value four times, then a 3x3 convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x_BNHW: Tensor) -> Tensor:
        """Twice the height and width."""
        doubled_BNHW: Tensor = self.conv(functional.interpolate(x_BNHW, scale_factor=2.0))
        return doubled_BNHW


class _Middle(nn.Module):
    """The blocks at the resolution of the tokens."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.block_1, self.attn_1 = ResnetBlock(width, width, eps), AttnBlock(width, eps)
        self.block_2 = ResnetBlock(width, width, eps)

    def forward(self, x_BNHW: Tensor) -> Tensor:
        mixed_BNHW: Tensor = self.block_2(self.attn_1(self.block_1(x_BNHW)))
        return mixed_BNHW


class _Level(nn.Module):
    """The blocks at one resolution, and what leads to the next one.

    Args:
        n_in: channels of what it is given.
        n_out: channels of what it returns.
        blocks: residual blocks.
        attends: whether an attention block follows each.
        eps: of the norms.
        scale: name of the step to the next level, and the step; none on the last level.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        blocks: int,
        attends: bool,
        eps: float,
        scale: dict[str, nn.Module],
    ) -> None:
        super().__init__()
        widths = [n_in, *[n_out] * blocks]
        self.block = nn.ModuleList(ResnetBlock(widths[i], n_out, eps) for i in range(blocks))
        self.attn = nn.ModuleList(AttnBlock(n_out, eps) for _ in range(blocks) if attends)
        for name, step in scale.items():
            self.add_module(name, step)
        self.steps = list(scale)

    def forward(self, x_BNHW: Tensor) -> Tensor:
        for i, block in enumerate(self.block):
            x_BNHW = block(x_BNHW)
            if len(self.attn):
                x_BNHW = self.attn[i](x_BNHW)
        for name in self.steps:
            x_BNHW = self.get_submodule(name)(x_BNHW)
        return x_BNHW


class Encoder(nn.Module):
    """From images to the feature map that is quantised; sizes as `VqganConfig` has them."""

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        widths = [config.ch, *(config.ch * k for k in config.ch_mult)]
        last = len(config.ch_mult) - 1
        self.conv_in = nn.Conv2d(3, config.ch, 3, padding=1)
        self.down = nn.ModuleList(
            _Level(
                widths[i],
                widths[i + 1],
                config.num_res_blocks,
                i in config.attn_levels,
                config.norm_eps,
                {"downsample": Downsample(widths[i + 1])} if i < last else {},
            )
            for i in range(last + 1)
        )
        self.mid = _Middle(widths[-1], config.norm_eps)
        self.norm_out = _norm(widths[-1], config.norm_eps)
        self.conv_out = nn.Conv2d(widths[-1], config.z_channels, 3, padding=1)

    def forward(self, x_BCSS: Tensor) -> Tensor:
        """Features `(B, Z, G, G)` of pixels `(B, 3, S, S)` in [-1, 1]."""
        h_BNHW = self.conv_in(x_BCSS)
        for level in self.down:
            h_BNHW = level(h_BNHW)
        features_BZGG: Tensor = self.conv_out(functional.silu(self.norm_out(self.mid(h_BNHW))))
        return features_BZGG


class Decoder(nn.Module):
    """From features to images; its levels are listed from the finest, as in the release."""

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        widths = [config.ch * k for k in config.ch_mult]
        before = [*widths[1:], widths[-1]]  # each level is given what the coarser one returns
        self.conv_in = nn.Conv2d(config.z_channels, widths[-1], 3, padding=1)
        self.mid = _Middle(widths[-1], config.norm_eps)
        self.up = nn.ModuleList(
            _Level(
                before[i],
                widths[i],
                config.num_res_blocks + 1,
                i in config.attn_levels,
                config.norm_eps,
                {"upsample": Upsample(widths[i])} if i else {},
            )
            for i in range(len(widths))
        )
        self.norm_out = _norm(widths[0], config.norm_eps)
        self.conv_out = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, z_BZGG: Tensor) -> Tensor:
        """Pixels `(B, 3, S, S)`, of which those of [-1, 1] can be shown."""
        h_BNHW = self.mid(self.conv_in(z_BZGG))
        for level in reversed(self.up):
            h_BNHW = level(h_BNHW)
        pixels_BCSS: Tensor = self.conv_out(functional.silu(self.norm_out(h_BNHW)))
        return pixels_BCSS


class Vqgan(nn.Module):
    """An encoder, where the config has one, a codebook and a decoder.

    Pixels of another `pixel_range` than [-1, 1] are of that one wherever it is named here.
    """

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        self.config = config
        if config.has_encoder:
            self.encoder = Encoder(config)
            self.quant_conv = nn.Conv2d(config.z_channels, config.embed_dim, 1)
        self.decoder = Decoder(config)
        self.quantize = quantizer(config)
        self.post_quant_conv = nn.Conv2d(config.embed_dim, config.z_channels, 1)

    def encode(self, x_BCSS: Tensor) -> Tensor:
        """Codes int64 `(B, G, G)` of pixels `(B, 3, S, S)` in [-1, 1]."""
        codes_BGG: Tensor = self.quantize.codes(self.features(x_BCSS))
        return codes_BGG

    def features(self, x_BCSS: Tensor) -> Tensor:
        """What is quantised, `(B, E, G, G)`, of such pixels."""
        features_BEGG: Tensor = self.quant_conv(self.encoder(x_BCSS))
        return features_BEGG

    def decode(self, codes_BGG: Tensor) -> Tensor:
        """Pixels `(B, 3, S, S)` of codes; they may leave [-1, 1] a little."""
        vectors_BEGG = self.quantize.vectors(codes_BGG)
        pixels_BCSS: Tensor = self.decoder(self.post_quant_conv(vectors_BEGG))
        return pixels_BCSS


def _norm(width: int, eps: float) -> nn.GroupNorm:
    return nn.GroupNorm(_GROUPS, width, eps=eps)
