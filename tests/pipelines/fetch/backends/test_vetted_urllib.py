"""Every hop of a request is checked as its first URL is."""

import pytest

from pipelines.web.failures import Reason
from tests.support.peer_backend import (
    CONFIG,
    WITHOUT_ROBOTS,
    fetched,
    reason,
)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("file://{path}", Reason.SCHEME_REFUSED),
        ("file://localhost{path}", Reason.SCHEME_REFUSED),
        ("FILE://{path}", Reason.SCHEME_REFUSED),
        ("data:image/png;base64,iVBORw0KGgo=", Reason.SCHEME_REFUSED),
        ("ftp://a.demo.test/p.png", Reason.SCHEME_REFUSED),
        ("gopher://a.demo.test/p.png", Reason.SCHEME_REFUSED),
        ("http://user:word@a.demo.test/p.png", Reason.URL_REFUSED),
        ("http://example.com:22/p.png", Reason.ADDRESS_REFUSED),
    ],
)
@pytest.mark.parametrize("is_redirect", [False, True], ids=["direct", "redirect"])
def test_no_other_scheme_or_port_is_opened(web, opened, tmp_path, target, expected, is_redirect):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    opened.clear()
    url = target.format(path=secret)
    web.page("a.demo.test/to", status=302, headers=[("Location", url)])
    found = fetched(web, "http://a.demo.test/to" if is_redirect else url, WITHOUT_ROBOTS)
    assert reason(found) is expected
    assert ("open", str(secret)) not in opened
    assert {a for event, a in opened if event == "socket.connect"} <= {("127.0.0.1", web.port)}


def test_the_scheme_by_which_urllib_once_read_files_is_refused(web):
    assert reason(fetched(web, "local_file:///etc/passwd")) is Reason.SCHEME_REFUSED


def test_no_proxy_of_the_environment_is_asked(web, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    web.page("a.demo.test/1.png", b"one")
    assert fetched(web, "http://a.demo.test/1.png") == b"one"


def test_robots_and_opt_outs_hold_at_every_hop(web):
    web.page("a.demo.test/robots.txt", b"User-agent: dallebot\nDisallow: /private")
    web.page("a.demo.test/private.png", b"no")
    web.page("a.demo.test/to", status=301, headers=[("Location", "/private.png")])
    for path in ("private.png", "to"):
        assert reason(fetched(web, f"http://a.demo.test/{path}")) is Reason.ROBOTS_DISALLOWED
    assert "a.demo.test/private.png" not in web.asked
    refusing = {"noai": "noai", "none": "none", "own": "dallebot: noai"}  # the last two by us alone
    for name, words in refusing.items():
        web.page(f"a.demo.test/{name}.png", b"no", headers=[("X-Robots-Tag", words)])
        assert reason(fetched(web, f"http://a.demo.test/{name}.png")) is Reason.OPT_OUT
        assert web.asked.count(f"a.demo.test/{name}.png") == 1
    ignoring = CONFIG.model_copy(update={"obeys_robots": False, "honours_opt_out": False})
    assert fetched(web, "http://a.demo.test/none.png", ignoring) == b"no"
    assert fetched(web, "http://a.demo.test/to", ignoring) == b"no"


def test_redirects_are_bounded(web):
    web.page("a.demo.test/1", status=302, headers=[("Location", "/2")])
    web.page("a.demo.test/2", status=307, headers=[("Location", "/3?a=b c")])
    web.page("a.demo.test/3?a=b%20c", b"three")
    web.page("a.demo.test/loop", status=302, headers=[("Location", "/loop")])
    assert fetched(web, "http://a.demo.test/1") == b"three"
    assert reason(fetched(web, "http://a.demo.test/loop")) is Reason.TOO_MANY_REDIRECTS
