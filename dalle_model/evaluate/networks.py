"""Networks that metrics are computed by: their weights from files, and images through them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dalle_model import files
from dalle_model.checkpoint import CheckpointError, difference_of
from dalle_model.evaluate.features import FeaturesError
from dalle_model.threads import pinned_kernels
from dalle_model.tokenizers.pickles import read_pickle

# Shape letters: N images, D values of a vector.

_SAFE = ".safetensors"
_COUNTER = "num_batches_tracked"  # of batch norms, which old files lack and evaluation ignores


def read_weights(url: str) -> dict[str, Tensor]:
    """The tensors of a file by name, without the counters of batch norms; nothing in it is run.

    Raises:
        FeaturesError: it is missing or damaged, or holds code.
    """
    try:
        if url.endswith(_SAFE):
            found = safetensors.torch.load(files.read_bytes(url))
        else:
            found = read_pickle(url).tensors()
    except FileNotFoundError as error:
        raise FeaturesError(f"there are no weights at {url}") from error
    except (safetensors.SafetensorError, CheckpointError, ValueError) as error:
        raise FeaturesError(f"no weights can be read from {url}: {error}") from error
    return {name: value for name, value in found.items() if not name.endswith(_COUNTER)}


def load_network(make: Callable[[], nn.Module], tensors: Mapping[str, Tensor], url: str) -> Any:
    """Make a network with weights, in float32 for evaluation.

    Args:
        make: makes it.
        tensors: of `read_weights`.
        url: of their file, for messages.

    Raises:
        FeaturesError: they are of another network.
    """
    with torch.device("meta"):  # no random weights, which would be overwritten
        model = make()
    counters = {name: torch.zeros(()) for name in model.state_dict() if name.endswith(_COUNTER)}
    weights = {name: value.float() for name, value in tensors.items()} | counters
    if difference := difference_of(model, weights):
        raise FeaturesError(f"{url} holds weights of another network: {difference}")
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False)


def vectors_of(model: nn.Module, inputs: Iterable[Tensor], dim: int) -> NDArray[np.float32]:
    """What a network makes of inputs, float32 `(N, dim)`.

    They go through it one at a time in one thread, so that no vector depends on its neighbours: of
    a batch, the last bits do.

    Args:
        model: gives `(1, D)`.
        inputs: one image each, `(1, ...)`; made when their turn comes.
        dim: D.
    """
    with pinned_kernels(), torch.inference_mode():
        rows = [model(one)[0].numpy() for one in inputs]
    return np.array(rows, np.float32).reshape(-1, dim)
