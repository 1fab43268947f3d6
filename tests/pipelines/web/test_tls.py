"""Certificates are verified, names in them too, and a handshake has a deadline."""

import ssl
from dataclasses import replace

import pytest

from pipelines.web import client as client_module
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.answers import Response
from pipelines.web.client import Client
from pipelines.web.failures import Reason
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings
from tests.support.certificates import write_certificate
from tests.support.loopback import SUFFIX, loopback_web

SETTINGS = HttpSettings(
    user_agent="dallebot/0.1",
    timeout_s=5.0,
    max_bytes=1000,
    max_redirects=0,
    retries=0,
    backoff_s=0.0,
    connections=1,
    pace=PaceSettings(1),
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for a.demo.test, with its key, in one file."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "demo.pem", "a.demo.test")


@pytest.fixture
def web(certificate):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    with loopback_web(server) as running:
        for host in "ab":
            running.page(f"{host}.demo.test/p.png")
        yield running


def fetch(web, url, **changes):
    client = Client(replace(SETTINGS, **changes), LoopbackAllowance(web.port, SUFFIX))
    try:
        return client.fetch(url)
    finally:
        client.close()


def test_an_unknown_issuer_is_refused_at_once(web):
    assert fetch(web, "https://a.demo.test/p.png").reason is Reason.CERTIFICATE_REFUSED
    assert web.asked == []


def test_a_known_issuer_serves_its_own_name_and_no_other(web, certificate, monkeypatch):
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(client_module, "_tls_context", lambda: trusting)
    assert isinstance(fetch(web, "https://a.demo.test/p.png"), Response)
    assert fetch(web, "https://b.demo.test/p.png").reason is Reason.CERTIFICATE_REFUSED


def test_a_handshake_that_never_comes_ends_with_the_deadline():
    with loopback_web() as silent:  # waits for the end of a request in clear
        found = fetch(silent, "https://a.demo.test/p.png", timeout_s=0.3)
    assert found.reason is Reason.ROBOTS_UNREACHABLE
    assert found.detail == "timed_out at https://a.demo.test/robots.txt"
