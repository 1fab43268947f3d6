from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.entities.words import END, merge, read, touches, write
from pipelines.text.tagging.tokenise import tokenise


def _read(text: str):
    return read(text, [(word, "NN") for word in tokenise([text]).lists()[0]])


@given(st.text(max_size=80))
def test_a_caption_is_written_as_it_was_read(text: str) -> None:
    normal = " ".join(text.split())
    assert write(_read(normal)) == normal


def test_places_and_end() -> None:
    words = _read("a cat's tail.")
    assert [(word.text, word.start, word.end, word.is_spaced) for word in words] == [
        ("a", 0, 1, False),
        ("cat", 2, 5, True),
        ("'s", 5, 7, False),
        ("tail", 8, 12, True),
        (".", 12, 13, False),
        ("", 13, 13, False),
    ]
    assert words[-1].tag == END


def test_a_word_that_the_tagger_respelled_is_kept() -> None:
    assert write(read('say "no"', [("say", "VB"), ("``", "``"), ("no", "UH")])) == "say `` no"


def test_merged_words_keep_their_position() -> None:
    text = "in New York City"
    words = _read(text)
    merged = merge(text, words[1:4], "city")
    assert (merged.text, merged.start, merged.end, merged.kind) == ("New York City", 3, 16, "city")
    assert merged.is_spaced


def test_words_touch_unless_one_between_them_is_gone() -> None:
    words = _read("a red car")
    assert touches(words[0], words[1])
    assert not touches(words[0], words[2])
