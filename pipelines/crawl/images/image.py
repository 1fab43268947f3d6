"""Images that come with their bytes, and what the files next to them say."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from dalle_model import files
from dalle_model.files import sha256
from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found, kept_caption, rejection, unfit_caption
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.sources import Source
from pipelines.crawl.tables.columns import (
    CAPTION_NAMES,
    LICENSE_NAMES,
    PAGE_NAMES,
    URL_NAMES,
    pick,
    text_of,
    texts_of,
)
from pipelines.crawl.tables.rows import not_carried
from pipelines.crawl.text_encoding import decode_text
from pipelines.io.aside import ByteRange
from pipelines.io.carried import NOTHING, Carried, packed
from pipelines.io.keys import local_pair_key
from pipelines.records import Candidate
from pipelines.rejection import Rejection
from pipelines.web.urls import canonical_url

MAX_NAME_CHARS = 1024  # chosen: some folders, and a name as long as file systems allow
MAX_TEXT_BYTES = 1 << 20  # chosen: a text file next to an image; longer ones are not read


class Image(NamedTuple):
    """An image and one of its captions, before any check.

    Args:
        found: `raw_url` may be empty.
        encoded: as stored; empty above the limit.
        blob: where in the input the bytes are; None where it holds them in another form.
        num_bytes: of what is stored, where `encoded` is not.
    """

    found: Found
    encoded: bytes
    blob: ByteRange | None = None
    num_bytes: int = 0


@dataclass(frozen=True)
class Sidecar:
    """What texts and `.json` files next to an image, or a table of captions, say about it.

    Args:
        captions: at least one; a single empty one where there is none.
        url: as written; empty where nothing is known, like the rest.
        carried: the values that the source asks for.
        missing: names of those that are not there.
    """

    captions: tuple[str, ...] = ("",)
    url: str = ""
    page_url: str = ""
    license: str = ""
    carried: Carried = NOTHING
    missing: tuple[str, ...] = ()

    def faults(self) -> Iterator[PassedOver]:
        """What is not carried of the values that the source asks for, for the books."""
        yield from not_carried(self.carried)
        for name in self.missing:
            yield PassedOver(f"images without `{name}` to carry")


@dataclass(frozen=True)
class InlineImage:
    """A candidate with its bytes.

    Args:
        candidate: without bytes.
        encoded: the bytes.
        blob: where else they are; None where they are nowhere else as they are.
    """

    candidate: Candidate
    encoded: bytes
    blob: ByteRange | None = None


def to_inline_image(image: Image, config: CrawlConfig, prefix: str = "") -> InlineImage | Rejection:
    """Check an image's caption and size; its key is made from its bytes.

    Its URL is the one that its source gives, if that is a URL of the web; else a name made from
    the bytes, which nothing can fetch: `urn:sha256:` and 64 hex digits.

    Args:
        image: as read.
        config: of the crawl.
        prefix: of the input that it was read from.
    """
    found = image.found._replace(name=name_of(image.found.name, prefix))
    size, limit = max(image.num_bytes, len(image.encoded)), config.max_image_bytes
    if size > limit:
        return rejection(
            found.raw_url,
            found.caption,
            "picture_too_large",
            found.name,
            measured=size,
            threshold=limit,
        )
    url = url_of(found.raw_url, image.encoded)
    unfit = unfit_caption(url, found, config)
    if unfit is not None:
        return unfit
    caption = kept_caption(found.caption, config)
    candidate = Candidate(
        key=local_pair_key(image.encoded, caption),
        url=url,
        caption=caption,
        page_url=found.page_url,
        text_source=found.text_source,
        source=found.source,
        license=found.license,
        declared_hash=found.declared_hash,
        name=found.name,
        carried=found.carried,
    )
    return InlineImage(candidate, image.encoded, image.blob)


def name_of(inner: str, prefix: str) -> str:
    """The name of an image within its source; of one that is too long, the end.

    Args:
        inner: its name within its input; bytes that are no UTF-8 as in `os.fsdecode`.
        prefix: of the input.
    """
    name = prefix + files.printable(inner) if inner else ""
    return name if len(name) <= MAX_NAME_CHARS else f"…{name[1 - MAX_NAME_CHARS :]}"


def images_of(
    sidecar: Sidecar,
    source: Source,
    name: str,
    encoded: bytes,
    blob: ByteRange | None,
    num_bytes: int,
) -> list[Image]:
    """An image, once for each of its captions."""
    return [
        Image(
            Found(
                raw_url=sidecar.url,
                caption=caption,
                text_source="file",
                page_url=sidecar.page_url,
                source=source.name,
                license=sidecar.license,
                name=name,
                carried=sidecar.carried.text,
            ),
            encoded,
            blob,
            num_bytes,
        )
        for caption in sidecar.captions
    ]


def read_sidecar(
    text: bytes | None,
    document: bytes | None,
    source: Source,
    *,
    is_line_a_caption: bool,
    others: Mapping[str, str] | None = None,
) -> Sidecar:
    """What a text and a `.json` say about an image; the captions of the `.json` come first.

    Args:
        text: content of the `.txt` or `.caption`, if there is one.
        document: content of the `.json`, if there is one.
        source: names the keys of the `.json`; by default the usual names of columns.
        is_line_a_caption: each line of the text is one, as in lucidrains/DALLE-pytorch
            `dalle_pytorch/loader.py`; else all of it is, as in WebDataset.
        others: what further files next to the image hold, by their suffix; carried before the
            values of the `.json`.

    Raises:
        ValueError: not a JSON object, a text above `MAX_TEXT_BYTES`, or in no encoding that can be
            told.
    """
    values = {} if document is None else _object(document)
    captions = texts_of(pick(values, source.caption_column, CAPTION_NAMES))
    if captions == [""] and text is not None:
        captions = _captions_in(text, is_line_a_caption)
    wanted = {name: (others or {}).get(name.lower()) for name in source.carry}
    carried = {n: pick(values, n, ()) if v is None else v for n, v in wanted.items()}
    return Sidecar(
        captions=tuple(captions),
        url=text_of(pick(values, source.url_column, URL_NAMES)),
        page_url=text_of(pick(values, source.page_url_column, PAGE_NAMES)),
        license=text_of(pick(values, source.license_column, LICENSE_NAMES)),
        carried=packed(carried),
        missing=tuple(name for name, value in carried.items() if value is None),
    )


def url_of(raw_url: str, encoded: bytes) -> str:
    """The URL that a source gives, if it is a URL of the web; else a name made from the bytes."""
    try:
        return canonical_url(raw_url.strip())
    except ValueError:
        return f"urn:sha256:{sha256(encoded)}"


def _captions_in(text: bytes, is_line_a_caption: bool) -> list[str]:
    _check_length(text)
    whole = decode_text(text).strip("\r\n")
    if not is_line_a_caption:
        return [whole]
    return [line for line in whole.splitlines() if line.strip()] or [""]


def _object(document: bytes) -> dict[str, Any]:
    _check_length(document)
    try:
        values = json.loads(decode_text(document))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("not an object of JSON")
    return values


def _check_length(content: bytes) -> None:
    if len(content) > MAX_TEXT_BYTES:
        raise ValueError(f"more than {MAX_TEXT_BYTES} bytes of text")
