import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.captions.funnel import Accepted, checks, judge
from pipelines.captions.recipe import load_funnel, load_recipe
from pipelines.rejection import Check, first_failure
from tests.pipelines.captions.test_language import spoken_table

FUNNELS = {name: load_funnel(name, {}) for name in ("dalle", "conceptual_captions")}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("grinning face with smiling eyes", "grinning face with smiling eyes"),
        ("Click to enlarge: a dog on the beach - Stock Photo", "a dog on the beach"),
        ("Tom&#39;s caf&eacute; in the old town", "Tom's café in the old town"),
        ("Lake at dusk between two hills, May 2009", "Lake at dusk between two hills, May 2009"),
    ],
)
def test_dalle_keeps(raw, text):
    assert judge(raw, FUNNELS["dalle"]) == Accepted(text, "en")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "too_few_letters"),
        ("IMG_2031.jpg", "file_name"),
        ("stock photo", "too_few_words"),
        ("photographed on 12 May 2009", "boilerplate_date"),
        ("no image available", "boilerplate"),
        ("SHOCKING DISCOUNTS ON SHOES TODAY", "shouting"),
        ("cheap shoes shoes shoes shoes", "repetitive"),
        ("Ein kleiner Hund läuft durch den Wald", "wrong_language"),
        ("一个带绿叶的红苹果", "wrong_language"),
        ("word " * 300, "too_many_words"),
        ("x" * 20_000, "too_long_raw"),
    ],
)
def test_dalle_drops(raw, reason):
    verdict = judge(raw, FUNNELS["dalle"])
    assert isinstance(verdict, Check)
    assert verdict.reason == reason


def test_conceptual_captions_is_stricter():
    strict = FUNNELS["conceptual_captions"]
    assert isinstance(judge("A dog runs over the grass in the evening", strict), Accepted)
    for raw, reason in [
        ("a dog runs over the grass", "first_word_lower_case"),
        ("Man Riding A Brown Horse At Sunset", "title_case"),
        ("Dog and dog and cat", "few_unique_words"),
    ]:
        verdict = judge(raw, load_funnel("conceptual_captions", {"few_unique_words": 0.7}))
        assert isinstance(verdict, Check)
        assert verdict.reason == reason


def test_floors_of_the_dalle_recipe_on_short_captions():
    kept = [(lang, judge(text, FUNNELS["dalle"])) for lang, text in spoken_table()]
    english = sum(isinstance(v, Accepted) for lang, v in kept if lang == "en")
    others = sum(isinstance(v, Accepted) for lang, v in kept if lang != "en")
    assert english >= 97
    assert english / (english + others) >= 0.97


@pytest.mark.parametrize("name", sorted(FUNNELS))
@given(raw=st.text(max_size=80))
def test_judge_agrees_with_checks_and_never_raises(name, raw):
    failed = first_failure(checks(raw, FUNNELS[name]))
    verdict = judge(raw, FUNNELS[name])
    assert verdict == failed if failed else isinstance(verdict, Accepted)
    assert judge(raw, FUNNELS[name]) == verdict


@pytest.mark.parametrize("name", sorted(FUNNELS))
def test_checks_come_in_the_order_of_the_recipe(name):
    found = [check.reason for check in checks("A dog runs over the grass", FUNNELS[name])]
    assert found == list(load_recipe(name).rules)


def test_too_long_text_ends_the_list():
    assert [c.reason for c in checks("x" * 20_000, FUNNELS["dalle"])] == ["too_long_raw"]


def test_what_is_kept_is_kept_again():
    texts = [text for _, text in spoken_table()]
    random.Random(0).shuffle(texts)
    for text in texts:
        verdict = judge(text, FUNNELS["dalle"])
        if isinstance(verdict, Accepted):
            assert judge(verdict.text, FUNNELS["dalle"]) == verdict
