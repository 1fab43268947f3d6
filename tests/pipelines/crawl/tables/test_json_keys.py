import pytest

from pipelines.crawl.sources import Source
from pipelines.crawl.tables.columns import ColumnError, Columns
from pipelines.crawl.tables.json_keys import Keys, object_in
from pipelines.crawl.tables.rows import Damage

PLAIN = [{"url": "u", "caption": "c"}] * 3


def _keys(first, others=(), **settings):
    return Keys(Source(path="t", **settings), "t.jsonl", first, lambda: iter(others))


def _detail(cells):
    assert isinstance(cells, Damage)
    return cells.detail


def test_a_row_without_a_caption_where_none_is_needed():
    first = [{"url": "u", "id": 1}]
    keys = Keys(Source(path="t"), "t.jsonl", first, lambda: iter(first), needs_captions=False)
    assert keys.cells({"url": "u", "id": 1}) == (["u", 1], Columns(0, None))
    assert keys.cells({"caption": "c", "url": "u"}) == (["c", "u"], Columns(1, 0))


def test_keys_in_any_order_and_case_and_late_ones():
    keys = _keys(PLAIN)
    assert keys.cells({"caption": "c", "url": "u"}) == (["c", "u"], Columns(1, 0))
    assert keys.cells({"URL": "u", "id": 1, "Text": "c"}) == (["u", 1, "c"], Columns(0, 2))
    late = {"url": "u", "license": "CC0", "caption": "c", "page_url": "p"}
    assert keys.cells(late) == (list(late.values()), Columns(0, 2, 3, 1))


def test_a_row_that_lacks_a_key_says_so():
    keys = _keys(PLAIN)
    assert _detail(keys.cells({"caption": "c", "id": 1})) == (
        "no key 'url/image_url/img_url'; its keys are 'caption', 'id'"
    )
    assert _detail(keys.cells({"url": "u"})).startswith("no key 'caption/")
    assert _detail(keys.cells({})).endswith("its keys are none")
    assert _detail(_keys(PLAIN, url_column="url").cells({"img_url": "u", "caption": "c"})) == (
        "no key 'url'; its keys are 'img_url', 'caption'"
    )


@pytest.mark.parametrize(
    ("settings", "late"),
    [({}, {"image_url": "u"}), ({"url_column": "Link"}, {"link": "u"})],
)
def test_a_key_that_no_first_object_has_is_looked_for_further_on(settings, late):
    others = [{"caption": "c"}, {"caption": "c", **late}]
    keys = _keys(others[:1], others, **settings)
    assert keys.cells(others[1]) == (["c", "u"], Columns(1, 0))
    with pytest.raises(ColumnError, match=r"t\.jsonl has no column .*its columns are caption"):
        _keys(others[:1], others[:1], **settings)


def test_a_license_that_is_asked_for_may_come_late():
    late = {"url": "u", "caption": "c", "rights": "CC0"}
    keys = _keys(PLAIN, [late], license_column="rights")
    assert keys.cells(late) == (["u", "c", "CC0"], Columns(0, 1, license=2))
    assert keys.cells(PLAIN[0]) == (["u", "c"], Columns(0, 1))
    with pytest.raises(ColumnError, match="set `license_column`"):
        _keys(PLAIN, PLAIN, license_column="rights")


def test_two_keys_in_most_objects_are_an_error_and_in_a_few_the_usual_one_is_read():
    both = {"url": "u", "caption": "c", "text": "t"}
    with pytest.raises(ColumnError, match="'caption' and 'text' could each be meant"):
        _keys([both, both, PLAIN[0]])
    assert _keys([*PLAIN, both]).cells(both) == (["u", "c", "t"], Columns(0, 1))
    assert _keys([both], caption_column="text").cells(both) == (["u", "c", "t"], Columns(0, 2))


def test_two_keys_of_which_none_is_the_usual_one():
    row = {"url": "u", "alt": "a", "text": "t"}
    assert _detail(_keys(PLAIN).cells(row)) == (
        "the keys 'alt' and 'text' could each be meant; set `caption_column`"
    )
    twice = {"url": "u", "caption": "c", "Caption": "d"}
    assert "'caption' and 'Caption'" in _detail(_keys(PLAIN).cells(twice))


def test_keys_by_number_are_those_of_the_first_objects():
    row = {"a": "c", "b": "u"}
    keys = _keys([row], url_column=1, caption_column=0)
    assert keys.cells({"b": "u", "a": "c"}) == (["u", "c"], Columns(0, 1))
    with pytest.raises(ColumnError, match="no column '2'"):
        _keys([row], url_column=2, caption_column=0)


def test_sets_of_keys_without_end():
    keys = _keys(PLAIN)
    for number in range(3000):
        assert keys.cells({"url": "u", str(number): 0, "caption": "c"}) == (
            ["u", 0, "c"], Columns(0, 2),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "detail"),
    [("{", "not a line of JSON"), ("[" * 100_000, "not a line of JSON"), ("[1]", "not an object")],
)
def test_lines_that_are_no_objects(line, detail):
    assert _detail(object_in(line)).startswith(detail)
