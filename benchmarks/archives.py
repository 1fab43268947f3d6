"""A web archive to candidates, beside the floor: fastwarc passing over its records."""

from fastwarc.warc import ArchiveIterator, WarcRecordType

from benchmarks.material import ARCHIVE, candidates, pages
from benchmarks.measure import Row, race, speed


def measure() -> list[Row]:
    """HTML pages per CPU-second; the archive's pictures are passed over in both."""
    times = race(candidates, _pass_over, repeats=5)
    return [speed("WARC to candidates", "pages", "floor: fastwarc alone", len(pages()), times)]


def _pass_over() -> int:
    with ARCHIVE.open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response)
        return sum(record.content_length for record in records)
