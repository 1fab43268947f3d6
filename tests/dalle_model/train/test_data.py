from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dalle_model.data.reader import Text
from dalle_model.settings import PairChoice
from dalle_model.shards import ShardError, image_of
from dalle_model.train.data import (
    Survey,
    TrainingDataError,
    TrainingRows,
    caption_numbers,
    choose_rows,
    in_order,
    open_rows,
    survey,
)
from tests.support.priors import tiny_tokenizer
from tests.support.token_shards import token_row, write_numbered_shards, write_token_shard


def key(image: int, caption: int) -> str:
    return f"{image:024x}{caption:016x}"


KEYS = [key(1, 1), key(1, 2), key(2, 1), key(3, 1), key(4, 1)]
CAPTIONS = ["a cat", "one cat", "A Cat", "a dog", "a cow"]


def chosen(keys: list[str], captions: list[str], choice: PairChoice) -> list[int]:
    return choose_rows(np.array(keys, "S40"), caption_numbers(captions), choice).tolist()


@pytest.mark.parametrize(
    ("choice", "rows"),
    [
        (PairChoice(), [0, 1, 2, 3, 4]),
        (PairChoice(max_images=2), [0, 1, 2]),
        (PairChoice(max_images=0), []),
        (PairChoice(captions_per_image=1), [0, 2, 3, 4]),
        (PairChoice(captions_per_image=0), []),
        (PairChoice(max_images=3, captions_per_image=1), [0, 2, 3]),
        (PairChoice(has_distinct_captions=True), [0, 1, 3, 4]),
        (PairChoice(max_images=2, has_distinct_captions=True), [0, 1, 3]),
    ],
)
def test_choice(choice: PairChoice, rows: list[int]) -> None:
    assert chosen(KEYS, CAPTIONS, choice) == rows


def test_the_order_of_rows_makes_no_difference_to_which_are_chosen() -> None:
    choice = PairChoice(2, 1, has_distinct_captions=True)
    assert chosen(KEYS, CAPTIONS, choice) == [0, 3]
    assert chosen(KEYS[::-1], CAPTIONS[::-1], choice) == [1, 4]


@pytest.mark.parametrize("seed", range(20))
def test_choice_is_that_of_a_loop_over_rows_by_key(seed: int) -> None:
    draw = np.random.default_rng(seed)
    keys = [key(int(i), int(c)) for i, c in draw.integers(0, [9, 4], (40, 2))]
    captions = ["abcdefgABCDEFG"[n] for n in draw.integers(0, 14, 40)]
    images, of_each = (None if n == 5 else int(n) for n in draw.integers(0, 6, 2))
    choice = PairChoice(images, of_each, has_distinct_captions=bool(seed % 2))
    assert chosen(keys, captions, choice) == slowly_chosen(keys, captions, choice)


def slowly_chosen(keys: list[str], captions: list[str], choice: PairChoice) -> list[int]:
    kept: list[int] = []
    keys_of: dict[str, set[str]] = {}
    owner: dict[str, str] = {}
    for row in sorted(range(len(keys)), key=lambda row: (keys[row], row)):
        image, caption = keys[row][:24], captions[row].lower()
        if choice.has_distinct_captions and owner.setdefault(caption, image) != image:
            continue
        if image not in keys_of and len(keys_of) == choice.max_images:
            break
        own_keys = keys_of.setdefault(image, set())
        if keys[row] in own_keys or len(own_keys) != choice.captions_per_image:
            own_keys.add(keys[row])
            kept.append(row)
    return sorted(kept)


def test_views_of_a_kept_row_stay_together() -> None:
    keys = [key(1, 1), key(1, 1), key(1, 2), key(2, 1)]
    choice = PairChoice(captions_per_image=1, has_distinct_captions=True)
    assert chosen(keys, ["a", "a", "b", "c"], choice) == [0, 1, 3]


def columns(rows: TrainingRows) -> dict[str, Any]:
    return rows.source.take(range(len(rows.source)))


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
    pairs = open_rows([shard], PairChoice(max_images=3, captions_per_image=2))
    expected = [(key(n, c), 3 * n + view) for n in (1, 2, 3) for c in (0, 1) for view in (0, 1)]
    read = columns(pairs)
    found = zip(read["key"].to_pylist(), read["image_tokens"][:, 0].tolist(), strict=True)
    assert list(found) == expected
    assert pairs.num_left_out == 24 - 12
    assert pairs.source.metadata.views == ("prior", "prior")


@pytest.mark.parametrize("choice", [PairChoice(), PairChoice(max_images=4, captions_per_image=1)])
def test_which_rows_does_not_depend_on_how_shards_are_cut(
    tmp_path: Path, choice: PairChoice
) -> None:
    rows = [token_row(key(n, 1), f"caption {n}", [n] * 9) for n in range(6)]
    one = write_token_shard(tmp_path / "one" / "part-0.parquet", rows)
    two = [
        write_token_shard(tmp_path / "two" / f"part-{part}.parquet", rows[part::2])
        for part in range(2)
    ]
    whole, split = open_rows([one], choice), open_rows(two, choice)
    keys = [columns(rows)["key"].to_pylist() for rows in (whole, split)]
    assert keys[0] == sorted(keys[1]) == [key(n, 1) for n in range(choice.max_images or 6)]
    assert whole.num_left_out == split.num_left_out == 6 - len(keys[0])
    assert whole.sha256 != split.sha256


