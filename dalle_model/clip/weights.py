"""Weights of open_clip's models, as published: safetensors, or what `torch.save` wrote, as data."""

from collections.abc import Mapping

import safetensors.torch
from torch import Tensor, nn

from dalle_model import files
from dalle_model.checkpoint import CheckpointError, difference_of
from dalle_model.clip.scorer import ScorerError
from dalle_model.tokenizers.pickles import ConversionError, read_pickle

_SAFE = ".safetensors"
_WRAPPED = "module."  # by DistributedDataParallel, whose states open_clip's trainings save


def load_weights(model: nn.Module, url: str) -> None:
    """Load a published checkpoint into its model.

    Args:
        model: of its architecture.
        url: of a `.safetensors`, or of a `.bin` or `.pt` of `torch.save`, in which nothing is run.

    Raises:
        ScorerError: missing, damaged, or of another architecture.
    """
    tensors = _fitted(model, _read(url))
    if difference := difference_of(model, tensors):
        raise ScorerError(
            f"{url} holds weights of another architecture than the one named before the @: "
            f"{difference}"
        )
    model.load_state_dict(tensors)


def _read(url: str) -> Mapping[str, Tensor]:
    try:
        if url.endswith(_SAFE):
            return safetensors.torch.load(files.read_bytes(url))
        return read_pickle(url).tensors()
    except FileNotFoundError as error:
        raise ScorerError(f"there are no weights at {url}") from error
    except ConversionError as error:
        raise ScorerError(
            f"no weights can be read from {url}: {error}. Of OpenAI's archives, whose code would "
            "be run, the same weights are published as safetensors"
        ) from error
    except (safetensors.SafetensorError, CheckpointError, ValueError) as error:
        raise ScorerError(f"{url} is damaged, or no safetensors: {error}") from error


def _fitted(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Under the names and shapes of the model, where older versions have others.

    Source: open_clip 3.3 `factory.py`, `load_checkpoint`.
    """
    from open_clip.model import convert_to_custom_text_state_dict

    found = {name.removeprefix(_WRAPPED): tensor for name, tensor in tensors.items()}
    if "positional_embedding" in found and not hasattr(model, "positional_embedding"):
        found = convert_to_custom_text_state_dict(found)
    for name in ("logit_scale", "logit_bias"):
        own = getattr(model, name, None)
        if name in found and own is not None and found[name].numel() == 1:
            found[name] = found[name].reshape(own.shape)
    found.pop("text.transformer.embeddings.position_ids", None)  # of older transformers
    return found
