"""The backend that a config names."""

from pipelines.fetch.config import FetchConfig
from pipelines.stage import Runtime
from pipelines.web.failures import FetchFailure
from pipelines.web.settings import Refuses


def fetch_images(
    urls: dict[str, str], config: FetchConfig, runtime: Runtime, refuses: Refuses | None = None
) -> dict[str, bytes | FetchFailure]:
    """Fetch each image once, by the backend of the config; as `native.fetch_images`."""
    if config.backend == "img2dataset":
        from pipelines.fetch.backends import img2dataset

        return img2dataset.fetch_images(urls, config, runtime, refuses)
    from pipelines.fetch.backends import native

    return native.fetch_images(urls, config, runtime, refuses)
