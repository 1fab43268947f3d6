"""Folders of images, captioned by files next to them or by a table."""

import posixpath
from collections.abc import Sequence

from dalle_model import files
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.names import (
    METADATA_NAMES,
    captioned_folders,
    images_in,
    is_image,
    may_be_image,
    names_by_folder,
    nearest_table,
    tables_of_captions,
    texts_beside,
    texts_in,
)
from pipelines.crawl.listing import Listing, list_names
from pipelines.crawl.readers import html
from pipelines.crawl.readers.reader import Folders, Reader, Rows
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import Claim, Extent
from pipelines.crawl.streams import OpenInput

KIND = "images"
_MAX_LOOKS = 8  # files of a folder whose bytes are looked at; chosen: some requests to a store


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.images.folders import read_folder

    return read_folder(opened.file, source, config, start, claim)


def _extent(opened: OpenInput) -> Extent:
    from pipelines.crawl.images.folders import folder_extent

    return folder_extent(opened.file)


def _find(source: Source, listing: Listing) -> list[InputFile]:
    """The folders that hold images; beside pages, only those whose images are captioned there."""
    paths, is_folder = listing.paths, listing.is_folder
    names = {f: n for f, n in names_by_folder(paths).items() if _has_images(f, n, is_folder)}
    if source.kind is None and any(path.lower().endswith(html.READER.suffixes) for path in paths):
        names = {folder: names[folder] for folder in names.keys() & captioned_folders(paths)}
    tables = tables_of_captions(paths)
    table_of = {folder: nearest_table(folder, tables) for folder in names}
    if is_folder:  # a table's own folder reports the images that are missing
        table_of |= {posixpath.dirname(table): table for table in table_of.values() if table}
    return [
        InputFile(
            folder,
            KIND,
            metadata=table,
            names=() if is_folder else tuple(sorted(filter(may_be_image, names.get(folder, ())))),
        )
        for folder, table in table_of.items()
    ]


def _has_images(folder: str, names: list[str], is_folder: bool) -> bool:
    """Whether one is there by its suffix, or by its bytes where none of them has a suffix."""
    if any(is_image(name) for name in names):
        return True
    unnamed = sorted(name for name in names if may_be_image(name))
    if is_folder:  # a licence and the like make no image folder: one with a text beside it might
        texts = texts_in(names)
        unnamed = [name for name in unnamed if texts_beside(name, texts) != (None, None)]
    return any(_has_image(files.join(folder, name)) for name in unnamed[:_MAX_LOOKS])


def _has_image(location: str) -> bool:
    from pipelines.crawl.images.folders import has_image

    return has_image(location)


def _files(folder: InputFile) -> list[str]:
    listing = list_names(folder.location)
    images, texts = images_in(folder, listing), texts_in(listing)
    beside = {text for image in images for text in texts_beside(image, texts) if text}
    urls = [files.join(folder.location, name) for name in (*images, *sorted(beside))]
    return [*urls, folder.metadata] if folder.metadata else urls


def _further_tables(source: Source, paths: Sequence[str]) -> dict[str, str]:
    """The tables beside the one that captions a folder's images."""
    tables = tables_of_captions(paths)
    named = {f"{folder}/{name}" for folder in tables for name in METADATA_NAMES}
    further = (named & set(paths)) - set(tables.values())
    if source.kind not in {None, KIND} or not further:
        return {}
    used = {nearest_table(folder, tables) for folder in captioned_folders(paths)}
    beside = {posixpath.dirname(table) for table in used if table}
    found = [table for table in further if posixpath.dirname(table) in beside]
    return dict.fromkeys(found, "further tables of captions")


READER = Reader(
    kind=KIND,
    read=_read,
    extent=_extent,
    ignores=_further_tables,
    folders=Folders(_find, _files),
)
