"""A refusal must be seen in whatever form it comes, and before the image is sent.

Sixty forms in headers, of which the rules alone are told in `test_optout.py`; those in pages, in
tdmrep.json and in ai.txt are told in `tests/pipelines/crawl/site/test_visit.py`.
"""

import asyncio

import pytest

from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.answers import Response
from pipelines.web.client import Client
from pipelines.web.failures import Reason
from pipelines.web.loop import run
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings
from tests.pipelines.web.test_optout import ALLOWED, REFUSED
from tests.support.loopback import SUFFIX, answer, loopback_web

SETTINGS = HttpSettings(
    user_agent="dallebot/0.1",
    timeout_s=20.0,
    max_bytes=100_000_000,
    max_redirects=3,
    retries=0,
    backoff_s=0.0,
    connections=16,
    pace=PaceSettings(8),
)
IMAGE = b"x" * 1_000_000
NUM_PIECES = 40  # far more than the buffers between server and client hold

TDM = [("TDM-Reservation", "1"), ("tdm-reservation", " 1 "), ("Tdm-Reservation", "1")]
TDM_ALLOWED = [("TDM-Reservation", "0"), ("TDM-Policy", "https://a.test/p"), ("TDM", "1")]
NAMES = ("X-Robots-Tag", "x-robots-tag", "X-ROBOTS-TAG")


def _headers(cases):
    return [[(NAMES[i % 3], value) for value in case] for i, case in enumerate(cases)]


REFUSING = [*_headers([values for values, _ in REFUSED]), *([header] for header in TDM)]
# A refusal is one on a redirect, and beside whatever else is said.
REFUSING += [[("X-Robots-Tag", "all"), *headers] for headers in REFUSING[:14]]
ALLOWING = [*_headers(ALLOWED), *([header] for header in TDM_ALLOWED)]
ALLOWING += [[("Robots", "noai")], [("X-Robots", "noai")], [("Link", "<x>; rel=noai")]]


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running


@pytest.fixture
def client(web):
    made = Client(SETTINGS, LoopbackAllowance(web.port, SUFFIX))
    yield made
    made.close()


def fetch_all(client, urls):
    async def all_of_them():
        return await asyncio.gather(*map(client.fetcher.fetch, urls))

    return run(all_of_them())


def test_sixty_forms_are_read_right(web, client):
    cases = REFUSING + ALLOWING
    assert len(cases) >= 60
    for number, headers in enumerate(cases):
        web.page(f"h{number % 7}.demo.test/{number}", headers=headers)
    urls = [f"http://h{number % 7}.demo.test/{number}" for number in range(len(cases))]
    found = fetch_all(client, urls)
    stored = [headers for headers, got in zip(cases, found, strict=True) if _is_stored(got)]
    assert stored == ALLOWING
    assert {got.reason for got in found if not _is_stored(got)} == {Reason.OPT_OUT}


def test_a_refused_image_is_not_sent(web, client):
    """The connection is closed after the headers, whatever is behind them."""
    sent = []

    def handler(headers):
        def send(_, connection):
            length = ("Content-Length", str(NUM_PIECES * len(IMAGE)))
            connection.sendall(answer(b"", headers=[*headers, length]))
            for _ in range(NUM_PIECES):
                connection.sendall(IMAGE)
                sent.append(1)

        return send

    urls = []
    for number, headers in enumerate(REFUSING[::4]):
        web.route(f"h{number}.demo.test/p", handler(headers))
        urls.append(f"http://h{number}.demo.test/p")
    found = fetch_all(client, urls)
    assert {got.reason for got in found} == {Reason.OPT_OUT}
    assert len(sent) < len(urls) * NUM_PIECES / 2


def test_a_refusal_on_a_redirect_ends_it_there(web, client):
    urls = []
    for number, headers in enumerate(REFUSING[::4]):
        location = ("Location", "http://next.demo.test/p")
        web.page(f"h{number}.demo.test/r", status=302, headers=[*headers, location])
        urls.append(f"http://h{number}.demo.test/r")
    assert {got.reason for got in fetch_all(client, urls)} == {Reason.OPT_OUT}
    assert not [url for url in web.asked if url.startswith("next")]


def _is_stored(found):
    return isinstance(found, Response)
