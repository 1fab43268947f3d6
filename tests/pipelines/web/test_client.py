import gzip
import subprocess
import sys
import time
from asyncio.selector_events import BaseSelectorEventLoop
from dataclasses import replace

import pytest

from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.answers import Response
from pipelines.web.client import Client, close_shared_clients, shared_client
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.intranet import IntranetAllowance
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings
from tests.support.loopback import SUFFIX, answer, loopback_web

SETTINGS = HttpSettings(
    user_agent="dallebot/0.1 (+https://example.org/bot)",
    timeout_s=5.0,
    max_bytes=100_000,
    max_redirects=3,
    retries=1,
    backoff_s=0.001,
    connections=8,
    pace=PaceSettings(4),
)
SITE = "http://a.demo.test"


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running


@pytest.fixture
def client_of(web):
    clients = []

    def make(**changes):
        client = Client(
            replace(SETTINGS, **changes), LoopbackAllowance(web.port, SUFFIX), _no_look_up
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


def _no_look_up(host):
    return {"private.example": ["10.0.0.1"], "localhost": ["127.0.0.1"]}.get(host, [host])


def images_asked(web):
    return [url for url in web.asked if not url.endswith("/robots.txt")]


def test_an_image_comes_whole_and_the_request_says_who_asks(web, client_of):
    web.page("a.demo.test/p.png", b"picture", headers=[("Content-Type", "image/png")])
    assert client_of().fetch(f"{SITE}/p.png") == Response(
        200, b"picture", "image/png", f"{SITE}/p.png"
    )
    assert web.asked == ["a.demo.test/robots.txt", "a.demo.test/p.png"]
    sent = web.headers[1]
    assert sent["user-agent"] == SETTINGS.user_agent
    assert sent["accept"].startswith("image/")
    assert not {"cookie", "referer", "authorization"} & sent.keys()


def test_cookies_and_proxies_of_the_environment_are_not_used(web, client_of, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    web.page("a.demo.test/p.png", headers=[("Set-Cookie", "a=b")])
    client = client_of()
    assert isinstance(client.fetch(f"{SITE}/p.png"), Response)
    client.fetch(f"{SITE}/p.png")
    assert "cookie" not in web.headers[-1]


def test_gzip_is_decoded(web, client_of):
    body = gzip.compress(b"picture")
    web.page("a.demo.test/p.png", body, headers=[("Content-Encoding", "gzip")])
    assert client_of().fetch(f"{SITE}/p.png").body == b"picture"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_each_origin_is_asked_for_its_robots(web, client_of, status):
    target = [("Location", "http://b.demo.test/x/../p.png")]
    web.page("a.demo.test/p.png", status=status, headers=target)
    web.page("b.demo.test/p.png", b"moved")
    found = client_of().fetch(f"{SITE}/p.png")
    assert (found.body, found.final_url) == (b"moved", "http://b.demo.test/p.png")
    assert web.asked[2] == "b.demo.test/robots.txt"


def test_redirects_are_counted(web, client_of):
    for i in range(5):
        web.page(f"a.demo.test/{i}", status=302, headers=[("Location", f"/{i + 1}")])
    web.page("a.demo.test/5")
    client = client_of()
    assert isinstance(client.fetch(f"{SITE}/2"), Response)
    assert client.fetch(f"{SITE}/1") == FetchFailure(
        Reason.TOO_MANY_REDIRECTS, f"on to {SITE}/5", None, 3
    )


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.1:9/", Reason.ADDRESS_REFUSED),
        ("http://[::1]/", Reason.ADDRESS_REFUSED),
        ("http://2130706433/", Reason.ADDRESS_REFUSED),
        ("http://0x7f.1/", Reason.ADDRESS_REFUSED),
        ("http://169.254.169.254/latest/meta-data/", Reason.ADDRESS_REFUSED),
        ("http://private.example/", Reason.ADDRESS_REFUSED),
        ("//localhost/", Reason.ADDRESS_REFUSED),
        ("http://8.8.8.8:22/", Reason.ADDRESS_REFUSED),
        ("file:///etc/passwd", Reason.SCHEME_REFUSED),
        ("ftp://a.demo.test/", Reason.SCHEME_REFUSED),
        ("data:image/png;base64,AA", Reason.SCHEME_REFUSED),
        ("gopher://a.demo.test/", Reason.SCHEME_REFUSED),
        ("http://user:secret@b.demo.test/", Reason.URL_REFUSED),
        ("http://[broken/", Reason.URL_REFUSED),
    ],
)
@pytest.mark.parametrize("obeys_robots", [True, False])
def test_a_redirect_leads_nowhere_that_a_url_may_not(
    web, client_of, location, reason, obeys_robots
):
    web.page("a.demo.test/p.png", status=302, headers=[("Location", location)])
    found = client_of(obeys_robots=obeys_robots).fetch(f"{SITE}/p.png")
    assert found.reason is reason
    assert images_asked(web) == ["a.demo.test/p.png"]


