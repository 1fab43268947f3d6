"""From captions to images: the prior samples codes, the codec decodes them."""

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from dalle_model.pixels import Codes, Rgb
from dalle_model.prior.trained import TrainedPrior, check_codec, load_prior
from dalle_model.progress import OnStep, ignore_steps
from dalle_model.sample.sampler import LAYER_BATCH, Given, Guidance, sample
from dalle_model.settings import SampleSettings
from dalle_model.tokenizers.codec import Codec

SHOWN = 100  # characters of a text that is left out; chosen: a line of a terminal

_LOG = logging.getLogger(__name__)


def sample_images(
    prior_url: str,
    codec: Codec,
    captions: list[str],
    n: int,
    settings: SampleSettings,
    on_step: OnStep = ignore_steps,
) -> Rgb:
    """Load a prior and sample `n` images for each caption.

    A caption that is longer than the prior's text positions is cut, with a warning in the log.

    Args:
        prior_url: a checkpoint from `save_prior`.
        codec: the one that made the prior's training tokens.
        captions: what the images should show.
        n: images of each caption.
        settings: of sampling.
        on_step: called after each batch with the number of images so far.

    Returns:
        uint8 `(len(captions), n, side, side, 3)`.

    Raises:
        CheckpointError: the prior cannot be used, or was trained on codes of another codec.
        ValueError: `n` or a setting is out of range.
    """
    trained = load_prior(prior_url)
    check_codec(prior_url, trained.codes, codec.facts)
    return draw_images(trained, codec, captions, n, settings, on_step)


def draw_images(
    trained: TrainedPrior,
    codec: Codec,
    captions: list[str],
    n: int,
    settings: SampleSettings,
    on_step: OnStep = ignore_steps,
    given: Given | None = None,
) -> Rgb:
    """Like `sample_images`, for a prior that is loaded and was trained on codes of this codec.

    An image depends on its caption and its number, not on what else is drawn: each is decoded by
    itself, and sampled as `dalle_model.sample.sampler.sample` says, which tells of `given`, too.
    """
    config = trained.prior.config
    if warning := warning_of_cuts(trained, captions):
        _LOG.warning("%s", warning)
    text = trained.tokenizer.encode_batch(captions, config.text_len, config.text_vocab)
    images = np.zeros((len(captions), n, *codec.facts.image_shape, 3), np.uint8)
    at_once = min(settings.batch_size, LAYER_BATCH)
    columns = min(n, at_once)
    rows = max(1, at_once // max(1, columns))
    done = 0
    for row in range(0, len(captions), rows):
        for first in range(0, n, columns):
            number = min(columns, n - first)
            codes = _draw(trained, text[row : row + rows], number, settings, first, given)
            decoded = np.concatenate([codec.decode(one) for one in codes[:, None]])
            part = decoded.reshape(-1, number, *decoded.shape[1:])
            images[row : row + rows, first : first + number] = part
            done += len(decoded)
            on_step(done, len(captions) * n, {})
    return images


def warning_of_cuts(trained: TrainedPrior, captions: Sequence[str]) -> str:
    """What the prior does not read of captions, for a person; empty where it reads all."""
    text_len = trained.prior.config.text_len
    cuts = [cut for caption in captions if (cut := trained.tokenizer.cut(caption, text_len))]
    if not cuts:
        return ""
    tokens, read, rest = cuts[0]
    left_out = " ".join(rest[:SHOWN].split()) + ("..." if len(rest) > SHOWN else "")
    several = f"{len(cuts)} of {len(captions)} captions are cut; the first of them has"
    whose = several if len(captions) > 1 else "the caption has"
    return f"{whose} {tokens} tokens, the model reads the first {read}: '{left_out}' is left out"


def _draw(
    trained: TrainedPrior,
    text: npt.NDArray[np.int64],
    n: int,
    settings: SampleSettings,
    first: int,
    given: Given | None,
) -> Codes:
    codes = sample(
        trained.prior,
        torch.from_numpy(text),
        n,
        settings.temperature,
        settings.top_k,
        settings.seed,
        first,
        settings.batch_size,
        _guidance(trained, settings.guidance),
        top_p=settings.top_p,
        given=given,
    )
    return codes.numpy().astype(np.uint16)


def _guidance(trained: TrainedPrior, scale: float) -> Guidance | None:
    if scale == 1:
        return None
    config = trained.prior.config
    empty = trained.tokenizer.encode_batch([""], config.text_len, config.text_vocab)[0]
    return Guidance(scale, torch.from_numpy(empty))
