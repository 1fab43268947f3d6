"""The backend of this project, whose client is safe, polite and bounded."""

from urllib.parse import urlsplit

from pipelines.fetch.config import FetchConfig
from pipelines.fetch.schedule import run_by_host
from pipelines.stage import Runtime
from pipelines.web.answers import Response
from pipelines.web.client import shared_client
from pipelines.web.failures import FetchFailure
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings, Refuses


def fetch_images(
    urls: dict[str, str], config: FetchConfig, runtime: Runtime, refuses: Refuses | None = None
) -> dict[str, bytes | FetchFailure]:
    """Fetch each image once, many at a time.

    Args:
        urls: by the image's part of the key.
        config: limits and policy.
        runtime: access to loopback and the number of processes.
        refuses: why a canonical URL, that of a redirect too, is not requested.

    Returns:
        The bytes as served, or the failure, by the image's part of the key.
    """
    settings = http_settings(config, runtime.workers, refuses)
    client = shared_client(settings, runtime.loopback)

    def work(image_key: str) -> bytes | FetchFailure:
        result = client.fetch(urls[image_key])
        return result.body if isinstance(result, Response) else result

    jobs = ((urlsplit(url).hostname or "", image_key) for image_key, url in sorted(urls.items()))
    return run_by_host(jobs, work, config.concurrency, config.per_host_concurrency)


def http_settings(
    config: FetchConfig, num_workers: int, refuses: Refuses | None = None
) -> HttpSettings:
    """The settings of the stage as the HTTP client takes them."""
    return HttpSettings(
        user_agent=config.user_agent,
        timeout_s=config.timeout_s,
        max_bytes=config.max_bytes,
        max_redirects=config.max_redirects,
        retries=config.retries,
        backoff_s=config.backoff_s,
        connections=config.concurrency,
        pace=PaceSettings(config.per_host_concurrency, config.per_host_delay_s, num_workers),
        obeys_robots=config.obeys_robots,
        honours_opt_out=config.honours_opt_out,
        refuses=refuses,
    )
