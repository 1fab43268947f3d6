"""A folder of images with captions next to them, or in a table of the same or an upper folder."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dalle_model import files
from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found, rejection
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.image import (
    MAX_TEXT_BYTES,
    Image,
    Sidecar,
    images_of,
    read_sidecar,
    url_of,
)
from pipelines.crawl.images.kinds import HEAD_BYTES, image_type
from pipelines.crawl.images.names import (
    Texts,
    images_in,
    is_image,
    may_be_image,
    texts_beside,
    texts_in,
)
from pipelines.crawl.listing import is_hidden, list_files, list_names
from pipelines.crawl.readers import parquet, text_table
from pipelines.crawl.readers.reader import by_content
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import Claim, Extent, every
from pipelines.crawl.streams import OpenInput, UnreadableInputError, open_input
from pipelines.crawl.tables.columns import ColumnError
from pipelines.crawl.tables.lines import read_lines
from pipelines.io.aside import ByteRange
from pipelines.io.carried import Carried, packed, unpacked
from pipelines.rejection import Rejection

FILE_COLUMN = "file_name"  # Source: Hugging Face `datasets`, "ImageFolder"
_MIN_STEP = 256  # images of one part; chosen: some 50 MB
_MAX_PARTS = 16  # chosen: each lists the folder and reads its table

NO_IMAGES = "files without a suffix that are no images"

# By the image's path, relative to the table's folder; each with what it carries, as packed.
Captions = dict[str, list[tuple[str, str]]]
Rows = Iterator[Image | Rejection | PassedOver]


@dataclass(frozen=True)
class _Folder:
    """A folder while it is read.

    Args:
        file: the input.
        source: names columns and keys.
        texts: of all of its files.
        captions: of its table.
        limit: bytes of an image, above which it is not read.
    """

    file: InputFile
    source: Source
    texts: Texts
    captions: Captions
    limit: int


def read_folder(
    file: InputFile, source: Source, config: CrawlConfig, start: int = 0, claim: Claim = every
) -> Rows:
    """The images of a folder from a number on, and the rows of its table without an image.

    Captions come from `.json`, `.txt` and `.caption` next to an image, as img2dataset,
    DALLE-pytorch and kohya write them; else from the table. A file with the suffix of an image is
    one, whatever its bytes, which the images stage judges; of one without any suffix the bytes
    decide.

    Args:
        file: an image folder.
        source: names columns and keys.
        config: of the crawl; images above its limit are not read.
        start: number of the first image, in the order of their names.
        claim: asked for the number of each file that may be an image.

    Raises:
        UnreadableInputError: the disk or the network failed.
        ColumnError: the table has no column of captions, or more than one.
    """
    captions, damage = _captions(file, source, config)
    listing = list_names(file.location)
    folder = _Folder(file, source, texts_in(listing), captions, config.max_image_bytes)
    names = images_in(file, listing)
    for number in range(start, max(1, len(names))):
        if not claim(number):
            return
        if number == 0:
            yield from damage
            yield from _missing(file, captions)
        if number < len(names):
            yield from _images(names[number], folder)


def folder_extent(file: InputFile) -> Extent:
    """The files that may be images by number; one position where there is only a table."""
    size = max(1, len(images_in(file, list_names(file.location))))
    return Extent(size, max(_MIN_STEP, -(-size // _MAX_PARTS)))


def _images(name: str, folder: _Folder) -> Rows:
    try:
        yield from _read_image(name, folder)
    except UnreadableInputError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        yield rejection("", "", "unreadable_file", "permission denied")


def _read_image(name: str, folder: _Folder) -> Rows:
    location = files.join(folder.file.location, name)
    if not is_image(name) and not has_image(location):
        yield PassedOver(NO_IMAGES)
        return
    encoded, size = read_whole(location, folder.limit)
    try:
        sidecar = _sidecar(name, folder)
    except ValueError as error:
        yield rejection(url_of("", encoded), "", "bad_metadata", str(error))
        return
    listed = folder.captions.get(_relative(location, folder.file.metadata), [])
    if not listed:
        yield from sidecar.faults()
    blob = ByteRange(location, 0, size)
    for one in _listed(sidecar, listed):
        yield from images_of(one, folder.source, name, encoded, blob, size)


def _listed(sidecar: Sidecar, listed: list[tuple[str, str]]) -> list[Sidecar]:
    """What is known of an image of which a table may tell more than the files next to it."""
    if not listed:
        return [sidecar]
    if sidecar.captions != ("",):
        return [replace(sidecar, carried=_merged(sidecar.carried, listed[0][1]))]
    return [
        replace(sidecar, captions=(caption,), carried=_merged(sidecar.carried, carried))
        for caption, carried in listed
    ]


def _merged(own: Carried, of_table: str) -> Carried:
    """The values next to an image before those of a table."""
    return packed(unpacked(of_table) | unpacked(own.text)) if own.text else Carried(of_table)


def has_image(location: str) -> bool:
    """Whether a file is an image by its first bytes."""
    with open_input(location) as stream:
        return image_type(stream.read(HEAD_BYTES)) is not None


def _sidecar(name: str, folder: _Folder) -> Sidecar:
    text, document = (
        None if beside is None else _read_text(files.join(folder.file.location, beside))
        for beside in texts_beside(name, folder.texts)
    )
    return read_sidecar(text, document, folder.source, is_line_a_caption=True)


def read_whole(location: str, limit: int) -> tuple[bytes, int]:
    """The bytes of a file, empty above the limit, and how many there are."""
    with open_input(location) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        return (stream.read() if size <= limit else b""), size


def _read_text(location: str) -> bytes:
    with open_input(location) as stream:
        return stream.read(MAX_TEXT_BYTES + 1)


def _captions(
    file: InputFile, source: Source, config: CrawlConfig
) -> tuple[Captions, list[Rejection | PassedOver]]:
    """The captions of a folder's table, and what of it cannot be read."""
    captions: Captions = {}
    damage: list[Rejection | PassedOver] = []
    if not file.metadata:
        return captions, damage
    with OpenInput(InputFile(file.metadata, text_table.READER.kind)) as opened:
        table = source.model_copy(update=_columns(opened, source))
        try:
            reader = by_content((parquet.READER, text_table.READER), opened)
            for row in reader.read(opened, table, config, 0, every):
                if isinstance(row, Found):
                    image = posixpath.normpath(row.raw_url)
                    captions.setdefault(image, []).append((row.caption, row.carried))
                elif isinstance(row, Rejection | PassedOver):
                    damage.append(row)
        except ColumnError as error:
            raise ColumnError(f"{error}; the column of images must be `{FILE_COLUMN}`") from error
    return captions, damage if _is_own(file) else []


