"""Features of images that do not exist, and the facts of a function that would give them."""

import numpy as np

from dalle_model.evaluate.features import FeatureFacts


def facts_of(dim, **changes):
    facts = {
        "name": "made",
        "convention": "for a test",
        "sha256": "0" * 64,
        "dim": dim,
        "input_size": (8, 8),
        "resize": "none",
    }
    return FeatureFacts(**facts | changes)


def random_features(number, dim, seed=0, scale=1.0, shift=0.0):
    """Correlated and not negative, as those of Inception; float32 `(number, dim)`."""
    mixing = np.random.default_rng(99).normal(size=(dim, dim)) / np.sqrt(dim)
    mixing *= np.geomspace(1, 1e-3, dim)[:, None]
    noise = np.random.default_rng(seed).normal(size=(number, dim)) @ mixing
    return np.maximum(noise * scale + 0.4 + shift, 0).astype(np.float32)
