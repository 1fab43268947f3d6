"""Which rows of a run a person means: by a key, a URL, the name of an image, or the start of one.

Only light columns are read here, so that of all shards no image is.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial, reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.io.parquet import read_row_groups, read_schema
from pipelines.web.urls import canonical_url

KEY = re.compile(r"[0-9a-f]{8,40}")
URL = re.compile(r"(?:https?://|urn:)\S+", re.IGNORECASE)

_LIGHT = ("key", "url", "page_url", "name", "detail")
_AFTER = ("/", "!")  # what stands before the last part of a name

Test = tuple[str, Callable[[pa.ChunkedArray], Any]]  # of a column, to a mask


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
    tests = ((_equal_to(query), exact), (_resembling(query), near))
    for url, quotes_names in files:
        for table in _light(url, quotes_names):
            for wanted, found in tests:
                found.update(_matching(table, wanted))
    return sorted(exact or near)


def is_key_or_url(query: str) -> bool:
    """Whether a query is a key or a URL by its form, and so no text."""
    return bool(KEY.fullmatch(query) or URL.fullmatch(query))


def _light(url: str, quotes_names: bool) -> Iterator[pa.Table]:
    left_out = set() if quotes_names else {"detail"}
    there = [name for name in read_schema(url).names if name in _LIGHT and name not in left_out]
    for table in read_row_groups(url, there):
        yield table.rename_columns(["name" if name == "detail" else name for name in there])


def _equal_to(query: str) -> list[Test]:
    wanted = {"key": query, "url": _canonical(query), "page_url": query, "name": query}
    return [(name, partial(pc.equal, pa.scalar(value))) for name, value in wanted.items()]


def _resembling(query: str) -> list[Test]:
    tests: list[Test] = [("name", partial(pc.ends_with, pattern=mark + query)) for mark in _AFTER]
    if KEY.fullmatch(query):
        tests.append(("key", partial(pc.starts_with, pattern=query)))
    if URL.fullmatch(query):
        for start in sorted({query, _canonical(query)}):
            test = partial(pc.starts_with, pattern=start)
            tests += [("url", test), ("page_url", test)]
    return tests


def _matching(table: pa.Table, tests: Iterable[Test]) -> list[str]:
    """The keys of rows that pass one of some tests."""
    masks = [test(table[name]) for name, test in tests if name in table.column_names]
    mask = reduce(pc.or_, masks) if masks else pa.repeat(False, table.num_rows)
    keys: list[str] = table["key"].filter(pc.fill_null(mask, pa.scalar(False))).to_pylist()
    return keys


def _canonical(query: str) -> str:
    try:
        return canonical_url(query)
    except ValueError:
        return query
