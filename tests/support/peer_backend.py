"""Images fetched by img2dataset's downloader, and what a test asks of them."""

from dataclasses import replace
from typing import Any

from pipelines.fetch.backends.img2dataset import fetch_image, walls_for
from pipelines.fetch.backends.native import http_settings
from pipelines.fetch.backends.walls import Resolver, Starts, Walls
from pipelines.fetch.config import FetchConfig
from pipelines.stage import Runtime
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.robots import Robots
from tests.support.loopback import SUFFIX, Web

CONFIG = FetchConfig(
    backend="img2dataset", timeout_s=5.0, max_bytes=1000, retries=2, max_redirects=2, concurrency=8
)
WITHOUT_ROBOTS = CONFIG.model_copy(update={"obeys_robots": False})  # whose client has walls, too


def runtime_of(web: Web) -> Runtime:
    """A process that may reach this server."""
    return Runtime(loopback=LoopbackAllowance(web.port, SUFFIX))


def fetched(web: Web, url: str, config: FetchConfig = CONFIG) -> bytes | FetchFailure:
    """One image of this server, or of wherever it sends the downloader."""
    return fetch_image(url, config, walls_for(config, runtime_of(web)))


def reason(found: bytes | FetchFailure) -> Reason:
    """Why there is no image."""
    assert isinstance(found, FetchFailure), found
    return found.reason


def walls_with(resolver: Resolver, **changes: Any) -> Walls:
    """Walls around a web whose names are looked up by a function."""
    settings = replace(http_settings(CONFIG, 1), **changes)
    return Walls(settings, lambda _: Robots(), resolver, Starts())
