"""The config that the README shows runs, from a WARC to a report, with a short training."""

import re
from pathlib import Path

import pytest

from orchestration.cli.main import app
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import read_manifest
from tests.support.documents import ROOT, readmes_config

README = ROOT / "README.md"
MAX_LINES = 120  # two screens


def test_it_is_of_two_screens_and_keeps_the_two_commands():
    text = README.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    assert "$ make demo" in text
    assert "$ make test" in text


def test_its_config_is_short():
    assert len(readmes_config().splitlines()) <= 16


@pytest.mark.slow
def test_the_readmes_config_runs_the_whole_job(folder, printed):
    assert "report   runs/my-run/report/index.html" in printed
    samples = read_manifest(RunFolder(str(folder / "runs/my-run")).stage("samples"))
    assert samples is not None
    assert samples.metrics["captions"] == 16
    assert (folder / "runs" / "my-run" / "report" / "index.html").exists()


def test_the_documented_table_of_urls_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = re.search(r"`(\{path: pairs\.tsv.*?\})`", (ROOT / "docs" / "sources.md").read_text())
    assert line is not None
    text = readmes_config()
    source = next(row for row in text.splitlines() if "path: pages.warc.gz" in row)
    Path("dalle.yaml").write_text(text.replace(source, f"    - {line[1]}"))
    Path("pairs.tsv").write_text("a red apple on a table\thttp://host.example/apple.png\n")
    app(
        ["run", "crawl", "captions", "--config", "dalle.yaml", "--dir", "run"],
        standalone_mode=False,
    )
    manifest = read_manifest(RunFolder("run").stage("captions"))
    assert manifest is not None
    assert manifest.rows_out == 1
