"""A CLIP as a task: its contrastive loss, over all pairs of a step.

The loss of a pair is no function of its row alone: it compares the pair with all others of the
step. So each process gathers the vectors of all, with their gradients, and sums the losses of its
own rows; a step is never taken in parts.

Departures from Radford et al. 2021: pairs whose captions are equal are not compared, since either
image would be right; AdamW has torch's epsilon; embeddings decay with the other matrices.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional

from dalle_model.clip.config import MEAN, STD
from dalle_model.clip.settings import ClipTraining
from dalle_model.clip.trained import text_ids
from dalle_model.data.permutation import key_of
from dalle_model.data.reader import Batch
from dalle_model.train.optimizers import Adam, muon_and_adamw
from dalle_model.train.parallel import joined_rows
from dalle_model.train.place import ALONE, ParallelError, Place
from dalle_model.vocab import CaptionTokenizer

# Shape letters: B pairs of this process, N pairs of all processes, C colour channels (3), S side in
# pixels, T text positions, D values of a vector.


class ClipObjective(nn.Module):
    """What a step lowers: the sum, over the pairs of this process, of two cross-entropies halved.

    One is of the image's own caption among all of the step, the other of the caption's own image.

    Args:
        model: of open_clip.
        place: of this process.

    Source: Radford et al. 2021, figure 3.
    """

    def __init__(self, model: nn.Module, place: Place = ALONE) -> None:
        super().__init__()
        self.model: Any = model
        self._place = place

    def forward(self, x_BCSS: Tensor, ids_BT: Tensor) -> dict[str, Tensor]:
        """The sum, of inputs of the model and the ids of captions."""
        image_BD = self.model.encode_image(x_BCSS, normalize=True).float()
        text_BD = self.model.encode_text(ids_BT, normalize=True).float()
        ids_NT = joined_rows(ids_BT, self._place)
        row_B = torch.arange(len(ids_BT), device=ids_BT.device)
        own_B = row_B + self._place.rank * len(ids_BT)
        is_equal_BN = (ids_BT[:, None] == ids_NT).all(dim=2)
        is_equal_BN[row_B, own_B] = False
        with torch.autocast(x_BCSS.device.type, enabled=False):
            scale, loss = self.model.logit_scale.exp(), torch.zeros((), device=x_BCSS.device)
            for of_BD, others_BD in ((image_BD, text_BD), (text_BD, image_BD)):
                logits_BN = scale * of_BD @ _gathered(others_BD, self._place).T
                logits_BN = logits_BN.masked_fill(is_equal_BN, -math.inf)
                loss = loss + functional.cross_entropy(logits_BN, own_B, reduction="sum") / 2
        return {"contrastive": loss}


class ClipTask:
    """A CLIP, and how it is trained; a `dalle_model.train.task.Task`.

    Args:
        model: of open_clip, with the weights of the first step; changed in place.
        sizes: of the model, as JSON.
        tokenizer: of the captions.
        settings: of the training.
        held_out: measures a model by what is held out.
        place: of this process.

    Raises:
        ParallelError: processes would have unequal numbers of pairs.
    """

    kind = "clip-training"
    rate_settings = "`clip.training.learning_rate`"

    def __init__(
        self,
        model: nn.Module,
        sizes: Mapping[str, Any],
        tokenizer: CaptionTokenizer,
        settings: ClipTraining,
        held_out: Callable[[nn.Module], Mapping[str, float]],
        place: Place = ALONE,
    ) -> None:
        if settings.batch_size % place.ranks:
            raise ParallelError(
                f"a step has {settings.batch_size} pairs, which {place.ranks} processes cannot "
                "share evenly; make `clip.training.batch_size` a multiple of their number"
            )
        self.model: Any = model
        self.objective: nn.Module = ClipObjective(model, place)
        adam = Adam(settings.learning_rate, settings.betas)
        decay, unused = settings.weight_decay, (0.0, torch.float32)
        self.optimizers = muon_and_adamw(model, "adamw", adam, unused[0], decay, unused[1])
        self._sizes, self._tokenizer = dict(sizes), tokenizer
        self._settings, self._held_out = settings, held_out

    @property
    def config(self) -> dict[str, Any]:
        return self._sizes

    def inputs(self, batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        seed = int(key_of("captions", self._settings.seed, step))
        length, dropout = self.model.context_length, self._settings.bpe_dropout
        ids_BT = text_ids(self._tokenizer, batch["caption"], length, dropout, seed)
        return normalised(batch["image"]), ids_BT

    def counts(self, batch: Batch) -> dict[str, int]:
        return {"contrastive": len(batch["key"])}

    def weights(self, step: int) -> dict[str, float]:
        del step
        return {"contrastive": 1.0}

    def rate_share(self, step: int) -> float:
        return rate_share(step, self._settings)

    def unscale(self) -> list[str]:
        return []

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Keep the temperature from falling below its least."""
        del step
        self.model.logit_scale.clamp_(max=-math.log(self._settings.least_temperature))

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        return self._held_out(model)

    def measured(self, figures: Mapping[str, float]) -> None:
        del figures


def rate_share(step: int, settings: ClipTraining) -> float:
    """Share of the full learning rate at a step: rising in a line, then half a cosine to 0."""
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * done))


def normalised(image_BSSC: Tensor) -> Tensor:
    """Inputs of a model, float32 `(B, C, S, S)`, of squares in uint8, as open_clip makes them."""
    x_BCSS = image_BSSC.permute(0, 3, 1, 2).float().div_(255)
    mean_C, std_C = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return x_BCSS.sub_(mean_C).div_(std_C)


def _gathered(x_B: Tensor, place: Place) -> Tensor:
    """The rows of all processes, by rank; gradients go back to the process that has a row."""
    if place.mesh is None:
        return x_B
    return torch.cat(dist.nn.functional.all_gather(x_B))  # type: ignore[attr-defined]
