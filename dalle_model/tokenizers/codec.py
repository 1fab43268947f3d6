"""The interface of an image tokenizer: images to codes and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files as package_files
from typing import Any, Protocol

from dalle_model.checkpoint import CheckpointError, inspect_checkpoint
from dalle_model.config import FIRST_RESAMPLE, RESAMPLES, DvaeConfig, Resample
from dalle_model.errors import UsageError
from dalle_model.pixels import Codes, Rgb

MAX_CODES = 1 << 16  # shards store codes as uint16
_SHIPPED = {"demo": "demo_dvae.safetensors"}


class CodecError(UsageError, CheckpointError):
    """The codec that a config names cannot be used: which, why, and what to name instead."""


@dataclass(frozen=True)
class CodecFacts:
    """What a codec's file says of it.

    Args:
        sha256: of its weights file.
        side: edge of the images, in pixels.
        grid: tokens along one edge.
        num_codes: every code is below it.
        resample: the filter that scaled the images of its training.
    """

    sha256: str
    side: int
    grid: int
    num_codes: int
    resample: Resample


class Codec(Protocol):
    """A trained image tokenizer.

    Attributes:
        name: as recorded in shards.
        sha256: of its weights file.
        side: edge of the images, in pixels.
        grid: tokens along one edge.
        num_codes: every code is below it.
        resample: the filter that scaled the images of its training.
        pixel_range: lowest and highest value of the encoder's input.
    """

    name: str
    sha256: str
    side: int
    grid: int
    num_codes: int
    resample: Resample
    pixel_range: tuple[float, float]

    def encode(self, images: Rgb) -> Codes:
        """Codes uint16 `(B, grid * grid)`, raster order, of RGB uint8 `(B, side, side, 3)`."""
        ...

    def decode(self, codes: Codes) -> Rgb:
        """RGB uint8 `(B, side, side, 3)` of codes `(B, grid * grid)`."""
        ...


def codec_url(name_or_url: str) -> str:
    """URL of a codec's weights: a shipped codec is given by name, any other by its URL."""
    if name_or_url in _SHIPPED:
        return str(package_files("dalle_model").joinpath("weights", _SHIPPED[name_or_url]))
    return name_or_url


def inspect_codec(name_or_url: str) -> CodecFacts:
    """What the weights file of a codec says of it, without loading it or torch.

    Raises:
        CodecError: missing, corrupt, of another kind, or with more codes than a shard can hold.
    """
    try:
        found = inspect_checkpoint(codec_url(name_or_url), "dvae")
        shape = DvaeConfig.from_dict(found.config)
        resample = trained_resample(found.extra)
    except CheckpointError as error:
        raise CodecError(f"{error}{_shipped(name_or_url)}") from error
    except (TypeError, ValueError) as error:
        raise CodecError(
            f"{name_or_url} has the config of another program version: {str(error)[:200]}; "
            "`dalle train dvae` makes a new checkpoint"
        ) from error
    if shape.num_codes > MAX_CODES:
        raise CodecError(
            f"codec {name_or_url} has {shape.num_codes} codes, a token shard holds uint16: "
            f"at most {MAX_CODES}; set `encode.codec` to another one"
        )
    return CodecFacts(found.sha256, shape.side, shape.grid, shape.num_codes, resample)


def trained_resample(extra: Mapping[str, Any]) -> Resample:
    """The filter that a checkpoint names; that of the first codecs where it names none.

    Raises:
        ValueError: this program has no such filter.
    """
    named = extra.get("resample", FIRST_RESAMPLE)
    found = next((known for known in RESAMPLES if known == named), None)
    if found is None:
        raise ValueError(f"images scaled by {str(named)[:50]!r}, not by {' or '.join(RESAMPLES)}")
    return found


def codec_sha256(name_or_url: str) -> str:
    """SHA-256 of a codec's weights file; raises as `inspect_codec`."""
    return inspect_codec(name_or_url).sha256


def _shipped(name: str) -> str:
    """Which codecs have names, where a name was given."""
    if "/" in name or "." in name:
        return ""
    near = get_close_matches(name, _SHIPPED, n=1)
    meant = f"did you mean `{near[0]}`? " if near else ""
    return f". {meant}A codec is {' or '.join(map(repr, _SHIPPED))}, or the URL of a checkpoint"


def load_codec(name_or_url: str) -> Codec:
    """Load the shipped codec by the name `demo`, or a dVAE checkpoint by its URL.

    Raises:
        CheckpointError: missing, corrupt, of another kind or architecture.
    """
    from dalle_model.tokenizers.dvae_codec import DvaeCodec  # loads torch

    return DvaeCodec.load(codec_url(name_or_url))
