"""The bundled recipes: published numbers, sources, order, and what they drop."""

import re

import pyarrow as pa
import pytest

from pipelines.captions.batch import Batch
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus.registry import RULES as CORPUS_RULES
from pipelines.captions.funnel import apply_rules
from pipelines.captions.recipe import SECTIONS, Recipe, known_recipes, load_funnel, load_recipe
from pipelines.captions.rules import tags
from pipelines.captions.rules.registry import RULES
from pipelines.captions.settings import Settings
from pipelines.captions.shard import check_caption
from pipelines.rejection import first_failure
from pipelines.text.entities.rewriting import REWRITING_STEPS
from pipelines.text.normalise.registry import NORMALISING_STEPS

# Section, name -> value as published. A limit is the last value that passes: "more than 10" is 10,
# "5 or less" is a floor of 6, "count > 100" is a floor of 101.
PUBLISHED: dict[str, dict[tuple[str, str], object]] = {
    # Sharma et al. 2018, section 3; the repetition is that of Changpinyo et al. 2021.
    "conceptual_captions": {
        ("rules", "rare_word"): 5,
        ("rules", "first_word_lower_case"): 1,
        ("rules", "repetitive"): 0.2,
        ("rules", "no_determiner"): 1,
        ("rules", "no_noun"): 1,
        ("rules", "no_preposition"): 1,
        ("data", "rare_types"): 101,
    },
    # Changpinyo et al. 2021, section 2.1.
    "cc12m": {
        ("rules", "too_few_words"): 3,
        ("rules", "too_many_words"): 256,
        ("rules", "repetitive"): 0.2,
        ("rules", "rare_word"): 20,
        ("rules", "no_determiner"): 1,
        ("rules", "no_noun"): 1,
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
        ("rules", "no_noun"): 1,
        ("data", "text_of_many_images"): 10,
    },
    # Ramesh et al. 2021, section 2.3, gives no number but the language.
    "dalle": {("settings", "language"): "en"},
    # LAION-AI/laion.ai, blog/laion-400-open-dataset.md.
    "laion": {("rules", "too_few_chars"): 5},
    # Of nobody: it keeps what its user trusts.
    "none": {("settings", "crop_boilerplate"): False},
}

TAGGED = {rule.name for rule in tags.RULES}

# What the papers do without: a rule that strays into a recipe is a mistake too.
ABSENT = {
    "cc12m": {"first_word_lower_case", "title_case", "no_preposition", "noun_ratio", "hypernyms"},
    "align": {"profanity", "rare_word", "polarity", *TAGGED},
    "coyo": {"rare_word", "polarity", "no_determiner", "no_preposition"},
    "dalle": TAGGED,
    "laion": {"wrong_language", "profanity", "too_few_words", *TAGGED},
    "none": {*RULES, *CORPUS_RULES},
}

RED = "A red dog and a red cat sit with a bird on a red mat in the sun"
SAYS_WHERE = re.compile(r"et al\. 20\d\d|kakaobrain/coyo-dataset|LAION-AI/laion\.ai|chosen:? ")

# From the cheapest up, by CPU time a caption; all other rules but the tagged ones are cheaper.
DEAR = ("profanity", "rare_word", "polarity", "wrong_language")


def entries(recipe: Recipe) -> dict[tuple[str, str], tuple[object, str]]:
    return {
        (section, name): (getattr(entry, "value", None), entry.source)
        for section in SECTIONS
        for name, entry in (getattr(recipe, section) or {}).items()
    }


def cost(rule: str) -> int:
    if rule in TAGGED:
        return len(DEAR) + 1
    return DEAR.index(rule) + 1 if rule in DEAR else 0


def test_every_recipe_is_compared_with_its_paper():
    assert known_recipes() == sorted(PUBLISHED)


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_published_numbers(recipe):
    written = {place: value for place, (value, _) in entries(load_recipe(recipe)).items()}
    assert {place: written.get(place) for place in PUBLISHED[recipe]} == PUBLISHED[recipe]
    assert not ABSENT.get(recipe, set()) & {name for _, name in written}


@pytest.mark.parametrize("recipe", known_recipes())
def test_every_entry_says_where_it_is_from(recipe):
    for place, (_, source) in entries(load_recipe(recipe)).items():
        assert SAYS_WHERE.search(source), place


