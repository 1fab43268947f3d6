import pytest

from pipelines.crawl.sources import Source
from pipelines.crawl.tables.columns import (
    ColumnError,
    Columns,
    header_in,
    locate,
    locate_unnamed,
    pick,
    text_of,
    texts_of,
)

LAION = ["SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "LICENSE", "NSFW", "similarity"]
COYO = ["id", "url", "text", "width", "height", "image_phash", "text_length"]
U = "https://site.test/a.jpg"


def _source(**settings) -> Source:
    return Source(path="t", **settings)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (LAION, Columns(1, 2, license=5)),
        ([name.lower() for name in LAION], Columns(1, 2, license=5)),
        (COYO, Columns(1, 2)),
        (["caption", "image_url"], Columns(1, 0)),
        (["img_url", "title", "page_url"], Columns(0, 1, page_url=2)),
        ([" Url ", "ALT"], Columns(0, 1)),
    ],
)
def test_usual_names(header, columns):
    assert locate(header, _source(), "t") == columns


@pytest.mark.parametrize(
    ("header", "settings", "message"),
    [
        (["url", "image_url", "text"], {}, "'url' and 'image_url' could each be meant.*url_column"),
        (["url", "caption", "TEXT"], {}, "'caption' and 'TEXT' could.*set `caption_column`"),
        (["url", "words"], {}, "no column 'caption/.*columns are url, words"),
        (["link", "text"], {}, "no column 'url/image_url/img_url'"),
        (["url", "capton"], {"caption_column": "caption"}, "did you mean 'capton'"),
        (["url", "text"], {"license_column": "licence"}, "`license_column`"),
        (["url", "text"], {"url_column": 2}, "no column '2'"),
        (["url", "a", "A"], {"caption_column": "a"}, "'a' and 'A'"),
    ],
)
def test_an_ambiguous_or_missing_column_is_an_error_that_names_the_columns(
    header, settings, message
):
    with pytest.raises(ColumnError, match=message):
        locate(header, _source(**settings), "t.csv")


def test_settings_decide_between_columns():
    header = ["url", "caption", "TEXT"]
    assert locate(header, _source(caption_column="text"), "t").caption == 2
    assert locate(header, _source(caption_column=1), "t").caption == 1


def test_a_table_needs_no_captions_where_none_are_asked_for():
    assert locate(["url", "words"], _source(), "t", needs_captions=False) == Columns(0, None)
    with pytest.raises(ColumnError, match="did you mean 'words'"):
        locate(["url", "words"], _source(caption_column="word"), "t", needs_captions=False)
    alone = locate_unnamed([[U], [U]], _source(), "t", needs_captions=False)
    assert alone == Columns(0, None)
    assert locate_unnamed([[U, "x"]], _source(), "t", needs_captions=False) == Columns(0, 1)


def test_a_table_of_images_needs_no_url():
    assert locate(["image", "text"], _source(), "t", image=0) == Columns(None, 1, image=0)


@pytest.mark.parametrize(
    ("rows", "settings", "columns"),
    [
        ([["a barn", U]], {}, Columns(1, 0)),
        ([[U, "a barn"]], {}, Columns(0, 1)),
        ([["see http://x", U], [U, "hm"], ["c", U]], {}, Columns(1, 0)),
        ([["a", "b"]], {}, Columns(1, 0)),
        ([], {}, Columns(1, 0)),
        ([["x", U, "a barn"]], {"caption_column": 2}, Columns(1, 2)),
        ([["x", "y"]], {"url_column": 0}, Columns(0, 1)),
    ],
)
def test_without_a_header_content_tells(rows, settings, columns):
    assert locate_unnamed(rows, _source(**settings), "t") == columns


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        ([[U, "a barn", U]], {}, "the columns 0 and 2 could each be meant; set `url_column`"),
        ([["x", U, "a barn"]], {}, "the columns 0 and 2 could each be meant; set `caption_column`"),
        ([["x", U]], {"caption_column": "text"}, "no names; set `caption_column` to a number"),
    ],
)
def test_without_a_header_and_without_a_hint(rows, settings, message):
    with pytest.raises(ColumnError, match=message):
        locate_unnamed(rows, _source(**settings), "t")


@pytest.mark.parametrize(
    ("rows", "settings", "number"),
    [
        ([["url", "caption"], [U, "a"]], {}, 0),
        ([["Photos of 2024"], ["a", "URL "], ["b", U]], {}, 1),
        ([["sep="], ["link", "text"], [U, "a"]], {"url_column": "Link"}, 1),
        ([["a", "b"], [U, "c"]], {"url_column": "link"}, 0),
        ([["a", "b"], [U, "c"]], {"has_header": True}, 0),
        ([["url", "caption"]], {"has_header": False}, None),
        ([["a", U]], {}, None),
        ([["a", U]], {"url_column": 1}, None),
        ([], {"url_column": "link"}, None),
    ],
)
def test_which_row_is_the_header(rows, settings, number):
    assert header_in(rows, _source(**settings)) == number


def test_half_a_surrogate_pair_is_no_text():
    with pytest.raises(UnicodeError, match="half of a surrogate pair"):
        texts_of("a\ud83d b")
    assert texts_of("a\ud83d\ude00") == texts_of("a\U0001f600") == ["a\U0001f600"]


def test_values_of_json():
    assert pick({"Caption": "a", "text": "b"}, None, ("caption", "text")) == "a"
    assert pick({"words": "a", "text": "b"}, "Words", ("caption", "text")) == "a"
    assert pick({}, None, ("caption",)) is None
    assert [texts_of(v) for v in (None, [], "a", ["a", None, "b"], 3, [None])] == [
        [""], [""], ["a"], ["a", "b"], ["3"], [""],
    ]  # fmt: skip


def test_texts_as_parquet_and_pandas_have_them():
    assert texts_of(b"a barn \xc3\xa9") == texts_of(b"a barn \xe9") == ["a barn \xe9"]
    with pytest.raises(UnicodeError, match="not valid UTF-8"):
        texts_of(b"a barn \xc3\xa9 \xff")
    assert texts_of([b"a", "b"]) == ["a", "b"]
    assert texts_of(float("nan")) == [""]


@pytest.mark.parametrize("value", [{"en": "a"}, [["a"]], [("key", "a")], ["a", {"raw": "b"}]])
def test_what_holds_no_text_is_none(value):
    with pytest.raises(ValueError, match="structs or nested lists"):
        texts_of(value)
    assert text_of(value) == ""
