"""Training that begins at a trained prior, and goes on to see what that one was trained on."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from dalle_model import files
from dalle_model.checkpoint import inspect_checkpoint
from dalle_model.data.choice import Choice
from dalle_model.data.source import open_source
from dalle_model.prior.trained import KIND, CodesOrigin, TrainedPrior, check_codec, load_prior
from dalle_model.train.data import TrainingRows


@dataclass(frozen=True)
class Beginning:
    """Where a training begins.

    Args:
        url: of the prior.
        trained: the prior; its sizes and its text tokenizer are those of what is trained.
        sha256: of its file.
        also_urls: token shards that are trained on beside those of the run.
        also_share: of their images, in (0, 1]; an image's key alone tells which.
    """

    url: str
    trained: TrainedPrior
    sha256: str
    also_urls: tuple[str, ...] = ()
    also_share: float = 1.0

    def check(self, codes: CodesOrigin) -> None:
        """Raise CheckpointError where the shards hold codes of another codec."""
        check_codec(self.url, self.trained.codes, codes)

    def set(self, model: nn.Module) -> None:
        """Give a model of the same sizes the weights of the prior."""
        model.load_state_dict(self.trained.prior.state_dict())

    def rows(self, own: TrainingRows, own_urls: list[str]) -> TrainingRows:
        """The rows of a run and, behind them, those of the other shards."""
        if not self.also_urls:
            return own
        columns = own.source.rows.columns
        every = open_source([*own_urls, *self.also_urls], columns)
        choice = Choice(held_out=self.also_share, part="held_out")  # that share of the images
        also = open_source(list(self.also_urls), columns, choice).numbers
        behind = int(own.source.rows.index.group_rows.sum())
        numbers = np.concatenate([own.source.numbers, also + behind])
        described = repr((own.sha256, every.rows.index.sha256, self.also_share)).encode()
        sha256 = files.sha256(described)
        return TrainingRows(every.only(numbers), own.num_left_out, sha256, own.held_out)


def begin_at(url: str, also_urls: tuple[str, ...] = (), also_share: float = 1.0) -> Beginning:
    """Read a prior to begin at.

    Raises:
        CheckpointError: missing, corrupt, or no prior.
    """
    return Beginning(
        url, load_prior(url), inspect_checkpoint(url, KIND).sha256, also_urls, also_share
    )
