import pytest

from pipelines.captions.language import Speech
from pipelines.captions.recipe import rule_names
from pipelines.captions.single import RAW_LENGTH, RULES, Caption, language_rule


@pytest.mark.parametrize(
    ("name", "raw", "limit", "measured", "passed"),
    [
        ("too_few_letters", "12 34 &amp;", 3, 0, False),
        ("too_few_letters", "dog", 3, 3, True),
        ("file_name", "IMG_2031.jpg", 0.5, 1, False),
        ("file_name", "IMG_2031.jpg dog", 0.5, 0.5, True),
        ("boilerplate", "Embedded image permalink", 0, 1, False),
        ("boilerplate", "an embedded stone", 0, 0, True),
        ("boilerplate_date", "photographed on 12 May 2009", 0.5, 1, False),
        ("boilerplate_date", "a dog", 0.5, 0, True),
        ("too_few_words", "two words", 3, 2, False),
        ("too_few_words", "a - child's well-worn &amp; shoe", 3, 4, True),
        ("too_few_words", "一个带绿叶的红苹果", 3, 9, True),
        ("too_few_words", "click to enlarge: two words", 3, 2, False),
        ("too_many_words", "one two three", 2, 3, False),
        ("too_many_words", "one two", 2, 2, True),
        ("too_many_chars", "abcdef", 5, 6, False),
        ("too_many_chars", "  abc  d ", 5, 5, True),
        ("shouting", "SALE NOW on", 0.7, 7 / 9, False),
        ("shouting", "USA map icon", 0.7, 0.3, True),
        ("shouting", "123", 0.7, 0, True),
        ("title_case", "Man Riding A Horse", 0.7, 1, False),
        ("title_case", "A man riding a horse", 0.7, 0.2, True),
        ("first_word_lower_case", "a dog", 1, 0, False),
        ("first_word_lower_case", '"A dog" by me', 1, 1, True),
        ("first_word_lower_case", "犬 in Japan", 1, 1, True),
        ("first_word_lower_case", "Image of a dog", 1, 1, True),
        ("few_unique_words", "dog Dog dog cat", 0.6, 0.5, False),
        ("few_unique_words", "a dog", 0.5, 1, True),
        ("repetitive", "Dog dog DOG", 0.34, 2 / 3, False),
        ("repetitive", "pen, pen symbol", 0.34, 1 / 3, True),
        ("repetitive", "a cat on a mat and a dog on a rug", 0, 0, True),
        ("wrong_language", "ein Hund und eine Katze auf dem Sofa", 0.1, 0, False),
        ("wrong_language", "blue heart", 0.1, None, True),
    ],
)
def test_every_rule_on_both_sides(name, raw, limit, measured, passed):
    check = RULES[name].check(Caption.read(raw), limit)
    assert (check.reason, check.passed) == (name, passed)
    assert check.measured == pytest.approx(measured)
    assert check.threshold == limit


def test_details_say_what_was_found():
    german = Caption.read("ein Hund und eine Katze auf dem Sofa")
    assert RULES["wrong_language"].check(german, 0.1).detail == "de"
    assert language_rule(Speech("de")).check(german, 0.1).passed
    avatar = Caption.read("User avatar, Jim")
    assert RULES["boilerplate"].check(avatar, 0).detail == "user avatar"


def test_paper_example_stays_below_the_title_case_limit():
    # Sharma et al. 2018, table 1: kept by the authors' filter, full of names.
    raw = (
        "Harrison Ford and Calista Flockhart attend the premiere of 'Hollywood Homicide' at the "
        "29th American Film Festival September 5, 2003 in Deauville, France."
    )
    assert RULES["title_case"].check(Caption.read(raw), 0.7).measured == pytest.approx(12 / 23)


def test_names_are_stable_codes():
    assert all(rule.name == name for name, rule in RULES.items())
    assert all(name.islower() and name.replace("_", "").isalpha() for name in rule_names())
    assert RAW_LENGTH not in RULES
