import errno
import os

import pytest

from orchestration.human_study.study import StudyError
from orchestration.human_study.votes import (
    Answers,
    Vote,
    VoteFile,
    VotesError,
    read_votes,
    stand,
)


def vote(rater: str = "r1", task: str = "1", realism: str | None = "a") -> Vote:
    given = {"realism": realism, "caption": "neither", "seconds": 2.5}
    answers = Answers.model_validate(given) if realism else None
    return Vote(rater=rater, task=task, left="a", answers=answers, at="2026-01-01")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "votes.jsonl"


def write(path, *votes: Vote) -> None:
    file = VoteFile(path)
    for one in votes:
        file.append(one)
    file.close()


def test_votes_come_back_in_their_order(path):
    votes = [vote("r1"), vote("r2", realism="b"), vote("r1", realism=None)]
    write(path, *votes[:1])
    write(path, *votes[1:])
    assert read_votes(path) == votes
    assert read_votes(path.with_name("none")) == []


@pytest.mark.parametrize("cut", range(1, 20, 3))
def test_a_half_last_line_is_passed_over_and_cut_off(path, cut):
    write(path, vote("r1"), vote("r2"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert [v.rater for v in read_votes(path)] == ["r1"]
    write(path, vote("r3"))
    assert [v.rater for v in read_votes(path)] == ["r1", "r3"]


def test_a_broken_line_elsewhere_is_named(path):
    write(path, vote("r1"), vote("r2"))
    path.write_bytes(path.read_bytes().replace(b'"r1"', b'"r1', 1))
    with pytest.raises(VotesError, match="line 1 is no vote"):
        read_votes(path)


def test_one_server_writes_at_a_time(path):
    first = VoteFile(path)
    with pytest.raises(StudyError, match="is being served already"):
        VoteFile(path)
    first.close()
    VoteFile(path).close()


def test_a_vote_that_the_disk_refuses_leaves_the_file_as_it_was(path, monkeypatch):
    file = VoteFile(path)
    file.append(vote("r1"))
    real = os.write

    def full(descriptor: int, line: bytes) -> int:
        real(descriptor, line[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        file.append(vote("r2"))
    monkeypatch.undo()
    file.append(vote("r3"))
    file.close()
    assert [v.rater for v in read_votes(path)] == ["r1", "r3"]


def test_a_vote_is_synced_before_it_is_promised(path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.stat().st_size))
    write(path, vote("r1"), vote("r2"))
    assert synced == [path.stat().st_size // 2, path.stat().st_size]


def test_the_last_vote_on_a_task_stands_unless_it_was_taken_back():
    votes = [vote(task="1"), vote(task="2"), vote(task="1", realism="b")]
    standing = stand(votes)
    assert list(standing["r1"]) == ["2", "1"]
    assert standing["r1"]["1"] == votes[2]
    assert list(stand([*votes, vote(task="1", realism=None)])["r1"]) == ["2"]


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e6])
def test_times_are_times(seconds):
    with pytest.raises(ValueError, match="seconds"):
        Answers(realism="a", caption="b", seconds=seconds)