def _columns(opened: OpenInput, source: Source) -> dict[str, str | int | None]:
    """Which columns name and caption images: the first two where columns have no names."""
    is_named = opened.file.location.endswith((".csv", ".jsonl", ".parquet"))
    if is_named or FILE_COLUMN in next(read_lines(opened.stream), (0, ""))[1].lower():
        return {"image_column": None, "url_column": FILE_COLUMN}
    caption = 1 if source.caption_column is None else source.caption_column
    return {"image_column": None, "url_column": 0, "caption_column": caption}


def _missing(file: InputFile, captions: Captions) -> Iterator[Rejection]:
    """The rows of a folder's own table whose image is not there."""
    if not captions or not _is_own(file):
        return
    root, paths, *_ = list_files(file.location)
    present = {posixpath.relpath(path, root) for path in paths}
    images = {name for name in present if may_be_image(name) and not is_hidden(name)}
    for name in sorted(captions.keys() - images):
        lack = "is no image by its suffix" if name in present else "is not in the folder"
        for caption, _ in captions[name]:
            yield rejection(name, caption, "no_picture", f"what the table names {lack}")


def _is_own(file: InputFile) -> bool:
    """Whether the table is in the folder itself, all of whose images are read."""
    return posixpath.dirname(file.metadata) == file.location and not file.names


def _relative(location: str, metadata: str) -> str:
    return posixpath.relpath(location, posixpath.dirname(metadata)) if metadata else ""
