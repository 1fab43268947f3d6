import socket
import time

import pytest

from pipelines.web import resolve


def test_answers_are_remembered_and_failures_are_not(monkeypatch):
    asked = []

    def getaddrinfo(host, *_, **__):
        asked.append(host)
        if host == "bad":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(0, 0, 0, "", (a, 0)) for a in ("192.0.2.1", "2001:db8::1", "192.0.2.1")]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    system = resolve.SystemResolver()
    for _ in range(2):
        assert system("good", 5.0) == ["192.0.2.1", "2001:db8::1"]
        with pytest.raises(socket.gaierror):
            system("bad", 5.0)
    assert asked == ["good", "bad", "bad"]


def test_a_look_up_has_a_time_limit(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(0.2))
    with pytest.raises(TimeoutError):
        resolve.SystemResolver()("slow", 0.01)


def test_odd_spellings_of_loopback_resolve_to_it_without_a_network():
    system = resolve.SystemResolver()
    assert {tuple(system(h, 5.0)) for h in ("127.1", "0x7f000001", "2130706433")} == {
        ("127.0.0.1",)
    }
