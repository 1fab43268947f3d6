"""img2dataset's own downloader, inside our walls: what it opens, returns, repeats and is told."""

import socket
import ssl
import subprocess
import sys
import time
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from urllib.parse import quote

import pytest

from pipelines.fetch.backends import img2dataset
from pipelines.fetch.backends.img2dataset import BackendError, fetch_image, fetch_images, walls_for
from pipelines.fetch.backends.native import http_settings
from pipelines.fetch.backends.walls import Starts, Walls
from pipelines.fetch.config import FetchConfig
from pipelines.stage import Runtime
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.client import shared_client
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.robots import Robots
from tests.support.certificates import write_certificate
from tests.support.loopback import SUFFIX, answer, loopback_web

CONFIG = FetchConfig(
    backend="img2dataset", timeout_s=5.0, max_bytes=1000, retries=2, max_redirects=2, concurrency=8
)
WITHOUT_ROBOTS = CONFIG.model_copy(update={"obeys_robots": False})  # whose client has walls, too
PUBLIC = "93.184.215.14"
RECORDED: list[tuple[str, object]] = []
IS_RECORDING = [False]


def _record(event: str, arguments: tuple[object, ...]) -> None:
    if IS_RECORDING[0] and event in {"socket.connect", "open"}:
        RECORDED.append((event, arguments[1] if event == "socket.connect" else arguments[0]))


sys.addaudithook(_record)  # for good, as Python has it: it does nothing unless a test asks


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running
        shared_client(http_settings(CONFIG, 1), runtime_of(running).loopback).close()


@pytest.fixture
def opened():
    """All that is connected to, and the files that are opened, as Python itself reports it."""
    img2dataset.downloader()  # its modules are files, too
    RECORDED.clear()
    IS_RECORDING[0] = True
    yield RECORDED
    IS_RECORDING[0] = False


def runtime_of(web):
    return Runtime(loopback=LoopbackAllowance(web.port, SUFFIX))


def fetched(web, url, config=CONFIG):
    return fetch_image(url, config, walls_for(config, runtime_of(web)))


def reason(found):
    assert isinstance(found, FetchFailure), found
    return found.reason


def test_the_bodies_and_failures_are_by_image(web):
    web.page("a.demo.test/1.png", b"one")
    urls = {"k1": "http://a.demo.test/1.png", "k2": "http://a.demo.test/2.png"}
    found = fetch_images(urls, CONFIG, runtime_of(web))
    assert found["k1"] == b"one"
    assert found["k2"] == FetchFailure(Reason.NOT_FOUND, "HTTP 404 from http://a.demo.test/2.png")


def test_it_is_its_code_that_asks(web):
    """The header is the one that img2dataset sends, with the token that it is given."""
    web.page("a.demo.test/1.png", b"one")
    assert fetched(web, "http://a.demo.test/1.png") == b"one"
    header = web.headers[-1]["user-agent"]
    assert header == (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:72.0) Gecko/20100101 Firefox/72.0 "
        "(compatible; dallebot; +https://github.com/rom1504/img2dataset)"
    )
    code = img2dataset.downloader().download_image_with_retry.__code__
    assert code.co_filename.endswith("img2dataset/downloader.py")


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


def walls_with(resolver, **changes):
    settings = replace(http_settings(CONFIG, 1), **changes)
    return Walls(settings, lambda _: Robots(), resolver, Starts())


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


def test_its_own_reading_of_headers_is_an_opt_out(web):
    """Where ours is off, and its directives are passed on all the same."""
    web.page("a.demo.test/1.png", b"no", headers=[("X-Robots-Tag", "noimageai")])
    walls = walls_for(
        CONFIG.model_copy(update={"honours_opt_out": False, "obeys_robots": False}), runtime_of(web)
    )
    found = fetch_image("http://a.demo.test/1.png", CONFIG, walls)
    assert reason(found) is Reason.OPT_OUT
    assert web.asked.count("a.demo.test/1.png") == 3  # it asks again, and that is its own way


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, Reason.NOT_FOUND), (403, Reason.CLIENT_ERROR), (429, Reason.RATE_LIMITED),
     (500, Reason.SERVER_ERROR), (304, Reason.BROKEN_REDIRECT)],
)  # fmt: skip
def test_a_status_is_classified_and_repeated_as_it_does(web, status, expected):
    web.page("a.demo.test/1.png", b"", status=status)
    found = fetched(web, "http://a.demo.test/1.png")
    assert found == FetchFailure(expected, f"HTTP {status} from http://a.demo.test/1.png")
    assert web.asked.count("a.demo.test/1.png") == 3


def test_a_later_attempt_may_succeed(web):
    answers = [answer(status=503), answer(b"one")]
    web.route("a.demo.test/1.png", lambda _, connection: connection.sendall(answers.pop(0)))
    assert fetched(web, "http://a.demo.test/1.png") == b"one"


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


def test_redirects_are_bounded(web):
    web.page("a.demo.test/1", status=302, headers=[("Location", "/2")])
    web.page("a.demo.test/2", status=307, headers=[("Location", "/3?a=b c")])
    web.page("a.demo.test/3?a=b%20c", b"three")
    web.page("a.demo.test/loop", status=302, headers=[("Location", "/loop")])
    assert fetched(web, "http://a.demo.test/1") == b"three"
    assert reason(fetched(web, "http://a.demo.test/loop")) is Reason.TOO_MANY_REDIRECTS


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


def test_only_its_downloader_is_loaded():
    code = (
        "import sys, pipelines.fetch.backends.img2dataset as b; b.downloader()\n"
        "print(sorted({'torch', 'cv2', 'albumentations', 'webdataset'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_version_that_reaches_the_network_otherwise_is_refused(monkeypatch):
    def download_image(row, timeout, user_agent_token, disallowed_header_directives):
        return requests.get(row[1])  # type: ignore[name-defined] # noqa: F821

    real = img2dataset.downloader()
    img2dataset.downloader.cache_clear()
    other = SimpleNamespace(
        download_image=download_image, download_image_with_retry=real.download_image_with_retry
    )
    monkeypatch.setattr(img2dataset, "import_module", lambda name: other)
    with pytest.raises(BackendError, match=r"run `pip install img2dataset==1\.47\.0`"):
        img2dataset.downloader()
    monkeypatch.undo()
    img2dataset.downloader.cache_clear()


def test_without_the_package_the_error_is_that_of_an_import(monkeypatch):
    from orchestration.cli.extras import describe_missing

    img2dataset.downloader.cache_clear()
    monkeypatch.setattr(img2dataset, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError) as caught:
        img2dataset.downloader()
    assert "pip install 'dalle[img2dataset]'" in describe_missing(str(caught.value))
    monkeypatch.undo()
    img2dataset.downloader.cache_clear()
    assert isinstance(img2dataset.downloader(), ModuleType)
