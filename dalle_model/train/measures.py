"""What a trained codec is measured by: images held out, and patch k-means with as many codes.

Processes that train together measure a share of the images each, and add up errors and counts.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import torch

from dalle_model.data.image_reader import Squares
from dalle_model.evaluate.reconstruction import (
    CodeUse,
    code_counts,
    code_use_of_counts,
    psnr_of_error,
    squared_error,
)
from dalle_model.pixels import Floats, Rgb
from dalle_model.tokenizers.codec import Codec
from dalle_model.train.kmeans import quantise
from dalle_model.train.parallel import add_up, sums
from dalle_model.train.place import ALONE, Place

# Images encoded and decoded at once; chosen: of 64 px 64, some 100 MB of activations, and of larger
# ones as many pixels.
_PIXELS_AT_ONCE = 64 * 64**2
_MOST_WHILE_TRAINING = 1024  # chosen: known to 0.1 dB, and no time next to the steps in between

# Images, uint8 `(B, S, S, 3)`, as their codes have them.
Reconstruct = Callable[[Rgb], Rgb]


def measure(
    codec: Codec, centroids: Floats | None, train: Squares, held_out: Squares, place: Place = ALONE
) -> dict[str, Any]:
    """Quality of the reconstructions and use of the codes; a part of the images is held at a time.

    Args:
        codec: that was trained.
        centroids: of patch k-means with as many codes, as `fit_centroids` makes them; or None.
        train: what it was trained on.
        held_out: what it has not seen.
        place: of this process; all must call this.

    Returns:
        `images` and `held_out`: how many; `psnr`, in dB on the held-out images, and `kmeans_psnr`
        with centroids; `codes_used` and `perplexity`, on all.
    """
    every = chain(parts_of(train, place), parts_of(held_out, place))
    use = _use_of_all(map(codec.encode, every), codec.facts.num_codes, place)
    reached = reconstruction_psnr(lambda part: codec.decode(codec.encode(part)), held_out, place)
    metrics: dict[str, Any] = {
        "images": len(train),
        "held_out": len(held_out),
        "psnr": round(reached, 3),
        "codes_used": use.used,
        "perplexity": round(use.perplexity, 1),
    }
    if centroids is not None:
        of_means = reconstruction_psnr(lambda part: quantise(part, centroids), held_out, place)
        metrics["kmeans_psnr"] = round(of_means, 3)
    return metrics


def measure_while_training(
    reconstruct: Reconstruct, held_out: Squares, place: Place = ALONE
) -> dict[str, float]:
    """The `held_out_psnr`, in dB, of the first of the images that are held out."""
    reached = reconstruction_psnr(reconstruct, held_out, place, _MOST_WHILE_TRAINING)
    return {"held_out_psnr": round(reached, 3)}


def reconstruction_psnr(
    reconstruct: Reconstruct, images: Squares, place: Place = ALONE, most: int | None = None
) -> float:
    """PSNR in dB of the first images, or of all; all processes must call this."""
    pairs = ((part, reconstruct(part)) for part in parts_of(images, place, most))
    error, size = squared_error(pairs)
    total = sums({"error": error, "size": size}, place)
    return psnr_of_error(total["error"], total["size"])


def parts_of(images: Squares, place: Place = ALONE, most: int | None = None) -> Iterator[Rgb]:
    """This process's share of the first images, or of all, in parts that a codec takes at once."""
    size = max(1, _PIXELS_AT_ONCE // images.side**2)
    return images.parts(size, most, place.rank, place.ranks)


def _use_of_all(parts: Iterable[Any], num_codes: int, place: Place) -> CodeUse:
    counts_K = torch.from_numpy(code_counts(parts, num_codes)).to(place.device)
    return code_use_of_counts(add_up(counts_K, place).cpu().numpy())
