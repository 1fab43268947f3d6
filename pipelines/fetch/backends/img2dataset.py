"""The downloader of img2dataset as a backend, so that its users can compare, inside our walls.

Its own code makes the requests, repeats them and reads its headers; `vetted_urllib` stands where
it looks up `urllib`. Of the package only the one module is loaded: `import img2dataset` would load
torch, webdataset and albumentations with it, 670 MiB a process, ask a package index for the latest
version of one of them, and let wandb wrap the output of this process.
"""

import asyncio
import builtins
import functools
import io
import sys
import warnings
from collections.abc import Awaitable, Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from dalle_model.errors import DalleError
from pipelines.fetch.backends.native import http_settings
from pipelines.fetch.backends.vetted_urllib import VettedUrllib
from pipelines.fetch.backends.walls import Lookups, RefusedError, Starts, Walls, checked
from pipelines.fetch.bodies import Bodies
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.schedule import HostQueues
from pipelines.stage import Runtime
from pipelines.web.client import shared_client
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.settings import Refuses

PACKAGE = "img2dataset"
_ALIAS = "_img2dataset_modules"  # a package without the imports of its `__init__.py`

# What its functions look up, in 1.47.0: `urllib` is all by which they reach the network. Another
# version that looks up more is refused, since it could pass by the walls.
_LOOKED_UP = {
    "download_image": frozenset(
        {"urllib", "request", "Request", "urlopen", "read", "headers", "is_disallowed", "io"}
        | {"BytesIO", "close", "Exception", "str"}
    ),
    "download_image_with_retry": frozenset({"range", "download_image"}),
}
# Source: img2dataset `main.py` `download`, the default of `disallowed_header_directives`.
DIRECTIVES = frozenset({"noai", "noimageai", "noindex", "noimageindex"})
# Source: img2dataset `downloader.py` `download_image`; all its other errors are exceptions.
_DISALLOWED = "Use of image disallowed by X-Robots-Tag directive"

Result = TypeVar("Result")
Download = Callable[..., tuple[str, io.BytesIO | None, str | None]]


class BackendError(DalleError):
    """The library behind a backend is not one that can be used."""


def fetch_images(
    urls: dict[str, str],
    config: FetchConfig,
    runtime: Runtime,
    bodies: Bodies,
    refuses: Refuses | None = None,
) -> dict[str, FetchFailure]:
    """Fetch each image once, many at a time; as `native.fetch_images`.

    Raises:
        ModuleNotFoundError: img2dataset is not installed.
        BackendError: its version is not known.
    """
    walls = walls_for(config, runtime, refuses)

    def work(image_key: str) -> FetchFailure | None:
        found = fetch_image(urls[image_key], config, walls)
        if isinstance(found, FetchFailure):
            return found
        bodies.add(image_key, found)
        if bodies.are_many:
            bodies.write()
        return None

    downloader()  # what is wrong with it is said before the first thread
    jobs = ((urlsplit(url).hostname or "", image_key) for image_key, url in sorted(urls.items()))
    queues = HostQueues(jobs, config.per_host_concurrency)
    found = in_threads(queues, work, config.concurrency)
    return {image_key: failure for image_key, failure in found.items() if failure}


def image_fetcher(
    config: FetchConfig, runtime: Runtime, refuses: Refuses | None = None
) -> Callable[[str], Awaitable[bytes | FetchFailure]]:
    """What fetches the image of a URL in a thread of a pool; as `native.image_fetcher`.

    Raises:
        ModuleNotFoundError, BackendError: as `fetch_images`.
    """
    walls, threads = walls_for(config, runtime, refuses), _threads(config.concurrency)
    downloader()

    async def fetch(url: str) -> bytes | FetchFailure:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, fetch_image, url, config, walls)

    return fetch


