"""What a reader of one format is: the value that each of the other files in this folder exports.

These files are imported wherever a config is read, so that none of them imports a parser, pyarrow
or Beam at its top: `read` and `extent` import what they need.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.impostors import HEAD_BYTES, impostor
from pipelines.crawl.listing import Listing
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import Claim, Extent
from pipelines.crawl.streams import OpenInput

if TYPE_CHECKING:  # they import pyarrow
    from pipelines.crawl.books import PassedOver
    from pipelines.crawl.candidates import Found
    from pipelines.crawl.images.image import Image
    from pipelines.crawl.stored import StoredImage
    from pipelines.rejection import Rejection

Rows = Iterator["Found | Image | StoredImage | Rejection | PassedOver"]
Read = Callable[[OpenInput, Source, CrawlConfig, int, Claim], Rows]


@dataclass(frozen=True)
class Folders:
    """How a reader whose inputs are folders, not files, finds them.

    Args:
        find: the folders to read among the files of a source.
        files: URLs of all files that one of them is read from.
        beside: kind of the files beside which they are read, where the source names that kind.
    """

    find: Callable[[Source, Listing], list[InputFile]]
    files: Callable[[InputFile], list[str]]
    beside: str = ""


@dataclass(frozen=True)
class Reader:
    """How one format is recognised and read.

    Args:
        kind: the name that a source may give in its `kind`; several formats may share one.
        read: every image and text of an input, from a position on. It calls `claim` with the
            position of each unit before it reads that unit, ascending, and stops when refused; what
            belongs to a unit must not depend on where a part begins or ends (`splits.py`).
            Damage is a rejection, never an exception; what is no image or text of one is a
            `PassedOver`, so that all that was in the input is counted.
        suffixes: in lower case; files that end in one are read where the source names no kind.
        magic: the bytes that content of this format begins with; needed where formats share a
            kind, of which one, for all other content, has none.
        extent: how an input is read in parts; None where each input is read in one
            piece, from its top: then `read` need not look at its position and claim.
        ignores: files among those that a source lists that look like inputs of this format but are
            none, each with what it is, as in a `PassedOver`.
        folders: for inputs that are folders; None for files.
        hints: suffixes of kindred formats that are not read, in lower case, each with what to do.
    """

    kind: str
    read: Read
    suffixes: tuple[str, ...] = ()
    magic: bytes = b""
    extent: Callable[[OpenInput], Extent] | None = None
    ignores: Callable[[Source, Sequence[str]], dict[str, str]] | None = None
    folders: Folders | None = None
    hints: Mapping[str, str] = field(default_factory=dict)


def by_content(readers: Iterable[Reader], opened: OpenInput) -> Reader:
    """The one of some readers for an input: by the first bytes of its content, else by its suffix.

    A file that has the suffix of a format with a `magic`, and other content, is damaged, and for
    its reader to reject. One that only stands for a file is rejected in words.

    Args:
        readers: of one kind; at most one without a `magic`, which reads all other content.
        opened: the input; not looked at where it is a folder.
    """
    ordered = sorted(readers, key=lambda reader: -len(reader.magic))
    if ordered[0].folders:
        return ordered[0]
    head = opened.head(max(HEAD_BYTES, len(ordered[0].magic)))
    marked = [reader for reader in ordered if reader.magic]
    if fitting := [reader for reader in marked if head.startswith(reader.magic)]:
        return fitting[0]
    if words := impostor(head, ordered[0].kind):
        return Reader(ordered[0].kind, partial(_refuse, words))
    name = opened.file.location.lower()
    return next((r for r in marked if name.endswith(r.suffixes)), ordered[-1])


def _refuse(
    words: str, opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim
) -> Rows:
    from pipelines.crawl.candidates import rejection

    del opened, source, config, start, claim
    yield rejection("", "", "bad_record", words)
