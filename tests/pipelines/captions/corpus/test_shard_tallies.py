from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.captions.corpus.shard_tallies import join, pack, split, unpack
from pipelines.captions.corpus.tally import Tally, merge
from tests.support.captions.tallies import SHARDS, as_dict, hashes_of


@settings(deadline=None)
@given(SHARDS, st.integers(1, 9), st.randoms(use_true_random=False))
def test_ranges_hold_everything_once_and_give_it_back_by_shard(shards, num_ranges, random):
    tallies = [(shard, Tally.of(hashes_of(numbers))) for shard, numbers in enumerate(shards)]
    random.shuffle(tallies)
    half = len(tallies) // 2
    packed = join([pack(tallies[:half]), pack(tallies[half:])])
    assert as_dict(packed.total) == as_dict(merge([tally for _, tally in tallies]))
    parts = dict(split(packed, num_ranges))
    for number, part in parts.items():
        assert len(part)
        assert all(h * num_ranges >> 64 == number for h in part.hashes.tolist())
    back = unpack(join(list(parts.values())))
    expected = {shard: as_dict(tally) for shard, tally in tallies if len(tally)}
    assert {shard: as_dict(tally) for shard, tally in back} == expected


def test_nothing_is_packed_and_split_to_nothing():
    assert list(split(pack([]), 4)) == []
    assert list(unpack(pack([]))) == []
