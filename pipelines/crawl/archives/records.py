"""The records of a web archive, of which a damaged one costs no other.

Damage is found by reading each section (see `sections.py`) by itself. As that is twice the work,
sections are read in runs, as one archive, for as long as each record begins where its section does;
the rows of a record count only once the records after it have confirmed it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, TypeVar

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from pipelines.crawl.archives.sections import Section, content_between, sections
from pipelines.crawl.splits import Claim, every

_RUN_BYTES = 1 << 20  # chosen: some hundred records, against microseconds to open an archive
_CONFIRMED_BY = 2

T = TypeVar("T")
Parse = Callable[[WarcRecord], Sequence[T]]


def read_records(
    stream: BinaryIO, parse: Parse[T], start: int = 0, claim: Claim = every
) -> Iterator[T | None]:
    """The rows of each record; None wherever a record should be but none can be read.

    Args:
        stream: plain or gzipped by record; seekable.
        parse: called with each record, perhaps twice; the record is valid until it returns.
        start: records that start before it, in bytes, are left out.
        claim: asked for the start of each record, or of the gzip member that holds it, up to
            1 MiB before it is read.
    """
    for run in _runs(sections(stream, start, claim)):
        if run is None:
            yield None
        else:
            yield from _read_run(run, parse)


def read_up_to(record: WarcRecord, limit: int) -> bytes:
    """Up to so many bytes of the payload of a record.

    Raises:
        OSError: damaged compression.
    """
    parts: list[bytes] = []
    wanted = limit
    while wanted > 0 and (part := record.reader.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _runs(found: Iterable[Section | None]) -> Iterator[list[Section] | None]:
    """Sections in runs; those that may hold more than their records are alone in one."""
    run: list[Section] = []
    size = 0
    for section in found:
        if section is None:
            yield None
        elif section.is_last or not section.is_small:
            yield from filter(None, (run, [section]))
            run, size = [], 0
        else:
            run.append(section)
            size += section.end - section.start
            if size >= _RUN_BYTES:
                yield run
                run, size = [], 0
    if run:
        yield run


def _read_run(run: list[Section], parse: Parse[T]) -> Iterator[T | None]:
    num_confirmed = 0
    if len(run) > 1:
        for rows in _confirmed(run, parse):
            num_confirmed += 1
            yield from rows
    for section in run[num_confirmed:]:
        yield from _read_section(section, parse)


def _confirmed(run: list[Section], parse: Parse[T]) -> Iterator[Sequence[T]]:
    """The rows of the sections up to the first that is not exactly one record.

    The second record of a gzip member is found where the next member begins, so that it takes two
    further records to confirm one.
    """
    first, last = run[0], run[-1]
    content = content_between(first.archive, first.start, last.end)
    starts = iter([*(section.start - first.start for section in run), last.end - first.start])
    waiting: deque[Sequence[T]] = deque()
    try:
        for record, start in zip(_archive(content), starts, strict=False):
            if record.stream_pos != start or not _has_length(record):
                return
            if len(waiting) == _CONFIRMED_BY:
                yield waiting.popleft()
            waiting.append(parse(record))
    except OSError:
        return
    if next(starts, None) == last.end - first.start:
        yield from waiting


def _read_section(section: Section, parse: Parse[T]) -> Iterator[T | None]:
    """The rows of the records of a section, and None for damage that no row reports.

    That is a section without a record, a damaged record without rows, whatever it was before, and
    unreadable bytes after a record.
    """
    num_rows, num_read, is_whole = 0, 0, True
    try:
        for record in _archive(section.open()):
            num_read += 1
            is_whole = is_whole and _has_length(record)
            rows = parse(record)
            num_rows += len(rows)
            yield from rows
    except OSError:
        is_whole = False
    is_silent = num_read == 0 or (not is_whole and num_rows == 0)
    if is_silent or ((section.is_last or not is_whole) and section.has_rest()):
        yield None


def _has_length(record: WarcRecord) -> bool:
    """Whether the header says how long the record is, as it must; damaged ones do not."""
    return record.headers.get("Content-Length") is not None


def _archive(content: BinaryIO) -> ArchiveIterator:
    return ArchiveIterator(content, record_types=WarcRecordType.any_type, auto_decode="all")
