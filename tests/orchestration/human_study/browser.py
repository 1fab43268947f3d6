"""Raters at the page itself; collected by `make test-browser` alone, since it needs Chromium.

The same study without a browser is in `test_server.py`.
"""

import json
from collections.abc import Iterator

import pytest

from orchestration.commands.human_study import tally
from orchestration.human_study.server import Serving
from orchestration.human_study.study import Study, StudyFolder, left_model
from orchestration.human_study.votes import read_votes
from tests.support.chromium import Chromium, Page, chromium
from tests.support.human_study import CAPTIONS, choice, expected, small_study

OPEN = "document.readyState === 'complete' && !element('realism').disabled"
DONE = "document.readyState === 'complete' && element('status').className === 'seen'"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as running:
        yield running


@pytest.fixture
def made(tmp_path) -> tuple[StudyFolder, Study]:
    return small_study(tmp_path)


def judged(page: Page, number: int) -> None:
    """Wait until so many tasks are judged, and the next is open or nothing is left."""
    is_next = f"({OPEN}) || ({DONE})"
    page.await_that(f"element('progress').value === {number} && ({is_next})")


def keys(study: Study, rater: int, caption: str) -> tuple[str, str]:
    """The keys by which a scripted rater answers a task."""
    left = next(
        left_model(study, f"r{rater + 1}", task) for task in study.tasks if task.caption == caption
    )
    realism, match = choice(rater, CAPTIONS.index(caption))
    return tuple(  # type: ignore[return-value]
        "3" if model == "neither" else "1" if model == left else "2" for model in (realism, match)
    )


def test_five_raters_press_keys_and_are_counted_as_they_chose(made, browser):
    folder, study = made
    with Serving(str(folder.path), 5, "127.0.0.1", 0) as serving:
        for rater, link in enumerate(serving.links.values()):
            page = browser.page()
            page.open(link)
            page.await_that("typeof element === 'function'")
            for number in range(len(CAPTIONS)):
                judged(page, number)
                for key in keys(study, rater, page.value("element('caption').textContent")):
                    page.press(key)
            judged(page, len(CAPTIONS))
            assert page.value("element('count').textContent") == "6 of 6 judged"
        sent = [e["params"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
        asked = [one["request"]["url"] for one in sent]
        hosts = {url.split("/")[2] for url in asked if not url.startswith("data:")}
        assert hosts == {link.split("/")[2]}
    counted = tally(str(folder.path)).all_raters
    ends = {n: {e: s.tasks for e, s in question.shares.items()} for n, question in counted.items()}
    assert ends == expected()
    assert len(read_votes(folder.votes)) == 30
    told = [
        e for e in browser.events if e["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")
    ]
    assert told == []


def test_the_keyboard_alone_answers_and_takes_back(made, browser):
    folder, _ = made
    with Serving(str(folder.path), 1, "127.0.0.1", 0) as serving:
        page = browser.page()
        page.open(serving.links["r1"])
        page.await_that("typeof element === 'function'")
        judged(page, 0)
        assert page.value("element('undo').disabled")
        for key in ("3", "x", "Backspace", "Enter"):  # none of which answers the first question
            page.press(key)
        assert page.value("element('match').disabled")
        page.press("2")
        assert page.value("document.querySelectorAll('[aria-pressed=true]').length") == 1
        page.press("Backspace")
        assert page.value("document.querySelectorAll('[aria-pressed=true]').length") == 0
        for key in ("Tab", "Enter", "Tab", "Tab", "Tab", "Enter"):  # to Image 1, and to Neither
            page.press(key)
        judged(page, 1)
        page.press("Backspace")
        judged(page, 0)
    first, taken_back = read_votes(folder.votes)
    assert first.answers is not None
    assert (first.answers.realism, first.answers.caption) == (first.left, "neither")
    assert (taken_back.task, taken_back.answers) == (first.task, None)


def test_an_answer_that_meets_no_server_is_sent_when_there_is_one_again(made, browser):
    folder, _ = made
    page = browser.page()
    with Serving(str(folder.path), 1, "127.0.0.1", 0) as serving:
        page.open(serving.links["r1"])
        page.await_that("typeof element === 'function'")
        judged(page, 0)
        page.press("1")
    page.press("2")
    page.await_that("!element('trouble').hidden")
    assert "Nothing is lost" in page.value("element('trouble').textContent")
    with Serving(str(folder.path), 1, "127.0.0.1", 0):
        page.press("Enter")
        judged(page, 1)
        assert page.value("element('trouble').hidden")
    assert len(read_votes(folder.votes)) == 1


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_a_task_is_seen_without_scrolling(made, browser, size):
    with Serving(str(made[0].path), 1, "127.0.0.1", 0) as serving:
        page = browser.page()
        page.open(serving.links["r1"], size)
        page.await_that("typeof element === 'function'")
        judged(page, 0)
        page.press("1")
        places = json.loads(
            page.value(
                "JSON.stringify([...document.querySelectorAll('img, button')]"
                ".filter(e => !e.hidden).map(e => e.getBoundingClientRect()))"
            )
        )
        assert len(places) == 8
        assert all(p["left"] >= 0 and p["right"] <= size[0] for p in places)
        assert all(p["top"] >= 0 and p["bottom"] <= size[1] for p in places)
        left, right = places[:2]
        assert left["top"] == right["top"]
        assert left["width"] == left["height"] == right["width"] >= 0.4 * min(size[0], 900)
