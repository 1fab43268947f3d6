"""Stages as one job: the same files as stage by stage, whatever was there before."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dalle_model import files
from orchestration.beam import execute
from orchestration.engine import one_job
from orchestration.engine.graph import Graph
from orchestration.engine.jobs import current_job
from orchestration.engine.limits import NothingLeftError
from orchestration.engine.one_job import begin, finish_shards, run_as_one_job, timings_of
from orchestration.engine.plan import Run, RunError, plan_stage
from orchestration.engine.run import run_stages
from orchestration.engine.status import run_status
from orchestration.engine.verify import run_checksum, verify_run
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import read_manifest, read_timings
from tests.orchestration.engine.test_run import STAGES, Told, changed, do, manifest_of, run

__all__ = ["run"]  # a fixture

HERE = ("--runner=FnApiRunner",)  # a runner in this process, in place of one elsewhere


@pytest.fixture
def elsewhere(run, monkeypatch) -> Run:
    """A run whose runner is taken for one elsewhere."""
    monkeypatch.setattr("orchestration.engine.run.is_local", lambda options: not options)
    return replace(run, beam_options=HERE)


@pytest.fixture
def expected(run, tmp_path) -> str:
    """The checksum of a run stage by stage."""
    alone = replace(run, root=str(tmp_path / "alone"))
    do(alone)
    return run_checksum(alone.root)


def test_one_job_writes_what_a_job_a_stage_writes(elsewhere, expected):
    said = do(elsewhere)
    assert run_checksum(elsewhere.root) == expected
    assert verify_run(elsewhere.root).num_files == {"captions": 2, "crawl": 2}
    assert [line.split()[0] for line in said.splitlines() if " in " in line] == STAGES
    assert do(elsewhere).count("nothing to do") == 2
    assert current_job(elsewhere.root) is None


def test_one_job_is_submitted_for_all_stages(elsewhere, monkeypatch):
    submitted = []
    submit = execute.submit

    def counted(steps, options):
        submitted.append([step.stage.name for step in steps])
        return submit(steps, options)

    monkeypatch.setattr(one_job, "submit", counted)
    do(elsewhere)
    assert submitted == [STAGES]
    do(changed(elsewhere))
    assert submitted == [STAGES, ["captions"]]


def test_a_job_that_was_ended_writes_nothing_where_it_goes_on(elsewhere, monkeypatch):
    def ended(steps, options):
        files.remove(RunFolder(elsewhere.root).job)  # as `dalle cancel` does
        return execute.submit(steps, options)

    monkeypatch.setattr(one_job, "submit", ended)
    with pytest.raises(Exception, match=r"this job was ended.* nothing more of crawl"):
        do(elsewhere)
    assert not list(Path(elsewhere.root).rglob("*.parquet"))


def test_a_job_goes_on_where_another_was_interrupted(elsewhere, expected):
    do(elsewhere)
    folder = RunFolder(elsewhere.root, 2).stage("captions")
    graph = Graph.of(elsewhere.config)
    stage = graph.stage("captions")
    assert stage is not None
    files.remove(folder.manifest)
    task = begin(elsewhere, "captions")
    assert task.pending == (0, 1)  # markers go with the manifest of a finished stage
    plan = plan_stage(elsewhere, graph, stage)
    run_as_one_job(elsewhere, graph, plan, [stage], Told())
    assert run_checksum(elsewhere.root) == expected


def test_a_result_of_other_settings_is_replaced_when_the_next_is_whole(elsewhere):
    do(elsewhere)
    before = manifest_of(elsewhere, "captions")
    said = do(changed(elsewhere))
    assert re.search(r"^captions +5 in", said, re.MULTILINE)
    after = manifest_of(elsewhere, "captions")
    assert before is not None
    assert after is not None
    assert after.fingerprint != before.fingerprint
    assert not (Path(elsewhere.root) / "captions" / ".next").exists()


def test_a_stage_that_turns_out_to_be_up_to_date_is_left_as_it_is(elsewhere):
    """Crawl is done again and gives equal bytes, so captions has nothing to do."""
    do(elsewhere)
    folder = RunFolder(elsewhere.root, 2)
    made = Path(folder.stage("captions").part(0)).stat().st_mtime_ns
    files.remove(folder.stage("crawl").manifest)
    said = do(elsewhere)
    assert "nothing to do" in said
    assert Path(folder.stage("captions").part(0)).stat().st_mtime_ns == made


def test_more_rejections_than_allowed_fail_the_job_and_are_told(elsewhere):
    captions = elsewhere.config.captions.model_copy(update={"max_reject_rate": 0.1})
    strict = replace(elsewhere, config=elsewhere.config.model_copy(update={"captions": captions}))
    with pytest.raises(Exception, match=r"max_reject_rate 10\.0%"):
        do(strict)
    assert current_job(strict.root) is None
    assert manifest_of(strict, "crawl") is not None
    assert manifest_of(strict, "captions") is None


def test_a_stage_that_leaves_no_row_ends_the_job(elsewhere):
    captions = elsewhere.config.captions.model_copy(update={"overrides": {"too_few_words": 99.0}})
    empty = replace(elsewhere, config=elsewhere.config.model_copy(update={"captions": captions}))
    with pytest.raises(NothingLeftError, match="captions left no row"):
        do(empty)


def test_a_job_that_is_left_goes_on_and_its_record_stays(elsewhere):
    left = replace(elsewhere, is_left=True)
    told = Told()
    assert run_stages(left, STAGES, told) == []
    record = current_job(left.root)
    assert record is not None
    assert record.stages == ("crawl", "captions")
    assert [stage.state for stage in run_status(left.root).stages[:2]] == ["finished", "finished"]
    with pytest.raises(RunError, match="dalle cancel"):
        do(elsewhere)


def test_an_input_that_changes_meanwhile_is_noticed(elsewhere):
    do(elsewhere, ["crawl"])
    task = begin(elsewhere, "captions")
    with pytest.raises(RunError, match="changed meanwhile"):
        finish_shards(changed(elsewhere), task, [])


def test_missing_shards_are_named(elsewhere):
    do(elsewhere, ["crawl"])
    with pytest.raises(RunError, match=r"shards \[0, 1\] are not written"):
        finish_shards(elsewhere, begin(elsewhere, "captions"), [])


def test_a_stage_is_not_begun_before_its_input_is_there(elsewhere):
    with pytest.raises(RunError, match="captions reads crawl"):
        begin(elsewhere, "captions")


def test_seconds_are_those_of_the_workers(elsewhere):
    do(elsewhere)
    timings = read_timings(RunFolder(elsewhere.root).stage("captions"))
    assert timings["workers"] == 1
    assert 0 <= timings["cpu_s"] <= 60
    assert timings["wall_s"] >= 0
    manifest = read_manifest(RunFolder(elsewhere.root).stage("captions"))
    assert manifest is not None
    task = begin(elsewhere, "captions")
    assert timings_of(task, [])["workers"] == 0
