"""Image files beside the pages of a mirrored site, as images stored under their addresses."""

import os
from collections.abc import Iterator
from urllib.parse import quote

from dalle_model import files
from pipelines.crawl.books import PassedOver
from pipelines.crawl.images.folders import read_whole
from pipelines.crawl.images.names import images_in
from pipelines.crawl.listing import list_names
from pipelines.crawl.sources import InputFile
from pipelines.crawl.splits import Claim
from pipelines.crawl.stored import StoredImage, stored_image
from pipelines.crawl.streams import UnreadableInputError
from pipelines.io.aside import ByteRange

BESIDE = "image files beside pages"
# What paths spell as it is, and pages therefore too. Source: RFC 3986, section 3.3, `pchar`.
_PLAIN = "!$&'()*+,;=:@"
_NO_IMAGES = "files beside pages that cannot be used as images"


def read_images(
    file: InputFile, limit: int, start: int, claim: Claim
) -> Iterator[StoredImage | PassedOver]:
    """The images of a folder from a number on; each is counted, and its page names it by URL.

    A name with a `?` is that of a URL with a query, as wget writes it, and of one that spells the
    mark: pages of a mirror link to either.

    Args:
        file: a folder, whose address is known.
        limit: bytes of an image, above which it is not read.
        start: number of the first, in the order of their names.
        claim: asked for the number of each.

    Raises:
        UnreadableInputError: the disk or the network failed.
    """
    names = images_in(file, list_names(file.location))
    for number in range(start, max(1, len(names))):
        if not claim(number):
            return
        if number < len(names):
            found = _stored(file, names[number], limit)
            yield from found
            yield PassedOver(BESIDE if found else _NO_IMAGES)


def _stored(file: InputFile, name: str, limit: int) -> list[StoredImage]:
    location = files.join(file.location, name)
    try:
        encoded, size = read_whole(location, limit)
    except UnreadableInputError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        return []
    blob = ByteRange(location, 0, size)
    spellings = dict.fromkeys(quote(os.fsencode(name), safe) for safe in (_PLAIN, f"{_PLAIN}?"))
    addresses = (file.page_url.rstrip("/") + "/" + spelled for spelled in spellings)
    found = (stored_image(address, encoded, limit, blob=blob) for address in addresses)
    return [image for image in found if image is not None]