def test_no_socket_and_no_file_is_opened_outside_the_grant(web, client_of):
    hosts = "127.0.0.1 127.1 0177.0.0.1 0x7f.1 2130706433 0 [::1] [::] [::ffff:127.0.0.1] 10.1.2.3"
    hosts += " [64:ff9b::7f00:1] [2002:7f00:1::] [fec0::1] 100.64.0.1 ①②⑦.⓪.⓪.① 127。0。0。1"
    hosts += " localhost private.example 192.168.0.1 [fe80::1] [fd00::1] 224.0.0.1 169.254.169.254"
    urls = [f"http://{host}{port}/x" for host in hosts.split() for port in ("", ":8080", ":22")]
    urls += ["file:///etc/passwd", "data:,x", "pipe:id", "/etc/passwd", "http://a:b@10.0.0.1/"]
    events, is_on = [], [True]

    def hook(event, arguments):
        if is_on[0] and event in {"socket.connect", "open", "subprocess.Popen"}:
            events.append((event, arguments))

    client = client_of(retries=0)
    client.fetch("http://①.0.0.1/")  # modules and tables that are loaded on first use
    sys.addaudithook(hook)  # cannot be taken away again, only silenced
    found = [client.fetch(url) for url in urls]
    is_on[0] = False
    refused = {Reason.ADDRESS_REFUSED, Reason.SCHEME_REFUSED, Reason.URL_REFUSED}
    assert {failure.reason for failure in found} <= refused
    assert events == []
    assert web.asked == []


CORP = IntranetAllowance("*.corp.example", ("10.2.0.0/16",), (8080,))


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://b.corp.example:8080/p", None),
        ("http://10.2.0.1:8080/p", Reason.ADDRESS_REFUSED),
        ("http://b.corp.example/p", Reason.ADDRESS_REFUSED),
        ("http://private.example:8080/p", Reason.ADDRESS_REFUSED),
        ("http://127.0.0.1:8080/p", Reason.ADDRESS_REFUSED),
        ("http://169.254.169.254/p", Reason.ADDRESS_REFUSED),
    ],
)
def test_an_allowed_host_leads_to_no_other_private_one(web, monkeypatch, location, reason):
    """Every connection ends at the test's own server, and what it was to is recorded."""
    opened, connect = set(), BaseSelectorEventLoop.sock_connect

    async def sock_connect(loop, sock, address):
        opened.add(address)
        await connect(loop, sock, ("127.0.0.1", web.port))

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", sock_connect)
    web.page("a.corp.example/p", status=302, headers=[("Location", location)])
    web.page("b.corp.example/p")
    hosts = {"a.corp.example": ["10.2.0.1"], "b.corp.example": ["10.2.0.2"]}
    hosts |= {"private.example": ["10.2.0.3"]}
    settings = replace(SETTINGS, allow=(CORP,))
    client = Client(settings, resolver=lambda host: hosts.get(host, [host]))
    found = client.fetch("http://a.corp.example:8080/p")
    client.close()
    assert (found.reason if isinstance(found, FetchFailure) else None) is reason
    allowed = {("10.2.0.1", 8080), *([("10.2.0.2", 8080)] if reason is None else [])}
    assert opened == allowed


