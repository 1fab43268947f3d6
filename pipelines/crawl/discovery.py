"""From the path of a source to the inputs behind it: files, and folders that are read as one."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, urljoin

from dalle_model.errors import DalleError
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.listing import Listing, is_hidden, list_files
from pipelines.crawl.readers.registry import kind_of, kinds, readers, readers_of
from pipelines.crawl.sources import InputFile, Source


class MissingInputError(DalleError):
    """An input of the config is missing, or of no known kind."""


def inputs(config: CrawlConfig) -> list[tuple[InputFile, Source]]:
    """Every file to read, each with its source, in a total order.

    Raises:
        MissingInputError: a source has no file.
    """
    pairs = [
        (file, source)
        for number, source in enumerate(config.sources)
        for file in resolve(source, f"crawl.sources[{number}]")
    ]
    return sorted(pairs, key=lambda pair: (pair[0], pair[1].model_dump_json()))


def locations(config: CrawlConfig) -> list[str]:
    """URLs of all files that are read, sorted.

    Raises:
        MissingInputError: a source has no file.
    """
    return sorted({url for file, _ in inputs(config) for url in files_of(file)})


def resolve(source: Source, config_key: str) -> list[InputFile]:
    """The inputs of a source, sorted.

    Args:
        source: file, folder or glob.
        config_key: the position of the source in the config, for the error.

    Raises:
        MissingInputError: nothing is there, no file is of a known kind, or the path cannot be
            listed.
    """
    try:
        listing = list_files(source.path)
    except Exception as error:  # each file system has errors of its own
        raise MissingInputError(
            f"{config_key}.path: {source.path} cannot be listed: {error}"
        ) from error
    chosen = _inputs(source, listing)
    if not chosen:
        num_files = len(listing.paths)
        found = (
            f"none of its {num_files} files is a known kind" if num_files else "nothing is there"
        )
        raise MissingInputError(
            f"{config_key}.path: {source.path}: {found}; correct the path, or set "
            f"{config_key}.kind to one of {', '.join(kinds())}"
        )
    return [replace(file, config_key=config_key) for file in chosen]


def files_of(file: InputFile) -> list[str]:
    """URLs of all files that an input is read from."""
    folders = readers_of(file.kind)[0].folders
    return folders.files(file) if folders else [file.location]


def _inputs(source: Source, listing: Listing) -> list[InputFile]:
    paths = [path for path in listing.paths if not is_hidden(path.removeprefix(listing.root))]
    seen = listing._replace(paths=paths)
    folders = [
        file
        for reader in readers()
        if reader.folders and source.kind in {None, reader.kind}
        for file in reader.folders.find(source, seen)
    ]
    ignored = {path for reader in readers() if reader.ignores for path in reader.ignores(paths)}
    rest = set(paths) - ignored - {folder.metadata for folder in folders}
    return sorted({*folders, *_single_files(source, listing.root, sorted(rest))})


def _single_files(source: Source, root: str, paths: list[str]) -> Iterator[InputFile]:
    for path in paths:
        kind = source.kind or kind_of(path)
        if kind is None or readers_of(kind)[0].folders:
            continue
        relative = path.removeprefix(root).lstrip("/")
        address = urljoin(source.base_url, quote(relative)) if source.base_url else ""
        yield InputFile(path, kind, address)
