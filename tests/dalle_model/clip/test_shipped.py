import numpy as np

from dalle_model.clip.registry import load_scorer, scorer_facts, scorer_url
from dalle_model.clip.scorer import Embedder
from dalle_model.clip.trained import load_clip
from dalle_model.evaluate.retrieval import auc, others
from dalle_model.files import identity
from tools.small_world.shapes import count_combinations, counted


def test_the_shipped_scorer_tells_captions_of_new_pictures_from_wrong_ones():
    """Of shapes at places of their own, which no training has seen."""
    rng = np.random.default_rng(20_000)
    chosen = list(count_combinations())
    captions = ["{count} {color} {shape}".format(**attributes) for attributes in chosen]
    images = [counted(attributes, rng).image for attributes in chosen]
    scorer = load_scorer("demo")
    own, wrong = (
        scorer.score(images, texts) for texts in (captions, [captions[n] for n in others(captions)])
    )
    assert isinstance(scorer, Embedder)
    assert auc(own, wrong) > 0.9


def test_it_is_small_and_knows_its_own_making():
    assert identity(scorer_url("demo"))["bytes"] < 6_000_000
    trained = load_clip(scorer_url("demo"))
    assert trained.metrics["held_out_auc"] > 0.9
    assert len(scorer_facts("demo")["scorer"]) == 64
