"""A finished run in process, from a table of pairs to token shards, whose images a server has.

Of every image it is known what a takedown has to find: URLs, pages, captions, hashes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dalle_model.pixels import to_png
from orchestration.engine.config_file import load_config
from orchestration.engine.plan import Run
from orchestration.engine.progress import Quiet
from orchestration.engine.run import run_stages
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.client import close_shared_clients
from tests.support.image_rows import noise
from tests.support.loopback import SUFFIX, Web, loopback_web

STAGES = ["crawl", "captions", "fetch", "images", "dedupe", "encode"]
NUM_IMAGES, NUM_HOSTS, NUM_PAGES = 24, 4, 6
COPY_OF, COPY = 5, 20  # the second has the very pixels of the first, at another URL
MISSING = 23  # a URL that answers 404
SETTINGS = """\
name: removable
num_shards: 3
crawl:
  sources: [{path: pairs.tsv, caption_column: 0, url_column: 1, page_url_column: 2}]
captions: {recipe: none}
fetch: {timeout_s: 60, retries: 0, backoff_s: 0, per_host_concurrency: 8, obeys_robots: false}
images: {side: 64, resize: lanczos}
"""


def url_of(number: int) -> str:
    return f"http://h{number % NUM_HOSTS}.demo.test/image-{number}.png"


def page_of(number: int) -> str:
    return f"https://blog-{number % NUM_PAGES}.example/post"


def captions_of(number: int) -> list[str]:
    """Every third image has two."""
    first = f"a red apple number {number} on a wooden table"
    return [first, f"the fruit that is number {number}"] if number % 3 == 0 else [first]


def image_of_number(number: int) -> bytes:
    return to_png(noise(COPY_OF if number == COPY else number, 70, 80))


def rows() -> Iterator[tuple[str, str, str]]:
    for number in range(NUM_IMAGES):
        for caption in captions_of(number):
            yield caption, url_of(number), page_of(number)
    yield captions_of(1)[0], url_of(1), "https://mirror.example/"  # a pair on a second page
    yield "a picture", "data:image/png;base64,AAAA", page_of(0)  # dropped by crawl


def write_sources(folder: Path) -> Path:
    """The table and the config of the run."""
    lines = ("\t".join(row) + "\n" for row in rows())
    (folder / "pairs.tsv").write_text("".join(lines))
    (folder / "run.yaml").write_text(SETTINGS)
    return folder / "run.yaml"


@contextmanager
def serving() -> Iterator[Web]:
    """The web of the run, in place of that outside."""
    with loopback_web() as running, pytest.MonkeyPatch.context() as patched:
        for number in range(NUM_IMAGES):
            if number != MISSING:
                running.page(url_of(number).removeprefix("http://"), image_of_number(number))

        @contextmanager
        def web_of(config: object, stage: object) -> Iterator[LoopbackAllowance]:
            del config, stage
            yield LoopbackAllowance(running.port, SUFFIX)

        patched.setattr("orchestration.engine.run.web_of", web_of)
        yield running
        close_shared_clients()


def finished_run(folder: Path) -> Run:
    """The run, finished."""
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(load_config(str(write_sources(folder))), str(folder / "run"))
    with serving():
        run_stages(run, STAGES, Quiet())
    return run
