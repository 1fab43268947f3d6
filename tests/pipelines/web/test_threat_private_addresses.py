"""A stranger's URL must not reach this machine or its network: directly, by redirect, by name.

Threats: server-side request forgery, name servers that rebind, and spellings of addresses that only
some checks know.
"""

import asyncio
import random
import socket
import sys
import time
from asyncio.selector_events import BaseSelectorEventLoop
from dataclasses import replace

import pytest

from pipelines.web import resolve
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.answers import Response
from pipelines.web.client import Client
from pipelines.web.failures import Reason
from pipelines.web.loop import run
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings
from tests.support.loopback import SUFFIX, loopback_web

SETTINGS = HttpSettings(
    user_agent="dallebot/0.1",
    timeout_s=20.0,
    max_bytes=100_000,
    max_redirects=3,
    retries=0,
    backoff_s=0.0,
    connections=64,
    pace=PaceSettings(32),
)
PUBLIC = ("93.184.215.14", "2606:4700::1111", "1.1.1.1")
PRIVATE = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "192.168.0.1", "0.0.0.0")
REFUSED = {Reason.ADDRESS_REFUSED, Reason.SCHEME_REFUSED, Reason.URL_REFUSED}

# Spellings of this machine, of private networks and of metadata services. Source: WHATWG URL,
# section 3.5, for numbers; RFC 4291, 6052 and 3056 for addresses within addresses.
_SPELLINGS = (
    "127.0.0.1 127.0.0.1. 127.1 127.0.1 127.255.255.254 0177.0.0.1 0177.1 017700000001 "
    "0x7f.0.0.1 0x7f.1 0x7f000001 0X7F000001 2130706433 0 0.0.0.0 00 0x0 127.0.0.1%2e "
    "%31%32%37.0.0.1 \u2460\u2461\u2466.\u24ea.\u24ea.\u2460 \uff11\uff12\uff17.0.0.1 "
    "127\u30020\u30020\u30021 127\uff0e0\uff0e0\uff0e1 [::1] [0:0:0:0:0:0:0:1] [::] "
    "[::127.0.0.1] [::7f00:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:10.0.0.1] "
    "[64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b:1::1] [2002:7f00:1::] [2002:a00:1::] "
    "[2001::1] [fec0::1] [fe80::1] [fc00::1] [fd00:ec2::254] [ff02::1] [3fff::1] "
    "[5f00::1] [100::1] 10.0.0.1 10.1 167772161 172.16.0.1 172.31.255.255 192.168.1.1 "
    "192.168.257 0xc0a80101 169.254.169.254 0xa9fea9fe 2852039166 169.254.43518 "
    "100.64.0.1 168.63.129.16 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 192.0.0.192 "
    "192.88.99.1 localhost LOCALHOST. localhost.localdomain metadata.internal "
    "intranet.corp"
)
SPELLINGS = _SPELLINGS.split()
PORTS = ("", ":80", ":443", ":8080", ":22")
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.localdomain": ["127.0.0.1"],
    "metadata.internal": ["169.254.169.254"],
    "intranet.corp": ["10.2.3.4"],
}


def stub(host):
    """Names from a list, and numbers as the system reads them, without a network."""
    if host in NAMES:
        return NAMES[host]
    answers = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    return sorted({answer[4][0] for answer in answers})


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running


@pytest.fixture
def client(web):
    made = Client(SETTINGS, LoopbackAllowance(web.port, SUFFIX), stub)
    yield made
    made.close()


def fetch_all(client, urls):
    async def all_of_them():
        return await asyncio.gather(*map(client.fetcher.fetch, urls))

    return run(all_of_them())


def test_sixty_spellings_on_five_ports_reach_nothing(client, web):
    assert len(SPELLINGS) >= 60
    urls = [f"http://{host}{port}/x" for host in SPELLINGS for port in PORTS]
    reasons = {url: found.reason for url, found in zip(urls, fetch_all(client, urls), strict=True)}
    assert {url: reason for url, reason in reasons.items() if reason not in REFUSED} == {}
    assert web.asked == []


OTHER_SCHEMES = ("file:///etc/passwd", "ftp://a.test/x", "data:image/png;base64,AA", "gopher://a/")


