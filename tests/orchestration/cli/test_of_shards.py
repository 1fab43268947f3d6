"""The commands `dalle shards …` as a person gives them."""

import json

import pytest

from orchestration.cli.main import run_line
from tests.support.token_shards import pair_rows, write_token_set


def answer(capsys, *words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a line."""
    return run_line(["shards", *map(str, words)]), *capsys.readouterr()


@pytest.fixture
def url(tmp_path) -> str:
    return write_token_set(tmp_path / "a", pair_rows(30), 3)


def test_alone_the_group_shows_its_commands(capsys):
    code, out, err = answer(capsys)
    assert (code, err) == (0, "")
    looks = ("info", "ls", "head", "verify", "decode", "diff", "stats")
    for name in (*looks, "reshard", "merge", "join", "pack", "unpack", "export", "import"):
        assert f"\n  {name} " in out
    assert answer(capsys, "join", "-h")[0] == 0


def test_a_set_is_looked_into(capsys, url):
    assert "rows     30 in 3 shards" in answer(capsys, "info", url)[1]
    assert len(answer(capsys, "ls", url)[1].splitlines()) == 3
    assert answer(capsys, "head", url, "-n", 2)[1].count("image_tokens ") == 2
    assert answer(capsys, "verify", url)[1].startswith("whole ")


def test_what_is_no_set_is_a_line(capsys, tmp_path):
    for words in (
        ["info"],
        ["ls"],
        ["head"],
        ["stats"],
        ["verify"],
        ["decode", "x.png"],
        ["diff", "x"],
    ):
        code, out, err = answer(capsys, words[0], tmp_path, *words[1:])
        assert (code, out) == (2 if words[0] == "diff" else 1, "")
        assert err.startswith(f"dalle: no token shards in {tmp_path}")


def test_sets_are_joined(capsys, url, tmp_path):
    words = ("join", url, url, tmp_path / "b", "--as", "again")
    code, out, _ = answer(capsys, *words)
    assert code == 0
    assert "joined" in out
    assert "image_tokens_again: tiny" in out
    code, _, err = answer(capsys, *words)
    assert code == 2
    assert "is not empty" in err


def test_sets_are_written_anew_and_compared(capsys, url, tmp_path):
    code, out, _ = answer(capsys, "reshard", url, tmp_path / "b", "--rows", 10)
    assert (code, out) == (0, f"written  {tmp_path}/b (30 rows, 3 shards)\n")
    assert answer(capsys, "diff", url, tmp_path / "b")[:2] == (0, "same     30 rows\n")
    code, _, err = answer(capsys, "merge", url, tmp_path / "b", tmp_path / "c")
    assert code == 1
    assert "is there more than once; --drop-copies keeps the first" in err
    code, out, _ = answer(capsys, "merge", url, tmp_path / "b", tmp_path / "d", "--drop-copies")
    assert (code, out.splitlines()[-1]) == (0, "left out 30 copies")


def test_sets_that_differ_are_told_by_the_exit_code(capsys, url, tmp_path):
    other = write_token_set(tmp_path / "b", pair_rows(30, seed=1), 3)
    code, out, err = answer(capsys, "diff", url, other)
    assert (code, err) == (1, "")
    assert out.startswith("both     30 rows\ncodes    ")
    code, out, err = answer(capsys, "diff", url, tmp_path / "none")
    assert (code, out) == (2, "")
    assert "no token shards in" in err


def test_a_set_is_measured(capsys, url, tmp_path):
    code, out, _ = answer(capsys, "stats", url, "--strict")
    assert (code, out.splitlines()[0][:16]) == (0, "rows     30 in 3")
    code, out, _ = answer(capsys, "stats", url, "--json")
    assert (code, json.loads(out)["rows"]) == (0, 30)
    rows = pair_rows(2000)
    for row in rows:
        if int(row["key"][:16], 16) % 2:
            row["image_tokens"] = [0] * 9
    drifting = write_token_set(tmp_path / "b", rows, 2)
    assert answer(capsys, "stats", drifting)[0] == 0
    assert answer(capsys, "stats", drifting, "--strict")[0] == 1


def test_a_set_is_packed_and_unpacked(capsys, url, tmp_path):
    code, out, _ = answer(capsys, "pack", url, tmp_path / "b")
    assert (code, out.splitlines()[0][: len(f"written  {tmp_path}/b")]) == (
        0,
        f"written  {tmp_path}/b",
    )
    assert answer(capsys, "unpack", tmp_path / "b", tmp_path / "c")[0] == 0
    assert answer(capsys, "diff", url, tmp_path / "c")[0] == 0
    assert answer(capsys, "pack", url, tmp_path / "b")[0] == 2


def test_tokens_go_to_another_program_and_back(capsys, url, tmp_path):
    code, out, _ = answer(capsys, "export", "rar", url, tmp_path / "b", "--classes", 3)
    assert (code, out.splitlines()[0]) == (0, f"written  {tmp_path}/b (30 of 30 rows)")
    code, out, _ = answer(capsys, "import", "rar", tmp_path / "b", tmp_path / "c")
    assert (code, out.splitlines()[0]) == (0, f"written  {tmp_path}/c (30 of 30 rows, 1 shards)")
    code, _, err = answer(capsys, "export", "rar", url, tmp_path / "d")
    assert code == 2
    assert err.startswith("dalle: rar has a class for each sample: --classes names a column")


def test_what_foreign_codes_are_is_said_by_options(capsys, tmp_path):
    (tmp_path / "x.jsonl").write_text('{"class_id": 1, "tokens": [0, 1, 2, 3]}\n')
    words = ("import", "rar", tmp_path / "x.jsonl", tmp_path / "b")
    code, _, err = answer(capsys, *words)
    assert code == 2
    assert "--num-codes and --token-shape say how many there are" in err
    code, out, _ = answer(capsys, *words, "--num-codes", 4, "--token-shape", "2x2")
    assert code == 0
    assert "images to 2 x 2 tokens in raster order, each of 4 codes" in out
