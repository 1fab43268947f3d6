"""Which addresses are connected to, whatever the spelling and whoever answers for a name."""

import socket
import time
from urllib.parse import quote

import pytest

from pipelines.fetch.backends.img2dataset import fetch_image
from pipelines.fetch.backends.walls import RefusedError, Starts, checked
from pipelines.web.failures import FetchFailure, Reason
from tests.support.loopback import answer
from tests.support.peer_backend import (
    CONFIG,
    WITHOUT_ROBOTS,
    fetched,
    reason,
    walls_with,
)

PUBLIC = "93.184.215.14"


LOCAL_HOSTS = ["127.0.0.1", "[::1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0",
               "[::ffff:127.0.0.1]", "localhost", "①②⑦.⓪.⓪.①", "127。0。0。1",
               "169.254.169.254", "10.0.0.1", "[64:ff9b::7f00:1]", "100.64.0.1"]  # fmt: skip


@pytest.mark.parametrize("host", LOCAL_HOSTS)
@pytest.mark.parametrize("is_redirect", [False, True], ids=["direct", "redirect"])
def test_no_spelling_of_a_host_leads_to_this_machine_or_its_network(web, opened, host, is_redirect):
    web.routes[host.strip("[]"), "/p.png"] = lambda _, c: c.sendall(answer(b"secret"))
    url = f"http://{host}:{web.port}/p.png"
    if is_redirect:
        web.page("a.demo.test/to", status=302, headers=[("Location", quote(url, safe=":/[]"))])
    found = fetched(web, "http://a.demo.test/to" if is_redirect else url, WITHOUT_ROBOTS)
    assert reason(found) is Reason.ADDRESS_REFUSED
    assert [name for name in web.asked if name.endswith("/p.png")] == []
    connected = {address for event, address in opened if event == "socket.connect"}
    assert connected == ({("127.0.0.1", web.port)} if is_redirect else set())


def test_a_name_that_rebinds_gets_no_second_look(web, monkeypatch):
    """The first answer is public and is connected to; the second would be this machine."""
    attempts, answers = [], [[PUBLIC], ["127.0.0.1"]]
    connect = socket.create_connection

    def create_connection(address, timeout=None):
        attempts.append(address)
        return connect(("127.0.0.1", web.port), timeout)

    monkeypatch.setattr(socket, "create_connection", create_connection)
    web.page("example.com/p.png", b"public")
    walls = walls_with(lambda host, _: answers.pop(0))
    assert fetch_image("http://example.com/p.png", CONFIG, walls) == b"public"
    assert attempts == [(PUBLIC, 80)]
    assert reason(fetch_image("http://example.com/p.png", CONFIG, walls)) is Reason.ADDRESS_REFUSED
    assert attempts == [(PUBLIC, 80)]


def test_one_denied_address_among_public_ones_is_enough():
    walls = walls_with(lambda host, _: [PUBLIC, "10.1.2.3"])
    found = fetch_image("http://example.com/", CONFIG, walls)
    assert found == FetchFailure(
        Reason.ADDRESS_REFUSED, "example.com resolves to 10.1.2.3 (private)"
    )


def test_a_name_that_is_not_known_is_so_and_one_that_fails_too():
    def unknown(host, _):
        raise socket.gaierror(socket.EAI_NONAME, "no")

    def failing(host, _):
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    assert (
        reason(fetch_image("http://x.example/", CONFIG, walls_with(unknown))) is Reason.HOST_UNKNOWN
    )
    assert (
        reason(fetch_image("http://x.example/", CONFIG, walls_with(failing))) is Reason.DNS_FAILED
    )


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("HTTP://A.test:80/x y", "", "http://a.test/x%20y"),
        ("../z", "https://a.test/x/y", "https://a.test/z"),
        ("//b.test/", "https://a.test/x/y", "https://b.test/"),
    ],
)
def test_a_url_is_checked_in_its_canonical_form(url, base, expected):
    assert checked(url, base) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:///etc/passwd", Reason.SCHEME_REFUSED),
        ("data:,x", Reason.SCHEME_REFUSED),
        ("http://a@b.test/", Reason.URL_REFUSED),
        ("http:///x", Reason.URL_REFUSED),
    ],
)
def test_a_url_that_is_none_is_refused_with_its_reason(url, expected):
    with pytest.raises(RefusedError) as caught:
        checked(url)
    assert caught.value.failure.reason is expected


def test_starts_at_a_host_are_apart_and_those_at_others_are_not(monkeypatch):
    waited: list[float] = []
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", waited.append)
    starts = Starts()
    for host, delay_s in (("a", 2.0), ("a", 2.0), ("b", 2.0), ("a", 2.0), ("c", 0.0)):
        starts.wait(host, delay_s)
    assert waited == [0.0, 2.0, 0.0, 4.0]
    clock[0] = 200.0
    starts.wait("a", 2.0)
    assert waited[-1] == 0.0
