from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.captions.corpus.answers import answers
from pipelines.captions.corpus.rules import DATA_RULES, RARE_NGRAMS, RARE_TYPES, TEXT_OF_MANY_IMAGES
from pipelines.captions.corpus.tally import Tally, histogram, merge, split
from tests.support.captions.tallies import SHARDS, as_dict, hashes_of


def judged(shards, name, limit, num_parts, order):
    """The answers of all ranges, brought together for each shard."""
    rule = DATA_RULES[name]
    tallies = [Tally.of(hashes_of(shard)) for shard in shards]
    counts = merge([histogram(part) for part in split(merge(tallies), num_parts)])
    told: dict[int, dict[int, int]] = {}
    for part in order(range(num_parts)):
        asked = order([(n, split(tally, num_parts)[part]) for n, tally in enumerate(tallies)])
        for shard, failing in answers(asked, rule, limit, counts):
            told.setdefault(shard, {}).update(as_dict(failing))
    return told


def counted(shards):
    return Counter(h for shard in shards for h in hashes_of(shard).tolist())


def for_each_shard(shards, failing):
    told = {n: {h: failing[h] for h in hashes_of(s).tolist() if h in failing} for n, s in shards}
    return {n: found for n, found in told.items() if found}


@settings(deadline=None)
@given(SHARDS, st.integers(0, 4), st.integers(1, 5))
def test_texts_above_the_limit_go_in_every_shard_that_has_them(shards, limit, num_parts):
    failing = {h: n for h, n in counted(shards).items() if n > limit}
    expected = for_each_shard(enumerate(shards), failing)
    assert judged(shards, TEXT_OF_MANY_IMAGES, limit, num_parts, list) == expected


@settings(deadline=None)
@given(SHARDS, st.integers(0, 4), st.integers(1, 5), st.randoms(use_true_random=False))
def test_types_below_the_limit_go_whatever_the_order(shards, limit, num_parts, random):
    def shuffled(values):
        return random.sample(list(values), len(list(values)))

    failing = {h: n for h, n in counted(shards).items() if n < limit}
    expected = for_each_shard(enumerate(shards), failing)
    assert judged(shards, RARE_TYPES, limit, num_parts, shuffled) == expected


@settings(deadline=None)
@given(SHARDS, st.integers(0, 14), st.integers(1, 5))
def test_ngrams_outside_the_most_frequent_go(shards, limit, num_parts):
    counts = counted(shards)
    ranks = {h: sum(other >= n for other in counts.values()) for h, n in counts.items()}
    expected = for_each_shard(enumerate(shards), {h: r for h, r in ranks.items() if r > limit})
    assert judged(shards, RARE_NGRAMS, limit, num_parts, list) == expected
