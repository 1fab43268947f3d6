"""What the command that draws by a DALL·E mini says, and what it refuses."""

import json
from pathlib import Path

import pytest

from orchestration.cli.main import run_line
from orchestration.engine.config import config_class, keep_config
from tests.support.drawing import saved_prior
from tests.support.minis import saved_mini


@pytest.fixture
def mini(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    return saved_mini("mini.safetensors")


def answer(capsys, *words: str) -> tuple[int, str, str]:
    return run_line(list(words)), *capsys.readouterr()


def test_images_are_drawn_with_the_parameters_of_the_notebook(capsys, mini):
    line = ["mini", "a red apple", "--checkpoint", mini, "-n", "3", "--gen-top-k", "9"]
    given = ["--gen-top-p", "0.9", "--temperature", "2", "--cond-scale", "3", "--seed", "5"]
    code, out, _ = answer(capsys, *line, *given, "--out", "drawn/")
    assert (code, out) == (0, "images   drawn/sheet.png\nfacts    drawn/samples.json\n")
    facts = json.loads(Path("drawn/samples.json").read_text())
    assert {name: facts[name] for name in facts if name != "rows"} == {
        "gen_top_k": 9, "gen_top_p": 0.9, "temperature": 2.0, "cond_scale": 3.0, "seed": 5,
        "drawn": 3,
    }  # fmt: skip
    assert [image["number"] for image in facts["rows"][0]["images"]] == [0, 1, 2]
    answer(capsys, *line[:-2], "-n", "1", "--gen-top-k", "9", *given, "--out", "one/")
    first = (Path(folder, "000-000.png").read_bytes() for folder in ("drawn", "one"))
    assert len({*first}) == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--checkpoint", "none.safetensors"], 1, "no mini checkpoint at none.safetensors"),
        (["--checkpoint", "prior.safetensors"], 1, "is a prior checkpoint where a mini"),
        (["--checkpoint", "other.safetensors"], 1, "does not ship; name it with --codec"),
        (["--checkpoint", "other.safetensors", "--codec", "demo"], 1, "of another codec: sha256"),
        (["--checkpoint", "mini.safetensors", "--cond-scale", "nan"], 2, "for '--cond-scale'"),
        (["--dir", "run"], 1, "run has no DALL·E mini; `dalle train mini"),
    ],
)
def test_what_cannot_draw_is_told_with_what_mends_it(capsys, mini, words, code, said):
    saved_prior("prior.safetensors")
    saved_mini("other.safetensors", "ab" * 32)
    keep_config("run", config_class().model_validate({"crawl": {"sources": [{"path": "x.tsv"}]}}))
    found, out, err = answer(capsys, "mini", "a cat", *words)
    assert (found, out) == (code, "")
    assert said in err
    assert "Traceback" not in err
