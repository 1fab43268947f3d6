"""One step of any training: downhill along the clipped gradient, if all of it is finite."""

import logging
from collections.abc import Mapping, Sequence
from math import inf, isfinite

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_

from dalle_model.data.reader import Batch
from dalle_model.errors import DalleError
from dalle_model.train.optimizers import set_learning_rate
from dalle_model.train.parallel import joined_lists, sums
from dalle_model.train.precision import mixed_precision
from dalle_model.train.state import RunState
from dalle_model.train.task import Task, parts
from dalle_model.training_settings import Training

_LOG = logging.getLogger(__name__)
_KEYS_SHOWN = 32  # in an error; chosen: a batch of the demo
_KEPT = 0.9  # of running means, in each step; chosen: they follow a change within some 10 steps


class DivergedError(DalleError):
    """A loss or its gradient is not finite any more."""


def train_step(state: RunState, settings: Training, batch: Batch) -> None:
    """Take one step on a batch; where a scaled gradient overflowed, without an update.

    Raises:
        DivergedError: the loss or its gradient is not finite; the weights are left as they were.
    """
    task = state.task
    set_learning_rate(task.optimizers, task.rate_share(state.step))
    figures, overflowed = backward(state, settings, batch), task.unscale()
    norm = inf if overflowed else state.parallel.norm().item()
    if not (isfinite(figures["loss"]) and (overflowed or isfinite(norm))):
        task.objective.zero_grad()
        keys = joined_lists(batch["key"], state.parallel.place)
        raise _diverged(task, state.step, figures["loss"], norm, keys)
    if overflowed:
        _LOG.info("step %d has no update: %s overflowed", state.step + 1, ", ".join(overflowed))
    else:
        clip(task.objective, norm, settings.clip_norm)
        for optimizer in task.optimizers:
            optimizer.step()
    task.objective.zero_grad()
    task.after_step(state.step)
    state.step += 1
    state.position = batch["next_position"]
    if state.averaged is not None and state.step % settings.ema_every == 0:
        average(state.averaged, task.model, settings.ema_decay, state.step // settings.ema_every)
    state.figures = figures
    state.recent |= running_means(state.recent, figures) | skips(state.recent, overflowed)
    if not overflowed:
        for latest in (state.figures, state.recent):
            latest["gradient_norm"] = norm


def backward(state: RunState, settings: Training, batch: Batch) -> dict[str, float]:
    """Gradients of a batch, part by part.

    Returns:
        The `loss` and the mean of each of its terms, over the rows of all processes.
    """
    task, parallel, means = state.task, state.parallel, dict[str, Tensor]()
    counts = sums(dict(task.counts(batch)), parallel.place)
    weights = task.weights(state.step)
    taken = parts(batch, parallel.num_parts(settings))
    for number, part in enumerate(taken, 1):
        inputs = task.inputs(part, state.step)
        with parallel.part(is_last=number == len(taken)):
            with mixed_precision(settings.precision, parallel.place.device):
                totals = parallel(*inputs)
            shares = {name: total / max(1, counts[name]) for name, total in totals.items()}
            loss = torch.stack([weights[name] * share for name, share in shares.items()]).sum()
            loss.backward()  # type: ignore[no-untyped-call]
        for name, share in {"loss": loss, **shares}.items():
            means[name] = means.get(name, 0) + share.detach()
    return sums({name: mean.item() for name, mean in means.items()}, parallel.place)


def clip(module: nn.Module, norm: float, most: float | None) -> None:
    """Scale all gradients of a module, whose norm is given, to `most` where it is larger."""
    if most is not None:
        clip_grads_with_norm_(module.parameters(), most, torch.tensor(norm))


@torch.no_grad()
def average(averaged: nn.Module, model: nn.Module, decay: float, number: int) -> None:
    """The next term, counted from 1, of a moving average that forgets its start.

    Its decay grows from 2/11 to `decay`, which is ours: with a constant one the initial weights
    are half of the average of 0.999 after 700 steps.
    """
    share = 1 - min(decay, (1 + number) / (10 + number))
    pairs = zip(averaged.parameters(), model.parameters(), strict=True)
    for kept, current in pairs:
        kept.lerp_(current, share)


def running_means(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """Exponential means of figures over the steps, which begin at the first of them."""
    return {n: _KEPT * before.get(n, v) + (1 - _KEPT) * v for n, v in now.items()}


def skips(before: Mapping[str, float], overflowed: Sequence[str]) -> dict[str, float]:
    """How many steps had no update, in all and until now in a row; nothing before the first one."""
    if not overflowed and "skipped" not in before:
        return {}
    in_a_row = before.get("skipped_in_a_row", 0) + 1 if overflowed else 0
    return {"skipped": before.get("skipped", 0) + bool(overflowed), "skipped_in_a_row": in_a_row}


def _diverged(task: Task, step: int, loss: float, norm: float, keys: list[str]) -> DivergedError:
    shown = ", ".join(keys[:_KEYS_SHOWN])
    more = f" and {len(keys) - _KEYS_SHOWN} more" if len(keys) > _KEYS_SHOWN else ""
    return DivergedError(
        f"in step {step + 1} the loss is {loss} and the norm of its gradient {norm}, so the step "
        f"is not taken; lower {task.rate_settings} and train again, or look at the rows of its "
        f"batch with `dalle explain`: {shown}{more}"
    )
