"""A DALL·E mini is trained on what a run has made, and draws from it."""

from pathlib import Path

from orchestration.cli.main import run_line
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import read_manifest
from tests.support.tiny_run import CAPTION, NUM_IMAGES, write_tiny_config

MINI = """\
bpe: {vocab_size: 300}
mini:
  model: {width: 16, encoder_layers: 1, decoder_layers: 1, heads: 1, ffn: 16}
  training: {steps: 2, batch_size: 4, warmup_steps: 1, precision: float32}
"""


def test_a_run_trains_a_mini_and_draws(tmp_path: Path, capsys) -> None:
    where = ["--config", str(write_tiny_config(tmp_path, MINI)), "--dir", str(tmp_path / "run")]
    data = ["crawl", "captions", "fetch", "images", "dedupe", "encode"]
    assert run_line(["run", *data, *where]) == 0
    assert run_line(["train", "mini", *where]) == 0
    manifest = read_manifest(RunFolder(str(tmp_path / "run"), 2).stage("mini"))
    assert manifest is not None
    assert (manifest.metrics["pairs"], manifest.metrics["steps"]) == (NUM_IMAGES, 2)
    sheet = str(tmp_path / "mini.png")
    capsys.readouterr()
    line = ["mini", CAPTION.format(3), "--dir", str(tmp_path / "run"), "-n", "1", "--out", sheet]
    assert run_line(line) == 0
    assert capsys.readouterr().out == f"images   {sheet}\n"
