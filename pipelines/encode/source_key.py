"""The column `source_key`: by which other data about an image of the same source is joined."""

import pyarrow as pa
import pyarrow.compute as pc

# What stands before the key in the name of an image in a file of several: `docs/sources.md`, Names.
_FILE = r"^.*?\.(?:tar|tar\.gz|tgz|parquet)!"


def source_keys(names: pa.ChunkedArray) -> pa.ChunkedArray:
    """What rows are called within the file or folder that holds their image.

    Of a tar that is the key of the sample, WebDataset's `__key__`; of a Parquet table the `path`
    beside the bytes, or the number of the row; of a folder the path of the file. Tokens of two
    codecs are joined by `key` and `view` instead, which are of one run or of runs of one source.

    Args:
        names: the column `name`.

    Returns:
        Null where it is empty: images of the web are named by their `url`.
    """
    keys = pc.replace_substring_regex(names, _FILE, "")
    return pc.if_else(pc.equal(names, ""), pa.scalar(None, pa.string()), keys)


def with_source_keys(table: pa.Table) -> pa.Table:
    """Rows of images with the column."""
    return table.append_column(pa.field("source_key", pa.string()), source_keys(table["name"]))
