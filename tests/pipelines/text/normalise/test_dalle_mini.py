import pytest

from pipelines.text.normalise.dalle_mini import DALLE_MINI
from pipelines.text.normalise.redcaps import REDCAPS
from pipelines.text.normalise.registry import normaliser

# In the order of the source, which has two steps between that other recipes use as well.
NORMALISING_STEPS = list(DALLE_MINI)
NAMES = [
    *NORMALISING_STEPS[:4],
    "lowercase",
    *NORMALISING_STEPS[4:-1],
    "spaces",
    NORMALISING_STEPS[-1],
]
dalle_mini = normaliser(NAMES)


@pytest.mark.parametrize(
    ("step", "text", "changed"),
    [
        ("unescape_twice", "a &amp;lt; b &copy 2020", "a < b \u00a9 2020"),
        ("demojize", "a \U0001f600\U0001f3fd", "a  :grinning_face: "),
        ("transliterate", "\u041c\u043e\u0441\u043a\u0432\u0430 caf\u00e9", "Moskva cafe"),
        ("person_words", "<person> and <person>, <person> sing", " people  sing"),
        ("drop_references", "[12] a town [a] by night [3]", " a town [a] by night "),
        ("drop_tags", "a <b>red</b> house", "a red house"),
        ("drop_addresses", "see http://a.test/b c", "see  c"),
        ("join_thousands", "1,000,000 of 3,14", "1000000 of 3,14"),
        ("space_signs", "black-and-white 50% 3/4 and/or", "black and white 50 %  3/4 and / or"),
        ("drop_signs", r"a_b#c\d", "a b c d"),
        ("double_quotes", "'a' dog's `` \"b\"", ' " a "  dog\'s  " b " '),
        ("punctuation_to_commas", "u.s. at 3.5 (new)!", "u.s, at 3.5 ,new,,"),
        ("squeeze_repeats", "soooo VIII 1000000 !!!!", "so VIII 1000000 !"),
        ("merge_commas", " , a ,, b , ", "a, b"),
    ],
)
def test_steps(step, text, changed):
    assert DALLE_MINI[step](text) == changed


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (
            "<PERSON> and <PERSON> at the <b>beach</b>, 1,000 grains...",
            "people at the beach, 1000 grains",
        ),
        ("It's a well-worn U.S. coin (1,000 $)!!!", "it's a well worn u.s, coin, 1000 $"),
        ("#DogsOfInstagram my dog &amp;quot;Rex&amp;quot;", 'dogs of instagram my dog " rex "'),
        ("caf\u00e9 \U0001f600 \u2764", "cafe, grinning face, heavy black heart"),
        ("a_file_name\\here", "a file name here"),
    ],
)
def test_whole_captions(text, changed):
    assert dalle_mini(text) == changed


def test_steps_of_both_sources_have_names_of_their_own():
    assert not set(DALLE_MINI) & set(REDCAPS)
