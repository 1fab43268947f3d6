"""How likely a prior finds images under captions, and which caption it finds the likeliest."""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

from dalle_model.prior.model import Prior

# Shape letters: N images, K captions of each, T text positions, I image positions, C codes.

BATCH = 64  # chosen: pairs in one forward pass, some 100 MB at the sizes of the demo


def log_likelihoods(prior: Prior, text_NT: Tensor, image_NI: Tensor) -> Tensor:
    """Of each image under its caption, the sum over its tokens, in nats.

    Args:
        prior: in the precision and on the device to use.
        text_NT: int64, from `CaptionTokenizer.encode_batch`.
        image_NI: int64 codes in raster order.

    Returns:
        float32 `(N,)`, each at most 0.
    """
    parts = [slice(start, start + BATCH) for start in range(0, len(text_NT), BATCH)]
    with torch.inference_mode():
        return torch.cat([_log_likelihoods(prior, text_NT[own], image_NI[own]) for own in parts])


def likeliest(prior: Prior, text_NKT: Tensor, image_NI: Tensor) -> npt.NDArray[np.int64]:
    """Of each image, the number of the caption under which it is likeliest, int64 `(N,)`."""
    captions = text_NKT.shape[1]
    image_PI = image_NI.repeat_interleave(captions, dim=0)
    found = log_likelihoods(prior, text_NKT.flatten(0, 1), image_PI)
    return found.reshape(-1, captions).argmax(dim=1).numpy()


def _log_likelihoods(prior: Prior, text_NT: Tensor, image_NI: Tensor) -> Tensor:
    _, logits_NIC = prior(text_NT, image_NI)
    loss_NI = F.cross_entropy(logits_NIC.float().movedim(-1, 1), image_NI, reduction="none")
    return -loss_NI.sum(dim=1)