def test_a_url_is_sent_in_its_canonical_spelling(web, client_of):
    path = "/a%20b/%C3%A9+c;d=(e)'f'/%2F?q=[1]&r=%26&s=a+b%25"
    web.page(f"a.demo.test{path}")
    assert client_of().fetch(SITE + path).final_url == SITE + path
    assert web.asked[-1] == f"a.demo.test{path}"


@pytest.mark.parametrize("wait_s", [0.0, 0.05])
@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_what_follows_an_answer_changes_nothing_whenever_it_comes(
    web, client_of, wait_s, connection
):
    def handler(_, socket):
        head = f"HTTP/1.1 200 OK\r\nConnection: {connection}\r\nContent-Length: 7\r\n\r\n"
        socket.sendall(head.encode() + (b"" if wait_s else b"pictureXYZ"))
        time.sleep(wait_s)
        socket.sendall(b"pictureXYZ" if wait_s else b"")

    web.route("a.demo.test/p.png", handler)
    assert client_of(obeys_robots=False).fetch(f"{SITE}/p.png").body == b"picture"


def test_a_request_is_sent_once_an_attempt(web, client_of):
    web.route("a.demo.test/p.png", lambda _, connection: None)  # ends without a word
    found = client_of(retries=1).fetch(f"{SITE}/p.png")
    assert found.reason is Reason.BROKEN_RESPONSE
    assert len(images_asked(web)) == 2


def test_a_body_coded_on_its_way_is_refused(web, client_of):
    body = b"5\r\n12345\r\n0\r\n\r\n"
    web.page("a.demo.test/p.png", body, headers=[("Transfer-Encoding", "gzip, chunked")])
    assert client_of().fetch(f"{SITE}/p.png").reason is Reason.BROKEN_RESPONSE


def test_headers_come_as_they_are(web, client_of):
    head = "HTTP/1.1 200 OK\r\nX-A: é\r\nx-a: 2\r\nX-Long: {}\r\nContent-Length: 1\r\n\r\nx"
    raw = head.format("a" * 20_000).encode("latin-1")
    web.route("a.demo.test/p.png", lambda _, connection: connection.sendall(raw))
    headers = client_of().fetch(f"{SITE}/p.png").headers
    assert headers[:2] == (("x-a", "é"), ("x-a", "2"))
    assert len(headers[2][1]) == 20_000


def test_robots_is_obeyed_on_every_hop(web, client_of):
    rules = b"User-agent: dallebot\nDisallow: /private/"
    web.page("a.demo.test/robots.txt", rules)
    web.page("a.demo.test/private/p.png")
    web.page("a.demo.test/r", status=302, headers=[("Location", "/private/p.png")])
    client = client_of()
    wanted = FetchFailure(Reason.ROBOTS_DISALLOWED, f"{SITE}/private/p.png")
    assert client.fetch(f"{SITE}/private/p.png") == wanted
    assert client.fetch(f"{SITE}/r") == wanted
    assert images_asked(web) == ["a.demo.test/r"]
    assert isinstance(client_of(obeys_robots=False).fetch(f"{SITE}/r"), Response)


ALL_CLOSED = b"User-agent: *\nDisallow: /"
CLOSED = Reason.ROBOTS_DISALLOWED


