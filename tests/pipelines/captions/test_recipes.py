"""The recipes that come along: published numbers, sources, order, and what they drop."""

import re

import pytest

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.filter import explain
from pipelines.captions.recipe import SECTIONS, Recipe, known_recipes, load_funnel, load_recipe
from pipelines.rejection import first_failure

# Section, name -> value as published. A limit is the last value that passes: "more than 10" is 10,
# "5 or less" is a floor of 6, "count > 100" is a floor of 101.
PUBLISHED: dict[str, dict[tuple[str, str], object]] = {
    # Sharma et al. 2018, section 3; the repetition is that of Changpinyo et al. 2021.
    "conceptual_captions": {
        ("rules", "rare_word"): 5,
        ("rules", "first_word_lower_case"): 1,
        ("rules", "repetitive"): 0.2,
    },
    # Changpinyo et al. 2021, section 2.1.
    "cc12m": {
        ("rules", "too_few_words"): 3,
        ("rules", "too_many_words"): 256,
        ("rules", "repetitive"): 0.2,
        ("rules", "rare_word"): 20,
    },
    # Jia et al. 2021, section 3.1.
    "align": {
        ("rules", "too_few_words"): 3,
        ("rules", "too_many_words"): 20,
        ("data", "text_of_many_images"): 10,
        ("data", "image_with_many_texts"): 1000,
        ("data", "rare_ngrams"): 100_000_000,
    },
    # kakaobrain/coyo-dataset README, "Text Level".
    "coyo": {
        ("rules", "too_few_chars"): 6,
        ("rules", "too_many_chars"): 1000,
        ("rules", "too_few_words"): 3,
        ("rules", "too_many_words"): 256,
        ("rules", "profanity"): 0,
        ("data", "text_of_many_images"): 10,
    },
    # Ramesh et al. 2021, section 2.3, gives no number but the language.
    "dalle": {("settings", "language"): "en"},
    # LAION-AI/laion.ai, blog/laion-400-open-dataset.md.
    "laion": {("rules", "too_few_chars"): 5},
}

# What the papers do without: a rule that strays into a recipe is a mistake too.
ABSENT = {
    "cc12m": {"first_word_lower_case", "title_case", "shouting", "few_unique_words"},
    "align": {"profanity", "rare_word", "polarity"},
    "laion": {"wrong_language", "profanity", "too_few_words"},
}

SAYS_WHERE = re.compile(r"et al\. 20\d\d|kakaobrain/coyo-dataset|LAION-AI/laion\.ai|chosen:? ")

# From the cheapest to the dearest, in thousands of captions a second (`make bench`).
DEAR = ("profanity", "rare_word", "polarity", "wrong_language")


def entries(recipe: Recipe) -> dict[tuple[str, str], tuple[object, str]]:
    return {
        (section, name): (getattr(entry, "value", None), entry.source)
        for section in SECTIONS
        for name, entry in (getattr(recipe, section) or {}).items()
    }


def test_every_recipe_is_held_against_its_paper():
    assert known_recipes() == sorted(PUBLISHED)


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_published_numbers(recipe):
    written = {place: value for place, (value, _) in entries(load_recipe(recipe)).items()}
    assert {place: written.get(place) for place in PUBLISHED[recipe]} == PUBLISHED[recipe]
    assert not ABSENT.get(recipe, set()) & {name for _, name in written}


@pytest.mark.parametrize("recipe", known_recipes())
def test_every_entry_says_where_it_is_from(recipe):
    for place, (_, source) in entries(load_recipe(recipe)).items():
        says = re.search(
            r"et al\. 20\d\d|kakaobrain/coyo-dataset|LAION-AI/laion\.ai|chosen", source
        )
        assert says, place


@pytest.mark.parametrize("recipe", known_recipes())
def test_the_funnel_begins_with_the_bound_and_ends_with_what_is_dear(recipe):
    names = [rule.name for rule, _ in load_funnel(recipe, {}).steps if rule.name in DEAR]
    assert names == [name for name in DEAR if name in names]
    assert load_funnel(recipe, {}).steps[0][0].name == "too_long_raw"


@pytest.mark.parametrize(
    ("recipe", "caption", "reason"),
    [
        ("conceptual_captions", "A brown dog runs over the grass in the park", None),
        ("conceptual_captions", "a brown dog runs over the grass", "first_word_lower_case"),
        ("conceptual_captions", "Man Riding A Horse Over The Hills", "title_case"),
        ("conceptual_captions", "A dog in the park, dog, dog, dog", "repetitive"),
        ("conceptual_captions", "A grumflet runs over the grass", "rare_word"),
        ("conceptual_captions", "The worst and most horrible ugly dog of the year", "profanity"),
        ("conceptual_captions", "The worst and most horrible disaster of the year", "polarity"),
        ("conceptual_captions", "Embedded image permalink", "boilerplate"),
        ("conceptual_captions", "IMG_2031.jpg", "file_name"),
        ("cc12m", "a brown dog runs over the grass", None),
        ("cc12m", "Man Riding A Horse Over The Hills", None),
        ("cc12m", "brown dog", "too_few_words"),
        ("cc12m", "a grumflet on the grass", "rare_word"),
        ("cc12m", "the dog the dog the dog", "repetitive"),
        ("align", "IMG 2031 jpg", None),
        ("align", "two words", "too_few_words"),
        ("align", "a " + "very " * 18 + "long caption", "too_many_words"),
        ("align", "Ein Hund und eine Katze auf dem Sofa", "wrong_language"),
        ("coyo", "a dog on the grass", None),
        ("coyo", "a dog", "too_few_chars"),
        ("coyo", "a dog " * 170, "too_many_chars"),
        ("coyo", "big dog", "too_few_words"),
        ("coyo", "a damn dog on the grass", "profanity"),
        ("coyo", "Ein Hund und eine Katze auf dem Sofa", "wrong_language"),
        ("dalle", "a brown dog runs", None),
        ("dalle", "brown dog", "too_few_words"),
        ("dalle", "photographed on 12 May 2009", "boilerplate_date"),
        ("dalle", "Ein Hund und eine Katze auf dem Sofa", "wrong_language"),
        ("laion", "Hund und Katze", None),
        ("laion", "\u72ac dog", None),
        ("laion", "dogs", "too_few_chars"),
        ("laion", "a" * 10_001, "too_long_raw"),
    ],
)
def test_what_a_recipe_drops(recipe, caption, reason):
    failure = first_failure(explain(caption, CaptionsConfig(recipe=recipe)))
    assert (failure and failure.reason) == reason
