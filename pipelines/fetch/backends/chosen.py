"""The backend that a config names."""

from collections.abc import Awaitable, Callable

from pipelines.fetch.bodies import Bodies
from pipelines.fetch.config import FetchConfig
from pipelines.stage import Runtime
from pipelines.web.failures import FetchFailure
from pipelines.web.settings import Refuses


def fetch_images(
    urls: dict[str, str],
    config: FetchConfig,
    runtime: Runtime,
    bodies: Bodies,
    refuses: Refuses | None = None,
) -> dict[str, FetchFailure]:
    """Fetch each image once, by the backend of the config; as `native.fetch_images`."""
    if config.backend == "img2dataset":
        from pipelines.fetch.backends import img2dataset

        return img2dataset.fetch_images(urls, config, runtime, bodies, refuses)
    from pipelines.fetch.backends import native

    return native.fetch_images(urls, config, runtime, bodies, refuses)


def image_fetcher(
    config: FetchConfig, runtime: Runtime, refuses: Refuses | None = None
) -> Callable[[str], Awaitable[bytes | FetchFailure]]:
    """What fetches the image of a URL by that backend; as `native.image_fetcher`."""
    if config.backend == "img2dataset":
        from pipelines.fetch.backends import img2dataset

        return img2dataset.image_fetcher(config, runtime, refuses)
    from pipelines.fetch.backends import native

    return native.image_fetcher(config, runtime, refuses)


def gives_up_hosts(config: FetchConfig) -> bool:
    """Whether the backend heeds `max_host_failures`: img2dataset asks for each of its URLs."""
    return config.backend == "native"