def _redirects(web, count):
    web.page("a.demo.test/robots.txt", status=301, headers=[("Location", "/r1")])
    for i in range(1, count):
        web.page(f"a.demo.test/r{i}", status=301, headers=[("Location", f"/r{i + 1}")])
    web.page(f"a.demo.test/r{count}", ALL_CLOSED)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda web: web.page("a.demo.test/robots.txt", ALL_CLOSED), Reason.ROBOTS_DISALLOWED),
        (lambda web: web.page("a.demo.test/robots.txt", b""), None),
        (lambda web: _redirects(web, 5), Reason.ROBOTS_DISALLOWED),
        (lambda web: _redirects(web, 6), None),
        (lambda web: web.page("a.demo.test/robots.txt", ALL_CLOSED, 401), None),
        (lambda web: web.page("a.demo.test/robots.txt", ALL_CLOSED, 403), None),
        (lambda web: web.page("a.demo.test/robots.txt", ALL_CLOSED, 404), None),
        (lambda web: web.page("a.demo.test/robots.txt", ALL_CLOSED, 429), None),
        (lambda web: web.page("a.demo.test/robots.txt", b"\xef\xbb\xbf" + ALL_CLOSED), CLOSED),
        (lambda web: web.page("a.demo.test/robots.txt", bytes(range(256)) * 2000), None),
        (lambda web: web.page("a.demo.test/robots.txt", b"", 500), Reason.ROBOTS_UNREACHABLE),
        (lambda web: web.page("a.demo.test/robots.txt", b"", 503), Reason.ROBOTS_UNREACHABLE),
        (
            lambda web: web.page("a.demo.test/robots.txt", ALL_CLOSED + b"\n#" * 400_000),
            Reason.ROBOTS_DISALLOWED,
        ),
        (
            lambda web: web.page(
                "a.demo.test/robots.txt",
                status=302,
                headers=[("Location", "http://private.example/robots.txt")],
            ),
            Reason.ADDRESS_REFUSED,
        ),
    ],
)
def test_what_the_answer_for_robots_means(web, client_of, prepare, reason):
    prepare(web)
    web.page("a.demo.test/p.png")
    found = client_of(retries=0).fetch(f"{SITE}/p.png")
    assert (found.reason if isinstance(found, FetchFailure) else None) is reason


def test_robots_that_do_not_come_in_time_close_the_origin(web, client_of):
    web.page("a.demo.test/robots.txt", wait_s=0.6)
    assert client_of(retries=0, timeout_s=0.3).fetch(f"{SITE}/p.png") == FetchFailure(
        Reason.ROBOTS_UNREACHABLE, f"timed_out at {SITE}/robots.txt", None, 0.3
    )


@pytest.mark.parametrize(
    ("name", "value", "directive"),
    [
        ("X-Robots-Tag", "noai", "noai"),
        ("X-Robots-Tag", "otherbot: noarchive, dallebot: noimageai", "noimageai"),
        ("TDM-Reservation", "1", "tdm-reservation: 1"),
    ],
)
def test_a_refusal_in_the_headers_ends_the_fetch_before_the_body(
    web, client_of, name, value, directive
):
    sent = []

    def handler(_, connection):
        head = answer(b"", headers=[(name, value), ("Content-Length", "50000000")])
        connection.sendall(head)
        for _ in range(500):
            connection.sendall(b"x" * 100_000)
            sent.append(1)

    web.route("a.demo.test/p.png", handler)
    found = client_of(max_bytes=100_000_000).fetch(f"{SITE}/p.png")
    assert found == FetchFailure(Reason.OPT_OUT, f"{directive} from {SITE}/p.png")
    assert len(sent) < 500


def test_a_refusal_on_a_redirect_counts(web, client_of):
    headers = [("Location", "/p.png"), ("X-Robots-Tag", "noai")]
    web.page("a.demo.test/r", status=302, headers=headers)
    web.page("a.demo.test/p.png")
    assert client_of().fetch(f"{SITE}/r").reason is Reason.OPT_OUT
    assert isinstance(client_of(honours_opt_out=False).fetch(f"{SITE}/r"), Response)


