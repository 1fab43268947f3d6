import numpy as np
import torch

from dalle_model.train.drawn import DrawnImages


def ramp(count=1, side=16):
    """Images whose columns have their own number as value."""
    columns = np.arange(side, dtype=np.uint8)[None, None, :, None]
    return np.broadcast_to(columns, (count, side, side, 3)).copy()


def taken(images, count, position=0):
    images.load_state_dict({"position": position})
    return [batch for _, batch in zip(range(count), images, strict=False)]


def test_images_are_shifted_and_mirrored_within_their_bounds():
    middles, still = set(), set()
    for batch in taken(DrawnImages(ramp(), 8, max_shift=2, seed=0), 16):
        middles |= set(batch["image"][:, 8, 8, 0].tolist())
    for batch in taken(DrawnImages(ramp(), 8, max_shift=0, seed=0), 4):
        still |= set(batch["image"][:, 8, 8, 0].tolist())
    assert middles == {5, 6, 7, 8, 9, 10}  # 8 and its mirror image 7, two either way
    assert still == {7, 8}


def test_edges_are_repeated_where_an_image_is_shifted():
    rows = [
        batch["image"][0, 0, :, 0].tolist()
        for batch in taken(DrawnImages(ramp(1, 4), 1, 1, 0), 200)
    ]
    ahead = [[0, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 3]]
    assert {tuple(row) for row in rows} == {tuple(r) for a in ahead for r in (a, a[::-1])}


def test_an_epoch_has_each_image_once_in_an_order_of_its_own():
    images = DrawnImages(ramp(10), 5, 0, seed=0)
    rows = torch.cat([batch["row"] for batch in taken(images, 4)]).tolist()
    assert sorted(rows[:10]) == sorted(rows[10:]) == list(range(10))
    assert rows[:10] != rows[10:]


def test_a_batch_needs_none_before_it():
    images = DrawnImages(ramp(7), 3, 2, seed=1)
    straight, from_there = taken(images, 5), taken(images, 2, position=9)
    for one, other in zip(straight[3:], from_there, strict=True):
        assert torch.equal(one["image"], other["image"])
        assert (one["key"], one["next_position"]) == (other["key"], other["next_position"])


def test_the_first_images_are_those_of_the_first_batches():
    images = DrawnImages(ramp(7), 3, 2, seed=1)
    together = torch.cat([batch["image"] for batch in taken(images, 2)])
    assert torch.equal(images.first(6), together)
