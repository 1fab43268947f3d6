"""Tables of URLs and captions: Parquet by its content, else text; a bad row costs no other."""

from collections.abc import Iterator
from typing import BinaryIO

from pipelines.crawl.candidates import Found
from pipelines.crawl.images.image import Image
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import Claim, Extent, every
from pipelines.crawl.tables.parquet import parquet_extent, read_parquet
from pipelines.crawl.tables.text import read_text_table, text_extent
from pipelines.rejection import Rejection

_PARQUET = b"PAR1"


def read_table(
    stream: BinaryIO, name: str, source: Source, start: int = 0, claim: Claim = every
) -> Iterator[Found | Image | Rejection]:
    """Every row of a table, or a `bad_record` for it; the arguments are those of its two readers.

    Raises:
        ColumnError: a column is not there, or more than one could be meant.
    """
    read = read_parquet if _is_parquet(stream) else read_text_table
    return read(stream, name, source, start, claim)


def table_extent(stream: BinaryIO, name: str) -> Extent:
    """How a table is read in parts."""
    return parquet_extent(stream) if _is_parquet(stream) else text_extent(stream, name)


def _is_parquet(stream: BinaryIO) -> bool:
    stream.seek(0)
    return stream.read(len(_PARQUET)) == _PARQUET
