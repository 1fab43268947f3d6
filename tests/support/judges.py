"""What readers make of strangers' bytes, in a word: `ok`, or the reason or error that they name.

What they may not raise is raised here too, and ends the process.
"""

import io
import tempfile
from pathlib import Path

OK = "ok"


def image(content: bytes) -> str:
    """The images stage."""
    from pipelines.images.config import ImagesConfig
    from pipelines.images.sandbox.sandbox import shared_sandbox
    from pipelines.rejection import Check

    config = ImagesConfig(side=8, max_aspect=1000, resize="lanczos")  # so that most are decoded
    outcome = shared_sandbox().measure(content, config).outcome
    return outcome.reason if isinstance(outcome, Check) else OK


def shard(content: bytes) -> str:
    """A stage that reads a shard of another one, whole and in part."""
    import numpy as np

    from pipelines.io.parquet import UnreadableShardError, read_rows, read_table

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.parquet"
        path.write_bytes(content)
        try:
            table = read_table(str(path))
            read_rows(str(path), np.ones(table.num_rows, np.bool_), table.column_names[:1])
        except UnreadableShardError as error:
            return "unreadable" if str(path) in str(error) else str(error)
    return OK


def token_shard(content: bytes) -> str:
    """A training that reads token shards."""
    from dalle_model.shards import ShardError, read_shards

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.parquet"
        path.write_bytes(content)
        try:
            read_shards([str(path)])
        except ShardError as error:
            return "unreadable" if str(path) in str(error) else str(error)
    return OK


def table_of_urls(content: bytes) -> str:
    """The crawl stage, with a source that is a Parquet table."""
    from pipelines.crawl.config import CrawlConfig
    from pipelines.crawl.readers.registry import reader_for
    from pipelines.crawl.sources import InputFile, Source
    from pipelines.crawl.splits import every
    from pipelines.crawl.streams import OpenInput
    from pipelines.crawl.tables.columns import ColumnError
    from pipelines.rejection import Rejection

    source = Source(path="pairs.parquet")
    opened = OpenInput(InputFile(source.path, "table"), io.BytesIO(content))
    try:
        config = CrawlConfig(sources=(source,))
        rows = list(reader_for(opened).read(opened, source, config, 0, every))
    except ColumnError:
        return "no_columns"
    return "rejected" if any(isinstance(row, Rejection) for row in rows) else OK
