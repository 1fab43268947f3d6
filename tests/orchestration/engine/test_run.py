"""Skipping, resuming, refusing: on the two stages that need no network."""

import fcntl
import io
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from dalle_model import files
from dalle_model.tokenizers.codec import CodecError
from orchestration.api import explain
from orchestration.beam.execute import execute
from orchestration.cli.progress import TerminalProgress
from orchestration.engine.config import ConfigError, NoRunError
from orchestration.engine.config_file import load_config
from orchestration.engine.graph import Graph
from orchestration.engine.limits import NothingLeftError
from orchestration.engine.plan import Run, RunError, difference
from orchestration.engine.progress import Quiet
from orchestration.engine.registry import registry
from orchestration.engine.run import run_stages
from orchestration.engine.verify import VerificationError, run_checksum, verify_run
from orchestration.report.page import render
from orchestration.report.trace import ExplainError
from orchestration.report.views import report_view
from pipelines.fetch.config import FetchConfig
from pipelines.io.keys import pair_key
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.stage import Job, LocalResult, LocalWork

CAPTIONS = [
    "a red apple on a wooden table",
    "two dogs running along the beach",
    "IMG_2031.jpg",
    "ein roter Apfel auf einem Tisch aus Holz",
    "a small boat under a cloudy sky",
]
STAGES = ["crawl", "captions"]


def url(index: int) -> str:
    return f"http://host.example/{index}.png"


@pytest.fixture
def run(tmp_path) -> Run:
    rows = "".join(f"{caption}\t{url(i)}\n" for i, caption in enumerate(CAPTIONS))
    (tmp_path / "pairs.tsv").write_text(rows)
    (tmp_path / "run.yaml").write_text(
        "num_shards: 2\n"
        "crawl:\n  sources:\n    - {path: pairs.tsv, caption_column: 0, url_column: 1}\n"
    )
    return Run(load_config(str(tmp_path / "run.yaml")), str(tmp_path / "run"))


class Told(TerminalProgress):
    """Progress that is kept as text."""

    def __init__(self) -> None:
        self.console = Console(record=True, width=200, file=io.StringIO())
        super().__init__(self.console)

    @property
    def text(self) -> str:
        return self.console.export_text(clear=False)


def manifest_of(run: Run, stage: str) -> Manifest | None:
    return read_manifest(RunFolder(run.root).stage(stage))


def do(run: Run, names=STAGES) -> str:
    told = Told()
    run_stages(run, names, told)
    return told.text


def test_the_books_balance_and_say_why(run):
    do(run)
    manifest = manifest_of(run, "captions")
    assert manifest is not None
    assert (manifest.rows_in, manifest.rows_out) == (5, 3)
    assert manifest.rejected == {"file_name": 1, "wrong_language": 1}
    assert [entry["rows"] for entry in manifest.files] == [
        sum(1 for i in (0, 1, 4) if int(pair_key(url(i), CAPTIONS[i])[:16], 16) % 2 == shard)
        for shard in (0, 1)
    ]


def test_what_a_section_permits_is_said_before_any_stage(run, monkeypatch):
    monkeypatch.setattr("orchestration.engine.run._next_done", lambda *_: [])
    allow = {"host": "*.corp.example", "networks": ["10.2.0.0/16"], "ports": [8080]}
    fetch = FetchConfig.model_validate({"allow": [allow]})
    allowing = replace(run, config=run.config.model_copy(update={"fetch": fetch}))
    line = "fetch      private hosts may be reached: *.corp.example in 10.2.0.0/16, port 8080"
    assert line in do(allowing, [*STAGES, "fetch"]).splitlines()
    assert "private hosts" not in do(allowing)


def test_a_second_run_does_nothing(run):
    do(run)
    assert do(run).count("nothing to do: fingerprint") == 2


