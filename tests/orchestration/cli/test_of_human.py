"""The commands `dalle evaluate human …` as a person gives them."""

import json

import pytest

from orchestration.cli.main import run_line
from orchestration.human_study.votes import Answers, Vote, VoteFile
from tests.support.human_study import small_study, write_samples


def answer(capsys, *words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a line."""
    return run_line(["evaluate", "human", *map(str, words)]), *capsys.readouterr()


def test_alone_the_group_shows_its_commands_and_each_has_an_example(capsys):
    code, out, err = answer(capsys)
    assert (code, err) == (0, "")
    for name in ("make", "serve", "tally"):
        assert f"\n  {name} " in out
        assert f"Example: `dalle evaluate human {name} " in answer(capsys, name, "-h")[1]


def test_a_study_is_made_and_counted(capsys, tmp_path):
    reds, blues = write_samples(tmp_path, "reds"), write_samples(tmp_path, "blues")
    study = tmp_path / "study"
    code, out, _ = answer(capsys, "make", reds, blues, "--out", study, "--number", 4, "--votes", 1)
    assert (code, out) == (0, f"{study}: 4 tasks of 6 captions in both\n")
    file = VoteFile(study / "votes.jsonl")
    answers = Answers(realism="a", caption="b", seconds=3)
    file.append(Vote(rater="r1", task="00001", left="b", answers=answers, at="2026"))
    file.close()
    code, out, _ = answer(capsys, "tally", study)
    assert (code, out.splitlines()[0]) == (0, "1 of 4 tasks have 1 votes, and are counted")
    assert out.endswith("dropped: nobody\n")
    code, out, _ = answer(capsys, "tally", study, "--json", "--without", "r1")
    found = json.loads(out)
    assert (code, found["complete"], found["dropped"]) == (0, 1, {"r1": "asked for"})
    assert found["all_raters"]["realism"]["shares"]["a"]["tasks"] == 1
    code, _, err = answer(capsys, "tally", study, "--without", "r2")
    assert (code, err) == (2, "dalle: no rater 'r2' has voted; there are r1\n")


@pytest.mark.parametrize("words", [["tally"], ["serve", "--port", "0"]])
def test_what_is_no_study_is_a_line(capsys, tmp_path, words):
    code, out, err = answer(capsys, words[0], tmp_path, *words[1:])
    assert (code, out) == (2, "")
    assert err.startswith(f"dalle: {tmp_path}: no study is there; `dalle evaluate human make")


def test_bad_input_is_a_line(capsys, tmp_path):
    reds = write_samples(tmp_path, "reds")
    code, _, err = answer(capsys, "make", reds, tmp_path / "none", "--out", tmp_path / "study")
    told = f"dalle: the set none: {tmp_path}/none: nothing is there; correct the path\n"
    assert (code, err) == (2, told)
    assert answer(capsys, "make", reds)[0] == 2
    folder, _ = small_study(tmp_path / "other")
    folder.votes.write_text("no vote\n")
    code, _, err = answer(capsys, "tally", folder.path)
    assert code == 1
    assert "line 1 is no vote" in err
