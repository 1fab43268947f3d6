from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.captions.corpus.tally import Tally, histogram, merge, ranks
from tests.support.captions.tallies import SHARDS, as_dict, hashes_of, tally_of


@settings(deadline=None)
@given(SHARDS, st.randoms(use_true_random=False))
def test_merging_in_any_order_and_grouping_counts_as_a_counter_does(shards, random):
    parts = [Tally.of(hashes_of(shard)) for shard in shards]
    while len(parts) > 1:
        random.shuffle(parts)
        taken = random.randint(2, len(parts))
        parts = [*parts[taken:], merge(parts[:taken])]
    expected = Counter(h for shard in shards for h in hashes_of(shard).tolist())
    assert as_dict(merge(parts)) == expected


def test_find_gives_places_and_minus_one():
    tally = tally_of({3: 1, 7: 5, 2**64 - 1: 2})
    wanted = np.array([7, 0, 2**64 - 1, 8, 3], np.uint64)
    assert tally.find(wanted).tolist() == [1, -1, 2, -1, 0]
    assert tally_of({}).find(wanted).tolist() == [-1] * 5


@settings(deadline=None)
@given(SHARDS, st.integers(1, 5))
def test_a_rank_is_the_number_of_things_at_least_as_frequent(shards, num_parts):
    total = merge([Tally.of(hashes_of(shard)) for shard in shards])
    cuts = np.array_split(np.arange(len(total)), num_parts)
    of_all = merge([histogram(Tally(total.hashes[cut], total.numbers[cut])) for cut in cuts])
    counts = total.numbers.tolist()
    expected = [sum(other >= count for other in counts) for count in counts]
    assert ranks(total.numbers, of_all).tolist() == expected


def test_things_of_one_count_stay_or_go_together():
    counts = tally_of({1: 9, 2: 4, 3: 4, 4: 4, 5: 1})
    found = ranks(counts.numbers, histogram(counts))
    assert found.tolist() == [1, 4, 4, 4, 5]
    assert (found <= 3).tolist() == [True, False, False, False, False]  # three do not fit in two