def test_a_changed_setting_is_named_and_only_later_stages_run(run):
    do(run)
    captions = run.config.captions.model_copy(update={"overrides": {"too_few_words": 6.0}})
    changed = replace(run, config=run.config.model_copy(update={"captions": captions}))
    said = do(changed)
    assert "crawl      nothing to do" in said
    assert "captions   changed: overrides.too_few_words (None -> 6.0)" in said
    manifest = manifest_of(run, "captions")
    assert manifest is not None
    assert manifest.rows_out == 3 - sum(len(CAPTIONS[i].split()) < 6 for i in (0, 1, 4))


def test_a_reject_rate_is_not_part_of_the_fingerprint(run):
    do(run)
    captions = run.config.captions.model_copy(update={"max_reject_rate": 0.9})
    changed = replace(run, config=run.config.model_copy(update={"captions": captions}))
    assert do(changed).count("nothing to do") == 2


def test_an_input_that_was_touched_is_read_again_but_equal_rows_stop_there(run):
    do(run)
    os.utime(run.config.crawl.sources[0].path, (1, 1))
    said = do(run)
    assert "crawl      an input file is another one than before" in said
    assert "captions   nothing to do" in said


def test_a_lost_shard_is_made_again(run):
    do(run)
    before = run_checksum(run.root)
    part = Path(run.root) / "captions" / "part-00001-of-00002.parquet"
    part.unlink()
    assert "part-00001-of-00002.parquet is missing" in do(run)
    assert run_checksum(run.root) == before


def test_finished_shards_of_an_interrupted_stage_stay(run, monkeypatch):
    do(run)
    before = run_checksum(run.root)
    folder = Path(run.root) / "captions"
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").unlink()
    (folder / ".tmp-part-00000-1-ab").write_bytes(b"half a shard")
    assert "not finished yet" in do(run)
    assert run_checksum(run.root) == before
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    assert not list(folder.glob(".tmp-*"))


def test_what_a_killed_writer_of_the_report_left_is_deleted(run):
    report = Path(run.folder.report)
    report.parent.mkdir(parents=True)
    (report.parent / ".tmp-index.html-1-ab").write_bytes(b"half a report")
    do(run)
    assert not list(report.parent.iterdir())


def test_shards_of_another_number_of_shards_are_deleted(run):
    do(run)
    more = replace(run, config=run.config.model_copy(update={"num_shards": 3}))
    do(replace(more, replaces=True))
    names = files.list_names(files.join(run.root, "captions"))
    assert [n for n in names if n.endswith("-of-00002.parquet")] == []
    assert len([n for n in names if n.startswith("part-")]) == 3


def test_too_many_rejections_stop_the_run_with_a_table(run):
    captions = run.config.captions.model_copy(update={"max_reject_rate": 0.1})
    strict = replace(run, config=run.config.model_copy(update={"captions": captions}))
    with pytest.raises(RunError, match=r"dropped 40.0% of 5 rows(.|\n)*1  wrong_language"):
        do(strict)
    assert manifest_of(run, "captions") is None


def test_a_stage_without_its_inputs_says_what_to_run(run):
    with pytest.raises(RunError, match="run `dalle run crawl captions`"):
        do(run, ["captions"])
    assert not Path(run.root).exists()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("caption", "did you mean `captions`?"),
        ("xyz", "it has crawl, captions, fetch, images, dedupe, encode"),
    ],
)
def test_an_unknown_stage_names_the_one_meant_or_all(run, name, meant):
    with pytest.raises(
        ConfigError, match=rf"no stage `{name}` in this config; {re.escape(meant)}$"
    ):
        do(run, [name])
    assert not Path(run.root).exists()


