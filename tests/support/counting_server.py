"""A web server on loopback that counts what each host is asked: `python -m … LATENCY_S BYTES`.

It answers every image after a while, and no robots.txt. What it saw is told at `/seen` of any host.
It runs in a process of its own, as `raw_server` does.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from urllib.request import urlopen

from tests.support.raw_server import NOT_FOUND, listen, response

SEEN = "/seen"


@dataclass
class Seen:
    """What one host was asked.

    Args:
        images: requests but for robots.txt.
        robots: requests for robots.txt.
        most_active: images that were being made at once.
        first, last: when an image was asked for, in seconds of one clock.
        least_gap_s: between the answer to an image and the next request for one.
    """

    images: int = 0
    robots: int = 0
    most_active: int = 0
    first: float = 0.0
    last: float = 0.0
    least_gap_s: float = float("inf")


class _Hosts:
    def __init__(self, latency_s: float, body: bytes) -> None:
        self.latency_s, self.body = latency_s, response(body)
        self.seen: dict[str, Seen] = defaultdict(Seen)
        self.active: dict[str, int] = defaultdict(int)
        self.answered: dict[str, float] = {}

    def begin(self, host: str) -> None:
        seen, now = self.seen[host], time.monotonic()
        seen.first, seen.last = seen.first or now, now
        seen.images += 1
        self.active[host] += 1
        seen.most_active = max(seen.most_active, self.active[host])
        if host in self.answered:
            seen.least_gap_s = min(seen.least_gap_s, now - self.answered[host])

    def end(self, host: str) -> bytes:
        self.active[host] -= 1
        self.answered[host] = time.monotonic()
        return self.body

    def asked(self, transport: asyncio.Transport, host: str, path: str) -> None:
        """Answer a request, an image after a while."""
        if path == SEEN:
            told = json.dumps({name: asdict(seen) for name, seen in self.seen.items()})
            transport.write(response(told.encode(), "application/json"))
        elif path == "/robots.txt":
            self.seen[host].robots += 1
            transport.write(NOT_FOUND)
        else:
            self.begin(host)
            loop = asyncio.get_running_loop()
            loop.call_later(self.latency_s, lambda: transport.write(self.end(host)))


def seen_by(port: int) -> dict[str, Seen]:
    """What each host of a running server was asked."""
    with urlopen(f"http://127.0.0.1:{port}{SEEN}") as answer:
        return {host: Seen(**values) for host, values in json.load(answer).items()}


if __name__ == "__main__":
    listen(_Hosts(float(sys.argv[1]), b"x" * int(sys.argv[2])).asked, backlog=4096)
