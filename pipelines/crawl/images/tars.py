"""WebDataset tars, img2dataset's among them: files that follow each other make a sample.

`samples.py` says which; images are known by suffix or by their bytes. All else (`.cls`, `.pkl`,
links) is counted unread.
"""

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import rejection
from pipelines.crawl.images.image import (
    MAX_TEXT_BYTES,
    Image,
    Sidecar,
    images_of,
    read_sidecar,
    url_of,
)
from pipelines.crawl.images.kinds import HEAD_BYTES, image_type
from pipelines.crawl.images.members import Member, read_members
from pipelines.crawl.images.samples import IMAGE, OTHER, Name, Part, Sample, samples_of, split_name
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import WHOLE, Claim, Extent, every, in_few_parts
from pipelines.crawl.streams import DAMAGED_GZIP, gunzip, is_gzip
from pipelines.io.aside import ByteRange
from pipelines.io.carried import MAX_VALUE_CHARS
from pipelines.rejection import Rejection

TAR_SPLIT_BYTES = 256 << 20  # chosen: each part walks over all earlier headers

LINKS = "links, devices and sparse members"
HIDDEN = "hidden members"
NO_SUFFIX = "members without a suffix"
OTHERS = "members that are neither images nor texts"
FURTHER_IMAGES = "further images of a sample"
FURTHER_TEXTS = "further texts of a sample"

# Files of one key that are paired at a time, so that a tar whose names all begin with one year is
# not held whole. Chosen: many times what a sample has.
_MAX_FILES = 64
_MAX_BYTES = 64 << 20
_LABEL_BYTES = 4 * MAX_VALUE_CHARS + 1  # so that what is longer is seen to be

Rows = Iterator[Image | Rejection | PassedOver]


class _Content(NamedTuple):
    """An image or text as read.

    Args:
        member: where it is.
        encoded: its content; empty for an image above the limit.
        is_cut: the tar ends inside it.
    """

    member: Member
    encoded: bytes
    is_cut: bool


@dataclass
class _Unit:
    """Files of one key that follow each other, while they are read: the samples of a unit of work.

    Args:
        key: None for what comes before the first sample.
        is_read: False for a unit that starts before the part; its files are not read.
        names: stems and suffixes seen; a repeated one begins another unit.
        size: bytes of all files so far.
        parts: the images and texts.
        contents: of these, by their number.
        labels: texts of members that the source carries, by stem and suffix.
        others: what else there is, by kind.
    """

    key: str | None = None
    is_read: bool = False
    names: set[tuple[str, str]] = field(default_factory=set)
    size: int = 0
    parts: list[Part] = field(default_factory=list)
    contents: list[_Content] = field(default_factory=list)
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)

    def takes(self, name: Name) -> bool:
        """Whether a file that comes next belongs to it."""
        if name.key != self.key or (name.stem, name.suffix) in self.names:
            return False
        is_full = len(self.names) >= _MAX_FILES or self.size >= _MAX_BYTES
        return not is_full or any(stem == name.stem for stem, _ in self.names)


class _Tar(NamedTuple):
    """What the reading of a tar needs throughout.

    Args:
        stream: plain; seekable forward.
        location: where its bytes can be read again; empty where they cannot.
        source: names the keys of the `.json`.
        limit: bytes of an image, above which it is not read.
        carried: what the source carries, in lower case: also members with such a suffix.
    """

    stream: BinaryIO
    location: str
    source: Source
    limit: int
    carried: frozenset[str]


def read_tar(
    stream: BinaryIO,
    location: str,
    source: Source,
    max_image_bytes: int,
    start: int = 0,
    claim: Claim = every,
) -> Rows:
    """The samples that start at or after a position, as one image for each of their captions.

    Args:
        stream: plain or gzipped tar; seekable.
        location: where the stream can be opened again.
        source: names the keys of the `.json`.
        max_image_bytes: larger images are not read.
        start: in bytes.
        claim: asked for the start of each unit of samples, or once for a gzipped tar.
    """
    carried = frozenset(name.lower() for name in source.carry)
    tar = _Tar(stream, location, source, max_image_bytes, carried)
    if not is_gzip(stream):
        yield from _read_units(tar, start, claim)
        return
    if start > 0 or not claim(0):
        return
    try:
        yield from _read_units(tar._replace(stream=gunzip(stream), location=""), 0, every)
    except DAMAGED_GZIP:
        yield rejection("", "", "bad_record", "damaged compression")


def tar_extent(stream: BinaryIO, is_local: bool) -> Extent:
    """Bytes; one piece for a gzipped tar, since a deflated stream is read from its beginning.

    Args:
        stream: plain or gzipped tar; seekable.
        is_local: whether it is on a disk, where to walk over members costs next to nothing.
    """
    if is_gzip(stream):
        return WHOLE
    extent = Extent(stream.seek(0, io.SEEK_END), TAR_SPLIT_BYTES)
    return extent if is_local else in_few_parts(extent)