def test_two_runs_in_one_directory_are_refused(run):
    Path(run.root).mkdir(parents=True)
    descriptor = os.open(run.root, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(RunError, match="another run is at work"):
            do(run)
    finally:
        os.close(descriptor)


def test_explain_tells_every_rule_with_its_limit(run):
    do(run)
    kept = str(explain(pair_key(url(0), CAPTIONS[0]), run.root))
    assert "crawl      kept" in kept
    assert "captions   kept" in kept
    dropped = str(explain("HTTP://HOST.example:80/2.png", run.root))  # the canonical form is found
    assert "captions   DROPPED" in dropped
    assert "FAIL file_name" in dropped


def test_explain_says_when_the_config_has_changed_since(run):
    do(run)
    captions = run.config.captions.model_copy(update={"overrides": {"too_few_words": 9.0}})
    changed = replace(run, config=run.config.model_copy(update={"captions": captions}))
    do(changed, ["crawl"])
    told = str(explain(pair_key(url(0), CAPTIONS[0]), run.root))
    assert "the config has changed since" in told
    assert "FAIL" not in told


def test_a_damaged_config_copy_is_written_again(run):
    do(run)
    (Path(run.root) / "config.json").write_text("{")
    assert do(run).count("nothing to do") == 2
    assert json.loads((Path(run.root) / "config.json").read_text())["num_shards"] == 2


def test_a_missing_codec_is_told_before_the_first_row(run):
    encode = run.config.encode.model_copy(update={"codec": "/none.safetensors"})
    with pytest.raises(CodecError, match=r"/none\.safetensors"):
        do(replace(run, config=run.config.model_copy(update={"encode": encode})), [])
    assert manifest_of(run, "crawl") is None


def test_explain_of_a_row_that_is_not_there(run):
    do(run)
    with pytest.raises(ExplainError, match="no row in"):
        explain("0" * 40, run.root)
    with pytest.raises(NoRunError, match="is not a run directory"):
        explain("0" * 40, run.root + "-none")


def test_verify_finds_a_flipped_bit_and_a_stray_file(run):
    do(run)
    assert verify_run(run.root).sha256 == run_checksum(run.root)
    assert verify_run(run.root).num_files == {"captions": 2, "crawl": 2}
    part = Path(run.root) / "captions" / "part-00000-of-00002.parquet"
    content = bytearray(part.read_bytes())
    content[50] ^= 1
    part.write_bytes(content)
    (part.parent / "stray.parquet").write_bytes(b"")
    with pytest.raises(VerificationError, match=r"stray\.parquet is in no manifest") as caught:
        verify_run(run.root)
    assert "part-00000-of-00002.parquet is corrupt" in str(caught.value)


STRAY_FILES = (
    ".DS_Store",
    "Thumbs.db",
    "notes.txt",
    "crawl/.DS_Store",
    "crawl/rejected/Thumbs.db",
    "crawl/.hidden.parquet",
    "captions/old/part-00000-of-00002.parquet",
    "captions/progress/.DS_Store",
    "captions/progress/00000 (copy).json",
    "images",  # where a stage's folder would be
    "recipes/.DS_Store",
    "report/.DS_Store",
)


def test_what_others_left_in_a_run_directory_ends_no_command(run):
    do(run)
    before, root = run_checksum(run.root), Path(run.root)
    for name in STRAY_FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"\0\xff")
    shutil.copytree(root / "crawl", root / "crawl (copy)")
    found = verify_run(run.root)
    assert (found.sha256, found.num_files) == (before, {"captions": 2, "crawl": 2})
    assert sorted(url.removeprefix(f"{root}/") for url in found.foreign) == [
        *(".DS_Store", "Thumbs.db", "captions/old", "crawl (copy)", "crawl/.DS_Store"),
        *("crawl/.hidden.parquet", "crawl/rejected/Thumbs.db", "images", "notes.txt"),
    ]
    assert "wrong_language" in render(report_view(run.root))
    assert "kept" in str(explain(pair_key(url(0), CAPTIONS[0]), run.root))
    assert do(run).count("nothing to do") == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"stage": "captions"}',
        b"other",
        b"types",
        b"folder",
    ],
)
def test_a_damaged_manifest_is_named_and_its_stage_is_made_again(run, content):
    do(run)
    before, path = run_checksum(run.root), Path(run.root) / "captions" / "manifest.json"
    document = json.loads(path.read_text())
    if content == b"other":
        content = json.dumps(document | {"of_another_version": 1}).encode()
    if content == b"types":
        content = json.dumps(document | {"files": [{"name": 1}]}).encode()
    path.unlink()
    path.mkdir() if content == b"folder" else path.write_bytes(content)
    with pytest.raises(VerificationError, match=r"captions/manifest\.json is damaged, or of anoth"):
        verify_run(run.root)
    render(report_view(run.root))
    explain(pair_key(url(0), CAPTIONS[0]), run.root)
    if content == b"folder":
        path.rmdir()
    assert "captions   not finished yet" in do(run)
    assert run_checksum(run.root) == before


