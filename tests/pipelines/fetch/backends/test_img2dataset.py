"""img2dataset's own downloader: what it asks, returns and repeats, and which version it may be."""

import subprocess
import sys
from contextlib import closing
from types import ModuleType, SimpleNamespace

import pytest

from pipelines.fetch.backends import img2dataset
from pipelines.fetch.backends.img2dataset import BackendError, fetch_image, fetch_images, walls_for
from pipelines.fetch.bodies import Bodies
from pipelines.web.failures import FetchFailure, Reason
from tests.support.loopback import answer
from tests.support.peer_backend import (
    CONFIG,
    fetched,
    reason,
    runtime_of,
)


@pytest.fixture
def bodies(tmp_path):
    with closing(Bodies(str(tmp_path), limit=10)) as found:
        yield found


def test_the_bodies_and_failures_are_by_image(web, bodies):
    web.page("a.demo.test/1.png", b"one")
    urls = {"k1": "http://a.demo.test/1.png", "k2": "http://a.demo.test/2.png"}
    found = fetch_images(urls, CONFIG, runtime_of(web), bodies)
    failure = FetchFailure(Reason.NOT_FOUND, "HTTP 404 from http://a.demo.test/2.png")
    assert found == {"k2": failure}
    assert bodies.read("k1") == b"one"


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


def test_only_its_downloader_is_loaded():
    code = (
        "import sys, pipelines.fetch.backends.img2dataset as b; b.downloader()\n"
        "heavy = {'torch', 'cv2', 'albumentations', 'webdataset', 'wandb', 'img2dataset'}\n"
        "print(sorted(heavy & set(sys.modules)))"
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


def test_a_compressed_body_is_left_as_it_is(web):
    web.page("a.demo.test/1.png", b"packed", headers=[("Content-Encoding", "gzip")])
    assert fetched(web, "http://a.demo.test/1.png") == b"packed"


def test_requests_to_a_host_never_exceed_its_limit(web, bodies):
    urls = {}
    for host in "abc":
        for number in range(6):
            web.page(f"{host}.demo.test/{number}", wait_s=0.005)
            urls[f"{host}{number}"] = f"http://{host}.demo.test/{number}"
    config = CONFIG.model_copy(update={"per_host_concurrency": 2})
    assert fetch_images(urls, config, runtime_of(web), bodies) == {}
    assert [bodies.read(key) for key in urls] == [b"picture"] * len(urls)
    assert max(web.most_active.values()) <= 2


def test_a_listed_url_is_not_asked_where_a_redirect_leads_to_it(web, bodies):
    listed = FetchFailure(Reason.URL_REFUSED, "on a list")
    web.page("a.demo.test/1.png", b"", status=302, headers=[("Location", "/2.png")])
    web.page("a.demo.test/2.png", b"two")
    found = fetch_images(
        {"k": "http://a.demo.test/1.png"},
        CONFIG,
        runtime_of(web),
        bodies,
        lambda url: listed if url.endswith("2.png") else None,
    )
    assert found == {"k": listed}
    assert "a.demo.test/2.png" not in web.asked
