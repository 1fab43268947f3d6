import pytest

from orchestration.token_sets import comparing
from orchestration.token_sets.comparing import compare_sets
from tests.support.token_shards import pair_rows, write_token_set


@pytest.fixture(autouse=True, params=[32 << 20, 400], ids=["in one range", "in many ranges"])
def range_bytes(request, monkeypatch) -> None:
    monkeypatch.setattr(comparing, "_RANGE_BYTES", request.param)


def test_equal_rows_are_the_same_in_any_shards(tmp_path):
    one = write_token_set(tmp_path / "a", pair_rows(100), 2)
    other = write_token_set(tmp_path / "b", pair_rows(100), 5)
    found = compare_sets(one, other)
    assert found.is_same
    assert (found.both, found.codes) == (100, 900)
    assert str(found) == "same     100 rows"


def test_rows_codes_and_crops_that_differ_are_counted_and_named(tmp_path):
    rows = sorted(pair_rows(40), key=lambda row: row["key"])
    changed = [dict(row) for row in rows[1:]]
    codes = changed[3]["image_tokens"]
    changed[3]["image_tokens"] = [codes[0] ^ 1, codes[1] ^ 1, *codes[2:]]
    changed[7]["image_tokens"] = [
        *changed[7]["image_tokens"][:8],
        15 - changed[7]["image_tokens"][8],
    ]
    changed[9]["crop"] = [1, 0, 24, 24]
    one = write_token_set(tmp_path / "a", rows[:-2], 2)
    other = write_token_set(tmp_path / "b", changed, 3)
    found = compare_sets(one, other)
    assert not found.is_same
    assert (found.both, found.only) == (37, (1, 2))
    assert found.only_shown == ([rows[0]["key"]], [rows[-2]["key"], rows[-1]["key"]])
    assert (found.rows_differ, found.codes_differ, found.codes) == (2, 3, 37 * 9)
    assert found.differ_shown == [changed[3]["key"], changed[7]["key"]]
    assert found.crops_differ == 1
    text = str(found)
    assert f"only     1 rows of {one}, such as {rows[0]['key']}" in text
    assert "codes    3 of 333 differ, in 2 rows, such as" in text
    assert "crops    differ in 1 rows" in text


def test_codes_of_other_codecs_are_not_compared(tmp_path):
    one = write_token_set(tmp_path / "a", pair_rows(20))
    other = write_token_set(tmp_path / "b", pair_rows(20, 1), codec_sha256="cd" * 32, num_codes=64)
    found = compare_sets(one, other)
    assert not found.is_same
    assert (found.both, found.rows_differ, found.codes) == (20, 0, 0)
    assert "codes    not compared: codec_sha256, num_codes differ" in str(found)


def test_rows_of_shapes_of_their_own_are_compared(tmp_path):
    shapes = {"token_shape": None, "image_shape": None}
    rows = [row | {"token_shape": [3, 3]} for row in pair_rows(6)]
    other = [dict(row) for row in rows]
    other[2] |= {"image_tokens": [0, 1], "token_shape": [1, 2]}
    other[4]["image_tokens"] = [code ^ 1 for code in other[4]["image_tokens"]]
    found = compare_sets(
        write_token_set(tmp_path / "a", rows, **shapes),  # type: ignore[arg-type]
        write_token_set(tmp_path / "b", other, **shapes),  # type: ignore[arg-type]
    )
    assert (found.rows_differ, found.codes_differ) == (2, 18)
