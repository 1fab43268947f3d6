"""What is measured of whole sets, of whatever shape their tokens have."""

import numpy as np
import pytest

from dalle_model.shard_sets.statistics import set_statistics
from dalle_model.shard_sets.token_set import open_set
from dalle_model.shards import ShardError
from tests.support.token_shards import pair_rows, token_row, write_token_set


def measured(url):
    return set_statistics(open_set(str(url)), "image_tokens")


def test_shards_add_up_to_the_set(tmp_path):
    steps = []
    url = write_token_set(tmp_path / "a", pair_rows(300), 3)
    found = set_statistics(open_set(url), "image_tokens", lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert sum(one.codes.rows for one in found.shards) == found.codes.rows == 300
    (book,) = found.codes.books
    assert (book.used, book.num_codes) == (16, 16)
    assert 3.9 < book.entropy <= 4
    assert found.position_entropy is not None
    assert found.position_entropy.shape == (3, 3)
    assert (found.position_groups, found.codes.constant) == (16, 0)
    assert found.no_drift == "300 images are too few, 1,024 are needed"
    assert not found.alarms


def test_constant_images_and_copies_are_found_across_shards(tmp_path):
    rows = pair_rows(200, num_codes=1 << 16)
    for row in rows[:5]:
        row["image_tokens"] = [7] * 9
    rows[9]["image_tokens"] = rows[10]["image_tokens"]
    other_caption = dict(rows[20], key=rows[20]["key"][:24] + "0" * 16, caption="again")
    other_view = dict(rows[21], view=1)
    url = write_token_set(tmp_path / "a", [*rows, other_caption, other_view], num_codes=1 << 16)
    codes = measured(url).codes
    assert (codes.rows, codes.constant) == (202, 5)
    assert (codes.copies.images, codes.copies.largest, codes.copies.share) == (4 + 1, 5, 1)


def test_a_shard_of_other_images_is_an_alarm(tmp_path):
    rows = pair_rows(4000)
    url = write_token_set(tmp_path / "a", rows, 4)
    assert measured(url).no_drift == ""
    assert not measured(url).alarms
    for row in rows:
        if int(row["key"][:16], 16) % 4 == 2:
            row["image_tokens"] = [code // 2 for code in row["image_tokens"]]
    found = measured(write_token_set(tmp_path / "b", rows, 4))
    assert [one.url for one in found.alarms] == [found.shards[2].url]


def test_codes_of_several_books_and_very_many_codes(tmp_path):
    rows = pair_rows(50, num_codes=1 << 18, size=18)
    for row in rows:
        row["image_tokens"][1::2] = [3] * 9
    url = write_token_set(tmp_path / "a", rows, num_codes=1 << 18, codebooks=2)
    found = measured(url)
    assert [book.used for book in found.codes.books][1] == 1
    assert found.codes.books[0].used > 400
    assert found.codes.constant == 0
    assert found.position_groups == 1 << 18
    assert found.position_entropy is not None
    assert found.position_entropy.max() <= np.log2(50) + 1e-9


def test_rows_of_shapes_of_their_own_have_no_map(tmp_path):
    rows = [token_row(f"{n:040x}", "x", [n] * 6) | {"token_shape": [2, 3]} for n in range(5)]
    rows += [token_row("f" * 40, "x", [1, 2]) | {"token_shape": [1, 2]}]
    url = write_token_set(tmp_path / "a", rows, token_shape=None, image_shape=None)
    found = measured(url)
    assert (found.codes.rows, found.codes.constant) == (6, 5)
    assert found.position_entropy is None


def test_no_rows_are_no_error(tmp_path):
    found = measured(write_token_set(tmp_path / "a", []))
    assert (found.codes.rows, found.codes.books[0].used, found.codes.copies.images) == (0, 0, 0)
    assert found.position_entropy is None
    assert found.no_drift == "there is no other shard to compare with"


def test_a_shard_that_is_gone_is_an_error(tmp_path):
    found = open_set(write_token_set(tmp_path / "a", pair_rows(20), 2))
    (tmp_path / "a" / "part-00001-of-00002.parquet").unlink()
    with pytest.raises(ShardError, match="is missing"):
        set_statistics(found, "image_tokens")
