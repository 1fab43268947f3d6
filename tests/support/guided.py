"""A small codec and a small CLIP of random weights, and a guidance by them."""

from functools import lru_cache

import torch

from dalle_model.clip.architecture import Architecture
from dalle_model.clip.clip_scorer import ClipScorer
from dalle_model.guide.guided import Guiding, begin
from dalle_model.guide.prompts import parse_prompts
from dalle_model.guide.settings import GuideSettings
from tests.support.clips import TINY, tiny_model


@lru_cache(maxsize=1)
def tiny_scorer() -> ClipScorer:
    """Its texts are read by the sum of their bytes, since no tokenizer is at hand."""
    transform = Architecture("tiny", TINY, {}).transform()
    return ClipScorer(tiny_model(), transform, _ids)


def guiding(
    codec, line="a red heart", start=None, pictures=None, scorer=None, **settings
) -> Guiding:
    given = GuideSettings(**({"steps": 8, "cutouts": 4, "every": 2, "augments": False} | settings))
    made = scorer or tiny_scorer()
    return begin(parse_prompts(line), pictures or {}, codec, made, "tiny", given, start)


def _ids(texts):
    ids = torch.zeros(len(texts), 12, dtype=torch.int64)
    for row, text in zip(ids, texts, strict=True):
        row[1 : 1 + len(text[:10])] = torch.tensor([ord(c) for c in text[:10]], dtype=torch.int64)
        row[11] = 49407
    return ids
