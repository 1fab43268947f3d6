"""A codebook that follows features: its start, its moving averages, and codes taken up again."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dalle_model.config import PATCH
from dalle_model.tokenizers.vq import PATCH_VALUES, Vq
from dalle_model.train.kmeans import kmeans
from dalle_model.train.parallel import add_up
from dalle_model.train.place import ALONE, Place

# Shape letters: B batch, S side in pixels, P values of a patch (192), E channels of a vector,
# K codes, R positions.

_EVEN_SHARE = (
    0.015  # of even use, below which a code is dead; chosen: Jukebox's is not scaled by it
)
_REVIVED_SHARE = 0.25  # of even use; chosen: it then takes some 280 steps without use to die again
_ITERATIONS = 8  # of k-means at the start; chosen: what follows moves the codebook anyway


class MovingCodebook(nn.Module):
    """Vectors that are moving averages of the features nearest to them.

    N_k <- g N_k + (1 - g) n_k, m_k <- g m_k + (1 - g) sum of z, e_k = m_k / N_k, where n_k counts
    the features z of a batch whose nearest vector is e_k.

    Args:
        num_codes: K.
        embed_dim: E.

    Source: van den Oord et al. 2017, appendix A.1, equations 6 to 8.
    """

    counts: Tensor
    sums: Tensor

    def __init__(self, num_codes: int, embed_dim: int) -> None:
        super().__init__()
        self.register_buffer("counts", torch.ones(num_codes))
        self.register_buffer("sums", torch.zeros(num_codes, embed_dim))

    def start(self, vectors_KE: Tensor, share: float) -> None:
        """Begin at some vectors, each as if it stood for `share` features."""
        self.counts.fill_(share)
        self.sums.copy_(vectors_KE * share)

    def vectors(self) -> Tensor:
        """The codebook, `(K, E)`."""
        return self.sums / self.counts.clamp(min=1e-4)[:, None]

    def update(self, z_RE: Tensor, codes_R: Tensor, decay: float, place: Place = ALONE) -> None:
        """Take up a batch of features with their nearest codes, its rows those of all processes."""
        counts_K = torch.bincount(codes_R, minlength=len(self.counts)).to(z_RE.dtype)
        sums_KE = torch.zeros_like(self.sums).index_add_(0, codes_R, z_RE)
        counts_K, sums_KE = add_up(counts_K, place), add_up(sums_KE, place)
        self.counts.mul_(decay).add_(counts_K, alpha=1 - decay)
        self.sums.mul_(decay).add_(sums_KE, alpha=1 - decay)

    def revive(self, z_RE: Tensor, distances_R: Tensor, generator: torch.Generator) -> int:
        """Move codes that are hardly used to features, those far from their vectors the likeliest.

        Args:
            z_RE: features, of all processes.
            distances_R: squared, from their nearest vectors.
            generator: of the choice.

        Returns:
            How many were moved.

        Source: Dhariwal et al. 2020 (Jukebox), section 3.1; that far features are likelier is ours,
            as of k-means++.
        """
        even = len(z_RE) / len(self.counts)
        dead = (self.counts < _EVEN_SHARE * even).nonzero().flatten()
        if len(dead):
            weights_R = distances_R.cpu() + 1e-9  # so that equal features can be drawn, too
            drawn = torch.multinomial(weights_R, len(dead), replacement=True, generator=generator)
            drawn = drawn.to(z_RE.device)
            self.counts[dead] = _REVIVED_SHARE * even
            self.sums[dead] = z_RE[drawn] * (_REVIVED_SHARE * even)
        return len(dead)


@torch.no_grad()
def start_from_components(model: Vq, x_BCSS: Tensor, seed: int) -> None:
    """Make a model patch k-means among the principal components of patches.

    Its trunks have no effect yet: the linear maps of encoder and decoder are the first components
    and back, the codebook is k-means of features.

    Args:
        model: fresh; changed in place.
        x_BCSS: pixels of some images in [-1, 1].
        seed: of k-means.
    """
    patches = functional.pixel_unshuffle(x_BCSS, PATCH).permute(0, 2, 3, 1)
    points_RP = patches.reshape(-1, PATCH_VALUES)
    mean_P = points_RP.mean(dim=0)
    centred_RP = points_RP - mean_P
    _, directions_PP = torch.linalg.eigh(centred_RP.T @ centred_RP)
    encoder, decoder = model.encoder.linear, model.decoder.linear
    main_EP = directions_PP.flip(1).T[: len(encoder.w)]
    encoder.w.copy_(main_EP)
    encoder.b.copy_(-main_EP @ mean_P)
    decoder.w.copy_(main_EP.T)
    decoder.b.copy_(mean_P)
    features_RE = np.ascontiguousarray((centred_RP @ main_EP.T).numpy())
    vectors_KE = kmeans(features_RE, len(model.codebook), _ITERATIONS, seed)
    model.codebook.copy_(torch.from_numpy(vectors_KE))
