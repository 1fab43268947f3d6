import pyarrow as pa
import pytest

from dalle_model.errors import DalleError
from pipelines.captions.batch import Batch
from pipelines.captions.config import CaptionsConfig, counted_from, dependencies
from pipelines.captions.funnel import apply_rules, batch_of
from pipelines.captions.recipe import (
    MAX_BYTES,
    entry_sources,
    known_names,
    known_recipes,
    load_funnel,
    load_recipe,
    read_source,
    rule_lines,
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
    assert funnel.spec.speech.language == "de"
    assert funnel.spec.speech.min_probability == limits["wrong_language"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"too_few_word": 3}, "did you mean 'too_few_words'"),
        ({"transformed_too_few_word": 3}, "did you mean 'transformed_too_few_words'"),
        ({"judged_letters": "many"}, "judged_letters: .*number"),
        ({"transformed_too_few_words": 3}, "no step in `transform` is left"),
        ({"too_few_words": "three"}, "must be a number, not 'three'"),
        ({"too_few_words": float("nan")}, "must be a number, not nan"),
    ],
)
def test_wrong_overrides(overrides, message):
    with pytest.raises(DalleError, match=message):
        load_funnel("dalle", overrides)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"about: x\nrules:\n  shoutin: {ENTRY}\n", r"own\.yaml:3: .*did you mean 'shouting'"),
        (
            f"about: x\nrules:\n  shouting: &a {ENTRY}\n  title_case: *a\n",
            r"line 4: aliases \(`\*a`\) are not allowed",
        ),
        (f"about: x\nrules:\n  shouting: {ENTRY}\n  shouting: {ENTRY}\n", "line 4: `shouting`"),
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


SECTIONS = f"""about: x
normalise:
  spaces: {{source: chosen for the test}}
  lowercase: {{source: chosen for the test}}
rules:
  shouting: {ENTRY}
  too_long_raw: {ENTRY}
transform:
  drop_numbers: {{source: chosen for the test}}
  tidy: {{source: chosen for the test}}
transformed:
  too_few_words: {ENTRY}
data:
  text_of_many_images: {ENTRY}
  image_with_many_texts: {ENTRY}
"""


def names(funnel):
    return [rule.name for rule, _ in funnel.steps], [
        rule.name for rule, _ in funnel.rewritten_steps
    ]


def test_every_section_has_its_place_in_the_funnel(write):
    funnel = load_funnel(write(SECTIONS), {})
    # The longest texts go before anything is read; an image's texts are counted in its shard.
    assert names(funnel) == (
        ["too_long_raw", "shouting", "image_with_many_texts"],
        ["transformed_too_few_words"],
    )
    assert funnel.data == {"text_of_many_images": 3}
    assert funnel.spec.normalise(pa.array([" A  DOG &amp; "])).to_pylist() == ["a dog &amp;"]
    assert rule_lines(write(SECTIONS))["transformed_too_few_words"] == 12


def test_overrides_reach_every_section(write):
    funnel = load_funnel(
        write(SECTIONS),
        {
            "lowercase": None,
            "entities": True,
            "transformed_too_few_words": None,
            "transformed_shouting": 1,
            "drop_numbers": None,
            "image_with_many_texts": None,
            "rare_types": 100,
        },
    )
    assert names(funnel) == (["too_long_raw", "shouting"], ["transformed_shouting"])
    assert funnel.data == {"text_of_many_images": 3, "rare_types": 100}
    assert funnel.spec.normalise(pa.array([" A  DOG &amp; "])).to_pylist() == ["A DOG &"]


def test_a_name_means_one_thing_in_overrides():
    names = known_names()
    known = [name for section in names for name in names[section] if section != "transformed"]
    assert len(set(known)) == len(known)
    assert not any(name.startswith("transformed_") for name in known)


def test_cropping_is_a_choice():
    raw = pa.array(["a dog - Stock Photo"])
    assert load_funnel("dalle", {}).spec.crop(raw).to_pylist() == ["a dog"]
    for no in (False, 0.0):
        funnel = load_funnel("dalle", {"crop_boilerplate": no})
        assert funnel.spec.crop(raw).to_pylist() == raw.to_pylist()


@pytest.mark.parametrize("off", [None, False])
def test_a_step_is_left_out_by_an_override(off):
    done = load_funnel("conceptual_captions", {"lower_case": off, "rare_types": None})
    batch = batch_of("A dog on the beach of Paris", done)
    assert apply_rules(batch, done).texts.to_pylist() == ["A dog on the beach of a city"]


def test_paths_are_relative_to_the_file_that_names_them(tmp_path):
    recipe = "about: x\nsettings:\n  graph: {value: own.tsv, source: chosen here}\nrules: {}\n"
    recipe += "transform:\n  hypernyms: {source: chosen for the test}\n"
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/own.yaml").write_text(recipe)
    (tmp_path / "recipes/own.tsv").write_text("Xanadu\tcity\n")
    (tmp_path / "swear.txt").write_text("frob\n")
    written = CaptionsConfig(
        recipe="recipes/own.yaml", overrides={"profanity": 0, "profanities": "swear.txt"}
    )
    config = counted_from(str(tmp_path), written)
    funnel = load_funnel(config.recipe, config.overrides)
    texts = ["a dog in Xanadu", "a frob in Xanadu"]
    filtered = apply_rules(Batch(pa.array(texts), funnel.spec), funnel)
    assert filtered.texts.to_pylist() == ["a dog in a city"]
    assert dependencies(config).keys() >= {"graph", "profanities"}
    (tmp_path / "recipes/own.tsv").write_text("Xanadu city\n")
    with pytest.raises(DalleError, match=r"own\.tsv:1: expected an entity, one tab and a type"):
        dependencies(config)


def test_a_changed_file_is_read_again(write):
    path = write(f"about: x\nrules:\n  shouting: {ENTRY}\n")
    assert names(load_funnel(path, {}))[0] == ["shouting"]
    write(f"about: x\nrules:\n  title_case: {ENTRY}\n")
    assert names(load_funnel(path, {}))[0] == ["title_case"]


def test_a_rule_in_two_sections_has_two_sources():
    sources = entry_sources("conceptual_captions")
    assert sources["too_few_words"].startswith("chosen: a determiner")
    assert sources["transformed_too_few_words"].startswith("chosen: Sharma et al. 2018 drop")
    assert sources.keys() == rule_lines("conceptual_captions").keys()
