"""What the command line itself answers: its help, its version, and what it does not know."""

import sys

import pytest
import torch

from dalle_model.tokenizers.dvae import Dvae
from orchestration.beam.profile import known_profiles
from orchestration.cli.main import run_line
from orchestration.engine.registry import registry
from tests.support.codecs import TINY
from tests.support.job_service import job_service, nobody, silence


def answer(capsys, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a line."""
    return run_line(list(words)), *capsys.readouterr()


def test_alone_it_shows_its_help(capsys):
    code, out, err = answer(capsys)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: ")
    assert "[OPTIONS] COMMAND" in out.splitlines()[0]
    assert answer(capsys, "--help")[1] == out


def test_its_version_is_that_of_the_package(capsys):
    from importlib.metadata import version

    assert answer(capsys, "--version")[:2] == (0, f"dalle {version('dalle')}\n")


@pytest.mark.parametrize("command", ["run", "demo", "explain", "recipes", "report", "verify",
                                     "sample", "complete", "mini", "grid", "export",
                                     "train", "convert"])  # fmt: skip
def test_every_command_has_a_help_of_its_own(capsys, command):
    for option in ("-h", "--help"):
        code, out, err = answer(capsys, command, option)
        assert (code, err) == (0, "")
        assert f" {command} [OPTIONS]" in out.splitlines()[0]
        assert "--debug" in out


def test_the_help_of_a_run_lists_the_stages(capsys):
    _, out, _ = answer(capsys, "run", "-h")
    lines = [
        line.split() for line in out[out.index("Stages:") :].splitlines()[1:] if line[:2] == "  "
    ]
    listed = [words[0] for words in lines if words[0] in registry()]
    assert sorted(listed) == sorted(registry())
    assert listed.index("crawl") < listed.index("encode") < listed.index("prior")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rum"], "No such command 'rum'. Did you mean 'run'?\nTry `dalle --help`."),
        (["verify", "--dri", "x"], "Try `dalle verify --help`."),
        (["train", "x", "--config"], "Try `dalle train --help`."),
        (["verify", "--dir", "none"], "none is not a run directory"),
        (["run", "--config", "none.yaml"], "none.yaml: cannot read the config"),
    ],
)
def test_wrong_usage_is_2_with_a_line(capsys, words, said):
    code, out, err = answer(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


@pytest.fixture
def config(tmp_path, monkeypatch) -> str:
    """A config of one table, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.tsv").write_text("a red apple\thttp://h.example/1.png\n")
    (tmp_path / "c.yaml").write_text("crawl: {sources: [{path: pairs.tsv}]}\nnum_shards: 1\n")
    return "c.yaml"


def test_the_help_of_what_beam_runs_shows_profiles(capsys):
    for command in ("run", "demo", "recipes"):
        _, out, _ = answer(capsys, command, "-h")
        assert "--profile NAME|FILE" in out
        assert all(name in out for name in known_profiles())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--profile", "flnik"], 2, "no profile 'flnik'; did you mean `flink`?"),
        (["--profile", "flink"], 2, "runs/run: each worker of FlinkRunner would write below"),
        (["--profile", "flink", "--paralelism=3", "--job_endpoint="], 2, "mean `--parallelism`?"),
        (["--profile", "flink", "--dry_run=True"], 2, "--dry_run is for DataflowRunner"),
        (["--profile", "flink", "--dir", "/shared/run", "--job_endpoint={nobody}"], 1,
         "no job service at {nobody}: Connection refused; start Beam's job server"),
        (["--dir", "gs://bucket/run"], 1, "run `pip install 'dalle[gcs]'`"),
        (["--profile", "gs://bucket/flink.yaml"], 1, "run `pip install 'dalle[gcs]'`"),
        (["--runner=FlinkRunner", "--flink_master=h:1", "--dir", "/shared/run"], 2,
         "the image of the workers is not named"),
    ],
)  # fmt: skip
def test_a_runner_that_cannot_start_is_a_line_and_nothing_is_touched(
    capsys, monkeypatch, config, tmp_path, words, code, said
):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    address = nobody()
    words = [word.format(nobody=address) for word in words]
    found, out, err = answer(capsys, "run", "crawl", "--config", config, *words)
    assert (found, out) == (code, "")
    assert said.format(nobody=address) in err
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.yaml", "pairs.tsv"]


def test_fetch_by_nobody_knows_how_many_is_refused(capsys, config):
    with job_service() as endpoint, silence() as pool:
        code, _, err = answer(
            capsys, "run", "fetch", "--config", config, "--dir", "/shared/run",
            "--runner=PortableRunner", f"--job_endpoint={endpoint}",
            "--environment_type=EXTERNAL", f"--environment_config={pool}",
        )  # fmt: skip
    assert code == 2
    assert "fetch asks the web, and this runner does not say how many processes it has" in err


def test_a_plan_with_a_profile_asks_no_service(capsys, config):
    code, out, _ = answer(capsys, "run", "crawl", "--plan", "--config", config, "--profile=flink")
    stage, disk = out.splitlines()
    assert (code, stage) == (0, "crawl      not finished yet: would be made")
    assert disk.startswith("disk       up to 63 B for each pair that the sources hold, ")


def test_a_profile_runs(capsys, config, tmp_path):
    (tmp_path / "mine.yaml").write_text("runner: local\nworkers: 1\n")
    words = ["--config", config, "--dir", "run", "--profile", "mine.yaml"]
    code, out, _ = answer(capsys, "run", "crawl", *words)
    assert (code, out) == (0, "report   run/report/index.html\n")


def test_released_weights_become_a_codec_and_code_in_a_pickle_is_named(capsys, tmp_path):
    model, out = Dvae(TINY), f"{tmp_path}/dvae.safetensors"
    halves = [f"{tmp_path}/{name}.pkl" for name in ("encoder", "decoder")]
    torch.save(model.encoder.state_dict(), halves[0])
    torch.save(model.decoder.state_dict(), halves[1])
    said = f"codec    {out} (16 x 24 px, 6 of 32 codes)\n"
    assert answer(capsys, "convert", *halves, out, "--size", "16x24") == (0, said, "")
    torch.save({"a": print}, halves[1])
    code, _, err = answer(capsys, "convert", *halves, out)
    assert code == 2
    assert "asks for '__builtin__.print'" in err
    assert answer(capsys, "convert", halves[0])[0] == 2


def test_the_files_of_a_mini_are_told_by_its_merges(capsys, tmp_path):
    sources = [f"{tmp_path}/{name}" for name in ("encoder.pt", "decoder.pt", "merges.txt")]
    code, _, err = answer(capsys, "convert", *sources, f"{tmp_path}/mini.safetensors")
    assert code == 2
    assert "vocab.json, merges.txt, and the checkpoint of the codec" in err
    code, _, err = answer(capsys, "convert", *sources, f"{tmp_path}/m.safetensors", "--size", "8")
    assert code == 2
    assert "leave --size out" in err
