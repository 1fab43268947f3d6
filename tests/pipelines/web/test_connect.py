"""What sockets are opened to; every attempt is recorded and goes to the test's own server."""

import asyncio
import errno
import socket
import ssl
from asyncio.selector_events import BaseSelectorEventLoop

import aiohttp
import pytest

from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.connect import Gate, OpenFilesError, reaching, vetted_connector, vetted_socket
from pipelines.web.failures import FetchError, Reason
from tests.support.loopback import SUFFIX, loopback_web

PUBLIC, PUBLIC_6 = "93.184.215.14", "2606:4700::1111"


@pytest.fixture
def opened(monkeypatch):
    """The addresses that sockets were opened to; each attempt ends at the test's own server."""
    attempts, connect = [], BaseSelectorEventLoop.sock_connect
    with loopback_web() as web:

        async def sock_connect(loop, sock, address):
            attempts.append(address[:2])
            await connect(loop, sock, ("127.0.0.1", web.port))

        monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", sock_connect)
        yield attempts


async def _request(gate, host, port):
    connector = vetted_connector(ssl.create_default_context(), 1)
    async with aiohttp.ClientSession(connector=connector) as session:
        with reaching(await gate.endpoints(host, port)):
            async with session.get(f"http://{host}:{port}/") as answer:
                return answer.status


def connect(resolver, host="example.com", port=80, loopback=None, times=1):
    gate = Gate(resolver, loopback)

    async def run():
        for _ in range(times):
            await _request(gate, host, port)

    asyncio.run(run())
    gate.close()


def refusal(resolver, host="example.com", port=80, loopback=None):
    with pytest.raises(FetchError) as caught:
        connect(resolver, host, port, loopback)
    return caught.value.failure


def test_the_socket_goes_to_the_vetted_address_and_not_to_the_name(opened):
    connect(lambda host: [PUBLIC])
    assert opened == [(PUBLIC, 80)]


@pytest.mark.parametrize("answers", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC]])
def test_a_name_that_rebinds_is_asked_once(opened, answers):
    asked: list[str] = []

    def resolver(host):
        asked.append(host)
        return [answers[len(asked) - 1]]

    if answers[0] == PUBLIC:
        connect(resolver, times=2)
    else:
        assert refusal(resolver).reason is Reason.ADDRESS_REFUSED
    assert asked == ["example.com"]
    assert opened == ([(PUBLIC, 80)] * 2 if answers[0] == PUBLIC else [])


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
    failure = refusal(lambda _: answers)
    assert failure.reason is Reason.ADDRESS_REFUSED
    assert failure.detail.startswith("example.com resolves to ")
    assert opened == []


def test_ports_of_other_services_are_refused(opened):
    assert refusal(lambda _: [PUBLIC], port=25).detail == "port 25 of example.com is not a web port"
    assert opened == []


def test_the_grant_opens_its_port_for_its_hosts_alone(opened):
    loopback = LoopbackAllowance(4321, SUFFIX)

    def resolver(host):
        assert not host.endswith(SUFFIX)  # granted hosts are not looked up
        return ["127.0.0.1"]

    connect(resolver, "img" + SUFFIX, 9999, loopback)
    assert opened == [("127.0.0.1", 4321)]
    for host in ("localhost", "127.0.0.1", "evil.example", "demo.test"):
        assert refusal(resolver, host, 4321, loopback).reason is Reason.ADDRESS_REFUSED
    assert len(opened) == 1


def test_an_address_that_does_not_answer_is_followed_by_the_next(monkeypatch):
    tried = []

    async def sock_connect(loop, sock, address):
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", sock_connect)
    with pytest.raises(aiohttp.ClientConnectorError):
        connect(lambda _: [PUBLIC, PUBLIC_6])
    assert set(tried) == {PUBLIC, PUBLIC_6}


@pytest.mark.parametrize("host", ["127.0.0.1", PUBLIC, "[::1]"])
def test_no_socket_is_made_for_an_address_that_nobody_has_vetted(opened, host):
    """The library connects to IP addresses without asking any resolver."""

    async def bypass():
        connector = vetted_connector(ssl.create_default_context(), 1)
        async with aiohttp.ClientSession(connector=connector) as session:
            with reaching([("93.184.215.15", 80)]):
                await session.get(f"http://{host}/")

    with pytest.raises(FetchError, match="was not vetted"):
        asyncio.run(bypass())
    assert opened == []


def test_without_any_vetting_there_is_no_socket():
    with pytest.raises(FetchError, match="was not vetted"):
        vetted_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 80)))


def test_too_many_open_files_are_no_failure_of_the_host(monkeypatch):
    def full(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    async def run(connector):
        async with aiohttp.ClientSession(connector=connector()) as session:
            monkeypatch.setattr("pipelines.web.connect.socket.socket", full)
            with reaching([(PUBLIC, 80)]):
                await session.get(f"http://{PUBLIC}/")

    with pytest.raises(OpenFilesError, match="ulimit"):
        asyncio.run(run(lambda: vetted_connector(ssl.create_default_context(), 1)))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Reason.HOST_UNKNOWN),
        (socket.gaierror(socket.EAI_AGAIN, "later"), Reason.DNS_FAILED),
        (UnicodeError("label too long"), Reason.DNS_FAILED),
    ],
)
def test_names_that_do_not_resolve(error, reason):
    def resolver(_):
        raise error

    assert refusal(resolver).reason is reason


def test_a_name_without_addresses_is_unknown():
    assert refusal(lambda _: []).reason is Reason.HOST_UNKNOWN


def test_a_slow_look_up_is_a_time_out():
    def resolver(_):
        raise TimeoutError

    with pytest.raises(TimeoutError):
        connect(resolver)
