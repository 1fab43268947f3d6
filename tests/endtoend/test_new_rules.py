"""Rules and a reader of another package are known in every process of a run, workers included."""

import json
import os
from pathlib import Path

import pytest

from tests.support.commands import dalle, environment
from tests.support.plugins import PAIRS, RULES, write_plugin

pytestmark = pytest.mark.slow
CAPTIONS = ["a dog, a cat, a hat", "a dog on a hill", "the sea at night", "a boat on the water"]
CONFIG = """\
num_shards: 3
crawl: {sources: [{path: pairs.ndtxt}]}
captions: {recipe: own.yaml}
"""
RECIPE = """\
about: Two rules of another package.
rules:
  too_many_commas: {value: 1, source: "chosen: for this test"}
data:
  rare_beginning: {value: 2, source: "chosen: for this test"}
"""


def run(folder: Path, path: str) -> None:
    env = environment(PYTHONPATH=path)
    dalle("run", "crawl", "captions", "--workers", "2", cwd=folder, env=env)


def test_a_run_with_two_workers_knows_them(tmp_path):
    plugin = write_plugin(tmp_path / "site-packages", "pairs", RULES, PAIRS)
    (tmp_path / "dalle.yaml").write_text(CONFIG)
    (tmp_path / "own.yaml").write_text(RECIPE)
    lines = (f"http://a.test/{n}.png {caption}" for n, caption in enumerate(CAPTIONS))
    (tmp_path / "pairs.ndtxt").write_text("\n".join(lines))
    run(tmp_path, os.pathsep.join([str(plugin), os.environ.get("PYTHONPATH", "")]))
    manifest = json.loads((tmp_path / "runs" / "run" / "captions" / "manifest.json").read_text())
    assert manifest["rejected"] == {"rare_beginning": 1, "too_many_commas": 1}
    assert (manifest["rows_in"], manifest["rows_out"]) == (4, 2)
