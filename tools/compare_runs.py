"""Compare two run directories, row by row: `python -m tools.compare_runs ONE OTHER`.

Every shard of rows kept and of rows dropped is compared by columns, types, order and values, every
file of a model by its bytes. Fingerprints, timings and footers are left out, since two versions of
the program may name the same work differently.
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def compare(one: Path, other: Path) -> list[str]:
    """What differs, a line for each file; empty where all rows are equal.

    Args:
        one: a run directory.
        other: another one.
    """
    names = {p.relative_to(one) for p in _files(one)} | {
        p.relative_to(other) for p in _files(other)
    }
    differences = [_difference(one / name, other / name, str(name)) for name in sorted(names)]
    return [difference for difference in differences if difference]


def _files(root: Path) -> list[Path]:
    """The output of stages: shards, rejections, and the files of models."""
    left_out = {"manifest.json", "timings.json", "config.json", "index.html"}
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and path.name not in left_out and "site" not in path.parts
    ]


def _difference(one: Path, other: Path, name: str) -> str:
    if not (one.exists() and other.exists()):
        return f"{name}: only in {one if one.exists() else other}"
    if one.suffix != ".parquet":
        return "" if one.read_bytes() == other.read_bytes() else f"{name}: other bytes"
    return _rows_differ(_table(one), _table(other), name)


def _rows_differ(one: pa.Table, other: pa.Table, name: str) -> str:
    if one.schema != other.schema:
        return f"{name}: other columns: {one.schema.names} and {other.schema.names}"
    if one.num_rows != other.num_rows:
        return f"{name}: {one.num_rows} rows and {other.num_rows}"
    columns = [column for column in one.column_names if one[column] != other[column]]
    return f"{name}: other values in {', '.join(columns)}" if columns else ""


def _table(path: Path) -> pa.Table:
    table: pa.Table = pq.read_table(path).combine_chunks().replace_schema_metadata()
    return table


def main() -> int:
    """Print what differs; exit with 1 where something does."""
    one, other = (Path(argument) for argument in sys.argv[1:])
    differences = compare(one, other)
    for line in differences:
        print(line)
    shards = sum(path.suffix == ".parquet" for path in _files(one))
    print(f"{len(_files(one))} files, {shards} of them Parquet: {len(differences)} differ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
