import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.captions.normalise import clean
from pipelines.captions.normalise.registry import normalise


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
    text = clean.collapse_spaces(clean.unescape_entities(raw))
    full = text
    for step in clean.UNICODE_CHANGES:
        full = step(full)
    assert full == text


def test_text_built_never_to_settle_is_dropped():
    assert normalise("\uff06" + "amp;#xFF06;" * 50) == ""
    assert normalise("&" + "amp;" * 2000) == "&"
