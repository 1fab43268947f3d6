from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dalle_model.settings import PairChoice
from dalle_model.shards import ShardError
from dalle_model.train.data import TrainingDataError, batch_rows, choose_rows, load_pairs
from tests.support.token_shards import token_row, write_token_shard


def key(image: int, caption: int) -> str:
    return f"{image:024x}{caption:016x}"


KEYS = [key(1, 1), key(1, 2), key(2, 1), key(3, 1), key(4, 1)]
CAPTIONS = ["a cat", "one cat", "A Cat", "a dog", "a cow"]


@pytest.mark.parametrize(
    ("choice", "rows"),
    [
        (PairChoice(), [0, 1, 2, 3, 4]),
        (PairChoice(max_images=2), [0, 1, 2]),
        (PairChoice(max_images=0), []),
        (PairChoice(captions_per_image=1), [0, 2, 3, 4]),
        (PairChoice(max_images=3, captions_per_image=1), [0, 2, 3]),
        (PairChoice(has_distinct_captions=True), [0, 1, 3, 4]),
        (PairChoice(max_images=2, has_distinct_captions=True), [0, 1, 3]),
    ],
)
def test_choice(choice: PairChoice, rows: list[int]) -> None:
    assert choose_rows(KEYS, CAPTIONS, choice) == rows


def test_views_of_a_kept_row_stay_together() -> None:
    keys = [key(1, 1), key(1, 1), key(1, 2), key(2, 1)]
    choice = PairChoice(captions_per_image=1, has_distinct_captions=True)
    assert choose_rows(keys, ["a", "a", "b", "c"], choice) == [0, 1, 3]


def test_all_views_of_the_chosen_pairs_are_trained_on(tmp_path: Path) -> None:
    """However many views there are, the choice is of images and of captions."""
    rows = [
        token_row(key(image, caption), f"caption {image} {caption}", [image * 3 + view] * 9)
        | {"view": view}
        for image in range(1, 5)
        for caption in range(3)
        for view in range(2)
    ]
    shard = write_token_shard(tmp_path / "p.parquet", rows, views=("prior", "prior"))
    pairs = load_pairs([shard], PairChoice(max_images=3, captions_per_image=2))
    expected = [(key(n, c), 3 * n + view) for n in (1, 2, 3) for c in (0, 1) for view in (0, 1)]
    found = zip(pairs.keys, pairs.image_tokens[:, 0].tolist(), strict=True)
    assert list(found) == expected
    assert pairs.num_left_out == 24 - 12
    assert pairs.metadata.views == ("prior", "prior")


def test_rows_do_not_depend_on_how_shards_are_cut(tmp_path: Path) -> None:
    rows = [token_row(key(n, 1), f"caption {n}", [n] * 9) for n in range(6)]
    one = write_token_shard(tmp_path / "one" / "part-0.parquet", rows)
    two = [
        write_token_shard(tmp_path / "two" / f"part-{part}.parquet", rows[part::2])
        for part in range(2)
    ]
    whole, split = load_pairs([one], PairChoice()), load_pairs(two, PairChoice())
    assert whole.keys == split.keys == sorted(whole.keys)
    assert whole.captions == split.captions == [f"caption {n}" for n in range(6)]
    np.testing.assert_array_equal(whole.image_tokens, split.image_tokens)
    assert whole.image_tokens.dtype == np.uint16
    assert whole.num_left_out == 0
    assert load_pairs(two, PairChoice(max_images=2)).num_left_out == 4


def test_shards_of_two_codecs_are_refused(tmp_path: Path) -> None:
    urls = [
        write_token_shard(tmp_path / f"part-{sha}.parquet", [], codec_sha256=sha * 64)
        for sha in "ab"
    ]
    with pytest.raises(ShardError, match=r"codec_sha256 is aaaa.* and bbbb"):
        load_pairs(urls, PairChoice())


def test_empty_shards_are_refused(tmp_path: Path) -> None:
    url = write_token_shard(tmp_path / "part-0.parquet", [])
    with pytest.raises(TrainingDataError, match="hold no row"):
        load_pairs([url], PairChoice())


def test_each_epoch_shows_every_row_once_in_another_order() -> None:
    rows = np.concatenate([batch_rows(step, 10, 4, seed=0) for step in range(5)])
    first, second = rows[:10].tolist(), rows[10:].tolist()
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_a_batch_may_be_larger_than_the_training_set() -> None:
    assert set(Counter(batch_rows(0, 3, 9, seed=1).tolist()).values()) == {3}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token_shape": (3, 4)}, "3 x 4 tokens in raster order"),
        ({"token_shape": (9,), "order": "sequence"}, "9 tokens in one sequence"),
        ({"codebooks": 2}, "each 2 of 16 codes"),
    ],
)
def test_tokens_that_are_no_square_grid_of_one_codebook_are_refused(tmp_path, changes, words):
    url = write_token_shard(tmp_path / "part.parquet", [], **changes)
    with pytest.raises(TrainingDataError, match=rf"part\.parquet holds .*{words}"):
        load_pairs([url], PairChoice())


def test_rows_with_shapes_of_their_own_are_refused_with_the_setting_that_mends_it(tmp_path):
    url = write_token_shard(tmp_path / "part.parquet", [], token_shape=None, image_shape=None)
    with pytest.raises(TrainingDataError, match=r"part\.parquet has a shape .*views: \[centre\]"):
        load_pairs([url], PairChoice())
