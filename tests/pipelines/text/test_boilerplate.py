import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.boilerplate import (
    crop,
    crop_column,
    dated_fraction,
    dated_fractions,
    drop_phrase,
    file_name_fraction,
    file_name_fractions,
    num_drop_phrases,
    phrases,
)


@pytest.mark.parametrize(
    ("text", "cropped"),
    [
        ("Click to enlarge: A dog on the beach", "A dog on the beach"),
        ("click to enlarge picture - image of a dog", "a dog"),
        ("A dog on the beach (click to enlarge)", "A dog on the beach"),
        (
            "Side view of an aircraft with landing gear down - Stock Image",
            "Side view of an aircraft with landing gear down",
        ),
        ("A dog, Stock Photo | Getty Images", "A dog"),
        ("Image of a cat", "a cat"),
        ("Photo of a cat", "Photo of a cat"),
        ("imagery of a cat", "imagery of a cat"),
        ("a rolling stockphoto", "a rolling stockphoto"),
        ("stock photo", "stock photo"),
        ("İmage of a cat stock photo", "İmage of a cat"),
        ("", ""),
    ],
)
def test_crop(text, cropped):
    assert crop(text) == cropped


@given(st.lists(st.sampled_from(["a dog", "stock photo", "image of", "-", "İ", "x", ":"])))
def test_crop_is_idempotent_and_never_empties(parts):
    text = " ".join(parts)
    assert crop(crop(text)) == crop(text)
    assert bool(crop(text)) == bool(text)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Embedded image permalink", "embedded image permalink"),
        ("my cat Embedded image permalink", "embedded image permalink"),
        ("Profile photo of Jim", "profile photo"),
        ("the profile photos", ""),
        ("a dog in profile photo frame", ""),
    ],
)
def test_drop_phrase(text, phrase):
    assert drop_phrase(text) == phrase


@pytest.mark.parametrize(
    "text",
    [
        "photographed on 12 May 2009",
        "Photographed on May 12, 2009",
        "photographed on the 4th of July",
        "Photo taken on Saturday, 12th of May, 2009 at 10:32 am",
        "picture taken 2001-01-19 10:19",
        "taken in 2009",
        "Uploaded 5.12.09",
        "photographed on 3 Sept. 1998",
        "2009:05:12 10:11:12",
        "12/05/2009",
        "May 2009",
        "2009 May 12",
    ],
)
def test_dates_are_all_of_it(text):
    assert dated_fraction(text) == 1.0


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("a house from 1890 by the river", 0.0),
        ("image 12 of 20", 0.0),
        ("march 5 men through the town", 0.0),
        ("may 12 people come in", 0.0),
        ("Lake at dusk, May 2009", 8 / 22),
        ("", 0.0),
    ],
)
def test_dates_inside_of_captions(text, fraction):
    assert dated_fraction(text) == pytest.approx(fraction)


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("IMG_2031.jpg", 1.0),
        ("DSC00123", 1.0),
        ("P1010023.JPG", 1.0),
        ("christmas_tree-300x200.jpg", 1.0),
        ("https://example.com/a", 1.0),
        ("0123456789abcdef0123", 1.0),
        ("a dog (IMG_2031.jpg)", 1 / 3),
        ("a 3 d dog and 12 cats", 0.0),
        ("Mr. Smith and/or his dog", 0.0),
        ("", 0.0),
    ],
)
def test_file_names(text, fraction):
    assert file_name_fraction(text) == pytest.approx(fraction)


@pytest.mark.parametrize(
    "text", ["photo " * 1600, "1-1-" * 2500, "." * 10_000, "may 1 " * 1600, "a.jpg." * 1600]
)
@pytest.mark.timeout(5)
def test_patterns_stay_linear_on_hostile_text(text):
    assert 0.0 <= dated_fraction(text.strip()) <= 1.0
    assert 0.0 <= file_name_fraction(text) <= 1.0


def test_phrases_are_lower_case_and_of_one_kind_each():
    kinds = [set(phrases(kind)) for kind in ("crop-prefix", "crop-suffix", "drop")]
    assert all(phrase == phrase.lower().strip() for kind in kinds for phrase in kind)
    assert not kinds[2] & (kinds[0] | kinds[1])
    assert "stock photo" in kinds[1]


# fmt: off
PIECES = st.sampled_from([
    "photo", "taken", "was", "is", "on", "of", "12", "5th", "2009", "'09", "2009-05-12", "1", "st",
    "May", "sept", "-", "/", ".", " ", "_", "\u0663", "\u0131", "\u0130mage", "\u212a", "\u017f",
    "IMG", "p", "jpg", "www.", "http://", "abcdef01", "stock", "profile", "image of",
    "no image available",
])
# fmt: on
TEXTS = st.lists(st.lists(PIECES, max_size=8).map("".join) | st.lists(PIECES).map(" ".join))


@given(TEXTS)
def test_columns_are_as_each_of_their_texts(texts):
    # What the search in Arrow passes over measures nothing, and is cropped of nothing.
    column = pa.array(texts, pa.string())
    assert crop_column(column).to_pylist() == [crop(text) for text in texts]
    assert num_drop_phrases(column).tolist() == [bool(drop_phrase(text)) for text in texts]
    assert dated_fractions(column).tolist() == [dated_fraction(text) for text in texts]
    assert file_name_fractions(column).tolist() == [file_name_fraction(text) for text in texts]
