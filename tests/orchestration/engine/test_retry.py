"""Rows that fetch has dropped are taken up again; all others stay as they are."""

import json
import shutil
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dalle_model import files
from orchestration import api
from orchestration.engine.config import ConfigError
from orchestration.engine.config_file import load_config
from orchestration.engine.plan import Run, RunError
from orchestration.engine.retry import retry_stages
from orchestration.engine.run import run_stages
from orchestration.engine.verify import verify_run
from orchestration.report.page import render
from orchestration.report.views import report_view
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.io.parquet import read_table
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.client import close_shared_clients
from tests.orchestration.engine.test_run import Told
from tests.support.loopback import SUFFIX, Web, loopback_web

NUM_IMAGES = 24
STAGES = ["crawl", "captions", "fetch"]
SETTINGS = """\
num_shards: 4
crawl: {sources: [{path: pairs.tsv, caption_column: 0, url_column: 1}]}
fetch: {timeout_s: 3, retries: 0, backoff_s: 0, per_host_concurrency: 8}
"""


def name_of(number: int) -> str:
    return f"a.demo.test/{number}.png"


@contextmanager
def faulty_web():
    """Images of which the first three are gone, the next four give errors, and one hangs."""
    with loopback_web() as running, pytest.MonkeyPatch.context() as patched:
        for number in range(3, NUM_IMAGES):
            running.page(name_of(number), b"image %d" % number)
        for number in range(3, 7):
            running.page(name_of(number), status=500)
        running.page(name_of(7), wait_s=6.0)

        @contextmanager
        def web_of(config, stage):
            yield LoopbackAllowance(running.port, SUFFIX)

        patched.setattr("orchestration.engine.run.web_of", web_of)
        yield running
        close_shared_clients()


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    """A run whose stage fetch is finished, to be copied."""
    folder = tmp_path_factory.mktemp("retry")
    rows = (f"a red apple number {n} on a table\thttp://{name_of(n)}\n" for n in range(NUM_IMAGES))
    (folder / "pairs.tsv").write_text("".join(rows))
    (folder / "run.yaml").write_text(SETTINGS)
    run = Run(load_config(str(folder / "run.yaml")), str(folder / "run"))
    with faulty_web():
        run_stages(run, STAGES, Told())
    return run


@pytest.fixture
def web():
    with faulty_web() as running:
        yield running


@pytest.fixture
def run(finished, web, tmp_path) -> Run:
    return copied(finished, tmp_path / "run")


def copied(run: Run, root: Path) -> Run:
    shutil.copytree(run.root, root)
    return replace(run, root=str(root))


def recover(web: Web, numbers) -> None:
    for number in numbers:
        web.page(name_of(number), b"image %d" % number)


def do(run: Run, *reasons: str, names=("fetch",)) -> str:
    told = Told()
    for found in retry_stages(run, names, reasons, told):
        assert str(found) in told.text
    return told.text


def manifest_of(run: Run) -> Manifest:
    manifest = read_manifest(RunFolder(run.root).stage("fetch"))
    assert manifest is not None
    return manifest


def bytes_of(run: Run) -> dict[str, bytes]:
    """Every file of the stage, but the timings."""
    root = Path(run.root) / "fetch"
    names = (path for path in root.rglob("*") if path.is_file() and path.name != "timings.json")
    return {str(path.relative_to(root)): path.read_bytes() for path in names}


def rows_of(run: Run) -> dict[str, bytes]:
    """The images that are kept, by caption."""
    folder = RunFolder(run.root, run.config.num_shards).stage("fetch")
    rows = [row for url in folder.parts() for row in read_table(url).to_pylist()]
    return {row["caption"]: row["encoded"] for row in rows}


def test_rows_of_the_asked_reasons_are_fetched_again_and_no_others(run, web):
    assert manifest_of(run).rejected == {"not_found": 3, "server_error": 4, "timed_out": 1}
    before = rows_of(run)
    recover(web, (0, 3, 5, 7))
    said = do(run, "timed_out", "server_error")
    line = "retry: 3 of 5 rows came back (server_error 2 of 4, timed_out 1 of 1)"
    assert line in said
    asked = Counter(name for name in web.asked if not name.endswith("robots.txt"))
    assert asked == {name_of(number): 1 for number in (3, 4, 5, 6, 7)}
    manifest = manifest_of(run)
    assert manifest.rejected == {"not_found": 3, "server_error": 2}
    assert (manifest.rows_in, manifest.rows_out) == (NUM_IMAGES, NUM_IMAGES - 5)
    after = rows_of(run)
    assert before.items() <= after.items()
    assert {image for caption, image in after.items() if caption not in before} == {
        b"image 3", b"image 5", b"image 7",
    }  # fmt: skip
    assert verify_run(run.root).num_files["fetch"] == 4


