from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalle_model.data.order import FullOrder, StoredOrder, WindowOrder, places, share

GROUPS = [40, 40, 7, 0, 40, 40, 40, 1, 40, 40]


def an_epoch(order, epoch=0) -> list[int]:
    return order.rows_of(epoch, np.arange(order.num_rows)).tolist()


@settings(max_examples=60, deadline=None)
@given(
    groups=st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any),
    window=st.integers(1, 20),
    seed=st.integers(0, 5),
)
def test_each_epoch_has_every_row_once(groups, window, seed):
    total = sum(groups)
    for order in (WindowOrder(groups, seed, window), FullOrder(total, seed), StoredOrder(total)):
        for epoch in (0, 1):
            assert sorted(an_epoch(order, epoch)) == list(range(total))


@pytest.mark.parametrize(
    "order", [FullOrder(288, 3), WindowOrder(GROUPS, 3, 4)], ids=["full", "windows"]
)
def test_epochs_and_seeds_have_orders_of_their_own(order):
    other = FullOrder(288, 4) if isinstance(order, FullOrder) else WindowOrder(GROUPS, 4, 4)
    shown = [an_epoch(order, 0), an_epoch(order, 1), an_epoch(other, 0)]
    assert len({tuple(rows) for rows in shown}) == 3


@pytest.mark.parametrize("order", [FullOrder(288), WindowOrder(GROUPS, 0, 4), StoredOrder(288)])
def test_a_position_has_its_row_whatever_is_asked_with_it(order):
    """Backwards, twice, alone, over the end of epochs: as the sequence from the start."""
    sequence = places(order, np.arange(3 * 288))
    assert sequence.epochs.tolist() == np.repeat(range(3), 288).tolist()
    asked = np.array([500, 2, 287, 288, 2, 863, 0])
    assert places(order, asked).rows.tolist() == sequence.rows[asked].tolist()
    assert [int(places(order, [p]).rows[0]) for p in asked] == sequence.rows[asked].tolist()


def test_orders_are_those_of_all_time():
    assert places(FullOrder(1000, 7), range(998, 1004)).rows.tolist() == [
        617,
        244,
        966,
        631,
        448,
        361,
    ]
    assert places(WindowOrder(GROUPS, 7, 4), range(286, 292)).rows.tolist() == [
        205,
        258,
        228,
        217,
        160,
        99,
    ]


def test_only_the_groups_of_a_window_are_read_at_a_time_and_all_of_them():
    groups, window = [64] * 50, 8
    of_groups = np.array(an_epoch(WindowOrder(groups, 1, window))) // 64
    batches = of_groups.reshape(-1, 64)
    assert {len(set(batch)) for batch in batches.tolist()} == {window}
    for group in range(50):
        seen = np.flatnonzero((batches == group).any(axis=1))
        steps = (seen - seen[0]) % 50 if seen[-1] - seen[0] < window else (seen + window) % 50
        assert len(seen) == window
        assert np.ptp(steps) == window - 1


def test_rows_of_a_window_are_mixed():
    """Neighbours in an epoch are of one group about as often as if groups were drawn at random."""
    groups, window = [512] * 64, 16
    rows = np.array(an_epoch(WindowOrder(groups, 5, window)))
    same = (rows[1:] // 512 == rows[:-1] // 512).mean()
    assert same == pytest.approx(1 / window, rel=0.1)
    near = np.abs(np.diff(rows)) == 1
    assert near.mean() < 2 / 512


@pytest.mark.parametrize("batch", [1, 6, 7, 32])
@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
def test_the_ranks_share_a_batch(batch, ranks):
    shares = [share(100, batch, rank, ranks) for rank in range(ranks)]
    assert [p for one in shares for p in one] == list(range(100, 100 + batch))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_ranks_and_batches_may_change_and_the_order_stays():
    order, position, read = FullOrder(101, 2), 0, []
    for ranks, batch, steps in ((3, 8, 5), (1, 5, 7), (2, 9, 3)):
        for _ in range(steps):
            for rank in range(ranks):
                read += places(order, list(share(position, batch, rank, ranks))).rows.tolist()
            position += batch
    assert read == places(order, range(position)).rows.tolist()
    assert set(Counter(read[:101]).values()) == {1}
