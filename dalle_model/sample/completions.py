"""From a part of an image and a caption to images: the prior samples the codes of the rest."""

import logging

import numpy as np
import numpy.typing as npt
import torch

from dalle_model.pixels import Rgb
from dalle_model.prior.trained import TrainedPrior
from dalle_model.progress import OnStep, ignore_steps
from dalle_model.sample.images import draw_images
from dalle_model.sample.keep import Keep
from dalle_model.sample.sampler import Given
from dalle_model.settings import SampleSettings
from dalle_model.tokenizers.codec import Codec

BLANK = 192  # of what is not given of an image that is shown; chosen: a grey, seen on white

_LOG = logging.getLogger(__name__)


def complete_image(
    trained: TrainedPrior,
    codec: Codec,
    image: Rgb,
    caption: str,
    keep: Keep,
    n: int,
    settings: SampleSettings,
    on_step: OnStep = ignore_steps,
) -> Rgb:
    """Draw `n` images that have a part of an image, and show a caption.

    The codes of the part are given to the prior, in whose order the others are sampled. Where all
    of the part comes before them, as upper rows do, this is the prior's own distribution; where
    some comes later, what is sampled before it does not see it, which the log warns of.

    Args:
        trained: was trained on codes of this codec.
        codec: encodes the image, and decodes the samples.
        image: uint8 `(height, width, 3)` of the codec's `image_shape`.
        caption: of the whole image that is to be.
        keep: the part, from `dalle_model.sample.keep.parse_keep`.
        n: images.
        settings: of sampling.
        on_step: called after each batch with the number of images so far.

    Returns:
        uint8 `(n, height, width, 3)`, decoded as a whole: the part is what its codes hold.

    Raises:
        ValueError: a setting is out of range, or the image is of another shape.

    Source: Ramesh et al. 2021, section 3.3: the upper 15 of 32 rows are given.
    """
    if warning := warning_of_unseen(keep):
        _LOG.warning("%s", warning)
    codes = codec.encode(image[None])[0].astype(np.int64)
    given = Given(torch.from_numpy(codes), torch.from_numpy(keep.is_kept.ravel()))
    return draw_images(trained, codec, [caption], n, settings, on_step, given)[0]


def warning_of_unseen(keep: Keep) -> str:
    """What the order of sampling hides of the part from the rest; empty where it hides nothing."""
    unseen, kept = keep.num_unseen(), int(keep.is_kept.sum())
    if not unseen:
        return ""
    return (
        f"{unseen} of the {kept} tokens that are kept come behind others in the order of rows, and "
        "those before them are drawn without seeing them; whole upper rows are seen by all"
    )


def with_part(images: Rgb, image: Rgb, is_given: npt.NDArray[np.bool_]) -> Rgb:
    """Images in which a part is that of another one, pixel for pixel.

    Args:
        images: uint8 `(n, height, width, 3)`.
        image: uint8 `(height, width, 3)`, of which the part is taken.
        is_given: bool `(height, width)`, the part.
    """
    return np.where(is_given[:, :, None], image, images)


def part_of(image: Rgb, keep: Keep) -> Rgb:
    """The part alone, uint8 `(height, width, 3)`; blank where it is not."""
    return with_part(np.full_like(image, BLANK)[None], image, keep.pixels())[0]
