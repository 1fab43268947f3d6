"""Worker processes: where they import from, and how the death of one is reported."""

import os
import shlex
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import orchestration
from orchestration.beam.workers import LOST, PYTHON
from orchestration.cli.failures import describe
from tests.support.commands import dalle, environment

SHADOWED = ("pipelines", "dalle_model", "orchestration")
CAPTION = "A brown dog runs over the green grass"


def test_the_error_is_shown_without_its_class():
    message = describe(RuntimeError(f"Traceback (most recent call last):\n{LOST}"))
    assert message.startswith("a worker process was killed")


@pytest.fixture
def hostile_folder(tmp_path) -> Path:
    """A working directory whose packages have our names and fail on import."""
    for name in SHADOWED:
        package = tmp_path / "here" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise ImportError('the wrong package')\n")
    return tmp_path / "here"


def test_a_worker_imports_from_pythonpath_but_not_from_where_it_was_started(hostile_folder):
    root = str(Path(orchestration.__path__[0]).parent)
    code = "import dalle_model, orchestration, pipelines; print(*pipelines.__path__)"
    result = subprocess.run(
        shlex.join([*PYTHON, "-c", code]),
        shell=True,
        cwd=hostile_folder,
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == str(Path(root, "pipelines")), result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [("crawl", "captions"), ("crawl", "--debug")], ids=["quiet", "debug"]
)
def test_a_run_in_a_folder_with_packages_of_our_names(hostile_folder, tmp_path, arguments):
    (tmp_path / "pairs.tsv").write_text(f"{CAPTION}\thttp://site.test/1.png\n")
    (hostile_folder / "dalle.yaml").write_text(
        f"name: small\nnum_shards: 2\ncrawl: {{sources: [{{path: {tmp_path / 'pairs.tsv'}}}]}}\n"
    )
    root = Path(orchestration.__path__[0]).parent
    result = dalle(
        *("run", *arguments, "--dir", tmp_path / "run", "--workers", 2),
        cwd=hostile_folder,
        env=environment(PYTHONPATH=str(root)),
    )
    assert "the wrong package" not in result.stdout + result.stderr
    parts = (tmp_path / "run" / "crawl").glob("part-*.parquet")
    captions = [caption for part in parts for caption in pq.read_table(part)["caption"].to_pylist()]
    assert captions == [CAPTION]
    manifests = sorted(path.parent.name for path in (tmp_path / "run").glob("*/manifest.json"))
    assert manifests == sorted(name for name in arguments if name != "--debug")