def test_a_redirect_may_be_an_answer_of_its_own(web, client_of):
    web.page("a.demo.test/r", status=301, headers=[("Location", "/p"), ("X-A", "1")])
    client = client_of(follows_redirects=False)
    found = client.fetch(f"{SITE}/r")
    assert (found.status, found.redirects_to, found.body) == (301, "/p", b"")
    assert ("x-a", "1") in found.headers
    web.page("a.demo.test/p")
    assert client.fetch(f"{SITE}/p").redirects_to is None
    assert client.fetch_file(f"{SITE}/r", 100).body == b"picture"


@pytest.mark.parametrize(
    ("content_type", "reason"),
    [
        ("image/png", Reason.UNWANTED_TYPE),
        ("application/octet-stream; x=text/html", Reason.UNWANTED_TYPE),
        ("Text/HTML; charset=utf-8", None),
        ("", None),
    ],
)
def test_a_body_of_another_type_is_not_read(web, client_of, content_type, reason):
    headers = [("Content-Type", content_type)] if content_type else []
    web.page("a.demo.test/p", b"x" * 50_000, headers=headers)
    found = client_of(media_types=frozenset({"text/html"})).fetch(f"{SITE}/p")
    assert (found.reason if isinstance(found, FetchFailure) else None) is reason
    assert isinstance(client_of().fetch_file(f"{SITE}/p", 50_000), Response)


def test_the_robots_of_an_origin_are_asked_for_once(web, client_of):
    web.page("a.demo.test/robots.txt", b"Sitemap: http://a.demo.test/s.xml")
    client = client_of()
    assert client.robots(f"{SITE}/a").sitemaps == (f"{SITE}/s.xml",)
    client.fetch(f"{SITE}/a")
    assert web.asked.count("a.demo.test/robots.txt") == 1


def test_a_declared_length_over_the_cap_is_measured(web, client_of):
    web.page("a.demo.test/p.png", b"x" * 100_001)
    assert client_of().fetch(f"{SITE}/p.png") == FetchFailure(
        Reason.TOO_LARGE, f"declared by {SITE}/p.png", 100_001, 100_000
    )


def test_an_endless_body_is_cut(web, client_of):
    sent = []

    def handler(_, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(b"x" * 50_000)
            sent.append(1)

    web.route("a.demo.test/p.png", handler)
    found = client_of().fetch(f"{SITE}/p.png")
    assert found == FetchFailure(
        Reason.TOO_LARGE, f"the body passes the cap: {SITE}/p.png", None, 100_000
    )
    assert len(sent) < 1000


def test_a_bomb_is_cut(web, client_of):
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < SETTINGS.max_bytes
    web.page("a.demo.test/p.png", bomb, headers=[("Content-Encoding", "gzip")])
    assert client_of().fetch(f"{SITE}/p.png").reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
def test_a_trickle_in_headers_or_body_ends_with_the_deadline(web, client_of, head):
    def handler(_, connection):
        connection.sendall(head)
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.1)

    web.route("a.demo.test/p.png", handler)
    began = time.monotonic()
    found = client_of(timeout_s=1.0, retries=0, obeys_robots=False).fetch(f"{SITE}/p.png")
    assert found == FetchFailure(Reason.TIMED_OUT, f"at {SITE}/p.png", None, 1.0)
    assert time.monotonic() - began < 8  # the handler alone takes ten


def test_all_hops_share_one_deadline(web, client_of):
    for i in range(4):
        location = [("Location", f"/{i + 1}")]
        web.page(f"a.demo.test/{i}", status=302, headers=location, wait_s=0.2)
    found = client_of(timeout_s=0.5, retries=0, obeys_robots=False).fetch(f"{SITE}/0")
    assert found.reason is Reason.TIMED_OUT


