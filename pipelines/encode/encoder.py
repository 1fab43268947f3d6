"""Pixels to tokens: in batches of one size, or as fast as this machine can.

No image ends a run: where the codec fails on a batch, it is halved down to the images at fault.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dalle_model.errors import DalleError, UsageError
from dalle_model.pixels import Codes, Floats, Rgb
from dalle_model.threads import pinned_kernels
from dalle_model.tokenizers.abilities import GivesMargins, fast_form, of_shape, part_size
from dalle_model.tokenizers.codec import Codec
from pipelines.encode.batch_size import BatchSize
from pipelines.encode.config import EncodeConfig
from pipelines.rejection import Check

# What torch says in a plain RuntimeError. Source: pytorch `c10/core/impl/alloc_cpu.cpp`.
_MEMORY_MESSAGES = ("not enough memory", "can't allocate memory", "out of memory")
_LARGEST_HALF = float(np.finfo(np.float16).max)


class EncodingMemoryError(DalleError):
    """The memory does not hold a batch of images: which setting to lower."""


class NoMarginsError(UsageError):
    """Margins are asked for of a codec that gives none."""


@dataclass(frozen=True)
class Tokens:
    """What an image becomes.

    Args:
        codes: `(tokens,)`, in the order of the codec.
        margins: float16 `(tokens,)`, best minus second-best logit; None where not asked for.
        shape: of the positions, as rows and columns.
    """

    codes: Codes
    margins: NDArray[np.float16] | None = None
    shape: tuple[int, ...] = ()


Outcome = Tokens | Check


class Encoder:
    """Runs a codec.

    Args:
        codec: as loaded; in the mode `fast` its fast form is used.
        config: mode, batch size, and whether margins are kept.
        size: how many images are encoded at once. It learns, so that it is kept for all shards of
            a process.

    Attributes:
        warnings: for a person, one line each.

    Raises:
        NoMarginsError: margins are asked for, and the codec gives none.
    """

    def __init__(self, codec: Codec, config: EncodeConfig, size: BatchSize) -> None:
        self.codec = fast_form(codec) if config.mode == "fast" else codec
        self._config, self._size = config, size
        self.warnings: list[str] = []
        if config.margin and not isinstance(self.codec, GivesMargins):
            raise NoMarginsError(
                f"codec {codec.facts.name} gives no margins; set `encode.margin: false`, or "
                "name another `encode.codec`"
            )

    def encode(self, squares: Sequence[Rgb]) -> list[Outcome]:
        """Tokens of each of some images of one shape, or why it has none.

        Batch size and threads change the last bits of the logits. In the mode `exact` both are
        pinned: each batch is filled up with black or, of a codec that takes some images of it at a
        time, the last of these parts.

        Raises:
            EncodingMemoryError: the memory does not hold a batch of the size that is set or, in
                the mode `fast`, a single image.
        """
        with pinned_kernels():
            return self._in_batches(squares)

    def _in_batches(self, squares: Sequence[Rgb]) -> list[Outcome]:
        found: list[Outcome] = []
        while len(found) < len(squares):
            found += self._outcomes(squares[len(found) : len(found) + self._size.now])
        return found

    def _outcomes(self, squares: Sequence[Rgb]) -> list[Outcome]:
        try:
            return self._run(squares)
        except DalleError:
            raise
        except Exception as error:  # noqa: BLE001 - a codec of another package raises anything
            failed = f"{type(error).__name__}: {str(error)[:200]}"
            lacks_memory = is_out_of_memory(error)
        # Here the error is gone, and with its frames whatever the failed attempt held in memory.
        if lacks_memory:
            self._lower(squares, failed)
            return self._in_batches(squares)
        if len(squares) == 1:
            return [Check("codec_failed", passed=False, detail=failed)]
        middle = len(squares) // 2
        return self._outcomes(squares[:middle]) + self._outcomes(squares[middle:])

    def _run(self, squares: Sequence[Rgb]) -> list[Outcome]:
        if self._config.mode == "exact":
            return self._tokens(filled(squares, self._pinned_size(squares)), len(squares))
        with self._size.timed(len(squares)):
            return self._tokens(np.stack(squares), len(squares))

    def _pinned_size(self, squares: Sequence[Rgb]) -> int:
        size = self._config.batch_size
        part = part_size(self._of(squares[0].shape[:2]), size)
        return min(size, -(-len(squares) // part) * part)

    def _of(self, image_shape: tuple[int, int]) -> Codec:
        return of_shape(self.codec, image_shape)

    def _tokens(self, images: Rgb, count: int) -> list[Outcome]:
        codec = self._of((images.shape[1], images.shape[2]))
        shape = codec.facts.token_shape
        if not self._config.margin:
            return [Tokens(codes, None, shape) for codes in codec.encode(images)[:count]]
        assert isinstance(codec, GivesMargins)
        codes, margins = codec.encode_with_margins(images)
        pairs = zip(codes[:count], _halves(margins), strict=False)
        return [Tokens(*both, shape) for both in pairs]

    def _lower(self, squares: Sequence[Rgb], failed: str) -> None:
        config, codec, count = self._config, self.codec, len(squares)
        height, width, _ = squares[0].shape
        what, size = f"codec {codec.facts.name}: the memory does not hold", f"{height} x {width} px"
        if config.mode == "exact" and config.batch_size > 1:
            raise EncodingMemoryError(
                f"{what} a batch of {config.batch_size} images of {size} ({failed}); set "
                f"`encode.batch_size` to {config.batch_size // 2} or less, or `encode.mode: fast`, "
                "which lowers it by itself; near-ties may then become other codes"
            )
        if count == 1:
            raise EncodingMemoryError(
                f"{what} a single image of {size} ({failed}); give its processes more, or "
                "have fewer of them: `--workers`"
            )
        self._size.lower_to(count // 2)
        self.warnings.append(
            f"{what} {count} images of {size} at once: {self._size.now} are encoded instead"
        )


def filled(squares: Sequence[Rgb], size: int) -> Rgb:
    """Images of one shape as one array, filled up with black to a number of them."""
    images = np.zeros((size, *squares[0].shape), np.uint8)
    images[: len(squares)] = squares
    return images


def is_out_of_memory(error: Exception) -> bool:
    """Whether it was memory that an error is about."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        message in str(error).lower() for message in _MEMORY_MESSAGES
    )


def _halves(margins: Floats) -> NDArray[np.float16]:
    return np.minimum(margins, _LARGEST_HALF).astype(np.float16)
