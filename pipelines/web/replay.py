"""Serves a web archive over loopback HTTP, as its hosts answered when it was made."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from fastwarc.warc import ArchiveIterator, WarcRecordType

from dalle_model.errors import UsageError
from dalle_model.files import open_read
from pipelines.web.codings import CodingError, decoded, transfer_codings
from pipelines.web.media_types import media_type

# They describe one connection, not the document. Source: RFC 9110, section 7.6.1.
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"}
_NOT_REPLAYED = _HOP_BY_HOP | {
    "transfer-encoding",
    "content-length",
}  # the length is computed again
FLAKY = "flaky"  # in the WARC header `X-Replay`: the first request for the URL fails
_IDLE_S = 60.0  # chosen: an idle connection is closed after it


class ArchiveError(UsageError):
    """The archive cannot be replayed."""


@dataclass(frozen=True)
class StoredAnswer:
    """An HTTP response as archived, without what belonged to its connection."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_flaky: bool = False


Key = tuple[str, str]  # host without port, path with query
_UNKNOWN = StoredAnswer(404, (("Content-Type", "text/plain"),), b"not in the archive\n")
_TRY_AGAIN = StoredAnswer(503, (("Content-Type", "text/plain"), ("Retry-After", "0")), b"again\n")


def read_answers(archive_url: str) -> dict[Key, StoredAnswer]:
    """Every `response` record by host and path; of several for one URL, the last.

    Raises:
        ArchiveError: there is no such file, or no response in it.
    """
    try:
        stream = open_read(archive_url)
    except FileNotFoundError as error:
        raise ArchiveError(
            f"No web archive at {archive_url}: check `replay` and `sources`"
        ) from error
    with stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.any_type, auto_decode="none")
        answers = {_key_of(record): _stored(record) for record in records if _is_answer(record)}
    if not answers:
        raise ArchiveError(f"{archive_url} holds no HTTP response: is it a WARC file?")
    return answers


def _is_answer(record: Any) -> bool:
    """Whether a record holds an HTTP response; its type and that of its block have no case."""
    if (record.headers.get("WARC-Type") or "").lower() != "response":
        return False
    is_http: bool = record.is_http
    if not is_http and media_type(record.headers.get("Content-Type")) == "application/http":
        record.is_http = is_http = True
        record.parse_http()
    return is_http


def _key_of(record: Any) -> Key:
    parts = urlsplit(record.headers["WARC-Target-URI"])
    return (parts.hostname or "").lower(), _target(parts.path, parts.query)


def _stored(record: Any) -> StoredAnswer:
    headers = tuple(
        (name, value)
        for name, value in record.http_headers.astuples()
        if name.lower() not in _NOT_REPLAYED
    )
    is_flaky = record.headers.get("X-Replay") == FLAKY
    return StoredAnswer(record.http_headers.status_code, headers, _body(record), is_flaky)


def _body(record: Any) -> bytes:
    """The body as the client will take it: with its content codings, without those of its way."""
    pieces: Iterator[bytes] = iter([record.reader.read()])
    for coding in reversed(transfer_codings(record.http_headers.get("Transfer-Encoding") or "")):
        pieces, _ = decoded(pieces, coding)
    try:
        return b"".join(pieces)
    except CodingError as error:
        target = record.headers.get("WARC-Target-URI")
        raise ArchiveError(f"The body of {target} in the archive is damaged: {error}") from error


def _target(path: str, query: str) -> str:
    return f"{path or '/'}?{query}" if query else path or "/"


class ReplayServer(ThreadingHTTPServer):
    """The hosts of an archive on one port of 127.0.0.1, distinguished by the `Host` header."""

    daemon_threads = True
    request_queue_size = 128  # chosen: a crawler opens all its connections at once

    def __init__(self, answers: dict[Key, StoredAnswer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._answers = answers
        self._lock = Lock()
        self._asked: set[Key] = set()

    @property
    def port(self) -> int:
        """The port it listens on, chosen by the system."""
        return int(self.server_address[1])

    def answer(self, host: str, target: str) -> StoredAnswer:
        """What the host says to a request for `target`, its path with query."""
        key = host.rsplit(":", 1)[0].lower(), target
        stored = self._answers.get(key, _UNKNOWN)
        return _TRY_AGAIN if stored.is_flaky and self._is_first(key) else stored

    def _is_first(self, key: Key) -> bool:
        with self._lock:
            is_first = key not in self._asked
            self._asked.add(key)
        return is_first

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client may hang up at any time."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    disable_nagle_algorithm = True  # TCP_NODELAY: headers and body are two small writes
    timeout = _IDLE_S
    server: ReplayServer

    def do_GET(self) -> None:
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        self._send(with_body=False)

    def _send(self, *, with_body: bool) -> None:
        stored = self.server.answer(self.headers.get("Host", ""), self.path)
        self.send_response_only(stored.status)
        for name, value in stored.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(stored.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(stored.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the stages record the outcome of each request."""


@contextmanager
def replay(archive_url: str) -> Iterator[ReplayServer]:
    """Serve the archive until the block ends, even by an exception.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    server = ReplayServer(read_answers(archive_url))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
