import numpy as np

from pipelines.text.tagging.tagged import PTB_TAGS, TAG_NUMBERS, Tagged
from pipelines.text.tokens import Tokens


def tagged() -> Tagged:
    words = [["a", "dog"], [], ["Dogs", "bark", "!"]]
    tags = ("DT", "NN", "NNS", "VBP", ".")
    numbers = np.array([TAG_NUMBERS[tag] for tag in tags], np.uint8)
    return Tagged(Tokens.of_lists(words), numbers)


def test_tags_are_numbered_once():
    assert len(PTB_TAGS) == len(TAG_NUMBERS) == 52
    assert all(PTB_TAGS[number] == tag for tag, number in TAG_NUMBERS.items())


def test_pairs():
    assert tagged().pairs() == [
        [("a", "DT"), ("dog", "NN")],
        [],
        [("Dogs", "NNS"), ("bark", "VBP"), ("!", ".")],
    ]


def test_take():
    taken = tagged().take(np.array([False, True, True]))
    assert len(taken) == 2
    assert taken.pairs() == tagged().pairs()[1:]


def test_has():
    assert tagged().has(("NN", "NNS")).tolist() == [False, True, True, False, False]
