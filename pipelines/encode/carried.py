"""Values that sources carry, as columns of the token shard: settings alone fix their types."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa

from dalle_model.shards import ShardError
from pipelines.io.carried import Type, read_as, unpacked

_COLUMN = "carried"
_ARROW = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64()}


def fields(types: Mapping[str, Type]) -> list[pa.Field]:
    """The columns of carried values, by name: string, int64 or double, null where there is none."""
    return [pa.field(name, _ARROW[kind]) for name, kind in sorted(types.items())]


def refuse_shared_names(added: Iterable[str], types: Mapping[str, Type]) -> None:
    """Refuse to write two columns of one name.

    Raises:
        ShardError: a filter of images adds a column that a source carries.
    """
    if shared := sorted(set(added) & set(types)):
        raise ShardError(
            f"a source carries {shared[0]!r}, and a stage that filters images adds a column of "
            "this name; leave it out of `carry`, or give it another name in the source"
        )


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
        columns = expanded(table[_COLUMN].to_pylist(), types, unreadable) if types else {}
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
