"""Initialising a small dVAE exactly at patch k-means, which training then has to beat."""

import math

import torch
from torch import Tensor, nn

from dalle_model.config import LOGIT_LAPLACE_EPS
from dalle_model.tokenizers.dvae import Dvae
from dalle_model.tokenizers.layers import Block, Conv2d
from dalle_model.tokenizers.patch_path import PatchDecoder, PatchEncoder

# Shape letters: K codes, P values of a patch (192), N channels of a feature map.

_FIRST_LN_B = -1.5  # chosen: the scale of k-means errors on the demo, close to where b ends


@torch.no_grad()
def start_from_centroids(model: Dvae, centroids_KP: Tensor, spread: float) -> None:
    """Make the patch path exactly patch k-means, and everything else initially without effect.

    Logits are the log-density of the patch around each centroid, up to a constant. Residuals of
    the trunk start as large as their input: with the small gain of the release and an output of
    zero, the decoder would start at a saddle point, since the mean error of a code is zero.

    Args:
        model: a dVAE with a patch path; changed in place.
        centroids_KP: in mapped pixels.
        spread: variance of a pixel around its centroid.

    Raises:
        ValueError: the model has no patch path.
    """
    encoder, decoder = model.encoder.patch, model.decoder.patch
    if not isinstance(encoder, PatchEncoder) or not isinstance(decoder, PatchDecoder):
        raise ValueError("the model has no patch path: its config has patch_width 0")
    encoder.linear.w.copy_((centroids_KP / spread)[:, :, None, None])
    encoder.linear.b.copy_(-centroids_KP.square().sum(dim=1) / (2 * spread))
    inside_KP = centroids_KP.clamp(LOGIT_LAPLACE_EPS, 1 - LOGIT_LAPLACE_EPS)
    decoder.linear.w.copy_(torch.logit(inside_KP).T[:, :, None, None])
    for name, layer in model.named_modules():
        if isinstance(layer, Block):
            conv: Conv2d = layer.res_path.get_submodule("conv_4")  # type: ignore[assignment]
            conv.w.div_(layer.post_gain)
        elif name.endswith(("context.output", "blocks.output.conv")):
            nn.init.zeros_(layer.w)
        elif name in ("decoder.patch.context.input", "decoder.blocks.input"):
            _whiten(layer.w, centroids_KP)
    model.decoder.get_parameter("blocks.output.conv.b")[3:] = _FIRST_LN_B


def _whiten(w_NK11: Tensor, centroids_KP: Tensor) -> None:
    """Set the first channels of the codes' embeddings to principal components of the centroids."""
    centred_KP = centroids_KP - centroids_KP.mean(dim=0)
    u_KP, _, _ = torch.linalg.svd(centred_KP, full_matrices=False)
    channels = min(w_NK11.shape[0], u_KP.shape[1])
    w_NK11[:channels] = math.sqrt(len(u_KP)) * u_KP[:, :channels].T[:, :, None, None]
