from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.captions.corpus.failing import failing_by_shard
from pipelines.captions.corpus.shard_tallies import ShardTallies, pack, split, unpack
from pipelines.captions.corpus.tally import Tally, histogram, merge
from tests.support.captions.funnels import corpus_rule
from tests.support.captions.tallies import SHARDS, as_dict, hashes_of

TEXT_OF_MANY_IMAGES, RARE_NGRAMS, RARE_TYPES = "text_of_many_images", "rare_ngrams", "rare_types"


def failed(shards, name, limit, num_parts, order):
    """What fails in each shard, gathered from all ranges."""
    rule = corpus_rule(name)
    tallies = [Tally.of(hashes_of(shard)) for shard in shards]
    ranges: dict[int, list[ShardTallies]] = {}
    for shard, tally in enumerate(tallies):
        for number, part in split(pack([(shard, tally)]), num_parts):
            ranges.setdefault(number, []).append(part)
    counts = merge([histogram(merge([part.total for part in r])) for r in ranges.values()])
    found: dict[int, dict[int, int]] = {}
    for number in order(ranges):
        failing_there = failing_by_shard(order(ranges[number]), rule, limit, counts)
        for shard, failing in unpack(failing_there):
            found.setdefault(shard, {}).update(as_dict(failing))
    return found


def counted(shards):
    return Counter(h for shard in shards for h in hashes_of(shard).tolist())


def for_each_shard(shards, failing):
    found = {n: {h: failing[h] for h in hashes_of(s).tolist() if h in failing} for n, s in shards}
    return {n: failing for n, failing in found.items() if failing}


@settings(deadline=None)
@given(SHARDS, st.integers(0, 4), st.integers(1, 5))
def test_texts_above_the_limit_go_in_every_shard_that_has_them(shards, limit, num_parts):
    failing = {h: n for h, n in counted(shards).items() if n > limit}
    expected = for_each_shard(enumerate(shards), failing)
    assert failed(shards, TEXT_OF_MANY_IMAGES, limit, num_parts, list) == expected


@settings(deadline=None)
@given(SHARDS, st.integers(0, 4), st.integers(1, 5), st.randoms(use_true_random=False))
def test_types_below_the_limit_go_whatever_the_order(shards, limit, num_parts, random):
    def shuffled(values):
        return random.sample(list(values), len(list(values)))

    failing = {h: n for h, n in counted(shards).items() if n < limit}
    expected = for_each_shard(enumerate(shards), failing)
    assert failed(shards, RARE_TYPES, limit, num_parts, shuffled) == expected


@settings(deadline=None)
@given(SHARDS, st.integers(0, 14), st.integers(1, 5))
def test_ngrams_outside_the_most_frequent_go(shards, limit, num_parts):
    counts = counted(shards)
    ranks = {h: sum(other >= n for other in counts.values()) for h, n in counts.items()}
    expected = for_each_shard(enumerate(shards), {h: r for h, r in ranks.items() if r > limit})
    assert failed(shards, RARE_NGRAMS, limit, num_parts, list) == expected
