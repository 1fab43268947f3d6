import gzip
import http.client
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.web.replay import ArchiveError, read_answers, replay
from tests.support.archives import http_record
from tools.demo_web.archive import Answer, archive_bytes

IMAGE = bytes(range(256)) * 5
ANSWERS = [
    Answer("http://a.demo.test/x.png", IMAGE, "image/png", headers=(("X-Robots-Tag", "noai"),)),
    Answer("http://b.demo.test/x.png", b"another", "image/png"),
    Answer("http://a.demo.test/x.png?size=2", b"with query", "image/png"),
    Answer("http://a.demo.test/robots.txt", b"User-agent: *\n", "text/plain"),
    Answer("http://a.demo.test/go", b"", "text/html", 301, (("Location", "/x.png"),)),
    Answer("http://a.demo.test/gone", b"bye", "text/html", 410, (("Connection", "close"),)),
    Answer("http://a.demo.test/flaky.png", b"at last", "image/png", replay="flaky"),
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("web") / "web.warc.gz"
    path.write_bytes(archive_bytes(ANSWERS, software="a test"))
    return str(path)


@pytest.fixture
def server(archive):
    with replay(archive) as server:
        yield server


def get(
    port: int, host: str, target: str, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, target, headers={"Host": host})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def test_answers_by_host_and_path(server):
    status, headers, body = get(server.port, "a.demo.test", "/x.png")
    assert (status, body) == (200, IMAGE)
    assert headers == {
        "Content-Type": "image/png",
        "Content-Length": str(len(IMAGE)),
        "X-Robots-Tag": "noai",
    }
    assert get(server.port, "b.demo.test", "/x.png")[2] == b"another"
    assert get(server.port, "a.demo.test", "/x.png?size=2")[2] == b"with query"


def test_host_may_carry_a_port_and_upper_case(server):
    assert get(server.port, "A.Demo.Test:80", "/x.png")[2] == IMAGE


@pytest.mark.parametrize(
    ("host", "target"),
    [("c.demo.test", "/x.png"), ("a.demo.test", "/y.png"), ("a.demo.test", "/x.png?size=3")],
)
def test_unknown_is_404(server, host, target):
    assert get(server.port, host, target)[0] == 404


def test_status_and_location_as_archived(server):
    status, headers, body = get(server.port, "a.demo.test", "/go")
    assert (status, headers["Location"], body) == (301, "/x.png", b"")


def test_headers_of_the_old_connection_are_not_sent(server):
    status, headers, _ = get(server.port, "a.demo.test", "/gone")
    assert status == 410
    assert "Connection" not in headers


def test_flaky_fails_once_and_only_once(server):
    status, headers, _ = get(server.port, "a.demo.test", "/flaky.png")
    assert (status, headers["Retry-After"]) == (503, "0")
    assert get(server.port, "a.demo.test", "/flaky.png")[::2] == (200, b"at last")
    assert get(server.port, "a.demo.test", "/flaky.png")[0] == 200


def test_flaky_fails_again_after_a_restart(archive):
    for _ in range(2):
        with replay(archive) as server:
            assert get(server.port, "a.demo.test", "/flaky.png")[0] == 503


def test_flaky_fails_once_for_all_threads(server):
    with ThreadPoolExecutor(8) as pool:
        asked = pool.map(lambda _: get(server.port, "a.demo.test", "/flaky.png")[0], range(16))
        assert sorted(asked) == [200] * 15 + [503]


def test_head_has_no_body(server):
    status, headers, body = get(server.port, "a.demo.test", "/x.png", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, str(len(IMAGE)), b"")


def test_one_connection_serves_many_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("GET", "/x.png", headers={"Host": "a.demo.test"})
        assert connection.getresponse().read() == IMAGE
    assert connection.sock is first
    connection.close()


def test_listens_on_loopback_only_and_ends_with_the_block(archive):
    with replay(archive) as server:
        port = server.port
        assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_missing_archive_is_named(tmp_path):
    with pytest.raises(ArchiveError, match=r"absent\.warc\.gz"):
        read_answers(str(tmp_path / "absent.warc.gz"))


def test_archive_without_responses_is_refused(tmp_path):
    path = tmp_path / "empty.warc.gz"
    path.write_bytes(archive_bytes([], software="a test"))
    with pytest.raises(ArchiveError, match="no HTTP response"):
        read_answers(str(path))


def test_odd_spellings_and_chunks_are_replayed(tmp_path):
    plain, chunked = (
        http_record(f"http://a.test/{n}", body, "image/png", headers=["transfer-encoding: Chunked"])
        for n, body in enumerate((IMAGE, b"3\r\nabc\r\n0\r\n\r\n"))
    )
    odd = chunked.replace(b"Type: response", b"Type: RESPONSE")
    odd = odd.replace(b"Type: application/http", b"Type: Application/HTTP")
    (tmp_path / "web.warc").write_bytes(plain + odd)
    with replay(str(tmp_path / "web.warc")) as server:
        assert get(server.port, "a.test", "/0")[2] == IMAGE
        assert get(server.port, "a.test", "/1")[2] == b"abc"


def test_a_body_damaged_in_the_archive_is_named(tmp_path):
    body = gzip.compress(IMAGE)[:-9]
    record = http_record("http://a.test/", body, headers=["Transfer-Encoding: gzip"])
    (tmp_path / "web.warc").write_bytes(record)
    with pytest.raises(ArchiveError, match=r"http://a\.test/ in the archive is damaged"):
        read_answers(str(tmp_path / "web.warc"))
