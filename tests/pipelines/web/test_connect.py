"""What sockets are opened to; every attempt is recorded and goes to the test's own server."""

import socket

import httpcore
import pytest

from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.connect import Budget, VettedBackend, seconds_left
from pipelines.web.failures import FetchError, Reason
from tests.support.loopback import SUFFIX, loopback_web

PUBLIC, PUBLIC_6 = "93.184.215.14", "2606:4700::1111"


@pytest.fixture
def opened(monkeypatch):
    """The addresses that sockets were opened to; each attempt ends at the test's own server."""
    attempts, connect = [], socket.create_connection
    with loopback_web() as web:

        def create_connection(address, timeout=None, **kwargs):
            attempts.append(address)
            return connect(("127.0.0.1", web.port), timeout, **kwargs)

        monkeypatch.setattr(socket, "create_connection", create_connection)
        yield attempts


def connect(resolver, host="example.com", port=80, loopback=None, seconds=5.0):
    with Budget(seconds).running():
        VettedBackend(resolver, loopback).connect_tcp(host, port).close()


def refusal(resolver, host="example.com", port=80, loopback=None):
    with pytest.raises(FetchError) as caught:
        connect(resolver, host, port, loopback)
    return caught.value.failure


def test_the_socket_goes_to_the_vetted_address_and_not_to_the_name(opened):
    connect(lambda host, _: [PUBLIC])
    assert opened == [(PUBLIC, 80)]


@pytest.mark.parametrize("answers", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC]])
def test_a_name_that_rebinds_is_asked_once_a_connection(opened, answers):
    asked: list[str] = []

    def resolver(host, _):
        asked.append(host)
        return [answers[len(asked) - 1]]

    if answers[0] == PUBLIC:
        connect(resolver)
    else:
        assert refusal(resolver).reason is Reason.ADDRESS_REFUSED
    assert asked == ["example.com"]
    assert opened == ([(PUBLIC, 80)] if answers[0] == PUBLIC else [])


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        [PUBLIC, "10.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, PUBLIC_6, "::1"],
        ["::ffff:127.0.0.1"],
        ["169.254.169.254"],
        ["64:ff9b::7f00:1"],
        ["0.0.0.0"],
    ],
)
def test_one_denied_answer_refuses_the_host(opened, answers):
    failure = refusal(lambda *_: answers)
    assert failure.reason is Reason.ADDRESS_REFUSED
    assert failure.detail.startswith("example.com resolves to ")
    assert opened == []


def test_ports_of_other_services_are_refused(opened):
    assert (
        refusal(lambda *_: [PUBLIC], port=25).detail == "port 25 of example.com is not a web port"
    )
    assert opened == []


def test_the_grant_opens_its_port_for_its_hosts_alone(opened):
    loopback = LoopbackAllowance(4321, SUFFIX)

    def resolver(host, _):
        assert not host.endswith(SUFFIX)  # granted hosts are not looked up
        return ["127.0.0.1"]

    connect(resolver, "img" + SUFFIX, 9999, loopback)
    assert opened == [("127.0.0.1", 4321)]
    for host in ("localhost", "127.0.0.1", "evil.example", "demo.test"):
        assert refusal(resolver, host, 4321, loopback).reason is Reason.ADDRESS_REFUSED
    assert len(opened) == 1


def test_an_address_that_does_not_answer_is_followed_by_the_next(monkeypatch):
    tried = []

    def create_connection(address, *_, **__):
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(httpcore.ConnectError):
        connect(lambda *_: [PUBLIC, PUBLIC_6])
    assert tried == [PUBLIC, PUBLIC_6]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Reason.HOST_UNKNOWN),
        (socket.gaierror(socket.EAI_AGAIN, "later"), Reason.DNS_FAILED),
        (UnicodeError("label too long"), Reason.DNS_FAILED),
    ],
)
def test_names_that_do_not_resolve(error, reason):
    def resolver(*_):
        raise error

    assert refusal(resolver).reason is reason


def test_a_name_without_addresses_is_unknown():
    assert refusal(lambda *_: []).reason is Reason.HOST_UNKNOWN


def test_a_slow_look_up_is_a_time_out():
    def resolver(*_):
        raise TimeoutError

    with pytest.raises(httpcore.ConnectTimeout):
        connect(resolver)


def test_a_budget_runs_only_inside():
    budget = Budget(60.0)
    with budget.running():
        first = seconds_left()
    budget._left -= 50
    with budget.running():
        assert seconds_left() <= first - 50
    with Budget(0.0).running(), pytest.raises(httpcore.ReadTimeout):
        seconds_left()
