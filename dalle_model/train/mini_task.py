"""DALL·E mini as a task: the plain cross-entropy of image tokens, given the caption.

Source: borisdayma/dalle-mini (f0be4de) `tools/train/train.py`, `cross_entropy_loss`.
"""

import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor, nn

from dalle_model.data.reader import Batch
from dalle_model.mini.config import MiniConfig
from dalle_model.mini.model import Mini
from dalle_model.mini.settings import MiniTraining
from dalle_model.train.place import ALONE, Place
from dalle_model.train.plateau import PlateauRate
from dalle_model.train.token_task import HeldOut, TokenTask, plateau_of

# Shape letters: B batch, T text positions, I image positions, C image ids.


class MiniObjective(nn.Module):
    """The cross-entropy of a batch, summed over its image tokens.

    Args:
        model: the mini.
        plateau: that decides on the learning rate; None for another schedule.
    """

    def __init__(self, model: Mini, plateau: PlateauRate | None = None) -> None:
        super().__init__()
        self.model, self.plateau = model, plateau

    def forward(self, text_BT: Tensor, image_BI: Tensor, read_BI: Tensor) -> dict[str, Tensor]:
        """The sum, in nats.

        Args:
            text_BT: ids, the pad id where empty.
            image_BI: codes to predict.
            read_BI: codes to predict them from.
        """
        logits_BCI = self.model(text_BT, read_BI).transpose(1, 2).float()
        return {"image_ce": F.cross_entropy(logits_BCI, image_BI, reduction="sum")}


class MiniTask(TokenTask):
    """A mini, and how it is trained; a `dalle_model.train.task.Task`.

    Args:
        config: sizes of the model.
        settings: of the training.
        held_out: makes an iterable of the batches that are measured, those of this process; None
            for none.
        place: of this process, whose sums are added to those of the others.
    """

    kind = "mini-training"
    rate_settings = "`mini.training.learning_rate` and `matrix_rate`"

    def __init__(
        self,
        config: MiniConfig,
        settings: MiniTraining,
        held_out: HeldOut | None = None,
        place: Place = ALONE,
    ) -> None:
        with torch.random.fork_rng(devices=[]):  # the global random numbers are left untouched
            torch.manual_seed(settings.seed)
            model = Mini(config).train()
        plateau = plateau_of(settings)
        objective = MiniObjective(model, plateau)
        super().__init__(model, objective, settings, config.num_codes, plateau, held_out, place)

    def counts(self, batch: Batch) -> dict[str, int]:
        return {"image_ce": batch["image_tokens"].numel()}

    def weights(self, step: int) -> dict[str, float]:
        del step
        return {"image_ce": 1.0}

    def objective_of(self, model: nn.Module) -> nn.Module:
        assert isinstance(model, Mini)
        return MiniObjective(model)
