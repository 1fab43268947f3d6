"""The config that the README shows runs as it is written there, from a WARC to a report.

Names are the one thing that a test cannot have of the live web: they are answered from the archive.
"""

import re
from pathlib import Path

import pytest

from orchestration.cli.main import app
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import read_manifest
from tests.support.small_web import write_small_web

pytestmark = pytest.mark.slow
README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    found = re.search(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    assert len(found[1].splitlines()) <= 16
    (tmp_path / "dalle.yaml").write_text(found[1])
    return tmp_path


def answered_from(archive: str, folder: Path) -> None:
    """Let an archive in the folder answer in place of the web."""
    with (folder / "dalle.yaml").open("a") as config:
        config.write(f"replay: {{archive: {archive}, hosts: .demo.test}}\n")


def test_the_readmes_config_runs_the_whole_job(folder, capsys):
    write_small_web(folder / "pages.warc.gz", num_pages=1)
    answered_from("pages.warc.gz", folder)
    app(["run", "--config", "dalle.yaml", "--dir", "runs/my-run"], standalone_mode=False)
    assert "report   runs/my-run/report/index.html" in capsys.readouterr().out
    samples = read_manifest(RunFolder("runs/my-run").stage("samples"))
    assert samples is not None
    assert samples.metrics["captions"] == 16
    assert (folder / "runs" / "my-run" / "report" / "index.html").exists()


def test_the_readmes_table_of_urls_is_read(folder):
    line = re.search(r"`(\{path: pairs\.tsv.*?\})`", README.read_text())
    assert line is not None
    text = (folder / "dalle.yaml").read_text()
    source = next(row for row in text.splitlines() if "path: pages.warc.gz" in row)
    (folder / "dalle.yaml").write_text(text.replace(source, f"    - {line[1]}"))
    (folder / "pairs.tsv").write_text("a red apple on a table\thttp://host.example/apple.png\n")
    app(
        ["run", "crawl", "captions", "--config", "dalle.yaml", "--dir", "run"],
        standalone_mode=False,
    )
    manifest = read_manifest(RunFolder("run").stage("captions"))
    assert manifest is not None
    assert manifest.rows_out == 1
