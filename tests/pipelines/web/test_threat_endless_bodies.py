"""An endless, lying or exploding answer must cost no more than the cap: eight kinds and more.

Each is fetched in a process of its own, whose peak of memory and bytes read are compared.
"""

import gzip
import json
import subprocess
import sys
import zlib

import pytest

from pipelines.web.connect import MAX_HEAD_BYTES
from tests.support.loopback import answer, loopback_web

MIB = 1024 * 1024
CAP = 4 * MIB
MAX_RSS = 64 * MIB
# The event loop reads 256 KiB at once, and 128 KiB may lie in the buffer of the library.
MAX_READ = CAP + 384 * 1024
# Of what frames a body, a quarter of the cap and the bytes of a head are let through.
MAX_FRAMED = CAP + CAP // 4 + MAX_HEAD_BYTES + 256 * 1024
ENOUGH = 64 * MIB  # that a server sends at most: cut long before
BLOCK = b"x" * 65536


def _send(connection, head, piece):
    connection.sendall(head)
    for _ in range(ENOUGH // len(piece)):
        connection.sendall(piece)


def _head(*lines):
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


def _sends(head, piece):
    return lambda _, connection: _send(connection, head, piece)


def _is(body, coding):
    headers = [("Content-Encoding", coding)]
    return lambda _, connection: connection.sendall(answer(body, headers=headers))


def _raw_deflate(size):
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(bytes(size)) + encoder.flush()


CHUNK = b"10000\r\n" + BLOCK + b"\r\n"
STORED = b"\x00\x00\x00\xff\xff" * 13_000  # empty stored blocks: a stream that means nothing
GIB_OF_GZIP = gzip.compress(bytes(16 * MIB)) * 64  # members of 16 kB, one after another
CASES = {
    "endless": (_sends(_head("Connection: close"), BLOCK), "too_large"),
    "endless-chunks": (_sends(_head("Transfer-Encoding: chunked"), CHUNK), "too_large"),
    "tiny-chunks": (_sends(_head("Transfer-Encoding: chunked"), b"1\r\nx\r\n" * 9000), "too_large"),
    "declares-much": (_sends(_head(f"Content-Length: {1 << 60}"), BLOCK), "too_large"),
    "declares-little": (_sends(_head("Content-Length: 5"), BLOCK), "5 bytes"),
    "declares-nonsense": (_sends(_head("Content-Length: -5"), BLOCK), "broken_response"),
    "gzip-bomb": (_is(GIB_OF_GZIP, "gzip"), "too_large"),
    "gzip-bomb-of-one-member": (_is(gzip.compress(bytes(256 * MIB)), "gzip"), "too_large"),
    "zlib-bomb": (_is(zlib.compress(bytes(256 * MIB)), "deflate"), "too_large"),
    "deflate-bomb": (_is(_raw_deflate(256 * MIB), "deflate"), "too_large"),
    "nothing-for-ever": (_sends(_head("Content-Encoding: deflate"), STORED), "too_large"),
    "brotli-unasked": (_is(b"\xcf\xff\xff\xff" * 1000, "br"), "unknown_encoding"),
    "zstd-unasked": (_is(b"\x28\xb5\x2f\xfd" * 1000, "zstd"), "unknown_encoding"),
    "gzip-twice": (_is(gzip.compress(gzip.compress(b"x")), "gzip, gzip"), "unknown_encoding"),
    "endless-header": (_sends(b"HTTP/1.1 200 OK\r\nX: ", BLOCK), "broken_response"),
    "endless-headers": (_sends(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 9000), "broken_response"),
    "endless-chunk-size": (
        _sends(_head("Transfer-Encoding: chunked") + b"5;", BLOCK),
        "too_large",
    ),
}


@pytest.fixture(scope="module")
def told():
    with loopback_web() as web:
        for path, (handler, _) in CASES.items():
            web.route(f"a.demo.test/{path}", handler)
        module = [sys.executable, "-m", "tests.support.endless_fetch"]
        command = [*module, str(web.port), str(CAP), *CASES]
        result = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    lines = map(json.loads, result.stdout.splitlines())
    return {line["path"]: line for line in lines}


@pytest.mark.parametrize("path", CASES)
def test_what_an_answer_costs_is_bounded(told, path):
    assert told[path]["reason"] == CASES[path][1]
    assert told[path]["read"] <= (MAX_FRAMED if "chunk" in path else MAX_READ)
    assert told[path]["rss"] <= MAX_RSS


def test_all_together_cost_no_more_memory_either(told):
    assert len(told) == len(CASES) >= 8
    assert sum(line["rss"] for line in told.values()) <= MAX_RSS
