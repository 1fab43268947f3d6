"""Recipes compared on one crawl: the runs, their funnels, and what the report shows of them."""

from dataclasses import replace

import pytest

from orchestration.api import explain
from orchestration.engine.comparison import compare, compared
from orchestration.engine.config import ConfigError, config_class
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run
from orchestration.engine.progress import Quiet
from orchestration.engine.run import run_stages
from orchestration.report.page import render
from orchestration.report.views import report_view
from pipelines.captions.assembly import RecipeError
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.views import RuleFunnel

TEXTS = {
    "1": "A brown dog runs over the green grass",
    "2": "A brown dog runs over the green grass",
    "3": "Two words",
    "4": "A red <b>ball</b> on the wooden table",
    "5": "dog " * 30,
}
RECIPE = """\
about: One rule.
rules:
  too_few_words: {{value: {words}, source: "chosen: for this test"}}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("recipes")
    rows = "".join(f"https://a.test/{n}.png\t{text}\n" for n, text in TEXTS.items())
    (folder / "texts.tsv").write_text("url\tcaption\n" + rows)
    config = config_class().model_validate(
        {
            "num_shards": 1,
            "crawl": {"sources": [{"path": str(folder / "texts.tsv")}]},
            "captions": {"overrides": {"text_of_many_images": 1}},
        }
    )
    run = Run(config, str(folder / "run"))
    compare(run, ["dalle", "laion"], Quiet())
    return run


def compared_of(run: Run) -> dict[str, str]:
    return compared(Graph.of(run.config), run.folder)


def captions_of(root: str) -> Manifest | None:
    return read_manifest(RunFolder(root).stage("captions"))


def funnels(root: str) -> list[RuleFunnel]:
    return report_view(root).funnels


def test_each_recipe_is_a_run_of_its_own(run):
    places = compared_of(run)
    assert list(places) == ["dalle", "laion"]
    for name, place in places.items():
        manifest = captions_of(place)
        assert manifest is not None
        assert manifest.config["recipe"] == name
        assert manifest.rows_in == len(TEXTS) == manifest.rows_out + sum(manifest.rejected.values())
        told = str(explain("https://a.test/1.png", place)).splitlines()
        [line] = [line for line in told if "text_of_many_images" in line]
        assert line.split()[:6] == [
            "FAIL",
            "text_of_many_images",
            "measured",
            "2",
            "threshold",
            "1",
        ]
        assert line.split(maxsplit=7)[6:] == ["captions.overrides", TEXTS["1"]]


def test_the_rows_of_a_funnel_add_up(run):
    for funnel in funnels(run.root):
        left = funnel.rows_in
        for row in funnel.rules:
            assert row.rows_in == left
            left -= row.dropped
            assert len(row.dropped_samples) >= (row.dropped > 0)
        assert left == funnel.rows_out


def test_samples_lie_on_their_side_of_the_limit(run):
    dalle = funnels(run.root)[0]
    words = next(row for row in dalle.rules if row.name == "too_few_words")
    assert words.dropped_samples == [("Two words", 2.0)]
    assert min(measured or 0 for _, measured in words.kept_samples) >= words.limit
    assert words.source.startswith("chosen")
    shared = next(row for row in dalle.rules if row.name == "text_of_many_images")
    assert (shared.section, shared.dropped, shared.source) == ("data", 2, "captions.overrides")


def test_the_report_shows_captions_as_text(run):
    html = render(report_view(run.root))
    assert "A red &lt;b&gt;ball&lt;/b&gt; on the wooden table" in html
    assert "<b>ball" not in html


def test_a_second_comparison_does_nothing(run):
    before = {name: captions_of(place) for name, place in compared_of(run).items()}
    compare(run, ["dalle", "laion"], Quiet())
    after = {name: captions_of(place) for name, place in compared_of(run).items()}
    assert after == before


def test_a_recipe_that_has_changed_since_has_no_funnel(run, tmp_path):
    recipe = tmp_path / "own.yaml"
    recipe.write_text(RECIPE.format(words=3))
    captions = run.config.captions.model_copy(update={"recipe": str(recipe), "overrides": {}})
    config = run.config.model_copy(update={"captions": captions})
    own = replace(run, config=config, root=str(tmp_path / "run"))
    run_stages(own, ["crawl", "captions"], Quiet())
    assert [funnel.rows_out for funnel in funnels(own.root)] == [4]
    recipe.write_text(RECIPE.format(words=4))
    assert funnels(own.root) == []
    assert "has changed since captions ran, or is gone" in render(report_view(own.root))
    recipe.unlink()
    assert "has changed since captions ran, or is gone" in render(report_view(own.root))


def test_two_recipes_of_one_name_are_refused(run):
    with pytest.raises(ConfigError, match="two recipes are called 'dalle'"):
        compare(run, ["dalle", "elsewhere/dalle.yaml"], Quiet())


def test_an_unknown_recipe_is_told_before_the_first_row(run, tmp_path):
    with pytest.raises(RecipeError, match="did you mean 'align'"):
        compare(replace(run, root=str(tmp_path / "run")), ["dalle", "alig"], Quiet())
    assert not (tmp_path / "run").exists()