def test_another_choice_is_of_other_rows(tmp_path: Path) -> None:
    shards = write_numbered_shards(tmp_path, [9])
    digests = [open_rows(shards, PairChoice(max_images=n)).sha256 for n in (None, 2, 3, 3)]
    assert len(set(digests)) == 3


def test_batches_have_each_chosen_row_once_an_epoch(tmp_path: Path) -> None:
    """Also where most row groups have none."""
    shards = write_numbered_shards(tmp_path, [40, 40], group_rows=2)
    rows = open_rows(shards, PairChoice(max_images=5))
    text = Text(tiny_tokenizer(), 10, 300)
    reader = in_order(rows, text, seed=0)
    batch = reader.read(range(10))
    assert sorted(batch["key"][:5]) == sorted(batch["key"][5:])
    assert sorted(batch["key"][:5]) == sorted(columns(rows)["key"].to_pylist())
    assert batch["text"].shape == (10, 10)
    assert batch["row"].tolist() != in_order(rows, text, 1).read(range(10))["row"].tolist()


def test_survey_counts_images_and_captions_that_are_too_long(tmp_path: Path) -> None:
    rows = [token_row(key(n, c), "long " * n, [0] * 9) for n in range(4) for c in range(2)]
    shards = [
        write_token_shard(tmp_path / "part-0.parquet", rows[:4]),
        write_token_shard(tmp_path / "part-1.parquet", rows[4:]),
    ]
    tokenizer = tiny_tokenizer()
    room = len(tokenizer.encode("long long "))
    assert survey(open_rows(shards, PairChoice()), tokenizer, room + 2) == Survey(4, 2)


def test_shards_of_two_codecs_are_refused(tmp_path: Path) -> None:
    urls = [
        write_token_shard(tmp_path / f"part-{sha}.parquet", [], codec_sha256=sha * 64)
        for sha in "ab"
    ]
    with pytest.raises(ShardError, match=r"codec_sha256 is aaaa.* and bbbb"):
        open_rows(urls, PairChoice())


@pytest.mark.parametrize("choice", [PairChoice(), PairChoice(max_images=3)])
def test_empty_shards_are_refused(tmp_path: Path, choice: PairChoice) -> None:
    url = write_token_shard(tmp_path / "part-0.parquet", [])
    with pytest.raises(TrainingDataError, match="hold no row"):
        open_rows([url], choice)


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
        open_rows([url], PairChoice())


def test_rows_with_shapes_of_their_own_are_refused_with_the_setting_that_mends_it(tmp_path):
    url = write_token_shard(tmp_path / "part.parquet", [], token_shape=None, image_shape=None)
    with pytest.raises(TrainingDataError, match=r"part\.parquet has a shape .*views: \[centre\]"):
        open_rows([url], PairChoice())


def test_what_is_held_out_and_what_is_kept_are_all_rows_and_share_no_image(tmp_path):
    urls = write_numbered_shards(tmp_path / "shards", [300, 200])
    rows = open_rows(urls, PairChoice(held_out=0.2))
    assert rows.held_out is not None
    sources = [rows.source, rows.held_out]
    numbers = [source.numbers for source in sources]
    assert sorted(np.concatenate(numbers)) == list(range(500))
    images = [{image_of(row["key"]) for row in source} for source in sources]
    assert images[0].isdisjoint(images[1])
    assert rows.num_left_out == len(rows.held_out) > 50
    assert open_rows(urls, PairChoice()).held_out is None


def test_rows_are_chosen_by_columns_and_by_how_often_their_source_is_read(tmp_path):
    urls = write_numbered_shards(tmp_path / "shards", [100])
    twice = open_rows(urls, PairChoice(weights={"a": 2.0}))
    assert twice.source.numbers.tolist() == [n for n in range(100) for _ in range(2 - n % 2)]
    assert twice.num_left_out == 0
    only_b = open_rows(urls, PairChoice(where=[("source", "==", "b")]))
    assert only_b.source.numbers.tolist() == list(range(1, 100, 2))
    few = PairChoice(max_images=10, weights={"a": 2.0, "b": 2.0}, held_out=0.5)
    rows = open_rows(urls, few)
    assert rows.held_out is not None
    assert len(rows.source) == 2 * (10 - len(rows.held_out))
    with pytest.raises(TrainingDataError, match="hold no rows"):
        open_rows(urls, PairChoice(where=[("source", "==", "c")]))


def test_nothing_held_out_says_which_setting_to_change(tmp_path):
    urls = write_numbered_shards(tmp_path / "shards", [3])
    with pytest.raises(TrainingDataError, match=r"`prior\.pairs\.held_out` is 1e-06; raise it"):
        open_rows(urls, PairChoice(held_out=1e-6))
