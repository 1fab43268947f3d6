"""A sample of the images is encoded once more, otherwise; the codes that differ are counted."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dalle_model.pixels import Codes, Rgb
from dalle_model.threads import pinned_kernels
from dalle_model.tokenizers.abilities import of_shape, precision_of
from dalle_model.tokenizers.codec import Codec
from pipelines.encode.config import (
    DIFFER_BY_BATCH,
    DIFFER_FROM_EXACT,
    IMAGES_BFLOAT16,
    IMAGES_PROVEN,
    IMAGES_UNPROVEN,
    TOKENS_PROVEN,
    EncodeConfig,
)
from pipelines.encode.encoder import Encoder, filled

PROVEN = 64  # one image in so many; chosen: the work of 1.6 % in `exact`, some 5 % in `fast`


def is_proven(image: str) -> bool:
    """Whether an image is of the sample.

    Args:
        image: the part of a key that all its captions share. The digits that choose its shard have
            no say, so that each shard has its part of the sample.
    """
    return int(image[16:24], 16) % PROVEN == 0


class Proof:
    """Encodes squares again, at another batch size and, in the mode `fast`, exactly.

    Args:
        encoder: that has encoded them.
        exact: the codec as loaded.
        config: whose batch size is not used.
    """

    def __init__(self, encoder: Encoder, exact: Codec, config: EncodeConfig) -> None:
        self.batch_size = other_size(config.batch_size)
        self._used = config.batch_size
        self._ways: dict[str, Codec] = {DIFFER_BY_BATCH: encoder.codec}
        if config.mode == "fast":
            self._ways[DIFFER_FROM_EXACT] = exact
        self._is_bfloat16 = precision_of(encoder.codec) == "bfloat16"

    def tallies(self, squares: Sequence[Rgb], codes: Sequence[Codes]) -> Counter[str]:
        """Codes that differ, by way.

        Args:
            squares: of one shape, at most `batch_size`.
            codes: of each, as they were found.
        """
        first = np.stack(codes)
        images = filled(squares, len(squares) + (len(squares) == self._used))
        try:
            with pinned_kernels():
                again = {
                    name: of_shape(codec, squares[0].shape[:2]).encode(images)
                    for name, codec in self._ways.items()
                }
        except Exception:  # noqa: BLE001 - such as a codec that takes batches of one size alone
            return Counter({IMAGES_UNPROVEN: len(squares)})
        differ = {name: int((found[: len(first)] != first).sum()) for name, found in again.items()}
        found = Counter({IMAGES_PROVEN: len(squares), TOKENS_PROVEN: first.size, **differ})
        if self._is_bfloat16:
            found[IMAGES_BFLOAT16] = len(squares)
        return found


def other_size(batch_size: int) -> int:
    """A batch size that is another one, and mostly smaller: a few images are not filled up."""
    return max(2, batch_size // 4)
