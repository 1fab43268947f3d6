"""From the path of a source to the inputs behind it: files, and folders that are read as one.

Files that are no input, nor read with one, are counted by their suffix.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dalle_model import files
from dalle_model.errors import UsageError
from pipelines.crawl.books import SourceBook
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.names import is_image
from pipelines.crawl.listing import Listing, is_hidden, list_files
from pipelines.crawl.readers.registry import hint_for, kind_of, kinds, readers, readers_of
from pipelines.crawl.sources import HOSTS_ARE_FOLDERS, InputFile, Source

# The end of a name by which files are counted: of a compressed one with the suffix before it.
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8})?\.(gz|zst|xz|bz2)$|\.[a-z0-9]{1,8}$")
_HIDDEN, _UNNAMED = "hidden files", "files without a suffix"


class MissingInputError(UsageError):
    """An input of the config is missing, or of no known kind."""


@dataclass(frozen=True)
class Discovered:
    """What the sources of a config hold.

    Args:
        inputs: every input, each with its source, in a total order.
        books: of each source, what else is there.
    """

    inputs: list[tuple[InputFile, Source]]
    books: list[SourceBook]


def discover(config: CrawlConfig) -> Discovered:
    """Every file to read, and how many others there are.

    Raises:
        MissingInputError: a source has no file.
    """
    pairs, books = [], []
    for number, source in enumerate(config.sources):
        key = f"crawl.sources[{number}]"
        listing, found = _found(source, key)
        pairs += [(file, source) for file in found]
        books.append(SourceBook(key, passed_over=_others(source, listing, found)))
    return Discovered(sorted(pairs, key=lambda p: (p[0], p[1].model_dump_json())), books)


def inputs(config: CrawlConfig) -> list[tuple[InputFile, Source]]:
    """Every file to read, each with its source, in a total order; raises as `discover`."""
    return discover(config).inputs


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
    return _found(source, config_key)[1]


def files_of(file: InputFile) -> list[str]:
    """URLs of all files that an input is read from."""
    folders = readers_of(file.kind)[0].folders
    return folders.files(file) if folders else [file.location]


def _found(source: Source, config_key: str) -> tuple[Listing, list[InputFile]]:
    """What is at the path of a source, and the inputs in it; raises as `resolve`."""
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
        hint = next(filter(None, map(hint_for, listing.paths)), "")
        mend = hint or (
            f"correct the path, or set {config_key}.kind to one of {', '.join(kinds())}"
        )
        raise MissingInputError(f"{config_key}.path: {source.path}: {found}; {mend}")
    names = [files.printable(_name(file.location, listing.root)) for file in chosen]
    return listing, [
        replace(file, config_key=config_key, name=name, prefix=_prefix(file, name, listing.root))
        for file, name in zip(chosen, names, strict=True)
    ]


def _prefix(file: InputFile, name: str, root: str) -> str:
    if not readers_of(file.kind)[0].folders:
        return f"{name}!"
    return "" if file.location == root else f"{name}/"


def _inputs(source: Source, listing: Listing) -> list[InputFile]:
    paths = [path for path in listing.paths if not is_hidden(path.removeprefix(listing.root))]
    seen = listing._replace(paths=paths)
    folders = [
        file
        for reader in readers()
        if reader.folders and source.kind in {None, reader.kind, reader.folders.beside}
        for file in reader.folders.find(source, seen)
    ]
    rest = set(paths) - _ignored(source, paths).keys() - {folder.metadata for folder in folders}
    return sorted({*folders, *_single_files(source, seen, sorted(rest))})


def _single_files(source: Source, listing: Listing, paths: list[str]) -> Iterator[InputFile]:
    root = listing.root
    for path in paths:
        kind = source.kind or kind_of(path)
        if kind is None or readers_of(kind)[0].folders:
            continue
        if listing.is_folder and source.kind and _is_of_another_kind(path, source.kind):
            continue
        name = _name(path, root)
        is_above_hosts = source.base_url in HOSTS_ARE_FOLDERS and "/" not in name
        yield InputFile(path, kind, "" if is_above_hosts else source.address_of(name))


def _is_of_another_kind(path: str, kind: str) -> bool:
    """Whether a suffix says that a file in a folder of one kind is of another, or an image."""
    return kind_of(path) not in {None, kind} or (kind_of(path) is None and is_image(path))


def _name(path: str, root: str) -> str:
    """A path within a source; that of the source itself is its last part."""
    return path.removeprefix(root).strip("/") or posixpath.basename(path)


def _ignored(source: Source, paths: list[str]) -> dict[str, str]:
    """What looks like an input but is none, and what it is."""
    ignored: dict[str, str] = {}
    for reader in readers():
        if reader.ignores:
            ignored |= reader.ignores(source, paths)
    return ignored


def _others(source: Source, listing: Listing, found: list[InputFile]) -> dict[str, int]:
    """What a source holds that is not read, by kind."""
    read = {url for file in found for url in files_of(file)}
    ignored = _ignored(source, listing.paths)
    others = Counter(listing.others)
    for path in listing.paths:
        if path not in read:
            name = path.removeprefix(listing.root)
            others[ignored.get(path) or _kind_of_other(name)] += 1
    return others


def _kind_of_other(name: str) -> str:
    if is_hidden(name):
        return _HIDDEN
    suffix = _SUFFIX.search(posixpath.basename(name).lower())
    return f"{suffix[0]} files" if suffix else _UNNAMED
