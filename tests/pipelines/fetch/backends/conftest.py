"""A web on loopback, and a record of all that is connected to or opened."""

import sys

import pytest

from pipelines.fetch.backends import img2dataset
from pipelines.fetch.backends.native import http_settings
from pipelines.web.client import shared_client
from tests.support.loopback import loopback_web
from tests.support.peer_backend import CONFIG, runtime_of

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
