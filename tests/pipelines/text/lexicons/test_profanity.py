import pytest

from pipelines.text.lexicons.profanity import load_phrases, phrases_of, phrases_version

MADE_UP = phrases_of(["Frumple", "blort", "", "snick snack", "bl0rt!", " zig-zag "])


@pytest.mark.parametrize(
    ("word", "held"),
    [
        ("blort", True),
        ("blort's", True),
        ("blort-free", True),
        ("half-blort", True),
        ("blorts", False),
        ("frumple", True),
        ("zig", False),
        ("dog", False),
    ],
)
def test_single_words(word, held):
    assert MADE_UP.contains(word) == held


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a Snick Snack here", ["Snick Snack"]),
        ("a snick snacker", []),
        ("bl0rt! he said", ["bl0rt!"]),
        ("(zig-zag)", ["zig-zag"]),
        ("a blort dog", ["blort"]),
    ],
)
def test_what_is_found_is_named(text, found):
    assert MADE_UP.found(text, text.lower().split()) == found


def test_lists_of_one_word_entries_need_no_search():
    assert phrases_of(["blort"]).others == ""
    assert phrases_of(["blort"]).num_others("snick snack") == 0


def test_the_list_of_the_package_is_read_where_it_lies():
    listed = load_phrases("better-profanity")
    assert len(listed.words) > 800
    assert listed.contains("damn")
    assert not any(map(listed.contains, ["a", "brown", "dog", "runs", "over", "the", "grass"]))
    assert phrases_version("better-profanity") == "better-profanity 0.7.0"


def test_a_list_of_ones_own(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("Frumple\n")
    assert load_phrases(str(path)).contains("frumple")
    assert len(phrases_version(str(path))) == 64
