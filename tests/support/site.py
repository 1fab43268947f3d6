"""Web sites on this machine for crawls: many pages, kept connections, every request timed."""

import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SUFFIX = ".demo.test"
ABOUT = ("/robots.txt", "/.well-known/tdmrep.json", "/ai.txt")


@dataclass(frozen=True)
class Answer:
    """What a path of a host answers."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html"),)
    wait_s: float = 0.0


@dataclass(frozen=True)
class Asked:
    """A request, with the moments in seconds at which it came and was answered."""

    host: str
    path: str
    began: float
    ended: float


@dataclass
class LiveSite:
    """Hosts that share one server.

    Args:
        answers: by `host/path`; else 404.
        log: every request, in the order in which they were answered.
        most_connections: the most connections that a host had open at once.
    """

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    most_connections: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    open_connections: defaultdict[str, set[Any]] = field(default_factory=lambda: defaultdict(set))

    def page(self, url: str, html: str = "", **headers: str) -> None:
        """Serve a page at `host/path`; header names are written with underscores."""
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        self.answers[url] = Answer(html.encode(), headers=(("Content-Type", "text/html"), *named))

    def file(self, url: str, content: str, content_type: str = "text/plain") -> None:
        """Serve a file at `host/path`."""
        self.answers[url] = Answer(content.encode(), headers=(("Content-Type", content_type),))

    def redirect(self, url: str, location: str, status: int = 301) -> None:
        """Redirect from `host/path`."""
        self.answers[url] = Answer(status=status, headers=(("Location", location),))

    def pages_asked(self) -> Counter[str]:
        """How often each `host/path` was requested, without files about the sites."""
        return Counter(a.host + a.path for a in self.log if a.path not in ABOUT)

    def gaps_s(self) -> dict[str, list[float]]:
        """Seconds between the end of a request and the next one to the same host, by host."""
        by_host: defaultdict[str, list[Asked]] = defaultdict(list)
        for asked in sorted(self.log, key=lambda a: a.began):
            by_host[asked.host].append(asked)
        return {
            host: [later.began - earlier.ended for earlier, later in itertools.pairwise(asked)]
            for host, asked in by_host.items()
        }


@contextmanager
def live_site() -> Iterator[LiveSite]:
    """A running `LiveSite` on an ephemeral port."""
    site = LiveSite()

    class _Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 10

        def do_GET(self) -> None:
            began = time.monotonic()
            host = self.headers["Host"].partition(":")[0]
            with site.lock:
                site.open_connections[host].add(self.connection)
                open_now = len(site.open_connections[host])
                site.most_connections[host] = max(site.most_connections[host], open_now)
            answer = site.answers.get(host + self.path, Answer(b"no", 404))
            time.sleep(answer.wait_s)
            with site.lock:  # before the client can know, so that the next request comes later
                site.log.append(Asked(host, self.path, began, time.monotonic()))
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def finish(self) -> None:
            with site.lock:
                for connections in site.open_connections.values():
                    connections.discard(self.connection)
            super().finish()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class _Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), _Handler)
    site.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def add_tree(site: LiveSite, host: str, fan_out: int, depth: int, path: str = "/") -> int:
    """Pages that link to `fan_out` more, each with one image; the number of pages."""
    below = [f"{path}{n}/" for n in range(fan_out)] if depth else []
    links = "".join(f'<a href="{page}">on</a>' for page in below)
    image = f'<img src="{path}p.png" alt="a picture of {host}{path}">'
    site.page(f"{host}{path}", f"<html><body>{image}{links}</body></html>")
    return 1 + sum(add_tree(site, host, fan_out, depth - 1, page) for page in below)
