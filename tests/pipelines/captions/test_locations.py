from pathlib import Path

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.locations import limit_locations
from pipelines.captions.recipe import recipe_url

RULE = "too_few_words"


def test_a_limit_of_a_recipe_of_ours_is_not_taken_for_a_line_of_a_config():
    where, line = limit_locations(CaptionsConfig(recipe="dalle"))[RULE].split(":")
    assert where == "recipes/dalle.yaml"
    assert RULE in Path(recipe_url("dalle")).read_text().splitlines()[int(line) - 1]


def test_a_limit_of_a_recipe_of_ones_own_and_an_override_say_where_they_are(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_bytes(Path(recipe_url("dalle")).read_bytes())
    found = limit_locations(CaptionsConfig(recipe=str(own), overrides={RULE: 2}))
    assert found["too_many_words"].startswith("own.yaml:")
    assert found[RULE] == "captions.overrides"
