"""Folders of images beside the pages of a mirrored site: stored, for the rows of these pages."""

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.names import (
    captioned_folders,
    images_in,
    is_image,
    may_be_image,
    names_by_folder,
)
from pipelines.crawl.listing import Listing, list_names
from pipelines.crawl.readers import html
from pipelines.crawl.readers.reader import Folders, Reader, Rows
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import Claim, Extent
from pipelines.crawl.streams import OpenInput

_KIND = "mirror"


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.images.beside import read_images

    del source
    return read_images(opened.file, config.max_image_bytes, start, claim)


def _extent(opened: OpenInput) -> Extent:
    from pipelines.crawl.images.folders import folder_extent

    return folder_extent(opened.file)


def _find(source: Source, listing: Listing) -> list[InputFile]:
    """The folders with images that no reader of images takes, where their addresses are known."""
    paths = listing.paths
    has_pages = any(path.lower().endswith(html.READER.suffixes) for path in paths)
    if not source.base_url or not (has_pages or source.kind == _KIND):
        return []
    taken = captioned_folders(paths) if source.kind is None else set()
    return [
        InputFile(
            folder,
            _KIND,
            page_url=source.address_of(folder.removeprefix(listing.root).strip("/")),
            names=() if listing.is_folder else tuple(sorted(filter(may_be_image, names))),
        )
        for folder, names in names_by_folder(paths).items()
        if folder not in taken and any(is_image(name) or "?" in name for name in names)
    ]


def _files(folder: InputFile) -> list[str]:
    from dalle_model import files

    names = images_in(folder, list_names(folder.location))
    return [files.join(folder.location, name) for name in names]


READER = Reader(
    kind=_KIND,
    read=_read,
    extent=_extent,
    folders=Folders(_find, _files, beside=html.READER.kind),
)
