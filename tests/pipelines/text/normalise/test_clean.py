import sys

import pyarrow as pa
import pytest
from ftfy.badness import is_bad
from ftfy.fixes import fix_character_width, fix_latin_ligatures, uncurl_quotes
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.folding import collapse_spaces
from pipelines.text.normalise import clean
from pipelines.text.normalise.registry import normaliser

normalise = normaliser(clean.CLEAN)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a dog on the grass", "a dog on the grass"),
        ("  a\tdog\r\n on  the\u00a0grass ", "a dog on the grass"),
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom &amp;amp;amp; Jerry", "Tom & Jerry"),
        ("caf&eacute; &#8212; &#x1F436;", "café — \U0001f436"),
        ("R&regions &copy2020", "R&regions &copy2020"),
        ("cafÃ© au lait", "café au lait"),
        ("a child\u2019s \u201cred\u201d ball", 'a child\'s "red" ball'),
        ("e\u0301clair", "éclair"),
        ("a\u200bdog\u202e in\ufeff town\x07", "adog in town"),
        ("\ufb01sh \uff21\uff22", "fish AB"),
        ("8 m² and ½ a loaf", "8 m² and ½ a loaf"),
        ("a \ud83d dog", "a dog"),
        ("", ""),
    ],
)
def test_worked_examples(raw, clean):
    assert normalise(raw) == clean


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=60))
def test_idempotent_and_one_clean_line(raw):
    clean = normalise(raw)
    assert normalise(clean) == clean
    assert clean == " ".join(clean.split())
    clean.encode()  # no lone surrogate is left, so that Arrow can hold it


@given(st.text(alphabet="&ampltgt;#xA0 \uff06é", max_size=40))
def test_idempotent_on_nested_entities(raw):
    assert normalise(normalise(raw)) == normalise(raw)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_the_way_out_for_plain_text_changes_no_result(raw):
    text = collapse_spaces(clean.unescape_entities(raw))
    full = text
    for step in clean.UNICODE_CHANGES:
        full = step(full)
    assert full == text


def test_text_built_never_to_settle_is_dropped():
    assert normalise("\uff06" + "amp;#xFF06;" * 50) == ""
    assert normalise("&" + "amp;" * 2000) == "&"


CALM = "\u2013\u2014\u2018\u2019\u201c\u201d\u2026" + "".join(
    chr(code) for code in range(0xC0, 0x100) if code not in (0xC2, 0xC3, 0xD7, 0xF7)
)
ASCII = "".join(map(chr, range(32, 127)))


@pytest.mark.parametrize("letter", CALM)
def test_what_is_taken_for_no_mojibake_is_none_for_ftfy(letter):
    between = "".join(f"{one}{letter}{other}{letter}" for one in ASCII for other in ASCII)
    mixed = "".join(f"{letter}{one}{other}{one}" for one in ASCII for other in CALM)
    for text in (between, mixed, letter, f"a{letter}", f"{letter}a"):
        assert clean._SUSPECT.search(text) is None
        assert not is_bad(text)


def test_every_letter_that_ftfy_replaces_is_looked_for():
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        replaced = fix_character_width(fix_latin_ligatures(uncurl_quotes(letter)))
        assert clean.plain_letters(letter) == replaced


def test_every_space_is_looked_for():
    step = clean.CLEAN["spaces"]
    for code in range(sys.maxunicode + 1):
        text = f"a{chr(code)}b"
        assert step(text) == collapse_spaces(text)


@given(st.lists(st.text(alphabet="&amp;#38 \u00e9\u00c3\u00a9\u2019\uff06\u3000\tx", max_size=12)))
def test_a_column_is_normalised_like_each_of_its_texts(raw):
    column = normalise.column(pa.array(raw, pa.string()))
    assert column.to_pylist() == [normalise(text) for text in raw]


def test_what_never_settles_is_dropped_from_a_column_too():
    endless = "\uff06" + "amp;#xFF06;" * 50
    column = normalise.column(pa.array(["a  dog", endless, "\u00e9"]))
    assert column.to_pylist() == ["a dog", "", "\u00e9"]
