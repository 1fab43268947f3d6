"""How much the sources of a config hold, by the names and sizes of their files alone."""

import posixpath
from collections.abc import Iterable

from dalle_model import files
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import files_of, inputs
from pipelines.crawl.images.names import is_image
from pipelines.crawl.readers.registry import readers_of
from pipelines.stage import Amount


def amount(config: CrawlConfig) -> Amount | None:
    """The images and their bytes where all sources are folders of images; None elsewhere.

    How many pairs are in a table or an archive is known when it is read.

    Raises:
        MissingInputError: a source has no file.
    """
    found = [file for file, _ in inputs(config)]
    if config.sites or not all(readers_of(file.kind)[0].folders for file in found):
        return None
    images = {url for file in found for url in files_of(file) if is_image(url)}
    return Amount(len(images), sum(_sizes(images)))


def _sizes(urls: Iterable[str]) -> list[int]:
    folders: dict[str, set[str]] = {}
    for url in urls:
        folder, name = posixpath.split(url)
        folders.setdefault(folder, set()).add(name)
    return [
        size
        for folder, names in folders.items()
        for name, size in files.list_sizes(folder).items()
        if name in names
    ]
