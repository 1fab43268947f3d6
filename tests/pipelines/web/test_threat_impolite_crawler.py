"""A crawler must not press a host: told by what twenty servers saw."""

import asyncio
import threading
import time
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.answers import Response
from pipelines.web.client import Client
from pipelines.web.loop import run
from pipelines.web.pace import Pace, PaceSettings
from pipelines.web.settings import HttpSettings
from tests.support.loopback import SUFFIX, answer, loopback_web

DELAY_S, CRAWL_DELAY_S = 0.02, 0.05
SETTINGS = HttpSettings(
    user_agent="dallebot/0.1",
    timeout_s=20.0,
    max_bytes=100_000,
    max_redirects=3,
    retries=2,
    backoff_s=0.0,
    connections=64,
    pace=PaceSettings(1, DELAY_S),
)
NUM_HOSTS, NUM_URLS = 20, 50


class Log:
    """When each request to each host began and ended, as the servers saw it."""

    def __init__(self):
        self._lock = threading.Lock()
        self.spans = defaultdict(list)

    def handler(self, handle):
        def handler(request, connection):
            began = time.monotonic()
            reply = handle(request)
            with self._lock:  # before the client can know
                self.spans[request.host].append((began, time.monotonic()))
            connection.sendall(reply)

        return handler

    def gaps(self, host):
        spans = sorted(self.spans[host])
        return [begin - end for (_, end), (begin, _) in pairwise(spans)]


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running


def fetch_all(web, urls, num_clients=1, **changes):
    """By several clients of this process, which share the pace; each takes its part of the URLs."""
    grant = LoopbackAllowance(web.port, SUFFIX)
    clients = [
        Client(replace(SETTINGS, max_bytes=100_000 + i, **changes), grant)
        for i in range(num_clients)
    ]

    async def all_of_them():
        turns = [
            clients[i * num_clients // len(urls)].fetcher.fetch(url) for i, url in enumerate(urls)
        ]
        return await asyncio.gather(*turns)

    found = run(all_of_them())
    for client in clients:
        client.close()
    return found


@pytest.mark.parametrize("num_clients", [1, 2])
def test_twenty_hosts_see_one_request_at_a_time_and_the_delay_between(web, num_clients):
    log = Log()
    hosts = [f"h{number}.demo.test" for number in range(NUM_HOSTS)]
    for host in hosts:
        web.route(f"{host}/robots.txt", log.handler(lambda _: answer(status=404)))
        for number in range(NUM_URLS):
            web.route(f"{host}/{number}", log.handler(lambda _: answer(b"picture")))
    urls = [f"http://{host}/{number}" for number in range(NUM_URLS) for host in hosts]
    found = fetch_all(web, urls, num_clients, pace=PaceSettings(1, DELAY_S + num_clients / 1e6))
    assert all(isinstance(page, Response) for page in found)
    for host in hosts:
        assert len(log.spans[host]) == NUM_URLS + num_clients  # each client asks for robots.txt
        assert min(log.gaps(host)) >= DELAY_S  # so none overlap either


def test_a_crawl_delay_longer_than_ours_is_kept(web):
    log = Log()
    rules = f"User-agent: *\nCrawl-delay: {CRAWL_DELAY_S}".encode()
    web.page("slow.demo.test/robots.txt", rules)
    for number in range(15):
        web.route(f"slow.demo.test/{number}", log.handler(lambda _: answer(b"picture")))
    found = fetch_all(web, [f"http://slow.demo.test/{number}" for number in range(15)])
    assert all(isinstance(page, Response) for page in found)
    assert min(log.gaps("slow.demo.test")) >= CRAWL_DELAY_S


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_asks_for_a_rest_gets_it_for_all_its_urls(web, status):
    log, host = Log(), f"tired{status}.demo.test"
    seen = []

    def handle(request):
        seen.append(request.path)
        if len(seen) == 3:
            return answer(status=status, headers=[("Retry-After", "1")])
        return answer(b"picture")

    for number in range(6):
        web.route(f"{host}/{number}", log.handler(handle))
    found = fetch_all(web, [f"http://{host}/{number}" for number in range(6)])
    assert all(isinstance(page, Response) for page in found)
    assert len(seen) == 7
    assert log.gaps(host)[2] >= 1.0


def test_where_a_redirect_leads_to_another_site_a_worker_is_a_guest(web, monkeypatch):
    """With its own hosts it takes all, `www.` before their names or not."""
    turns = set()
    turn = Pace.turn

    def watched(pace, host, delay_s=0.0, *, is_guest=False):
        turns.add((host, is_guest))
        return turn(pace, host, delay_s, is_guest=is_guest)

    monkeypatch.setattr(Pace, "turn", watched)
    web.page("www.a.demo.test/picture")
    for host, target in (("a", "www.a"), ("b", "www.a")):
        headers = [("Location", f"http://{target}.demo.test/picture")]
        web.page(f"{host}.demo.test/moved", status=302, headers=headers)
    assert isinstance(fetch_all(web, ["http://a.demo.test/moved"])[0], Response)
    assert turns == {("a.demo.test", False), ("www.a.demo.test", False)}
    turns.clear()
    assert isinstance(fetch_all(web, ["http://b.demo.test/moved"])[0], Response)
    assert turns == {("b.demo.test", False), ("www.a.demo.test", False), ("www.a.demo.test", True)}
