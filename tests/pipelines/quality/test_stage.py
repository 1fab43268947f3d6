import pytest

from orchestration.engine.config_file import check_config
from orchestration.engine.graph import Graph
from pipelines.io.task import BatchedResult
from pipelines.quality.config import QualityConfig
from pipelines.quality.stage import STAGE
from pipelines.rejection import Check
from pipelines.stage import Job, Score, ShardWork
from tests.support.image_rows import row, write_images
from tests.support.results import whole
from tests.support.tasks import stage_task


def config(**sections):
    return QualityConfig.model_validate(sections)


def test_it_runs_where_the_config_has_its_section():
    sources = {"crawl": {"sources": [{"path": "pages.warc.gz"}]}}
    names = [s.name for s in Graph.of(check_config(sources, "", str)).stages]
    assert "quality" not in names
    asked = check_config(sources | {"quality": {"plain": {}}}, "", str)
    names = [s.name for s in Graph.of(asked).stages]
    assert names.index("images") < names.index("quality") < names.index("encode")


def test_a_limit_is_a_setting_that_decides_the_result():
    assert STAGE.settings(config(nsfw={"max": 0.3}))["nsfw"] == {"max": 0.3}


def test_rules_are_applied_again_to_the_columns_of_a_row(tmp_path):
    task, section = stage_task(tmp_path, "quality"), config(nsfw={"max": 0.3}, faces={})
    kept = {"key": "a", "nsfw": 0.2, "faces": 2, "face_area": 0.1}
    assert STAGE.checks(task, kept, section) == [Check("nsfw", True, 0.2, 0.3)]
    assert STAGE.checks(task, {"key": "a", "reason": "nsfw"}, section) == []


def test_a_section_without_a_scorer_is_noticed():
    assert STAGE.notices(config(plain={})) == []
    (notice,) = STAGE.notices(config())
    assert "keeps every row" in notice
    assert "`nsfw: {}`" in notice


def test_the_report_is_told_every_number_with_its_limit():
    asked = config(plain={"min_side": 200}, nsfw={"max": None}, faces={"max": 4, "blur": True})
    told = {score.column: score for score in STAGE.scores(asked)}
    assert set(told) == {
        *("short_side", "aspect", "stored_bytes", "blankness", "entropy"),
        *("nsfw", "faces", "face_area"),
    }
    assert told["short_side"] == Score("short_side", "small_side", lowest=200)
    assert told["faces"] == Score("faces", "faces", highest=4)
    assert told["nsfw"] == Score("nsfw", "nsfw")


def test_costs_are_those_of_the_scorers_asked_for():
    assert STAGE.cost is not None
    assert STAGE.cost_of is not None
    chosen = (config(plain={}), config(plain={}, text={}))
    plain, both = (STAGE.cost_of(one, {}).cpu_s for one in chosen)
    assert 0 < plain < both
    assert STAGE.cost_of(config(), {}).cpu_s == pytest.approx(STAGE.cost.cpu_s)


@pytest.mark.parametrize(("side", "warns"), [(64, True), (256, False), (None, False)])
def test_images_that_are_stored_too_small_for_a_scorer_are_a_warning(tmp_path, side, warns):
    task = write_images(tmp_path, [row(1)], "demo")
    job = Job(task, config(plain={}, faces={}), facts={} if side is None else {"image_side": side})
    assert isinstance(STAGE.work, ShardWork)
    result = STAGE.work.process(job, 0)
    assert isinstance(result, BatchedResult)
    assert ["at 64 px, at which `faces` see" in w for w in whole(result).warnings] == [True] * warns
