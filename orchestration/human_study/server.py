"""Serves a study to raters' browsers, over HTTP and to nobody without a rater's link.

The standard library's server is enough: a vote is a line of a file, and a study has some ten raters
at a time. Everything lies below the secret of a rater, `/SECRET/…`. There are no cookies, so that a
page of another site has nothing to borrow; pages ask no other host, and may not.
"""

import json
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import ValidationError

from orchestration.human_study.desk import Desk, Given, Shown
from orchestration.human_study.raters import Links, read_links, write_links
from orchestration.human_study.study import Side, StudyError, StudyFolder

MAX_BODY_BYTES = 1024  # chosen: several times an answer
TIMEOUT_S = 30  # chosen: a request is one packet; longer than a phone loses its network
POLL_S = 0.1  # chosen: how long the end takes, at ten looks a second
_FOLDER = Path(__file__).parent / "page"
_PAGES = {
    "": ("study.html", "text/html; charset=utf-8"),
    "study.js": ("study.js", "text/javascript; charset=utf-8"),
    "study.css": ("study.css", "text/css; charset=utf-8"),
}
# Source: W3C, Content Security Policy Level 3; nothing but what this server sends is loaded or run.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind} 'self'" for kind in ("script-src", "style-src", "connect-src")),
        "img-src 'self' data:",  # the page's icon is empty, lest a browser ask for one
        *(f"{kind} 'none'" for kind in ("base-uri", "form-action", "frame-ancestors")),
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # an address holds the rater's secret
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


_Body = tuple[bytes, str]  # and its type


class _RefusedError(Exception):
    """A request is answered by a status and a line."""

    def __init__(self, status: HTTPStatus, line: str) -> None:
        super().__init__(status, line)
        self.status, self.line = status, line


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # what a thread has not acknowledged was not promised

    def __init__(self, address: tuple[str, int], desk: Desk, links: Links) -> None:
        self.desk = desk
        self.raters = {secret: rater for rater, secret in links.secrets.items()}
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a browser that has gone: the vote that it sent is kept, or was not promised."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Serving:
    """A study that is being served, until the block ends.

    Args:
        study: its folder.
        raters: who have a link, at least.
        host: address or name to listen at.
        port: 0 for that of the last time, or any that is free.

    Attributes:
        links: address of each rater's page, by their names.

    Raises:
        StudyError: there is no study, another server serves it, or the port is taken.
        VotesError: its votes are damaged.
    """

    def __init__(self, study: str, raters: int, host: str, port: int) -> None:
        folder = StudyFolder(study)
        self._desk = Desk(folder)
        try:
            links = read_links(folder).with_raters(raters)
            self._server = _listen(host, port or links.port, self._desk, links)
            links = links.model_copy(update={"port": self._server.server_address[1]})
            write_links(folder, links)
        except BaseException:
            self._desk.close()
            raise
        name = socket.gethostname() if host in ("", "0.0.0.0") else host
        base = f"http://{name}:{links.port}"
        self.links = {rater: f"{base}/{secret}/" for rater, secret in links.secrets.items()}
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=[POLL_S], name="study"
        )

    def __enter__(self) -> "Serving":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._desk.close()

    def wait(self) -> None:
        """Serve until the process is told to end."""
        self._thread.join()


def _listen(host: str, port: int, desk: Desk, links: Links) -> _Server:
    try:
        return _Server((host, port), desk, links)
    except (OSError, OverflowError) as error:
        raise StudyError(
            f"{host}:{port}: nothing can listen there ({error}); name another --host or --port"
        ) from error


class _Handler(BaseHTTPRequestHandler):
    """`/SECRET/…` of one server."""

    server: _Server
    timeout = TIMEOUT_S
    server_version, sys_version = "dalle", ""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a log would hold the secrets of raters."""

    def _answer(self, work: Callable[[str, str], _Body]) -> None:
        try:
            secret, _, rest = self.path.partition("?")[0].removeprefix("/").partition("/")
            rater = self.server.raters.get(secret)
            if rater is None:
                raise _RefusedError(HTTPStatus.NOT_FOUND, "Open the link that was sent to you.")
            self._send(HTTPStatus.OK, *work(rater, rest))
        except _RefusedError as refused:
            self._send(refused.status, refused.line.encode(), "text/plain; charset=utf-8")

    def _get(self, rater: str, path: str) -> _Body:
        if path in _PAGES:
            name, kind = _PAGES[path]
            return (_FOLDER / name).read_bytes(), kind
        if path == "task":
            return _json(self.server.desk.show(rater))
        match path.split("/"):
            case ["image", task, side] if side in get_args(Side):
                return self._image(rater, task, cast(Side, side)), "image/png"
        raise _nothing()

    def _image(self, rater: str, task: str, side: Side) -> bytes:
        try:
            return self.server.desk.image(rater, task, side).read_bytes()
        except (KeyError, FileNotFoundError) as error:
            raise _nothing() from error

    def _post(self, rater: str, path: str) -> _Body:
        body = self._body()
        desk = self.server.desk
        try:
            if path == "vote":
                return _json(desk.vote(rater, Given.model_validate_json(body)))
            if path == "undo":
                return _json(desk.undo(rater))
        except (ValidationError, KeyError) as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "This is no answer to a task.") from error
        except OSError as error:
            line = f"The answer could not be kept: {error.strerror or error}."
            raise _RefusedError(HTTPStatus.INSUFFICIENT_STORAGE, line) from error
        raise _nothing()

    def _body(self) -> bytes:
        """What is sent; JSON alone, which a page of another site cannot send unasked."""
        if self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise _RefusedError(HTTPStatus.FORBIDDEN, "Answers come from the page of the study.")
        if self.headers.get_content_type() != "application/json":
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Answers are JSON.")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "The length of the answer is missing.")
        if len(length) > 9 or int(length) > MAX_BODY_BYTES:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "An answer is shorter.")
        return self.rfile.read(int(length))

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _nothing() -> _RefusedError:
    return _RefusedError(HTTPStatus.NOT_FOUND, "There is nothing here.")


def _json(shown: Shown) -> _Body:
    task = shown.task and shown.task.model_dump()
    return json.dumps(asdict(shown) | {"task": task}).encode(), "application/json"
