import pytest

from dalle_model.shards import list_shards, read_shards
from orchestration.token_sets.looking import first_rows, list_lines, rows_text, set_info
from tests.support.token_shards import pair_rows, write_token_set

BIG = {"num_codes": 8192, "token_shape": (32, 32)}


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    rows = pair_rows(400, num_codes=8192, size=1024)
    return write_token_set(tmp_path_factory.mktemp("looking") / "a", rows, 3, **BIG)  # type: ignore[arg-type]


def test_a_set_is_described_by_its_footers(url):
    found = set_info(url)
    assert (found.num_rows, found.num_shards) == (400, 3)
    assert found.columns == tuple(read_shards(list_shards(url)).column_names)
    size = found.tokens["image_tokens"]
    assert size.floor == 1024 * 13 / 8 == 1664
    assert 1664 < size.bytes_a_row < 2 * 1664
    text = str(found)
    assert "rows     400 in 3 shards" in text
    assert "to 32 x 32 tokens in raster order, each of 8,192 codes;" in text
    assert "x the 1,664 of 13 bits" in text
    assert "ab" * 32 in text


def test_rows_of_any_shape_have_no_floor(tmp_path):
    rows = [row | {"token_shape": [3, 3]} for row in pair_rows(4)]
    url = write_token_set(tmp_path / "a", rows, token_shape=None, image_shape=None)
    assert set_info(url).tokens["image_tokens"].floor is None
    assert "bits" not in str(set_info(url))


def test_a_set_without_rows_is_described_too(tmp_path):
    assert "rows     0 in 2 shards" in str(set_info(write_token_set(tmp_path / "a", [])))


def test_shards_are_listed_with_rows_and_bytes(url):
    lines = list_lines(url)
    assert [line.url for line in lines] == list_shards(url)
    assert sum(line.rows for line in lines) == 400
    assert str(lines[0]).split()[1] == "rows"
    assert str(lines[0]).endswith(lines[0].url)


@pytest.mark.parametrize("number", [1, 150, 9999])
def test_the_first_rows_are_those_of_the_first_shards(url, number):
    assert first_rows(url, number).equals(read_shards(list_shards(url)).slice(0, number))


def test_rows_are_paragraphs(url):
    table = first_rows(url, 2)
    text = rows_text(table)
    first = table.to_pylist()[0]
    assert text.splitlines()[0] == f"{first['key']}  {first['caption']}"
    assert text.count("\n") == 5
    assert " … 1,024 codes" in text
    assert "24 x 24 px, crop [0, 0, 24, 24]" in text
