import pytest

from pipelines.label_overlap.lemmas import base_forms


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("Dogs", "dog"), ("boxes", "box"), ("buses", "bus"), ("churches", "church"),
        ("women", "woman"), ("puppies", "puppy"), ("horses", "horse"), ("leaves", "leaf"),
        ("knives", "knife"), ("children", "child"), ("running", "run"), ("riding", "ride"),
        ("falling", "fall"), ("parked", "park"), ("baked", "bake"), ("glasses", "glass"),
    ],
)  # fmt: skip
def test_a_form_leads_to_its_word(word, form):
    assert form in base_forms(word)
    assert word.casefold() in base_forms(word)


@pytest.mark.parametrize("word", ["bed", "sing", "bus", "red", "grass", "ring"])
def test_short_words_keep_more_than_two_letters(word):
    assert min(map(len, base_forms(word))) >= 3
