"""The layouts of img2dataset's output: names of files, keys, columns, statistics.

Source: img2dataset 1.47.0, `writer.py`, `downloader.py` (`compute_key`, the schema of
`download_shard`), `logger.py` (`write_stats`).
"""

import math

import pyarrow as pa

SHARD_DIGITS = 5  # Source: img2dataset `main.py` `download`, default of `oom_shard_count`
SAMPLES_PER_SHARD = 10_000  # Source: the same, default of `number_sample_per_shard`
ROW_GROUP_ROWS = 100  # Source: img2dataset `writer.py`, `BufferedParquetWriter`

# What a column of ours that img2dataset has no name for is called there: its `key` is a position.
PAIR_KEY = "pair_key"
PROVENANCE = ("page_url", "license", "source", "name")

# Columns that img2dataset adds to those of its input, in its order and types.
OUTCOME = (
    pa.field("key", pa.string()),
    pa.field("status", pa.string()),
    pa.field("error_message", pa.string()),
    pa.field("width", pa.int32()),
    pa.field("height", pa.int32()),
    pa.field("original_width", pa.int32()),
    pa.field("original_height", pa.int32()),
    pa.field("exif", pa.string()),
    pa.field("sha256", pa.string()),
)
# Source: img2dataset `main.py` `arguments_validator`: no further column may have these names.
RESERVED = frozenset({field.name for field in OUTCOME} | {"caption", "url", "md5", "sha512"})


def shard_name(shard: int) -> str:
    """The name of a shard, such as `00007`."""
    return f"{shard:0{SHARD_DIGITS}d}"


def sample_key(shard: int, position: int, samples_per_shard: int) -> str:
    """The key of a sample, such as `000070042`: its shard, and its position there."""
    digits = math.ceil(math.log10(samples_per_shard))
    return f"{shard * 10**digits + position:0{digits + SHARD_DIGITS}d}"


def log_schema(added: list[pa.Field]) -> pa.Schema:
    """The columns of the table of results.

    Args:
        added: columns of the run beside those of every run, such as scores.
    """
    further = [pa.field(name, pa.string()) for name in (*PROVENANCE, PAIR_KEY)]
    pair = [pa.field("caption", pa.string()), pa.field("url", pa.string())]
    return pa.schema([*further, *(f.with_nullable(True) for f in added), *pair, *OUTCOME])


def statistics(count: int) -> dict[str, object]:
    """The statistics of a shard, all of whose samples are there; without times.

    A file with times would be another one each time that it is written.
    """
    return {
        "count": count,
        "successes": count,
        "failed_to_download": 0,
        "failed_to_resize": 0,
        "status_dict": {"success": count},
    }
