"""The interface of an image tokenizer: images to codes and back."""

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, Self, TypeVar, get_args

import numpy as np

from dalle_model.checkpoint import CheckpointError
from dalle_model.config import RESAMPLES, Resample
from dalle_model.errors import UsageError
from dalle_model.pixels import Codes, Rgb
from dalle_model.token_shape import square_edge, token_dtype

Order = Literal["raster", "sequence", "scales"]
ORDERS: tuple[Order, ...] = get_args(Order)


class CodecError(UsageError, CheckpointError):
    """The codec that a config names cannot be used: which, why, and what to name instead."""


@dataclass(frozen=True)
class CodecFacts:
    """What the codes of a codec are, as its file says; two that differ in any of it do not mix.

    Raises ValueError where two of these do not go together, or one makes no sense.

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

    def __post_init__(self) -> None:
        for ok, problem in (
            (len(self.image_shape) == 2, f"image_shape {self.image_shape} is no height and width"),
            (_positive(self.image_shape), f"image_shape {self.image_shape} is empty"),
            (_positive(self.token_shape), f"token_shape {self.token_shape} is empty"),
            (1 <= self.num_codes <= 1 << 32, f"num_codes {self.num_codes} fits no uint32"),
            (self.codebooks >= 1, f"codebooks {self.codebooks} is below 1"),
            (self.pixel_range[0] < self.pixel_range[1], f"pixel_range {self.pixel_range} is empty"),
            (self.resample in RESAMPLES, f"resample {self.resample!r} is no filter: {RESAMPLES}"),
            (self.order in ORDERS, f"order {self.order!r} is none of {ORDERS}"),
            (
                self.order != "raster" or len(self.token_shape) == 2,
                f"order 'raster' needs rows and columns, token_shape is {self.token_shape}",
            ),
        ):
            if not ok:
                raise ValueError(problem)

    @property
    def num_tokens(self) -> int:
        """Positions of an image; each holds as many codes as there are codebooks."""
        return math.prod(self.token_shape)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """Of the codes: uint16, or uint32 where one does not fit."""
        return token_dtype(self.num_codes)

    @property
    def codes_shape(self) -> tuple[int, ...]:
        """Of the codes of an image: `(num_tokens,)`, and `codebooks` where there are several."""
        return (self.num_tokens,) if self.codebooks == 1 else (self.num_tokens, self.codebooks)

    @property
    def patch(self) -> tuple[int, int]:
        """Height and width of what a token covers, in pixels.

        Raises:
            ValueError: tokens are no grid of equal patches.
        """
        pairs = zip(self.image_shape, self.token_shape, strict=False)
        edges = [divmod(edge, tokens) for edge, tokens in pairs]
        if self.order != "raster" or any(left for _, left in edges):
            raise ValueError(f"the tokens of {self.name} are no grid of patches of its images")
        (height, _), (width, _) = edges
        return height, width

    def of_shape(self, image_shape: tuple[int, int]) -> Self:
        """The same of images of another shape, in pixels: as many tokens as patches.

        Raises:
            ValueError: no whole number of patches covers them.
        """
        height, width = self.patch
        (rows, down), (columns, right) = (
            divmod(image_shape[0], height),
            divmod(image_shape[1], width),
        )
        if down or right or rows < 1 or columns < 1:
            raise ValueError(
                f"images of {image_shape[0]} x {image_shape[1]} px are no whole number of patches "
                f"of {height} x {width} px, each a token of {self.name}"
            )
        return replace(self, image_shape=image_shape, token_shape=(rows, columns))

    def of_tokens(self, token_shape: Sequence[int]) -> Self:
        """The same of images with so many rows and columns of tokens; raises as `patch`."""
        (rows, columns), (height, width) = token_shape, self.patch
        return self.of_shape((rows * height, columns * width))

    @property
    def side(self) -> int:
        """Edge of the images, in pixels; raises ValueError where they are not square."""
        return square_edge("images", self.image_shape)

    @property
    def grid(self) -> int:
        """Tokens along one edge; raises ValueError where they are no square grid."""
        return square_edge("tokens", self.token_shape)


def _positive(shape: tuple[int, ...]) -> bool:
    return bool(shape) and all(size >= 1 for size in shape)


def check_images(facts: CodecFacts, images: Rgb) -> None:
    """Raise ValueError where images are not what a codec encodes."""
    height, width = facts.image_shape
    if images.dtype != np.uint8 or images.shape[1:] != (height, width, 3):
        raise ValueError(
            f"got {images.dtype} {images.shape}, expected uint8 (B, {height}, {width}, 3)"
        )


def check_codes(facts: CodecFacts, codes: Codes) -> None:
    """Raise ValueError where codes are not what a codec decodes."""
    if codes.shape[1:] != facts.codes_shape:
        expected = ", ".join(map(str, ("B", *facts.codes_shape)))
        raise ValueError(f"got codes of shape {codes.shape}, expected ({expected})")
    if codes.size and int(codes.max()) >= facts.num_codes:
        raise ValueError(f"code {int(codes.max())} is not below {facts.num_codes}")


class Codec(Protocol):
    """A trained image tokenizer, which `dalle_model.tokenizers.registry` finds.

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


AnyCodec = TypeVar("AnyCodec", bound=Codec)


def with_facts(codec: AnyCodec, facts: CodecFacts) -> AnyCodec:
    """The same codec, with the same weights, whose codes are others, such as of another shape."""
    if codec.facts == facts:
        return codec
    other = copy(codec)
    other.facts = facts
    return other
