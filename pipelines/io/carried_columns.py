"""Values that sources carry, as columns of a table: settings alone fix their types."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa

from pipelines.io.carried import Type, read_as, unpacked

COLUMN = "carried"
_ARROW = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64()}


def fields(types: Mapping[str, Type]) -> list[pa.Field]:
    """The columns of carried values, by name: string, int64 or double, null where there is none."""
    return [pa.field(name, _ARROW[kind]) for name, kind in sorted(types.items())]


def with_carried(
    tables: Iterable[pa.Table], types: Mapping[str, Type], unreadable: Counter[str]
) -> Iterator[pa.Table]:
    """Tables of images with the columns of `fields` behind their own.

    Args:
        tables: with a column `carried`.
        types: by name; values of other names are left out.
        unreadable: is told by name how many values could not be read as their type.
    """
    for table in tables:
        columns = expanded(table[COLUMN].to_pylist(), types, unreadable) if types else {}
        schema = pa.schema([*table.schema, *fields(types)])
        arrays = [*table.columns, *(columns[field.name] for field in fields(types))]
        yield pa.table(arrays, schema=schema)


def expanded(
    texts: Iterable[str], types: Mapping[str, Type], unreadable: Counter[str]
) -> dict[str, pa.Array]:
    """Columns of the values of some rows, packed in one text a row; args as of `with_carried`."""
    rows = [unpacked(text) for text in texts]
    columns = {}
    for name, kind in types.items():
        values = [None if name not in row else read_as(row[name], kind) for row in rows]
        columns[name] = pa.array(values, _ARROW[kind])
        if failed := sum(v is None and name in r for v, r in zip(values, rows, strict=True)):
            unreadable[name] += failed
    return columns


def passed_over(types: Mapping[str, Type], unreadable: Counter[str]) -> dict[str, int]:
    """What became null since it is not of its type, by kind, for the books."""
    return {
        f"values of `{name}` that are no {types[name]}": unreadable[name] for name in unreadable
    }
