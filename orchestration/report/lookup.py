"""Which rows of a run a person means: by a key, a URL, the name of an image, or the start of one.

Only light columns are read here, so that of all shards no image is.
"""

import re
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.io.parquet import read_row_groups, read_schema
from pipelines.web.urls import canonical_url

KEY = re.compile(r"[0-9a-f]{8,40}")
URL = re.compile(r"(?:https?://|urn:)\S+", re.IGNORECASE)

_LIGHT = ("key", "url", "page_url", "name", "detail")
_AFTER = ("/", "!")  # what stands before the last part of a name

Mask = pa.ChunkedArray | pa.BooleanArray
Match = Callable[[pa.Table], Mask]


def keys_of(files: Iterable[tuple[str, bool]], query: str) -> list[str]:
    """The keys of the rows that a query names, sorted.

    Rows that it names exactly are preferred to those of which it is only the start, or, of a name,
    the end.

    Args:
        files: URLs of shards, and of each whether it holds rejections that quote names.
        query: a key or the start of one (8 digits or more), a URL of an image or a page or the
            start of one, or the name of an image or its last parts.
    """
    exact, near = set[str](), set[str]()
    matches = [(_equals(query), exact), (_resembles(query), near)]
    for url, quotes_names in files:
        for table in _light(url, quotes_names):
            for match, found in matches:
                mask = pc.fill_null(match(table), pa.scalar(False))
                found.update(table["key"].filter(mask).to_pylist())
    return sorted(exact or near)


def is_key_or_url(query: str) -> bool:
    """Whether a query is a key or a URL by its form, and so no text."""
    return bool(KEY.fullmatch(query) or URL.fullmatch(query))


def _light(url: str, quotes_names: bool) -> Iterator[pa.Table]:
    left_out = set() if quotes_names else {"detail"}
    there = [name for name in read_schema(url).names if name in _LIGHT and name not in left_out]
    for table in read_row_groups(url, there):
        yield table.rename_columns(["name" if name == "detail" else name for name in there])


def _equals(query: str) -> Match:
    address = _canonical(query)
    wanted = {"key": query, "url": address, "page_url": query, "name": query}
    return lambda table: _any(
        table,
        ((name, lambda column, v=value: pc.equal(column, v)) for name, value in wanted.items()),
    )


def _resembles(query: str) -> Match:
    tests: list[tuple[str, Callable[[pa.ChunkedArray], Mask]]] = [
        ("name", lambda column, end=mark + query: pc.ends_with(column, end)) for mark in _AFTER
    ]
    if KEY.fullmatch(query):
        tests.append(("key", lambda column: pc.starts_with(column, query)))
    if URL.fullmatch(query):
        for start in {query, _canonical(query)}:
            for name in ("url", "page_url"):
                tests.append((name, lambda column, start=start: pc.starts_with(column, start)))
    return lambda table: _any(table, tests)


def _any(table: pa.Table, tests: Iterable[tuple[str, Callable[[pa.ChunkedArray], Mask]]]) -> Mask:
    mask: Mask = pa.repeat(False, table.num_rows)
    for name, test in tests:
        if name in table.column_names:
            mask = pc.or_(mask, test(table[name]))
    return mask


def _canonical(query: str) -> str:
    try:
        return canonical_url(query)
    except ValueError:
        return query
