"""Images that a source holds with their bytes, in pieces that are read one by one, without Beam.

A tar and a Parquet table are a piece each; a folder is cut by the names of its files. Rows are
those of the crawl stage: the same candidates, keys and rejections.
"""

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dalle_model import files
from dalle_model.errors import UsageError
from pipelines.crawl.books import PassedOver, total_passed_over
from pipelines.crawl.candidates import DUPLICATE, rejection
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import discover, files_of
from pipelines.crawl.images.image import InlineImage
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.readers.registry import readers_of
from pipelines.crawl.sources import InputFile, Source
from pipelines.io.manifest_groups import digest_of
from pipelines.rejection import Rejection

KINDS = ("images", "tar", "table")  # of readers whose inputs can hold images
FILES_OF_PIECE = 4096  # of a folder; chosen: a minute or more of encoding, and some MB of tokens


class NoHeldImagesError(UsageError):
    """What a path names holds no images with their bytes: what it holds, and what reads that."""


@dataclass(frozen=True)
class Piece:
    """A part of a source.

    Args:
        file: the input.
        source: that it is of.
        start: position at which the piece begins, as the reader of the input counts.
        end: position before which it ends; None for the end of the input.
    """

    file: InputFile
    source: Source
    start: int = 0
    end: int | None = None


@dataclass(frozen=True)
class Held:
    """What a source holds.

    Args:
        pieces: in a total order.
        passed_over: what else lies there, by kind.
        digest: of the names and sizes of all files that are read, and of how they are cut.
    """

    pieces: tuple[Piece, ...]
    passed_over: Mapping[str, int]
    digest: str


def held_images(path: str, columns: Mapping[str, str]) -> Held:
    """The pieces of a folder, a file or a glob.

    Args:
        path: on a disk or in a store.
        columns: names of the columns of tables, by the setting of a source, where they cannot be
            told.

    Raises:
        MissingInputError: nothing is there, or nothing of a known kind.
        NoHeldImagesError: it is of a kind that holds no images.
    """
    name = posixpath.basename(path.rstrip("/")) or "source"  # as `look` names a source
    source = Source.model_validate({"path": path, "name": name} | dict(columns))
    found = discover(_config(source))
    pieces = tuple(piece for file, _ in found.inputs for piece in _pieces(file, source))
    return Held(pieces, total_passed_over(found.books), _digest(pieces))


def read_piece(piece: Piece, passed_over: Counter[str]) -> Iterator[InlineImage | Rejection]:
    """The images of a piece, and what of it is none; a pair that comes twice counts once.

    Args:
        piece: to read.
        passed_over: is told what the piece holds beside images and texts, by kind.

    Raises:
        UnreadableInputError: the disk or the network failed.
        ColumnError: a table has no column of images, or more than one.
        NoHeldImagesError: it is a table of addresses.
    """
    seen: set[str] = set()
    config, end = _config(piece.source), piece.end

    def claim(position: int) -> bool:
        return end is None or position < end

    for row in read_input(piece.file, piece.source, config, piece.start, claim):
        if isinstance(row, PassedOver):
            passed_over[row.what] += row.count
        elif isinstance(row, Rejection):
            yield row
        elif not isinstance(row, InlineImage):
            raise NoHeldImagesError(
                f"{piece.file.location} names images by their addresses; `dalle encode` fetches "
                "them, in an installation with the extra `data`"
            )
        elif row.candidate.key in seen:
            made = row.candidate
            yield rejection(made.url, made.caption, DUPLICATE, made.name, key=made.key)
        else:
            seen.add(row.candidate.key)
            yield row


def _config(source: Source) -> CrawlConfig:
    return CrawlConfig(sources=(source,), min_caption_chars=0)


def _pieces(file: InputFile, source: Source) -> list[Piece]:
    if file.kind not in KINDS:
        raise NoHeldImagesError(
            f"{file.location} is of kind {file.kind}, which holds no images with their bytes; "
            "`dalle encode` reads it, in an installation with the extra `data`"
        )
    if not readers_of(file.kind)[0].folders:
        return [Piece(file, source)]
    size = input_extent(file).size
    starts = range(0, size, FILES_OF_PIECE)
    return [Piece(file, source, at, min(at + FILES_OF_PIECE, size)) for at in starts]


def _digest(pieces: Sequence[Piece]) -> str:
    inputs = dict.fromkeys(piece.file for piece in pieces)
    read = [[file.name, _sizes(files_of(file))] for file in inputs]
    return digest_of([read, [[piece.file.name, piece.start, piece.end] for piece in pieces]])


def _sizes(urls: Iterable[str]) -> list[tuple[str, int]]:
    """Names and bytes of files, which are asked of the folders that they lie in."""
    listed = list(urls)
    folders = {posixpath.dirname(url) for url in listed}
    sizes = {folder: files.list_sizes(folder) for folder in folders}
    parts = (posixpath.split(url) for url in listed)
    return [(name, sizes[folder].get(name, 0)) for folder, name in parts]
