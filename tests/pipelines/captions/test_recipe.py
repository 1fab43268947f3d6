import pytest

from dalle_model.errors import DalleError
from pipelines.captions.recipe import (
    MAX_BYTES,
    known_recipes,
    load_funnel,
    load_recipe,
    read_source,
    rule_lines,
    rule_names,
)

ENTRY = "{value: 3, source: chosen for the test}"


@pytest.fixture
def write(tmp_path):
    def write_recipe(text):
        path = tmp_path / "own.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write_recipe


@pytest.mark.parametrize("name", known_recipes())
def test_every_entry_has_its_line(name):
    recipe, lines = load_recipe(name), rule_lines(name)
    text = read_source(name).decode().splitlines()
    for entry_name in recipe.settings | recipe.rules:
        assert text[lines[entry_name] - 1].strip() == f"{entry_name}:"


def test_order_of_the_file_is_order_of_the_funnel(write):
    path = write(f"about: x\nrules:\n  shouting: {ENTRY}\n  too_few_words: {ENTRY}\n")
    assert [rule.name for rule, _ in load_funnel(path, {}).steps] == ["shouting", "too_few_words"]


def test_overrides_replace_add_and_remove():
    funnel = load_funnel(
        "dalle", {"too_few_words": 2, "title_case": 0.9, "shouting": None, "language": "de"}
    )
    limits = {rule.name: limit for rule, limit in funnel.steps}
    assert limits["too_few_words"] == 2
    assert list(limits)[-1] == "title_case"
    assert "shouting" not in limits
    assert funnel.reading.speech.language == "de"
    assert funnel.reading.speech.min_probability == limits["wrong_language"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"too_few_word": 3}, "did you mean 'too_few_words'"),
        ({"too_few_words": "three"}, "must be a number, not 'three'"),
    ],
)
def test_wrong_overrides(overrides, message):
    with pytest.raises(DalleError, match=message):
        load_funnel("dalle", overrides)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"about: x\nrules:\n  shoutin: {ENTRY}\n", r"own\.yaml:3: .*did you mean 'shouting'"),
        (f"about: x\nrules:\n  shouting: &a {ENTRY}\n  title_case: *a\n", "line 4: no aliases"),
        (f"about: x\nrules:\n  shouting: {ENTRY}\n  shouting: {ENTRY}\n", "line 4: 'shouting'"),
        ("about: x\nrules:\n  shouting: {value: 1}\n", r"own\.yaml:3: rules.shouting.source"),
        ("about: x\nrules:\n  shouting: {value: [1], source: chosen ok}\n", "rules.shouting"),
        (f"about: x\nsettings:\n  tongue: {ENTRY}\nrules: {{}}\n", "there is no 'tongue'"),
        ("about: [x\nrules:", "own.yaml"),
        ("", "a recipe is a mapping"),
        (b"about: \xff\xfe", "own.yaml"),
        ("about: !!python/object/apply:os.system [ls]\nrules: {}", "constructor"),
        ("about: x\nrules: {[1, 2]: 3}", "plain name"),
        ("[" * 5000, "recursion"),
        ("#" * (MAX_BYTES + 1), "more than"),
    ],
)
def test_a_wrong_recipe_is_one_clear_error(write, text, message):
    with pytest.raises(DalleError, match=message):
        load_funnel(write(text), {})


def test_unknown_and_missing_recipes(tmp_path):
    with pytest.raises(DalleError, match=r"did you mean 'dalle'.*Known: .*conceptual_captions"):
        load_recipe("dale")
    with pytest.raises(DalleError, match="cannot be read"):
        load_recipe(str(tmp_path / "none.yaml"))


def test_unquoted_truth_is_a_number(write):
    path = write("about: x\nrules:\n  first_word_lower_case: {value: true, source: chosen here}\n")
    assert [limit for _, limit in load_funnel(path, {}).steps] == [1.0]
    assert "first_word_lower_case" in rule_names()
