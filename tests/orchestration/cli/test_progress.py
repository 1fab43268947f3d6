import io
import threading
import time
from dataclasses import replace

from rich.console import Console

from orchestration.cli import progress
from orchestration.cli.progress import TerminalProgress
from orchestration.engine.registry import registry
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.task import StageTask


def said(monkeypatch, act) -> str:
    monkeypatch.setattr(progress, "PLAIN_LINE_S", 0)
    out = io.StringIO()
    act(TerminalProgress(Console(file=out, width=160)))
    return out.getvalue()


def test_a_log_gets_lines_with_rate_and_time_left(monkeypatch):
    def act(told):
        with told.stage("prior", "not finished yet"):
            told.step(1, 4, {"loss": 3.5})
            told.step(2, 4, {"loss": 2.5, "tokens_per_s": 4617.3})

    text = said(monkeypatch, act)
    assert "prior      not finished yet" in text
    assert "2 of 4  loss 2.500  tokens_per_s 4,617" in text
    assert "/s, " in text
    assert "s left" in text


def test_a_live_crawl_tells_how_many_answers_it_has(monkeypatch, tmp_path):
    monkeypatch.setattr(progress, "POLL_S", 0.01)
    for name in ("a.test/1", "a.test/2", "b.test/1"):
        path = tmp_path / "crawl" / "site" / "manners" / f"{name}.warc.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def act(told):
        with told.stage("crawl"):
            task = StageTask(str(tmp_path), "crawl", 2, "attempt", "f", (0, 1))
            told.shards(registry()["crawl"], task, 0)
            time.sleep(0.1)

    assert "0 of 2  shards, 3 answers" in said(monkeypatch, act)


def test_a_finished_stage_tells_rows_and_rate(monkeypatch):
    manifest = Manifest("captions", "f", {}, {}, {}, num_shards=2, rows_in=1000, rows_out=600)
    text = said(monkeypatch, lambda told: told.finished(manifest, {"wall_s": 2.0, "cpu_s": 1.5}))
    told = "captions 1,000 in 600 out 400 dropped (2.0 s, 1.5 CPU s, 500 rows/s)"
    assert " ".join(text.split()) == told


def dropping(**rejected: int) -> Manifest:
    rows_out = 1000 - sum(rejected.values())
    found = Manifest("captions", "f", {}, {}, {}, num_shards=2, rows_in=1000, rows_out=rows_out)
    return replace(found, rejected=rejected)


def test_a_stage_that_drops_many_rows_tells_its_top_reasons(monkeypatch):
    many = dropping(wrong_language=14, too_few_words=152, boilerplate=14, date=3, profanity=1)
    lines = said(monkeypatch, lambda told: told.finished(many, {})).splitlines()
    expected = "dropped: too_few_words 152, boilerplate 14, wrong_language 14, 4 for 2 more"
    assert [line.strip() for line in lines[1:]] == [expected]
    few = dropping(too_few_words=100)
    assert len(said(monkeypatch, lambda told: told.finished(few, {})).splitlines()) == 1


def test_a_finished_stage_tells_what_was_no_row_and_what_to_look_at(monkeypatch):
    manifest = Manifest(
        *("crawl", "f", {}, {}, {}),
        num_shards=2,
        rows_in=1,
        rows_out=1,
        passed_over={".docx files": 3, "request records": 1200},
        warnings=["crawl.sources[0]: 1 of 2 inputs gave no row and no rejection: [b].tsv"],
    )
    lines = said(monkeypatch, lambda told: told.finished(manifest, {})).splitlines()
    assert lines[1].strip() == "passed over: 1,200 request records, 3 .docx files"
    assert lines[2].strip() == manifest.warnings[0]


def test_a_slow_listing_is_polled_less_often():
    assert progress.pause_after(0.001) == progress.POLL_S
    assert progress.pause_after(3.0) == 30.0


def test_the_bar_waits_after_a_poll_for_as_long_as_that_allows(monkeypatch, tmp_path):
    monkeypatch.setattr(progress, "POLL_S", 0.01)
    polled: list[object] = []
    waited = threading.Event()

    def pause_after(seconds):
        if not polled:  # it woke before there was a stage to watch
            return 0.01
        waited.set()
        return 60 + seconds

    monkeypatch.setattr(progress, "pause_after", pause_after)

    def markers(folder):
        polled.append(folder)
        return []

    monkeypatch.setattr(StageFolder, "markers", markers)

    def act(told):
        with told.stage("crawl"):
            task = StageTask(str(tmp_path), "crawl", 2, "attempt", "f", (0, 1))
            told.shards(registry()["crawl"], task, 0)
            assert waited.wait(30)
            time.sleep(0.1)

    said(monkeypatch, act)
    assert len(polled) == 1
