import asyncio
import socket
import threading
import time

import pytest

from pipelines.web import resolve
from pipelines.web.resolve import Lookups, is_unknown, look_up


def fails_with(code):
    def resolver(host):
        raise socket.gaierror(code, "no")

    return resolver


def test_one_lookup_serves_all_that_ask_and_is_remembered():
    asked = []

    def resolver(host):
        asked.append(host)
        time.sleep(0.02)
        return ["192.0.2.1"]

    async def ask():
        lookups = Lookups(resolver)
        found = await asyncio.gather(*(lookups.of("a") for _ in range(9)))
        return [*found, await lookups.of("a")]

    assert asyncio.run(ask()) == [["192.0.2.1"]] * 10
    assert asked == ["a"]


@pytest.mark.parametrize(
    ("code", "lifetime_s"),
    [
        (socket.EAI_NONAME, resolve.LIFETIME_S),
        (socket.EAI_AGAIN, resolve.FAILED_LIFETIME_S),
    ],
)
def test_failures_are_remembered_as_long_as_they_are_likely_to_last(monkeypatch, code, lifetime_s):
    asked, clock = [], [1000.0]

    def resolver(host):
        asked.append(host)
        return fails_with(code)(host)

    async def ask():
        lookups = Lookups(resolver)
        for clock[0] in (1000.0, 1000.0 + lifetime_s, 1001.0 + lifetime_s):
            with pytest.raises(socket.gaierror):
                await lookups.of("bad")

    monkeypatch.setattr(resolve, "time", type("clock", (), {"monotonic": lambda: clock[0]}))
    asyncio.run(ask())
    assert len(asked) == 2


def test_who_stops_waiting_leaves_the_lookup_to_the_others():
    may_end = threading.Event()

    def resolver(host):
        may_end.wait(10)
        return [host]

    async def ask():
        lookups = Lookups(resolver)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await lookups.of("slow")
        may_end.set()
        return await lookups.of("slow")

    assert asyncio.run(ask()) == ["slow"]


def test_hosts_are_looked_up_side_by_side():
    all_in = threading.Barrier(20)

    async def ask():
        lookups = Lookups(lambda _: [str(all_in.wait(timeout=10))])
        return await asyncio.gather(*(lookups.of(f"h{i}") for i in range(20)))

    assert len(asyncio.run(ask())) == 20


def test_the_system_gives_each_address_once(monkeypatch):
    answers = [(0, 0, 0, "", (a, 0)) for a in ("192.0.2.1", "2001:db8::1", "192.0.2.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    assert look_up("good") == ["192.0.2.1", "2001:db8::1"]


def test_odd_spellings_of_loopback_resolve_to_it_without_a_network():
    assert {tuple(look_up(h)) for h in ("127.1", "0x7f000001", "2130706433")} == {("127.0.0.1",)}


def test_an_unknown_name_is_no_failure_to_ask():
    assert is_unknown(socket.gaierror(socket.EAI_NONAME, "unknown"))
    assert not is_unknown(socket.gaierror(socket.EAI_AGAIN, "later"))
    assert not is_unknown(OSError(5, "input/output"))
