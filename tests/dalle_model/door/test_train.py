"""`python -m dalle_model train prior`, in this process, in others, and by torchrun."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dalle_model.__main__ import main
from dalle_model.prior.trained import load_prior
from tests.support.commands import environment
from tests.support.token_shards import write_numbered_shards

ROWS = [60, 40]
SMALL = [
    *("model.layers=2", "model.heads=2", "model.head_dim=8", "training.batch_size=4"),
    *("training.precision=float32", "training.optimizer=adamw", "training.device=cpu"),
]


def options(*settings: str) -> list[str]:
    return [word for setting in (*SMALL, *settings) for word in ("--set", setting)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_numbered_shards(tmp_path / "encode", ROWS, codec_sha256="ab" * 32)
    return tmp_path


def train(run: Path, *arguments: str) -> int:
    return main(["train", "prior", "--dir", str(run), *arguments])


def test_a_prior_is_made_of_the_shards_of_a_run(run: Path, capsys) -> None:
    assert train(run, *options("training.steps=3")) == 0
    said, told = capsys.readouterr()
    trained = load_prior(str(run / "prior.safetensors"))
    assert said.startswith(f"{run}/prior.safetensors: ")
    assert f"{trained.metrics['parameters']:,} parameters, 3 steps, text_ce" in said
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        f"step {step} of 3" for step in (1, 2, 3)
    ]
    config = trained.prior.config
    assert (config.layers, config.width, config.text_vocab) == (2, 16, trained.tokenizer.size)
    assert trained.tokenizer.content == (run / "bpe.json").read_bytes()


def test_settings_come_from_the_config_of_a_run_and_then_from_options(run: Path, capsys) -> None:
    (run / "dalle.yaml").write_text(
        "crawl: {sources: [{path: pages.warc.gz}]}\n"
        "bpe: {vocab_size: 300}\n"
        "prior: {preset: small, training: {steps: 2, seed: 7}}\n"
    )
    config = ["--config", str(run / "dalle.yaml")]
    assert train(run, *config, *options("training.steps=1", "model.text_len=12")) == 0
    trained = load_prior(str(run / "prior.safetensors"))
    assert (trained.tokenizer.size, trained.metrics["steps"]) == (300, 1)
    assert trained.prior.config.text_len == 12


def test_shards_and_tokenizer_may_lie_elsewhere(run: Path, tmp_path: Path) -> None:
    assert train(run, *options("training.steps=1")) == 0
    made = run / "bpe.json"
    tokenizer = made.rename(run / "other.json")
    write_numbered_shards(run / "more", [10], codec_sha256="ab" * 32)
    folders = [str(run / "encode"), str(run / "more")]
    out = tmp_path / "elsewhere"
    settings = options("training.steps=1", "pairs.max_images=null")
    assert train(out, *folders, "--tokenizer", str(tokenizer), *settings) == 0
    assert load_prior(str(out / "prior.safetensors")).metrics["pairs"] > 0
    assert not made.exists()
    assert not (out / "bpe.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "training.stps=1"], "prior.training.stps: unknown setting"),
        (["--set", "training.steps"], "--set training.steps: give NAME=VALUE"),
        (["--set", "training.steps=0"], "steps must be at least 1"),
        (["--set", "training.steps=[1"], "'[1' is no YAML value"),
        (["--preset", "huge"], "prior.preset: Input should be 'demo'"),
        (["--config", "none.yaml"], "none.yaml: cannot read the config"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(run: Path, capsys, words: list[str], said: str) -> None:
    assert train(run, *words) == 2
    assert said in capsys.readouterr().err


def test_other_ranks_say_nothing_of_what_all_fail_by(run: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("RANK", "1")
    assert train(run, "--set", "training.steps=0") == 2
    assert capsys.readouterr() == ("", "")


def started(run: Path) -> "subprocess.Popen[str]":
    """A training that has taken the first of a great many steps."""
    command = [sys.executable, "-m", "dalle_model", "train", "prior", "--dir", str(run)]
    process = subprocess.Popen(
        [*command, *options("training.steps=1000000", "training.checkpoint_every=1000000")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("step 1 of 1,000,000: loss")
    return process


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_after_a_step_that_is_saved(run: Path, number: int, code: int) -> None:
    process = started(run)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code
    found = re.fullmatch(r"dalle: stopped after step ([\d,]+) of 1,000,000; .*\n", said)
    assert found
    steps = int(found[1].replace(",", ""))
    assert train(run, *options(f"training.steps={steps + 1}")) == 0
    assert load_prior(str(run / "prior.safetensors")).metrics["steps"] == steps + 1


@pytest.mark.slow
def test_two_processes_of_torchrun_make_one_prior_and_say_it_once(run: Path) -> None:
    torchrun = str(Path(sys.executable).with_name("torchrun"))
    result = subprocess.run(
        [
            *(torchrun, "--nproc-per-node", "2", "-m", "dalle_model", "train", "prior"),
            *("--dir", str(run), *options("training.steps=3", "training.parallel=fsdp")),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment(),
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("prior.safetensors: ") == 1
    assert [line[:11] for line in result.stderr.splitlines() if line.startswith("step ")] == [
        f"step {step} of 3" for step in (1, 2, 3)
    ]
    several = load_prior(str(run / "prior.safetensors"))
    assert train(run, *options("training.steps=3")) == 0
    alone = load_prior(str(run / "prior.safetensors"))
    assert several.metrics["image_ce"] == pytest.approx(alone.metrics["image_ce"], rel=1e-6)