@pytest.mark.parametrize("recipe", [name for name in known_recipes() if name != "none"])
def test_the_funnel_begins_with_the_bound_and_ends_with_what_is_dear(recipe):
    names = list(load_recipe(recipe).rules)
    assert names[0] == "too_long_raw"
    assert names == sorted(names, key=cost)


@pytest.mark.parametrize(
    ("recipe", "caption", "reason"),
    [
        ("none", "", None),
        ("none", "&amp; Hund  - Stock Photo\n", None),
        ("conceptual_captions", "A brown dog runs over the grass in the park", None),
        ("conceptual_captions", "a brown dog runs over the grass", "first_word_lower_case"),
        ("conceptual_captions", "Man Riding A Horse Over The Hills", "title_case"),
        ("conceptual_captions", "A dog in the park, dog, dog, dog", "repetitive"),
        ("conceptual_captions", "A grumflet runs over the grass", "rare_word"),
        ("conceptual_captions", "The worst and most horrible ugly dog of the year", "profanity"),
        ("conceptual_captions", "The worst and most horrible disaster of the year", "polarity"),
        ("conceptual_captions", "Embedded image permalink", "boilerplate"),
        ("conceptual_captions", "IMG_2031.jpg", "file_name"),
        ("conceptual_captions", "Dogs run over grass in parks", "no_determiner"),
        ("conceptual_captions", "The dog and a cat run", "no_preposition"),
        ("conceptual_captions", RED, "few_unique_content_words"),
        ("cc12m", "a brown dog runs over the grass", None),
        ("cc12m", "the dog and a cat run", None),
        ("cc12m", "dogs run over grass", "no_determiner"),
        ("cc12m", "it is the very very best", "no_noun"),
        ("cc12m", "Man Riding A Horse Over The Hills", None),
        ("cc12m", "brown dog", "too_few_words"),
        ("cc12m", "a grumflet on the grass", "rare_word"),
        ("cc12m", "the dog the dog the dog", "repetitive"),
        ("align", "IMG 2031 jpg", None),
        ("align", "two words", "too_few_words"),
        ("align", "a " + "very " * 18 + "long caption", "too_many_words"),
        ("align", "Ein Hund und eine Katze auf dem Sofa", "wrong_language"),
        ("coyo", "dogs on grass", None),
        ("coyo", "it is very slow", "no_noun"),
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
    failure = first_failure(check_caption(caption, CaptionsConfig(recipe=recipe)))
    assert (failure and failure.reason) == reason


@pytest.mark.parametrize(
    ("recipe", "raw", "kept"),
    [
        # Sharma et al. 2018, table 1.
        (
            "conceptual_captions",
            "Side view of a British Airways Airbus A319 aircraft on approach to land with landing "
            "gear down - Stock Image",
            "side view of an aircraft on approach to land with landing gear down",
        ),
        (
            "conceptual_captions",
            "Two sculptures by artist Duncan McKellar adorn trees outside the derelict Norwich "
            "Union offices in Bristol, UK - Stock Image",
            "sculptures by person adorn trees outside the derelict offices",
        ),
        (
            "cc12m",
            "Click to enlarge: a photo of Barack Obama &amp; a dog in New York on 12 May 2009",
            "a photo of <PERSON> & a dog in New York on 12 May 2009",
        ),
        ("align", "Stock photo:  a&nbsp;red car", "Stock photo: a red car"),
        ("coyo", "\n   a red  car &amp; a dog\n ", "a red car & a dog"),
        ("dalle", "Click to enlarge: A Red \u201ccar\u201d in town", 'A Red "car" in town'),
        ("laion", "Voiture rouge - Stock Photo", "Voiture rouge - Stock Photo"),
    ],
)
def test_what_a_recipe_keeps(recipe, raw, kept):
    funnel = load_funnel(recipe, {})
    filtered = apply_rules(Batch(pa.array([raw], pa.string()), funnel.spec), funnel)
    assert filtered.texts.to_pylist() == [kept]


def test_an_override_can_mean_one_thing_only():
    sections = (Settings.model_fields, NORMALISING_STEPS, RULES, REWRITING_STEPS, CORPUS_RULES)
    names = [name for section in sections for name in section]
    assert len(names) == len(set(names))
