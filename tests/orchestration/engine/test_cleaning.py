"""Rows are freed where nothing needs them, and come back, the same, where something does."""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dalle_model import files
from orchestration import api
from orchestration.engine.cleaning import FreeingError, free_rows
from orchestration.engine.config import ConfigError
from orchestration.engine.config_file import check_config, load_config
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run, RunError
from orchestration.engine.preview import preview
from orchestration.engine.progress import Quiet
from orchestration.engine.retry import retry_stages
from orchestration.engine.run import run_stages
from orchestration.engine.verify import verify_run
from orchestration.report.views import report_view
from pipelines.io.cleaned import is_freed, read_mark, write_mark
from pipelines.io.parquet import UnreadableShardError
from tests.support.tiny_run import CAPTION, write_tiny_config

STAGES = ["crawl", "captions", "fetch", "images", "dedupe", "encode"]
FREED = ["crawl", "captions", "images", "dedupe"]  # but for the web's and the result

pytestmark = pytest.mark.slow


class Told(Quiet):
    """What a run has made, has left alone and has said."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.why: dict[str, str] = {}
        self.said: list[str] = []

    def skipped(self, name, why, manifest, /) -> None:
        self.why[name] = why

    def finished(self, manifest, timings, /) -> None:
        self.made.append(manifest.stage)

    def say(self, text, /) -> None:
        self.said.append(text)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("finished")
    run = Run(load_config(str(write_tiny_config(folder))), str(folder / "run"))
    run_stages(run, [], Quiet())
    return run


@pytest.fixture
def run(finished, tmp_path) -> Run:
    shutil.copytree(finished.root, tmp_path / "run")
    return replace(finished, root=str(tmp_path / "run"))


@pytest.fixture
def freed(run) -> Run:
    free_rows(run, [])
    return run


def again(run: Run, *names: str) -> Told:
    told = Told()
    run_stages(run, names, told)
    return told


def with_section(run: Run, name: str, **settings: object) -> Run:
    section = getattr(run.config, name).model_copy(update=settings)
    return replace(run, config=run.config.model_copy(update={name: section}))


def rows(run: Run, *names: str) -> dict[str, bytes]:
    """The shards of rows kept, by path in the run."""
    root = Path(run.root)
    found = [path for name in names or STAGES for path in (root / name).glob("part-*")]
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(found)}


def test_what_is_freed_is_gone_and_the_run_is_the_same(run):
    before = verify_run(run.root)
    planned = free_rows(run, [], only_plans=True)
    assert [one.stage for one in planned if one.num_bytes] == FREED
    assert len(rows(run)) == 12
    freed = free_rows(run, [])
    assert [one.num_bytes for one in freed] == [one.num_bytes for one in planned]
    assert str(freed[0]).endswith("in 2 files freed")
    assert {path.split("/")[0] for path in rows(run)} == {"fetch", "encode"}
    after = verify_run(run.root)
    assert (after.sha256, after.foreign, sorted(after.freed)) == (before.sha256, (), sorted(FREED))
    told = again(run)
    assert told.made == []
    assert all(("its rows were freed" in why) == (n in FREED) for n, why in told.why.items())


def test_a_stale_reader_brings_back_what_it_reads_and_no_more(run):
    before = rows(run)
    free_rows(run, [])
    changed = with_section(run, "encode", batch_size=2)
    planned = {one.stage: one for one in preview(changed, Graph.of(changed.config), graph_of(run))}
    assert [name for name, one in planned.items() if one.action == "make_again"] == [
        "crawl", "images", "dedupe", "encode",
    ]  # fmt: skip
    assert planned["images"].why == "its rows were freed, and dedupe needs them"
    told = again(changed)
    assert told.made == ["crawl", "images", "dedupe", "encode"]
    for name in ("crawl", "images", "dedupe"):
        assert rows(run, name) == {k: v for k, v in before.items() if k.startswith(name)}
    assert verify_run(run.root).freed == ("captions",)
    assert again(changed).made == []


def graph_of(run: Run):
    return Graph.of(run.config).stages


def test_rows_come_back_on_the_way_where_earlier_ones_turn_out_to_be_others(freed, tmp_path):
    """`dedupe` stays as long as `images` gives the same rows; that it does not shows on the way."""
    changed = with_section(freed, "images", store="jpeg")
    planned = preview(changed, Graph.of(changed.config), graph_of(freed))
    assert [one.action for one in planned] == [
        "make_again", "keep", "keep", "make_again", "follow", "follow",
    ]  # fmt: skip
    told = again(changed)
    fresh = replace(changed, root=str(tmp_path / "fresh"))
    again(fresh)
    assert told.made == ["crawl", "images", "dedupe", "encode"]
    assert rows(changed, *told.made) == rows(fresh, *told.made)


def test_what_is_not_known_to_be_needed_is_brought_back_when_it_is(freed, monkeypatch):
    monkeypatch.setattr("orchestration.engine.run.want_rows", lambda _r, _g, stages, _n: stages)
    changed = with_section(freed, "encode", batch_size=2)
    assert again(changed, "encode").made == ["crawl", "images", "dedupe", "encode"]
    assert again(changed).made == []


@pytest.mark.parametrize("change", ["encode", "captions"])
def test_one_job_brings_them_back_too(freed, tmp_path, monkeypatch, change):
    """A runner in this process, in place of one elsewhere."""
    monkeypatch.setattr("orchestration.engine.run.is_local", lambda options: not options)
    changes: dict[str, dict[str, object]] = {
        "encode": {"batch_size": 2},
        "captions": {"overrides": {"repetitive": None, "too_few_words": 2.0}},
    }
    changed = with_section(freed, change, **changes[change])
    told = again(replace(changed, beam_options=("--runner=FnApiRunner",)))
    fresh = replace(changed, root=str(tmp_path / "fresh"))
    again(fresh)
    made = {name for name in STAGES if not is_freed(freed.folder.stage(name))}
    assert {"fetch", "encode"} < made
    assert rows(changed, *made) == rows(fresh, *made)
    assert "encode" in told.made or change == "captions"
    assert verify_run(freed.root).foreign == ()


def test_a_named_stage_has_its_rows_again(run):
    before = rows(run)
    free_rows(run, [])
    assert again(run, "images").made == ["crawl", "images"]
    assert rows(run, "images") == {k: v for k, v in before.items() if k.startswith("images")}
    assert not is_freed(run.folder.stage("images"))
    assert again(run, "images").made == []


def test_a_crash_in_between_is_no_damage_and_the_next_call_goes_on(run, monkeypatch):
    remove = files.remove
    removed: list[str] = []

    def crash(url: str) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(url)
        remove(url)

    monkeypatch.setattr(files, "remove", crash)
    with pytest.raises(KeyboardInterrupt):
        free_rows(run, ["images"])
    monkeypatch.undo()
    assert verify_run(run.root).freed == ("images",)
    assert again(run).made == []
    (left,) = free_rows(run, ["images"])
    assert left.num_files == 1
    assert rows(run, "images") == {}


def test_what_the_web_gave_goes_only_where_it_is_named_and_allowed(run):
    with pytest.raises(FreeingError, match=r"fetch +.* would be freed\ngive .* with --yes"):
        free_rows(run, ["fetch"])
    assert rows(run, "fetch")
    free_rows(run, ["fetch"], takes_from_web=True)
    assert not rows(run, "fetch")


def test_rows_that_are_needed_stay(run):
    with pytest.raises(ConfigError, match="encode cannot be freed: no stage of the run reads it"):
        free_rows(run, ["encode"])
    Path(run.folder.stage("encode").manifest).unlink()
    with pytest.raises(ConfigError, match="encode reads it, and is not up to date: not finished"):
        free_rows(run, ["images"])
    with pytest.raises(ConfigError, match="did you mean `images`"):
        free_rows(run, ["image"])


def test_what_cannot_be_made_again_stays(run, tmp_path):
    source = run.config.crawl.sources[0]
    gone = with_section(
        run, "crawl", sources=(source.model_copy(update={"path": str(tmp_path / "gone")}),)
    )
    assert "cannot be made again" in str(free_rows(gone, [])[0])
    assert rows(run, "crawl")


def test_a_config_keeps_what_it_names(run):
    keeping = replace(run, config=run.config.model_copy(update={"keep": ("encode", "dedupe")}))
    told = again(keeping, "captions")
    assert [line.split()[0] for line in told.said] == ["crawl", "images"]
    assert {path.split("/")[0] for path in rows(run)} == {"captions", "fetch", "dedupe", "encode"}
    again(keeping)
    assert {path.split("/")[0] for path in rows(run)} == {"fetch", "dedupe", "encode"}


def test_a_stage_to_keep_that_is_none_is_refused(tmp_path):
    document = {"keep": ["imges"], "crawl": {"sources": [{"path": "a.tsv"}]}}
    with pytest.raises(ConfigError, match="is no stage; did you mean `images`"):
        check_config(document, str(tmp_path))


def test_rows_that_are_no_longer_wanted_stay_freed(freed):
    folder = freed.folder.stage("images")
    mark = read_mark(folder)
    assert mark is not None
    write_mark(folder, replace(mark, wanted_by="encode"))
    assert again(freed).made == []
    assert read_mark(folder) == mark


def test_a_deleted_manifest_makes_the_stage_anew(freed):
    folder = freed.folder.stage("dedupe")
    Path(folder.manifest).unlink()
    assert again(freed).made == ["crawl", "images", "dedupe"]
    assert not is_freed(folder)
    assert rows(freed, "dedupe")


def test_a_retry_says_what_it_lacks(freed):
    with pytest.raises(RunError, match="the rows of crawl were freed; `dalle run crawl`"):
        retry_stages(freed, ["fetch"], ["timed_out"], Quiet())


def test_commands_that_read_say_what_is_gone_and_what_brings_it_back(freed, tmp_path):
    brings_back = r"`dalle run (images|dedupe)` brings them back"
    for command in (
        lambda: api.grid(freed.root, str(tmp_path / "grid.png")),
        lambda: api.export("files", str(tmp_path / "out"), freed.root),
    ):
        with pytest.raises(UnreadableShardError, match=brings_back):
            command()
    assert any("`dalle run images`" in note for note in report_view(freed.root).notes)
    assert "the rows of images were freed" in str(api.status(freed.root))


def test_a_row_is_explained_as_far_as_it_is_known(freed):
    part = sorted(Path(freed.root, "encode").glob("part-*"))[0]
    row = pq.read_table(part).to_pylist()[0]
    explained = api.explain(row["key"], freed.root)
    assert [step.stage for step in explained.steps[row["key"]]] == ["fetch", "encode"]
    assert "`dalle run crawl captions images dedupe` brings them back" in str(explained)
    assert row["caption"].startswith(CAPTION.split(" {")[0])
