"""How much memory a process needs that scores, by the size of its scorer's file."""

from math import ceil

from dalle_model import files
from dalle_model.clip.registry import scorer_url
from pipelines.similarity.config import SimilarityConfig

_GIB = 1024**3
_LEAST = 2 * _GIB  # chosen: what other stages ask for; torch and open_clip take some 0.7 GiB of it
_COPIES = 3  # of the weights; chosen: as read, as the model has them, and what runs through it
_STEP = _GIB // 4


def ram_bytes(config: SimilarityConfig) -> int:
    """Memory of a machine with one such process, in steps of 256 MiB."""
    url = scorer_url(config.scorer.rpartition("@")[2])
    weights = files.identity(url)["bytes"] if files.exists(url) else 0
    return ceil((_LEAST + _COPIES * weights) / _STEP) * _STEP
