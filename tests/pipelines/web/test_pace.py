import asyncio
import functools
import time

import pytest

from pipelines.web import pace as pace_module
from pipelines.web.pace import MAX_DELAY_S, Pace, PaceSettings, retry_after_s, shared_pace


def in_a_loop(test):
    """Run a test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    return run


async def all_at_once(count, work):
    await asyncio.gather(*(work() for _ in range(count)))


@pytest.mark.parametrize(
    ("concurrency", "num_workers", "is_guest", "allowed"),
    [(1, 1, False, 1), (3, 1, True, 3), (4, 2, True, 2), (4, 2, False, 4), (1, 4, True, 1)],
)
@in_a_loop
async def test_turns_at_once(concurrency, num_workers, is_guest, allowed):
    pace = Pace(PaceSettings(concurrency, num_workers=num_workers))
    all_in, active, most = asyncio.Barrier(allowed), [], []

    async def work():
        async with pace.turn("a", is_guest=is_guest):
            active.append(1)
            most.append(len(active))
            async with asyncio.timeout(10):  # where fewer are let in at once
                await all_in.wait()
            active.pop()

    await all_at_once(3 * allowed, work)
    assert len(most) == 3 * allowed
    assert max(most) <= allowed


@in_a_loop
async def test_who_stops_waiting_takes_no_turn():
    pace, turns = Pace(PaceSettings(1)), []

    async def work():
        async with pace.turn("a"):
            turns.append(1)
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(work()) for _ in range(4)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        waiting[2].cancel()
    assert len(turns) == 2


@in_a_loop
async def test_the_starts_of_guests_lie_the_delay_apart_times_the_workers():
    pace = Pace(PaceSettings(4, delay_s=0.005, num_workers=2))
    began = time.monotonic()

    async def work():
        async with pace.turn("a", is_guest=True):
            pass

    await all_at_once(8, work)
    assert time.monotonic() - began >= 7 * 0.01


@in_a_loop
async def test_the_delay_counts_from_the_end_of_a_request():
    pace = Pace(PaceSettings(1, delay_s=0.05))
    async with pace.turn("a"):
        await asyncio.sleep(0.05)
        ended = time.monotonic()
    async with pace.turn("a"):
        assert time.monotonic() - ended >= 0.05


@in_a_loop
async def test_a_rest_ends_when_the_host_may_be_asked_again():
    pace = Pace(PaceSettings(1, delay_s=0.05))
    await pace.rest("a")
    async with pace.turn("a"):
        pass
    ended = time.monotonic()
    await pace.rest("a")
    assert time.monotonic() - ended >= 0.049


@in_a_loop
async def test_what_the_host_asks_for_holds_when_it_is_longer():
    pace = Pace(PaceSettings(1))
    began = time.monotonic()
    async with pace.turn("a", delay_s=0.05):
        pass
    async with pace.turn("a"):
        assert time.monotonic() - began >= 0.05


@in_a_loop
async def test_a_delay_that_is_learnt_holds_at_once():
    pace = Pace(PaceSettings(1))
    async with pace.turn("a"):
        pass
    began = time.monotonic()
    async with pace.turn("a", delay_s=0.05):
        assert time.monotonic() - began >= 0.049


@in_a_loop
async def test_a_held_host_waits_and_others_do_not():
    pace = Pace(PaceSettings(1))
    pace.hold("b", 0.05)
    held = time.monotonic()
    pace.hold("never", 30)
    async with pace.turn("a"):
        pass  # would hang for half a minute
    async with pace.turn("b"):
        assert time.monotonic() - held >= 0.049


def test_a_host_cannot_hold_itself_for_ever():
    pace = Pace(PaceSettings(1))
    pace.hold("a", 1e9)
    assert pace._hosts["a"].next_start <= time.monotonic() + MAX_DELAY_S


def test_equal_settings_share_one_pace():
    assert shared_pace(PaceSettings(7, 0.5)) is shared_pace(PaceSettings(7, 0.5))
    assert shared_pace(PaceSettings(7, 0.5)) is not shared_pace(PaceSettings(7, 0.6))


@in_a_loop
async def test_a_shared_pace_never_forgets_when_to_wait():
    settings = PaceSettings(1, delay_s=0.05)
    shared_pace(settings).hold("a", 0.05)
    held = time.monotonic()
    for number in range(200):
        shared_pace(PaceSettings(1, delay_s=1.0 + number))
    async with shared_pace(settings).turn("a"):
        assert time.monotonic() - held >= 0.049


@in_a_loop
async def test_hosts_at_rest_are_forgotten_and_those_that_wait_are_not(monkeypatch):
    monkeypatch.setattr(pace_module, "_TIDY_HOSTS", 3)
    pace = Pace(PaceSettings(1))
    pace.hold("held", 30)
    async with pace.turn("busy"):
        for name in "abcdef":
            async with pace.turn(name):
                pass
            pace._hosts[name].last = pace._hosts[name].next_start = -1e9
    assert {"held", "busy"} <= pace._hosts.keys()
    assert len(pace._hosts) < 8


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after_s([("Retry-After", value)], now=10.0) == seconds


def test_no_retry_after():
    assert retry_after_s([("Server", "x")], now=10.0) is None