def test_a_damaged_marker_is_that_of_a_shard_to_do(run, monkeypatch):
    do(run)
    before, folder = run_checksum(run.root), Path(run.root) / "captions"
    (folder / "manifest.json").unlink()
    (folder / "progress").mkdir()
    for number, content in enumerate((b"", b'{"index": 0}')):
        (folder / "progress" / f"{number:05d}.json").write_bytes(content)
    assert "captions   not finished yet" in do(run)
    assert run_checksum(run.root) == before


def test_the_report_asks_no_other_host(run):
    do(run)
    html = render(report_view(run.root))
    assert "wrong_language" in html
    assert "DO NOT BALANCE" not in html
    for mark in ("<script", "<link", "@import", 'src="http', "url("):
        assert mark not in html


def test_captions_in_the_report_are_escaped(run):
    source = Path(run.config.crawl.sources[0].path)
    source.write_text(f"<script>alert(1)</script>.jpg\t{url(9)}\n" + source.read_text())
    do(run)
    assert "<script" not in render(report_view(run.root))


def changed(run: Run) -> Run:
    captions = run.config.captions.model_copy(update={"overrides": {"too_few_words": 6.0}})
    return replace(run, config=run.config.model_copy(update={"captions": captions}))


def test_a_change_that_fails_keeps_the_finished_result(run, monkeypatch):
    do(run)
    before = run_checksum(run.root)
    monkeypatch.setattr("orchestration.engine.run.execute", fail_on_the_second_shard)
    with pytest.raises(OSError, match="the disk"):
        do(changed(run))
    assert (Path(run.root) / "captions" / ".next").is_dir()
    assert run_checksum(run.root) == before
    assert verify_run(run.root).num_files == {"captions": 2, "crawl": 2}
    monkeypatch.undo()
    assert do(run).count("nothing to do") == 2
    assert run_checksum(run.root) == before
    assert not (Path(run.root) / "captions" / ".next").exists()


def test_a_change_goes_on_where_it_was_interrupted(run, monkeypatch):
    do(changed(run))
    expected = run_checksum(run.root)
    do(run)
    monkeypatch.setattr("orchestration.engine.run.execute", fail_on_the_second_shard)
    with pytest.raises(OSError, match="the disk"):
        do(changed(run))
    monkeypatch.undo()
    assert "1 of 2 shards were finished before" in do(changed(run))
    assert run_checksum(run.root) == expected
    assert not (Path(run.root) / "captions" / ".next").exists()


def fail_on_the_second_shard(stage, job, beam_options):
    execute(stage, replace(job, task=replace(job.task, pending=(0,))), beam_options)
    raise OSError("the disk")


def nothing_left(run: Run) -> Run:
    """Where every caption is too short for its recipe."""
    captions = run.config.captions.model_copy(update={"overrides": {"too_few_words": 99.0}})
    return replace(run, config=run.config.model_copy(update={"captions": captions}))


