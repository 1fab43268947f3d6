"""Folders of images, captioned by files next to them or by a table."""

import posixpath

from dalle_model import files
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.names import (
    images_in,
    is_image,
    nearest_table,
    sidecars_in,
    tables_of_captions,
)
from pipelines.crawl.listing import Listing
from pipelines.crawl.readers import html
from pipelines.crawl.readers.reader import Folders, Reader, Rows
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import Claim, Extent
from pipelines.crawl.streams import OpenInput

KIND = "images"


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.images.folders import read_folder

    return read_folder(opened.file, source, config, start, claim)


def _extent(opened: OpenInput) -> Extent:
    from pipelines.crawl.images.folders import folder_extent

    return folder_extent(opened.file)


def _find(source: Source, listing: Listing) -> list[InputFile]:
    """The folders that hold images; one with pages is a site unless the config says otherwise."""
    root, paths, is_folder = listing
    if source.kind is None and any(p.lower().endswith(html.READER.suffixes) for p in paths):
        return []
    names: dict[str, list[str]] = {}
    for path in paths:
        if is_image(path):
            names.setdefault(posixpath.dirname(path), []).append(posixpath.basename(path))
    tables = tables_of_captions(paths)
    table_of = {folder: nearest_table(folder, root, tables) for folder in names}
    if is_folder:  # a table's own folder reports the images that are missing
        table_of |= {posixpath.dirname(table): table for table in table_of.values() if table}
    return [
        InputFile(
            folder,
            KIND,
            metadata=table,
            names=() if is_folder else tuple(sorted(names.get(folder, ()))),
        )
        for folder, table in table_of.items()
    ]


def _files(folder: InputFile) -> list[str]:
    listing = files.list_names(folder.location)
    images = images_in(folder, listing)
    read = (*images, *sidecars_in(images, listing))
    urls = [files.join(folder.location, name) for name in read]
    return [*urls, folder.metadata] if folder.metadata else urls


READER = Reader(kind=KIND, read=_read, extent=_extent, folders=Folders(_find, _files))
