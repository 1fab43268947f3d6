"""Five scripted raters over HTTP, hostile requests, and a server that is killed between votes."""

import http.client
import json
import signal
import subprocess
import urllib.error
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from orchestration.commands.human_study import tally
from orchestration.human_study.server import Serving
from orchestration.human_study.study import Study, StudyError, StudyFolder, Task, left_model, order
from orchestration.human_study.votes import VoteFile, read_votes
from tests.support.commands import DALLE, environment
from tests.support.human_study import CAPTIONS, ask, choice, expected, model_of, small_study


@pytest.fixture
def made(tmp_path) -> tuple[StudyFolder, Study]:
    return small_study(tmp_path)


@pytest.fixture
def serving(made) -> Iterator[Serving]:
    with Serving(str(made[0].path), 5, "127.0.0.1", 0) as running:
        yield running


@pytest.fixture(scope="module")
def refusing(tmp_path_factory) -> Iterator[tuple[StudyFolder, Serving]]:
    """One for all requests that change nothing."""
    folder, _ = small_study(tmp_path_factory.mktemp("refusing"))
    with Serving(str(folder.path), 5, "127.0.0.1", 0) as running:
        yield folder, running


def side(model: str, left: str) -> str:
    return model if model == "neither" else "left" if model == left else "right"


def answer(study: Study, rater: int, task: dict[str, str]) -> dict[str, object]:
    """What a scripted rater sends of a task that is before them."""
    realism, match = choice(rater, CAPTIONS.index(task["caption"]))
    left = left_model(study, f"r{rater + 1}", Task(**task))
    return {
        "task": task["id"],
        "realism": side(realism, left),
        "caption": side(match, left),
        "seconds": 5.0,
    }


def ends(folder: StudyFolder) -> dict[str, dict[str, int]]:
    return {
        name: {end: share.tasks for end, share in question.shares.items()}
        for name, question in tally(str(folder.path)).all_raters.items()
    }


def status(request, url: str, body: bytes | None = None, **headers: str) -> int:
    """The status that a request is answered with."""
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(request, at.path, body, named)
    answered = connection.getresponse()
    answered.read()
    connection.close()
    return answered.status


def test_five_raters_vote_and_are_counted_as_they_chose(made, serving):
    folder, study = made
    for number, link in enumerate(serving.links.values()):
        shown = ask(link + "task")
        for judged, task in enumerate(order(study, f"r{number + 1}")):
            assert shown == {"task": task.model_dump(), "judged": judged, "left": 6 - judged}
            shown = ask(link + "vote", answer(study, number, shown["task"]))
        assert shown == {"task": None, "judged": 6, "left": 0}
    assert ends(folder) == expected()
    assert len(read_votes(folder.votes)) == 30


def test_nothing_that_is_sent_tells_a_model_and_sides_are_as_noted(made, serving):
    folder, study = made
    link = serving.links["r2"]
    task = ask(link + "task")["task"]
    assert set(task) == {"id", "caption"}
    images = {s: urlopen(f"{link}image/{task['id']}/{s}").read() for s in ("left", "right")}
    assert model_of(images["left"]) == left_model(study, "r2", Task(**task))
    assert {model_of(image) for image in images.values()} == {"a", "b"}
    for name in ("", "study.js", "study.css", "task"):
        with urlopen(link + name) as answered:
            text = answered.read().decode() + str(answered.headers)
        assert [word for word in ("reds", "blues", str(folder.path)) if word in text] == []
        assert "http:" not in text
        assert "https:" not in text
        assert "default-src 'none'" in answered.headers["Content-Security-Policy"]


def test_an_answer_that_comes_twice_is_kept_once_and_one_can_be_taken_back(made, serving):
    folder, study = made
    link = serving.links["r1"]
    first = ask(link + "task")["task"]
    given = answer(study, 0, first)
    assert ask(link + "vote", given) == ask(link + "vote", given)
    assert len(read_votes(folder.votes)) == 1
    assert ask(link + "undo", {}) == {"task": first, "judged": 0, "left": 6}
    assert ask(link + "undo", {}) == {"task": first, "judged": 0, "left": 6}
    assert len(read_votes(folder.votes)) == 2
    assert ask(link + "vote", given)["judged"] == 1


GOOD = {"realism": "left", "caption": "neither", "seconds": 1}
JSON = {"Content_Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "headers", "expected_status"),
    [
        ({}, JSON, 400),
        ({**GOOD, "task": "99999"}, JSON, 400),
        ({**GOOD, "task": "../00001"}, JSON, 400),
        ({**GOOD, "task": "00001", "realism": "neither"}, JSON, 400),
        ({**GOOD, "task": "00001", "rater": "r2"}, JSON, 400),
        ({**GOOD, "task": "00001", "seconds": -1}, JSON, 400),
        ({**GOOD, "task": "00001"}, {"Content_Type": "text/plain"}, 415),
        ({**GOOD, "task": "00001"}, JSON | {"Sec_Fetch_Site": "cross-site"}, 403),
        ({**GOOD, "task": "00001"}, JSON | {"Content_Length": "-1"}, 411),
        ({**GOOD, "task": "x" * 2000}, JSON, 413),
    ],
)
def test_what_is_no_answer_of_the_page_is_refused(refusing, body, headers, expected_status):
    folder, serving = refusing
    link = serving.links["r1"] + "vote"
    assert status("POST", link, json.dumps(body).encode(), **headers) == expected_status
    assert read_votes(folder.votes) == []


