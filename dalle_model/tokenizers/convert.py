"""Files of released codecs as checkpoints of this program; none of them is run."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from dalle_model.checkpoint import difference_of, save_checkpoint
from dalle_model.config import FIRST_RESAMPLE
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.tokenizers.dvae import Dvae
from dalle_model.tokenizers.dvae_release import dvae_weights
from dalle_model.tokenizers.flax_file import Weights, read_weights
from dalle_model.tokenizers.pickles import ConversionError
from dalle_model.tokenizers.registry import inspect_codec
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_config import VQGAN_RESAMPLE
from dalle_model.tokenizers.vqgan_release import is_vqgan, vqgan_weights

SUFFIX = ".safetensors"


def convert(sources: Sequence[str], out: str, size: str = "") -> CodecFacts:
    """Convert the files of a released codec to one checkpoint; equal files give equal bytes.

    Args:
        sources: URLs of `encoder.pkl` and `decoder.pkl` of OpenAI's dVAE; or of the checkpoint of a
            VQGAN of taming-transformers or LlamaGen, with its `model.yaml` if there is one; or of
            `flax_model.msgpack` of dalle-mini's VQGAN, or `detoker.pt` of min-dalle.
        out: URL of the checkpoint, which ends in `.safetensors`.
        size: edge of the images in pixels, or `HEIGHTxWIDTH`; as released by default.

    Returns:
        What the checkpoint says of its codes.

    Raises:
        ConversionError: a file is damaged, of another architecture, or holds code, which is never
            run; or an argument makes no sense.
    """
    if not out.endswith(SUFFIX):
        raise ConversionError(
            f"the last argument is the checkpoint to write, as x{SUFFIX}; it is {out!r}"
        )
    shape = parse_size(size)
    yamls = [url for url in sources if url.endswith((".yaml", ".yml"))]
    pickled = [read_weights(url) for url in sources if url not in yamls]
    try:
        kind, model, config, tensors = _read(pickled, yamls, shape)
    except ValueError as error:  # sizes that no model has
        raise ConversionError(f"{' and '.join(sources)}: {error}") from error
    resample = VQGAN_RESAMPLE if kind == "vqgan" else FIRST_RESAMPLE
    extra = {"resample": resample, "converted_from": _origin(pickled)}
    save_checkpoint(out, kind, _fitting(sources[0], model, tensors), config, extra)
    return inspect_codec(out)


def _read(
    pickled: Sequence[Weights], yamls: Sequence[str], shape: tuple[int, int] | None
) -> tuple[str, nn.Module, dict[str, Any], dict[str, Tensor]]:
    """Kind, module without numbers, config and tensors of what is converted."""
    if len(pickled) == 1 and is_vqgan(pickled[0].tensors()):
        if len(yamls) > 1:
            raise ConversionError(f"{' and '.join(yamls)}: a VQGAN has one YAML file")
        vqgan, tensors = vqgan_weights(pickled[0], yamls[0] if yamls else None, shape)
        with torch.device("meta"):
            return "vqgan", Vqgan(vqgan), vqgan.to_dict(), tensors
    if yamls:
        raise ConversionError(f"{yamls[0]} goes with the checkpoint of a VQGAN, and none is given")
    dvae, tensors = dvae_weights(pickled, shape)
    with torch.device("meta"):
        return "dvae", Dvae(dvae), dvae.to_dict(), tensors


def parse_size(size: str) -> tuple[int, int] | None:
    """Height and width of `256` or `256x320`; None of nothing.

    Raises:
        ConversionError: it is neither.
    """
    if not size:
        return None
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", size)
    if not found:
        raise ConversionError(f"size {size!r} is neither an edge in pixels nor HEIGHTxWIDTH")
    return int(found[1]), int(found[2] or found[1])


def _fitting(url: str, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a model, none missing, none of another shape and none too many."""
    if difference := difference_of(model, tensors):
        raise ConversionError(f"{url} is of another architecture: {difference}")
    return {name: tensors[name] for name in model.state_dict()}


def _origin(pickled: Sequence[Weights]) -> dict[str, str]:
    """For the header: which files the weights are from."""
    return {posixpath.basename(source.url): source.sha256 for source in pickled}
