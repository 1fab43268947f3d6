"""Blocks whose inputs alone are kept for the backward pass, which computes the rest again."""

from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint

from dalle_model.errors import UsageError


class RecomputeError(UsageError):
    """A model has no blocks that could be computed again."""


def blocks_of(model: nn.Module) -> list[nn.Module]:
    """The blocks of a model, in order: those of its lists of that name."""
    lists = [m for name, m in model.named_modules() if name.rpartition(".")[2] == "blocks"]
    return [block for found in lists if isinstance(found, nn.ModuleList) for block in found]


def recompute_blocks(model: nn.Module) -> None:
    """Let the blocks of a model be computed again in the backward pass.

    A model that is copied afterwards would compute the blocks of the first one.

    Raises:
        RecomputeError: it has none.

    Source: Ramesh et al. 2021, appendix B.2 and E: all within resblocks is computed again.
    """
    blocks = blocks_of(model)
    if not blocks:
        raise RecomputeError(
            "this model has no blocks that could be computed again; set `recompute` to false"
        )
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
