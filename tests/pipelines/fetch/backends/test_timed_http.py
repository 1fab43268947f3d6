"""Answers are whole, bounded and in time, or they are failures."""

import socket
import ssl
import time

import pytest

from pipelines.fetch.backends.img2dataset import fetch_image, walls_for
from pipelines.stage import Runtime
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.failures import FetchFailure, Reason
from tests.support.certificates import write_certificate
from tests.support.loopback import SUFFIX, answer, loopback_web
from tests.support.peer_backend import (
    CONFIG,
    WITHOUT_ROBOTS,
    fetched,
    reason,
    runtime_of,
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (answer(b"", headers=[]), Reason.EMPTY_BODY),
        (answer(b"half", headers=[("Content-Length", "9")]), Reason.BROKEN_RESPONSE),
        (b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhal", Reason.BROKEN_RESPONSE),
        (b"", Reason.BROKEN_RESPONSE),
        (b"SSH-2.0-OpenSSH\r\n", Reason.BROKEN_RESPONSE),
        (answer(b"x" * 1001), Reason.TOO_LARGE),
        (b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + b"x" * 1001, Reason.TOO_LARGE),
    ],
)
def test_an_answer_that_is_not_whole_or_too_large_is_so(web, raw, expected):
    web.route("a.demo.test/1.png", lambda _, connection: connection.sendall(raw))
    assert reason(fetched(web, "http://a.demo.test/1.png")) is expected


def test_a_chunked_body_is_read(web):
    raw = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n2\r\nup\r\n0\r\n\r\n"
    web.route("a.demo.test/1.png", lambda _, connection: connection.sendall(raw))
    assert fetched(web, "http://a.demo.test/1.png") == b"halfup"


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_server_that_trickles_meets_the_deadline(web, part):
    """Each byte would be within a timeout for each read."""

    def trickle(_, connection):
        connection.sendall(b"HTTP/1.1 200 X\r\nX: ")
        if part == "body":
            connection.sendall(b"y\r\nContent-Length: 999\r\n\r\n")
        for _ in range(999):
            connection.sendall(b"z")
            time.sleep(0.02)

    web.route("a.demo.test/1.png", trickle)
    config = CONFIG.model_copy(update={"timeout_s": 0.2, "retries": 0, "obeys_robots": False})
    found = fetched(web, "http://a.demo.test/1.png", config)
    assert found == FetchFailure(Reason.TIMED_OUT, "at http://a.demo.test/1.png", threshold=0.2)


def test_a_port_that_nobody_listens_on_is_a_failed_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    runtime = Runtime(loopback=LoopbackAllowance(port, SUFFIX))
    walls = walls_for(WITHOUT_ROBOTS, runtime)
    found = fetch_image("http://a.demo.test/1.png", WITHOUT_ROBOTS, walls)
    assert found == FetchFailure(Reason.CONNECTION_FAILED, "at http://a.demo.test/1.png")


@pytest.mark.parametrize("host", ["a.demo.test", "b.demo.test"])
@pytest.mark.parametrize("is_trusted", [True, False])
def test_certificates_are_verified_and_the_names_in_them(tmp_path, host, is_trusted):
    path = write_certificate(tmp_path / "a.pem", "a.demo.test")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    with loopback_web(server) as web:
        web.page(f"{host}/1.png", b"one")
        walls = walls_for(WITHOUT_ROBOTS, runtime_of(web))
        if is_trusted:
            walls.tls.load_verify_locations(path)
        found = fetch_image(f"https://{host}/1.png", WITHOUT_ROBOTS, walls)
        if is_trusted and host == "a.demo.test":
            assert found == b"one"
        else:
            assert reason(found) is Reason.CERTIFICATE_REFUSED
