"""The interface of an image tokenizer: images to codes and back."""

import math
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files as package_files
from typing import Any, Literal, Protocol

from dalle_model.checkpoint import CheckpointError, inspect_checkpoint
from dalle_model.config import (
    FIRST_RESAMPLE,
    LOGIT_LAPLACE_EPS,
    RESAMPLES,
    DvaeConfig,
    Resample,
)
from dalle_model.errors import UsageError
from dalle_model.pixels import Codes, Rgb

MAX_CODES = 1 << 16  # shards store codes as uint16
Order = Literal["raster", "sequence", "scales"]
_SHIPPED = {"demo": "demo_dvae.safetensors"}


class CodecError(UsageError, CheckpointError):
    """The codec that a config names cannot be used: which, why, and what to name instead."""


@dataclass(frozen=True)
class CodecFacts:
    """What the codes of a codec are, as its file says; two that differ in any of it do not mix.

    Args:
        name: as recorded in shards.
        sha256: of its weights file.
        image_shape: height and width of the images, in pixels.
        token_shape: of an image's positions: rows and columns of a grid, or one length.
        num_codes: every code is below it.
        resample: the filter that scaled the images of its training.
        pixel_range: lowest and highest value of the encoder's input.
        codebooks: codes at each position.
        order: of the positions: the rows of a grid from the top, a sequence without places in the
            image, or grids from coarse to fine.
        encoder_only: whether it cannot decode.
    """

    name: str
    sha256: str
    image_shape: tuple[int, int]
    token_shape: tuple[int, ...]
    num_codes: int
    resample: Resample
    pixel_range: tuple[float, float]
    codebooks: int = 1
    order: Order = "raster"
    encoder_only: bool = False

    @property
    def num_tokens(self) -> int:
        """Positions of an image; each holds as many codes as there are codebooks."""
        return math.prod(self.token_shape)

    @property
    def side(self) -> int:
        """Edge of the images, in pixels; raises ValueError where they are not square."""
        return _edge("images", self.image_shape)

    @property
    def grid(self) -> int:
        """Tokens along one edge; raises ValueError where they are no square grid."""
        return _edge("tokens", self.token_shape)


def _edge(what: str, shape: tuple[int, ...]) -> int:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"{what} of shape {shape} are not a square")
    return shape[0]


class Codec(Protocol):
    """A trained image tokenizer.

    Attributes:
        facts: what its codes are.
    """

    facts: CodecFacts

    def encode(self, images: Rgb) -> Codes:
        """Codes of images.

        Args:
            images: RGB uint8 `(B, height, width, 3)`, of the codec's `image_shape`.

        Returns:
            Below `num_codes`, `(B, num_tokens)` in the codec's order; `(B, num_tokens, codebooks)`
            where it has several. uint16, or uint32 where codes do not fit.
        """
        ...

    def decode(self, codes: Codes) -> Rgb:
        """RGB uint8 `(B, height, width, 3)` of codes as `encode` returns them."""
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
        facts = dvae_facts(codec_url(name_or_url), found.sha256, found.config, found.extra)
    except CheckpointError as error:
        raise CodecError(f"{error}{_shipped(name_or_url)}") from error
    if facts.num_codes > MAX_CODES:
        raise CodecError(
            f"codec {name_or_url} has {facts.num_codes} codes, a token shard holds uint16: "
            f"at most {MAX_CODES}; set `encode.codec` to another one"
        )
    return facts


def dvae_facts(
    url: str, sha256: str, config: Mapping[str, Any], extra: Mapping[str, Any]
) -> CodecFacts:
    """What a dVAE checkpoint says of its codes.

    Args:
        url: of the checkpoint; its base name is the codec's.
        sha256: of the file.
        config: of `DvaeConfig.to_dict`.
        extra: may name the filter of the training images.

    Raises:
        CheckpointError: the config is of another program version.
    """
    try:
        shape = DvaeConfig.from_dict(dict(config))
        resample = trained_resample(extra)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{url} has the config of another program version: {str(error)[:200]}; "
            "`dalle train dvae` makes a new checkpoint"
        ) from error
    return CodecFacts(
        name=posixpath.basename(url).removesuffix(".safetensors"),
        sha256=sha256,
        image_shape=(shape.side, shape.side),
        token_shape=(shape.grid, shape.grid),
        num_codes=shape.num_codes,
        resample=resample,
        pixel_range=(LOGIT_LAPLACE_EPS, 1 - LOGIT_LAPLACE_EPS),
    )


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
