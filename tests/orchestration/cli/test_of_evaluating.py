"""The commands `dalle evaluate …` as a person gives them."""

from pathlib import Path

import pytest

from orchestration.cli.main import run_line
from tests.support.image_folders import write_images


def answer(capsys, *words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a line."""
    return run_line(["evaluate", *map(str, words)]), *capsys.readouterr()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_images(Path("ours"), {f"{n:02d}": f"a thing {n}" for n in range(12)})
    write_images(Path("real"), {f"r{n}": "" for n in range(12)}, first=50)
    Path("empty").mkdir()


def test_alone_the_group_shows_its_commands(capsys) -> None:
    code, out, err = answer(capsys)
    assert (code, err) == (0, "")
    for name in ("samples", "codec", "overlap", "captions"):
        assert f"\n  {name} " in out
        code, told, _ = answer(capsys, name, "-h")
        assert code == 0
        assert f"Example: dalle evaluate {name} " in told


def test_samples_are_judged_in_a_line(capsys, folders) -> None:
    words = ("samples", "ours", "--reference", "real", "--features", "pixels", "--blur", "0,2")
    code, out, _ = answer(capsys, *words, "--side", 32, "--out", "out")
    assert code == 0
    assert "reference real: 12 images (folder)" in out
    assert "Frechet distance" in out
    assert "warning  distances by pixels are comparable with nothing" in out
    assert "page     out/results.html" in out
    assert Path("out/results.html").is_file()
    assert not list(Path("out").glob(".tmp-*"))


def test_captions_are_drawn_in_a_line(capsys, folders) -> None:
    code, out, _ = answer(capsys, "captions", "ours", "captions.csv", "-n", 5)
    assert (code, out) == (0, "captions captions.csv: 5 of 12\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("samples gone --reference real --features pixels", "gone: nothing is there"),
        ("samples ours --reference empty --features pixels", "empty: nothing is there"),
        ("samples ours --reference real --features inception", "no feature function 'inception'"),
        ("samples ours --reference real --features pixels --classifier pixels", "no classes"),
        ("samples ours --reference real --features pixels --scorer gone", "gone"),
        ("samples ours --reference real --features pixels --blur 0,x", "--blur 0,x: give numbers"),
        ("samples ours ours --reference real --features pixels", "a folder is named twice"),
        ("samples ours --reference a.npz --features pixels", "there are no moments at a.npz"),
        ("samples ours --reference real", "Missing option '--features'"),
        ("codec gone --images real", "gone"),
        ("codec demo --images real --lpips x", "'x' is no LPIPS"),
        ("codec demo --images empty", "empty: nothing is there"),
        ("overlap real --reference ours", "real is not a run directory"),
        ("captions gone captions.csv", "gone: nothing is there"),
    ],
)
def test_what_is_wrong_is_a_line(capsys, folders, words: str, why: str) -> None:
    code, out, err = answer(capsys, *words.split())
    assert (code, out) == (2, "")
    assert err.startswith("dalle: ")
    assert why in err
    assert "Traceback" not in err
    assert not Path("evaluation/results.json").exists()
