"""From captions to pictures: the prior draws codes, the codec decodes them."""

import numpy as np
import numpy.typing as npt
import torch

from dalle_model.pixels import Rgb
from dalle_model.prior.trained import TrainedPrior, check_codec, load_prior
from dalle_model.sample.sampler import sample
from dalle_model.settings import SampleSettings
from dalle_model.tokenizers.codec import Codec


def sample_pictures(
    prior_url: str, codec: Codec, captions: list[str], n: int, settings: SampleSettings
) -> Rgb:
    """Load a prior and draw `n` pictures for each caption.

    Returns:
        uint8 `(len(captions), n, side, side, 3)`.

    Raises:
        CheckpointError: the prior is unusable, or was trained on codes of another codec.
        ValueError: `n` or a setting is out of range.
    """
    trained = load_prior(prior_url)
    check_codec(prior_url, trained.codes, codec)
    return draw_pictures(trained, codec, captions, n, settings)


def draw_pictures(
    trained: TrainedPrior, codec: Codec, captions: list[str], n: int, settings: SampleSettings
) -> Rgb:
    """As `sample_pictures`, with a prior that is loaded and known to fit the codec."""
    config = trained.prior.config
    text = trained.tokenizer.encode_batch(captions, config.text_len, config.text_vocab)
    rows = max(1, settings.batch_size // max(1, n))
    drawn = [
        codec.decode(_draw(trained, text[first : first + rows], n, settings))
        for first in range(0, len(text), rows)
    ]
    shape = (len(captions), n, codec.side, codec.side, 3)
    return np.concatenate(drawn).reshape(shape) if drawn else np.zeros(shape, np.uint8)


def _draw(
    trained: TrainedPrior, text: npt.NDArray[np.int64], n: int, settings: SampleSettings
) -> npt.NDArray[np.uint16]:
    codes = sample(
        trained.prior,
        torch.from_numpy(text),
        n,
        settings.temperature,
        settings.top_k,
        settings.seed,
    )
    return codes.numpy().astype(np.uint16)