@pytest.mark.parametrize(
    "path",
    [
        "study.json",
        "votes.jsonl",
        "../study.json",
        "image/00001",
        "image/00001/a",
        "image/00001-a.png",
        "image/../00001/left",
        "image/..%2f00001/left",
        "image/00099/left",
        "page/study.js",
        "vote",
    ],
)
def test_nothing_else_is_served(refusing, path):
    assert status("GET", refusing[1].links["r1"] + path) == 404


def test_who_has_no_link_gets_nothing(refusing):
    _, serving = refusing
    base = serving.links["r1"].rsplit("/", 2)[0]
    for path in ("/", "/r1/", "/r1/task", "//task", "/favicon.ico"):
        assert status("GET", base + path) == 404
    assert status("POST", f"{base}/r1/vote", b"{}", Content_Type="application/json") == 404
    assert len({link for link in serving.links.values() if len(urlsplit(link).path) == 24}) == 5


def test_a_vote_that_cannot_be_kept_is_said_to_the_page(serving, monkeypatch):
    def full(self: VoteFile, vote: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(VoteFile, "append", full)
    link = serving.links["r1"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(link + "vote", {**GOOD, "task": ask(link + "task")["task"]["id"]})
    assert refused.value.code == 507
    assert refused.value.read() == b"The answer could not be kept: No space left on device."
    assert ask(link + "task")["judged"] == 0


def test_a_study_has_one_server_and_its_links_are_private(made, serving):
    study = str(made[0].path)
    with pytest.raises(StudyError, match="is being served already"):
        Serving(study, 5, "127.0.0.1", 0)
    assert (made[0].raters.stat().st_mode & 0o777) == 0o600


def test_links_stay_and_further_raters_get_their_own(made):
    links = []
    for number in (2, 3, 1):
        with Serving(str(made[0].path), number, "127.0.0.1", 0) as serving:
            links.append(list(serving.links.values()))
    assert [len(of) for of in links] == [2, 3, 3]
    assert links[0] == links[1][:2]
    assert links[1] == links[2]
    made[0].raters.write_text("{}x")
    with pytest.raises(StudyError, match="delete it, and send everybody a new link"):
        Serving(str(made[0].path), 2, "127.0.0.1", 0)


def test_a_port_that_is_taken_is_said_and_the_study_is_free_again(made, serving, tmp_path):
    port = urlsplit(serving.links["r1"]).port
    other, _ = small_study(tmp_path / "other")
    with pytest.raises(StudyError, match="nothing can listen there"):
        Serving(str(other.path), 5, "127.0.0.1", port or 0)
    VoteFile(other.votes).close()


class Served:
    """`dalle evaluate human serve` in a process."""

    def __init__(self, folder: StudyFolder) -> None:
        words = [DALLE, "evaluate", "human", "serve", str(folder.path), "--raters", "2"]
        self.process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(PYTHONUNBUFFERED="1"),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as a terminal does
        )
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline() for _ in range(3)]
        self.links = [line.split()[1] for line in lines[:2]]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(timeout=60)


def half_line(path: Path) -> None:
    """What a machine leaves that loses its power while a vote is written."""
    with path.open("ab") as stream:
        stream.write(b'{"rater":"r1","task":"0000')


def test_a_server_that_is_killed_between_votes_goes_on_where_each_rater_was(tmp_path):
    folder, study = small_study(tmp_path)
    given: list[tuple[str, str]] = []
    links = []
    for turns, end in (((0, 1, 0), signal.SIGKILL), ((1, 1), signal.SIGINT)):
        served = Served(folder)
        links.append(served.links)
        for rater in turns:
            link = served.links[rater]
            shown = ask(link + "task")
            judged = [task for who, task in given if who == f"r{rater + 1}"]
            tasks = [t.id for t in order(study, f"r{rater + 1}")]
            assert (shown["judged"], shown["task"]["id"]) == (len(judged), tasks[len(judged)])
            ask(link + "vote", answer(study, rater, shown["task"]))
            given.append((f"r{rater + 1}", shown["task"]["id"]))
        assert served.end(end) == {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130}[end]
        half_line(folder.votes)
    assert links[0] == links[1]
    kept = [(vote.rater, vote.task) for vote in read_votes(folder.votes)]
    assert [one == other for one, other in zip_longest(kept, given)] == [True] * 5
