"""What a trained codec is measured by: images held out, and patch k-means with as many codes."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from dalle_model.data.image_reader import Squares
from dalle_model.evaluate.reconstruction import code_use_of_parts, psnr_of_parts
from dalle_model.pixels import Floats, Rgb
from dalle_model.tokenizers.codec import Codec
from dalle_model.train.kmeans import quantise

# Images encoded and decoded at once; chosen: of 64 px 64, some 100 MB of activations, and of larger
# ones as many pixels.
_PIXELS_AT_ONCE = 64 * 64**2
_MOST_WHILE_TRAINING = 1024  # chosen: known to 0.1 dB, and no time next to the steps in between


def measure(
    codec: Codec, centroids: Floats | None, train: Squares, held_out: Squares
) -> dict[str, Any]:
    """Quality of the reconstructions and use of the codes; a part of the images is held at a time.

    Args:
        codec: that was trained.
        centroids: of patch k-means with as many codes, as `fit_centroids` makes them; or None.
        train: what it was trained on.
        held_out: what it has not seen.

    Returns:
        `images` and `held_out`: how many; `psnr`, in dB on the held-out images, and `kmeans_psnr`
        with centroids; `codes_used` and `perplexity`, on all.
    """
    every = chain(parts_of(train), parts_of(held_out))
    use = code_use_of_parts(map(codec.encode, every), codec.facts.num_codes)
    metrics: dict[str, Any] = {
        "images": len(train),
        "held_out": len(held_out),
        "psnr": round(reconstruction_psnr(codec, held_out), 3),
        "codes_used": use.used,
        "perplexity": round(use.perplexity, 1),
    }
    if centroids is not None:
        of_means = ((part, quantise(part, centroids)) for part in parts_of(held_out))
        metrics["kmeans_psnr"] = round(psnr_of_parts(of_means), 3)
    return metrics


def measure_while_training(codec: Codec, held_out: Squares) -> dict[str, float]:
    """The `held_out_psnr`, in dB, of the first of the images that are held out."""
    reached = reconstruction_psnr(codec, held_out, _MOST_WHILE_TRAINING)
    return {"held_out_psnr": round(reached, 3)}


def reconstruction_psnr(codec: Codec, images: Squares, most: int | None = None) -> float:
    """PSNR in dB of the first images, or of all."""
    pairs = ((part, codec.decode(codec.encode(part))) for part in parts_of(images, most))
    return psnr_of_parts(pairs)


def parts_of(images: Squares, most: int | None = None) -> Iterator[Rgb]:
    """Images in parts that a codec takes at once: all of them, or the first ones."""
    return images.parts(max(1, _PIXELS_AT_ONCE // images.side**2), most)