def test_four_hundred_urls_open_no_socket_and_no_file(client, web):
    """Direct ones, each behind four kinds of redirect, and as a refresh in a page."""
    targets = [f"http://{host}{':8080' if i % 3 else ''}/x" for i, host in enumerate(SPELLINGS)]
    targets += OTHER_SCHEMES
    urls = list(targets)
    for i, target in enumerate(targets):
        location = target.encode().decode("latin-1")
        for status in (301, 302, 307, 308):
            web.page(f"r.demo.test/{i}-{status}", status=status, headers=[("Location", location)])
            urls.append(f"http://r.demo.test/{i}-{status}")
        page = f'<meta http-equiv="refresh" content="0;url={target}">'.encode()
        web.page(f"r.demo.test/{i}-page", page, headers=[("Refresh", f"0;url={location}")])
    pages = [f"http://r.demo.test/{i}-page" for i in range(len(targets))]
    assert len(urls) + len(pages) >= 400
    events, is_on = [], [True]

    def hook(event, arguments):
        if is_on[0] and event in {"socket.connect", "open", "subprocess.Popen", "socket.sendto"}:
            events.append((event, arguments[-1] if event == "socket.connect" else arguments))

    client.fetch("http://r.demo.test/none")  # modules and tables that are loaded on first use
    client.fetch("http://①.0.0.1/")
    sys.addaudithook(hook)  # cannot be taken away again, only silenced
    found = fetch_all(client, urls)
    refreshes = fetch_all(client, pages)
    is_on[0] = False
    reasons = {url: got.reason for url, got in zip(urls, found, strict=True)}
    assert {url: reason for url, reason in reasons.items() if reason not in REFUSED} == {}
    assert all(isinstance(page, Response) for page in refreshes)  # and nobody follows it
    outside = [event for event in events if event != ("socket.connect", ("127.0.0.1", web.port))]
    assert outside == []
    assert len(events) >= len(urls) - len(targets)  # the hook saw the redirects asked for


@pytest.fixture
def opened(monkeypatch, web):
    """What sockets were opened to; each attempt ends at the test's own server."""
    attempts, connect = [], BaseSelectorEventLoop.sock_connect

    async def sock_connect(loop, sock, address):
        attempts.append(address[0])
        if sock.family == socket.AF_INET6:
            raise ConnectionRefusedError
        await connect(loop, sock, ("127.0.0.1", web.port))

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", sock_connect)
    return attempts


def test_a_hundred_names_that_rebind_are_connected_to_where_they_were_vetted(
    monkeypatch, web, opened
):
    """Each lookup gives another answer, the first of them public."""
    monkeypatch.setattr(resolve, "LIFETIME_S", -1.0)  # the second fetch asks again
    asked: dict[str, int] = {}

    def flips(host):
        asked[host] = asked.get(host, 0) + 1
        return ["93.184.215.14"] if asked[host] == 1 else ["127.0.0.1"]

    hosts = [f"h{number}.example" for number in range(100)]
    for host in hosts:
        web.page(f"{host}/x")
    client = Client(replace(SETTINGS, obeys_robots=False), resolver=flips)
    first = fetch_all(client, [f"http://{host}/x" for host in hosts])
    then = fetch_all(client, [f"http://{host}/x" for host in hosts])
    client.close()
    assert all(isinstance(found, Response) for found in first)
    assert {found.reason for found in then} == {Reason.ADDRESS_REFUSED}
    assert opened == ["93.184.215.14"] * 100
    assert set(asked.values()) == {2}


def test_of_a_hundred_mixed_answers_none_is_connected_to(web, opened):
    chance = random.Random(1)
    answers = {}
    for number in range(100):
        mixed = [*chance.sample(PUBLIC, chance.randint(1, 3)), chance.choice(PRIVATE)]
        chance.shuffle(mixed)
        answers[f"h{number}.example"] = mixed
    client = Client(replace(SETTINGS, obeys_robots=False), resolver=answers.__getitem__)
    found = fetch_all(client, [f"http://{host}/x" for host in answers])
    client.close()
    assert {failure.reason for failure in found} == {Reason.ADDRESS_REFUSED}
    assert opened == []
    assert web.asked == []


def test_a_slow_answer_that_turns_private_is_refused_for_all_that_wait(web, opened):
    def slow(host):
        time.sleep(0.05)
        return ["10.0.0.1"]

    client = Client(replace(SETTINGS, obeys_robots=False), resolver=slow)
    found = fetch_all(client, [f"http://one.example/{number}" for number in range(50)])
    client.close()
    assert {failure.reason for failure in found} == {Reason.ADDRESS_REFUSED}
    assert opened == []
