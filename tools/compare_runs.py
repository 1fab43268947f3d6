"""Compare two run directories, row by row: `python -m tools.compare_runs ONE OTHER`.

Every shard of rows kept and of rows dropped is compared by columns, types, order and values, the
tensors of every checkpoint and every other file by their bytes. Fingerprints, timings, footers and
the metadata of checkpoints are left out, since two versions of the program may name the same work
differently.
"""

import json
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
        if path.is_file() and path.name not in left_out and not {"site", "manifest"} & {*path.parts}
    ]


def _difference(one: Path, other: Path, name: str) -> str:
    if not (one.exists() and other.exists()):
        return f"{name}: only in {one if one.exists() else other}"
    if one.suffix == ".parquet":
        return _rows_differ(_table(one), _table(other), name)
    read = _tensors if one.suffix == ".safetensors" else Path.read_bytes
    return "" if read(one) == read(other) else f"{name}: other bytes"


def _rows_differ(one: pa.Table, other: pa.Table, name: str) -> str:
    if one.schema != other.schema:
        return f"{name}: other columns: {one.schema.names} and {other.schema.names}"
    if one.num_rows != other.num_rows:
        return f"{name}: {one.num_rows} rows and {other.num_rows}"
    columns = [column for column in one.column_names if one[column] != other[column]]
    return f"{name}: other values in {', '.join(columns)}" if columns else ""


def _tensors(path: Path) -> bytes:
    """Names, types, shapes and values of a checkpoint, without its metadata.

    Source: huggingface/safetensors README, "Format": the length of a JSON header, the header, data.
    """
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header.pop("__metadata__", None)
    return json.dumps(header, sort_keys=True).encode() + content[end:]


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
