import pytest

from pipelines.text.tagging.forms import normal_form, treebank_form


@pytest.mark.parametrize(
    ("word", "form"),
    [("(", "-LRB-"), ("]", "-RRB-"), ('"', "''"), ("\u2014", "--"), ("\u2019s", "'s"), ("a", "a")],
)
def test_treebank_form(word, form):
    assert treebank_form(word) == form


@pytest.mark.parametrize(
    ("form", "normal"),
    [
        ("Dog", "dog"),
        ("black-and-white", "!HYPHEN"),
        ("-LRB-", "-lrb-"),
        ("1984", "!YEAR"),
        ("19845", "!DIGITS"),
        ("3rd", "!DIGITS"),
        ("-", "-"),
    ],
)
def test_normal_form(form, normal):
    assert normal_form(form) == normal
