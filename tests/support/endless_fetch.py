"""Fetches URLs of a hostile server in a process of its own, and tells what that cost.

`python -m tests.support.endless_fetch PORT CAP PATH…`: one line of JSON for each path.
"""

import json
import resource
import sys

from aiohttp.client_proto import ResponseHandler

from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.client import Client
from pipelines.web.failures import FetchFailure
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings
from tests.support.loopback import SUFFIX

TIMEOUT_S = 60.0


def main(port: int, cap: int, paths: list[str]) -> None:
    """Fetch and print, after one fetch that loads all modules."""
    num_read = 0
    received = ResponseHandler.data_received

    def data_received(self: ResponseHandler, data: bytes) -> None:
        nonlocal num_read
        num_read += len(data)
        received(self, data)

    ResponseHandler.data_received = data_received  # type: ignore[method-assign]
    settings = HttpSettings("dallebot/0.1", TIMEOUT_S, cap, 3, 0, 0.0, 4, PaceSettings(4), False)
    client = Client(settings, LoopbackAllowance(port, SUFFIX))
    client.fetch("http://a.demo.test/warm")
    for path in paths:
        before, num_read = _peak_rss(), 0
        found = client.fetch(f"http://a.demo.test/{path}")
        reason = found.reason if isinstance(found, FetchFailure) else f"{len(found.body)} bytes"
        told = {"path": path, "reason": reason, "read": num_read, "rss": _peak_rss() - before}
        sys.stdout.write(json.dumps(told) + "\n")
    client.close()


def _peak_rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