def test_a_run_stops_behind_a_stage_that_has_left_no_row_and_says_so_again(run):
    for _ in range(2):
        with pytest.raises(NothingLeftError) as caught:
            do(nothing_left(run), [])
        key = re.search(r"`dalle explain ([0-9a-f]{40})` shows more", str(caught.value))
        assert str(caught.value).startswith("captions left no row: too_few_words 4, ")
        assert key is not None
        assert "DROPPED" in str(explain(key[1], run.root))
    manifest = manifest_of(run, "captions")
    assert manifest is not None
    assert (manifest.rows_in, manifest.rows_out) == (5, 0)
    assert manifest_of(run, "fetch") is None


def test_a_source_without_a_row_stops_the_run_at_once(run):
    Path(run.config.crawl.sources[0].path).write_text("")
    for _ in range(2):
        with pytest.raises(NothingLeftError, match=r"^crawl left no row: none came in; "):
            do(run)
    assert manifest_of(run, "captions") is None


def test_an_empty_stage_is_passed_where_the_config_allows_it(run):
    empty = nothing_left(run)
    allowed = replace(empty, config=empty.config.model_copy(update={"allow_empty": True}))
    assert "5 in         0 out" in do(allowed)
    assert manifest_of(run, "captions") is not None


class FailedError(Exception):
    """A training that ends too early."""


def train_from(content: bytes, problem: Exception | None = None) -> LocalWork:
    """A training whose model holds a few bytes, or that fails behind writing it."""

    def work(job: Job, _on_step: object) -> LocalResult:
        files.write_bytes(job.task.folder.file("model"), content)
        if problem:
            raise problem
        return LocalResult(("model",), {"loss": 0.5})

    return LocalWork(work)


def test_a_training_that_fails_keeps_the_old_model(run, monkeypatch):
    settings = {"size": 1}
    model = replace(
        registry()["bpe"], reads={}, settings=lambda _: dict(settings), work=train_from(b"old")
    )

    def train(work: LocalWork) -> None:
        graph = Graph(run.config, (replace(model, work=work),))
        monkeypatch.setattr(Graph, "of", lambda _config: graph)
        run_stages(run, ["bpe"], Quiet())

    def kept() -> bytes:
        return files.read_bytes(RunFolder(run.root).stage("bpe").file("model"))

    train(train_from(b"old"))
    settings["size"] = 2
    with pytest.raises(FailedError):
        train(train_from(b"half", FailedError()))
    assert kept() == b"old"
    settings["size"] = 1
    train(train_from(b"never", FailedError()))  # there is nothing to do
    assert kept() == b"old"
    settings["size"] = 2
    train(train_from(b"new"))
    assert kept() == b"new"
    assert verify_run(run.root).num_files == {"bpe": 1}


def test_what_has_changed_is_told_in_a_line(run):
    do(run)
    overrides = {f"too_few_words_{i}": 1.0 for i in range(50)} | {"recipe": "x" * 10_000}
    graph = Graph.of(
        run.config.model_copy(
            update={"captions": run.config.captions.model_copy(update={"overrides": overrides})}
        )
    )
    manifest, stage = manifest_of(run, "captions"), graph.stage("captions")
    assert manifest is not None
    assert stage is not None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Graph, "dependencies", lambda *_: manifest.dependencies)
        told = difference(manifest, graph, stage, manifest.inputs)
    assert "overrides.recipe (None -> xxxx" in told
    assert told.endswith(", 43 more")
    assert len(told) < 1000


def test_another_recipe_is_told_once_and_without_the_lists_that_it_takes_up(run):
    do(run)
    captions = run.config.captions.model_copy(update={"recipe": "none", "overrides": {}})
    graph = Graph.of(run.config.model_copy(update={"captions": captions}))
    manifest, stage = manifest_of(run, "captions"), graph.stage("captions")
    assert manifest is not None
    assert stage is not None
    assert manifest.dependencies.keys() - graph.dependencies(stage).keys()
    told = difference(manifest, graph, stage, manifest.inputs)
    assert told == f"changed: recipe ({run.config.captions.recipe} -> none)"
