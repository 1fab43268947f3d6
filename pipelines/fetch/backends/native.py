"""The backend of this project, whose client is safe, polite and bounded."""

import asyncio
from collections.abc import Awaitable, Callable

from pipelines.fetch.bodies import Bodies
from pipelines.fetch.buckets import host_of
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.schedule import Outages, run_by_host
from pipelines.stage import Runtime
from pipelines.web.answers import Response
from pipelines.web.client import shared_client
from pipelines.web.failures import UNREACHABLE, FetchFailure, Reason
from pipelines.web.loop import run
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings, Refuses

Outcome = bytes | FetchFailure


def fetch_images(
    urls: dict[str, str],
    config: FetchConfig,
    runtime: Runtime,
    bodies: Bodies,
    refuses: Refuses | None = None,
) -> dict[str, FetchFailure]:
    """Fetch each image once, many at a time.

    Memory is that of `bodies`, and of those on their way: see `pipelines/web/in_flight.py`.

    A host is put aside for the rest of these images after `max_host_failures` of them in a row, in
    the order of their keys, that could not be reached. It starts anew with the next shard: what a
    worker remembered of other shards would make the rows depend on who did which.

    Args:
        urls: by the image's part of the key.
        config: limits and policy.
        runtime: access to loopback and the number of processes.
        bodies: takes the bytes as served, by the image's part of the key.
        refuses: why a canonical URL, that of a redirect too, is not requested.

    Returns:
        The failures, by the image's part of the key; the bytes of all others are in `bodies`.
    """
    fetch = image_fetcher(config, runtime, refuses)

    async def work(image_key: str) -> FetchFailure | None:
        found = await fetch(urls[image_key])
        if isinstance(found, FetchFailure):
            return found
        bodies.add(image_key, found)
        if bodies.are_many:
            await asyncio.to_thread(bodies.write)  # meanwhile others go on
        return None

    jobs = ((host_of(url), image_key) for image_key, url in sorted(urls.items()))
    outages = Outages[str, FetchFailure | None](is_outage, config.max_host_failures)
    found = run(run_by_host(jobs, work, config.concurrency, config.per_host_concurrency, outages))
    failures = {image_key: failure for image_key, failure in found.items() if failure}
    for image_key in urls.keys() - found.keys():
        failures[image_key] = given_up(urls[image_key], config)
    return failures


def image_fetcher(
    config: FetchConfig, runtime: Runtime, refuses: Refuses | None = None
) -> Callable[[str], Awaitable[Outcome]]:
    """What fetches the image of a URL, in the event loop of `pipelines/web/loop.py`."""
    settings = http_settings(config, runtime.workers, refuses)
    fetcher = shared_client(settings, runtime.loopback).fetcher

    async def fetch(url: str) -> Outcome:
        result = await fetcher.fetch(url)
        return result.body if isinstance(result, Response) else result

    return fetch


def given_up(url: str, config: FetchConfig) -> FetchFailure:
    """The failure of an image whose host was put aside."""
    detail = f"{config.max_host_failures} failures in a row at {host_of(url)}"
    return FetchFailure(Reason.HOST_GIVEN_UP, detail)


def is_outage(failure: FetchFailure | None) -> bool:
    """Whether a failure speaks against the host."""
    return failure is not None and failure.reason in UNREACHABLE


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
        allow=tuple(rule.allowance for rule in config.allow),
        refuses=refuses,
    )
