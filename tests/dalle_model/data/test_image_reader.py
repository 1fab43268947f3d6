import numpy as np
import pytest
import torch

from dalle_model.data.augment import Augmentation
from dalle_model.data.image_reader import held_out
from dalle_model.data.reader import steps
from dalle_model.data.torch import TokenLoader, TokenStream
from tests.support.image_rows import noise
from tests.support.training_images import name_of, training_images

COUNT = 40
SHIFT = Augmentation("shift", 16, max_shift=3, seed=1)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    found = [noise(n) for n in range(COUNT)]
    return training_images(tmp_path_factory.mktemp("images"), found, SHIFT)


def some(loader, count):
    return [batch for _, batch in zip(range(count), loader, strict=False)]


def same(one, other):
    return one["key"] == other["key"] and torch.equal(one["image"], other["image"])


def test_an_epoch_has_every_image_once_and_never_one_that_is_held_out(images):
    num_train = len(images.train)
    keys = images.reader.read(range(2 * num_train))["key"]
    others = {name_of(n) for n in (15, 31)}
    expected = sorted({name_of(n) for n in range(COUNT)} - others)
    assert num_train == COUNT - 2
    assert sorted(keys[:num_train]) == sorted(keys[num_train:]) == expected
    assert keys[:num_train] != keys[num_train:]


def test_a_batch_at_a_position_needs_none_before_it(images):
    straight = list(images.reader.stream(steps(0, 7, 70)))
    again = next(images.reader.stream(steps(42, 7, 70)))
    assert again["key"] == straight[6]["key"]
    assert np.array_equal(again["image"], straight[6]["image"])
    assert again["next_position"] == straight[6]["next_position"] == 49
    assert again["image"].shape == (7, 16, 16, 3)
    assert again["epoch"].tolist() == [(42 + n) // 38 for n in range(7)]


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_share_a_batch(images, ranks):
    alone = some(TokenLoader(TokenStream(images.reader, 10)), 6)
    shares = [
        some(TokenLoader(TokenStream(images.reader, 10, rank, ranks)), 6) for rank in range(ranks)
    ]
    for number, batch in enumerate(alone):
        own = [share[number] for share in shares]
        assert [key for one in own for key in one["key"]] == batch["key"]
        assert torch.equal(torch.cat([one["image"] for one in own]), batch["image"])
        assert {one["next_position"] for one in own} == {batch["next_position"]}


def test_workers_and_a_new_start_change_nothing(images):
    alone = some(TokenLoader(TokenStream(images.reader, 6)), 8)
    several = some(TokenLoader(TokenStream(images.reader, 6), workers=2), 8)
    assert all(same(one, other) for one, other in zip(alone, several, strict=True))
    loader = TokenLoader(TokenStream(images.reader, 6))
    loader.load_state_dict({"position": alone[4]["next_position"]})
    assert all(same(one, other) for one, other in zip(alone[5:], loader, strict=False))


def test_squares_come_in_parts_and_as_they_are_encoded(images):
    parts = list(images.held_out.parts(1))
    assert [np.array_equal(part[0], noise(n)) for part, n in zip(parts, (15, 31), strict=True)]
    assert np.array_equal(images.train.first(2), np.stack([noise(0), noise(1)]))
    assert sum(len(part) for part in images.train.parts(16)) == len(images.train)


def test_processes_share_squares(images):
    """Each has every third of the first ones; of two squares one has none."""
    shares = [list(images.train.parts(4, 10, rank, 3)) for rank in range(3)]
    whole = images.train.first(10)
    assert [sum(map(len, share)) for share in shares] == [4, 3, 3]
    assert all(np.array_equal(np.concatenate(s), whole[n::3]) for n, s in enumerate(shares))
    assert list(images.held_out.parts(4, 2, 2, 3)) == []


def test_the_key_alone_says_what_is_held_out():
    keys = np.array([name_of(n) for n in range(64)], "S24")
    assert np.flatnonzero(held_out(keys)).tolist() == [15, 31, 47, 63]
