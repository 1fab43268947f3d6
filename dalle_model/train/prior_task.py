"""The prior as a task: the cross-entropy of text and image tokens."""

import torch
from torch import Tensor, distributed, nn

from dalle_model.config import PriorConfig
from dalle_model.data.reader import Batch
from dalle_model.prior.loss import IMAGE_WEIGHT, TEXT_WEIGHT, stream_loss
from dalle_model.prior.model import Prior
from dalle_model.settings import PriorTraining
from dalle_model.train.place import ALONE, Place
from dalle_model.train.plateau import PlateauRate
from dalle_model.train.resblock_scaling import ResblockScaling
from dalle_model.train.token_task import HeldOut, TokenTask, plateau_of

# Shape letters: B batch, T text positions, I image positions.


class PriorObjective(nn.Module):
    """The cross-entropy of a batch, summed over its text tokens and over its image tokens.

    Args:
        model: the prior.
        scaling: of its gradients in half precision; None in another one.
        plateau: that decides on the learning rate; None for another schedule.
    """

    def __init__(
        self,
        model: Prior,
        scaling: ResblockScaling | None = None,
        plateau: PlateauRate | None = None,
    ) -> None:
        super().__init__()
        self.model, self.scaling, self.plateau = model, scaling, plateau

    def forward(self, text_BT: Tensor, image_BI: Tensor, read_BI: Tensor) -> dict[str, Tensor]:
        """Sums by part, in nats.

        Args:
            text_BT: ids, the pad id where empty.
            image_BI: ids to predict.
            read_BI: ids to predict them from.
        """
        text_logits, image_logits = self.model(text_BT, read_BI)
        text, image = stream_loss(text_logits, image_logits, text_BT, image_BI)
        return {"text_ce": text, "image_ce": image}


class PriorTask(TokenTask):
    """A prior, and how it is trained; a `dalle_model.train.task.Task`.

    Args:
        config: sizes of the prior.
        settings: of the training.
        held_out: makes an iterable of the batches that are measured, those of this process; None
            for none.
        place: of this process, whose sums are added to those of the others.
    """

    kind = "prior-training"
    rate_settings = "`prior.training.learning_rate` and `matrix_rate`"

    def __init__(
        self,
        config: PriorConfig,
        settings: PriorTraining,
        held_out: HeldOut | None = None,
        place: Place = ALONE,
    ) -> None:
        with torch.random.fork_rng(devices=[]):  # the global random numbers are left untouched
            torch.manual_seed(settings.seed)
            model = Prior(config).train()
        self._scaling, plateau = _scaling(model, settings), plateau_of(settings)
        objective = PriorObjective(model, self._scaling, plateau)
        super().__init__(model, objective, settings, config.image_vocab, plateau, held_out, place)

    def counts(self, batch: Batch) -> dict[str, int]:
        targets = batch["text"][:, 1:] != self.model.config.text_vocab
        return {"text_ce": int(targets.sum()), "image_ce": batch["image_tokens"].numel()}

    def weights(self, step: int) -> dict[str, float]:
        del step
        return {"text_ce": TEXT_WEIGHT, "image_ce": IMAGE_WEIGHT}

    def objective_of(self, model: nn.Module) -> nn.Module:
        assert isinstance(model, Prior)
        return PriorObjective(model)

    def unscale(self) -> list[str]:
        return [] if self._scaling is None else self._scaling.settle()


def _scaling(prior: Prior, settings: PriorTraining) -> ResblockScaling | None:
    if settings.precision != "float16":
        return None
    processes = distributed.get_world_size() if distributed.is_initialized() else 1
    return ResblockScaling(prior, processes * settings.accumulation)
