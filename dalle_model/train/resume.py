"""The state of an unfinished training run of the prior, saved next to its future checkpoint."""

import json
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from torch import Tensor
from torch.optim import Optimizer

from dalle_model import files
from dalle_model.checkpoint import load_checkpoint, load_into, save_checkpoint
from dalle_model.pixels import Codes
from dalle_model.prior.model import Prior
from dalle_model.train.optimizers import load_state_tensors, state_tensors
from dalle_model.vocab import CaptionTokenizer

KIND = "prior-training"
SUFFIX = ".training"
WEIGHTS, MOMENTS = "weights.", "moments."


class Resumable(Protocol):
    """What is saved and restored: a `dalle_model.train.prior.TrainingState`."""

    prior: Prior
    optimizers: list[Optimizer]
    step: int
    skipped: int
    recent: dict[str, float]


def state_digest(
    settings: dict[str, Any],
    config: dict[str, Any],
    tokenizer: CaptionTokenizer,
    image_tokens: Codes,
    captions: Sequence[str],
) -> str:
    """SHA-256 of everything that the next step depends on, apart from the state itself."""
    document = [settings, config, tokenizer.sha256, list(captions)]
    described = json.dumps(document, sort_keys=True).encode()
    little = image_tokens.dtype.newbyteorder("<")
    return files.sha256(described + np.ascontiguousarray(image_tokens, little).tobytes())


def save_state(out_url: str, digest: str, state: Resumable) -> None:
    """Write the state atomically."""
    tensors = {WEIGHTS + name: value for name, value in state.prior.state_dict().items()}
    tensors |= {MOMENTS + name: value for name, value in state_tensors(state.optimizers).items()}
    extra = {
        "digest": digest,
        "step": state.step,
        "skipped": state.skipped,
        "recent": state.recent,
    }
    save_checkpoint(out_url + SUFFIX, KIND, tensors, state.prior.config.to_dict(), extra)


def load_state(out_url: str, digest: str, state: Resumable) -> bool:
    """Restore the saved state into a fresh one, if there is one with the same digest.

    Returns:
        Whether a state was restored.

    Raises:
        CheckpointError: the saved state is corrupt.
    """
    if not files.exists(out_url + SUFFIX):
        return False
    checkpoint = load_checkpoint(out_url + SUFFIX, KIND)
    if checkpoint.extra["digest"] != digest:
        return False
    load_into(state.prior, checkpoint, _under(WEIGHTS, checkpoint.tensors))
    load_state_tensors(state.optimizers, _under(MOMENTS, checkpoint.tensors))
    state.step, state.skipped = checkpoint.extra["step"], checkpoint.extra["skipped"]
    state.recent = checkpoint.extra["recent"]
    return True


def clear_state(out_url: str) -> None:
    """Delete the saved state, which a finished run does not need."""
    files.remove(out_url + SUFFIX)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}