@pytest.mark.parametrize(
    ("status", "reason", "requests"),
    [
        (404, Reason.NOT_FOUND, 1),
        (410, Reason.NOT_FOUND, 1),
        (403, Reason.CLIENT_ERROR, 1),
        (429, Reason.RATE_LIMITED, 3),
        (500, Reason.SERVER_ERROR, 3),
        (503, Reason.SERVER_ERROR, 3),
        (204, Reason.EMPTY_BODY, 1),
        (206, Reason.PARTIAL_RESPONSE, 1),
        (304, Reason.BROKEN_REDIRECT, 1),
    ],
)
def test_retries_by_class(web, client_of, status, reason, requests):
    web.page("a.demo.test/p.png", status=status)
    found = client_of(retries=2).fetch(f"{SITE}/p.png")
    assert found.reason is reason
    assert len(images_asked(web)) == requests


def test_a_passing_fault_leaves_no_trace(web, client_of):
    calls = []

    def handler(_, connection):
        calls.append(1)
        if len(calls) == 2:
            connection.sendall(answer(status=503))
        if len(calls) == 3:
            connection.sendall(answer(b"picture"))

    web.route("a.demo.test/p.png", handler)  # the first connection ends without a word
    assert client_of(retries=2).fetch(f"{SITE}/p.png").body == b"picture"


def test_a_body_shorter_than_declared_is_no_image(web, client_of):
    web.page("a.demo.test/p.png", b"half", headers=[("Content-Length", "8")])
    assert client_of().fetch(f"{SITE}/p.png").reason is Reason.BROKEN_RESPONSE


def test_what_is_no_http(web, client_of):
    web.route(
        "a.demo.test/p.png", lambda _, connection: connection.sendall(b"\x00\x01\x02\r\n\r\n")
    )
    assert client_of(obeys_robots=False).fetch(f"{SITE}/p.png").reason is Reason.BROKEN_RESPONSE


def test_retry_after_holds_the_next_request(web, client_of):
    times = []

    def handler(_, connection):
        times.append(time.monotonic())
        busy = answer(status=429, headers=[("Retry-After", "1")])
        connection.sendall(answer(b"picture") if len(times) > 1 else busy)

    web.route("a.demo.test/p.png", handler)
    assert isinstance(client_of(pace=PaceSettings(3)).fetch(f"{SITE}/p.png"), Response)
    assert times[1] - times[0] >= 0.99


def test_a_crawl_delay_is_kept(web, client_of):
    web.page("a.demo.test/robots.txt", b"User-agent: dallebot\nCrawl-delay: 0.1")
    web.page("a.demo.test/p.png")
    client, began = client_of(pace=PaceSettings(5)), time.monotonic()
    for _ in range(4):
        assert isinstance(client.fetch(f"{SITE}/p.png"), Response)
    assert time.monotonic() - began >= 0.3


def test_a_port_that_nobody_listens_on():
    client = Client(SETTINGS, LoopbackAllowance(1, SUFFIX), _no_look_up)
    found = client.fetch(f"{SITE}/p.png")
    client.close()
    detail = f"connection_failed at {SITE}/robots.txt"
    assert found == FetchFailure(Reason.ROBOTS_UNREACHABLE, detail)


def test_equal_settings_share_one_client_until_all_are_closed():
    settings = replace(SETTINGS, user_agent="sharedbot/1.0")
    first = shared_client(settings)
    assert shared_client(settings) is first
    close_shared_clients()
    assert shared_client(settings) is not first
    close_shared_clients()


def test_a_process_closes_its_shared_clients_when_it_ends():
    script = (
        "from pipelines.web.client import Client, shared_client\n"
        "from pipelines.web.pace import PaceSettings\n"
        "from pipelines.web.settings import HttpSettings\n"
        "shared_client(HttpSettings('bot/1.0', 1.0, 1, 0, 0, 0.0, 1, PaceSettings(1)))\n"
        "Client.close = lambda self: print('closed')\n"
    )
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "closed\n"
