"""Parquet as bytes that depend on the rows alone, with checksums on every page."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.errors import DalleError

ROW_GROUP_ROWS = 4096
ZSTD_LEVEL = 3
_MEND = "`dalle verify` names every such file, and how to make it again"


class UnreadableShardError(DalleError):
    """A shard cannot be read: which one, and what the reader said."""


def to_bytes(table: pa.Table, dictionary_columns: list[str] | None = None) -> bytes:
    """Serialise a table: zstd 3, row groups of 4,096 rows, page index, page checksums.

    Args:
        table: sorted by the caller; its schema metadata goes along.
        dictionary_columns: columns to encode by dictionary, by path in the Parquet schema.
    """
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        row_group_size=ROW_GROUP_ROWS,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        version="2.6",
        use_dictionary=dictionary_columns or False,
        write_page_index=True,
        write_page_checksum=True,  # without it pyarrow reads flipped bits without a word
    )
    return sink.getvalue()


def read_table(url: str, columns: list[str] | None = None) -> pa.Table:
    """Read a shard whole, or some of its columns, verifying page checksums.

    Raises:
        UnreadableShardError: missing, truncated or corrupt.
    """
    try:
        with files.open_read(url) as stream:
            return pq.read_table(stream, columns=columns, page_checksum_verification=True)
    except FileNotFoundError as error:
        raise UnreadableShardError(f"{url} is missing; {_MEND}") from error
    except Exception as error:  # pyarrow raises half a dozen classes on hostile bytes
        raise UnreadableShardError(f"{url} cannot be read: {error}; {_MEND}") from error
