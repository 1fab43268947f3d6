"""The records of a web archive, of which a damaged one costs no other.

Damage is found by reading each section (see `sections.py`) by itself. As that is twice the work,
sections are read in runs, as one archive, for as long as each record begins where its section does;
the rows of a record count only once the records after it have confirmed it.
"""

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import BinaryIO, TypeVar, cast

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from pipelines.crawl.archives.headers import with_canonical_header
from pipelines.crawl.archives.inflated import Inflated, Unpacked, Unzstd
from pipelines.crawl.archives.kinds import Kind
from pipelines.crawl.archives.sections import Section, content_between, sections
from pipelines.crawl.archives.starts import end_of_block, is_zstd
from pipelines.crawl.splits import Claim, every

_RUN_BYTES = 1 << 20  # chosen: some hundred records, against microseconds to open an archive
_CONFIRMED_BY = 2
_AHEAD_BYTES = 1 << 14  # chosen: the headers of the record after a run, which confirms the last

T = TypeVar("T")
Parse = Callable[[WarcRecord], Sequence[T]]


def read_records(
    stream: BinaryIO, parse: Parse[T], start: int = 0, claim: Claim = every
) -> Iterator[T | None]:
    """The rows of each record; None wherever a record should be but none can be read.

    Args:
        stream: plain, gzipped, or packed by zstd; seekable.
        parse: called with each record, perhaps twice; the record is valid until it returns.
        start: records that start before it, in bytes, are left out.
        claim: asked for the start of each record, or of the gzip member that holds it, up to
            1 MiB before it is read.
    """
    if not is_zstd(stream):
        yield from _read_sections(sections(stream, start, claim), parse)
    elif start == 0 and claim(0):
        content = Unzstd(stream)
        yield from _read_sections(sections(_buffered(content), 0, every), parse)
        if content.is_damaged:
            yield None


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


def _read_sections(found: Iterable[Section | None], parse: Parse[T]) -> Iterator[T | None]:
    for run in _runs(found):
        if run is None:
            yield None
        else:
            yield from _read_run(run, parse)


def _buffered(content: Unpacked) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(content))


def _read_run(run: list[Section], parse: Parse[T]) -> Iterator[T | None]:
    num_confirmed = 0
    if len(run) > 1:
        for rows in _confirmed(run, parse):
            num_confirmed += 1
            yield from rows
    for section in run[num_confirmed:]:
        yield from (_read_packed if section.is_gzip else _read_section)(section, parse)


def _confirmed(run: list[Section], parse: Parse[T]) -> Iterator[Sequence[T]]:
    """The rows of the sections up to the first that is not exactly one record.

    The second record of a gzip member is found where the next member begins, so that it takes two
    further records to confirm one. A member that is cut is noticed by the next one only.
    """
    first, end = run[0], run[-1].end
    content = content_between(first.archive, first.start, end + _AHEAD_BYTES)
    starts = (start - first.start for start in (*(section.start for section in run), end))
    waiting: deque[Sequence[T]] = deque()
    try:
        for record, start in zip(_archive(content), starts, strict=False):
            if record.stream_pos != start:
                return
            if start == end - first.start:  # the record after the run
                break
            if not _has_length(record):
                return
            if len(waiting) == _CONFIRMED_BY:
                yield waiting.popleft()
            waiting.append(parse(record))
        else:
            return
    except OSError:
        return
    yield from waiting


def _read_packed(section: Section, parse: Parse[T]) -> Iterator[T | None]:
    """The rows of a section made of gzip members.

    Several records in it are an archive of their own, in which damage costs no other record
    either: all that can be inflated is read. Of one record, damage anywhere costs that record.
    """
    content = Inflated(section.open())
    inner = sections(_buffered(content), 0, every)
    first = list(islice(inner, 2))
    if first in ([], [None]):
        yield None
    elif len(first) == 1 and first[0]:
        around = section._replace(is_last=section.is_last or content.is_damaged)
        yield from _read_section(_up_to_damage(first[0], content), parse, around)
    else:
        yield from _read_sections(chain(first, inner), parse)
        if content.is_damaged:
            yield None


def _is_passed_over(rows: Sequence[T]) -> bool:
    return any(isinstance(row, Kind) for row in rows)


def _up_to_damage(record: Section, content: Inflated) -> Section:
    """A record that is all there is; a wrong checksum alone is damage, too, to any of its bytes."""
    block_end = end_of_block(record.archive, record.start) or record.end
    if not content.is_damaged or block_end <= content.sound:
        return record
    return record._replace(end=min(record.end, block_end - 1), is_damaged=True)


def _read_section(
    section: Section, parse: Parse[T], around: Section | None = None
) -> Iterator[T | None]:
    """The rows of the records of a plain section, and None for damage that no row reports.

    That is a section without a record, a damaged record without rows, whatever it was before, and
    unreadable bytes after a record.

    Args:
        section: plain.
        parse: as in `read_records`.
        around: the gzipped section that it is all of, `is_last` if something may follow it there.
    """
    num_told, num_read, is_whole = 0, 0, True
    try:
        for record in _archive(with_canonical_header(section)):
            num_read += 1
            is_whole = is_whole and _has_length(record)
            rows = parse(record)
            if _is_passed_over(rows) and not (is_whole and _is_read(record)):
                is_whole = False
                break
            num_told += len(rows)
            yield from rows
    except OSError:
        is_whole = False
    is_silent = num_read == 0 or (not is_whole and num_told == 0)
    wholes = [section, around] if around else [section]
    may_have_rest = wholes[-1].is_last or not is_whole
    if is_silent or (may_have_rest and any(whole.has_rest() for whole in wholes)):
        yield None


def _is_read(record: WarcRecord) -> bool:
    """Whether the rest of a record can be read."""
    try:
        record.reader.consume()
    except OSError:
        return False
    return True


def _has_length(record: WarcRecord) -> bool:
    """Whether the header says how long the record is, as it must, in the parser's own spelling.

    With any other, the parser takes it to be empty, so that no other record is looked at closely.
    """
    if record.content_length > 0:
        return True
    if record.is_http_parsed and record.http_headers.status_line:  # there is a block
        return True
    return any(name == "Content-Length" for name, _ in record.headers.astuples())


def _archive(content: BinaryIO) -> ArchiveIterator:
    return ArchiveIterator(content, record_types=WarcRecordType.any_type, auto_decode="none")
