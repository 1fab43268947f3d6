"""Captions that nearly equal those of many images, over the shards of a run."""

import numpy as np

from pipelines.captions.corpus.dropping import drop
from pipelines.captions.corpus.near_text_of_many_images import RULE, band_items, band_tally
from pipelines.captions.corpus.shard import shard_captions
from pipelines.captions.corpus.tally import merge
from tests.support.captions.funnels import candidates, filtered_of, funnel_of

NAME = "near_text_of_many_images"
OFFER = "Buy the new collection of hand-made oak furniture in our shop today, item number {}"
OTHERS = ["A dog on a beach", "Two children fly a kite", "", "Old bridge over the river at dawn"]


def shard(texts: list[str], first: int = 0):
    """Captions, each of an image of its own, as rules over all data see them."""
    table = candidates([(str(first + number), text) for number, text in enumerate(texts)])
    return shard_captions(table, filtered_of(texts), funnel_of({NAME: 3}))


def test_texts_that_differ_in_a_number_are_dropped_together_and_no_others() -> None:
    offers = [OFFER.format(number) for number in range(6)]
    shards = [shard([*offers[:3], *OTHERS]), shard([*offers[3:], *OTHERS[:1]], first=100)]
    tally = merge([RULE.count(captions) for captions in shards])
    failing = tally.where(~RULE.passes(tally.numbers, 3))
    steps = funnel_of({NAME: 3}).corpus_steps
    kept = [drop(captions, {NAME: failing}, steps) for captions in shards]
    assert kept[0].texts.to_pylist() == OTHERS
    assert kept[1].texts.to_pylist() == OTHERS[:1]
    rejected = kept[0].failures.to_pylist()
    assert {row["reason"] for row in rejected} == {NAME}
    assert {row["detail"] for row in rejected} == {offer.casefold() for offer in offers[:3]}
    assert min(row["measured"] for row in rejected) > 3


def test_an_image_counts_once_whatever_the_case_of_its_captions() -> None:
    table = candidates(
        [("a", "A dog on a beach"), ("a", "a DOG on a  beach"), ("b", "a dog on a beach")]
    )
    texts = ["A dog on a beach", "a DOG on a  beach", "a dog on a beach"]
    tally = band_tally(shard_captions(table, filtered_of(texts), funnel_of({})))
    assert set(tally.numbers.tolist()) == {2}


def test_images_without_a_caption_share_none() -> None:
    captions = shard(["", "", "A dog", ""])
    items = band_items(captions)
    assert np.unique(items.captions).tolist() == [2]
    assert items.name(0) == "a dog"
    assert len(band_tally(shard(["", ""]))) == 0
