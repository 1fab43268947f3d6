"""Pictures of what a model makes of rows that stay the same throughout its training."""

from collections.abc import Callable

import numpy as np
from PIL.Image import Image

from dalle_model.data.image_reader import Squares
from dalle_model.data.source import TokenSource
from dalle_model.pixels import Rgb
from dalle_model.prior.model import Prior
from dalle_model.prior.trained import CodesOrigin, TrainedPrior
from dalle_model.sample.grid import comparison_grid, image_grid
from dalle_model.sample.images import draw_images
from dalle_model.settings import SampleSettings
from dalle_model.tokenizers.codec import Codec
from dalle_model.train.state import RunState
from dalle_model.train.watch import Draw
from dalle_model.vocab import CaptionTokenizer

ROWS, SAMPLES = 8, 4  # chosen: what fits a screen, and a minute of sampling on a CPU core
_LOOKED_AT = 256  # rows, among which are the first; chosen: those of one read


def prior_pictures(
    source: TokenSource,
    codec: Codec,
    tokenizer: CaptionTokenizer,
    codes: CodesOrigin,
    text_len: int,
    seed: int,
) -> Draw:
    """The first captions of token shards, each above what its own tokens hold, and samples.

    Args:
        source: of the rows; those come first whose captions the prior reads to their end.
        codec: of their tokens.
        tokenizer: of the captions.
        codes: the codec, as a prior names it.
        text_len: text positions of the prior.
        seed: of the samples, the same each time.
    """
    rows = source.__getitems__(range(min(_LOOKED_AT, len(source))))
    rows = sorted(rows, key=lambda row: tokenizer.cut(row["caption"], text_len) is not None)[:ROWS]
    captions = [row["caption"] for row in rows]
    held = codec.decode(np.stack([row["image_tokens"] for row in rows]))

    def draw(state: RunState) -> Image:
        assert isinstance(state.trained, Prior)
        trained = TrainedPrior(state.trained, tokenizer, codes, {})
        drawn = draw_images(trained, codec, captions, SAMPLES, SampleSettings(seed=seed))
        return image_grid(list(np.concatenate([held[:, None], drawn], axis=1)), captions)

    return draw


def codec_pictures(held_out: Squares, reconstruct: Callable[[RunState, Rgb], Rgb]) -> Draw:
    """The first images of those held out, each beside its reconstruction."""
    shown = held_out.first(ROWS)
    names = [f"held out {number + 1}" for number in range(len(shown))]

    def draw(state: RunState) -> Image:
        return comparison_grid([shown, reconstruct(state, shown)], names)

    return draw
