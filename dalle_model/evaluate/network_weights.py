"""Weights of networks that are published for metrics: safetensors, or a file of `torch.save`."""

from collections.abc import Mapping

import safetensors.torch
from torch import Tensor, nn

from dalle_model import files
from dalle_model.checkpoint import CheckpointError, difference_of
from dalle_model.evaluate.features import FeaturesError
from dalle_model.tokenizers.pickles import read_pickle

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


def load_network(model: nn.Module, tensors: Mapping[str, Tensor], url: str) -> None:
    """Put weights into their network, in float32 for evaluation.

    Raises:
        FeaturesError: they are of another network.
    """
    counters = {
        name: value for name, value in model.state_dict().items() if name.endswith(_COUNTER)
    }
    if difference := difference_of(model, {**tensors, **counters}):
        raise FeaturesError(f"{url} holds weights of another network: {difference}")
    model.load_state_dict({**tensors, **counters})
    model.eval().requires_grad_(False)
