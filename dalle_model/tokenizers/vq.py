"""A VQ-VAE of patches: an encoder that sees beyond its patch, a codebook, a decoder.

Patches of 8 x 8 pixels are the channels of a map at the resolution of the tokens, and every
convolution lies there: so a layer costs a hundredth of what it costs at full resolution, and the
weights fit images of any multiple of 8 px. Both halves are the sum of a linear map of one position
and of a residual trunk that sees its neighbours. Where the trunks are zero and the linear maps are
principal components, the whole is k-means of patches: training starts there.

Source: van den Oord et al. 2017, section 3 (codebook and nearest vector); He et al. 2016,
arXiv:1603.05027 (residual blocks whose relu comes first). The layout is ours.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from dalle_model.config import PATCH
from dalle_model.tokenizers.vq_config import VqConfig

# Shape letters: B batch, C colour channels (3), S S height and width in pixels, N channels of a
# feature map, H and W its height and width, G G rows and columns of tokens, P values of a patch
# (192), E channels of a codebook's vectors, K codes, R = B * G * G positions.

PATCH_VALUES = 3 * PATCH**2


class Conv(nn.Module):
    """A convolution that keeps height and width, its kernel a matrix, for Muon, channels last.

    Args:
        n_in: channels of what it is given.
        n_out: channels of what it returns.
        kernel: edge of the kernel, odd.
        gain: variance of the initial weights times their fan-in; 2 after a relu, 0 for a layer that
            shall have no effect at first. Source: He et al. 2015, section 2.2.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int = 1, gain: float = 1.0) -> None:
        super().__init__()
        self.kernel = kernel
        self.w = nn.Parameter(torch.empty(n_out, kernel**2 * n_in))
        self.b = nn.Parameter(torch.zeros(n_out))
        nn.init.normal_(self.w, std=math.sqrt(gain / self.w.shape[1]))

    def forward(self, x_BNHW: Tensor) -> Tensor:
        """Same height and width, `n_out` channels."""
        w_NHWN = self.w.view(len(self.w), self.kernel, self.kernel, -1)
        y_BNHW: Tensor = functional.conv2d(
            x_BNHW, w_NHWN.permute(0, 3, 1, 2), self.b, padding=self.kernel // 2
        )
        return y_BNHW


class Block(nn.Module):
    """A 3x3 and a 1x1 convolution, each after a relu, added to their input; at first nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spread = Conv(width, width, kernel=3, gain=2.0)
        self.mix = Conv(width, width, gain=0.0)

    def forward(self, x_BNHW: Tensor) -> Tensor:
        """Same shape."""
        h_BNHW: Tensor = self.spread(functional.relu(x_BNHW))
        change_BNHW: Tensor = self.mix(functional.relu(h_BNHW))
        return x_BNHW + change_BNHW


class Trunk(nn.Module):
    """What neighbours add to a position; nothing at first."""

    def __init__(self, n_in: int, width: int, n_out: int, blocks: int, kernel: int) -> None:
        super().__init__()
        self.input = Conv(n_in, width, kernel)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(blocks)])
        self.output = Conv(width, n_out, gain=0.0)

    def forward(self, x_BNHW: Tensor) -> Tensor:
        """Same height and width, in float32."""
        h_BNHW: Tensor = self.blocks(self.input(x_BNHW))
        y_BNHW: Tensor = self.output(functional.relu(h_BNHW))
        return y_BNHW.float()


class Encoder(nn.Module):
    """Features `(B, E, G, G)` of pixels `(B, 3, S, S)` in [-1, 1]."""

    def __init__(self, config: VqConfig) -> None:
        super().__init__()
        self.linear = Conv(PATCH_VALUES, config.embed_dim)
        self.trunk = Trunk(
            PATCH_VALUES, config.width, config.embed_dim, config.encoder_blocks, kernel=1
        )

    def forward(self, x_BCSS: Tensor) -> Tensor:
        """Features in float32."""
        patches_BPGG = functional.pixel_unshuffle(x_BCSS, PATCH)
        patches_BPGG = patches_BPGG.contiguous(memory_format=torch.channels_last)
        context_BEGG: Tensor = self.trunk(patches_BPGG)
        return self.without_context(patches_BPGG) + context_BEGG

    def without_context(self, patches_BPGG: Tensor) -> Tensor:
        """What each patch says alone: the linear map, in float32 wherever it is called."""
        with torch.autocast(patches_BPGG.device.type, enabled=False):
            features_BEGG: Tensor = self.linear(patches_BPGG.float())
        return features_BEGG


class Decoder(nn.Module):
    """Pixels `(B, 3, S, S)`, of which [-1, 1] can be shown, of vectors `(B, E, G, G)`."""

    def __init__(self, config: VqConfig) -> None:
        super().__init__()
        self.linear = Conv(config.embed_dim, PATCH_VALUES)
        self.trunk = Trunk(
            config.embed_dim, config.width, PATCH_VALUES, config.decoder_blocks, kernel=3
        )

    def forward(self, z_BEGG: Tensor) -> Tensor:
        """Pixels in float32."""
        with torch.autocast(z_BEGG.device.type, enabled=False):
            patches_BPGG = self.linear(z_BEGG)
        return functional.pixel_shuffle(patches_BPGG + self.trunk(z_BEGG), PATCH)


class Vq(nn.Module):
    """An encoder, a codebook and a decoder."""

    codebook: Tensor

    def __init__(self, config: VqConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.register_buffer("codebook", torch.zeros(config.num_codes, config.embed_dim))

    def encode(self, x_BCSS: Tensor) -> Tensor:
        """Codes int64 `(B, G, G)` of pixels `(B, 3, S, S)` in [-1, 1]: the nearest vectors."""
        z_BEGG: Tensor = self.encoder(x_BCSS)
        return self.nearest(z_BEGG)

    def decode(self, codes_BGG: Tensor) -> Tensor:
        """Pixels `(B, 3, S, S)` of codes; they may leave [-1, 1] a little."""
        pixels_BCSS: Tensor = self.decoder(self.vectors(codes_BGG))
        return pixels_BCSS

    def nearest(self, z_BEGG: Tensor) -> Tensor:
        """Codes int64 `(B, G, G)` of features."""
        z_BGGE = z_BEGG.permute(0, 2, 3, 1)
        return self.logits(z_BGGE.flatten(0, 2)).argmax(1).view(z_BGGE.shape[:3])

    def vectors(self, codes_BGG: Tensor) -> Tensor:
        """What the decoder is given for codes, `(B, E, G, G)`."""
        return self.codebook[codes_BGG].permute(0, 3, 1, 2)

    def logits(self, z_RE: Tensor) -> Tensor:
        """How near the vectors of the codebook are to features, `(R, K)` in float32.

        The largest is that of the nearest vector: z e - |e|^2 / 2 = (|z|^2 - |z - e|^2) / 2.
        """
        bias_K = -0.5 * self.codebook.square().sum(1)
        with torch.autocast(z_RE.device.type, enabled=False):  # bfloat16 confuses similar codes
            return torch.addmm(bias_K, z_RE, self.codebook.T)
