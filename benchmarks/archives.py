"""A web archive to candidates, against a floor: fastwarc skipping through its records."""

from fastwarc.warc import ArchiveIterator, WarcRecordType

from benchmarks.material import ARCHIVE, candidates, pages
from benchmarks.measure import Row, race, speed


def measure() -> list[Row]:
    """HTML pages per CPU-second; both skip the archive's images."""
    times = race(candidates, _skip_through, repeats=5)
    return [speed("WARC to candidates", "pages", "floor: fastwarc alone", len(pages()), times)]


def _skip_through() -> int:
    with ARCHIVE.open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response)
        return sum(record.content_length for record in records)