def fetch_image(url: str, config: FetchConfig, walls: Walls) -> bytes | FetchFailure:
    """Fetch one image.

    Args:
        url: as a row has it.
        config: `timeout_s`, `retries`, `user_agent` and `honours_opt_out` become its `timeout`,
            `retries`, `user_agent_token` and `disallowed_header_directives`.
        walls: of this process.

    Returns:
        The body as img2dataset read it, or the failure.
    """
    try:
        url = checked(url)
    except RefusedError as error:
        return error.failure
    vetted = VettedUrllib(walls)
    _, stream, message = bound(downloader(), vetted)(
        ("", url),
        timeout=config.timeout_s,
        retries=config.retries,
        user_agent_token=walls.settings.token,
        disallowed_header_directives=DIRECTIVES if config.honours_opt_out else None,
    )
    if stream is not None:
        return stream.getvalue() or FetchFailure(Reason.EMPTY_BODY, f"at {url}")
    reason = Reason.OPT_OUT if message == _DISALLOWED else Reason.BROKEN_RESPONSE
    return vetted.failure or FetchFailure(reason, f"{message} from {url}")


def bound(module: ModuleType, vetted: VettedUrllib) -> Download:
    """Its `download_image_with_retry`, the same code, which finds `vetted` as `urllib`."""
    names: dict[str, Any] = {
        "__builtins__": builtins,
        "io": io,
        "is_disallowed": module.is_disallowed,
        "urllib": vetted,
    }
    for name in _LOOKED_UP:
        names[name] = FunctionType(getattr(module, name).__code__, names)
    return names["download_image_with_retry"]  # type: ignore[no-any-return]


@functools.cache
def downloader() -> ModuleType:
    """The module `downloader` of img2dataset.

    Raises:
        ModuleNotFoundError: it is not installed.
        BackendError: its functions do something that those of 1.47.0 did not.
    """
    found = find_spec(PACKAGE)
    if found is None:
        raise ModuleNotFoundError(f"No module named '{PACKAGE}'", name=PACKAGE)
    package, logger = ModuleType(_ALIAS), ModuleType(f"{_ALIAS}.logger")
    package.__path__ = list(found.submodule_search_locations or [])
    vars(logger).update(CappedCounter=None, write_stats=None)  # what a download never calls
    sys.modules.update({package.__name__: package, logger.__name__: logger})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that it imports
        module = import_module(f"{_ALIAS}.downloader")
    for name, known in _LOOKED_UP.items():
        code = getattr(getattr(module, name, None), "__code__", None)
        if code is None or _looked_up(code) - known:
            raise BackendError(
                f"img2dataset {version(PACKAGE)} downloads otherwise than 1.47.0, whose requests "
                "are known to be vetted; run `pip install img2dataset==1.47.0`"
            )
    return module


def walls_for(config: FetchConfig, runtime: Runtime, refuses: Refuses | None = None) -> Walls:
    """The walls of this process; robots.txt is asked for by the client of `native`."""
    settings = http_settings(config, runtime.workers, refuses)
    client = shared_client(settings, runtime.loopback)
    return Walls(settings, client.robots, _lookups(), _starts(), runtime.loopback)


def in_threads(
    queues: HostQueues[str], work: Callable[[str], Result], concurrency: int
) -> dict[str, Result]:
    """Do each job once in a pool of threads, as the queues hand them out.

    Raises:
        Exception: the first that `work` raises, after the running jobs have ended.
    """
    results: dict[str, Result] = {}
    running: dict[Future[Result], tuple[str, str]] = {}
    with ThreadPoolExecutor(concurrency, "fetch") as threads:
        while True:
            while len(running) < concurrency and (taken := queues.take()):
                running[threads.submit(work, taken[1])] = taken
            if not running:
                return results
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                host, job = running.pop(future)
                queues.finish(host)
                results[job] = future.result()


def _looked_up(code: CodeType) -> frozenset[str]:
    """The names that a function and those within it look up."""
    inner = [_looked_up(const) for const in code.co_consts if isinstance(const, CodeType)]
    return frozenset(code.co_names).union(*inner)


@functools.lru_cache(maxsize=2)
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, "fetch")


@functools.cache
def _lookups() -> Lookups:
    return Lookups()


@functools.cache
def _starts() -> Starts:
    """One a process: shards that follow each other ask the same hosts."""
    return Starts()
