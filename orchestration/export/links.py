"""A data set as links: tables of URLs, captions and hashes that img2dataset downloads.

So LAION is shared: who has the table fetches the images, and the hashes say whether they are still
the same ones.
"""

from urllib.parse import urlsplit

import pyarrow as pa

from dalle_model import files
from orchestration.export.layouts import PAIR_KEY, PROVENANCE, shard_name
from orchestration.export.writers import table_writer

# `width`, `height`: of the original. `sha256`: of the bytes as served, which `--verify_hash` takes.
COLUMNS = ("url", "caption", "sha256", "width", "height", "phash", *PROVENANCE)
_WEB = ("http", "https")


def linked(table: pa.Table) -> pa.Table:
    """The rows whose image has an address on the web."""
    is_linked = [urlsplit(url).scheme in _WEB for url in table["url"].to_pylist()]
    return table.filter(pa.array(is_linked, pa.bool_()))


def links_of(table: pa.Table, added: list[pa.Field]) -> pa.Table:
    """The columns that are shared: `COLUMNS`, the key of the pair, and those that a run adds."""
    names = [*COLUMNS, "key", *(field.name for field in added)]
    return table.select(names).rename_columns(
        [PAIR_KEY if name == "key" else name for name in names]
    )


def url_of(out: str, shard: int) -> str:
    """Where a table lies."""
    return files.join(out, f"{shard_name(shard)}.parquet")


def write_links(out: str, shard: int, table: pa.Table) -> None:
    """One table, whole or absent; no column says that it may not be null, as img2dataset's."""
    fields = [field.with_nullable(True) for field in table.schema]
    whole = pa.table(table.columns, schema=pa.schema(fields))
    with files.writing(url_of(out, shard)) as stream, table_writer(stream, whole.schema) as writer:
        writer.write_table(whole)
