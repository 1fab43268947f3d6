"""What is optimised: logits over the codes of each position, or a vector at each position."""

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from dalle_model.guide.decoding import Decoding
from dalle_model.guide.gradients import with_gradient_of
from dalle_model.guide.settings import RATES

# Shape letters: C colour channels (3), S S height and width in pixels, G G rows and columns of
# tokens, P = G * G positions, E values of a vector, K codes.

# Of the codes of a picture to start from, at first. Chosen: one position in ten is drawn anew, and
# it takes Adam a hundred steps or so at its usual rate to change another's code.
_START_PROBABILITY = 0.9


class Canvas(Protocol):
    """A picture in the making.

    Attributes:
        parameters: what the optimizer changes.
        rate: of Adam, by default.
    """

    parameters: list[Tensor]
    rate: float

    def image(self) -> Tensor:
        """What the scorer sees at this step, float32 `(1, 3, S, S)` in [0, 1], with gradients."""
        ...

    def picture(self) -> Tensor:
        """What a person is shown: the same without draws and gradients."""
        ...

    def after_step(self) -> None:
        """Called after each step of the optimizer."""
        ...


class CodesCanvas:
    """Logits over the codes of each position; a step draws codes by them, or mixes their vectors.

    A draw is decoded as it is, and gradients go to the probabilities. What is shown are the most
    likely codes; of a mixture, itself.

    Source: Crowson's notebook over OpenAI's dVAE: the draw, its gradient, normal logits at first,
    the rate. Departures: the mean of the decoder's distribution is shown to the scorer, no draw of
    it; no code is forbidden, as several hundred are there without a reason. The notebook
    Aleph-Image mixes, but by a softmax over positions in place of codes, so that the weights of a
    position do not sum to one; many copies have kept that.

    Args:
        decoding: of the codec.
        logits_PK: float32; changed in place.
        temperature: divides the logits.
        mixes: whether vectors are mixed by their probabilities.
        generator: of the draws, on the processor.
    """

    rate = RATES["codes"]

    def __init__(
        self,
        decoding: Decoding,
        logits_PK: Tensor,
        temperature: float,
        generator: torch.Generator,
        *,
        mixes: bool,
    ) -> None:
        self._decoding, self._temperature, self._mixes = decoding, temperature, mixes
        self._generator = generator
        self._logits_PK = logits_PK.requires_grad_()
        self.parameters = [logits_PK]

    def probabilities(self) -> Tensor:
        """Of the codes of each position, `(P, K)`."""
        return functional.softmax(self._logits_PK / self._temperature, dim=1)

    def image(self) -> Tensor:
        """As `Canvas`."""
        probabilities_PK = self.probabilities()
        if self._mixes:
            return self._decoded(probabilities_PK)
        codes_P = _draw(probabilities_PK.detach(), self._generator)
        drawn_PK = _one_hot(codes_P, probabilities_PK.shape[1])
        return self._decoded(with_gradient_of(drawn_PK, probabilities_PK))

    @torch.no_grad()
    def picture(self) -> Tensor:
        """As `Canvas`."""
        if self._mixes:
            return self._decoded(self.probabilities())
        codes_GG = self._logits_PK.argmax(1).view(self._decoding.token_shape)
        return self._decoding.pixels(self._decoding.vectors(codes_GG))

    def after_step(self) -> None:
        """As `Canvas`."""

    def _decoded(self, weights_PK: Tensor) -> Tensor:
        rows, columns = self._decoding.token_shape
        vectors_PE = weights_PK @ self._decoding.table
        return self._decoding.pixels(vectors_PE.T.reshape(1, -1, rows, columns))


class LatentCanvas:
    """A vector at each position; its nearest code is decoded, and gradients go to the vector.

    After each step a channel is clamped to the range that it has in the codebook.
    Source: nerdyrodent/VQGAN-CLIP `generate.py`, `vector_quantize`, `synth`, `ascend_txt`.

    Args:
        decoding: of the codec.
        z_1EGG: float32; changed in place.
    """

    rate = RATES["latents"]

    def __init__(self, decoding: Decoding, z_1EGG: Tensor) -> None:
        self._decoding = decoding
        self._z_1EGG = z_1EGG.requires_grad_()
        self.parameters = [z_1EGG]
        self._low_E11 = decoding.table.amin(0)[:, None, None]
        self._high_E11 = decoding.table.amax(0)[:, None, None]

    def image(self) -> Tensor:
        """As `Canvas`."""
        vectors_1EGG = self._decoding.vectors(self._nearest())
        return self._decoding.pixels(with_gradient_of(vectors_1EGG, self._z_1EGG))

    @torch.no_grad()
    def picture(self) -> Tensor:
        """As `Canvas`."""
        return self._decoding.pixels(self._decoding.vectors(self._nearest()))

    @torch.no_grad()
    def after_step(self) -> None:
        """As `Canvas`."""
        self._z_1EGG.clamp_(self._low_E11, self._high_E11)

    @torch.no_grad()
    def _nearest(self) -> Tensor:
        """Codes int64 `(G, G)`."""
        z_PE, table_KE = self._z_1EGG[0].flatten(1).T, self._decoding.table
        nearness_PK = z_PE @ table_KE.T - 0.5 * table_KE.square().sum(1)
        return nearness_PK.argmax(1).view(self._decoding.token_shape)


def logits_of(
    decoding: Decoding, codes_GG: Tensor | None, temperature: float, generator: torch.Generator
) -> Tensor:
    """Logits float32 `(P, K)` to begin with: normal, or by which given codes are likely.

    Args:
        decoding: of the codec.
        codes_GG: of a picture to start from, int64; None for none.
        temperature: by which the logits will be divided.
        generator: of the normal ones.
    """
    num_codes, device = len(decoding.table), decoding.table.device
    if codes_GG is None:
        shape = math.prod(decoding.token_shape), num_codes
        return torch.randn(shape, generator=generator).to(device)
    odds = _START_PROBABILITY / (1 - _START_PROBABILITY) * (num_codes - 1)
    return _one_hot(codes_GG.flatten().to(device), num_codes) * (math.log(odds) * temperature)


def latents_of(decoding: Decoding, codes_GG: Tensor | None, generator: torch.Generator) -> Tensor:
    """Latents float32 `(1, E, G, G)` to begin with: the vectors of given codes, or of random ones.

    Arguments as of `logits_of`.
    """
    if codes_GG is None:
        num_codes = len(decoding.table)
        codes_GG = torch.randint(num_codes, decoding.token_shape, generator=generator)
    return decoding.vectors(codes_GG.to(decoding.table.device)).clone()


def _draw(probabilities_PK: Tensor, generator: torch.Generator) -> Tensor:
    """A code of each position, int64 `(P,)`; the same draws on every device."""
    uniform_P1 = torch.rand(len(probabilities_PK), 1, generator=generator)
    below_PK = probabilities_PK.cumsum(1)
    codes_P1 = torch.searchsorted(below_PK, uniform_P1.to(below_PK.device), right=True)
    return codes_P1[:, 0].clamp(max=below_PK.shape[1] - 1)


def _one_hot(codes_P: Tensor, num_codes: int) -> Tensor:
    """Float32 `(P, K)`."""
    return functional.one_hot(codes_P, num_codes).float()
