"""Which codes a codec in training uses: running figures, and a word while it can be mended."""

import logging
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from dalle_model.train.parallel import add_up
from dalle_model.train.place import ALONE, Place
from dalle_model.train.state import RunState

# Shape letters: K codes.

CODES_USED, PERPLEXITY = "codes_used", "perplexity"
_LOG = logging.getLogger(__name__)

_KEPT = 0.98  # of the running shares, in each step; chosen: they follow some 50 batches
_USED = 0.01  # of even use, below which a code is not in use; chosen: it comes up by accident
_FEW = 0.1  # of all codes; chosen: a codec that has lost nine of ten might as well be a smaller one
_SETTLED_STEPS = 200  # chosen: four times what the running shares follow


class CodeUse(nn.Module):
    """The running shares of codes, part of the state of a training.

    Args:
        num_codes: K.
    """

    shares: Tensor  # (K,)

    def __init__(self, num_codes: int) -> None:
        super().__init__()
        self.register_buffer("shares", torch.zeros(num_codes))
        # Counts (K,) of this process in the step; no buffer, which DDP would make those of rank 0
        self._noted: list[Tensor] = []

    @torch.no_grad()
    def note(self, codes: Tensor) -> None:
        """Count codes of the step, int64 of any shape."""
        self._noted.append(torch.bincount(codes.flatten(), minlength=len(self.shares)))

    @torch.no_grad()
    def end_step(self, place: Place = ALONE) -> dict[str, float]:
        """Take up the counts of a step, of all processes together.

        Returns:
            `codes_used`, how many are in use; `perplexity`, exp of the entropy of their shares.
        """
        counts_K = add_up(torch.stack(self._noted).sum(0), place)
        self.shares.mul_(_KEPT).add_(counts_K / counts_K.sum(), alpha=1 - _KEPT)
        self._noted.clear()
        shares_K = self.shares / self.shares.sum()  # else the first ones would not be shares
        used = int((shares_K * len(shares_K) >= _USED).sum())
        perplexity = math.exp(float(torch.special.entr(shares_K).sum()))
        return {CODES_USED: float(used), PERPLEXITY: perplexity}


# What is wrong and what to change, of the running figures of a training, and whether few codes are
# in use; empty where nothing is wrong.
Judge = Callable[[Mapping[str, float], bool], str]


class CodeWatch:
    """Tells of the use of codes after each step and, once, that a codec has collapsed.

    Args:
        use: of the codes, which the steps of a training count.
        from_step: before which nothing is said, such as while the weight of the divergence rises.
        judge: of the training's figures.
    """

    def __init__(self, use: CodeUse, from_step: int, judge: Judge) -> None:
        self._use, self._from, self._judge = use, max(from_step, _SETTLED_STEPS), judge
        self._has_said = False

    def __call__(self, state: RunState) -> None:
        """Look at a run after a step; a hook of `dalle_model.train.loop`."""
        figures, num_codes = self._use.end_step(state.parallel.place), len(self._use.shares)
        state.recent |= figures
        is_few = figures[CODES_USED] < max(2, _FEW * num_codes)
        if state.step < self._from or self._has_said:
            return
        if wrong := self._judge(state.recent, is_few):
            self._has_said = True
            _LOG.warning(
                "the codec has collapsed: after %d steps %d of its %d codes are in use (perplexity "
                "%.1f), and %s; then train again",
                *(state.step, figures[CODES_USED], num_codes, figures[PERPLEXITY], wrong),
            )
