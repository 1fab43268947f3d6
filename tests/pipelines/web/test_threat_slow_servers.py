"""A server that trickles must cost its own images only: in headers, body or handshake."""

import asyncio
import socket
import threading
import time

import pytest

from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.answers import Response
from pipelines.web.client import Client
from pipelines.web.failures import Reason
from pipelines.web.loop import run
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings
from tests.support.loopback import SUFFIX, loopback_web

DEADLINE_S = 2.0
SETTINGS = HttpSettings(
    user_agent="dallebot/0.1",
    timeout_s=DEADLINE_S,
    max_bytes=100_000,
    max_redirects=3,
    retries=0,
    backoff_s=0.0,
    connections=128,
    pace=PaceSettings(4),
    obeys_robots=False,
)
NUM_SLOW, NUM_QUICK = 64, 50
HEADS = {
    "headers": b"HTTP/1.1 200 OK\r\nX: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "status": b"HTTP/1.1 200 O",
    "handshake": None,
}


@pytest.fixture
def silent():
    """A port that takes connections and says nothing, as a handshake that never comes."""
    taken, listener = [], socket.create_server(("127.0.0.1", 0), backlog=128)

    def accept():
        while True:
            try:
                taken.append(listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
    for connection in taken:
        connection.close()


@pytest.mark.parametrize("kind", HEADS)
def test_sixty_four_slow_servers_end_with_the_deadline_and_delay_no_other(kind, silent):
    ends_early = threading.Event()  # the test is over: the threads of the server may end
    ended: list[str] = []

    def trickle(_, connection):
        connection.sendall(HEADS[kind])
        while not ends_early.wait(0.2):
            connection.sendall(b"1")

    with loopback_web() as web:
        for number in range(NUM_QUICK):
            web.page(f"quick.demo.test/{number}")
        for number in range(NUM_SLOW):
            web.route(f"s{number}.demo.test/p", trickle)
        port = silent if HEADS[kind] is None else web.port
        scheme = "https" if HEADS[kind] is None else "http"
        slow = Client(SETTINGS, LoopbackAllowance(port, SUFFIX))
        quick = Client(SETTINGS, LoopbackAllowance(web.port, SUFFIX))

        async def fetch(client, url, name):
            found = await client.fetcher.fetch(url)
            ended.append(name)
            return found

        async def all_of_them():
            slow_ones = [
                fetch(slow, f"{scheme}://s{number}.demo.test/p", "slow")
                for number in range(NUM_SLOW)
            ]
            quick_ones = [
                fetch(quick, f"http://quick.demo.test/{number}", "quick")
                for number in range(NUM_QUICK)
            ]
            return await asyncio.gather(*slow_ones, *quick_ones)

        began = time.monotonic()
        found = run(all_of_them())
        took_s = time.monotonic() - began
        ends_early.set()
        slow.close()
        quick.close()
    assert {failure.reason for failure in found[:NUM_SLOW]} == {Reason.TIMED_OUT}
    assert all(isinstance(page, Response) for page in found[NUM_SLOW:])
    assert ended == ["quick"] * NUM_QUICK + ["slow"] * NUM_SLOW
    assert took_s < DEADLINE_S + 8  # a second here; the servers would go on for ever