def _read_units(tar: _Tar, start: int, claim: Claim) -> Rows:
    unit: _Unit | None = None
    for member in read_members(tar.stream):
        name = split_name(member.name)
        what = "" if member.is_damaged else _passed_over(member, name, tar.stream)
        is_next = unit is None or (not what and (member.is_damaged or not unit.takes(name)))
        if unit is None or is_next:
            yield from _finish(unit, tar)
            unit = _Unit(None if what else name.key, member.position >= start)
            if unit.is_read and not claim(member.position):
                return
        if member.is_damaged and unit.is_read:
            yield rejection("", "", "bad_record", "not a tar header")
        elif what:
            unit.others[what] += not member.is_folder
        elif not member.is_damaged:
            _take(unit, member, name, tar)
    yield from _finish(unit, tar)


def _passed_over(member: Member, name: Name, stream: BinaryIO) -> str:
    """What a member is that no sample can have; empty for one that a sample can."""
    if not member.is_file:
        return LINKS
    if not name.key:
        return HIDDEN
    return "" if name.suffix or _is_image(member, stream) else NO_SUFFIX


def _take(unit: _Unit, member: Member, name: Name, tar: _Tar) -> None:
    """Read a file of a unit if it is an image or text."""
    unit.names.add((name.stem, name.suffix))
    unit.size += member.size
    if not unit.is_read:
        return
    kind = name.kind
    if kind == OTHER and _is_image(member, tar.stream):
        kind = IMAGE
    if kind == OTHER and name.suffix[1:] in tar.carried:
        unit.labels[name.stem, name.suffix[1:]] = _label(member, tar.stream)
        return
    if kind == OTHER:
        unit.others[OTHERS] += 1
        return
    is_held = kind != IMAGE or member.size <= tar.limit
    limit = member.size if kind == IMAGE else MAX_TEXT_BYTES + 1
    encoded, is_cut = _read(member, tar.stream, limit) if is_held else (b"", False)
    unit.parts.append(Part(name, kind, len(unit.contents)))
    unit.contents.append(_Content(member, encoded, is_cut))


def _label(member: Member, stream: BinaryIO) -> str:
    """The text of a small member; one that is too long or in another encoding is never carried."""
    content, _ = _read(member, stream, _LABEL_BYTES)
    return content.decode("utf-8", "surrogateescape").strip()


def _is_image(member: Member, stream: BinaryIO) -> bool:
    return image_type(_read(member, stream, HEAD_BYTES)[0]) is not None


def _read(member: Member, stream: BinaryIO, limit: int) -> tuple[bytes, bool]:
    """The content up to a limit, and whether the tar ends inside it."""
    wanted = min(member.size, limit)
    stream.seek(member.offset)
    content = stream.read(wanted)
    return content, len(content) < wanted


def _finish(unit: _Unit | None, tar: _Tar) -> Rows:
    """The rows of a unit whose files have all been seen."""
    if unit is None or not unit.is_read:
        return
    for sample in samples_of(unit.parts):
        yield from _rows(sample, unit, tar)
        for part in sample.further:
            unit.others[FURTHER_IMAGES if part.kind == IMAGE else FURTHER_TEXTS] += 1
    yield from (PassedOver(what, count) for what, count in sorted(unit.others.items()) if count)


def _rows(sample: Sample, unit: _Unit, tar: _Tar) -> Rows:
    image, text, document = (
        None if part is None else unit.contents[part.number]
        for part in (sample.image, sample.text, sample.document)
    )
    encoded = image.encoded if image else b""
    if any(content is not None and content.is_cut for content in (image, text, document)):
        yield rejection(url_of("", encoded), "", "bad_record", "shorter than its header says")
        return
    try:
        sidecar = _sidecar(text, document, tar.source, sample.is_guess, _labels(sample, unit))
    except ValueError as error:
        yield rejection(url_of("", encoded), "", "bad_metadata", str(error))
        return
    if sample.image is None or image is None:
        for caption in sidecar.captions:
            yield rejection(sidecar.url, caption, "no_picture", "no picture in the sample")
        return
    offset, size = image.member.offset, image.member.size
    blob = ByteRange(tar.location, offset, size) if tar.location else None
    yield from sidecar.faults()
    yield from images_of(sidecar, tar.source, sample.image.name.sample, encoded, blob, size)


def _labels(sample: Sample, unit: _Unit) -> dict[str, str]:
    """The texts of members beside an image: those with its own name before those with its key."""
    if sample.image is None:
        return {}
    name = sample.image.name
    found: dict[str, str] = {}
    for wanted in (name.key, name.stem):
        found |= {suffix: text for (stem, suffix), text in unit.labels.items() if stem == wanted}
    return found


def _sidecar(
    text: _Content | None,
    document: _Content | None,
    source: Source,
    is_guess: bool,
    labels: dict[str, str],
) -> Sidecar:
    caption, values = (None if c is None else c.encoded for c in (text, document))
    try:
        return read_sidecar(caption, values, source, is_line_a_caption=False, others=labels)
    except ValueError:
        if not is_guess:
            raise
        return _sidecar(text, None, source, False, labels)
