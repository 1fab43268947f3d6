"""What a trained codec is measured by: images held out, and patch k-means with as many codes."""

from typing import Any

import numpy as np

from dalle_model.evaluate.reconstruction import code_use, psnr
from dalle_model.pixels import Codes, Floats, Rgb
from dalle_model.tokenizers.codec import Codec
from dalle_model.train.kmeans import quantise

_CHUNK = 64  # chosen: images encoded at once, some 100 MB of activations


def measure(codec: Codec, centroids: Floats | None, train: Rgb, held_out: Rgb) -> dict[str, Any]:
    """Quality of the reconstructions and use of the codes.

    Args:
        codec: that was trained.
        centroids: of patch k-means with as many codes, as `fit_centroids` makes them; or None.
        train: uint8 `(N, side, side, 3)`, what it was trained on.
        held_out: the same, what it has not seen.

    Returns:
        `images` and `held_out`: how many; `psnr`, in dB on the held-out images, and `kmeans_psnr`
        with centroids; `codes_used` and `perplexity`, on all.
    """
    train_codes, held_out_codes = encode(codec, train), encode(codec, held_out)
    use = code_use(np.concatenate([train_codes, held_out_codes]), codec.facts.num_codes)
    metrics: dict[str, Any] = {
        "images": len(train),
        "held_out": len(held_out),
        "psnr": round(psnr(held_out, decode(codec, held_out_codes)), 3),
        "codes_used": use.used,
        "perplexity": round(use.perplexity, 1),
    }
    if centroids is not None:
        metrics["kmeans_psnr"] = round(psnr(held_out, quantise(held_out, centroids)), 3)
    return metrics


def encode(codec: Codec, images: Rgb) -> Codes:
    """Codes of any number of images."""
    chunks = range(0, len(images), _CHUNK)
    return np.concatenate([codec.encode(images[i : i + _CHUNK]) for i in chunks])


def decode(codec: Codec, codes: Codes) -> Rgb:
    """Images of any number of codes."""
    chunks = range(0, len(codes), _CHUNK)
    return np.concatenate([codec.decode(codes[i : i + _CHUNK]) for i in chunks])