def test_shards_without_such_rows_keep_their_very_files(run, web):
    folder = RunFolder(run.root, run.config.num_shards).stage("fetch")
    parts = {url: Path(url).stat() for url in folder.parts()}
    reasons = {url: set(read_table(folder.rejected(i))["reason"].to_pylist())
               for i, url in enumerate(folder.parts())}  # fmt: skip
    recover(web, [7])
    do(run, "timed_out")
    for url, before in parts.items():
        now = Path(url).stat()
        is_same = (now.st_ino, now.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert is_same == ("timed_out" not in reasons[url])
    assert sum("timed_out" in found for found in reasons.values()) == 1


def test_where_no_row_comes_back_every_byte_but_the_record_stays(run):
    before = bytes_of(run)
    assert "retry: 0 of 4 rows came back (server_error 0 of 4)" in do(run, "server_error")
    after = bytes_of(run)
    record = json.loads(after.pop("manifest.json"))
    old = json.loads(before.pop("manifest.json"))
    assert after == before
    assert record.pop("manifest_sha256") != old.pop("manifest_sha256")
    assert record.pop("retried") == [{"server_error": {"rows": 4, "back": 0}}]
    assert old.pop("retried") == []
    assert record == old


def test_a_retry_gives_the_bytes_of_a_run_on_a_web_without_faults(run, web):
    recover(web, range(NUM_IMAGES))
    do(run, "timed_out", "server_error", "not_found")
    sound = replace(run, root=f"{run.root}-sound")
    run_stages(sound, STAGES, Told())
    retried, plain = bytes_of(run), bytes_of(sound)
    retried.pop("manifest.json"), plain.pop("manifest.json")
    assert retried == plain


def test_the_next_run_does_not_fetch_again_and_later_stages_see_the_rows(run, web):
    recover(web, range(NUM_IMAGES))
    digest = manifest_of(run).digest
    do(run, "timed_out", "server_error")
    assert manifest_of(run).digest != digest
    web.asked.clear()
    told = Told()
    run_stages(run, STAGES, told)
    assert told.text.count("nothing to do: fingerprint") == 3
    assert web.asked == []


def test_what_was_retried_is_recorded_each_time(run, web):
    do(run, "server_error")
    recover(web, (3, 4))
    do(run, "timed_out", "server_error")
    assert manifest_of(run).retried == [
        {"server_error": {"rows": 4, "back": 0}},
        {"server_error": {"rows": 4, "back": 2}, "timed_out": {"rows": 1, "back": 0}},
    ]
    shown = render(report_view(run.root))
    assert "Taken up again: 4 server_error, of which 0 came back." in shown
    assert "4 server_error, of which 2 came back; 1 timed_out, of which 0 came back." in shown


def test_nothing_to_retry_is_said_and_nothing_is_written(run, web):
    before = bytes_of(run)
    said = do(run, "dns_failed", "opt_out")
    assert "no row was dropped as dns_failed or opt_out: nothing to retry" in said
    assert bytes_of(run) == before
    assert web.asked == []


def test_without_a_name_the_stages_that_can_are_retried(run, web):
    recover(web, [7])
    assert "retry: 1 of 1 rows came back" in do(run, "timed_out", names=())


@pytest.mark.parametrize(
    ("names", "reason", "message"),
    [
        (["fetch"], "timed-out", r"dropped as `timed-out`; did you mean `timed_out`\? the reasons"),
        (["fetch"], "xyz", "`xyz`; the reasons are address_refused, .*, url_refused$"),
        (
            ["captions"],
            "timed_out",
            "captions gives the same .* `dalle run fetch --retry timed_out`$",
        ),
        (["fetch", "crawl"], "timed_out", "crawl gives the same answer each time"),
        (["fetsch"], "timed_out", "did you mean `fetch`?"),
    ],
)
def test_what_cannot_be_retried_is_refused(run, web, names, reason, message):
    before = bytes_of(run)
    with pytest.raises(ConfigError, match=message):
        do(run, reason, names=names)
    assert bytes_of(run) == before
    assert web.asked == []


def test_a_stage_that_is_not_up_to_date_is_run_first(run, web):
    fetch = run.config.fetch.model_copy(update={"max_redirects": 1})
    changed = replace(run, config=run.config.model_copy(update={"fetch": fetch}))
    with pytest.raises(RunError, match=r"fetch: changed: max_redirects \(5 -> 1\); .*run `dalle"):
        do(changed, "timed_out")
    files.remove(RunFolder(run.root).stage("fetch").manifest)
    with pytest.raises(RunError, match=r"fetch: not finished yet; .*run `dalle run fetch` first"):
        do(run, "timed_out")
    assert web.asked == []


class CrashError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("moves", range(6))
def test_a_crash_while_shards_change_places_is_settled(run, web, monkeypatch, moves):
    recover(web, range(NUM_IMAGES))
    before, real = bytes_of(run), files.move
    moved: list[str] = []

    def move(source: str, target: str) -> None:
        if len(moved) == moves:
            raise CrashError
        moved.append(source)
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(files, "move", move)
        with pytest.raises(CrashError):
            do(run, "timed_out")
    run_stages(run, STAGES, Told())
    if moves == 0:  # the old result is whole, and the other one is dropped
        assert bytes_of(run) == before
        assert "retry: 1 of 1" in do(run, "timed_out")
    assert manifest_of(run).rejected == {"not_found": 3, "server_error": 4}
    assert set(bytes_of(run)) == set(before)
    verify_run(run.root)


def test_a_killed_retry_goes_on_where_it_was(run, web, monkeypatch):
    recover(web, range(NUM_IMAGES))
    with monkeypatch.context() as patched:
        patched.setattr("orchestration.engine.run.execute", fail_behind_the_first_shard)
        with pytest.raises(OSError, match="the disk"):
            do(run, "server_error", "not_found")
    before = Counter(web.asked)
    assert manifest_of(run).rejected == {"not_found": 3, "server_error": 4, "timed_out": 1}
    said = do(run, "not_found", "server_error")
    assert "were finished before" in said
    assert "retry: 7 of 7 rows came back (not_found 3 of 3, server_error 4 of 4)" in said
    assert all(count == 1 for name, count in Counter(web.asked).items() if name in before
               and not name.endswith("robots.txt"))  # fmt: skip
    assert manifest_of(run).rejected == {"timed_out": 1}


def fail_behind_the_first_shard(stage, job, beam_options):
    from orchestration.beam.execute import execute

    first = replace(job.task, pending=job.task.pending[:1])
    execute(stage, replace(job, task=first), beam_options)
    raise OSError("the disk")


def test_what_other_work_has_left_beside_the_result_is_not_put_in_place(run, web):
    folder = RunFolder(run.root, run.config.num_shards).stage("fetch")
    for index in range(run.config.num_shards):
        files.write_bytes(folder.next.part(index), b"of a run that was killed")
    recover(web, [7])
    do(run, "timed_out")
    assert b"image 7" in rows_of(run).values()
    verify_run(run.root)


def test_a_whole_retry_is_not_taken_for_a_whole_result(run, web, monkeypatch):
    """A crash between the manifest of a retry and its first move, and then a lost shard."""
    recover(web, range(NUM_IMAGES))
    with monkeypatch.context() as broken:
        broken.setattr("orchestration.engine.retry.replace_result", crash)
        with pytest.raises(CrashError):
            do(run, "timed_out")
    Path(run.root, "fetch", "part-00000-of-00004.parquet").unlink()
    run_stages(run, STAGES, Told())
    assert manifest_of(run).retried == []
    known = manifest_of(run).rejected  # as before the retry: nobody is asked again
    assert known == {"not_found": 3, "server_error": 4, "timed_out": 1}
    do(run, *known)
    assert manifest_of(run).rows_out == NUM_IMAGES
    verify_run(run.root)


def crash(*_) -> None:
    raise CrashError


def test_two_workers_write_what_one_writes(run, web):
    other = replace(copied(run, Path(f"{run.root}-other")), workers=2)
    recover(web, range(NUM_IMAGES))
    for one in (run, other):
        do(one, "timed_out", "server_error", "not_found")
    assert bytes_of(run) == bytes_of(other)
    assert len(rows_of(other)) == NUM_IMAGES


@pytest.mark.parametrize("reasons", ["timed_out,server_error", ["timed_out", "server_error"]])
def test_from_python_reasons_are_a_list_or_one_text(run, web, reasons):
    recover(web, (3, 7))
    result = api.run(run.config, run.root, ["fetch"], retry=reasons)
    assert [manifest.rejected for manifest in result.manifests] == [
        {"not_found": 3, "server_error": 3}
    ]
    assert Path(result.report).exists()
    assert api.run(run.config, run.root, retry=["dns_failed"]).manifests == []
